/*
 * One delivery is asked for in two questions: the delivery, which ends in the
 * '}' of its JSON, and then its log, which goes in front of that.
 */
#include "desk/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "desk/call.h"
#include "desk/query.h"

#define LINK_MOST 1024

struct outbox {
	struct calls calls; /* each a push */
};

struct push {
	struct call call;
	bool has_cursor;
	struct cursor cursor;
	struct msg_deliveries list;
	bool shown; /* of one: its log is being asked for */
	struct msg_attempts log;
	struct msg_redeliver retry;
	struct receipt_id id; /* of a single retry */
	char endpoint[DELIVERY_ENDPOINT];
};

/* ---- filters */

enum parameter {
	STATE,
	BILLING,
	INVOICE,
	FROM,
	TO,
	AFTER,
	LIMIT,
	RECEIPT, /* of the list only; */
	DRY_RUN, /* of retrying only */
	PARAMETERS
};

static bool
read_name(struct bytes value, char out[CONFIG_NAME])
{
	return value.ptr == NULL || (receipt_merchant_valid(value) &&
					receipt_text(out, CONFIG_NAME, value));
}

static bool
read_state(struct bytes value, uint32_t *out)
{
	enum delivery_state state = DELIVERY_STATES;

	if (value.ptr != NULL && !delivery_parse(value, &state))
		return false;
	*out = state;
	return true;
}

/* The filter's parameters into w; false: one of them is wrong. */
static bool
read_which(const struct query_param *params, struct msg_which *w)
{
	struct bytes invoice = params[INVOICE].value;

	if (!read_state(params[STATE].value, &w->state) ||
	    !read_name(params[BILLING].value, w->endpoint))
		return false;
	if (invoice.ptr != NULL &&
	    (!receipt_invoice_valid(invoice) ||
		!receipt_text(w->invoice_id, sizeof(w->invoice_id), invoice)))
		return false;
	if (params[FROM].value.ptr != NULL &&
	    !query_time(params[FROM].value, &w->from_us))
		return false;
	return params[TO].value.ptr == NULL ||
	       (query_time(params[TO].value, &w->to_us) && w->to_us > 0);
}

/* Where to begin and how many. */
static bool
read_span(struct push *p, const struct query_param *params, uint64_t *after,
    uint32_t *limit)
{
	p->has_cursor = params[AFTER].value.ptr != NULL;
	if (p->has_cursor &&
	    !cursor_parse(params[AFTER].value, CURSOR_DELIVERIES, &p->cursor))
		return false;
	*after = p->cursor.seq;
	*limit = CALL_ROWS;
	return params[LIMIT].value.ptr == NULL ||
	       query_number(params[LIMIT].value, 1, CALL_ROWS_MOST, limit);
}

/* Is the cursor that was given one of this store's? */
static bool
epoch_fits(struct push *p, uint64_t epoch)
{
	if (!p->has_cursor || p->cursor.epoch == epoch)
		return true;
	call_refuse(&p->call, PROBLEM_CURSOR_EPOCH, NULL);
	return false;
}

/* ---- lists */

static void
write_time(const char *name, uint64_t us, struct buf *out)
{
	char at[RFC3339_TEXT];

	if (us == 0)
		return;
	rfc3339_micros((int64_t)us, at);
	buf_printf(out, "&%s=%s", name, at);
}

/* Where the page's reader finds the next one. */
static void
write_link(const struct push *p, struct buf *out)
{
	static const struct receipt_id any;
	const struct msg_which *w = &p->list.which;
	char text[CURSOR_TEXT], id[ID_TEXT];

	cursor_format(&p->cursor, CURSOR_DELIVERIES, text);
	buf_printf(
	    out, "/v1/deliveries?after=%s&limit=%u", text, p->list.limit);
	if (w->state != DELIVERY_STATES)
		buf_printf(out, "&state=%s", delivery_word(w->state));
	if (w->endpoint[0] != '\0')
		buf_printf(out, "&billing=%s", w->endpoint);
	if (memcmp(&w->id, &any, sizeof(any)) != 0) {
		id_format(&w->id, id);
		buf_printf(out, "&receipt_id=%s", id);
	}
	write_time("from", w->from_us, out);
	write_time("to", w->to_us, out);
	if (w->invoice_id[0] == '\0')
		return;
	buf_append_text(out, "&invoice_id=");
	for (const char *c = w->invoice_id; *c != '\0'; c++)
		buf_printf(out, "%%%02X", (unsigned char)*c);
}

