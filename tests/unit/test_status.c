#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"

static void
every_status_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < ST_STATUSES; a++) {
		const char *word = status_name((enum status)a);

		assert_non_null(word);
		assert_string_not_equal(word, "");
		assert_string_not_equal(word, "unknown");
		assert_int_equal(
		    strspn(word, "abcdefghijklmnopqrstuvwxyz_"), strlen(word));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
			    word, status_name((enum status)b));
	}
}

static void
a_number_that_is_no_status_has_a_word_too(void **state)
{
	(void)state;
	assert_string_equal(status_name(ST_STATUSES), "unknown");
	assert_string_equal(status_name((enum status) - 1), "unknown");
	assert_string_equal(status_name((enum status)4711), "unknown");
}

static void
success_is_zero(void **state)
{
	(void)state;
	assert_int_equal(ST_OK, 0);
	assert_string_equal(status_name(ST_OK), "ok");
}

static void
words_that_are_too_long_are_cut(void **state)
{
	struct {
		struct err e;
		char guard;
	} box = { .guard = 'g' };
	char text[1024];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&box.e, "%s", text);
	assert_int_equal(strlen(box.e.text), sizeof(box.e.text) - 1);
	assert_int_equal(box.guard, 'g');
}

static void
new_words_replace_the_old_ones(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, "%s", "a long first text");
	err_set(&e, "%d", 7);
	assert_string_equal(e.text, "7");
}

static void
nobody_has_to_want_the_words(void **state)
{
	(void)state;
	err_set(NULL, "%s", "unheard");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_status_has_a_word_of_its_own),
		cmocka_unit_test(a_number_that_is_no_status_has_a_word_too),
		cmocka_unit_test(success_is_zero),
		cmocka_unit_test(words_that_are_too_long_are_cut),
		cmocka_unit_test(new_words_replace_the_old_ones),
		cmocka_unit_test(nobody_has_to_want_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
