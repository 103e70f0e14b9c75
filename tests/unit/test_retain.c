#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receipt/retain.h"

static void
a_payment_may_go_when_its_term_is_over(void **state)
{
	static const struct {
		int64_t received_us, at_least_us, now_us;
		bool hold;
		enum retain why;
		int64_t until_us;
	} cases[] = {
		{ 100, 0, 100, false, RETAIN_FREE, 0 },
		{ 100, 0, 50, false, RETAIN_FREE, 0 }, /* a clock set back */
		{ 100, 10, 50, false, RETAIN_TERM, 110 },
		{ 100, 10, 109, false, RETAIN_TERM, 110 },
		{ 100, 10, 110, false, RETAIN_FREE, 0 },
		{ 100, 0, 200, true, RETAIN_HOLD, 0 },
		{ 100, 10, 105, true, RETAIN_HOLD, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t until_us = -1;

		assert_int_equal(
		    retain_judge(cases[i].received_us, cases[i].at_least_us,
			cases[i].hold, cases[i].now_us, &until_us),
		    cases[i].why);
		assert_true(until_us == cases[i].until_us);
	}
}

static void
each_reason_has_a_word(void **state)
{
	(void)state;
	assert_string_equal(retain_word(RETAIN_FREE), "free");
	assert_string_equal(retain_word(RETAIN_TERM), "keep_at_least");
	assert_string_equal(retain_word(RETAIN_HOLD), "legal_hold");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_payment_may_go_when_its_term_is_over),
		cmocka_unit_test(each_reason_has_a_word),
	};

	return cmocka_run_group_tests_name("retain", tests, NULL, NULL);
}
