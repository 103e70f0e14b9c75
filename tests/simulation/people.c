/*
 * At the desk: who erases, delivers again, decides what is held, and has
 * SSLCommerz asked about a payment whose callback may be lost.
 */
#include "people.h"

#include <stdio.h>

#include "gateway.h"
#include "payments.h"
#include "sim.h"
#include "sim_server.h"

/* Of any payment that was made; NULL: there is none. */
static struct payment *
any(void)
{
	return n_payments == 0 ? NULL : &payments[sim_below(n_payments)];
}

static void
ask(const char *method, const char *target, size_t merchant,
    sim_answered_fn *fn, void *arg)
{
	char head[512];

	(void)snprintf(head, sizeof(head),
	    "%s %s HTTP/1.1\r\nHost: x\r\n%sAuthorization: Bearer %s\r\n\r\n",
	    method, target, method[0] == 'P' ? "Content-Length: 0\r\n" : "",
	    merchant_tokens[merchant]);
	sim_request(SIM_API, head, bytes_make("", 0), fn, arg);
}

/* ---- erasing */

static void
on_erased(void *arg, int status, const char *body)
{
	struct payment *p = arg;

	(void)body;
	if (status == 200 || status == 202)
		p->erased_us = sim_now();
	sim_event("erased", p->n, (uint64_t)status);
}

static void
erase(void *arg)
{
	struct payment *p = any();
	char target[64];

	(void)arg;
	if (sim.calm)
		return;
	sim_after(sim_between(MINUTE, HOUR), erase, NULL);
	/* What is not there yet is not erased, and may come later. */
	if (p == NULL || !p->committed || !sim_fault(FAULT_ERASURE, 1))
		return;
	if (p->erase_us == 0)
		p->erase_us = sim_now() + 1;
	(void)snprintf(
	    target, sizeof(target), "/v1/invoices/INV-%u", (unsigned)p->n);
	ask("DELETE", target, p->merchant, on_erased, p);
}

/* ---- delivering again */

static void
on_word(void *arg, int status, const char *body)
{
	(void)arg;
	(void)body;
	sim_event("said", (uint64_t)status, 0);
}

static void
deliver_again(void *arg)
{
	char target[64];

	(void)arg;
	if (sim.calm || sim_fault(FAULT_REDELIVERY, 1)) {
		(void)snprintf(target, sizeof(target),
		    "/v1/deliveries/retry?state=%s&limit=%d",
		    sim.calm || sim_once_in(2) ? "exhausted" : "delivered",
		    (int)sim_between(1, 100));
		ask("POST", target, sim_below(MERCHANTS), on_word, NULL);
	}
	sim_after(sim.calm ? 10 * MINUTE : sim_between(MINUTE, 3 * HOUR),
	    deliver_again, NULL);
}

/* ---- deciding */

static void
decide(void *arg)
{
	struct payment *p = any();
	char target[96];
	bool release = sim_once_in(2);

	(void)arg;
	if (sim.calm)
		return;
	sim_after(sim_between(SECOND, 10 * MINUTE), decide, NULL);
	if (p == NULL || p->forged || !p->paid || p->contradicted == 0 ||
	    !sim_fault(FAULT_DECISION, 1))
		return;
	p->released |= release;
	p->rejected |= !release;
	(void)snprintf(target, sizeof(target), "/v1/held/%s/%s", p->text,
	    release ? "release" : "reject");
	ask("POST", target, p->merchant, on_word, NULL);
}

/* ---- checking */

static void
look_up(void *arg)
{
	struct payment *p = any();
	char target[96];

	(void)arg;
	if (sim.calm)
		return;
	sim_after(sim_between(SECOND, 30 * MINUTE), look_up, NULL);
	if (p == NULL || p->merchant != 0 || !sim_fault(FAULT_CHECK, 1))
		return;
	p->checked = true;
	(void)snprintf(target, sizeof(target), "/v1/invoices/INV-%u/check",
	    (unsigned)p->n);
	ask("POST", target, p->merchant, on_word, NULL);
}

void
people_start(void)
{
	sim_after(sim_between(MINUTE, HOUR), erase, NULL);
	sim_after(sim_between(MINUTE, 3 * HOUR), deliver_again, NULL);
	sim_after(MINUTE, decide, NULL);
	sim_after(MINUTE, look_up, NULL);
}
