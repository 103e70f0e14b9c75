#include "net/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void
every_body_is_a_problem_object_with_its_status(void **state)
{
	(void)state;
	for (int p = 0; p < PROBLEMS; p++) {
		struct bytes body = problem_body((enum problem)p);
		json_t *o = json_loadb((const char *)body.ptr, body.len,
		    JSON_REJECT_DUPLICATES, NULL);
		const char *type, *title, *detail;
		int status;

		assert_non_null(o);
		assert_int_equal(
		    json_unpack(o, "{s:s, s:s, s:i, s:s !}", "type", &type,
			"title", &title, "status", &status, "detail", &detail),
		    0);
		assert_int_equal(status, problem_status((enum problem)p));
		assert_in_range(status, 400, 599);
		assert_memory_equal(type, "urn:paysieve:problem:", 21);
		assert_true(strlen(type) > 21);
		assert_true(title[0] != '\0' && detail[0] != '\0');
		json_decref(o);
	}
}

static void
types_are_unique(void **state)
{
	(void)state;
	for (int p = 0; p < PROBLEMS; p++) {
		for (int q = 0; q < p; q++)
			assert_false(bytes_equal(problem_body((enum problem)p),
			    problem_body((enum problem)q)));
	}
}

static void
a_body_reads_as_documented(void **state)
{
	struct bytes body = problem_body(PROBLEM_LENGTH);
	static const char expected[] =
	    "{\"type\":\"urn:paysieve:problem:length-required\","
	    "\"title\":\"Length required\",\"status\":411,"
	    "\"detail\":\"A body needs Content-Length; transfer codings are "
	    "not accepted.\"}";

	(void)state;
	assert_int_equal(body.len, sizeof(expected) - 1);
	assert_memory_equal(body.ptr, expected, body.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_body_is_a_problem_object_with_its_status),
		cmocka_unit_test(types_are_unique),
		cmocka_unit_test(a_body_reads_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
