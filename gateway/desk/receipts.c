#include "desk/receipts.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "desk/poll.h"
#include "desk/query.h"

#define WAIT_MOST_S 60

struct receipts {
	struct polls polls;
	struct calls calls; /* single receipts */
};

enum parameter {
	INVOICE,
	CURRENCY,
	PAID_FROM,
	PAID_TO,
	FILTERS, /* those so far; a list has more: */
	AFTER = FILTERS,
	CURSOR,
	LIMIT,
	WAIT,
	ORDER,
	DELIVERED,
	PARAMETERS
};

/* ---- parameters; false: one of them is wrong */

static bool
read_filters(struct poll *p, const struct query_param *params)
{
	struct bytes invoice = params[INVOICE].value;
	struct msg_page *m = &p->page;

	if (invoice.ptr != NULL &&
	    (!receipt_invoice_valid(invoice) ||
		!receipt_text(m->invoice_id, sizeof(m->invoice_id), invoice)))
		return false;
	if (params[CURRENCY].value.ptr != NULL &&
	    !query_currency(params[CURRENCY].value, m->currency))
		return false;
	if (params[PAID_FROM].value.ptr != NULL &&
	    !query_time(params[PAID_FROM].value, &m->paid_from_us))
		return false;
	return params[PAID_TO].value.ptr == NULL ||
	       query_time(params[PAID_TO].value, &m->paid_to_us);
}

static bool
read_order(struct poll *p, const struct query_param *params)
{
	struct bytes order = params[ORDER].value;
	struct bytes delivered = params[DELIVERED].value;

	if (order.ptr != NULL && bytes_is(order, "desc"))
		p->page.flags |= PAGE_DESC;
	else if (order.ptr != NULL && !bytes_is(order, "asc"))
		return false;
	if (delivered.ptr == NULL)
		return true;
	p->page.flags |= PAGE_UNDELIVERED;
	return bytes_is(delivered, "false");
}

/* Where to begin: after is a cursor, or the word now. */
static bool
read_start(struct poll *p, struct bytes after, struct bytes kept)
{
	bool desc = (p->page.flags & PAGE_DESC) != 0;

	if (kept.ptr != NULL)
		return after.ptr == NULL && !desc &&
		       receipt_merchant_valid(kept) &&
		       receipt_text(p->kept, sizeof(p->kept), kept);
	if (after.ptr == NULL)
		return true;
	p->from_now = bytes_is(after, "now");
	if (p->from_now)
		return !desc;
	p->has_cursor = true;
	return cursor_parse(
	    after, desc ? CURSOR_RECEIPTS_DESC : CURSOR_RECEIPTS, &p->cursor);
}

static bool
read_size(struct poll *p, const struct query_param *params)
{
	struct bytes limit = params[LIMIT].value, wait = params[WAIT].value;
	bool desc = (p->page.flags & PAGE_DESC) != 0;
	uint32_t wait_s = 0, most = 0;

	if (limit.ptr != NULL) {
		if (p->kind == POLL_EVENTS ||
		    !query_number(limit, 1,
			p->kind == POLL_EXPORT ? 999999999 : CALL_ROWS_MOST,
			&most))
			return false;
		if (p->kind == POLL_EXPORT)
			p->left = most;
		else
			p->page.limit = most;
	}
	if (wait.ptr != NULL &&
	    (p->kind != POLL_PAGE || desc ||
		!query_number(wait, 0, WAIT_MOST_S, &wait_s)))
		return false;
	p->until_us = clock_mono_us() + (int64_t)wait_s * 1000000;
	return p->kind == POLL_PAGE || !desc;
}

