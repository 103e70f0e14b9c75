/* The life of a room's process, from exec to exit. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asker/asker.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "courier/courier.h"
#include "desk/desk.h"
#include "edge/edge.h"
#include "keeper/keeper.h"
#include "supervisor/sandbox.h"
#include "supervisor/spawn.h"
#include "supervisor/supervisor.h"

struct kind {
	enum party party;
	size_t config_size;
	enum status (*start)(
	    void **out, struct room *room, const void *cfg, struct err *e);
	void (*free)(void *self);
};

#define KIND_FUNCTIONS(name)                                               \
	static enum status start_##name(                                   \
	    void **out, struct room *room, const void *cfg, struct err *e) \
	{                                                                  \
		struct name *self;                                         \
		enum status st = name##_start(&self, room, cfg, e);        \
                                                                           \
		*out = self;                                               \
		return st;                                                 \
	}                                                                  \
	static void free_##name(void *self)                                \
	{                                                                  \
		name##_free(self);                                         \
	}

KIND_FUNCTIONS(edge)
KIND_FUNCTIONS(keeper)
KIND_FUNCTIONS(asker)
KIND_FUNCTIONS(courier)
KIND_FUNCTIONS(desk)

#define KIND(PARTY, name)                                                  \
	{                                                                  \
		PARTY_##PARTY, sizeof(struct name##_config), start_##name, \
		    free_##name                                            \
	}

static const struct kind kinds[] = {
	KIND(EDGE, edge),
	KIND(KEEPER, keeper),
	KIND(ASKER, asker),
	KIND(COURIER, courier),
	KIND(DESK, desk),
};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(party_name(kinds[i].party), name) == 0)
			return &kinds[i];
	}
	return NULL;
}

/* The room's struct; the memfd is overwritten, its pages go back unmarked. */
static void *
take_config(size_t size)
{
	struct stat sb;
	void *cfg = NULL, *shared;

	if (fstat(SPAWN_CONFIG, &sb) != 0 || (size_t)sb.st_size != size)
		return NULL;
	shared = mmap(
	    NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, SPAWN_CONFIG, 0);
	if (shared == MAP_FAILED)
		return NULL;
	cfg = malloc(size);
	if (cfg != NULL)
		memcpy(cfg, shared, size);
	secret_wipe(shared, size);
	(void)munmap(shared, size);
	(void)close(SPAWN_CONFIG);
	return cfg;
}

static void
on_control(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct room *room = arg;

	(void)count;
	if (type == MSG_DRAIN)
		room->on_drain(room->arg);
	else if (room->on_message != NULL)
		room->on_message(room->arg, type, records, fd);
	else if (fd >= 0)
		(void)close(fd);
}

/* Without the supervisor nobody may go on. */
static void
on_control_end(void *arg, enum channel_end why)
{
	(void)arg;
	(void)why;
	log_flush();
	_exit(1);
}

static bool
open_fd(int fd)
{
	struct stat sb;

	return fstat(fd, &sb) == 0;
}

static void
find_descriptors(struct room *room)
{
	room->keeper = room->control = -1;
	room->listeners[0] = room->listeners[1] = room->listeners[2] = -1;
	switch (room->party) {
	case PARTY_KEEPER:
		room->control = SPAWN_KEEPER;
		break;
	case PARTY_EDGE:
		room->keeper = SPAWN_KEEPER;
		room->listeners[0] = SPAWN_LISTENER;
		break;
	case PARTY_DESK:
		room->keeper = SPAWN_KEEPER;
		room->listeners[1] = SPAWN_LISTENER;
		room->listeners[2] = SPAWN_LISTENER_2;
		while (room->n_pages < ROOM_FDS &&
		       open_fd(SPAWN_PAGES + room->n_pages)) {
			room->pages[room->n_pages] =
			    SPAWN_PAGES + room->n_pages;
			room->n_pages++;
		}
		break;
	default:
		room->keeper = SPAWN_KEEPER;
		break;
	}
}

/* Signals are the supervisor's business; a terminal's Ctrl-C or a service
 * manager reaches the whole group. */
static void
ignore_signals(void)
{
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

static int
exit_code_of(enum status st)
{
	if (st == ST_CONFIG)
		return 78;
	return st == ST_IO ? 74 : 1;
}

static int
fail(enum status st, const struct err *e)
{
	log_event(LOG_ROOM_FAILED, log_word(KEY_DETAIL, e->text));
	return exit_code_of(st);
}

static enum status
set_up(const struct kind *kind, struct room *room, struct channel **control,
    void **self, struct err *e)
{
	struct channel_config cc = { .fd = SPAWN_CONTROL,
		.self = kind->party,
		.peer = PARTY_SUPERVISOR,
		.most_queued = 4,
		.on_records = on_control,
		.on_end = on_control_end,
		.arg = room };
	struct msg_empty ready = { 0 };
	enum status st;
	void *cfg;

	cfg = take_config(kind->config_size);
	if (cfg == NULL || metrics_attach(SPAWN_METRICS) != ST_OK) {
		free(cfg);
		err_set(e, "what the supervisor handed over is not usable");
		return ST_INTERNAL;
	}
	(void)close(SPAWN_METRICS);
	st = loop_new(&room->loop, e);
	if (st == ST_OK)
		st = channel_new(control, room->loop, &cc, e);
	if (st == ST_OK && kind->party == PARTY_KEEPER)
		st = sandbox_store(
		    ((const struct keeper_config *)cfg)->store_path, e);
	if (st == ST_OK)
		st = kind->start(self, room, cfg, e);
	secret_wipe(cfg, kind->config_size);
	free(cfg);
	if (st == ST_OK)
		st = sandbox_close(kind->party, e);
	if (st == ST_OK)
		st = channel_add(*control, MSG_READY, &ready);
	return st;
}

int
supervisor_room_main(int argc, char **argv)
{
	const struct kind *kind = argc == 4 ? find_kind(argv[2]) : NULL;
	struct channel *control = NULL;
	struct room room = { 0 };
	struct err e = { "" };
	void *self = NULL;
	enum status st;

	if (kind == NULL)
		return 2;
	log_room(party_name(kind->party));
	(void)prctl(PR_SET_NAME, "paysieve");
	ignore_signals();
	st = sandbox_early(kind->party, &e);
	if (st != ST_OK)
		return fail(st, &e);
	room.party = kind->party;
	room.slot = (uint32_t)strtoul(argv[3], NULL, 10);
	find_descriptors(&room);
	st = set_up(kind, &room, &control, &self, &e);
	log_gather();
	if (st == ST_OK)
		loop_run(room.loop);
	else
		room.exit_code = fail(st, &e);
	kind->free(self);
	channel_free(control);
	loop_free(room.loop);
	log_flush();
	return room.exit_code;
}
