/*
 * SSLCommerz's validation API, in moods: it answers, is away, is silent, slow
 * or wrong, or tells what is not so.
 */
#include "provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "payments.h"
#include "sim.h"
#include "sim_client.h"

enum mood {
	WELL,
	AWAY,
	SILENT,
	SLOW,
	BROKEN,
	LIMITED,
	DENIES,
	LIES,
	FORBIDS,
	MOODS
};

static const enum fault faults[MOODS] = { [AWAY] = FAULT_PROVIDER_AWAY,
	[SILENT] = FAULT_PROVIDER_SILENT,
	[SLOW] = FAULT_PROVIDER_SLOW,
	[BROKEN] = FAULT_PROVIDER_ERROR,
	[LIMITED] = FAULT_PROVIDER_LIMIT,
	[DENIES] = FAULT_PROVIDER_DENIES,
	[LIES] = FAULT_PROVIDER_LIES,
	[FORBIDS] = FAULT_PROVIDER_FAULT };

static enum mood mood;

static void
change(void *arg)
{
	(void)arg;
	mood = sim.calm || mood != WELL ? WELL
					: (enum mood)(1 + sim_below(MOODS - 1));
	if (sim.calm)
		return;
	if (mood != WELL && !sim_has_fault(faults[mood]))
		mood = WELL;
	sim_event("provider", mood, 0);
	sim_after(mood == WELL ? sim_between(MINUTE, 3 * HOUR)
			       : sim_between(SECOND, HOUR),
	    change, NULL);
}

void
provider_start(void)
{
	sim_after(sim_between(MINUTE, HOUR), change, NULL);
}

void
provider_calm(void)
{
	mood = WELL;
}

/* The number behind name in the query, of a payment of the merchant that
 * asks. */
static struct payment *
asked(struct bytes target, const char *name)
{
	char text[1024];
	const char *at;
	unsigned long n;

	if (target.len >= sizeof(text))
		return NULL;
	memcpy(text, target.ptr, target.len);
	text[target.len] = '\0';
	at = strstr(text, name);
	if (at == NULL)
		return NULL;
	n = strtoul(at + strlen(name), NULL, 10);
	return n < n_payments ? &payments[n] : NULL;
}

static void
tell(const struct payment *p, bool by_val_id, unsigned long amount, char *out,
    size_t cap)
{
	char one[1024];

	(void)snprintf(one, sizeof(one),
	    "{\"status\":\"VALID\",\"tran_date\":\"2025-12-02 12:30:45\","
	    "\"tran_id\":\"INV-%u\",\"val_id\":\"V%u\","
	    "\"amount\":\"%lu.00\",\"store_amount\":\"1.00\","
	    "\"currency\":\"BDT\",\"currency_type\":\"BDT\","
	    "\"currency_amount\":\"%lu.00\",\"risk_level\":\"0\","
	    "\"APIConnect\":\"DONE\"}",
	    (unsigned)p->n, (unsigned)p->n, amount, amount);
	if (by_val_id)
		(void)snprintf(out, cap, "%s", one);
	else
		(void)snprintf(out, cap,
		    "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":1,"
		    "\"element\":[%s]}",
		    one);
}

static void
deny(struct payment *p, bool by_val_id, struct sim_answer *out)
{
	p->denied++;
	(void)snprintf(out->body, sizeof(out->body), "%s",
	    by_val_id ? "{\"status\":\"INVALID_TRANSACTION\","
			"\"APIConnect\":\"DONE\"}"
		      : "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":0,"
			"\"element\":[]}");
}

static void
answer(struct payment *p, bool by_val_id, struct sim_answer *out)
{
	if (!p->paid || p->forged) {
		deny(p, by_val_id, out);
	} else if (mood == DENIES && sim_fault(FAULT_PROVIDER_DENIES, 2)) {
		deny(p, by_val_id, out);
	} else if (mood == LIES && sim_fault(FAULT_PROVIDER_LIES, 3)) {
		p->contradicted++;
		tell(p, by_val_id, p->n + 9UL, out->body, sizeof(out->body));
	} else {
		p->confirmed++;
		tell(p, by_val_id, p->n + 10UL, out->body, sizeof(out->body));
	}
	sim_event("asked", p->n, p->confirmed);
}

/* true: there is no answer of substance. */
static bool
fail(struct sim_answer *out)
{
	switch (mood) {
	case AWAY:
		sim_count_fault(FAULT_PROVIDER_AWAY);
		out->end = CLIENT_CONNECT;
		return true;
	case SILENT:
		sim_count_fault(FAULT_PROVIDER_SILENT);
		out->end = CLIENT_TIMEOUT;
		return true;
	case BROKEN:
		sim_count_fault(FAULT_PROVIDER_ERROR);
		out->status = sim_once_in(2) ? 500 : 200;
		(void)snprintf(out->body, sizeof(out->body), "{\"status\":");
		return true;
	case LIMITED:
		sim_count_fault(FAULT_PROVIDER_LIMIT);
		out->status = 429;
		out->retry_after_s = sim_between(-1, 300);
		return true;
	case FORBIDS:
		sim_count_fault(FAULT_PROVIDER_FAULT);
		(void)snprintf(out->body, sizeof(out->body),
		    "{\"APIConnect\":\"FAILED\"}");
		return true;
	default:
		return false;
	}
}

void
provider_get(struct bytes target, struct sim_answer *out)
{
	struct payment *p = asked(target, "val_id=V");
	bool by_val_id = p != NULL;

	if (p == NULL)
		p = asked(target, "tran_id=INV-");
	if (p == NULL)
		sim_broken("a question about nothing", 0);
	out->status = 200;
	out->took_us = sim_between(5000, 400000);
	if (fail(out))
		return;
	answer(p, by_val_id, out);
	if (mood == SLOW) {
		sim_count_fault(FAULT_PROVIDER_SLOW);
		out->took_us = sim_between(SECOND, 30 * SECOND);
	}
}
