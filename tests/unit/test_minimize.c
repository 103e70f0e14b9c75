/* From a verified form to a receipt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rfc3339.h"
#include "intake/minimize.h"

#define RECEIVED_US INT64_C(1770698581123456)

static struct identity identity;
static struct receipt receipt;

static const struct merchant_rules shop = { .store_id = "testbox" };

static enum status
minimize(const struct merchant_rules *m, const char *text, int64_t received_us,
    enum refusal *why)
{
	unsigned char body[1024];
	struct form form;
	size_t len = strlen(text);

	assert_true(len <= sizeof(body));
	memcpy(body, text, len);
	assert_int_equal(form_parse(&form, body, len, why), ST_OK);
	*why = REFUSALS;
	memset(&receipt, 0xa5, sizeof(receipt));
	return minimize_receipt(
	    &form, m, received_us, &identity, &receipt, why);
}

/* A form with these money fields. */
static void
with_money(char out[512], const char *type, const char *requested,
    const char *currency, const char *amount)
{
	(void)snprintf(out, 512,
	    "currency_type=%s&currency_amount=%s&currency=%s&amount=%s&"
	    "tran_date=2026-02-10+10:42:25&tran_id=INV-1&val_id=V1&value_a=A-1",
	    type, requested, currency, amount);
}

static void
refuses(const struct merchant_rules *m, const char *text, enum refusal expect)
{
	static const struct receipt none;
	enum refusal why;

	assert_int_equal(minimize(m, text, RECEIVED_US, &why), ST_BAD_INPUT);
	assert_string_equal(refusal_word(why), refusal_word(expect));
	assert_memory_equal(&receipt, &none, sizeof(none));
}

/* ---- dates */

static void
date_is(const char *text, const char *utc)
{
	char out[RFC3339_TEXT];
	int64_t us;

	assert_true(minimize_date(bytes_of(text), &us));
	rfc3339_seconds(us, out);
	assert_string_equal(out, utc);
}

static void
dhaka_is_six_hours_ahead(void **state)
{
	(void)state;
	date_is("2026-02-10 10:42:25", "2026-02-10T04:42:25Z");
	date_is("2026-01-01 05:59:59", "2025-12-31T23:59:59Z");
	date_is("2024-02-29 23:59:59", "2024-02-29T17:59:59Z");
	date_is("2024-03-01 00:00:00", "2024-02-29T18:00:00Z");
	date_is("2000-02-29 12:00:00", "2000-02-29T06:00:00Z");
}

static void
dhaka_had_summer_time_in_2009(void **state)
{
	(void)state;
	date_is("2008-07-01 12:00:00", "2008-07-01T06:00:00Z");
	date_is("2009-06-19 22:59:59", "2009-06-19T16:59:59Z");
	date_is("2009-06-20 00:00:00", "2009-06-19T17:00:00Z");
	date_is("2009-09-30 12:00:00", "2009-09-30T05:00:00Z");
	date_is("2009-12-31 23:59:59", "2009-12-31T16:59:59Z");
	date_is("2010-01-01 00:00:00", "2009-12-31T18:00:00Z");
	date_is("2010-07-01 12:00:00", "2010-07-01T06:00:00Z");
}

static void
what_is_no_date_in_that_form_is_refused(void **state)
{
	static const char *const bad[] = { "", "2026-02-10",
		"2026-02-30 10:00:00", "2023-02-29 10:00:00",
		"1900-02-29 10:00:00", "2026-00-10 10:00:00",
		"2026-13-10 10:00:00", "2026-02-00 10:00:00",
		"2026-02-10 24:00:00", "2026-02-10 10:60:00",
		"2026-02-10 10:00:60", "2026-02-10T10:00:00",
		"2026/02/10 10:00:00", "2026-02-10 10.00.00",
		"2026-02-10 10:00:0", "2026-02-10 10:00:000",
		" 026-02-10 10:00:00", "+026-02-10 10:00:00",
		"2026-02-10  0:00:00", "2026-02-10 10:00:0x" };
	int64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(minimize_date(bytes_of(bad[i]), &us));
}

