/*
 * A check's life: asking SSLCommerz, through the keeper; then, when that found
 * something, asking the keeper for the receipts of the invoice; then answered.
 */
#include "desk/invoices.h"

#include <stdlib.h>

#include "desk/call.h"
#include "desk/query.h"

#define RETRY_RATE   "Retry-After: 1\r\n"
#define RETRY_SILENT "Retry-After: 30\r\n"

struct invoices {
	struct calls calls; /* each a check */
	size_t n;
	bool draining;
};

struct check {
	struct call call;
	bool checked;	 /* the keeper's first answer is there */
	bool unanswered; /* SSLCommerz did not say */
	struct msg_check m;
};

static void
on_check_end(struct call *c)
{
	struct invoices *is = c->owner->unit;

	is->n--;
}

/* Its grammar has no character that JSON escapes. */
static void
begin_json(struct check *k, const char *state)
{
	buf_reset(&k->call.ask.json);
	buf_printf(&k->call.ask.json, "{\"invoice_id\":\"%s\",\"state\":\"%s\"",
	    k->m.invoice_id, state);
}

/* 202: no word yet whether it is paid. */
static void
reply_open(struct check *k, const char *state, const char *fields)
{
	begin_json(k, state);
	buf_append_text(&k->call.ask.json, "}");
	call_reply(&k->call, 202, fields);
}

static void
on_receipts(struct check *k, const struct asks_answer *a)
{
	if (a->st != ST_OK) {
		call_fail_page(&k->call, a->st);
		return;
	}
	if (k->call.ask.rows == 0 && k->unanswered) {
		reply_open(k, "unanswered", RETRY_SILENT);
		return;
	}
	if (k->call.ask.rows == 0) { /* paid, but for another invoice */
		call_refuse(&k->call, PROBLEM_NO_PAYMENT, NULL);
		return;
	}
	buf_append_text(&k->call.ask.json, "]}");
	call_reply(&k->call, 200, NULL);
}

static void
ask_receipts(struct check *k)
{
	struct msg_page m = { .limit = CALL_ROWS };

	memcpy(m.merchant, k->m.merchant, sizeof(m.merchant));
	memcpy(m.invoice_id, k->m.invoice_id, sizeof(m.invoice_id));
	begin_json(k, life_word(LIFE_CONFIRMED));
	buf_append_text(&k->call.ask.json, ",\"receipts\":[");
	call_ask(&k->call, MSG_PAGE, &m);
}

static void
on_checked(struct check *k, const struct asks_answer *a)
{
	struct call *c = &k->call;

	k->checked = true;
	if (a->silent) {
		call_fail(c, a->st);
		return;
	}
	switch (a->st) {
	case ST_OK:
		ask_receipts(k);
		break;
	case ST_EXISTS:
		reply_open(k,
		    life_word(
			a->done.state == LIFE_HELD ? LIFE_HELD : LIFE_WAITING),
		    NULL);
		break;
	case ST_UNAVAILABLE: /* what is there is there all the same */
		k->unanswered = true;
		ask_receipts(k);
		break;
	case ST_NOT_FOUND:
		call_refuse(c, PROBLEM_NO_PAYMENT, NULL);
		break;
	case ST_BAD_INPUT:
		call_refuse(c, PROBLEM_TRAN_ID, NULL);
		break;
	case ST_BUSY:
		call_refuse(c, PROBLEM_RATE, RETRY_RATE);
		break;
	default:
		call_fail(c, a->st);
		break;
	}
}

static void
on_done(void *arg, const struct asks_answer *a)
{
	struct check *k = arg;

	if (k->checked)
		on_receipts(k, a);
	else
		on_checked(k, a);
}

/* The path's invoice ID, and the parameter, into m; false: answered. */
static bool
read_request(const struct route_request *r, struct msg_check *m)
{
	struct query_param params[] = { { .name = "tran_id" } };
	const struct bytes *tran_id = &params[0].value;
	struct bytes invoice;
	struct query_text text;
	enum problem why = PROBLEM_NOT_FOUND;

	if (!query_segment(r->segment, &invoice, &text) ||
	    !receipt_invoice_valid(invoice) ||
	    !receipt_text(m->invoice_id, sizeof(m->invoice_id), invoice))
		goto refuse;
	why = PROBLEM_PARAMETER;
	if (!query_parse(r->query, params, ARRAY_LEN(params), &text) ||
	    (tran_id->ptr != NULL &&
		(!receipt_invoice_valid(*tran_id) ||
		    !receipt_text(m->tran_id, sizeof(m->tran_id), *tran_id))))
		goto refuse;
	memcpy(m->merchant, r->merchant, sizeof(m->merchant));
	return true;
refuse:
	server_problem(r->server, r->id, why, NULL);
	return false;
}

void
invoices_check(void *unit, const struct route_request *r)
{
	struct msg_check m = { .tag = 0 };
	struct invoices *is = unit;
	struct check *k;

	if (!read_request(r, &m))
		return;
	if (is->n == INVOICES_CHECKS) {
		server_problem(r->server, r->id, PROBLEM_RATE, RETRY_RATE);
		return;
	}
	if (is->draining) {
		route_busy(r->server, r->id);
		return;
	}
	k = call_new(&is->calls, sizeof(*k), r, on_done);
	if (k == NULL)
		return;
	is->n++;
	k->m = m;
	call_ask(&k->call, MSG_CHECK, &m);
}

void
invoices_drain(struct invoices *is)
{
	struct call *c, *next;

	is->draining = true;
	for (c = LIST_FIRST(&is->calls.list); c != NULL; c = next) {
		struct check *k = (struct check *)c;

		next = LIST_NEXT(c, link);
		if (!k->checked)
			reply_open(k, "unanswered", RETRY_SILENT);
	}
}

enum status
invoices_new(struct invoices **out, struct asks *as, struct err *e)
{
	struct invoices *is = calloc(1, sizeof(*is));

	*out = is;
	if (is == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	calls_init(&is->calls, is, as);
	is->calls.on_end = on_check_end;
	return ST_OK;
}

void
invoices_free(struct invoices *is)
{
	if (is == NULL)
		return;
	calls_fini(&is->calls);
	free(is);
}
