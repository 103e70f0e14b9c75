#include "keeper/gate.h"

#include <assert.h>

#define SECOND_US INT64_C(1000000)

enum gate_sign
gate_sign(enum outcome o, uint32_t http_status)
{
	if (o == OUTCOME_DELIVERED)
		return GATE_WELL;
	if (o != OUTCOME_STATUS)
		return GATE_AWAY;
	switch (http_status) {
	case 410:
		return GATE_GONE;
	case 429:
		return GATE_LIMITED;
	case 408:
	case 425:
		return GATE_AWAY;
	default:
		return http_status >= 500 ? GATE_AWAY : GATE_ALIVE;
	}
}

void
gate_init(struct gate *g, int64_t now_us)
{
	*g = (struct gate){ .rate = INT64_MAX, .refilled_us = now_us };
}

static int64_t
token_us(const struct gate *g)
{
	return g->rate >= SECOND_US ? 0 : (SECOND_US + g->rate - 1) / g->rate;
}

/* What gathers while nothing is sent: a tenth of a second's attempts, or one.
 */
static int64_t
burst_us(const struct gate *g)
{
	int64_t one = token_us(g), tenth = SECOND_US / 10;

	return one > tenth ? one : tenth;
}

static void
refill(struct gate *g, int64_t now_us)
{
	int64_t most = burst_us(g);

	if (now_us > g->refilled_us)
		g->tokens_us += now_us - g->refilled_us;
	g->refilled_us = now_us;
	if (g->tokens_us > most)
		g->tokens_us = most;
}

/* How many may be in flight, whatever the time. */
static uint32_t
width(const struct gate *g)
{
	if (g->probe_gap_us > 0)
		return g->window > 0 ? 1 : 0;
	if (g->ramp > 0 && g->ramp < g->window)
		return g->ramp;
	return g->window;
}

bool
gate_may(struct gate *g, int64_t now_us, int64_t *wake_us)
{
	*wake_us = INT64_MAX;
	if (g->shut || g->in_flight >= width(g))
		return false;
	if (now_us < g->closed_until_us) {
		*wake_us = g->closed_until_us;
		return false;
	}
	refill(g, now_us);
	if (g->tokens_us < token_us(g)) {
		*wake_us = now_us + token_us(g) - g->tokens_us;
		return false;
	}
	return true;
}

void
gate_sent(struct gate *g, int64_t now_us)
{
	refill(g, now_us);
	g->tokens_us -= token_us(g);
	g->in_flight++;
	g->probing = g->probe_gap_us > 0;
	if (now_us >= g->closed_until_us)
		g->paused = false;
}

static void
close_until(struct gate *g, int64_t at_us)
{
	if (at_us > g->closed_until_us)
		g->closed_until_us = at_us;
}

static void
pause_until(struct gate *g, int64_t at_us)
{
	close_until(g, at_us);
	g->paused = true;
}

static void
fail(struct gate *g, int64_t now_us)
{
	if (g->failures < GATE_FAILURES)
		g->failures++;
	if (g->failures < GATE_FAILURES)
		return;
	/* What was sent before it opened says nothing new. */
	if (g->probe_gap_us > 0 && !g->probing)
		return;
	g->probing = false;
	g->probe_gap_us =
	    g->probe_gap_us == 0 ? GATE_PROBE_US : 2 * g->probe_gap_us;
	if (g->probe_gap_us > GATE_PROBE_MOST_US)
		g->probe_gap_us = GATE_PROBE_MOST_US;
	g->ramp = 0;
	close_until(g, now_us + g->probe_gap_us);
}

static void
succeed(struct gate *g)
{
	g->failures = 0;
	if (g->probe_gap_us > 0) {
		g->probe_gap_us = 0;
		g->ramp = 1;
	}
	/* Without a taker nobody knows how wide it would be. */
	if (g->ramp > 0 && ++g->ramp >= g->window && g->window > 0)
		g->ramp = 0;
}

void
gate_answered(
    struct gate *g, enum gate_sign s, uint32_t retry_after_s, int64_t now_us)
{
	int64_t asked_us = (int64_t)retry_after_s * SECOND_US;

	assert(g->in_flight > 0);
	g->in_flight--;
	switch (s) {
	case GATE_WELL:
	case GATE_ALIVE:
		succeed(g);
		break;
	case GATE_AWAY:
		fail(g, now_us);
		if (asked_us > 0)
			pause_until(g, now_us + asked_us);
		break;
	case GATE_LIMITED:
		succeed(g); /* it answers */
		pause_until(
		    g, now_us + (asked_us > 0 ? asked_us : GATE_PAUSE_US));
		break;
	case GATE_GONE:
		succeed(g);
		g->shut = true;
		break;
	}
}

void
gate_lost(struct gate *g)
{
	assert(g->in_flight > 0);
	g->in_flight--;
}

void
gate_shut(struct gate *g, bool shut)
{
	g->shut = shut;
}

enum gate_state
gate_state(const struct gate *g, int64_t now_us)
{
	if (g->shut)
		return GATE_SHUT;
	if (g->probe_gap_us > 0)
		return GATE_PROBING;
	if (g->paused && now_us < g->closed_until_us)
		return GATE_PAUSED;
	return g->ramp > 0 ? GATE_RAMPING : GATE_OPEN;
}
