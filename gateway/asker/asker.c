#include "asker/asker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asker/provider.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "message/channel.h"

/* Lookups that are refused at once come on top of those that wait. */
#define SPARE_ANSWERS 1024

/* Hints are looked through for old ones so often. */
#define EXPIRE_S 30

/* An edge has nothing to be told (message.def). */
#define EDGE_QUEUED 1

struct edge_link {
	struct edge_link *next, **prev;
	struct asker *asker;
	struct channel *channel;
};

struct asker {
	struct room *room;
	struct channel *keeper;
	struct edge_link *edges;
	struct client *client;
	struct hints *hints;
	struct reading *reading;
	struct event *expire;
	struct loop_turn start, turn;
	bool starting, turning;
	bool draining;
	bool over; /* room_done() was said */
	size_t n_providers;
	struct provider *providers[ROOMS_PROVIDERS];
};

/* What is in hand then goes back to the keeper when the channel closes. */
static void
finish(struct asker *a, int code)
{
	if (a->over)
		return;
	a->over = true;
	room_done(a->room, code);
}

static void
tell(struct asker *a, enum message type, const void *record)
{
	if (channel_add(a->keeper, type, record) != ST_OK)
		finish(a, 1);
}

/* ---- what came of a question */

static void
tell_verdict(struct asker *a, uint64_t n, uint32_t attempt,
    const char merchant[RECEIPT_MERCHANT], const struct finding *f)
{
	struct msg_verdict m = {
		.n = n, .attempt = attempt, .reason = f->reason
	};

	memcpy(m.merchant, merchant, sizeof(m.merchant));
	if (f->is_answered)
		m.answered = f->answered;
	if (!message_record_valid(PARTY_ASKER, MSG_VERDICT, &m)) {
		m.reason = REASON_NONSENSE;
		memset(&m.answered, 0, sizeof(m.answered));
	}
	tell(a, MSG_VERDICT, &m);
}

static void
tell_looked_up(struct asker *a, uint64_t tag, enum reason reason)
{
	struct msg_looked_up m = { .tag = tag, .reason = reason };

	tell(a, MSG_LOOKED_UP, &m);
}

static void
tell_found(struct asker *a, uint64_t tag, const struct finding *f)
{
	struct msg_found m[READING_FOUND];

	for (size_t i = 0; i < f->n_found; i++) {
		m[i] = (struct msg_found){ .tag = tag,
			.reason = f->found[i].reason,
			.receipt = f->found[i].receipt };
		if (!message_record_valid(PARTY_ASKER, MSG_FOUND, &m[i])) {
			tell_looked_up(a, tag, REASON_NONSENSE);
			return;
		}
	}
	for (size_t i = 0; i < f->n_found; i++)
		tell(a, MSG_FOUND, &m[i]);
	tell_looked_up(a, tag, f->reason);
}

static void
on_finding(void *arg, const struct question *q, const struct finding *f)
{
	struct asker *a = arg;

	if (q->is_lookup)
		tell_found(a, q->n, f);
	else
		tell_verdict(a, q->n, q->attempt, q->claimed.merchant, f);
}

/* ---- the keeper */

static struct merchant *
find_merchant(struct asker *a, const char *store_id)
{
	struct merchant *m = NULL;

	for (size_t i = 0; i < a->n_providers && m == NULL; i++)
		m = provider_find(a->providers[i], store_id);
	return m;
}

static void
ask(struct asker *a, const struct msg_ask *m)
{
	static const struct finding unasked = { .reason = REASON_IO };
	struct merchant *merchant = find_merchant(a, m->receipt.merchant);
	enum status st = ST_NOT_FOUND;

	if (merchant != NULL)
		st = provider_ask(merchant, m);
	if (st == ST_BUSY) { /* more than the window that it was told */
		metrics_add(MET_ROOM_NONSENSE, 1);
		log_event(
		    LOG_NONSENSE, log_word(KEY_ROOM, party_name(PARTY_KEEPER)));
		finish(a, 1);
	} else if (st != ST_OK) {
		tell_verdict(
		    a, m->n, m->attempt, m->receipt.merchant, &unasked);
	}
}

