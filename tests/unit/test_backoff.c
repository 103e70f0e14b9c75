#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/attr.h"
#include "receipt/backoff.h"

#define FIRST  INT64_C(1764657047123456)
#define SECOND INT64_C(1000000)

/* As it is configured for an endpoint. */
static const int64_t delivery_gaps[] = { 5000, 30000, 120000, 600000, 1800000,
	7200000, 18000000, 36000000, 50400000, 72000000, 86400000 };
static const struct backoff backoff_deliveries = { .gaps_ms = delivery_gaps,
	.n = ARRAY_LEN(delivery_gaps),
	.ends = true,
	.jitter_ms = 1000 };

/* The same, but it goes on for ever. */
static const struct backoff backoff_daily = { .gaps_ms = delivery_gaps,
	.n = ARRAY_LEN(delivery_gaps),
	.jitter_ms = 1000 };

#define STEPS 11 /* of all schedules */

/* Seconds between attempts. */
static const struct plan {
	const struct backoff *backoff;
	int64_t least_jitter_us;
	uint32_t most; /* failed attempts that have another behind them */
	int64_t gaps[STEPS];
} plans[] = {
	{ &backoff_deliveries, SECOND, STEPS,
	    { 5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000,
		86400 } },
	{ &backoff_daily, SECOND, 500,
	    { 5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000,
		86400 } },
	{ &backoff_questions, SECOND / 10, 500,
	    { 1, 2, 5, 15, 30, 60, 120, 300, 600, 1800, 3600 } },
};

#define DELIVERIES (&plans[0])
#define DAILY	   (&plans[1])
#define QUESTIONS  (&plans[2])

static int64_t
gap_of(const struct plan *p, uint32_t failed)
{
	return p->gaps[failed < STEPS ? failed : STEPS - 1] * SECOND;
}

/* Microseconds from the first attempt to the one behind `failed` others. */
static int64_t
planned(const struct plan *p, uint32_t failed)
{
	int64_t at = 0;

	for (uint32_t i = 0; i < failed; i++)
		at += gap_of(p, i);
	return at;
}

static int64_t
next_of(const struct plan *p, uint32_t failed, uint64_t seed)
{
	return backoff_next_us(p->backoff, FIRST, failed, 0, seed);
}

static void
the_first_attempt_is_due_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		for (uint64_t seed = 0; seed < 1000; seed++)
			assert_int_equal(next_of(&plans[i], 0, seed), FIRST);
		assert_int_equal(
		    backoff_next_us(plans[i].backoff, FIRST, 0, FIRST + 1, 0),
		    FIRST + 1);
	}
}

static int64_t
most_jitter(const struct plan *p, uint32_t failed)
{
	int64_t most = gap_of(p, failed - 1) / 10;

	if (most < p->least_jitter_us)
		most = p->least_jitter_us;
	return most < 900 * SECOND ? most : 900 * SECOND;
}

static void
jitter_of(const struct plan *p)
{
	for (uint32_t failed = 1; failed <= p->most && failed < 60; failed++) {
		int64_t most = most_jitter(p, failed);

		for (uint64_t seed = 0; seed < 500; seed++) {
			int64_t late = next_of(p, failed, seed) - FIRST -
				       planned(p, failed);

			assert_true(late >= 0);
			assert_true(late < most);
		}
	}
}

static void
jitter_is_added_to_the_schedule_and_never_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++)
		jitter_of(&plans[i]);
}

static void
a_schedule_that_ends_has_one_attempt_for_each_gap_and_the_first(void **state)
{
	static const int64_t gap[] = { 7000 };
	const struct backoff one = {
		.gaps_ms = gap, .n = 1, .ends = true, .jitter_ms = 1000
	};

	(void)state;
	assert_true(next_of(DELIVERIES, STEPS, 1) < INT64_MAX);
	for (uint32_t failed = STEPS + 1; failed < 1000; failed++)
		assert_true(next_of(DELIVERIES, failed, failed) == INT64_MAX);
	assert_true(next_of(DELIVERIES, UINT32_MAX, 0) == INT64_MAX);
	assert_true(backoff_next_us(&one, FIRST, 1, 0, 0) >= FIRST + 7000000);
	assert_true(backoff_next_us(&one, FIRST, 1, 0, 0) < FIRST + 8000000);
	assert_true(backoff_next_us(&one, FIRST, 2, 0, 0) == INT64_MAX);
}

