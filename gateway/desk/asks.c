#include "desk/asks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "message/channel.h"
#include "receipt/held.h"

/* How exact deadlines are kept. */
#define TICK_US 100000

/* A poller waits longer than a probe, whose sender has a deadline too; a
 * check longer than the keeper, which gives SSLCommerz a minute. */
#define ROWS_US	 INT64_C(5000000)
#define PROBE_US INT64_C(1000000)
#define CHECK_US INT64_C(70000000)

/* One kind of question and what answers it. */
struct asks_kind {
	enum message ask, row, end; /* row: MESSAGES for none */
	/* Where a record says whose rows and how many; without a limit one. */
	size_t merchant, limit;
	int64_t patience_us;
};

static const struct asks_kind kinds[] = {
	{ MSG_PAGE, MSG_ROW, MSG_PAGE_END, offsetof(struct msg_page, merchant),
	    offsetof(struct msg_page, limit), ROWS_US },
	{ MSG_GET, MSG_ROW, MSG_PAGE_END, offsetof(struct msg_get, merchant), 0,
	    ROWS_US },
	{ MSG_HOLDS, MSG_HOLD, MSG_PAGE_END,
	    offsetof(struct msg_holds, merchant),
	    offsetof(struct msg_holds, limit), ROWS_US },
	{ MSG_PROBE, MESSAGES, MSG_HEALTH, 0, 0, PROBE_US },
	{ MSG_DECIDE, MESSAGES, MSG_DONE, 0, 0, ROWS_US },
	{ MSG_CHECK, MESSAGES, MSG_DONE, 0, 0, CHECK_US },
};

#define TAG_FIRST(record) \
	_Static_assert(offsetof(struct record, tag) == 0, "tags come first")

TAG_FIRST(msg_page);
TAG_FIRST(msg_get);
TAG_FIRST(msg_holds);
TAG_FIRST(msg_probe);
TAG_FIRST(msg_decide);
TAG_FIRST(msg_check);
TAG_FIRST(msg_row);
TAG_FIRST(msg_hold);
TAG_FIRST(msg_page_end);
TAG_FIRST(msg_health);
TAG_FIRST(msg_done);

struct asks {
	struct channel *keeper;
	struct event *tick; /* pending while somebody waits */
	void (*on_end)(void *arg);
	void *arg;
	size_t waiting;
	uint64_t count; /* of all ever asked; makes tags differ */
	struct ask *slots[ASKS_MOST];
};

void
asks_prepare(struct ask *a,
    void (*on_done)(void *arg, const struct asks_answer *a), void *arg)
{
	memset(a, 0, sizeof(*a));
	a->on_done = on_done;
	a->arg = arg;
	buf_init(&a->json, ASKS_ROWS);
}

/* NULL: an answer that came too late, or to nobody. */
static struct ask *
find(const struct asks *as, uint64_t tag)
{
	struct ask *ask = as->slots[tag % ASKS_MOST];

	return ask != NULL && ask->tag == tag ? ask : NULL;
}

static void
forget(struct asks *as, struct ask *ask)
{
	if (ask->tag == 0)
		return;
	as->slots[ask->tag % ASKS_MOST] = NULL;
	ask->tag = 0;
	if (--as->waiting == 0)
		(void)event_del(as->tick);
}

static void
answer(struct asks *as, struct ask *ask, const struct asks_answer *a)
{
	forget(as, ask);
	ask->on_done(ask->arg, a);
}

static void
hold_json(const struct msg_hold *m, struct buf *json)
{
	const struct held h = { .reason = (enum reason)m->reason,
		.held_at_us = (int64_t)m->held_at_us,
		.claimed = &m->claimed,
		.answered = m->is_answered != 0 ? &m->answered : NULL };

	held_json(&h, json);
}

/* A row that nobody asked for must not get out, whoever made the mistake. */
static void
take_row(
    struct asks *as, struct ask *ask, enum message type, const void *record)
{
	static const struct asks_answer wrong = { .st = ST_INTERNAL };
	const struct msg_hold *hold = record;
	const struct msg_row *row = record;
	const struct receipt *r =
	    type == MSG_HOLD ? &hold->claimed : &row->receipt;

	if (type != ask->kind->row || ask->rows == ask->most ||
	    strcmp(ask->merchant, r->merchant) != 0) {
		answer(as, ask, &wrong);
		return;
	}
	if (ask->rows++ > 0)
		buf_append_text(&ask->json, ",");
	if (type == MSG_HOLD)
		hold_json(hold, &ask->json);
	else
		receipt_json(r, &ask->json);
}

static void
take_end(
    struct asks *as, struct ask *ask, enum message type, const void *record)
{
	struct asks_answer a = { .st = ST_INTERNAL };

