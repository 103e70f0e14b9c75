#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "receipt/backoff.h"

#define FIRST  INT64_C(1764657047123456)
#define SECOND INT64_C(1000000)

#define STEPS 11 /* of both schedules */
#define BOTH  (sizeof(plans) / sizeof(plans[0]))

/* Seconds between attempts. */
static const struct plan {
	const struct backoff *backoff;
	int64_t least_jitter_us;
	int64_t gaps[STEPS];
} plans[] = {
	{ &backoff_deliveries, SECOND,
	    { 5, 30, 120, 600, 1800, 7200, 18000, 36000, 50400, 72000,
		86400 } },
	{ &backoff_questions, SECOND / 10,
	    { 1, 2, 5, 15, 30, 60, 120, 300, 600, 1800, 3600 } },
};

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

/* Of deliveries. */
static int64_t
next(uint32_t failed, uint64_t seed)
{
	return next_of(&plans[0], failed, seed);
}

static void
the_first_attempt_is_due_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < BOTH; i++) {
		for (uint64_t seed = 0; seed < 1000; seed++)
			assert_int_equal(next_of(&plans[i], 0, seed), FIRST);
		assert_int_equal(
		    backoff_next_us(plans[i].backoff, FIRST, 0, FIRST + 1, 0),
		    FIRST + 1);
	}
}

static void
jitter_of(const struct plan *p)
{
	for (uint32_t failed = 1; failed < 60; failed++) {
		int64_t gap = gap_of(p, failed - 1);
		int64_t most = gap / 10 > p->least_jitter_us
				   ? gap / 10
				   : p->least_jitter_us;

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
	for (size_t i = 0; i < BOTH; i++)
		jitter_of(&plans[i]);
}

static void
after_the_schedule_it_is_once_a_day(void **state)
{
	(void)state;
	assert_true(next(365, 0) - next(364, 0) > 77760 * SECOND);
	assert_true(next(365, 0) - next(364, 0) < 95040 * SECOND);
}

static void
a_question_is_asked_once_an_hour_in_the_end(void **state)
{
	const struct plan *q = &plans[1];

	(void)state;
	assert_true(next_of(q, 365, 0) - next_of(q, 364, 0) > 3240 * SECOND);
	assert_true(next_of(q, 365, 0) - next_of(q, 364, 0) < 3960 * SECOND);
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
	spread_of(&plans[0], 20, 8640 * SECOND);
	spread_of(&plans[0], 1, SECOND);
	spread_of(&plans[1], 20, 360 * SECOND);
	spread_of(&plans[1], 1, SECOND / 10);
}

static void
the_same_input_gives_the_same_time(void **state)
{
	(void)state;
	assert_int_equal(next(7, 42), next(7, 42));
	assert_int_not_equal(next(7, 42), next(7, 43));
}

static void
each_attempt_lies_behind_the_one_before(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 400; seed++) {
		const struct plan *p = &plans[seed % BOTH];
		int64_t last = next_of(p, 0, seed);

		for (uint32_t failed = 1; failed < 500; failed++) {
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
		int64_t plain = next(failed, 3);

		assert_int_equal(backoff_next_us(&backoff_deliveries, FIRST,
				     failed, plain + 1, 3),
		    plain + 1);
		assert_int_equal(backoff_next_us(&backoff_deliveries, FIRST,
				     failed, plain - 1, 3),
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

		for (size_t i = 0; i < sizeof(failed) / sizeof(failed[0]);
		     i++) {
			int64_t at = next(failed[i], UINT64_MAX);

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
		cmocka_unit_test(after_the_schedule_it_is_once_a_day),
		cmocka_unit_test(a_question_is_asked_once_an_hour_in_the_end),
		cmocka_unit_test(seeds_spread_attempts_over_the_whole_range),
		cmocka_unit_test(the_same_input_gives_the_same_time),
		cmocka_unit_test(each_attempt_lies_behind_the_one_before),
		cmocka_unit_test(it_is_never_earlier_than_asked),
		cmocka_unit_test(
		    extreme_numbers_neither_overflow_nor_take_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
