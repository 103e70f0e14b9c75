/* The gate of an endpoint, in made-up time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/attr.h"
#include "keeper/gate.h"

#define SECOND INT64_C(1000000)
#define START  (1000 * SECOND)

/* xorshift64: the same numbers each time. */
static uint64_t
draw(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static struct gate
open_gate(uint32_t window)
{
	struct gate g;

	gate_init(&g, START);
	g.window = window;
	return g;
}

static bool
may(struct gate *g, int64_t now_us)
{
	int64_t wake_us;
	bool yes = gate_may(g, now_us, &wake_us);

	/* Never a moment that has passed: its timer would spin. */
	assert_true(yes || wake_us > now_us);
	return yes;
}

/* As many as it lets through now. */
static uint32_t
fill(struct gate *g, int64_t now_us)
{
	uint32_t n = 0;

	for (; may(g, now_us); n++) {
		assert_true(n < 100000);
		gate_sent(g, now_us);
	}
	return n;
}

static void
try(struct gate *g, enum gate_sign s, int64_t now_us)
{
	assert_true(may(g, now_us));
	gate_sent(g, now_us);
	gate_answered(g, s, 0, now_us);
}

static void
open_breaker(struct gate *g, int64_t now_us)
{
	for (int i = 0; i < GATE_FAILURES; i++)
		try(g, GATE_AWAY, now_us);
	assert_int_equal(gate_state(g, now_us), GATE_PROBING);
}

static void
each_answer_has_its_sign(void **state)
{
	static const uint32_t away[] = { 408, 425, 500, 501, 502, 503, 504,
		599 };
	static const uint32_t alive[] = { 300, 301, 308, 400, 401, 403, 404,
		405, 409, 411, 413, 415, 422, 428, 451 };

	(void)state;
	assert_int_equal(gate_sign(OUTCOME_DELIVERED, 204), GATE_WELL);
	assert_int_equal(gate_sign(OUTCOME_STATUS, 410), GATE_GONE);
	assert_int_equal(gate_sign(OUTCOME_STATUS, 429), GATE_LIMITED);
	for (size_t i = 0; i < ARRAY_LEN(away); i++)
		assert_int_equal(gate_sign(OUTCOME_STATUS, away[i]), GATE_AWAY);
	for (size_t i = 0; i < ARRAY_LEN(alive); i++)
		assert_int_equal(
		    gate_sign(OUTCOME_STATUS, alive[i]), GATE_ALIVE);
	for (int o = 0; o < OUTCOMES; o++) {
		if (o != OUTCOME_DELIVERED && o != OUTCOME_STATUS)
			assert_int_equal(
			    gate_sign((enum outcome)o, 0), GATE_AWAY);
	}
}

static void
without_a_window_nothing_goes(void **state)
{
	struct gate g = open_gate(0);
	int64_t wake_us;

	(void)state;
	assert_false(gate_may(&g, START, &wake_us));
	assert_true(wake_us == INT64_MAX);
	g.window = 1;
	assert_int_equal(fill(&g, START), 1);
}

static void
no_more_are_in_flight_than_the_window(void **state)
{
	struct gate g = open_gate(5);

	(void)state;
	assert_int_equal(fill(&g, START), 5);
	gate_answered(&g, GATE_WELL, 0, START);
	gate_lost(&g);
	assert_int_equal(fill(&g, START), 2);
	g.window = 3;
	gate_lost(&g);
	gate_lost(&g);
	assert_int_equal(fill(&g, START), 0);
	gate_lost(&g);
	assert_int_equal(fill(&g, START), 1);
}

/* Send for ten seconds what the rate allows; at[]: when. */
static size_t
send_greedily(int64_t rate, int64_t *at, size_t cap)
{
	struct gate g = open_gate(UINT32_MAX);
	int64_t now_us = START, wake_us;
	size_t n = 0;

	g.rate = rate;
	while (now_us < START + 10 * SECOND) {
		if (gate_may(&g, now_us, &wake_us)) {
			assert_true(n < cap);
			gate_sent(&g, now_us);
			at[n++] = now_us;
			continue;
		}
		assert_true(wake_us > now_us && wake_us < INT64_MAX);
		now_us = wake_us;
	}
	return n;
}

/* Of any window of time: at most the burst and what the rate gives. */
static void
assert_within_rate(const int64_t *at, size_t n, int64_t rate)
{
	int64_t burst = rate / 10 > 1 ? rate / 10 : 1;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = i; j < n; j += 1 + (j - i) / 16) {
			int64_t most = burst + (at[j] - at[i]) * rate / SECOND;

			assert_true((int64_t)(j - i + 1) <= most);
		}
	}
}