static bool
read_list(struct poll *p, const struct route_request *r)
{
	struct query_param params[] = { [INVOICE] = { .name = "invoice_id" },
		[CURRENCY] = { .name = "currency" },
		[PAID_FROM] = { .name = "paid_from" },
		[PAID_TO] = { .name = "paid_to" },
		[AFTER] = { .name = "after" },
		[CURSOR] = { .name = "cursor" },
		[LIMIT] = { .name = "limit" },
		[WAIT] = { .name = "wait" },
		[ORDER] = { .name = "order" },
		[DELIVERED] = { .name = "delivered" } };
	struct bytes after, last = bytes_make(NULL, 0);
	struct query_text text;

	if (!query_parse(r->query, params, ARRAY_LEN(params), &text) ||
	    !read_filters(p, params) || !read_order(p, params))
		return false;
	after = params[AFTER].value;
	/* A stream that is taken up again says so in a field of its own; it
	 * counts for more than what the first request said. */
	if (p->kind == POLL_EVENTS)
		last = http_field(r->head, "last-event-id");
	if (last.ptr != NULL && last.len > 0)
		return read_start(p, last, bytes_make(NULL, 0));
	return read_start(p, after, params[CURSOR].value) &&
	       read_size(p, params);
}

/* ---- routes */

void
receipts_page(void *unit, const struct route_request *r)
{
	struct receipts *rs = unit;
	enum poll_kind kind = POLL_PAGE;
	struct poll *p;

	if (r->media == MEDIA_EVENTS)
		kind = POLL_EVENTS;
	else if (r->media == MEDIA_NDJSON)
		kind = POLL_EXPORT;
	p = poll_new(&rs->polls, kind, r);
	if (p == NULL)
		return;
	if (read_list(p, r))
		poll_start(p);
	else
		call_refuse(&p->call, PROBLEM_PARAMETER, NULL);
}

void
receipts_digest(void *unit, const struct route_request *r)
{
	struct query_param params[] = { [INVOICE] = { .name = "invoice_id" },
		[CURRENCY] = { .name = "currency" },
		[PAID_FROM] = { .name = "paid_from" },
		[PAID_TO] = { .name = "paid_to" } };
	struct receipts *rs = unit;
	struct query_text text;
	struct poll *p = poll_new(&rs->polls, POLL_DIGEST, r);

	if (p == NULL)
		return;
	if (query_parse(r->query, params, ARRAY_LEN(params), &text) &&
	    read_filters(p, params))
		poll_start(p);
	else
		call_refuse(&p->call, PROBLEM_PARAMETER, NULL);
}

void
receipts_one(void *unit, const struct route_request *r)
{
	struct msg_get m = { .tag = 0 };
	struct receipts *rs = unit;
	struct call *c;

	if (!id_parse(r->segment, &m.id)) {
		server_problem(r->server, r->id, PROBLEM_NOT_FOUND, NULL);
		return;
	}
	c = call_new(&rs->calls, sizeof(*c), r, call_on_one);
	if (c == NULL)
		return;
	memcpy(m.merchant, r->merchant, sizeof(m.merchant));
	call_ask(c, MSG_GET, &m);
}

/* ---- all of them */

enum status
receipts_new(struct receipts **out, struct loop *l, struct asks *as,
    int64_t waiters, struct err *e)
{
	struct receipts *rs = calloc(1, sizeof(*rs));
	enum status st;

	*out = NULL;
	if (rs == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	calls_init(&rs->calls, rs, as);
	st = polls_init(&rs->polls, l, as, waiters, e);
	if (st == ST_OK)
		*out = rs;
	else
		free(rs);
	return st;
}

void
receipts_news(struct receipts *rs, const char *merchant)
{
	polls_news(&rs->polls, merchant);
}

void
receipts_room(struct receipts *rs, exchange_id id)
{
	polls_room(&rs->polls, id);
}

void
receipts_drain(struct receipts *rs)
{
	polls_drain(&rs->polls);
}

void
receipts_free(struct receipts *rs)
{
	if (rs == NULL)
		return;
	polls_fini(&rs->polls);
	calls_fini(&rs->calls);
	free(rs);
}
