#include "desk/holds.h"

#include <stdio.h>
#include <stdlib.h>

#include "desk/call.h"
#include "desk/query.h"

struct holds {
	struct calls calls; /* each a review */
};

/* A person looks, or decides. */
struct review {
	struct call call;
	bool has_cursor;
	struct cursor cursor; /* the one given; then the next */
	uint32_t limit;
	struct receipt_id id; /* of a decision */
	enum life to;
};

/* ---- a page */

static void
on_page(void *arg, const struct asks_answer *a)
{
	struct review *v = arg;
	char text[CURSOR_TEXT], link[CURSOR_TEXT + 64];

	if (a->st != ST_OK) {
		call_fail_page(&v->call, a->st);
		return;
	}
	if (v->has_cursor && v->cursor.epoch != a->end.epoch) {
		call_refuse(&v->call, PROBLEM_CURSOR_EPOCH, NULL);
		return;
	}
	v->cursor.epoch = a->end.epoch;
	v->cursor.seq = a->end.last_seq;
	cursor_format(&v->cursor, CURSOR_HELD, text);
	(void)snprintf(
	    link, sizeof(link), "/v1/held?after=%s&limit=%u", text, v->limit);
	call_reply_page(
	    &v->call, CURSOR_HELD, &v->cursor, a->end.more != 0, link);
}

/* The parameters into v and m; false: one of them is wrong. */
static bool
page_parameters(struct review *v, struct msg_holds *m, struct bytes query)
{
	struct query_param params[] = { { .name = "after" },
		{ .name = "limit" } };
	const struct bytes *after = &params[0].value;
	const struct bytes *limit = &params[1].value;
	struct query_text text;

	m->limit = CALL_ROWS;
	if (!query_parse(query, params, ARRAY_LEN(params), &text))
		return false;
	v->has_cursor = after->ptr != NULL;
	if (v->has_cursor && !cursor_parse(*after, CURSOR_HELD, &v->cursor))
		return false;
	m->after = v->cursor.seq;
	return limit->ptr == NULL ||
	       query_number(*limit, 1, CALL_ROWS_MOST, &m->limit);
}

void
holds_page(void *unit, const struct route_request *r)
{
	struct msg_holds m = { .tag = 0 };
	struct holds *hs = unit;
	struct review *v = call_new(&hs->calls, sizeof(*v), r, on_page);

	if (v == NULL)
		return;
	if (!page_parameters(v, &m, r->query)) {
		call_refuse(&v->call, PROBLEM_PARAMETER, NULL);
		return;
	}
	v->limit = m.limit;
	memcpy(m.merchant, r->merchant, sizeof(m.merchant));
	buf_append_text(&v->call.ask.json, "{\"held\":[");
	call_ask(&v->call, MSG_HOLDS, &m);
}

/* ---- one held payment */

/* A review of the payment that the path names; NULL: r is answered. */
static struct review *
review_new(struct holds *hs, const struct route_request *r,
    void (*on_done)(void *arg, const struct asks_answer *a))
{
	struct receipt_id id;
	struct review *v;

	if (!id_parse(r->segment, &id)) {
		server_problem(r->server, r->id, PROBLEM_NOT_FOUND, NULL);
		return NULL;
	}
	v = call_new(&hs->calls, sizeof(*v), r, on_done);
	if (v != NULL)
		v->id = id;
	return v;
}

void
holds_one(void *unit, const struct route_request *r)
{
	struct msg_holds m = { .limit = 1 };
	struct review *v = review_new(unit, r, call_on_one);

	if (v == NULL)
		return;
	m.id = v->id;
	memcpy(m.merchant, r->merchant, sizeof(m.merchant));
	call_ask(&v->call, MSG_HOLDS, &m);
}

static void
on_decided(void *arg, const struct asks_answer *a)
{
	struct review *v = arg;
	char id[ID_TEXT];

	if (a->st != ST_OK) {
		call_fail(&v->call, a->st);
		return;
	}
	id_format(&v->id, id);
	buf_printf(&v->call.ask.json, "{\"id\":\"%s\",\"state\":\"%s\"}", id,
	    life_word(v->to));
	call_reply(&v->call, 200, NULL);
}

static void
decide(struct holds *hs, const struct route_request *r, enum life to)
{
	struct msg_decide m = { .release = to == LIFE_CONFIRMED };
	struct review *v = review_new(hs, r, on_decided);

	if (v == NULL)
		return;
	v->to = to;
	m.id = v->id;
	memcpy(m.merchant, r->merchant, sizeof(m.merchant));
	memcpy(m.by, r->token, sizeof(m.by));
	call_ask(&v->call, MSG_DECIDE, &m);
}

void
holds_release(void *unit, const struct route_request *r)
{
	decide(unit, r, LIFE_CONFIRMED);
}

void
holds_reject(void *unit, const struct route_request *r)
{
	decide(unit, r, LIFE_REFUSED);
}

/* ---- all of them */

enum status
holds_new(struct holds **out, struct asks *as, struct err *e)
{
	struct holds *hs = calloc(1, sizeof(*hs));

	*out = hs;
	if (hs == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	calls_init(&hs->calls, hs, as);
	return ST_OK;
}

void
holds_free(struct holds *hs)
{
	if (hs == NULL)
		return;
	calls_fini(&hs->calls);
	free(hs);
}
