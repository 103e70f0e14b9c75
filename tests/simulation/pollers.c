#include "pollers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/cursor.h"
#include "payments.h"
#include "gateway.h"
#include "sim.h"
#include "sim_server.h"

#define SAVED	 16
#define NOT_SEEN UINT32_MAX

struct place {
	char cursor[CURSOR_TEXT]; /* empty: the start */
	size_t at;		  /* rows before it, of those in list */
};

static struct poller {
	size_t merchant;
	struct place now, saved[SAVED];
	size_t n_saved, calm_polls;
	bool done;
	size_t n; /* rows seen, in their order */
	struct payment *list[PAYMENTS];
} pollers[MERCHANTS];

static uint32_t row_of[PAYMENTS]; /* in its poller's list */

/* ---- rows */

static bool
may_be_gone(const struct payment *p)
{
	return p->erase_us > 0 || sim_now() - p->made_us >=
				      gateway_terms()->keep_us[p->merchant] / 2;
}

/* Nothing between where it stands and row `to` may be missing. */
static void
pass(struct poller *o, size_t to)
{
	for (; o->now.at < to; o->now.at++)
		sim_check(CHECK_ORDER, may_be_gone(o->list[o->now.at]),
		    o->list[o->now.at]->n);
}

static void
take_row(struct poller *o, struct payment *p)
{
	size_t i = (size_t)(p - payments);

	sim_check(CHECK_KNOWN, p->paid && !p->forged, p->n);
	sim_check(CHECK_CONFIRMED, payments_confirmed(p), p->n);
	sim_check(
	    CHECK_ORDER, row_of[i] == NOT_SEEN || row_of[i] >= o->now.at, p->n);
	if (row_of[i] == NOT_SEEN) {
		pass(o, o->n);
		row_of[i] = (uint32_t)o->n;
		o->list[o->n++] = p;
	} else {
		pass(o, row_of[i]);
	}
	o->now.at = row_of[i] + 1;
}

static size_t
take_rows(struct poller *o, const char *body)
{
	static const char id[] = "{\"id\":\"";
	size_t rows = 0;

	while ((body = strstr(body, id)) != NULL) {
		struct payment *p;

		body += sizeof(id) - 1;
		p = payments_named(bytes_make(body, strcspn(body, "\"")));
		if (p == NULL)
			sim_broken("a row of nothing", rows);
		take_row(o, p);
		rows++;
	}
	return rows;
}

static void
take_cursor(struct poller *o, const char *body)
{
	static const char next[] = "\"next\":\"";
	const char *at = strstr(body, next);

	if (at == NULL)
		sim_broken("a page without a cursor", o->merchant);
	at += sizeof(next) - 1;
	(void)snprintf(o->now.cursor, sizeof(o->now.cursor), "%.*s",
	    (int)strcspn(at, "\""), at);
}

/* ---- polls */

static void poll_again(void *arg);

/* It crashed, and what it had stored last is older. */
static void
go_back(struct poller *o)
{
	if (o->n_saved == SAVED)
		o->n_saved = 0;
	o->saved[o->n_saved++] = o->now;
	if (sim_fault(FAULT_RESUMED, 40))
		o->now = o->saved[sim_below(o->n_saved)];
}

static void
on_page(void *arg, int status, const char *body)
{
	struct poller *o = arg;
	size_t rows = 0;
	bool more;

	if (status != 200) {
		sim_after(sim_between(SECOND, 20 * SECOND), poll_again, o);
		return;
	}
	rows = take_rows(o, body);
	take_cursor(o, body);
	more = strstr(body, "\"more\":true") != NULL;
	sim_event("polled", rows, o->now.at);
	if (sim.calm && !more && rows == 0)
		o->done = ++o->calm_polls > 1;
	go_back(o);
	sim_after(more ? 0 : sim_between(0, 5 * MINUTE), poll_again, o);
}

static void
poll_again(void *arg)
{
	struct poller *o = arg;
	char head[512];

	(void)snprintf(head, sizeof(head),
	    "GET /v1/receipts?limit=%d&wait=%d%s%s HTTP/1.1\r\nHost: x\r\n"
	    "Authorization: Bearer %s\r\n\r\n",
	    (int)sim_between(1, 50), (int)(sim_once_in(2) ? 0 : 30),
	    o->now.cursor[0] != '\0' ? "&after=" : "", o->now.cursor,
	    merchant_tokens[o->merchant]);
	sim_request(SIM_API, head, bytes_make("", 0), on_page, o);
}

/* ---- the whole */

void
pollers_start(void)
{
	memset(row_of, 0xff, sizeof(row_of));
	for (size_t i = 0; i < MERCHANTS; i++) {
		pollers[i].merchant = i;
		sim_after(sim_between(0, MINUTE), poll_again, &pollers[i]);
	}
}

void
pollers_calm(void)
{
	for (size_t i = 0; i < MERCHANTS; i++)
		pollers[i].done = false;
}

bool
pollers_done(void)
{
	bool done = true;

	for (size_t i = 0; i < MERCHANTS; i++)
		done = done && pollers[i].done;
	return done;
}

void
pollers_end(void)
{
	for (size_t i = 0; i < n_payments; i++) {
		const struct payment *p = &payments[i];
		bool receipt = p->merchant == 1 ? p->acked && !p->forged
						: p->confirmed > 0;

		if (receipt && p->acked && p->contradicted == 0 &&
		    p->denied == 0 && !may_be_gone(p))
			sim_check(CHECK_COMPLETE, row_of[i] != NOT_SEEN, p->n);
	}
}
