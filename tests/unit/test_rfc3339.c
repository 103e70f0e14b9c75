#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "base/rfc3339.h"

#define DAY INT64_C(86400)

/* The C library's calendar is the witness. */
static void
assert_like_the_library(int64_t seconds)
{
	time_t t = (time_t)seconds;
	char want[64], got[RFC3339_TEXT];
	struct civil c;
	struct tm tm;

	assert_non_null(gmtime_r(&t, &tm));
	assert_true(
	    strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
	rfc3339_seconds(seconds * 1000000, got);
	assert_string_equal(got, want);
	c = (struct civil){ tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		tm.tm_hour, tm.tm_min, tm.tm_sec };
	assert_true(civil_valid(&c));
	assert_int_equal(civil_seconds(&c), seconds);
}

static void
every_day_of_this_century_and_the_last_is_right(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 47847; day++) {
		assert_like_the_library(day * DAY);
		assert_like_the_library(day * DAY + DAY - 1);
	}
}

static void
later_times_are_right(void **state)
{
	unsigned short seed[3] = { 4, 5, 6 };

	(void)state;
	for (int i = 0; i < 50000; i++) {
		int64_t far = (int64_t)nrand48(seed) << 31 | nrand48(seed);

		assert_like_the_library(far % INT64_C(253402300800));
	}
	assert_like_the_library(INT64_C(253402300799));
}

static void
the_zone_of_the_process_changes_nothing(void **state)
{
	static const char *const zone[] = { "Asia/Dhaka", "America/New_York",
		"<+14>-14", "<-12>12", "right/UTC" };
	struct civil c = { 2009, 12, 31, 23, 59, 59 };
	char text[RFC3339_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(zone) / sizeof(zone[0]); i++) {
		assert_int_equal(setenv("TZ", zone[i], 1), 0);
		tzset();
		assert_int_equal(civil_seconds(&c), 1262303999);
		rfc3339_seconds(INT64_C(1262303999000000), text);
		assert_string_equal(text, "2009-12-31T23:59:59Z");
	}
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
}

static void
the_fraction_has_six_digits_or_is_dropped(void **state)
{
	char text[RFC3339_TEXT];

	(void)state;
	rfc3339_micros(INT64_C(1764657047123456), text);
	assert_string_equal(text, "2025-12-02T06:30:47.123456Z");
	rfc3339_micros(INT64_C(1764657047000007), text);
	assert_string_equal(text, "2025-12-02T06:30:47.000007Z");
	rfc3339_micros(INT64_C(1764657047000000), text);
	assert_string_equal(text, "2025-12-02T06:30:47.000000Z");
	rfc3339_seconds(INT64_C(1764657047999999), text);
	assert_string_equal(text, "2025-12-02T06:30:47Z");
	rfc3339_micros(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
}

static void
a_stamp_outside_is_shown_as_the_nearest_inside(void **state)
{
	char text[RFC3339_TEXT];

	(void)state;
	rfc3339_micros(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	rfc3339_seconds(INT64_MIN, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	rfc3339_micros(INT64_C(253402300800000000), text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	rfc3339_micros(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

static void
leap_years_follow_the_gregorian_rule(void **state)
{
	static const int leap[] = { 1972, 2000, 2004, 2024, 2400, 9996 };
	static const int common[] = { 1970, 2001, 2023, 2100, 2200, 2300,
		9999 };
	struct civil c = { .month = 2, .day = 29 };

	(void)state;
	for (size_t i = 0; i < sizeof(leap) / sizeof(leap[0]); i++) {
		c.year = leap[i];
		assert_true(civil_valid(&c));
	}
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
		c.year = common[i];
		assert_false(civil_valid(&c));
	}
}

static void
dates_and_times_that_do_not_exist_are_refused(void **state)
{
	static const struct civil bad[] = {
		{ 1969, 12, 31, 23, 59, 59 },
		{ 10000, 1, 1, 0, 0, 0 },
		{ 2025, 0, 1, 0, 0, 0 },
		{ 2025, 13, 1, 0, 0, 0 },
		{ 2025, 1, 0, 0, 0, 0 },
		{ 2025, 1, 32, 0, 0, 0 },
		{ 2025, 4, 31, 0, 0, 0 },
		{ 2025, 6, 31, 0, 0, 0 },
		{ 2025, 9, 31, 0, 0, 0 },
		{ 2025, 11, 31, 0, 0, 0 },
		{ 2025, 2, 30, 0, 0, 0 },
		{ 2025, 1, 1, 24, 0, 0 },
		{ 2025, 1, 1, -1, 0, 0 },
		{ 2025, 1, 1, 0, 60, 0 },
		{ 2025, 1, 1, 0, -1, 0 },
		{ 2016, 12, 31, 23, 59, 60 },
		{ 2025, 1, 1, 0, 0, -1 },
		{ 2025, -1, 1, 0, 0, 0 },
	};
	static const struct civil good[] = {
		{ 1970, 1, 1, 0, 0, 0 },
		{ 2025, 1, 31, 23, 59, 59 },
		{ 2025, 11, 30, 0, 0, 0 },
		{ 9999, 12, 31, 23, 59, 59 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(civil_valid(&bad[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(civil_valid(&good[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_day_of_this_century_and_the_last_is_right),
		cmocka_unit_test(later_times_are_right),
		cmocka_unit_test(the_zone_of_the_process_changes_nothing),
		cmocka_unit_test(the_fraction_has_six_digits_or_is_dropped),
		cmocka_unit_test(
		    a_stamp_outside_is_shown_as_the_nearest_inside),
		cmocka_unit_test(leap_years_follow_the_gregorian_rule),
		cmocka_unit_test(dates_and_times_that_do_not_exist_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