	if (type == MSG_PAGE_END) {
		a.end = *(const struct msg_page_end *)record;
		a.st = (enum status)a.end.status;
	} else if (type == MSG_HEALTH) {
		a.health = *(const struct msg_health *)record;
		a.st = (enum status)a.health.status;
	} else if (type == MSG_DONE) {
		a.done = *(const struct msg_done *)record;
		a.st = (enum status)a.done.status;
	}
	if (type != ask->kind->end)
		a.st = ST_INTERNAL;
	else if (buf_status(&ask->json) != ST_OK)
		a.st = ST_NO_MEMORY;
	answer(as, ask, &a);
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	const unsigned char *record = records;
	struct asks *as = arg;

	(void)fd;
	for (size_t i = 0; i < count; i++, record += message_size(type)) {
		uint64_t tag;
		struct ask *ask;

		memcpy(&tag, record, sizeof(tag));
		ask = find(as, tag);
		if (ask == NULL)
			continue;
		if (type == MSG_ROW || type == MSG_HOLD)
			take_row(as, ask, type, record);
		else
			take_end(as, ask, type, record);
	}
}

static void
on_channel_end(void *arg, enum channel_end why)
{
	struct asks *as = arg;

	(void)why;
	as->on_end(as->arg);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	static const struct asks_answer silence = { .st = ST_UNAVAILABLE,
		.silent = true };
	int64_t now = clock_mono_us();
	struct asks *as = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < ASKS_MOST && as->waiting > 0; i++) {
		struct ask *ask = as->slots[i];

		if (ask != NULL && ask->deadline_us <= now)
			answer(as, ask, &silence);
	}
}

enum status
asks_new(struct asks **out, struct loop *l, int keeper,
    void (*on_end)(void *arg), void *arg, struct err *e)
{
	struct channel_config cc = { .fd = keeper,
		.self = PARTY_DESK,
		.peer = PARTY_KEEPER,
		.most_queued = ASKS_MOST,
		.on_records = on_records,
		.on_end = on_channel_end };
	struct asks *as = calloc(1, sizeof(*as));
	enum status st;

	*out = NULL;
	if (as == NULL) {
		(void)close(keeper);
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	as->on_end = on_end;
	as->arg = arg;
	cc.arg = as;
	st = channel_new(&as->keeper, l, &cc, e);
	if (st != ST_OK)
		goto fail;
	as->tick = event_new(loop_base(l), -1, EV_PERSIST, on_tick, as);
	if (as->tick == NULL) {
		err_set(e, "no memory");
		st = ST_NO_MEMORY;
		goto fail;
	}
	*out = as;
	return ST_OK;
fail:
	asks_free(as);
	return st;
}

void
asks_free(struct asks *as)
{
	if (as == NULL)
		return;
	for (size_t i = 0; i < ASKS_MOST; i++) {
		if (as->slots[i] != NULL)
			forget(as, as->slots[i]);
	}
	if (as->tick != NULL)
		event_free(as->tick);
	channel_free(as->keeper);
	free(as);
}

/* A slot for ask, and the tag that stands for it; 0 when all are taken. */
static uint64_t
take_slot(struct asks *as, struct ask *ask)
{
	assert(ask->tag == 0);
	for (uint64_t i = 0; i < ASKS_MOST; i++) {
		if (as->slots[i] != NULL)
			continue;
		as->slots[i] = ask;
		as->waiting++;
		ask->tag = ++as->count * ASKS_MOST + i;
		return ask->tag;
	}
	return 0;
}

static const struct asks_kind *
kind_of(enum message type)
{
	size_t i = 0;

	while (i < ARRAY_LEN(kinds) && kinds[i].ask != type)
		i++;
	assert(i < ARRAY_LEN(kinds));
	return &kinds[i];
}

/* Which rows this question may be answered by. */
static void
expect_rows(struct ask *ask, const unsigned char *record)
{
	const struct asks_kind *k = ask->kind;
	uint32_t most = 1;

	ask->rows = 0;
	if (k->limit > 0)
		memcpy(&most, record + k->limit, sizeof(most));
	ask->most = most;
	if (k->merchant > 0)
		memcpy(
		    ask->merchant, record + k->merchant, sizeof(ask->merchant));
}

enum status
asks_put(struct asks *as, struct ask *ask, enum message type, void *m)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	uint64_t tag = take_slot(as, ask);
	enum status st;

	if (tag == 0)
		return ST_BUSY;
	memcpy(m, &tag, sizeof(tag));
	ask->kind = kind_of(type);
	expect_rows(ask, m);
	ask->deadline_us = clock_mono_us() + ask->kind->patience_us;
	st = channel_add(as->keeper, type, m);
	if (st == ST_OK && as->waiting == 1 && event_add(as->tick, &tick) != 0)
		st = ST_NO_MEMORY;
	if (st != ST_OK)
		forget(as, ask);
	return st;
}

void
asks_drop(struct asks *as, struct ask *ask)
{
	forget(as, ask);
	buf_fini(&ask->json);
}
