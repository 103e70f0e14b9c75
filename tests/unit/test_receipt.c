#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "receipt/receipt.h"

static struct receipt
sample(void)
{
	struct receipt r;

	memset(&r, 0, sizeof(r));
	for (int i = 0; i < ID_BYTES; i++)
		r.id.b[i] = (unsigned char)i;
	r.amount_minor = 115000;
	r.paid_at_us = INT64_C(1764657045000000);
	r.received_at_us = INT64_C(1764657047123456);
	memcpy(r.currency, "BDT", 3);
	memcpy(r.merchant, "testbox", 7);
	memcpy(r.invoice_id, "INV-2025-000123", 15);
	return r;
}

static bool
invoice(const char *text)
{
	return receipt_invoice_valid(bytes_of(text));
}

static bool
merchant(const char *text)
{
	return receipt_merchant_valid(bytes_of(text));
}

/* ---- layout */

static void
no_byte_of_a_receipt_is_unaccounted_for(void **state)
{
	struct receipt *r = NULL;

	(void)state;
	assert_int_equal(sizeof(*r),
	    sizeof(r->id) + sizeof(r->amount_minor) + sizeof(r->paid_at_us) +
		sizeof(r->received_at_us) + sizeof(r->currency) +
		sizeof(r->merchant) + sizeof(r->invoice_id) + sizeof(r->pad));
}

/* Flip each bit behind the texts: not one may pass. */
static void
every_byte_of_padding_is_looked_at(void **state)
{
	struct receipt r = sample();
	unsigned char *raw = (unsigned char *)&r;
	size_t texts[] = { offsetof(struct receipt, currency) + 3,
		offsetof(struct receipt, merchant) + 7,
		offsetof(struct receipt, invoice_id) + 15,
		offsetof(struct receipt, pad) };
	size_t ends[] = { offsetof(struct receipt, merchant),
		offsetof(struct receipt, invoice_id),
		offsetof(struct receipt, pad), sizeof(struct receipt) };

	(void)state;
	assert_true(receipt_valid(&r));
	for (size_t t = 0; t < ARRAY_LEN(texts); t++) {
		/* right behind a text a letter only makes it longer */
		for (size_t at = texts[t]; at < ends[t]; at++) {
			raw[at] = 0x01;
			assert_false(receipt_valid(&r));
			raw[at] = 0;
		}
		for (size_t at = texts[t] + 1; at < ends[t]; at++) {
			raw[at] = 'A';
			assert_false(receipt_valid(&r));
			raw[at] = 0;
		}
	}
	assert_true(receipt_valid(&r));
}

static void
a_text_is_copied_and_padded(void **state)
{
	char field[8];

	(void)state;
	memset(field, 'x', sizeof(field));
	assert_true(receipt_text(field, sizeof(field), bytes_of("abc")));
	assert_memory_equal(field, "abc\0\0\0\0\0", 8);
	assert_true(receipt_text(field, sizeof(field), bytes_of("1234567")));
	assert_memory_equal(field, "1234567\0", 8);
	assert_true(receipt_text(field, sizeof(field), bytes_make(NULL, 0)));
	assert_memory_equal(field, "\0\0\0\0\0\0\0\0", 8);
}

static void
a_text_that_does_not_fit_changes_nothing(void **state)
{
	char field[8] = "old";

	(void)state;
	assert_false(receipt_text(field, sizeof(field), bytes_of("12345678")));
	assert_string_equal(field, "old");
	assert_false(receipt_text(field, 0, bytes_of("")));
}

/* ---- grammar */

static void
merchants_keep_to_their_grammar(void **state)
{
	(void)state;
	assert_true(merchant("a"));
	assert_true(merchant("testbox"));
	assert_true(merchant("Shop_1-live"));
	assert_true(merchant("12345678901234567890123456789012"));
	assert_false(merchant("123456789012345678901234567890123"));
	assert_false(merchant(""));
	assert_false(merchant("a b"));
	assert_false(merchant("a.b"));
	assert_false(merchant("../a"));
	assert_false(merchant("caf\xc3\xa9"));
	assert_false(receipt_merchant_valid(bytes_make("a\0", 2)));
}

static void
invoices_keep_to_their_grammar(void **state)
{
	char long_one[66];

	(void)state;
	memset(long_one, 'a', sizeof(long_one));
	assert_true(receipt_invoice_valid(bytes_make(long_one, 64)));
	assert_false(receipt_invoice_valid(bytes_make(long_one, 65)));
	assert_true(invoice("INV-2025-000123"));
	assert_true(invoice("a"));
	assert_true(invoice("."));
	assert_true(invoice("A.b_c:d/e#f@g+h-i 9"));
	assert_true(invoice("two  spaces"));
	assert_false(invoice(""));
	assert_false(invoice(" "));
	assert_false(invoice(" a"));
	assert_false(invoice("a "));
	assert_false(receipt_invoice_valid(bytes_make("a\0b", 3)));
	assert_false(receipt_invoice_valid(bytes_make("a\0", 2)));
}

static void
no_other_byte_is_in_an_invoice(void **state)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789"
				   "._:/#@+- ";

	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[3] = { 'a', (char)c, 'z' };

		assert_int_equal(receipt_invoice_valid(bytes_make(text, 3)),
		    c != 0 && strchr(good, c) != NULL);
	}
}

/* ---- receipt_valid */

