#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "base/clock.h"

static void
the_wall_clock_counts_microseconds_since_1970(void **state)
{
	int64_t before = (int64_t)time(NULL) - 1, now = clock_wall_us();
	int64_t after = (int64_t)time(NULL) + 1;

	(void)state;
	assert_true(now >= before * 1000000);
	assert_true(now <= after * 1000000);
}

static void
the_monotonic_clock_never_steps_back(void **state)
{
	int64_t last = clock_mono_us();

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t now = clock_mono_us();

		assert_true(now >= last);
		last = now;
	}
}

static void
the_monotonic_clock_moves_in_microseconds(void **state)
{
	struct timespec a, b;
	int64_t us;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &a);
	us = clock_mono_us();
	clock_gettime(CLOCK_MONOTONIC, &b);
	assert_true(us >= a.tv_sec * 1000000 + a.tv_nsec / 1000);
	assert_true(us <= b.tv_sec * 1000000 + b.tv_nsec / 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wall_clock_counts_microseconds_since_1970),
		cmocka_unit_test(the_monotonic_clock_never_steps_back),
		cmocka_unit_test(the_monotonic_clock_moves_in_microseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
