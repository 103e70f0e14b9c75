#include "keeper/keeper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "keeper/answers.h"
#include "keeper/control.h"
#include "keeper/offers.h"

#define MOST_PUTS  16384
#define MOST_READS 256

#define EXIT_STORE_FAILED 74

struct newcomer {
	enum party party;
	int fd;
};

struct keeper {
	struct room *room;
	const struct store_driver *driver;
	struct store *writer, *reader;
	struct routes *routes;
	struct store_queue *queue;
	struct store_reader *reads;
	struct offers *offers;
	struct peers *peers;
	struct control *control;
	struct answers answers;
	struct event *tick, *look_again;
	struct loop_turn turn;
	bool turning;
	bool configuring; /* endpoints are being named */
	bool naming;	  /* one of them is with the store */
	bool changed;	  /* since the totals were last asked for */
	bool draining;
	/* Rooms of a configuration that is not in force yet. */
	size_t n_newcomers;
	struct newcomer newcomers[ROOM_FDS];
};

/* ---- peers */

static void
admit(struct keeper *k, struct newcomer who)
{
	struct peer *p = peers_add(k->peers, who.fd, who.party);

	if (p == NULL || who.party != PARTY_COURIER)
		return;
	if (offers_courier(k->offers, p->id, p->channel) != ST_OK)
		peers_end(p);
}

static void
on_gone(void *arg, struct peer *p)
{
	struct keeper *k = arg;

	if (p->party == PARTY_COURIER)
		offers_courier_gone(k->offers, p->id);
}

static bool
on_put(struct keeper *k, struct peer *p, const struct msg_put *m)
{
	struct msg_put_done busy = { .tag = m->tag, .status = ST_BUSY };
	struct store_endpoints endpoints;

	if (!routes_find(k->routes, m->receipt.merchant, &endpoints))
		return false;
	if (store_queue_put(k->queue, &m->receipt, &endpoints, p->id, m->tag) ==
	    ST_OK)
		return true;
	return channel_add(p->channel, MSG_PUT_DONE, &busy) != ST_BUSY;
}

static bool
on_record(
    struct keeper *k, struct peer *p, enum message type, const void *record)
{
	switch (type) {
	case MSG_PUT:
		return on_put(k, p, record);
	case MSG_WINDOW:
		return offers_window(k->offers, p->id, record);
	case MSG_SETTLE:
		return offers_settle(k->offers, p->id, record);
	case MSG_PAGE:
	case MSG_GET:
	case MSG_PROBE:
		return answers_ask(&k->answers, p, type, record);
	default:
		return false;
	}
}

static bool
on_records(void *arg, struct peer *p, enum message type, const void *records,
    size_t count)
{
	struct keeper *k = arg;
	const unsigned char *record = records;

	for (size_t i = 0; i < count; i++) {
		if (!on_record(k, p, type, record))
			return false;
		record += message_size(type);
	}
	if (type == MSG_WINDOW)
		offers_pump(k->offers);
	return true;
}

/* ---- the configuration */

/* Endpoints get their numbers one after the other, from the writer; then the
 * configuration is in force and its rooms are let in. */
static void
configure_on(struct keeper *k)
{
	const char *name = routes_unnamed(k->routes);

	if (!k->configuring || k->naming)
		return;
	if (name != NULL) {
		k->naming = store_queue_endpoint(k->queue, name) == ST_OK;
		return;
	}
	routes_adopt(k->routes);
	k->configuring = false;
	for (size_t i = 0; i < k->n_newcomers; i++)
		admit(k, k->newcomers[i]);
	k->n_newcomers = 0;
	offers_pump(k->offers);
}

static enum status
read_config(int fd, struct keeper_config *cfg)
{
	struct stat sb;

	if (fstat(fd, &sb) != 0 || (size_t)sb.st_size != sizeof(*cfg) ||
	    pread(fd, cfg, sizeof(*cfg), 0) != (ssize_t)sizeof(*cfg))
		return ST_BAD_INPUT;
	return ST_OK;
}

/* Start-up checked the same struct; what fails here is said, and the old
 * configuration stays. */
static void
on_configure(struct keeper *k, int fd)
{
	struct keeper_config *cfg = malloc(sizeof(*cfg));
	enum status st = cfg == NULL ? ST_NO_MEMORY : read_config(fd, cfg);

	if (st == ST_OK)
		st = routes_propose(k->routes, cfg);
	free(cfg);
	if (st == ST_OK) {
		k->configuring = true;
		configure_on(k);
	} else if (st == ST_BUSY) {
		log_event(LOG_CONFIG_WARNING,
		    log_word(KEY_DETAIL, "too many billing names since the "
					 "start: restart to use new ones"));
	} else {
		log_event(LOG_CONFIG_WARNING,
		    log_word(KEY_DETAIL, "the keeper could not take it"));
	}
}

