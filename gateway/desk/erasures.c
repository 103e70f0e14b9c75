#include "desk/erasures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "desk/call.h"
#include "desk/query.h"
#include "receipt/certificate.h"

struct erasures {
	struct calls calls; /* each an erasing */
};

struct erasing {
	struct call call;
	struct msg_erase m;
};

/* A hold has no end that is known. */
static void
refuse(struct erasing *g, const struct msg_erased *m)
{
	int64_t left_s = ((int64_t)m->until_us - clock_wall_us()) / 1000000 + 1;
	char fields[64];

	(void)snprintf(fields, sizeof(fields), "Retry-After: %lld\r\n",
	    (long long)(left_s > 0 ? left_s : 1));
	if (m->why == RETAIN_TERM)
		call_refuse(&g->call, PROBLEM_TERM, fields);
	else
		call_refuse(&g->call, PROBLEM_LEGAL_HOLD, NULL);
}

static void
on_payment(void *arg, enum message type, const void *record)
{
	const struct msg_payment *m = record;
	struct call *c = arg;

	(void)type;
	if (c->ask.rows > 1)
		buf_append_text(&c->ask.json, ",");
	certificate_payment(&m->receipt.id, (enum life)m->life, &c->ask.json);
}

static void
on_done(void *arg, const struct asks_answer *a)
{
	const struct msg_erased *m = &a->erased;
	struct erasing *g = arg;
	const struct certificate c = { .dry_run = g->m.action != ERASE_DO,
		.proved = m->proved != 0,
		.at_us = (int64_t)m->at_us,
		.receipts = m->receipts,
		.waiting = m->waiting,
		.held = m->held,
		.files = m->files,
		.bytes = m->bytes,
		.hits = m->hits,
		.before = m->before,
		.after = m->after };

	if (a->st != ST_OK) {
		call_fail(&g->call, a->st);
	} else if (m->why != RETAIN_FREE) {
		refuse(g, m);
	} else {
		certificate_end(&c, &g->call.ask.json);
		call_reply(&g->call, c.dry_run || c.proved ? 200 : 202, NULL);
	}
}

/* The path's invoice ID, and the parameter, into m; false: answered. */
static bool
read_request(const struct route_request *r, struct msg_erase *m)
{
	struct query_param params[] = { { .name = "dry_run" } };
	const struct bytes *dry_run = &params[0].value;
	struct bytes invoice;
	struct query_text text;
	enum problem why = PROBLEM_NOT_FOUND;

	if (!query_segment(r->segment, &invoice, &text) ||
	    !receipt_invoice_valid(invoice) ||
	    !receipt_text(m->invoice_id, sizeof(m->invoice_id), invoice))
		goto refuse;
	why = PROBLEM_PARAMETER;
	if (!query_parse(r->query, params, ARRAY_LEN(params), &text) ||
	    (dry_run->ptr != NULL && !bytes_is(*dry_run, "true")))
		goto refuse;
	m->action = dry_run->ptr != NULL ? ERASE_TRY : ERASE_DO;
	memcpy(m->merchant, r->merchant, sizeof(m->merchant));
	memcpy(m->by, r->token, sizeof(m->by));
	return true;
refuse:
	server_problem(r->server, r->id, why, NULL);
	return false;
}

void
erasures_delete(void *unit, const struct route_request *r)
{
	struct msg_erase m = { .tag = 0 };
	struct erasures *es = unit;
	struct erasing *g;

	if (!read_request(r, &m))
		return;
	g = call_new(&es->calls, sizeof(*g), r, on_done);
	if (g == NULL)
		return;
	g->m = m;
	g->call.ask.on_row = on_payment;
	certificate_begin(&g->call.ask.json);
	call_ask(&g->call, MSG_ERASE, &m);
}

enum status
erasures_new(struct erasures **out, struct asks *as, struct err *e)
{
	struct erasures *es = calloc(1, sizeof(*es));

	*out = es;
	if (es == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	calls_init(&es->calls, es, as);
	return ST_OK;
}

void
erasures_free(struct erasures *es)
{
	if (es == NULL)
		return;
	calls_fini(&es->calls);
	free(es);
}
