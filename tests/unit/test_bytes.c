#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

static void
a_view_of_a_text_leaves_its_terminator_out(void **state)
{
	struct bytes b = bytes_of("abc");

	(void)state;
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.ptr, "abc", 3);
	assert_int_equal(bytes_of("").len, 0);
}

static void
views_are_equal_by_content_and_length(void **state)
{
	const char one[] = "tran_id", two[] = "tran_id";

	(void)state;
	assert_true(bytes_equal(bytes_of(one), bytes_of(two)));
	assert_false(bytes_equal(bytes_make(one, 6), bytes_of(two)));
	assert_false(bytes_equal(bytes_of("tran_ie"), bytes_of(two)));
	assert_false(bytes_equal(bytes_of("Tran_id"), bytes_of(two)));
}

static void
bytes_behind_a_nul_count(void **state)
{
	(void)state;
	assert_false(bytes_equal(bytes_make("a\0b", 3), bytes_make("a\0c", 3)));
	assert_false(bytes_is(bytes_make("a\0b", 3), "a"));
}

static void
empty_views_are_equal_wherever_they_point(void **state)
{
	(void)state;
	assert_true(bytes_equal(bytes_make(NULL, 0), bytes_make("x", 0)));
	assert_true(bytes_is(bytes_make(NULL, 0), ""));
	assert_false(bytes_is(bytes_make(NULL, 0), "x"));
}

static void
lines_are_cut_with_and_without_an_end(void **state)
{
	struct bytes rest = bytes_of("one\n\nthree");

	(void)state;
	assert_true(bytes_is(bytes_cut_line(&rest), "one"));
	assert_true(bytes_is(bytes_cut_line(&rest), ""));
	assert_true(bytes_is(bytes_cut_line(&rest), "three"));
	assert_int_equal(rest.len, 0);
	rest = bytes_of("four\n");
	assert_true(bytes_is(bytes_cut_line(&rest), "four"));
	assert_int_equal(rest.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_view_of_a_text_leaves_its_terminator_out),
		cmocka_unit_test(views_are_equal_by_content_and_length),
		cmocka_unit_test(bytes_behind_a_nul_count),
		cmocka_unit_test(empty_views_are_equal_wherever_they_point),
		cmocka_unit_test(lines_are_cut_with_and_without_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