static void
a_year_that_no_receipt_can_have_is_refused(void **state)
{
	(void)state;
	refuses(&shop,
	    "currency=BDT&amount=1&tran_date=2000-01-01+05:59:59&tran_id=I&"
	    "val_id=V",
	    REFUSAL_DATE);
	refuses(&shop,
	    "currency=BDT&amount=1&tran_date=9999-01-01+05:59:59&tran_id=I&"
	    "val_id=V",
	    REFUSAL_DATE);
}

static void
a_clock_of_ours_that_is_wrong_makes_no_receipt(void **state)
{
	char text[512];
	enum refusal why;

	(void)state;
	with_money(text, "BDT", "1", "BDT", "1");
	assert_int_equal(minimize(&shop, text, 0, &why), ST_BAD_INPUT);
	assert_int_equal(why, REFUSAL_DATE);
}

/* ---- money */

static void
amount_is(const struct merchant_rules *m, const char *text,
    const char *currency, int64_t minor)
{
	enum refusal why;

	assert_int_equal(minimize(m, text, RECEIVED_US, &why), ST_OK);
	assert_string_equal(receipt.currency, currency);
	assert_int_equal(receipt.amount_minor, minor);
}

static void
the_requested_figure_counts(void **state)
{
	char text[512];

	(void)state;
	with_money(text, "USD", "12.50", "BDT", "1062.50");
	amount_is(&shop, text, "USD", 1250);
	with_money(text, "JPY", "1500.0", "BDT", "1062.50");
	amount_is(&shop, text, "JPY", 1500);
	with_money(text, "KWD", "3.1250", "BDT", "1062.50");
	amount_is(&shop, text, "KWD", 3125);
}

static void
the_settled_figure_stands_in_where_none_was_requested(void **state)
{
	char text[512];

	(void)state;
	with_money(text, "", "", "BDT", "1062.50");
	amount_is(&shop, text, "BDT", 106250);
	amount_is(&shop,
	    "currency=BDT&amount=69&tran_date=2026-02-10+10:42:25&tran_id=I&"
	    "val_id=V",
	    "BDT", 6900);
}

static void
half_a_requested_figure_is_none(void **state)
{
	char text[512];

	(void)state;
	with_money(text, "BDT", "", "BDT", "1062.50");
	refuses(&shop, text, REFUSAL_AMOUNT);
	with_money(text, "", "1062.50", "BDT", "1062.50");
	refuses(&shop, text, REFUSAL_CURRENCY);
}

static void
the_settled_figure_counts_where_it_is_configured(void **state)
{
	struct merchant_rules m = shop;
	char text[512];

	(void)state;
	m.amount_field = AMOUNT_SETTLED;
	with_money(text, "USD", "12.50", "BDT", "1062.50");
	amount_is(&m, text, "BDT", 106250);
	with_money(text, "USD", "12.50", "BDT", "x");
	refuses(&m, text, REFUSAL_AMOUNT);
	with_money(text, "USD", "12.50", "TAKA", "1");
	refuses(&m, text, REFUSAL_CURRENCY);
}

/* ---- the rest */

/* proves: R3 */
static void
a_receipt_holds_what_it_should(void **state)
{
	struct merchant_rules m = shop;
	struct receipt want = { 0 };
	char text[512];
	enum refusal why;

	(void)state;
	m.invoice_field = INVOICE_VALUE_A;
	with_money(text, "BDT", "10.00", "BDT", "10.00");
	assert_int_equal(minimize(&m, text, RECEIVED_US, &why), ST_OK);
	want.amount_minor = 1000;
	want.paid_at_us = INT64_C(1770698545000000);
	want.received_at_us = RECEIVED_US;
	memcpy(want.currency, "BDT", 3);
	memcpy(want.merchant, "testbox", 7);
	memcpy(want.invoice_id, "A-1", 3);
	assert_int_equal(identity_of(&identity, bytes_of("testbox"),
			     bytes_of("V1"), &want.id),
	    ST_OK);
	assert_memory_equal(&receipt, &want, sizeof(want));
	assert_true(receipt_valid(&receipt));
}

