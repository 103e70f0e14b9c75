/* Which shapes an invoice ID may not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "receipt/guard.h"
#include "receipt/receipt.h"

static void
expect(const char *text, enum guard_shape shape)
{
	enum guard_shape is = guard_shape(bytes_of(text));

	if (!receipt_invoice_valid(bytes_of(text)))
		fail_msg("\"%s\" is no invoice ID at all", text);
	if (is != shape)
		fail_msg("\"%s\" is %s, not %s", text, guard_word(is),
		    guard_word(shape));
}

static void
expect_all(const char *const *texts, size_t n, enum guard_shape shape)
{
	for (size_t i = 0; i < n; i++)
		expect(texts[i], shape);
}

/* Put the right last digit behind the digits of text. */
static void
with_luhn(const char *text, char out[32])
{
	size_t n = strlen(text);
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned v = (unsigned)(text[n - 1 - i] - '0');

		if (i % 2 == 0)
			v = v * 2 > 9 ? v * 2 - 9 : v * 2;
		sum += v;
	}
	(void)snprintf(out, 32, "%s%u", text, (10 - sum % 10) % 10);
}

/* What issuers themselves publish for tests. */
/* proves: R4 */
static void
well_known_test_numbers_are_cards(void **state)
{
	static const char *const texts[] = { "4111111111111111",
		"4012888888881881", "4222222222222", "5555555555554444",
		"5105105105105100", "2223003122003222", "378282246310005",
		"371449635398431", "6011111111111117", "6011000990139424",
		"3530111333300000", "38520000023237", "30569309025904",
		"6200000000000005" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_CARD);
}