static void
the_rate_is_kept_in_any_window_of_time_and_used(void **state)
{
	static const int64_t rates[] = { 1, 2, 3, 7, 11, 99, 100, 999, 1000 };
	static int64_t at[16384];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		size_t n = send_greedily(rates[i], at, ARRAY_LEN(at));

		assert_within_rate(at, n, rates[i]);
		assert_true((int64_t)n >= rates[i] * 98 / 10);
	}
}

static void
an_idle_endpoint_saves_up_no_more_than_the_burst(void **state)
{
	struct gate g = open_gate(UINT32_MAX);

	(void)state;
	g.rate = 100;
	(void)fill(&g, START);
	assert_int_equal(fill(&g, START + 3600 * SECOND), 10);
	g.rate = 5;
	assert_int_equal(fill(&g, START + 7200 * SECOND), 1);
	g.rate = INT64_MAX;
	g.window = 5000;
	g.in_flight = 0;
	assert_int_equal(fill(&g, START + 7200 * SECOND), 5000);
}

static void
ten_failures_in_a_row_open_the_breaker(void **state)
{
	struct gate g = open_gate(8);

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < GATE_FAILURES - 1; i++)
			try(&g, GATE_AWAY, START);
		assert_int_equal(gate_state(&g, START), GATE_OPEN);
		try(&g, round == 0 ? GATE_WELL : GATE_ALIVE, START);
		assert_int_equal(gate_state(&g, START), GATE_OPEN);
	}
	open_breaker(&g, START);
	assert_false(may(&g, START));
}

static void
what_an_endpoint_refuses_never_opens_the_breaker(void **state)
{
	struct gate g = open_gate(8);

	(void)state;
	for (int i = 0; i < 1000; i++)
		try(&g, GATE_ALIVE, START);
	assert_int_equal(gate_state(&g, START), GATE_OPEN);
	assert_int_equal(fill(&g, START), 8);
}

static void
probes_go_out_one_by_one_and_ever_more_rarely(void **state)
{
	static const int64_t gaps[] = { 1, 2, 4, 8, 16, 32, 60, 60, 60 };
	struct gate g = open_gate(8);
	int64_t now_us = START, wake_us;

	(void)state;
	open_breaker(&g, now_us);
	for (size_t i = 0; i < ARRAY_LEN(gaps); i++) {
		assert_false(gate_may(&g, now_us, &wake_us));
		assert_true(wake_us == now_us + gaps[i] * SECOND);
		assert_false(may(&g, wake_us - 1));
		now_us = wake_us;
		assert_int_equal(fill(&g, now_us), 1);
		assert_false(may(&g, now_us + 3600 * SECOND));
		gate_answered(&g, GATE_AWAY, 0, now_us);
		assert_int_equal(gate_state(&g, now_us), GATE_PROBING);
	}
}

static void
a_probe_that_was_lost_is_sent_again(void **state)
{
	struct gate g = open_gate(8);

	(void)state;
	open_breaker(&g, START);
	assert_int_equal(fill(&g, START + SECOND), 1);
	gate_lost(&g);
	assert_int_equal(fill(&g, START + SECOND), 1);
	gate_answered(&g, GATE_AWAY, 0, START + SECOND);
	assert_false(may(&g, START + 3 * SECOND - 1));
	assert_true(may(&g, START + 3 * SECOND));
}

