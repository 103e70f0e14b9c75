#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "desk/limit.h"

#define SECOND INT64_C(1000000)
#define NOW    (INT64_C(1000000) * SECOND)

static struct limit limit;

static int
set_up(void **state)
{
	(void)state;
	limit_init(&limit, 3);
	return 0;
}

/* ---- requests of a token */

static void
a_token_has_so_many_requests_in_a_window(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(limit_take(&limit, 0, NOW + i * 10 * SECOND));
	assert_false(limit_take(&limit, 0, NOW + 30 * SECOND));
	assert_false(limit_take(&limit, 0, NOW + 60 * SECOND - 1));
	for (int i = 0; i < 3; i++)
		assert_true(limit_take(&limit, 0, NOW + 60 * SECOND));
	assert_false(limit_take(&limit, 0, NOW + 60 * SECOND));
}

static void
one_token_takes_nothing_from_another(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		(void)!limit_take(&limit, 7, NOW);
	assert_false(limit_take(&limit, 7, NOW));
	assert_true(limit_take(&limit, 8, NOW));
	assert_true(limit_take(&limit, CONFIG_TOKENS - 1, NOW));
}

static void
what_is_left_and_when_there_is_more_is_told(void **state)
{
	int64_t left, reset_s;

	(void)state;
	limit_left(&limit, 0, NOW, &left, &reset_s);
	assert_true(left == 3 && reset_s == 0);
	assert_true(limit_take(&limit, 0, NOW));
	limit_left(&limit, 0, NOW, &left, &reset_s);
	assert_true(left == 2 && reset_s == 60);
	for (int i = 0; i < 3; i++)
		(void)!limit_take(&limit, 0, NOW + 1);
	/* Never earlier than it is true. */
	limit_left(&limit, 0, NOW + 59 * SECOND - 1, &left, &reset_s);
	assert_true(left == 0 && reset_s == 2);
	limit_left(&limit, 0, NOW + 59 * SECOND, &left, &reset_s);
	assert_true(left == 0 && reset_s == 1);
}

/* ---- failed tokens */

static void
ten_failures_at_once_and_then_ten_a_minute(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(limit_fail(&limit, 5, NOW));
	assert_false(limit_fail(&limit, 5, NOW));
	assert_false(limit_fail(&limit, 5, NOW + 6 * SECOND - 1));
	assert_true(limit_fail(&limit, 5, NOW + 6 * SECOND));
	assert_false(limit_fail(&limit, 5, NOW + 6 * SECOND));
	/* A minute fills the bucket again, and no more than that. */
	for (int i = 0; i < 10; i++)
		assert_true(limit_fail(&limit, 5, NOW + 600 * SECOND));
	assert_false(limit_fail(&limit, 5, NOW + 600 * SECOND));
}

/* Who is refused is not made to wait longer by asking. */
static void
a_refused_failure_costs_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(limit_fail(&limit, 5, NOW));
	for (int i = 0; i < 1000; i++)
		assert_false(limit_fail(&limit, 5, NOW + i * 1000));
	assert_true(limit_fail(&limit, 5, NOW + 6 * SECOND));
}

static void
each_prefix_fails_for_itself(void **state)
{
	(void)state;
	for (int i = 0; i < 11; i++)
		(void)!limit_fail(&limit, 5, NOW);
	assert_false(limit_fail(&limit, 5, NOW));
	assert_true(limit_fail(&limit, 6, NOW));
	assert_true(limit_fail(&limit, UINT64_MAX, NOW));
}

/* Not even all addresses there are take memory. */
static void
there_are_only_so_many_places(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(limit_fail(&limit, 5, NOW));
	assert_false(limit_fail(&limit, 5 + LIMIT_PREFIXES, NOW));
}

static void
failures_take_nothing_from_valid_tokens(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		(void)!limit_fail(&limit, 5, NOW);
	assert_true(limit_take(&limit, 5, NOW));
}

#define CASE(name) cmocka_unit_test_setup(name, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_token_has_so_many_requests_in_a_window),
		CASE(one_token_takes_nothing_from_another),
		CASE(what_is_left_and_when_there_is_more_is_told),
		CASE(ten_failures_at_once_and_then_ten_a_minute),
		CASE(a_refused_failure_costs_nothing),
		CASE(each_prefix_fails_for_itself),
		CASE(there_are_only_so_many_places),
		CASE(failures_take_nothing_from_valid_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
