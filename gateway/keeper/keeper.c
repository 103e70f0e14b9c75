#include "keeper/keeper.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "keeper/answers.h"
#include "keeper/checks.h"
#include "keeper/chores.h"
#include "keeper/control.h"
#include "keeper/decisions.h"
#include "keeper/deliveries.h"
#include "keeper/erase.h"
#include "keeper/guarded.h"
#include "keeper/marks.h"
#include "keeper/news.h"
#include "keeper/questions.h"
#include "keeper/reconfigure.h"
#include "keeper/redeliver.h"

#define MOST_PUTS  16384
#define MOST_READS 256

#define EXIT_STORE_FAILED 74

struct keeper {
	struct room *room;
	const struct store_driver *driver;
	struct store *writer, *reader;
	struct routes *routes;
	struct store_queue *queue;
	struct store_reader *reads;
	struct peers *peers;
	struct offers *deliveries, *questions;
	struct checks *checks;
	struct control *control;
	struct answers answers;
	struct decisions decisions;
	struct redeliver redeliver;
	struct marks marks;
	struct erase erase;
	struct news news;
	struct chores chores;
	struct reconfigure reconfigure;
	struct event *tick, *look_again;
	struct loop_turn turn;
	bool turning;
	bool changed; /* since the totals were last asked for */
	bool draining;
};

/* ---- peers */

/* What a room of this party is offered, or NULL. */
static struct offers *
offers_for(const struct keeper *k, enum party party)
{
	if (party == PARTY_COURIER)
		return k->deliveries;
	return party == PARTY_ASKER ? k->questions : NULL;
}

static void
admit(void *arg, enum party party, int fd)
{
	struct keeper *k = arg;
	struct peer *p = peers_add(k->peers, fd, party);
	struct offers *offers = offers_for(k, party);

	if (p == NULL || offers == NULL)
		return;
	if (offers_enter(offers, p->id, p->channel) != ST_OK)
		peers_end(p);
}

static void
on_gone(void *arg, struct peer *p)
{
	struct keeper *k = arg;
	struct offers *offers = offers_for(k, p->party);

	if (offers != NULL)
		offers_leave(offers, p->id);
	if (p->party == PARTY_ASKER)
		checks_asker_gone(k->checks, p->id);
}

/* Whether it has to be confirmed is not for an edge to say. */
static bool
on_put(struct keeper *k, struct peer *p, const struct msg_put *m)
{
	struct msg_put_done busy = { .tag = m->tag, .status = ST_BUSY };
	const struct routes_merchant *merchant =
	    routes_find(k->routes, m->receipt.merchant);
	enum status st;

	st = merchant == NULL ? ST_BAD_INPUT : guarded_put(merchant, m);
	if (st == ST_BAD_INPUT)
		return false;
	if (st == ST_OK && merchant->confirm)
		st = store_queue_wait(
		    k->queue, &m->receipt, m->tran_id, p->id, m->tag);
	else if (st == ST_OK)
		st = store_queue_put(
		    k->queue, &m->receipt, &merchant->endpoints, p->id, m->tag);
	return st == ST_OK ||
	       channel_add(p->channel, MSG_PUT_DONE, &busy) != ST_BUSY;
}

