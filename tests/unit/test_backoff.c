#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "receipt/backoff.h"

#define FIRST  INT64_C(1764657047123456)
#define SECOND INT64_C(1000000)

static const int64_t schedule[] = { 5, 30, 120, 600, 1800, 7200, 18000, 36000,
	50400, 72000, 86400 };

#define STEPS ((uint32_t)(sizeof(schedule) / sizeof(schedule[0])))

/* Microseconds from the first attempt to the one behind `failed` others. */
static int64_t
planned(uint32_t failed)
{
	int64_t at = 0;

	for (uint32_t i = 0; i < failed; i++)
		at += schedule[i < STEPS ? i : STEPS - 1] * SECOND;
	return at;
}

static int64_t
next(uint32_t failed, uint64_t seed)
{
	return backoff_next_us(FIRST, failed, 0, seed);
}

static void
the_first_attempt_is_due_at_once(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++)
		assert_int_equal(next(0, seed), FIRST);
	assert_int_equal(backoff_next_us(FIRST, 0, FIRST + 1, 0), FIRST + 1);
}

static void
jitter_is_added_to_the_schedule_and_never_taken(void **state)
{
	(void)state;
	for (uint32_t failed = 1; failed < 60; failed++) {
		uint32_t last = failed - 1 < STEPS ? failed - 1 : STEPS - 1;
		int64_t gap = schedule[last] * SECOND;
		int64_t most = gap / 10 > SECOND ? gap / 10 : SECOND;

		for (uint64_t seed = 0; seed < 500; seed++) {
			int64_t late =
			    next(failed, seed) - FIRST - planned(failed);

			assert_true(late >= 0);
			assert_true(late <= most);
		}
	}
}

static void
after_the_schedule_it_is_once_a_day(void **state)
{
	(void)state;
	for (uint32_t failed = STEPS; failed < 400; failed++)
		assert_int_equal(
		    planned(failed + 1) - planned(failed), 86400 * SECOND);
	assert_true(next(365, 0) - next(364, 0) > 77760 * SECOND);
	assert_true(next(365, 0) - next(364, 0) < 95040 * SECOND);
}

static void
seeds_spread_deliveries_over_the_whole_tenth(void **state)
{
	int64_t tenth = 8640 * SECOND, low = tenth, high = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		int64_t late = next(20, seed) - FIRST - planned(20);

		low = late < low ? late : low;
		high = late > high ? late : high;
	}
	assert_true(low < tenth / 20);
	assert_true(high > tenth - tenth / 20);
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
	for (uint64_t seed = 0; seed < 200; seed++) {
		int64_t last = next(0, seed);

		for (uint32_t failed = 1; failed < 500; failed++) {
			int64_t at = next(failed, seed);

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

		assert_int_equal(
		    backoff_next_us(FIRST, failed, plain + 1, 3), plain + 1);
		assert_int_equal(
		    backoff_next_us(FIRST, failed, plain - 1, 3), plain);
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
	assert_true(backoff_next_us(0, UINT32_MAX, INT64_MAX, 0) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_attempt_is_due_at_once),
		cmocka_unit_test(
		    jitter_is_added_to_the_schedule_and_never_taken),
		cmocka_unit_test(after_the_schedule_it_is_once_a_day),
		cmocka_unit_test(seeds_spread_deliveries_over_the_whole_tenth),
		cmocka_unit_test(the_same_input_gives_the_same_time),
		cmocka_unit_test(each_attempt_lies_behind_the_one_before),
		cmocka_unit_test(it_is_never_earlier_than_asked),
		cmocka_unit_test(
		    extreme_numbers_neither_overflow_nor_take_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