static void
on_page(void *arg, const struct asks_answer *a)
{
	struct push *p = arg;
	struct buf link;

	if (a->st != ST_OK) {
		call_fail_page(&p->call, a->st);
		return;
	}
	if (!epoch_fits(p, a->end.epoch))
		return;
	p->cursor.epoch = a->end.epoch;
	p->cursor.seq = a->end.last_seq;
	buf_init(&link, LINK_MOST);
	write_link(p, &link);
	call_reply_page(&p->call, CURSOR_DELIVERIES, &p->cursor,
	    a->end.more != 0,
	    buf_status(&link) == ST_OK ? (const char *)link.data : NULL);
	buf_fini(&link);
}

static bool
read_receipt(struct bytes value, struct receipt_id *id)
{
	return value.ptr == NULL || id_parse(value, id);
}

void
outbox_page(void *unit, const struct route_request *r)
{
	struct query_param params[] = { [STATE] = { .name = "state" },
		[BILLING] = { .name = "billing" },
		[INVOICE] = { .name = "invoice_id" },
		[FROM] = { .name = "from" },
		[TO] = { .name = "to" },
		[AFTER] = { .name = "after" },
		[LIMIT] = { .name = "limit" },
		[RECEIPT] = { .name = "receipt_id" } };
	struct outbox *o = unit;
	struct msg_deliveries *m;
	struct query_text text;
	struct push *p = call_new(&o->calls, sizeof(*p), r, on_page);

	if (p == NULL)
		return;
	m = &p->list;
	memcpy(m->which.merchant, r->merchant, sizeof(m->which.merchant));
	if (!query_parse(r->query, params, ARRAY_LEN(params), &text) ||
	    !read_which(params, &m->which) ||
	    !read_receipt(params[RECEIPT].value, &m->which.id) ||
	    !read_span(p, params, &m->after, &m->limit)) {
		call_refuse(&p->call, PROBLEM_PARAMETER, NULL);
		return;
	}
	buf_append_text(&p->call.ask.json, "{\"deliveries\":[");
	call_ask(&p->call, MSG_DELIVERIES, m);
}

/* ---- one of them */

/* Take the '}' off again, so that the log gets inside. */
static void
open_log(struct buf *json)
{
	json->data[--json->len] = '\0';
	buf_append_text(json, ",\"log\":[");
}

static void
on_one(void *arg, const struct asks_answer *a)
{
	struct push *p = arg;
	struct call *c = &p->call;

	if (a->st != ST_OK) {
		call_fail(c, a->st);
	} else if (p->shown) {
		buf_append_text(&c->ask.json, "]}");
		call_reply(c, 200, NULL);
	} else if (c->ask.rows == 0 || buf_status(&c->ask.json) != ST_OK) {
		call_fail(c, ST_NOT_FOUND);
	} else {
		p->shown = true;
		open_log(&c->ask.json);
		call_ask(c, MSG_ATTEMPTS, &p->log);
	}
}

/* The id in the path; false: answered. */
static bool
read_id(const struct route_request *r, struct receipt_id *id,
    char endpoint[DELIVERY_ENDPOINT])
{
	if (delivery_id_parse(r->segment, id, endpoint))
		return true;
	server_problem(r->server, r->id, PROBLEM_NOT_FOUND, NULL);
	return false;
}

/* The one delivery that p is about. */
static struct msg_which
one(const struct route_request *r, const struct receipt_id *id,
    const char endpoint[DELIVERY_ENDPOINT])
{
	struct msg_which w = { .id = *id, .state = DELIVERY_STATES };

	memcpy(w.merchant, r->merchant, sizeof(w.merchant));
	memcpy(w.endpoint, endpoint, sizeof(w.endpoint));
	return w;
}

void
outbox_one(void *unit, const struct route_request *r)
{
	struct outbox *o = unit;
	struct msg_deliveries m = { .limit = 1 };
	struct receipt_id id;
	char endpoint[DELIVERY_ENDPOINT] = "";
	struct push *p;

	if (!read_id(r, &id, endpoint))
		return;
	p = call_new(&o->calls, sizeof(*p), r, on_one);
	if (p == NULL)
		return;
	m.which = one(r, &id, endpoint);
	p->log.id = id;
	memcpy(p->log.merchant, r->merchant, sizeof(p->log.merchant));
	memcpy(p->log.endpoint, endpoint, sizeof(p->log.endpoint));
	call_ask(&p->call, MSG_DELIVERIES, &m);
}

/* ---- retrying */

static void
on_retried_one(void *arg, const struct asks_answer *a)
{
	struct push *p = arg;
	char id[DELIVERY_ID];

	if (a->st != ST_OK) {
		call_fail(&p->call, a->st);
	} else if (a->redelivered.matched == 0) {
		call_fail(&p->call, ST_NOT_FOUND);
	} else if (a->redelivered.changed == 0) {
		call_refuse(&p->call, PROBLEM_STATE, NULL);
	} else {
		delivery_id(&p->id, p->endpoint, id);
		buf_printf(&p->call.ask.json,
		    "{\"id\":\"%s\",\"state\":\"%s\"}", id,
		    delivery_word(DELIVERY_PENDING));
		call_reply(&p->call, 202, NULL);
	}
}

