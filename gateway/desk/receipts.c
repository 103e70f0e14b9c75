/*
 * A poll's life: asking the keeper, then answered; or, when it may wait and
 * nothing is there, resting, asking again, and so on until it is answered.
 */
#include "desk/receipts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "desk/call.h"
#include "desk/query.h"

#define WAIT_MOST_S 60

/* Between two questions of a waiting poll; and how exact its end is kept. */
#define AGAIN_US INT64_C(500000)
#define TICK_US	 100000

struct poll {
	struct call call;
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
	struct calls calls; /* each a poll */
	struct event *tick; /* pending while there are waiters */
	size_t waiters;
	bool draining;
};

static void
on_poll_end(struct call *c)
{
	const struct poll *p = (struct poll *)c;
	struct receipts *rs = c->owner->unit;

	if (p->waiter && --rs->waiters == 0)
		(void)event_del(rs->tick);
}

/* ---- a page */

static void
page_ask(struct poll *p)
{
	p->resting = false;
	buf_reset(&p->call.ask.json);
	buf_append_text(&p->call.ask.json, "{\"receipts\":[");
	call_ask(&p->call, MSG_PAGE, &p->page);
}

static void
page_rest(struct poll *p, int64_t now)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	struct receipts *rs = p->call.owner->unit;

	if (!p->waiter &&
	    (rs->waiters == RECEIPTS_WAITERS ||
		(rs->waiters == 0 && event_add(rs->tick, &tick) != 0))) {
		call_fail(&p->call, ST_BUSY);
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
	const struct receipts *rs = p->call.owner->unit;

	if (a->st != ST_OK) {
		call_fail_page(&p->call, a->st);
		return;
	}
	if (p->has_cursor && p->cursor.epoch != a->end.epoch) {
		call_refuse(&p->call, PROBLEM_CURSOR_EPOCH, NULL);
		return;
	}
	p->has_cursor = true;
	p->cursor.epoch = a->end.epoch;
	p->cursor.seq = a->end.last_seq;
	if (p->call.ask.rows == 0 && now < p->until_us && !rs->draining)
		page_rest(p, now);
	else
		call_reply_page(
		    &p->call, CURSOR_RECEIPTS, &p->cursor, a->end.more != 0);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	int64_t now = clock_mono_us();
	struct receipts *rs = arg;
	struct call *c, *next;

	(void)fd;
	(void)what;
	for (c = LIST_FIRST(&rs->calls.list); c != NULL; c = next) {
		struct poll *p = (struct poll *)c;

		next = LIST_NEXT(c, link);
		if (!p->resting)
			continue;
		if (now >= p->until_us)
			call_reply_page(c, CURSOR_RECEIPTS, &p->cursor, false);
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

	p->page.limit = CALL_ROWS;
	if (!query_parse(query, params, ARRAY_LEN(params), &text))
		return false;
	p->has_cursor = after->ptr != NULL;
	if (p->has_cursor && !cursor_parse(*after, CURSOR_RECEIPTS, &p->cursor))
		return false;
	p->page.after_seq = p->cursor.seq;
	if (limit->ptr != NULL &&
	    !query_number(*limit, 1, CALL_ROWS_MOST, &p->page.limit))
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
receipts_page(void *unit, const struct route_request *r)
{
	struct receipts *rs = unit;
	struct poll *p = call_new(&rs->calls, sizeof(*p), r, on_page);

	if (p == NULL)
		return;
	memcpy(p->page.merchant, r->merchant, sizeof(p->page.merchant));
	if (page_parameters(p, r->query))
		page_ask(p);
	else
		call_refuse(&p->call, PROBLEM_PARAMETER, NULL);
}

/* ---- one receipt */

void
receipts_one(void *unit, const struct route_request *r)
{
	struct msg_get m = { .tag = 0 };
	struct receipts *rs = unit;
	struct poll *p;

	if (!id_parse(r->segment, &m.id)) {
		server_problem(r->server, r->id, PROBLEM_NOT_FOUND, NULL);
		return;
	}
	p = call_new(&rs->calls, sizeof(*p), r, call_on_one);
	if (p == NULL)
		return;
	memcpy(m.merchant, r->merchant, sizeof(m.merchant));
	call_ask(&p->call, MSG_GET, &m);
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
	calls_init(&rs->calls, rs, as);
	rs->calls.on_end = on_poll_end;
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
	struct call *c, *next;

	rs->draining = true;
	for (c = LIST_FIRST(&rs->calls.list); c != NULL; c = next) {
		struct poll *p = (struct poll *)c;

		next = LIST_NEXT(c, link);
		if (p->resting)
			call_reply_page(c, CURSOR_RECEIPTS, &p->cursor, false);
	}
}

void
receipts_free(struct receipts *rs)
{
	if (rs == NULL)
		return;
	calls_fini(&rs->calls);
	event_free(rs->tick);
	free(rs);
}