static void
tran_id_keeps_to_its_grammar_even_where_it_is_dropped(void **state)
{
	struct merchant_rules m = shop;

	(void)state;
	m.invoice_field = INVOICE_VALUE_A;
	refuses(&m,
	    "currency=BDT&amount=1&tran_date=2026-02-10+10:42:25&tran_id=I%26&"
	    "val_id=V&value_a=A",
	    REFUSAL_INVOICE);
}

/* It is stored while the payment waits, and no longer. */
static void
a_tran_id_that_is_kept_is_guarded_like_the_invoice_id(void **state)
{
	static const char text[] =
	    "currency=BDT&amount=1&tran_date=2026-02-10+10:42:25&"
	    "tran_id=4111111111111111&val_id=V&value_a=A";
	struct merchant_rules m = shop;
	enum refusal why;

	(void)state;
	m.invoice_field = INVOICE_VALUE_A;
	m.confirm = CONFIRM_REQUIRED;
	refuses(&m, text, REFUSAL_INVOICE_CARD);
	m.confirm = CONFIRM_OFF;
	assert_int_equal(minimize(&m, text, RECEIVED_US, &why), ST_OK);
	m.confirm = CONFIRM_REQUIRED;
	m.invoice_guard = INVOICE_GUARD_OFF;
	assert_int_equal(minimize(&m, text, RECEIVED_US, &why), ST_OK);
}

static void
an_invoice_id_longer_than_64_is_refused(void **state)
{
	static const char form[] =
	    "currency=BDT&amount=1&tran_date=2026-02-10+10:42:25&"
	    "tran_id=I&val_id=V&value_a=%s";
	struct merchant_rules m = shop;
	char text[256], id[RECEIPT_INVOICE + 1];
	enum refusal why;

	(void)state;
	m.invoice_field = INVOICE_VALUE_A;
	memset(id, 'A', sizeof(id));
	id[RECEIPT_INVOICE] = '\0';
	(void)snprintf(text, sizeof(text), form, id);
	refuses(&m, text, REFUSAL_INVOICE);
	id[RECEIPT_INVOICE - 1] = '\0';
	(void)snprintf(text, sizeof(text), form, id);
	assert_int_equal(minimize(&m, text, RECEIVED_US, &why), ST_OK);
}

static void
a_val_id_is_needed_in_its_grammar(void **state)
{
	(void)state;
	refuses(&shop,
	    "currency=BDT&amount=1&tran_date=2026-02-10+10:42:25&tran_id=I",
	    REFUSAL_VAL_ID);
	refuses(&shop,
	    "currency=BDT&amount=1&tran_date=2026-02-10+10:42:25&tran_id=I&"
	    "val_id=V%3F",
	    REFUSAL_VAL_ID);
}

static void
values_are_judged_in_a_fixed_order(void **state)
{
	(void)state;
	refuses(&shop, "currency=x&amount=x&tran_date=x", REFUSAL_CURRENCY);
	refuses(&shop, "currency=BDT&amount=x&tran_date=x", REFUSAL_AMOUNT);
	refuses(&shop, "currency=BDT&amount=1&tran_date=x", REFUSAL_DATE);
	refuses(&shop,
	    "currency=BDT&amount=1&tran_date=2026-02-10+10:42:25&tran_id=",
	    REFUSAL_INVOICE);
}

/* ---- answers */

static enum status
minimize_as_answer(const char *text, int64_t received_us)
{
	unsigned char body[1024];
	struct form form;
	enum refusal why;
	size_t len = strlen(text);

	memcpy(body, text, len);
	assert_int_equal(form_parse(&form, body, len, &why), ST_OK);
	memset(&receipt, 0xa5, sizeof(receipt));
	return minimize_answer(
	    &form, &shop, received_us, &identity, &receipt, &why);
}