static void
look_up(struct asker *a, const struct msg_lookup *m)
{
	struct merchant *merchant = find_merchant(a, m->merchant);
	enum status st = ST_NOT_FOUND;

	if (merchant != NULL)
		st = provider_lookup(merchant, m);
	if (st != ST_OK)
		tell_looked_up(
		    a, m->tag, st == ST_BUSY ? REASON_LIMITED : REASON_IO);
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct asker *a = arg;

	assert((type == MSG_ASK || type == MSG_LOOKUP) && fd < 0);
	for (size_t i = 0; i < count && !a->over; i++) {
		if (type == MSG_LOOKUP)
			look_up(a, (const struct msg_lookup *)records + i);
		else
			ask(a, (const struct msg_ask *)records + i);
	}
}

static void
on_keeper_end(void *arg, enum channel_end why)
{
	struct asker *a = arg;

	(void)why;
	finish(a, 1);
}

/* ---- edges */

static void
edge_release(struct edge_link *l)
{
	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	channel_free(l->channel);
	free(l);
}

static void
withdraw(struct asker *a, const struct msg_withdraw *m, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hints_withdraw(a->hints, &m[i].id);
}

static void
on_hints(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct edge_link *l = arg;
	const struct msg_hint *m = records;
	int64_t now_us = clock_mono_us();

	if (type == MSG_WITHDRAW) {
		withdraw(l->asker, records, count);
		return;
	}
	assert(type == MSG_HINT && fd < 0);
	for (size_t i = 0; i < count; i++)
		hints_put(l->asker->hints, &m[i].id, m[i].val_id, now_us);
}

static void
on_edge_end(void *arg, enum channel_end why)
{
	(void)why; /* said by the channel */
	edge_release(arg);
}

/* Without a channel questions go by tran_id. */
static void
meet_edge(struct asker *a, int fd)
{
	struct edge_link *l = calloc(1, sizeof(*l));
	struct channel_config cc = { .fd = fd,
		.self = PARTY_ASKER,
		.peer = PARTY_EDGE,
		.most_queued = EDGE_QUEUED,
		.on_records = on_hints,
		.on_end = on_edge_end,
		.arg = l };

	if (l == NULL) {
		(void)close(fd);
		return;
	}
	if (channel_new(&l->channel, a->room->loop, &cc, NULL) != ST_OK) {
		free(l);
		return;
	}
	l->asker = a;
	l->next = a->edges;
	l->prev = &a->edges;
	if (l->next != NULL)
		l->next->prev = &l->next;
	a->edges = l;
}

/* ---- the supervisor */

static void
on_message(void *arg, enum message type, const void *record, int fd)
{
	const struct msg_peer *peer = record;

	if (fd < 0)
		return;
	if (type == MSG_PEER && peer->party == PARTY_EDGE)
		meet_edge(arg, fd);
	else
		(void)close(fd);
}

static void
on_drain(void *arg)
{
	struct asker *a = arg;

	a->draining = true;
	for (size_t i = 0; i < a->n_providers; i++)
		provider_drain(a->providers[i]);
}

static void
on_expire(evutil_socket_t fd, short what, void *arg)
{
	struct asker *a = arg;

	(void)fd;
	(void)what;
	hints_expire(a->hints, clock_mono_us());
}

/* Runs before the channel's own turn, which sends what failed at once. */
static void
on_start(void *arg)
{
	struct asker *a = arg;

	for (size_t i = 0; i < a->n_providers && !a->over; i++)
		provider_turn(a->providers[i]);
}

/* Runs behind the channel's own turn, which sends what was found.  What a
 * draining asker thinks of the world is its successor's to say. */
static void
on_turn(void *arg)
{
	struct asker *a = arg;
	size_t in_flight = 0;
	int64_t away = 0, locked_out = 0;

	for (size_t i = 0; i < a->n_providers; i++) {
		in_flight += provider_in_flight(a->providers[i]);
		away += provider_is_away(a->providers[i]);
		locked_out += (int64_t)provider_locked_out(a->providers[i]);
	}
	metrics_set(MET_PROVIDERS_AWAY, a->draining ? 0 : away);
	metrics_set(MET_MERCHANTS_LOCKED_OUT, a->draining ? 0 : locked_out);
	if (a->draining && in_flight == 0 && channel_queued(a->keeper) == 0)
		finish(a, 0);
}

/* ---- life */