static void
amounts_lie_between_nothing_and_the_most(void **state)
{
	struct receipt r = sample();

	(void)state;
	r.amount_minor = 1;
	assert_true(receipt_valid(&r));
	r.amount_minor = MONEY_MAX - 1;
	assert_true(receipt_valid(&r));
	r.amount_minor = MONEY_MAX;
	assert_false(receipt_valid(&r));
	r.amount_minor = 0;
	assert_false(receipt_valid(&r));
	r.amount_minor = -1;
	assert_false(receipt_valid(&r));
	r.amount_minor = INT64_MIN;
	assert_false(receipt_valid(&r));
}

static void
stamps_lie_in_this_century(void **state)
{
	static const int64_t bad[] = { 0, -1, INT64_MIN, INT64_MAX,
		INT64_C(946684799999999), INT64_C(4102444800000000) };
	static const int64_t good[] = { INT64_C(946684800000000),
		INT64_C(4102444799999999) };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct receipt paid = sample(), received = sample();

		paid.paid_at_us = bad[i];
		assert_false(receipt_valid(&paid));
		received.received_at_us = bad[i];
		assert_false(receipt_valid(&received));
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct receipt r = sample();

		r.paid_at_us = r.received_at_us = good[i];
		assert_true(receipt_valid(&r));
	}
}

static void
currencies_are_known_codes(void **state)
{
	static const char *const bad[] = { "", "BD", "bdt", "XXX", "BTC" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct receipt r = sample();

		memset(r.currency, 0, sizeof(r.currency));
		memcpy(r.currency, bad[i], strlen(bad[i]));
		assert_false(receipt_valid(&r));
	}
}

static void
texts_have_to_end(void **state)
{
	struct receipt r = sample();

	(void)state;
	memset(r.merchant, 'a', sizeof(r.merchant));
	assert_false(receipt_valid(&r));
	r = sample();
	memset(r.invoice_id, 'a', sizeof(r.invoice_id));
	assert_false(receipt_valid(&r));
	r.invoice_id[64] = '\0';
	assert_true(receipt_valid(&r));
	r = sample();
	memset(r.merchant, 0, sizeof(r.merchant));
	assert_false(receipt_valid(&r));
	r = sample();
	memset(r.invoice_id, 0, sizeof(r.invoice_id));
	assert_false(receipt_valid(&r));
}

static void
emptiness_and_garbage_are_no_receipt(void **state)
{
	struct receipt r;

	(void)state;
	memset(&r, 0, sizeof(r));
	assert_false(receipt_valid(&r));
	memset(&r, 0xff, sizeof(r));
	assert_false(receipt_valid(&r));
	memset(&r, 'A', sizeof(r));
	assert_false(receipt_valid(&r));
}

/* ---- JSON */

static void
the_json_is_exactly_this(void **state)
{
	struct receipt r = sample();
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	receipt_json(&r, &b);
	assert_int_equal(buf_status(&b), ST_OK);
	assert_string_equal((char *)b.data,
	    "{\"id\":\"rcpt_aaaqeayeaudaocajbifqydiob4\","
	    "\"invoice_id\":\"INV-2025-000123\",\"amount\":\"1150.00\","
	    "\"currency\":\"BDT\",\"paid_at\":\"2025-12-02T06:30:45Z\","
	    "\"received_at\":\"2025-12-02T06:30:47.123456Z\"}");
	buf_fini(&b);
}

static void
the_amount_follows_the_currency(void **state)
{
	static const struct {
		const char *currency, *amount;
	} row[] = { { "JPY", "115000" }, { "KWD", "115.000" },
		{ "CLF", "11.5000" }, { "BDT", "1150.00" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct receipt r = sample();
		struct buf b;
		json_t *o;

		memcpy(r.currency, row[i].currency, 3);
		buf_init(&b, 1000);
		receipt_json(&r, &b);
		o = json_loadb((char *)b.data, b.len, 0, NULL);
		assert_non_null(o);
		assert_string_equal(
		    json_string_value(json_object_get(o, "amount")),
		    row[i].amount);
		json_decref(o);
		buf_fini(&b);
	}
}

static void
every_valid_invoice_is_good_json(void **state)
{
	static const char all[] = "a._:/#@+- ABCxyz0189";
	struct receipt r = sample();
	struct buf b;
	json_t *o;

	(void)state;
	assert_true(
	    receipt_text(r.invoice_id, sizeof(r.invoice_id), bytes_of(all)));
	assert_true(receipt_valid(&r));
	buf_init(&b, 1000);
	receipt_json(&r, &b);
	o = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_int_equal(json_object_size(o), 6);
	assert_string_equal(
	    json_string_value(json_object_get(o, "invoice_id")), all);
	json_decref(o);
	buf_fini(&b);
}

static void
a_ceiling_that_is_too_low_is_a_status(void **state)
{
	struct receipt r = sample();
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	receipt_json(&r, &b);
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_of_a_receipt_is_unaccounted_for),
		cmocka_unit_test(every_byte_of_padding_is_looked_at),
		cmocka_unit_test(a_text_is_copied_and_padded),
		cmocka_unit_test(a_text_that_does_not_fit_changes_nothing),
		cmocka_unit_test(merchants_keep_to_their_grammar),
		cmocka_unit_test(invoices_keep_to_their_grammar),
		cmocka_unit_test(no_other_byte_is_in_an_invoice),
		cmocka_unit_test(amounts_lie_between_nothing_and_the_most),
		cmocka_unit_test(stamps_lie_in_this_century),
		cmocka_unit_test(currencies_are_known_codes),
		cmocka_unit_test(texts_have_to_end),
		cmocka_unit_test(emptiness_and_garbage_are_no_receipt),
		cmocka_unit_test(the_json_is_exactly_this),
		cmocka_unit_test(the_amount_follows_the_currency),
		cmocka_unit_test(every_valid_invoice_is_good_json),
		cmocka_unit_test(a_ceiling_that_is_too_low_is_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
