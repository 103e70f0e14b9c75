#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/money.h"

static const char *const refused[] = { "", ".", "1.", ".5", "+1", "-1", " 1",
	"1 ", "1,5", "1,000.00", "1e3", "1E3", "0x10", "1.2.3", "1..2", "1.-5",
	"1.+5", "1. 5", "12345678901", "12345678901.00", "00000000001",
	"1.0000000", "1.5000000", "NaN", "inf", "1/2", "1:", "\xd9\xa1" };

static int64_t
parsed(const char *text, int exponent)
{
	int64_t v = -7;

	assert_int_equal(money_parse(bytes_of(text), exponent, &v), ST_OK);
	return v;
}

static void
assert_refused(struct bytes text, int exponent)
{
	int64_t v = -7;

	assert_int_equal(money_parse(text, exponent, &v), ST_BAD_INPUT);
	assert_int_equal(v, -7);
}

/* ---- parsing */

static void
text_becomes_minor_units(void **state)
{
	(void)state;
	assert_int_equal(parsed("69", 2), 6900);
	assert_int_equal(parsed("100.00", 2), 10000);
	assert_int_equal(parsed("97.5", 2), 9750);
	assert_int_equal(parsed("0.01", 2), 1);
	assert_int_equal(parsed("1", 0), 1);
	assert_int_equal(parsed("1.234", 3), 1234);
	assert_int_equal(parsed("1.2345", 4), 12345);
	assert_int_equal(parsed("0001.10", 2), 110);
}

static void
zeros_behind_the_exponent_are_nothing(void **state)
{
	(void)state;
	assert_int_equal(parsed("1.500000", 2), 150);
	assert_int_equal(parsed("1.000000", 0), 1);
	assert_int_equal(parsed("1.234500", 4), 12345);
}

static void
digits_behind_the_exponent_are_refused(void **state)
{
	static const char *const text[] = { "1.1", "1.01", "1.001", "1.0001",
		"1.00001" };

	(void)state;
	for (int exponent = 0; exponent <= 4; exponent++)
		assert_refused(bytes_of(text[exponent]), exponent);
	assert_refused(bytes_of("1.000001"), 4);
	assert_refused(bytes_of("1.005"), 2);
}

static void
ten_digits_and_six_fit_every_exponent(void **state)
{
	static const int64_t want[] = { 9999999999, 99999999990, 999999999900,
		9999999999000, 99999999990000 };

	(void)state;
	for (int exponent = 0; exponent <= 4; exponent++) {
		assert_int_equal(
		    parsed("9999999999.000000", exponent), want[exponent]);
		assert_int_equal(
		    parsed("9999999999", exponent), want[exponent]);
	}
	assert_int_equal(parsed("9999999999.9999", 4), MONEY_MAX - 1);
}

static void
any_other_form_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		for (int exponent = 0; exponent <= 4; exponent++)
			assert_refused(bytes_of(refused[i]), exponent);
	}
}

static void
nothing_is_refused(void **state)
{
	(void)state;
	assert_refused(bytes_of("0"), 2);
	assert_refused(bytes_of("0.00"), 2);
	assert_refused(bytes_of("0000000000.000000"), 4);
}

static void
a_nul_inside_is_refused(void **state)
{
	(void)state;
	assert_refused(bytes_make("1\0", 2), 2);
	assert_refused(bytes_make("1.5\0", 4), 2);
	assert_refused(bytes_make("1\0005", 3), 2);
}

static void
nothing_behind_the_view_is_read(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 13; len++) {
		char *text = malloc(len);
		int64_t v;

		assert_non_null(text);
		memcpy(text, "1234567890.12", len);
		/* the sanitizer watches the end of the block */
		assert_int_equal(money_parse(bytes_make(text, len), 2, &v),
		    len == 11 ? ST_BAD_INPUT : ST_OK);
		free(text);
	}
}

/* ---- formatting */

static void
amounts_are_shown_with_every_digit_of_the_exponent(void **state)
{
	static const struct {
		int64_t minor;
		int exponent;
		const char *text;
	} row[] = {
		{ 0, 0, "0" },
		{ 0, 2, "0.00" },
		{ 1, 0, "1" },
		{ 1, 1, "0.1" },
		{ 1, 2, "0.01" },
		{ 1, 3, "0.001" },
		{ 1, 4, "0.0001" },
		{ 10000, 2, "100.00" },
		{ 10005, 2, "100.05" },
		{ 10000, 4, "1.0000" },
		{ INT64_MAX, 0, "9223372036854775807" },
		{ INT64_MAX, 2, "92233720368547758.07" },
		{ INT64_MAX, 4, "922337203685477.5807" },
	};
	char text[MONEY_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		money_format(row[i].minor, row[i].exponent, text);
		assert_string_equal(text, row[i].text);
	}
}