static enum status
open_providers(struct asker *a, const struct asker_config *cfg, struct err *e)
{
	const struct provider_config pc = { .loop = a->room->loop,
		.client = a->client,
		.hints = a->hints,
		.reading = a->reading,
		.on_finding = on_finding,
		.arg = a };
	enum status st = ST_OK;

	for (uint32_t i = 0; i < cfg->n_providers && st == ST_OK; i++) {
		st = provider_new(&a->providers[i], &pc, cfg, i, e);
		a->n_providers += st == ST_OK;
	}
	return st;
}

static enum status
open_keeper(struct asker *a, const struct asker_config *cfg, struct err *e)
{
	size_t in_flight = (size_t)cfg->asks_in_flight;
	size_t lookups = cfg->n_providers * (PROVIDER_LOOKUPS + in_flight);
	struct channel_config cc = { .fd = a->room->keeper,
		.self = PARTY_ASKER,
		.peer = PARTY_KEEPER,
		.most_queued = cfg->n_merchants * (1 + in_flight) +
			       lookups * (READING_FOUND + 1) + SPARE_ANSWERS,
		.on_records = on_records,
		.on_end = on_keeper_end,
		.arg = a };
	enum status st;

	st = channel_new(&a->keeper, a->room->loop, &cc, e);
	for (size_t i = 0; i < cfg->n_merchants && st == ST_OK; i++) {
		struct msg_window m = { .most = (uint32_t)in_flight };

		memcpy(m.name, cfg->merchants[i].rules.store_id,
		    sizeof(cfg->merchants[i].rules.store_id));
		st = channel_add(a->keeper, MSG_WINDOW, &m);
	}
	return st;
}

static enum status
open_expire(struct asker *a, struct err *e)
{
	static const struct timeval often = { .tv_sec = EXPIRE_S };

	a->expire =
	    event_new(loop_base(a->room->loop), -1, EV_PERSIST, on_expire, a);
	if (a->expire != NULL && event_add(a->expire, &often) == 0)
		return ST_OK;
	err_set(e, "a timer cannot be made");
	return ST_NO_MEMORY;
}

static enum status
open_all(struct asker *a, const struct asker_config *cfg, struct err *e)
{
	enum status st;

	st = hints_new(&a->hints, HINTS_MOST, HINTS_KEEP_US, e);
	if (st == ST_OK)
		st = reading_new(&a->reading, cfg->identity_key, e);
	if (st == ST_OK)
		st = client_new(&a->client, a->room->loop, e);
	if (st == ST_OK)
		st = open_providers(a, cfg, e);
	if (st == ST_OK)
		st = open_expire(a, e);
	if (st != ST_OK)
		return st;
	a->start = (struct loop_turn){ .fn = on_start, .arg = a };
	loop_turn_add(a->room->loop, &a->start);
	a->starting = true;
	return open_keeper(a, cfg, e);
}

enum status
asker_start(struct asker **out, struct room *room,
    const struct asker_config *cfg, struct err *e)
{
	struct asker *a = calloc(1, sizeof(*a));
	enum status st;

	*out = NULL;
	if (a == NULL) {
		err_set(e, "no memory for the asker");
		return ST_NO_MEMORY;
	}
	a->room = room;
	st = open_all(a, cfg, e);
	if (st != ST_OK) {
		asker_free(a);
		return st;
	}
	a->turn = (struct loop_turn){ .fn = on_turn, .arg = a };
	loop_turn_add(room->loop, &a->turn);
	a->turning = true;
	room->on_drain = on_drain;
	room->on_message = on_message;
	room->arg = a;
	*out = a;
	return ST_OK;
}

void
asker_free(struct asker *a)
{
	if (a == NULL)
		return;
	if (a->starting)
		loop_turn_remove(a->room->loop, &a->start);
	if (a->turning)
		loop_turn_remove(a->room->loop, &a->turn);
	for (struct edge_link *next, *l = a->edges; l != NULL; l = next) {
		next = l->next;
		edge_release(l);
	}
	client_free(a->client);
	for (size_t i = 0; i < a->n_providers; i++)
		provider_free(a->providers[i]);
	if (a->expire != NULL)
		event_free(a->expire);
	channel_free(a->keeper);
	reading_free(a->reading);
	hints_free(a->hints);
	free(a);
}