static void
on_peer(struct keeper *k, const struct msg_peer *m, int fd)
{
	struct newcomer who = { .party = m->party, .fd = fd };

	if (!k->configuring)
		admit(k, who);
	else if (k->n_newcomers < ARRAY_LEN(k->newcomers))
		k->newcomers[k->n_newcomers++] = who;
	else
		(void)close(fd);
}

static void
on_message(void *arg, enum message type, const void *record, int fd)
{
	struct keeper *k = arg;

	if (fd < 0)
		return;
	if (type == MSG_PEER) {
		on_peer(k, record, fd); /* takes fd */
		return;
	}
	if (type == MSG_CONFIGURE)
		on_configure(k, fd);
	(void)close(fd);
}

/* ---- the store's answers */

static void
answer_put(struct keeper *k, const struct store_op *op)
{
	struct peer *p = peers_find(k->peers, op->owner);
	struct msg_put_done m = { .tag = op->tag,
		.status = (uint32_t)op->status };

	if (op->status == ST_BAD_INPUT)
		m.status = ST_BUSY; /* not stored, and not to be lost */
	offers_put_done(k->offers, op);
	if (p != NULL)
		(void)peers_send(p, MSG_PUT_DONE, &m);
}

static void
on_done(void *arg, const struct store_op *op)
{
	struct keeper *k = arg;

	switch (op->kind) {
	case STORE_OP_PUT:
		answer_put(k, op);
		break;
	case STORE_OP_SETTLE:
		offers_settle_done(k->offers, op);
		break;
	case STORE_OP_ENDPOINT:
		k->naming = false;
		if (op->status == ST_OK)
			routes_number(
			    k->routes, op->u.endpoint.name, op->u.endpoint.id);
		break;
	}
}

static void
on_batch(void *arg)
{
	struct keeper *k = arg;

	k->changed = true;
	if (store_queue_health(k->queue) == ST_IO) {
		offers_stop(k->offers);
		room_done(k->room, EXIT_STORE_FAILED);
		return;
	}
	if (store_queue_health(k->queue) == ST_OK)
		configure_on(k);
	offers_pump(k->offers);
}

static void
show_totals(const struct store_totals *t)
{
	metrics_set(MET_RECEIPTS, (int64_t)t->receipts);
	metrics_set(MET_DELIVERIES_PENDING, (int64_t)t->deliveries_pending);
	metrics_set(MET_DELIVERY_OLDEST_US, t->oldest_pending_us);
}

static void
on_read(void *arg, const struct store_read *read)
{
	struct keeper *k = arg;

	if (read->kind == STORE_READ_TOTALS && read->status == ST_OK)
		show_totals(&read->totals);
	if (read->kind == STORE_READ_DUE)
		offers_read_done(k->offers, read);
	else
		answers_read_done(&k->answers, read);
}

/* ---- time */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	const struct store_read totals = { .kind = STORE_READ_TOTALS };
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	offers_tick(k->offers);
	configure_on(k);
	if (k->control != NULL)
		control_tick(k->control);
	if (k->changed && store_reader_ask(k->reads, &totals) == ST_OK)
		k->changed = false;
}

static void
close_store(struct keeper *k)
{
	store_queue_free(k->queue);
	store_reader_free(k->reads);
	k->queue = NULL;
	k->reads = NULL;
	if (k->driver == NULL)
		return;
	/* The writer last, so that it empties the log. */
	k->driver->close(k->reader);
	k->driver->close(k->writer);
	k->reader = k->writer = NULL;
}

/* The last turn of a drain: every record is on disk and its answer with the
 * kernel.  An answer that a full socket refused needs one more look. */
static void
on_turn(void *arg)
{
	const struct timeval soon = { 0, 5000 };
	struct keeper *k = arg;

	if (!k->draining || k->queue == NULL ||
	    store_queue_waiting(k->queue) > 0)
		return;
	if (peers_queued(k->peers) > 0) {
		(void)event_add(k->look_again, &soon);
		return;
	}
	close_store(k);
	room_done(k->room, 0);
}

static void
on_look_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg; /* the turn does it */
}

static void
on_drain(void *arg)
{
	struct keeper *k = arg;

	k->draining = true;
	offers_stop(k->offers);
	control_free(k->control);
	k->control = NULL;
}

/* ---- start and end */

