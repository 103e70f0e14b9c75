#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/id.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static bool
parses(const char *text)
{
	struct receipt_id id;

	return id_parse(bytes_of(text), &id);
}

static void
known_bytes_have_a_known_text(void **state)
{
	struct receipt_id id;
	char text[ID_TEXT];

	(void)state;
	memset(&id, 0, sizeof(id));
	id_format(&id, text);
	assert_string_equal(text, "rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa");
	memset(&id, 0xff, sizeof(id));
	id_format(&id, text);
	assert_string_equal(text, "rcpt_77777777777777777777777774");
	for (int i = 0; i < ID_BYTES; i++)
		id.b[i] = (unsigned char)i;
	id_format(&id, text);
	assert_string_equal(text, "rcpt_aaaqeayeaudaocajbifqydiob4");
}

static void
random_ids_come_back(void **state)
{
	unsigned short seed[3] = { 7, 8, 9 };
	char text[ID_TEXT];

	(void)state;
	for (int n = 0; n < 20000; n++) {
		struct receipt_id id, again;

		for (int i = 0; i < ID_BYTES; i++)
			id.b[i] = (unsigned char)nrand48(seed);
		id_format(&id, text);
		assert_int_equal(strlen(text), 31);
		assert_true(id_parse(bytes_of(text), &again));
		assert_memory_equal(&id, &again, sizeof(id));
	}
}

static void
every_single_bit_counts(void **state)
{
	(void)state;
	for (int bit = 0; bit < 128; bit++) {
		struct receipt_id id = { { 0 } }, again;
		char text[ID_TEXT];

		id.b[bit / 8] = (unsigned char)(1 << bit % 8);
		id_format(&id, text);
		assert_true(id_parse(bytes_of(text), &again));
		assert_memory_equal(&id, &again, sizeof(id));
	}
}

static void
only_eight_last_letters_are_canonical(void **state)
{
	char text[] = "rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa";
	int accepted = 0;

	(void)state;
	for (int i = 0; i < 32; i++) {
		text[30] = alphabet[i];
		if (parses(text)) {
			assert_int_equal(i % 4, 0);
			accepted++;
		}
	}
	assert_int_equal(accepted, 8);
}

static void
no_other_byte_is_a_letter(void **state)
{
	(void)state;
	for (int at = 0; at < 31; at++) {
		for (int c = 0; c < 256; c++) {
			char text[] = "rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa";
			struct receipt_id id;
			bool want;

			want = at < 5 ? c == text[at]
				      : c != 0 && strchr(alphabet, c) != NULL;
			if (at == 30)
				want = c != 0 && strchr("aeimquy4", c) != NULL;
			text[at] = (char)c;
			assert_int_equal(
			    id_parse(bytes_make(text, 31), &id), want);
		}
	}
}

static void
other_lengths_and_cases_are_refused(void **state)
{
	struct receipt_id id;

	(void)state;
	assert_false(parses(""));
	assert_false(id_parse(bytes_make(NULL, 0), &id));
	assert_false(parses("rcpt_"));
	assert_false(parses("rcpt_aaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(parses("rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(parses("rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa="));
	assert_false(parses("aaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(parses("RCPT_aaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(parses("rcpt_AAAAAAAAAAAAAAAAAAAAAAAAAA"));
	assert_true(parses("rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_bytes_have_a_known_text),
		cmocka_unit_test(random_ids_come_back),
		cmocka_unit_test(every_single_bit_counts),
		cmocka_unit_test(only_eight_last_letters_are_canonical),
		cmocka_unit_test(no_other_byte_is_a_letter),
		cmocka_unit_test(other_lengths_and_cases_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
