/*
 * A poll's life: asking the keeper, then answered; or, when it may wait and
 * nothing is there, resting, asking again, and so on until it is answered.
 */
#include "desk/receipts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/secret.h"
#include "desk/cursor.h"
#include "desk/query.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MOST    1000
#define WAIT_MOST_S   60

/* Between two questions of a waiting poll; and how exact its end is kept. */
#define AGAIN_US INT64_C(500000)
#define TICK_US	 100000

struct poll {
	LIST_ENTRY(poll) link;
	struct receipts *owner;
	struct ask ask;
	struct server *server;
	exchange_id id;
	bool head_only;
	bool resting; /* waits for again_us, asks nothing */
	bool waiter;  /* has rested, and counts as one */
	/* Of a page only. */
	struct msg_page page;
	bool has_cursor;
	struct cursor cursor; /* the one given; then the next */
	int64_t until_us;     /* monotonic */
	int64_t again_us;
};

struct receipts {
	struct asks *asks;
	struct event *tick; /* pending while there are waiters */
	size_t waiters;
	bool draining;
	LIST_HEAD(, poll) polls;
};

static void
poll_free(struct poll *p)
{
	struct receipts *rs = p->owner;

	if (p->waiter && --rs->waiters == 0)
		(void)event_del(rs->tick);
	LIST_REMOVE(p, link);
	asks_drop(rs->asks, &p->ask);
	secret_wipe(p, sizeof(*p)); /* an invoice ID was asked for */
	free(p);
}

/* NULL: answered already. */
static struct poll *
poll_new(struct receipts *rs, const struct route_request *r,
    void (*on_done)(void *arg, const struct asks_answer *a))
{
	struct poll *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		route_busy(r->server, r->id);
		return NULL;
	}
	p->owner = rs;
	p->server = r->server;
	p->id = r->id;
	p->head_only = r->head_only;
	asks_prepare(&p->ask, on_done, p);
	LIST_INSERT_HEAD(&rs->polls, p, link);
	return p;
}

static void
poll_fail(struct poll *p, enum problem why)
{
	if (why == PROBLEM_UNAVAILABLE)
		route_busy(p->server, p->id);
	else
		server_problem(p->server, p->id, why, NULL);
	poll_free(p);
}

/* Answer with what stands in json. */
static void
poll_reply(struct poll *p)
{
	struct server_reply reply = { .status = 200,
		.content_type = "application/json",
		.body = buf_bytes(&p->ask.json),
		.head_only = p->head_only };

	if (buf_status(&p->ask.json) != ST_OK) {
		poll_fail(p, PROBLEM_INTERNAL);
		return;
	}
	server_reply(p->server, p->id, &reply);
	poll_free(p);
}

static enum problem
problem_of(enum status st)
{
	switch (st) {
	case ST_NOT_FOUND:
		return PROBLEM_NOT_FOUND;
	case ST_BUSY:
	case ST_IO:
	case ST_UNAVAILABLE:
	case ST_NO_MEMORY:
		return PROBLEM_UNAVAILABLE;
	default:
		return PROBLEM_INTERNAL;
	}
}

/* ---- a page */

static void
page_reply(struct poll *p, bool more)
{
	char next[CURSOR_TEXT];

	cursor_format(&p->cursor, next);
	buf_printf(&p->ask.json, "],\"next\":\"%s\",\"more\":%s}", next,
	    more ? "true" : "false");
	poll_reply(p);
}

static void
page_ask(struct poll *p)
{
	enum status st;

	p->resting = false;
	buf_reset(&p->ask.json);
	buf_append_text(&p->ask.json, "{\"receipts\":[");
	st = asks_page(p->owner->asks, &p->ask, &p->page);
	if (st != ST_OK)
		poll_fail(p, problem_of(st));
}

static void
page_rest(struct poll *p, int64_t now)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	struct receipts *rs = p->owner;

	if (!p->waiter &&
	    (rs->waiters == RECEIPTS_WAITERS ||
		(rs->waiters == 0 && event_add(rs->tick, &tick) != 0))) {
		poll_fail(p, PROBLEM_UNAVAILABLE);
		return;
	}
	if (!p->waiter)
		rs->waiters++;
	p->waiter = true;
	p->resting = true;
	p->again_us = now + AGAIN_US;
}