static void
what_is_shown_is_read_back(void **state)
{
	unsigned short seed[3] = { 1, 2, 3 };
	char text[MONEY_TEXT];

	(void)state;
	for (int i = 0; i < 50000; i++) {
		int exponent = i % 5;
		int64_t most = 9999999999, minor;

		for (int k = 0; k < exponent; k++)
			most = most * 10 + 9;
		minor =
		    ((int64_t)nrand48(seed) << 31 | nrand48(seed)) % most + 1;
		money_format(minor, exponent, text);
		assert_int_equal(parsed(text, exponent), minor);
	}
}

/* ---- currencies */

static int
exponent_of(const char *code)
{
	return money_exponent(bytes_of(code));
}

static void
exponents_are_those_of_iso_4217(void **state)
{
	(void)state;
	assert_int_equal(exponent_of("BDT"), 2);
	assert_int_equal(exponent_of("USD"), 2);
	assert_int_equal(exponent_of("EUR"), 2);
	assert_int_equal(exponent_of("INR"), 2);
	assert_int_equal(exponent_of("MRU"), 2);
	assert_int_equal(exponent_of("MGA"), 2);
	assert_int_equal(exponent_of("XCG"), 2);
	assert_int_equal(exponent_of("ZWG"), 2);
	assert_int_equal(exponent_of("JPY"), 0);
	assert_int_equal(exponent_of("KRW"), 0);
	assert_int_equal(exponent_of("ISK"), 0);
	assert_int_equal(exponent_of("UGX"), 0);
	assert_int_equal(exponent_of("KWD"), 3);
	assert_int_equal(exponent_of("TND"), 3);
	assert_int_equal(exponent_of("CLF"), 4);
	assert_int_equal(exponent_of("UYW"), 4);
}

static void
the_list_holds_as_many_codes_as_iso_4217(void **state)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	int count[5] = { 0 };

	(void)state;
	for (int i = 0; i < 26 * 26 * 26; i++) {
		char code[] = { letters[i / 676], letters[i / 26 % 26],
			letters[i % 26], '\0' };
		int exponent = exponent_of(code);

		assert_in_range(exponent + 1, 0, 5);
		if (exponent >= 0)
			count[exponent]++;
	}
	assert_int_equal(count[0], 17);
	assert_int_equal(count[1], 0);
	assert_int_equal(count[2], 141);
	assert_int_equal(count[3], 7);
	assert_int_equal(count[4], 2);
}

static void
codes_without_minor_units_or_long_gone_are_refused(void **state)
{
	static const char *const code[] = { "XAU", "XAG", "XPT", "XPD", "XDR",
		"XSU", "XUA", "XBA", "XTS", "XXX", "DEM", "FRF", "HRK", "CUC",
		"ZWL", "SLL", "VEF", "BYR", "MRO", "STD", "BTC" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(code); i++)
		assert_int_equal(exponent_of(code[i]), -1);
}

static void
what_is_no_code_is_refused(void **state)
{
	static const char *const code[] = { "", "B", "BD", "BDTX", "bdt", "Bdt",
		"DT ", " BD", "T B", "   ", "B D" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(code); i++)
		assert_int_equal(exponent_of(code[i]), -1);
	assert_int_equal(money_exponent(bytes_make("BD\0", 3)), -1);
	assert_int_equal(money_exponent(bytes_make("\0\0\0", 3)), -1);
	assert_int_equal(money_exponent(bytes_make(NULL, 0)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_minor_units),
		cmocka_unit_test(zeros_behind_the_exponent_are_nothing),
		cmocka_unit_test(digits_behind_the_exponent_are_refused),
		cmocka_unit_test(ten_digits_and_six_fit_every_exponent),
		cmocka_unit_test(any_other_form_is_refused),
		cmocka_unit_test(nothing_is_refused),
		cmocka_unit_test(a_nul_inside_is_refused),
		cmocka_unit_test(nothing_behind_the_view_is_read),
		cmocka_unit_test(
		    amounts_are_shown_with_every_digit_of_the_exponent),
		cmocka_unit_test(what_is_shown_is_read_back),
		cmocka_unit_test(exponents_are_those_of_iso_4217),
		cmocka_unit_test(the_list_holds_as_many_codes_as_iso_4217),
		cmocka_unit_test(
		    codes_without_minor_units_or_long_gone_are_refused),
		cmocka_unit_test(what_is_no_code_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