static void
one_that_does_not_end_repeats_its_last_gap(void **state)
{
	const int64_t day = next_of(DAILY, 365, 0) - next_of(DAILY, 364, 0);
	const int64_t hour =
	    next_of(QUESTIONS, 365, 0) - next_of(QUESTIONS, 364, 0);

	(void)state;
	assert_true(day > 85500 * SECOND && day < 87300 * SECOND);
	assert_true(hour > 3240 * SECOND && hour < 3960 * SECOND);
}

/* late: of the attempt behind `failed` ones, at most so much. */
static void
spread_of(const struct plan *p, uint32_t failed, int64_t most)
{
	int64_t low = most, high = 0;

	for (uint64_t seed = 1; seed <= 1000; seed++) {
		int64_t late =
		    next_of(p, failed, seed) - FIRST - planned(p, failed);

		low = late < low ? late : low;
		high = late > high ? late : high;
	}
	assert_true(low < most / 20);
	assert_true(high > most - most / 20);
}

static void
seeds_spread_attempts_over_the_whole_range(void **state)
{
	(void)state;
	spread_of(DELIVERIES, 1, SECOND);
	spread_of(DELIVERIES, 6, 720 * SECOND);
	spread_of(DELIVERIES, 11, 900 * SECOND);
	spread_of(DAILY, 20, 900 * SECOND);
	spread_of(QUESTIONS, 20, 360 * SECOND);
	spread_of(QUESTIONS, 1, SECOND / 10);
}

static void
the_same_input_gives_the_same_time(void **state)
{
	(void)state;
	assert_int_equal(next_of(DAILY, 7, 42), next_of(DAILY, 7, 42));
	assert_int_not_equal(next_of(DAILY, 7, 42), next_of(DAILY, 7, 43));
}

static void
each_attempt_lies_behind_the_one_before(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		const struct plan *p = &plans[seed % ARRAY_LEN(plans)];
		int64_t last = next_of(p, 0, seed);

		for (uint32_t failed = 1; failed <= p->most; failed++) {
			int64_t at = next_of(p, failed, seed);

			assert_true(at > last);
			last = at;
		}
	}
}

static void
it_is_never_earlier_than_asked(void **state)
{
	(void)state;
	for (uint32_t failed = 0; failed < 50; failed++) {
		int64_t plain = next_of(DAILY, failed, 3);

		assert_int_equal(backoff_next_us(&backoff_daily, FIRST, failed,
				     plain + 1, 3),
		    plain + 1);
		assert_int_equal(backoff_next_us(&backoff_daily, FIRST, failed,
				     plain - 1, 3),
		    plain);
	}
}

/* A loop over four thousand million steps would be seen here. */
static void
extreme_numbers_neither_overflow_nor_take_time(void **state)
{
	static const uint32_t failed[] = { 9999, 10000, 10001, 100000,
		UINT32_MAX / 2, UINT32_MAX - 1, UINT32_MAX };

	(void)state;
	for (int round = 0; round < 10000; round++) {
		int64_t last = 0;

		for (size_t i = 0; i < ARRAY_LEN(failed); i++) {
			int64_t at = next_of(DAILY, failed[i], UINT64_MAX);

			assert_true(at > FIRST);
			assert_true(at + 86400 * SECOND > last);
			last = at;
		}
	}
	assert_true(backoff_next_us(&backoff_questions, 0, UINT32_MAX,
			INT64_MAX, 0) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_attempt_is_due_at_once),
		cmocka_unit_test(
		    jitter_is_added_to_the_schedule_and_never_taken),
		cmocka_unit_test(
		    a_schedule_that_ends_has_one_attempt_for_each_gap_and_the_first),
		cmocka_unit_test(one_that_does_not_end_repeats_its_last_gap),
		cmocka_unit_test(seeds_spread_attempts_over_the_whole_range),
		cmocka_unit_test(the_same_input_gives_the_same_time),
		cmocka_unit_test(each_attempt_lies_behind_the_one_before),
		cmocka_unit_test(it_is_never_earlier_than_asked),
		cmocka_unit_test(
		    extreme_numbers_neither_overflow_nor_take_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