/* Fifty that were sent before it opened fail behind it. */
static void
what_was_under_way_when_it_opened_delays_no_probe(void **state)
{
	struct gate g = open_gate(60);

	(void)state;
	assert_int_equal(fill(&g, START), 60);
	for (int i = 0; i < 60; i++)
		gate_answered(&g, GATE_AWAY, 0, START);
	assert_int_equal(gate_state(&g, START), GATE_PROBING);
	assert_false(may(&g, START + SECOND - 1));
	assert_int_equal(fill(&g, START + SECOND), 1);
}

static void
a_recovery_widens_by_one_with_each_success(void **state)
{
	struct gate g = open_gate(40);
	int64_t now_us = START + SECOND;
	uint32_t under_way = 0;

	(void)state;
	open_breaker(&g, START);
	assert_int_equal(fill(&g, now_us), 1);
	gate_answered(&g, GATE_WELL, 0, now_us);
	assert_int_equal(gate_state(&g, now_us), GATE_RAMPING);
	for (uint32_t wide = 2; wide < 40; wide++) {
		under_way += fill(&g, now_us);
		assert_int_equal(under_way, wide);
		gate_answered(&g, GATE_WELL, 0, now_us);
		under_way--;
	}
	assert_int_equal(gate_state(&g, now_us), GATE_OPEN);
	assert_int_equal(under_way + fill(&g, now_us), 40);
}

static void
a_recovery_without_a_courier_stays_narrow(void **state)
{
	struct gate g = open_gate(40);
	int64_t now_us = START + SECOND;

	(void)state;
	open_breaker(&g, START);
	assert_int_equal(fill(&g, now_us), 1);
	g.window = 0; /* a reload: the new courier has said nothing yet */
	gate_answered(&g, GATE_WELL, 0, now_us);
	g.window = 40;
	assert_int_equal(fill(&g, now_us), 2);
}

static void
a_relapse_while_it_widens_opens_the_breaker_again(void **state)
{
	struct gate g = open_gate(40);
	int64_t now_us = START + SECOND;

	(void)state;
	open_breaker(&g, START);
	try(&g, GATE_WELL, now_us);
	open_breaker(&g, now_us);
	assert_false(may(&g, now_us + SECOND - 1));
	assert_int_equal(fill(&g, now_us + SECOND), 1);
}

static void
a_limit_pauses_for_as_long_as_was_asked(void **state)
{
	struct gate g = open_gate(8);
	int64_t wake_us;

	(void)state;
	assert_int_equal(fill(&g, START), 8);
	gate_answered(&g, GATE_LIMITED, 120, START);
	gate_answered(&g, GATE_LIMITED, 7, START); /* not shorter by that */
	assert_int_equal(gate_state(&g, START), GATE_PAUSED);
	assert_false(gate_may(&g, START + 1, &wake_us));
	assert_true(wake_us == START + 120 * SECOND);
	gate_answered(&g, GATE_WELL, 0, START + SECOND);
	assert_false(may(&g, START + 120 * SECOND - 1));
	assert_int_equal(gate_state(&g, START + 120 * SECOND), GATE_OPEN);
	assert_int_equal(fill(&g, START + 120 * SECOND), 3);
}

static void
a_limit_without_a_time_pauses_half_a_minute(void **state)
{
	struct gate g = open_gate(8);

	(void)state;
	for (int i = 0; i < 50; i++)
		try(&g, GATE_LIMITED, START + i * 60 * SECOND);
	/* It answers, so that the breaker has nothing to do with it. */
	assert_false(may(&g, START + 49 * 60 * SECOND + GATE_PAUSE_US - 1));
	assert_int_equal(fill(&g, START + 49 * 60 * SECOND + GATE_PAUSE_US), 8);
}

