#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "supervisor/listen.h"
#include "supervisor/sandbox.h"
#include "supervisor/state.h"

static bool
add_slot(struct supervisor *s, enum party party, uint32_t index, int listener,
    int listener2)
{
	struct slot *slot = &s->slots[s->n_slots++];

	*slot = (struct slot){ .sup = s,
		.party = party,
		.index = index,
		.listeners = { listener, listener2 } };
	slot->metrics = metrics_page_new();
	s->pages[s->n_pages++] = slot->metrics;
	slot->again =
	    evtimer_new(loop_base(s->loop), supervisor_on_again, slot);
	return slot->metrics >= 0 && slot->again != NULL;
}

/* Every socket and page, before any room exists. */
static enum status
open_slots(struct supervisor *s, struct err *e)
{
	struct config *c = s->plan->config;
	int api, admin;
	bool ok;

	ok = add_slot(s, PARTY_KEEPER, 0, -1, -1);
	for (int64_t i = 0; i < c->limits.edges && i < EDGES_MAX; i++) {
		int fd = listen_tcp(&c->callbacks, true, e);

		if (fd < 0)
			return ST_CONFIG;
		ok &= add_slot(s, PARTY_EDGE, (uint32_t)i, fd, -1);
	}
	api = listen_tcp(&c->api, false, e);
	admin = listen_tcp(&c->admin, false, e);
	if (api < 0 || admin < 0)
		return ST_CONFIG;
	ok &= add_slot(s, PARTY_ASKER, 0, -1, -1);
	ok &= add_slot(s, PARTY_COURIER, 0, -1, -1);
	ok &= add_slot(s, PARTY_DESK, 0, api, admin);
	s->pages[s->n_pages++] = metrics_page_new();
	if (!ok || metrics_attach(s->pages[s->n_pages - 1]) != ST_OK) {
		err_set(e, "metrics pages cannot be made");
		return ST_IO;
	}
	return ST_OK;
}

static enum status
watch_signals(struct supervisor *s, struct err *e)
{
	static const int list[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		s->signals[i] = evsignal_new(
		    loop_base(s->loop), list[i], supervisor_on_signal, s);
		if (s->signals[i] == NULL ||
		    event_add(s->signals[i], NULL) != 0) {
			err_set(e, "signals cannot be watched");
			return ST_INTERNAL;
		}
	}
	s->deadline =
	    evtimer_new(loop_base(s->loop), supervisor_on_deadline, s);
	return s->deadline == NULL ? ST_NO_MEMORY : ST_OK;
}

enum status
setup_open(struct supervisor *s, struct err *e)
{
	enum status st;

	st = sandbox_private(e);
	if (st == ST_OK)
		st = sandbox_close(PARTY_SUPERVISOR, e);
	if (st == ST_OK)
		log_event(LOG_WALLS, log_num(KEY_LANDLOCK, sandbox_landlock()));
	if (st == ST_OK)
		st = loop_new(&s->loop, e);
	if (st == ST_OK)
		st = watch_signals(s, e);
	if (st == ST_OK)
		st = config_control_path(
		    s->plan->config, s->control_path, sizeof(s->control_path));
	if (st != ST_OK)
		return st;
	s->control = listen_control(s->control_path, e);
	if (s->control < 0)
		return ST_CONFIG;
	st = open_slots(s, e);
	if (st == ST_OK)
		st = sandbox_supervisor(e);
	if (st != ST_OK)
		return st;
	s->slots[0].current = supervisor_start_room(s, &s->slots[0], s->plan);
	return s->slots[0].current == NULL ? ST_INTERNAL : ST_OK;
}

void
setup_close(struct supervisor *s)
{
	for (size_t i = s->n_slots; i-- > 0;) {
		struct slot *slot = &s->slots[i];

		process_free(slot->current);
		process_free(slot->next);
		if (slot->again != NULL)
			event_free(slot->again);
		for (int k = 0; k < 2; k++) {
			if (slot->listeners[k] >= 0)
				(void)close(slot->listeners[k]);
		}
	}
	for (size_t i = 0; i < s->n_leaving; i++)
		process_free(s->leaving[i]);
	for (int i = 0; i < s->n_pages; i++) {
		if (s->pages[i] >= 0)
			(void)close(s->pages[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
		if (s->signals[i] != NULL)
			event_free(s->signals[i]);
	}
	if (s->deadline != NULL)
		event_free(s->deadline);
	if (s->control >= 0) {
		(void)unlink(s->control_path);
		(void)close(s->control);
	}
	loop_free(s->loop);
	plan_free(s->next_plan);
	plan_free(s->plan);
}

/* Descriptors 0 to 2 have to exist before others take their numbers, and as
 * many as the system gives are wanted for connections. */
void
setup_process(void)
{
	struct rlimit files;
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		(void)dup2(fd, STDIN_FILENO);
		(void)dup2(fd, STDOUT_FILENO);
		(void)close(fd);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, rooms' ends got lost */
}