void
outbox_retry_one(void *unit, const struct route_request *r)
{
	struct outbox *o = unit;
	struct msg_redeliver m = { .limit = 1, .action = REDELIVER_RETRY };
	struct receipt_id id;
	char endpoint[DELIVERY_ENDPOINT] = "";
	struct push *p;

	if (!read_id(r, &id, endpoint))
		return;
	p = call_new(&o->calls, sizeof(*p), r, on_retried_one);
	if (p == NULL)
		return;
	p->id = id;
	memcpy(p->endpoint, endpoint, sizeof(p->endpoint));
	m.which = one(r, &id, endpoint);
	memcpy(m.by, r->token, sizeof(m.by));
	call_ask(&p->call, MSG_REDELIVER, &m);
}

static void
on_retried(void *arg, const struct asks_answer *a)
{
	struct push *p = arg;
	char next[CURSOR_TEXT];

	if (a->st != ST_OK) {
		call_fail_page(&p->call, a->st);
		return;
	}
	p->cursor.epoch = a->redelivered.epoch;
	p->cursor.seq = a->redelivered.last;
	cursor_format(&p->cursor, CURSOR_DELIVERIES, next);
	buf_printf(&p->call.ask.json,
	    "{\"matched\":%u,\"changed\":%u,\"next\":\"%s\",\"more\":%s}",
	    a->redelivered.matched, a->redelivered.changed, next,
	    a->redelivered.more != 0 ? "true" : "false");
	call_reply(&p->call, 200, NULL);
}

/* A cursor of another store must not choose what is pushed again; which store
 * this is only the keeper knows. */
static void
on_epoch(void *arg, const struct asks_answer *a)
{
	struct push *p = arg;

	if (a->st != ST_OK) {
		call_fail_page(&p->call, a->st);
	} else if (epoch_fits(p, a->health.epoch)) {
		p->call.ask.on_done = on_retried;
		call_ask(&p->call, MSG_REDELIVER, &p->retry);
	}
}

static bool
read_dry_run(struct bytes value, uint32_t *action)
{
	bool dry = false;

	if (value.ptr != NULL && !query_bool(value, &dry))
		return false;
	*action = dry ? REDELIVER_COUNT : REDELIVER_RETRY;
	return true;
}

void
outbox_retry(void *unit, const struct route_request *r)
{
	struct query_param params[] = { [STATE] = { .name = "state" },
		[BILLING] = { .name = "billing" },
		[INVOICE] = { .name = "invoice_id" },
		[FROM] = { .name = "from" },
		[TO] = { .name = "to" },
		[AFTER] = { .name = "after" },
		[LIMIT] = { .name = "limit" },
		[RECEIPT] = { .name = "" },
		[DRY_RUN] = { .name = "dry_run" } };
	struct outbox *o = unit;
	struct msg_probe probe = { .tag = 0 };
	struct msg_redeliver *m;
	struct query_text text;
	struct push *p = call_new(&o->calls, sizeof(*p), r, on_retried);

	if (p == NULL)
		return;
	m = &p->retry;
	memcpy(m->which.merchant, r->merchant, sizeof(m->which.merchant));
	memcpy(m->by, r->token, sizeof(m->by));
	/* Without a state a slip would push everything again. */
	if (!query_parse(r->query, params, ARRAY_LEN(params), &text) ||
	    params[STATE].value.ptr == NULL ||
	    params[RECEIPT].value.ptr != NULL ||
	    !read_which(params, &m->which) ||
	    !read_dry_run(params[DRY_RUN].value, &m->action) ||
	    !read_span(p, params, &m->after, &m->limit)) {
		call_refuse(&p->call, PROBLEM_PARAMETER, NULL);
	} else if (p->has_cursor) {
		p->call.ask.on_done = on_epoch;
		call_ask(&p->call, MSG_PROBE, &probe);
	} else {
		call_ask(&p->call, MSG_REDELIVER, m);
	}
}

/* ---- all of them */

enum status
outbox_new(struct outbox **out, struct asks *as, struct err *e)
{
	struct outbox *o = calloc(1, sizeof(*o));

	*out = o;
	if (o == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	calls_init(&o->calls, o, as);
	return ST_OK;
}

void
outbox_free(struct outbox *o)
{
	if (o == NULL)
		return;
	calls_fini(&o->calls);
	free(o);
}