static void
an_endpoint_that_is_away_may_ask_for_a_pause_as_well(void **state)
{
	struct gate g = open_gate(8);

	(void)state;
	assert_int_equal(fill(&g, START), 1 * 8);
	gate_answered(&g, GATE_AWAY, 90, START);
	assert_int_equal(gate_state(&g, START), GATE_PAUSED);
	assert_false(may(&g, START + 90 * SECOND - 1));
	assert_true(may(&g, START + 90 * SECOND));
	/* The breaker keeps to it as well. */
	for (int i = 0; i < 7; i++)
		gate_answered(&g, GATE_AWAY, 0, START);
	try(&g, GATE_AWAY, START + 90 * SECOND);
	try(&g, GATE_AWAY, START + 90 * SECOND);
	assert_int_equal(gate_state(&g, START + 90 * SECOND), GATE_PROBING);
	assert_int_equal(fill(&g, START + 91 * SECOND), 1);
	gate_answered(&g, GATE_AWAY, 500, START + 91 * SECOND);
	assert_false(may(&g, START + 591 * SECOND - 1));
	assert_true(may(&g, START + 591 * SECOND));
}

static void
what_is_gone_stays_shut_until_a_person_opens_it(void **state)
{
	struct gate g = open_gate(8);
	int64_t wake_us;

	(void)state;
	assert_int_equal(fill(&g, START), 8);
	gate_answered(&g, GATE_GONE, 0, START);
	gate_answered(&g, GATE_WELL, 0, START);
	assert_int_equal(gate_state(&g, START), GATE_SHUT);
	assert_false(gate_may(&g, START + 864000 * SECOND, &wake_us));
	assert_true(wake_us == INT64_MAX);
	gate_shut(&g, false);
	assert_int_equal(gate_state(&g, START), GATE_OPEN);
	assert_int_equal(fill(&g, START), 2);
	gate_shut(&g, true); /* as it was on disk */
	assert_int_equal(gate_state(&g, START), GATE_SHUT);
}

/* ---- whatever happens */

struct walk {
	struct gate g;
	uint64_t seed;
	int64_t now_us;
	int64_t paused_until_us; /* as it was last told */
	int64_t at[4096];	 /* of what was sent */
	size_t n;
};

static void
answer_some(struct walk *w)
{
	static const enum gate_sign signs[] = { GATE_WELL, GATE_WELL, GATE_WELL,
		GATE_ALIVE, GATE_AWAY, GATE_AWAY, GATE_AWAY, GATE_AWAY,
		GATE_AWAY, GATE_AWAY, GATE_LIMITED, GATE_GONE };
	/* Good and bad times take turns. */
	bool bad = w->now_us / (20 * SECOND) % 2 == 0;
	enum gate_sign s = signs[draw(&w->seed) % ARRAY_LEN(signs)];
	uint32_t asks = 0;

	if (w->g.in_flight == 0)
		return;
	if (draw(&w->seed) % 16 == 0) {
		gate_lost(&w->g);
		return;
	}
	if (bad)
		s = GATE_AWAY;
	if (s == GATE_LIMITED || s == GATE_AWAY)
		asks = draw(&w->seed) % 8 == 0 ? (uint32_t)(draw(&w->seed) % 5)
					       : 0;
	if (s == GATE_LIMITED && asks == 0)
		w->paused_until_us = w->now_us + GATE_PAUSE_US;
	else if (w->now_us + asks * SECOND > w->paused_until_us)
		w->paused_until_us = w->now_us + asks * SECOND;
	gate_answered(&w->g, s, asks, w->now_us);
}

static void
send_some(struct walk *w)
{
	while (may(&w->g, w->now_us) && w->n < ARRAY_LEN(w->at)) {
		enum gate_state before = gate_state(&w->g, w->now_us);

		assert_int_not_equal(before, GATE_SHUT);
		assert_int_not_equal(before, GATE_PAUSED);
		assert_true(w->now_us >= w->paused_until_us);
		gate_sent(&w->g, w->now_us);
		w->at[w->n++] = w->now_us;
		assert_true(w->g.in_flight <= w->g.window);
		if (before == GATE_PROBING)
			assert_int_equal(w->g.in_flight, 1);
	}
}