static void
an_answer_follows_the_rules_of_a_callback_but_for_its_date(void **state)
{
	static const struct receipt none;
	struct receipt want;
	char text[512];
	enum refusal why;

	(void)state;
	with_money(text, "USD", "12.50", "BDT", "1062.50");
	assert_int_equal(minimize(&shop, text, RECEIVED_US, &why), ST_OK);
	want = receipt;
	assert_int_equal(minimize_as_answer(text, RECEIVED_US), ST_OK);
	assert_memory_equal(&receipt, &want, sizeof(want));
	want.paid_at_us = 0;
	memcpy(strstr(text, "2026-02-10"), "1999-02-10", 10);
	assert_int_equal(minimize_as_answer(text, RECEIVED_US), ST_OK);
	assert_memory_equal(&receipt, &want, sizeof(want));
	memcpy(strstr(text, "1999-02-10"), "1999-02-30", 10);
	assert_int_equal(minimize_as_answer(text, RECEIVED_US), ST_OK);
	assert_memory_equal(&receipt, &want, sizeof(want));
	assert_int_equal(minimize_as_answer(text, 0), ST_BAD_INPUT);
	assert_memory_equal(&receipt, &none, sizeof(none));
	with_money(text, "USD", "x", "BDT", "1062.50");
	assert_int_equal(minimize_as_answer(text, RECEIVED_US), ST_BAD_INPUT);
	assert_memory_equal(&receipt, &none, sizeof(none));
}

static void
an_id_needs_nothing_but_a_val_id(void **state)
{
	static const struct receipt_id none;
	static const char *const bad[] = { "val_id=", "val_id=V%3F", "x=V1" };
	struct receipt_id id, want;

	(void)state;
	assert_int_equal(
	    identity_of(&identity, bytes_of("testbox"), bytes_of("V1"), &want),
	    ST_OK);
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		unsigned char body[32];
		struct form form;
		enum refusal why;
		const char *text = i == 0 ? "val_id=V1" : bad[i - 1];
		size_t len = strlen(text);

		memcpy(body, text, len);
		assert_int_equal(form_parse(&form, body, len, &why), ST_OK);
		memset(&id, 0xa5, sizeof(id));
		assert_int_equal(
		    minimize_id(&form, &shop, &identity, &id), ST_OK);
		assert_memory_equal(&id, i == 0 ? &want : &none, sizeof(id));
	}
}

static int
set_up(void **state)
{
	static const unsigned char key[IDENTITY_KEY] = { 1, 2, 3 };

	(void)state;
	return identity_init(&identity, key) == ST_OK ? 0 : 1;
}

static int
tear_down(void **state)
{
	(void)state;
	identity_fini(&identity);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dhaka_is_six_hours_ahead),
		cmocka_unit_test(dhaka_had_summer_time_in_2009),
		cmocka_unit_test(what_is_no_date_in_that_form_is_refused),
		cmocka_unit_test(a_year_that_no_receipt_can_have_is_refused),
		cmocka_unit_test(
		    a_clock_of_ours_that_is_wrong_makes_no_receipt),
		cmocka_unit_test(the_requested_figure_counts),
		cmocka_unit_test(
		    the_settled_figure_stands_in_where_none_was_requested),
		cmocka_unit_test(half_a_requested_figure_is_none),
		cmocka_unit_test(
		    the_settled_figure_counts_where_it_is_configured),
		cmocka_unit_test(a_receipt_holds_what_it_should),
		cmocka_unit_test(
		    tran_id_keeps_to_its_grammar_even_where_it_is_dropped),
		cmocka_unit_test(
		    a_tran_id_that_is_kept_is_guarded_like_the_invoice_id),
		cmocka_unit_test(an_invoice_id_longer_than_64_is_refused),
		cmocka_unit_test(a_val_id_is_needed_in_its_grammar),
		cmocka_unit_test(values_are_judged_in_a_fixed_order),
		cmocka_unit_test(
		    an_answer_follows_the_rules_of_a_callback_but_for_its_date),
		cmocka_unit_test(an_id_needs_nothing_but_a_val_id),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
