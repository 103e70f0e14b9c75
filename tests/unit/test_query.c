#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "desk/query.h"

static struct query_param params[3];
static struct query_text text;

static bool
parse(const char *raw)
{
	params[0].name = "after";
	params[1].name = "limit";
	params[2].name = "invoice_id";
	return query_parse(bytes_of(raw), params, 3, &text);
}

static void
parameters_are_found_by_name(void **state)
{
	(void)state;
	assert_true(parse("invoice_id=INV-1&after=abc"));
	assert_true(bytes_is(params[0].value, "abc"));
	assert_null(params[1].value.ptr);
	assert_true(bytes_is(params[2].value, "INV-1"));
}

static void
none_at_all_is_fine(void **state)
{
	(void)state;
	assert_true(parse(""));
	assert_null(params[0].value.ptr);
	assert_true(query_parse(bytes_make(NULL, 0), params, 3, &text));
	assert_null(params[0].value.ptr);
}

static void
an_empty_value_is_there_and_empty(void **state)
{
	(void)state;
	assert_true(parse("after=&limit=5"));
	assert_non_null(params[0].value.ptr);
	assert_int_equal(params[0].value.len, 0);
	assert_true(bytes_is(params[1].value, "5"));
}

static void
names_and_values_are_decoded(void **state)
{
	(void)state;
	assert_true(parse("%69nvoice_id=A+b%20c%2Bd%2b%C3%a9%26=&limit=%31"));
	assert_true(bytes_is(params[2].value, "A b c+d+\xc3\xa9&="));
	assert_true(bytes_is(params[1].value, "1"));
}

static void
what_is_not_well_formed_is_refused(void **state)
{
	static const char *const bad[] = { "limit", "&", "limit=1&", "&limit=1",
		"limit=1&&after=a", "=1", "limit=%", "limit=%3", "limit=%3g",
		"limit=%g3", "limit=1%", "%=1", "limit=%00", "limit=%0a",
		"limit=%7F", "limit=\x01", "limit=1&limit=1",
		"limit=1&%6cimit=2", "limit=&limit=", "Limit=1", "limits=1",
		"limi=1", "cursor=1", "limit=1&x=", "limit =1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(parse(bad[i]));
}

static void
the_longest_target_fits_and_no_more(void **state)
{
	unsigned char raw[HTTP_TARGET_MAX + 1];

	(void)state;
	memset(raw, 'a', sizeof(raw));
	memcpy(raw, "after=", 6);
	assert_true(parse(""));
	assert_true(
	    query_parse(bytes_make(raw, HTTP_TARGET_MAX), params, 3, &text));
	assert_int_equal(params[0].value.len, HTTP_TARGET_MAX - 6);
	assert_false(query_parse(
	    bytes_make(raw, HTTP_TARGET_MAX + 1), params, 3, &text));
}

static void
numbers_keep_to_their_range(void **state)
{
	static const char *const bad[] = { "", "0", "1001", "-1", "+1", " 1",
		"1 ", "01", "1.0", "0x1", "1e2", "1234567890", "4294967297",
		"a" };
	uint32_t v = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(query_number(bytes_of(bad[i]), 1, 1000, &v));
	assert_true(query_number(bytes_of("1"), 1, 1000, &v));
	assert_int_equal(v, 1);
	assert_true(query_number(bytes_of("1000"), 1, 1000, &v));
	assert_int_equal(v, 1000);
	assert_true(query_number(bytes_of("0"), 0, 60, &v));
	assert_int_equal(v, 0);
}

/* ---- segments of a path */

static void
a_segment_is_decoded_but_its_plus_stays(void **state)
{
	struct bytes out;

	(void)state;
	assert_true(query_segment(bytes_of("A%2fB%20%23+1%C3"), &out, &text));
	assert_true(bytes_is(out, "A/B #+1\xc3"));
	assert_true(query_segment(bytes_of("%25%32%35"), &out, &text));
	assert_true(bytes_is(out, "%25")); /* once only */
}

static void
a_broken_segment_is_refused(void **state)
{
	static const char *const bad[] = { "%", "A%2", "%2g", "%00", "A%7f",
		"%0A" };
	static char longest[HTTP_TARGET_MAX + 1];
	struct bytes out;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(query_segment(bytes_of(bad[i]), &out, &text));
	memset(longest, 'x', sizeof(longest));
	assert_false(
	    query_segment(bytes_make(longest, sizeof(longest)), &out, &text));
	assert_true(query_segment(
	    bytes_make(longest, sizeof(longest) - 1), &out, &text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_found_by_name),
		cmocka_unit_test(none_at_all_is_fine),
		cmocka_unit_test(an_empty_value_is_there_and_empty),
		cmocka_unit_test(names_and_values_are_decoded),
		cmocka_unit_test(what_is_not_well_formed_is_refused),
		cmocka_unit_test(the_longest_target_fits_and_no_more),
		cmocka_unit_test(numbers_keep_to_their_range),
		cmocka_unit_test(a_segment_is_decoded_but_its_plus_stays),
		cmocka_unit_test(a_broken_segment_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