static void
on_page(void *arg, const struct asks_answer *a)
{
	int64_t now = clock_mono_us();
	struct poll *p = arg;

	if (a->st != ST_OK) {
		/* A page is never "not found". */
		poll_fail(p, a->st == ST_NOT_FOUND ? PROBLEM_INTERNAL
						   : problem_of(a->st));
		return;
	}
	if (p->has_cursor && p->cursor.epoch != a->end.epoch) {
		poll_fail(p, PROBLEM_CURSOR_EPOCH);
		return;
	}
	p->has_cursor = true;
	p->cursor.epoch = a->end.epoch;
	p->cursor.seq = a->end.last_seq;
	if (p->ask.rows == 0 && now < p->until_us && !p->owner->draining)
		page_rest(p, now);
	else
		page_reply(p, a->end.more != 0);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	int64_t now = clock_mono_us();
	struct receipts *rs = arg;
	struct poll *p, *next;

	(void)fd;
	(void)what;
	for (p = LIST_FIRST(&rs->polls); p != NULL; p = next) {
		next = LIST_NEXT(p, link);
		if (!p->resting)
			continue;
		if (now >= p->until_us)
			page_reply(p, false);
		else if (now >= p->again_us)
			page_ask(p);
	}
}

/* The parameters into p; false: one of them is wrong. */
static bool
page_parameters(struct poll *p, struct bytes query)
{
	struct query_param params[] = { { .name = "after" },
		{ .name = "limit" }, { .name = "wait" },
		{ .name = "invoice_id" } };
	const struct bytes *after = &params[0].value;
	const struct bytes *limit = &params[1].value;
	const struct bytes *wait = &params[2].value;
	const struct bytes *invoice = &params[3].value;
	struct query_text text;
	uint32_t wait_s = 0;

	p->page.limit = LIMIT_DEFAULT;
	if (!query_parse(query, params, ARRAY_LEN(params), &text))
		return false;
	p->has_cursor = after->ptr != NULL;
	if (p->has_cursor && !cursor_parse(*after, &p->cursor))
		return false;
	p->page.after_seq = p->cursor.seq;
	if (limit->ptr != NULL &&
	    !query_number(*limit, 1, LIMIT_MOST, &p->page.limit))
		return false;
	if (wait->ptr != NULL && !query_number(*wait, 0, WAIT_MOST_S, &wait_s))
		return false;
	p->until_us = clock_mono_us() + (int64_t)wait_s * 1000000;
	return invoice->ptr == NULL ||
	       (receipt_invoice_valid(*invoice) &&
		   receipt_text(p->page.invoice_id, sizeof(p->page.invoice_id),
		       *invoice));
}

void
receipts_page(void *arg, const struct route_request *r)
{
	struct receipts *rs = arg;
	struct poll *p = poll_new(rs, r, on_page);

	if (p == NULL)
		return;
	if (!page_parameters(p, r->query)) {
		poll_fail(p, PROBLEM_PARAMETER);
		return;
	}
	if (!receipt_text(p->page.merchant, sizeof(p->page.merchant),
		bytes_of(r->merchant))) {
		poll_fail(p, PROBLEM_INTERNAL);
		return;
	}
	page_ask(p);
}

/* ---- one receipt */

static void
on_one(void *arg, const struct asks_answer *a)
{
	struct poll *p = arg;

	if (a->st != ST_OK)
		poll_fail(p, problem_of(a->st));
	else if (p->ask.rows == 0)
		poll_fail(p, PROBLEM_NOT_FOUND);
	else
		poll_reply(p);
}

void
receipts_one(void *arg, const struct route_request *r)
{
	struct msg_get m = { .tag = 0 };
	struct receipts *rs = arg;
	struct poll *p;
	enum status st;

	if (!id_parse(r->rest, &m.id)) {
		server_problem(r->server, r->id, PROBLEM_NOT_FOUND, NULL);
		return;
	}
	p = poll_new(rs, r, on_one);
	if (p == NULL)
		return;
	st = receipt_text(m.merchant, sizeof(m.merchant), bytes_of(r->merchant))
		 ? asks_get(rs->asks, &p->ask, &m)
		 : ST_INTERNAL;
	if (st != ST_OK)
		poll_fail(p, problem_of(st));
}

/* ---- all of them */

enum status
receipts_new(
    struct receipts **out, struct loop *l, struct asks *as, struct err *e)
{
	struct receipts *rs = calloc(1, sizeof(*rs));

	*out = NULL;
	if (rs == NULL)
		goto fail;
	rs->asks = as;
	LIST_INIT(&rs->polls);
	rs->tick = event_new(loop_base(l), -1, EV_PERSIST, on_tick, rs);
	if (rs->tick == NULL)
		goto fail;
	*out = rs;
	return ST_OK;
fail:
	err_set(e, "no memory");
	free(rs);
	return ST_NO_MEMORY;
}

void
receipts_drain(struct receipts *rs)
{
	struct poll *p, *next;

	rs->draining = true;
	for (p = LIST_FIRST(&rs->polls); p != NULL; p = next) {
		next = LIST_NEXT(p, link);
		if (p->resting)
			page_reply(p, false);
	}
}

void
receipts_free(struct receipts *rs)
{
	if (rs == NULL)
		return;
	while (!LIST_EMPTY(&rs->polls))
		poll_free(LIST_FIRST(&rs->polls));
	event_free(rs->tick);
	free(rs);
}
