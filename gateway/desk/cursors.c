#include "desk/cursors.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "desk/call.h"
#include "desk/query.h"

struct cursors {
	struct calls calls; /* each a kept */
};

struct kept {
	struct call call;
	struct msg_mark m;
	struct cursor given; /* of a PUT */
};

static void
reply_kept(struct kept *k, const struct msg_marked *marked)
{
	const struct cursor c = { .epoch = marked->epoch, .seq = marked->seq };
	char after[CURSOR_TEXT], at[RFC3339_TEXT];

	cursor_format(&c, CURSOR_RECEIPTS, after);
	rfc3339_micros((int64_t)marked->at_us, at);
	/* A name's grammar has nothing to escape. */
	buf_printf(&k->call.ask.json,
	    "{\"name\":\"%s\",\"after\":\"%s\",\"updated_at\":\"%s\"}",
	    k->m.name, after, at);
	call_reply(&k->call, 200, NULL);
}

static void
on_marked(void *arg, const struct asks_answer *a)
{
	struct kept *k = arg;

	if (a->st == ST_EXISTS)
		call_refuse(&k->call, PROBLEM_CONFLICT, NULL);
	else if (a->st != ST_OK)
		call_fail(&k->call, a->st);
	else if (k->m.action == MARK_FORGET)
		call_reply(&k->call, 204, NULL);
	else
		reply_kept(k, &a->marked);
}

/* A PUT's cursor has to be this store's, which only the keeper knows: it is
 * asked first. */
static void
on_epoch(void *arg, const struct asks_answer *a)
{
	struct kept *k = arg;

	if (a->st != ST_OK) {
		call_fail_page(&k->call, a->st);
	} else if (a->health.epoch != k->given.epoch) {
		call_refuse(&k->call, PROBLEM_CURSOR_EPOCH, NULL);
	} else {
		k->call.ask.on_done = on_marked;
		call_ask(&k->call, MSG_MARK, &k->m);
	}
}

/* NULL: answered. */
static struct kept *
new_kept(struct cursors *cs, const struct route_request *r,
    enum mark_action action,
    void (*on_done)(void *arg, const struct asks_answer *a))
{
	struct kept *k;

	if (!receipt_merchant_valid(r->segment)) {
		server_problem(r->server, r->id, PROBLEM_NOT_FOUND, NULL);
		return NULL;
	}
	k = call_new(&cs->calls, sizeof(*k), r, on_done);
	if (k == NULL)
		return NULL;
	k->m.action = action;
	memcpy(k->m.merchant, r->merchant, sizeof(k->m.merchant));
	memcpy(k->m.name, r->segment.ptr, r->segment.len);
	return k;
}

void
cursors_get(void *unit, const struct route_request *r)
{
	struct kept *k = new_kept(unit, r, MARK_GET, on_marked);

	if (k != NULL)
		call_ask(&k->call, MSG_MARK, &k->m);
}

void
cursors_delete(void *unit, const struct route_request *r)
{
	struct kept *k = new_kept(unit, r, MARK_FORGET, on_marked);

	if (k != NULL)
		call_ask(&k->call, MSG_MARK, &k->m);
}

void
cursors_put(void *unit, const struct route_request *r)
{
	struct query_param params[] = { { .name = "after" } };
	struct msg_probe probe = { .tag = 0 };
	struct query_text text;
	struct kept *k = new_kept(unit, r, MARK_SET, on_epoch);

	if (k == NULL)
		return;
	if (!query_parse(r->query, params, ARRAY_LEN(params), &text) ||
	    params[0].value.ptr == NULL ||
	    !cursor_parse(params[0].value, CURSOR_RECEIPTS, &k->given)) {
		call_refuse(&k->call, PROBLEM_PARAMETER, NULL);
		return;
	}
	k->m.seq = k->given.seq;
	call_ask(&k->call, MSG_PROBE, &probe);
}

enum status
cursors_new(struct cursors **out, struct asks *as, struct err *e)
{
	struct cursors *cs = calloc(1, sizeof(*cs));

	*out = cs;
	if (cs == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	calls_init(&cs->calls, cs, as);
	return ST_OK;
}

void
cursors_free(struct cursors *cs)
{
	if (cs == NULL)
		return;
	calls_fini(&cs->calls);
	free(cs);
}
