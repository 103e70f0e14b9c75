#include "billing.h"

#include <stdlib.h>
#include <string.h>

#include "payments.h"
#include "gateway.h"
#include "sim.h"
#include "sim_client.h"

enum mood { WELL, AWAY, SLOW, BROKEN, LIMITED, GONE, MOODS };

static const enum fault faults[MOODS] = { [AWAY] = FAULT_BILLING_AWAY,
	[SLOW] = FAULT_BILLING_SLOW,
	[BROKEN] = FAULT_BILLING_ERROR,
	[LIMITED] = FAULT_BILLING_LIMIT,
	[GONE] = FAULT_BILLING_GONE };

static struct billing {
	enum mood mood;
	bool gone; /* 410 was said: an operator has to see to it */
} billings[ENDPOINTS];

/* ---- moods */

static void
change(void *arg)
{
	struct billing *b = arg;

	if (sim.calm)
		return;
	if (b->gone) {
		gateway_resume((size_t)(b - billings));
		b->gone = false;
	}
	b->mood =
	    b->mood != WELL ? WELL : (enum mood)(1 + sim_below(MOODS - 1));
	if (b->mood != WELL && !sim_has_fault(faults[b->mood]))
		b->mood = WELL;
	sim_event("billing", (uint64_t)(b - billings), b->mood);
	sim_after(b->mood == WELL ? sim_between(MINUTE, 2 * HOUR)
				  : sim_between(SECOND, HOUR),
	    change, b);
}

void
billing_start(void)
{
	for (size_t i = 0; i < ENDPOINTS; i++)
		sim_after(sim_between(MINUTE, HOUR), change, &billings[i]);
}

void
billing_calm(void)
{
	for (size_t i = 0; i < ENDPOINTS; i++) {
		billings[i].mood = WELL;
		gateway_resume(i);
	}
}

/* true: it takes nothing. */
static bool
fail(struct billing *b, struct sim_answer *out)
{
	switch (b->mood) {
	case AWAY:
		sim_count_fault(FAULT_BILLING_AWAY);
		out->end = CLIENT_CONNECT;
		return true;
	case BROKEN:
		sim_count_fault(FAULT_BILLING_ERROR);
		out->status = 500;
		return true;
	case LIMITED:
		sim_count_fault(FAULT_BILLING_LIMIT);
		out->status = 429;
		out->retry_after_s = sim_between(-1, 600);
		return true;
	case GONE:
		sim_count_fault(FAULT_BILLING_GONE);
		out->status = 410;
		b->gone = true;
		return true;
	default:
		return false;
	}
}

/* ---- what comes */

static uint64_t
digest_of(struct bytes body)
{
	uint64_t d = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < body.len; i++)
		d = (d ^ body.ptr[i]) * UINT64_C(0x100000001b3);
	return d;
}

static struct bytes
webhook_id(const char *const *headers, size_t n)
{
	static const char name[] = "webhook-id: ";

	for (size_t i = 0; i < n; i++) {
		if (strncmp(headers[i], name, sizeof(name) - 1) == 0)
			return bytes_of(headers[i] + sizeof(name) - 1);
	}
	return bytes_make("", 0);
}

static void
take(size_t e, struct payment *p, struct bytes body, int64_t sent_us)
{
	uint64_t digest = digest_of(body);

	sim_event("delivered", p->n, e);
	sim_check(CHECK_KNOWN, p->paid && !p->forged, p->n);
	sim_check(CHECK_CONFIRMED, payments_confirmed(p), p->n);
	sim_check(
	    CHECK_ERASED, p->erased_us == 0 || sent_us <= p->erased_us, p->n);
	if (p->taken[e] > 0)
		sim_check(CHECK_SAME, p->digest[e] == digest, p->n);
	p->digest[e] = digest;
	p->taken[e]++;
}

void
billing_post(const char *url, const char *const *headers, size_t n,
    struct bytes body, int64_t sent_us, struct sim_answer *out)
{
	size_t e = strstr(url, endpoint_names[0]) != NULL ? 0 : 1;
	struct bytes id = webhook_id(headers, n);
	struct payment *p = payments_named(id);
	struct billing *b = &billings[e];

	out->took_us = sim_between(1000, 200000);
	out->status = 200;
	if (fail(b, out))
		return;
	if (b->mood == SLOW) {
		sim_count_fault(FAULT_BILLING_SLOW);
		out->took_us = sim_between(SECOND, 20 * SECOND);
	}
	if (p != NULL)
		take(e, p, body, sent_us);
	else if (id.len < 7 || memcmp(id.ptr, "erased_", 7) != 0)
		sim_broken("a delivery of nothing", 0);
}

/* ---- the end */

static bool
owed(const struct payment *p, size_t e)
{
	bool receipt = p->merchant == 1 ? p->acked && !p->forged
					: p->confirmed > 0 && p->acked;

	return receipt && (p->merchant == 0 || e == 0) && p->erase_us == 0 &&
	       p->contradicted == 0 && p->denied == 0 &&
	       gateway_terms()->keep_us[p->merchant] >= 30 * DAY;
}

bool
billing_owed(void)
{
	for (size_t i = 0; i < n_payments; i++) {
		for (size_t e = 0; e < ENDPOINTS; e++) {
			if (owed(&payments[i], e) && payments[i].taken[e] == 0)
				return true;
		}
	}
	return false;
}

void
billing_end(void)
{
	for (size_t i = 0; i < n_payments; i++) {
		for (size_t e = 0; e < ENDPOINTS; e++) {
			if (owed(&payments[i], e))
				sim_check(CHECK_DELIVERED,
				    payments[i].taken[e] > 0, payments[i].n);
		}
	}
}
