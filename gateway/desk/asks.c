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
	{ MSG_DELIVERIES, MSG_DELIVERY_ROW, MSG_PAGE_END,
	    offsetof(struct msg_deliveries, which.merchant),
	    offsetof(struct msg_deliveries, limit), ROWS_US },
	{ MSG_ATTEMPTS, MSG_ATTEMPT, MSG_PAGE_END, 0, 0, ROWS_US },
	{ MSG_REDELIVER, MESSAGES, MSG_REDELIVERED, 0, 0, ROWS_US },
	{ MSG_MARK, MESSAGES, MSG_MARKED, 0, 0, ROWS_US },
	{ MSG_TOKENS, MSG_TOKEN, MSG_PAGE_END, 0, 0, ROWS_US },
	{ MSG_ERASE, MSG_PAYMENT, MSG_ERASED,
	    offsetof(struct msg_erase, merchant), 0, CHECK_US },
};

#define MOST_TOKENS 100000

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
TAG_FIRST(msg_deliveries);
TAG_FIRST(msg_attempts);
TAG_FIRST(msg_redeliver);
TAG_FIRST(msg_mark);
TAG_FIRST(msg_tokens);
TAG_FIRST(msg_delivery_row);
TAG_FIRST(msg_attempt);
TAG_FIRST(msg_redelivered);
TAG_FIRST(msg_marked);
TAG_FIRST(msg_token);
TAG_FIRST(msg_done);
TAG_FIRST(msg_erase);
TAG_FIRST(msg_payment);
TAG_FIRST(msg_erased);

struct asks {
	struct channel *keeper;
	struct event *tick; /* pending while somebody waits */
	struct asks_hooks hooks;
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

static void
delivery_row_json(const struct msg_delivery_row *m, struct buf *json)
{
	struct delivery d = { .receipt = m->receipt,
		.state = (enum delivery_state)m->state,
		.attempts = m->attempts,
		.outcome = (enum outcome)m->outcome,
		.http_status = m->http_status,
		.at_us = (int64_t)m->at_us };

	memcpy(d.endpoint, m->endpoint, sizeof(d.endpoint));
	delivery_json(&d, json);
}

static void
attempt_json(const struct msg_attempt *m, struct buf *json)
{
	const struct delivery_attempt a = { .number = m->number,
		.at_us = (int64_t)m->at_us,
		.outcome = (enum outcome)m->outcome,
		.http_status = m->http_status,
		.took_ms = m->took_ms,
		.bytes = m->bytes };

	delivery_attempt_json(&a, json);
}

static void
row_json(enum message type, const void *record, struct buf *json)
{
	if (type == MSG_HOLD)
		hold_json(record, json);
	else if (type == MSG_DELIVERY_ROW)
		delivery_row_json(record, json);
	else if (type == MSG_ATTEMPT)
		attempt_json(record, json);
	else
		receipt_json(&((const struct msg_row *)record)->receipt, json);
}

/* Whose row it is; NULL: it does not say. */
static const char *
merchant_of(enum message type, const void *record)
{
	switch (type) {
	case MSG_HOLD:
		return ((const struct msg_hold *)record)->claimed.merchant;
	case MSG_ROW:
		return ((const struct msg_row *)record)->receipt.merchant;
	case MSG_DELIVERY_ROW:
		return ((const struct msg_delivery_row *)record)
		    ->receipt.merchant;
	case MSG_PAYMENT:
		return ((const struct msg_payment *)record)->receipt.merchant;
	default:
		return NULL;
	}
}

/* A row that nobody asked for must not get out, whoever made the mistake. */
static void
take_row(
    struct asks *as, struct ask *ask, enum message type, const void *record)
{
	static const struct asks_answer wrong = { .st = ST_INTERNAL };
	const char *merchant = merchant_of(type, record);

	if (type != ask->kind->row || ask->rows == ask->most ||
	    (merchant != NULL && strcmp(ask->merchant, merchant) != 0)) {
		answer(as, ask, &wrong);
		return;
	}
	ask->rows++;
	if (ask->on_row != NULL) {
		ask->on_row(ask->arg, type, record);
		return;
	}
	if (ask->rows > 1)
		buf_append_text(&ask->json, ",");
	row_json(type, record, &ask->json);
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
	} else if (type == MSG_REDELIVERED) {
		a.redelivered = *(const struct msg_redelivered *)record;
		a.st = (enum status)a.redelivered.status;
	} else if (type == MSG_MARKED) {
		a.marked = *(const struct msg_marked *)record;
		a.st = (enum status)a.marked.status;
	} else if (type == MSG_ERASED) {
		a.erased = *(const struct msg_erased *)record;
		a.st = (enum status)a.erased.status;
	}
	if (type != ask->kind->end)
		a.st = ST_INTERNAL;
	else if (buf_status(&ask->json) != ST_OK)
		a.st = ST_NO_MEMORY;
	answer(as, ask, &a);
}

static bool
is_row(enum message type)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].row == type)
			return true;
	}
	return false;
}

/* What has no tag. */
static bool
took_unasked(struct asks *as, enum message type, const void *record)
{
	const struct asks_hooks *h = &as->hooks;

	if (type == MSG_NEWS)
		h->on_news(h->arg, ((const struct msg_news *)record)->merchant);
	else if (type == MSG_REVOKED)
		h->on_revoked(
		    h->arg, ((const struct msg_revoked *)record)->sha256);
	else
		return false;
	return true;
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

		if (took_unasked(as, type, record))
			continue;
		memcpy(&tag, record, sizeof(tag));
		ask = find(as, tag);
		if (ask == NULL)
			continue;
		if (is_row(type))
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
	as->hooks.on_end(as->hooks.arg);
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
    const struct asks_hooks *hooks, struct err *e)
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
	as->hooks = *hooks;
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

	if (k->row == MSG_ATTEMPT)
		most = MESSAGE_ATTEMPTS;
	else if (k->row == MSG_TOKEN)
		most = MOST_TOKENS;
	else if (k->row == MSG_PAYMENT)
		most = MESSAGE_GONE;
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
asks_token_used(struct asks *as, const struct msg_token_used *m)
{
	(void)!channel_add(as->keeper, MSG_TOKEN_USED, m);
}

void
asks_drop(struct asks *as, struct ask *ask)
{
	forget(as, ask);
	buf_fini(&ask->json);
}
