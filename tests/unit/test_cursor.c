#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "desk/cursor.h"

static const char letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static const struct cursor samples[] = {
	{ 0, 0 },
	{ 1, 1 },
	{ UINT64_MAX, INT64_MAX },
	{ UINT64_C(0x0123456789abcdef), UINT64_C(0x0fedcba987654321) },
	{ UINT64_C(0x8000000000000000), 1000 },
};

static void
a_cursor_comes_back_as_it_was(void **state)
{
	char text[CURSOR_TEXT], again[CURSOR_TEXT];
	struct cursor c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		cursor_format(&samples[i], CURSOR_RECEIPTS, text);
		assert_int_equal(strlen(text), CURSOR_TEXT - 1);
		assert_int_equal(strspn(text, letters), CURSOR_TEXT - 1);
		assert_true(cursor_parse(bytes_of(text), CURSOR_RECEIPTS, &c));
		assert_true(c.epoch == samples[i].epoch);
		assert_true(c.seq == samples[i].seq);
		cursor_format(&c, CURSOR_RECEIPTS, again);
		assert_string_equal(text, again);
	}
}

/* Clients keep cursors: this text may never change its meaning. */
static void
the_text_of_version_1_stays(void **state)
{
	const struct cursor c = { UINT64_C(0x0102030405060708), 42 };
	char text[CURSOR_TEXT];

	(void)state;
	cursor_format(&c, CURSOR_RECEIPTS, text);
	assert_string_equal(text, "AQECAwQFBgcIAAAAAAAAACoG1phX");
	assert_int_equal(CURSOR_HELD, 2);
	assert_int_equal(CURSOR_RECEIPTS_DESC, 3);
	assert_int_equal(CURSOR_DELIVERIES, 4);
}

static void
a_cursor_of_one_list_is_none_of_another(void **state)
{
	static const enum cursor_list lists[] = { CURSOR_RECEIPTS, CURSOR_HELD,
		CURSOR_RECEIPTS_DESC, CURSOR_DELIVERIES };
	char text[CURSOR_TEXT];
	struct cursor c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
			cursor_format(&samples[i], lists[l], text);
			for (size_t o = 0; o < ARRAY_LEN(lists); o++)
				assert_int_equal(
				    cursor_parse(bytes_of(text), lists[o], &c),
				    o == l);
		}
	}
}

static void
any_changed_bit_is_noticed(void **state)
{
	struct cursor c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		char text[CURSOR_TEXT];

		cursor_format(&samples[i], CURSOR_RECEIPTS, text);
		for (size_t bit = 0; bit < 8 * (CURSOR_TEXT - 1); bit++) {
			text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
			assert_false(
			    cursor_parse(bytes_of(text), CURSOR_RECEIPTS, &c));
			text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
		}
		assert_true(cursor_parse(bytes_of(text), CURSOR_RECEIPTS, &c));
	}
}

static void
any_changed_character_is_noticed(void **state)
{
	struct cursor c;
	char text[CURSOR_TEXT];

	(void)state;
	cursor_format(&samples[3], CURSOR_RECEIPTS, text);
	for (size_t at = 0; at < CURSOR_TEXT - 1; at++) {
		char was = text[at];

		for (int other = 0; other < 256; other++) {
			text[at] = (char)other;
			if (text[at] != was)
				assert_false(cursor_parse(
				    bytes_make(text, CURSOR_TEXT - 1),
				    CURSOR_RECEIPTS, &c));
		}
		text[at] = was;
	}
}

static void
swapped_characters_are_noticed(void **state)
{
	struct cursor c;
	char text[CURSOR_TEXT];

	(void)state;
	cursor_format(&samples[3], CURSOR_RECEIPTS, text);
	for (size_t at = 0; at + 1 < CURSOR_TEXT - 1; at++) {
		char first = text[at];

		if (first == text[at + 1])
			continue;
		text[at] = text[at + 1];
		text[at + 1] = first;
		assert_false(cursor_parse(bytes_of(text), CURSOR_RECEIPTS, &c));
		text[at + 1] = text[at];
		text[at] = first;
	}
}

static void
another_length_is_refused(void **state)
{
	char text[CURSOR_TEXT + 4] = "";
	struct cursor c;

	(void)state;
	cursor_format(&samples[3], CURSOR_RECEIPTS, text);
	text[28] = text[29] = text[30] = 'A';
	for (size_t len = 0; len <= 31; len++) {
		bool right = len == CURSOR_TEXT - 1;

		assert_int_equal(
		    cursor_parse(bytes_make(text, len), CURSOR_RECEIPTS, &c),
		    right);
	}
	assert_false(cursor_parse(bytes_make(NULL, 0), CURSOR_RECEIPTS, &c));
	assert_false(cursor_parse(
	    bytes_of("AQECAwQFBgcIAAAAAAAAACoG1ph="), CURSOR_RECEIPTS, &c));
}

static void
a_seq_that_no_store_gives_is_refused(void **state)
{
	const struct cursor far = { 1, (uint64_t)INT64_MAX + 1 };
	char text[CURSOR_TEXT];
	struct cursor c;

	(void)state;
	cursor_format(&far, CURSOR_RECEIPTS, text);
	assert_false(cursor_parse(bytes_of(text), CURSOR_RECEIPTS, &c));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_comes_back_as_it_was),
		cmocka_unit_test(the_text_of_version_1_stays),
		cmocka_unit_test(a_cursor_of_one_list_is_none_of_another),
		cmocka_unit_test(any_changed_bit_is_noticed),
		cmocka_unit_test(any_changed_character_is_noticed),
		cmocka_unit_test(swapped_characters_are_noticed),
		cmocka_unit_test(another_length_is_refused),
		cmocka_unit_test(a_seq_that_no_store_gives_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