static enum status
name_endpoints(struct keeper *k, struct err *e)
{
	const char *name;
	uint32_t id;

	while ((name = routes_unnamed(k->routes)) != NULL) {
		enum status st = k->driver->endpoint(k->writer, name, &id);

		if (st != ST_OK) {
			err_set(e, "the store takes no billing name");
			return st;
		}
		routes_number(k->routes, name, id);
	}
	routes_adopt(k->routes);
	return ST_OK;
}

static enum status
open_store(struct keeper *k, const struct keeper_config *cfg, struct err *e)
{
	struct store_totals totals = { 0 };
	enum status st;

	k->driver = store_driver_find("sqlite");
	st = k->driver->open(&k->writer, cfg->store_path, STORE_WRITE, e);
	if (st == ST_OK)
		st = routes_propose(k->routes, cfg);
	if (st == ST_OK)
		st = name_endpoints(k, e);
	if (st == ST_OK)
		st =
		    k->driver->open(&k->reader, cfg->store_path, STORE_READ, e);
	if (st != ST_OK)
		return st;
	st = k->driver->epoch(k->reader, &k->answers.epoch);
	if (st == ST_OK)
		st = k->driver->totals(k->reader, &totals);
	if (st != ST_OK) {
		err_set(e, "%s: cannot be read", cfg->store_path);
		return st;
	}
	show_totals(&totals);
	log_event(
	    LOG_STORE_OPENED, log_num(KEY_COUNT, (int64_t)totals.receipts));
	return ST_OK;
}

static enum status
start_workers(struct keeper *k, struct err *e)
{
	struct store_queue_config qc = { .loop = k->room->loop,
		.driver = k->driver,
		.store = k->writer,
		.most = MOST_PUTS,
		.on_done = on_done,
		.on_batch = on_batch,
		.arg = k };
	struct store_reader_config rc = { .loop = k->room->loop,
		.driver = k->driver,
		.store = k->reader,
		.most = MOST_READS,
		.on_done = on_read,
		.arg = k };
	struct offers_config oc = { .loop = k->room->loop,
		.routes = k->routes };
	enum status st;

	st = store_queue_new(&k->queue, &qc, e);
	if (st == ST_OK)
		st = store_reader_new(&k->reads, &rc, e);
	oc.queue = k->queue;
	oc.reader = k->reads;
	return st == ST_OK ? offers_new(&k->offers, &oc, e) : st;
}

static enum status
start_peers(struct keeper *k, struct err *e)
{
	const struct peers_config pc = { .loop = k->room->loop,
		.on_records = on_records,
		.on_gone = on_gone,
		.arg = k };
	const struct timeval second = { 1, 0 };

	k->peers = peers_new(&pc);
	k->tick =
	    event_new(loop_base(k->room->loop), -1, EV_PERSIST, on_tick, k);
	k->look_again =
	    event_new(loop_base(k->room->loop), -1, 0, on_look_again, k);
	if (k->peers == NULL || k->tick == NULL || k->look_again == NULL ||
	    event_add(k->tick, &second) != 0) {
		err_set(e, "no memory for the keeper");
		return ST_NO_MEMORY;
	}
	k->answers.peers = k->peers;
	k->answers.queue = k->queue;
	k->answers.reader = k->reads;
	if (k->room->control < 0)
		return ST_OK;
	return control_new(
	    &k->control, k->room->loop, k->room->control, k->peers, e);
}

enum status
keeper_start(struct keeper **out, struct room *room,
    const struct keeper_config *cfg, struct err *e)
{
	struct keeper *k = calloc(1, sizeof(*k));
	enum status st = ST_NO_MEMORY;

	*out = NULL;
	if (k == NULL)
		goto fail;
	k->room = room;
	k->routes = routes_new();
	if (k->routes == NULL)
		goto fail;
	st = open_store(k, cfg, e);
	if (st == ST_OK)
		st = start_workers(k, e);
	if (st == ST_OK)
		st = start_peers(k, e);
	if (st != ST_OK)
		goto fail;
	k->turn = (struct loop_turn){ .fn = on_turn, .arg = k };
	loop_turn_add(room->loop, &k->turn);
	k->turning = true;
	room->on_drain = on_drain;
	room->on_message = on_message;
	room->arg = k;
	*out = k;
	return ST_OK;
fail:
	if (st == ST_NO_MEMORY)
		err_set(e, "no memory for the keeper");
	keeper_free(k);
	return st;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	if (k->turning)
		loop_turn_remove(k->room->loop, &k->turn);
	if (k->tick != NULL)
		event_free(k->tick);
	if (k->look_again != NULL)
		event_free(k->look_again);
	for (size_t i = 0; i < k->n_newcomers; i++)
		(void)close(k->newcomers[i].fd);
	control_free(k->control);
	peers_free(k->peers);
	offers_free(k->offers);
	close_store(k);
	routes_free(k->routes);
	free(k);
}