static void
numbers_of_every_issuer_are_cards_by_their_last_digit(void **state)
{
	static const struct {
		const char *first;
		size_t digits;
	} issuers[] = { { "4", 13 }, { "4", 16 }, { "4", 18 }, { "4", 19 },
		{ "51", 16 }, { "55", 16 }, { "2221", 16 }, { "2720", 16 },
		{ "34", 15 }, { "37", 15 }, { "6011", 16 }, { "6011", 19 },
		{ "644", 16 }, { "649", 16 }, { "65", 16 }, { "65", 19 },
		{ "3528", 16 }, { "3589", 19 }, { "300", 14 }, { "305", 14 },
		{ "36", 14 }, { "36", 19 }, { "38", 14 }, { "62", 16 },
		{ "62", 19 }, { "60", 16 }, { "81", 16 }, { "82", 16 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(issuers); i++) {
		char body[32] = "", text[32];
		size_t n = strlen(issuers[i].first);

		memcpy(body, issuers[i].first, n);
		for (; n < issuers[i].digits - 1; n++)
			body[n] = (char)('0' + n * 7 % 10);
		with_luhn(body, text);
		expect(text, GUARD_CARD);
		text[n] = (char)('0' + (text[n] - '0' + 1) % 10);
		expect(text, GUARD_NONE);
	}
}

/* Luhn's digit is right in each. */
static void
numbers_that_no_issuer_gives_out_are_none(void **state)
{
	static const struct {
		const char *first;
		size_t digits;
	} strangers[] = { { "1", 16 }, { "0", 16 }, { "7", 16 }, { "9", 16 },
		{ "2220", 16 }, { "2721", 16 }, { "50", 16 }, { "56", 16 },
		{ "299", 14 }, { "306", 14 }, { "33", 15 }, { "39", 16 },
		{ "643", 16 }, { "61", 16 }, { "80", 16 }, { "83", 16 },
		{ "4", 12 }, { "4", 14 }, { "4", 15 }, { "51", 15 },
		{ "51", 17 }, { "34", 14 }, { "34", 16 }, { "36", 13 },
		{ "62", 15 }, { "60", 17 }, { "4", 20 }, { "62", 20 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		char body[32] = "", text[32];
		size_t n = strlen(strangers[i].first);

		memcpy(body, strangers[i].first, n);
		for (; n < strangers[i].digits - 1; n++)
			body[n] = (char)('0' + n * 7 % 10);
		with_luhn(body, text);
		expect(text, GUARD_NONE);
	}
}

static void
digits_are_found_behind_what_stands_between_them(void **state)
{
	static const char *const texts[] = { "4111 1111 1111 1111",
		"4111-1111-1111-1111", "4111.1111.1111.1111",
		"4111_1111/1111:1111", "3782 822463 10005",
		"4111  1111 - 1111..1111", "41-11 1111.1111 1111",
		"4-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1", "411111-1111111111",
		"#4111111111111111", "+4111111111111111-" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_CARD);
}

static void
a_number_inside_a_longer_text_counts(void **state)
{
	static const char *const texts[] = { "INV-4111111111111111",
		"INV4111111111111111X", "4111111111111111-2025",
		"2025-12-02/4111111111111111", "1-4111-1111-1111-1111-7",
		"pay.4111 1111 1111 1111.bd", "a@4111111111111111",
		"99999999999999999999x4111111111111111" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_CARD);
}

static void
mail_addresses_are_found(void **state)
{
	static const char *const texts[] = { "anwara@example.com",
		"anwara.begum+pay@mail.example.com.bd", "a@b.co",
		"INV-7-anwara@example.com", "INV/7/anwara@example.com/2025",
		"ANWARA@EXAMPLE.COM", "anwara@example.com.",
		"anwara@example.com-7", "x_@1.example", "@@a@b.com",
		"anwara @ b:karim@b.com" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_EMAIL);
}

static void
an_at_sign_alone_is_no_mail_address(void **state)
{
	static const char *const texts[] = { "@", "INV@2025", "INV@2025.12",
		"INV@2025.12.02", "shop@dhaka", "@example.com", "a@.com",
		"a@b.", "a@b.c", "a@b.c1", "a@b.co1", "order @example.com",
		"a@b_c.com", "a@@example.com", "example.com" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_NONE);
}

/* proves: R4 */
static void
mobile_numbers_of_bangladesh_are_found(void **state)
{
	static const char *const texts[] = { "01711000042", "01311000042",
		"01999999999", "8801711000042", "+8801711000042",
		"008801711000042", "+880 1711-000042", "+880-17-11-00-00-42",
		"01711-000042", "017 1100 0042", "INV-01711000042",
		"INV01711000042X", "2025/8801711000042", "01711.000.042" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_PHONE);
}

static void
what_is_nearly_a_mobile_number_passes(void **state)
{
	static const char *const texts[] = { "01211000042", "01011000042",
		"0171100004", "017110000423", "00000001711", "02711000042",
		"1711000042", "881711000042", "8811711000042", "880171100004",
		"+8812711000042", "88001711000042", "18801711000042",
		"000001711000042", "0171A1000042",
		/* dates with a counter behind them */
		"01-31-2025-123", "2025-01-31-1234567", "2025/01/30-0000017" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_NONE);
}

static void
usual_invoice_numbers_pass(void **state)
{
	static const char *const texts[] = { "1", "0", "INV-1",
		"INV-2025-000123", "INV-2025-12-02-000123", "2025/12/INV/00042",
		"ORDER-77", "ORD#100000042", "20251202063045",
		"20251202063045123", "TXN20251202063045", "1764657047",
		"1764657047123", "1764657047123456", "1764657047123456789",
		"INV_1764657047123_42", "2025-12-02T06:30:45.123",
		"00000000000000000042", "0000000000000042",
		"550e8400-e29b-41d4-a716-446655440000",
		"c9bf9e57-1685-4c89-bafb-ff5af830be8a",
		"01ARZ3NDEKTSV4RRFFQ69G5FAV", "SSLCZ_TEST_5d0f7c3e9a1b4",
		"rcpt_5ehwzjwrfcdkpu6wcxnk6xr2te", "9999999999999999",
		"KHEYA GHAT 12/7", "INV-2025-000123/A.1:2#3+4" };

	(void)state;
	expect_all(texts, ARRAY_LEN(texts), GUARD_NONE);
}

/* By chance one in 1,700 holds what looks like a number. */
static void
random_identifiers_pass(void **state)
{
	static const char *const texts[] = {
		"c4111111-1111-4111-811a-ff5af830be8a",
		"550e8400-e29b-41d4-a716-801711000042",
		"c4111111111111111a24d4a716446655",
		"INV-c9bf9e57-01711000042",
		"C4111111111111111A24D4A716446655/7",
	};

	(void)state;
	expect(texts[0], GUARD_NONE);
	expect(texts[1], GUARD_NONE);
	expect(texts[2], GUARD_NONE);
	expect(texts[4], GUARD_NONE);
	/* Too short, of digits alone, or with another one behind. */
	expect(texts[3], GUARD_PHONE);
	expect("41111111-1111-1111-8111-111111111111", GUARD_CARD);
	expect("c4111111111111111a24d4a7164466555", GUARD_CARD);
	expect("c9bf9e5716854c89bafbff5af830be8a-4111111111111111", GUARD_CARD);
}

static void
any_bytes_can_be_looked_at(void **state)
{
	static const unsigned char odd[] = { 0, 0xff, '4', 0, '@', 0x80, '.' };
	char digits[65];

	(void)state;
	assert_int_equal(guard_shape(bytes_make(NULL, 0)), GUARD_NONE);
	assert_int_equal(guard_shape(bytes_make(odd, sizeof(odd))), GUARD_NONE);
	memset(digits, '4', sizeof(digits));
	assert_int_equal(
	    guard_shape(bytes_make(digits, sizeof(digits))), GUARD_NONE);
}

static void
each_shape_has_its_word(void **state)
{
	(void)state;
	assert_string_equal(guard_word(GUARD_NONE), "none");
	assert_string_equal(guard_word(GUARD_CARD), "card");
	assert_string_equal(guard_word(GUARD_EMAIL), "email");
	assert_string_equal(guard_word(GUARD_PHONE), "phone");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_known_test_numbers_are_cards),
		cmocka_unit_test(
		    numbers_of_every_issuer_are_cards_by_their_last_digit),
		cmocka_unit_test(numbers_that_no_issuer_gives_out_are_none),
		cmocka_unit_test(
		    digits_are_found_behind_what_stands_between_them),
		cmocka_unit_test(a_number_inside_a_longer_text_counts),
		cmocka_unit_test(mail_addresses_are_found),
		cmocka_unit_test(an_at_sign_alone_is_no_mail_address),
		cmocka_unit_test(mobile_numbers_of_bangladesh_are_found),
		cmocka_unit_test(what_is_nearly_a_mobile_number_passes),
		cmocka_unit_test(usual_invoice_numbers_pass),
		cmocka_unit_test(random_identifiers_pass),
		cmocka_unit_test(any_bytes_can_be_looked_at),
		cmocka_unit_test(each_shape_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