static bool
on_record(
    struct keeper *k, struct peer *p, enum message type, const void *record)
{
	switch (type) {
	case MSG_PUT:
		return on_put(k, p, record);
	case MSG_WINDOW:
		return offers_window(offers_for(k, p->party), p->id, record);
	case MSG_SETTLE:
		return deliveries_settle(k->deliveries, p->id, record);
	case MSG_VERDICT:
		return questions_verdict(k->questions, p->id, record);
	case MSG_FOUND:
		return checks_found(k->checks, p, record);
	case MSG_LOOKED_UP:
		return checks_looked_up(k->checks, p, record);
	case MSG_PAGE:
	case MSG_GET:
	case MSG_HOLDS:
	case MSG_PROBE:
		return answers_ask(&k->answers, p, type, record);
	case MSG_DECIDE:
		return decisions_ask(&k->decisions, p, record);
	case MSG_CHECK:
		return checks_ask(k->checks, p, record);
	case MSG_DELIVERIES:
	case MSG_ATTEMPTS:
	case MSG_REDELIVER:
	case MSG_RESUME:
		return redeliver_ask(&k->redeliver, p, type, record);
	case MSG_ERASE:
		return erase_ask(&k->erase, p, record);
	case MSG_LEGAL:
		return retention_ask(k->queue, p, record);
	case MSG_MARK:
	case MSG_TOKENS:
	case MSG_TOKEN_USED:
	case MSG_REVOKE:
		return marks_ask(&k->marks, p, type, record);
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
		offers_pump(offers_for(k, p->party));
	return true;
}

static void
on_message(void *arg, enum message type, const void *record, int fd)
{
	const struct msg_peer *peer = record;
	struct keeper *k = arg;

	if (fd < 0)
		return;
	if (type == MSG_PEER) {
		reconfigure_newcomer(&k->reconfigure, peer->party, fd);
		return; /* it has fd */
	}
	if (type == MSG_CONFIGURE)
		reconfigure_take(&k->reconfigure, fd);
	(void)close(fd);
}

/* ---- the store's answers */

static void
on_done(void *arg, const struct store_op *op)
{
	struct keeper *k = arg;

	news_take(&k->news, op);
	chores_take(&k->chores, op);
	switch (op->kind) {
	case STORE_OP_PUT:
		answers_put_done(&k->answers, op);
		break;
	case STORE_OP_SETTLE:
		deliveries_settle_done(k->deliveries, op);
		break;
	case STORE_OP_ENDPOINT:
		reconfigure_named(&k->reconfigure, op);
		break;
	case STORE_OP_AGAIN:
		questions_again_done(k->questions, op);
		break;
	case STORE_OP_MOVE:
		questions_move_done(k->questions, op);
		if (op->status == ST_OK)
			deliveries_owed(k->deliveries, &op->u.move.endpoints);
		break;
	case STORE_OP_FOUND:
		checks_found_done(k->checks, op);
		break;
	case STORE_OP_DECIDE:
		decisions_done(&k->decisions, op);
		break;
	case STORE_OP_REDELIVER:
		deliveries_changed(k->deliveries, op);
		redeliver_done(&k->redeliver, op);
		break;
	case STORE_OP_DISABLE:
		redeliver_done(&k->redeliver, op);
		break;
	case STORE_OP_MARK:
	case STORE_OP_UNMARK:
	case STORE_OP_TOKEN:
		marks_done(&k->marks, op);
		break;
	case STORE_OP_ERASE:
		erase_done(&k->erase, op);
		break;
	case STORE_OP_FLUSH:
		erase_flushed(&k->erase, op);
		break;
	case STORE_OP_LEGAL:
		retention_legal_done(k->peers, op);
		break;
	case STORE_OP_EXPIRE:
	case STORE_OP_SWEEP:
	case STORE_OP_HEAD:
	case STORE_OP_SCRUB:
		break;
	}
}

static void
stop_offers(struct keeper *k)
{
	offers_stop(k->deliveries);
	offers_stop(k->questions);
}

static void
on_batch(void *arg)
{
	struct keeper *k = arg;

	k->changed = true;
	news_tell(&k->news);
	if (store_queue_health(k->queue) == ST_IO) {
		stop_offers(k);
		room_done(k->room, EXIT_STORE_FAILED);
		return;
	}
	if (store_queue_health(k->queue) == ST_OK)
		reconfigure_go_on(&k->reconfigure);
	offers_pump(k->deliveries);
	offers_pump(k->questions);
}

static void
on_read(void *arg, const struct store_read *read)
{
	struct keeper *k = arg;

	if (read->kind == STORE_READ_TOTALS && read->status == ST_OK)
		answers_show_totals(&read->totals);
	if (read->kind == STORE_READ_DUE)
		offers_read_done(k->deliveries, read);
	else if (read->kind == STORE_READ_QUESTIONS)
		offers_read_done(k->questions, read);
	else if (redeliver_is_read(read))
		redeliver_read_done(&k->redeliver, read);
	else if (erase_is_read(read))
		erase_read_done(&k->erase, read);
	else if (marks_is_read(read))
		marks_read_done(&k->marks, read);
	else if (decisions_is_read(read))
		decisions_read_done(&k->decisions, read);
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
	offers_tick(k->deliveries);
	offers_tick(k->questions);
	checks_tick(k->checks);
	deliveries_tick(k->deliveries);
	chores_tick(&k->chores);
	erase_tick(&k->erase);
	reconfigure_go_on(&k->reconfigure);
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
	stop_offers(k);
	control_free(k->control);
	k->control = NULL;
}

/* ---- start and end */

static void
named(void *arg, const char *name, int64_t disabled_at_us)
{
	struct keeper *k = arg;

	deliveries_named(k->deliveries, name, disabled_at_us);
}

/* Which of them are disabled is asked again once there are gates. */
static enum status
name_endpoints(struct keeper *k, struct err *e)
{
	int64_t disabled_at_us;
	const char *name;
	uint32_t id;

	while ((name = routes_unnamed(k->routes)) != NULL) {
		enum status st =
		    k->driver->endpoint(k->writer, name, &id, &disabled_at_us);

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
	answers_show_totals(&totals);
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
	struct offers_config oc = { .kind = &deliveries_kind,
		.loop = k->room->loop,
		.routes = k->routes };
	enum status st;

	st = store_queue_new(&k->queue, &qc, e);
	if (st == ST_OK)
		st = store_reader_new(&k->reads, &rc, e);
	oc.queue = k->queue;
	oc.reader = k->reads;
	if (st == ST_OK)
		st = offers_new(&k->deliveries, &oc, e);
	if (st == ST_OK)
		st = deliveries_restore(k->deliveries, k->driver, k->writer, e);
	oc.kind = &questions_kind;
	return st == ST_OK ? offers_new(&k->questions, &oc, e) : st;
}

static enum status
start_peers(struct keeper *k, struct err *e)
{
	const struct peers_config pc = { .loop = k->room->loop,
		.on_records = on_records,
		.on_gone = on_gone,
		.arg = k };
	struct checks_config cc = { .routes = k->routes,
		.queue = k->queue,
		.deliveries = k->deliveries };
	const struct timeval second = { 1, 0 };

	k->peers = peers_new(&pc);
	cc.peers = k->peers;
	k->checks = checks_new(&cc);
	k->tick =
	    event_new(loop_base(k->room->loop), -1, EV_PERSIST, on_tick, k);
	k->look_again =
	    event_new(loop_base(k->room->loop), -1, 0, on_look_again, k);
	if (k->peers == NULL || k->checks == NULL || k->tick == NULL ||
	    k->look_again == NULL || event_add(k->tick, &second) != 0) {
		err_set(e, "no memory for the keeper");
		return ST_NO_MEMORY;
	}
	k->answers.peers = k->peers;
	k->answers.queue = k->queue;
	k->answers.reader = k->reads;
	k->answers.deliveries = k->deliveries;
	k->answers.questions = k->questions;
	k->decisions = (struct decisions){ .peers = k->peers,
		.routes = k->routes,
		.reader = k->reads,
		.queue = k->queue,
		.deliveries = k->deliveries };
	k->redeliver = (struct redeliver){ .peers = k->peers,
		.routes = k->routes,
		.reader = k->reads,
		.queue = k->queue,
		.deliveries = k->deliveries,
		.epoch = k->answers.epoch };
	k->marks = (struct marks){ .peers = k->peers,
		.reader = k->reads,
		.queue = k->queue,
		.epoch = k->answers.epoch };
	chores_init(&k->chores, k->routes, k->queue);
	k->erase = (struct erase){ .peers = k->peers,
		.routes = k->routes,
		.reader = k->reads,
		.queue = k->queue,
		.deliveries = k->deliveries,
		.questions = k->questions };
	k->news.peers = k->peers;
	k->news.routes = k->routes;
	k->reconfigure = (struct reconfigure){ .routes = k->routes,
		.queue = k->queue,
		.named = named,
		.admit = admit,
		.arg = k };
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
	reconfigure_end(&k->reconfigure);
	control_free(k->control);
	peers_free(k->peers);
	checks_free(k->checks);
	offers_free(k->deliveries);
	offers_free(k->questions);
	redeliver_end(&k->redeliver);
	close_store(k);
	erase_end(&k->erase);
	routes_free(k->routes);
	free(k);
}