static void
walk(uint64_t seed, int64_t rate)
{
	static struct walk w;
	uint32_t window = 1 + (uint32_t)(seed % 40);

	w = (struct walk){ .seed = seed * 7919 + 1, .now_us = START };
	gate_init(&w.g, START);
	w.g.window = window;
	w.g.rate = rate;
	for (int step = 0; step < 3000 && w.n < ARRAY_LEN(w.at); step++) {
		w.now_us += (int64_t)(draw(&w.seed) % 200000);
		send_some(&w);
		for (uint64_t i = draw(&w.seed) % 8; i > 0; i--)
			answer_some(&w);
		if (draw(&w.seed) % 64 == 0)
			w.g.window = (uint32_t)(draw(&w.seed) % (window + 1));
		else if (draw(&w.seed) % 16 == 0)
			w.g.window = window;
		if (draw(&w.seed) % 32 == 0)
			gate_shut(&w.g, false);
	}
	assert_true(w.n > 3); /* it was no walk on the spot */
	assert_within_rate(w.at, w.n, rate);
}

static void
whatever_happens_rate_window_pause_and_breaker_hold(void **state)
{
	static const int64_t rates[] = { 3, 40, 1000 };

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		walk(seed, rates[seed % ARRAY_LEN(rates)]);
}

/* However bad it was: once all goes well, all of the window is used. */
static void
whatever_happened_it_recovers(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct walk w = { .seed = seed * 31 + 7, .now_us = START };
		int64_t end_us;

		w.g = open_gate(20);
		for (int step = 0; step < 500; step++) {
			w.now_us += (int64_t)(draw(&w.seed) % 200000);
			w.n = 0;
			send_some(&w);
			answer_some(&w);
		}
		gate_shut(&w.g, false);
		while (w.g.in_flight > 0)
			gate_lost(&w.g);
		end_us = w.now_us + 2 * GATE_PROBE_MOST_US;
		for (; w.now_us < end_us; w.now_us += SECOND / 10) {
			uint32_t n = fill(&w.g, w.now_us);

			for (uint32_t i = 0; i < n; i++)
				gate_answered(&w.g, GATE_WELL, 0, w.now_us);
		}
		assert_int_equal(gate_state(&w.g, w.now_us), GATE_OPEN);
		assert_int_equal(fill(&w.g, w.now_us), 20);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_sign),
		cmocka_unit_test(without_a_window_nothing_goes),
		cmocka_unit_test(no_more_are_in_flight_than_the_window),
		cmocka_unit_test(
		    the_rate_is_kept_in_any_window_of_time_and_used),
		cmocka_unit_test(
		    an_idle_endpoint_saves_up_no_more_than_the_burst),
		cmocka_unit_test(ten_failures_in_a_row_open_the_breaker),
		cmocka_unit_test(
		    what_an_endpoint_refuses_never_opens_the_breaker),
		cmocka_unit_test(probes_go_out_one_by_one_and_ever_more_rarely),
		cmocka_unit_test(a_probe_that_was_lost_is_sent_again),
		cmocka_unit_test(
		    what_was_under_way_when_it_opened_delays_no_probe),
		cmocka_unit_test(a_recovery_widens_by_one_with_each_success),
		cmocka_unit_test(a_recovery_without_a_courier_stays_narrow),
		cmocka_unit_test(
		    a_relapse_while_it_widens_opens_the_breaker_again),
		cmocka_unit_test(a_limit_pauses_for_as_long_as_was_asked),
		cmocka_unit_test(a_limit_without_a_time_pauses_half_a_minute),
		cmocka_unit_test(
		    an_endpoint_that_is_away_may_ask_for_a_pause_as_well),
		cmocka_unit_test(
		    what_is_gone_stays_shut_until_a_person_opens_it),
		cmocka_unit_test(
		    whatever_happens_rate_window_pause_and_breaker_hold),
		cmocka_unit_test(whatever_happened_it_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
