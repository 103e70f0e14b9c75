/* Vectors: made-up keys; the first one also came out of the official
 * JavaScript library, the others out of Python's hmac. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "courier/envelope.h"
#include "courier/webhook.h"

static const char body[] =
    "{\"type\":\"receipt.recorded\",\"timestamp\":\"2026-01-01T00:00:00Z\","
    "\"data\":{\"invoice_id\":\"INV-1001\",\"amount\":\"1500.00\","
    "\"currency\":\"BDT\"}}";
static const char id[] = "evt_000000000000000000000042";
#define TIMESTAMP 1767225600

static unsigned char newer[32], older[24], longest[64];

static int
make_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(newer); i++)
		newer[i] = (unsigned char)(0x20 + i);
	for (unsigned i = 0; i < sizeof(older); i++)
		older[i] = (unsigned char)i;
	for (unsigned i = 0; i < sizeof(longest); i++)
		longest[i] = (unsigned char)(255 - i);
	return 0;
}

static void
signature_is(const struct bytes *secrets, size_t n, const char *expected)
{
	struct buf out;

	buf_init(&out, 512);
	assert_int_equal(
	    webhook_sign(secrets, n, id, TIMESTAMP, bytes_of(body), &out),
	    ST_OK);
	assert_string_equal((const char *)out.data, expected);
	buf_fini(&out);
}

static void
the_published_vector_is_met(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));

	(void)state;
	assert_int_equal(sizeof(body) - 1, 131);
	signature_is(
	    &secret, 1, "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o=");
}

static void
two_secrets_give_two_signatures_in_their_order(void **state)
{
	struct bytes secrets[2] = { bytes_make(newer, sizeof(newer)),
		bytes_make(older, sizeof(older)) };

	(void)state;
	signature_is(secrets, 2,
	    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o= "
	    "v1,TGwh5C5z4Ikb6Zq1K+RrRH+ng1ZYMq+AqGq7k0O9shw=");
}

static void
secrets_of_24_and_64_bytes_work(void **state)
{
	struct bytes secrets[2] = { bytes_make(older, sizeof(older)),
		bytes_make(longest, sizeof(longest)) };

	(void)state;
	signature_is(secrets, 2,
	    "v1,TGwh5C5z4Ikb6Zq1K+RrRH+ng1ZYMq+AqGq7k0O9shw= "
	    "v1,EQxm/4JmwgWgJJL6Nyx0Wbh60mrqB52jDdawAcJLNBk=");
}

static void
the_signature_goes_behind_what_is_there(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	buf_append_text(&out, "webhook-signature: ");
	assert_int_equal(
	    webhook_sign(&secret, 1, id, TIMESTAMP, bytes_of(body), &out),
	    ST_OK);
	assert_string_equal((const char *)out.data,
	    "webhook-signature: "
	    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o=");
	buf_fini(&out);
}

static void
id_timestamp_and_body_are_each_signed(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	static const struct {
		const char *id;
		int64_t at;
		const char *body;
	} other[] = { { "evt_000000000000000000000043", TIMESTAMP, body },
		{ id, TIMESTAMP + 1, body }, { id, TIMESTAMP, body + 1 } };
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		buf_reset(&out);
		assert_int_equal(
		    webhook_sign(&secret, 1, other[i].id, other[i].at,
			bytes_of(other[i].body), &out),
		    ST_OK);
		assert_string_not_equal((const char *)out.data,
		    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o=");
	}
	buf_fini(&out);
}

static void
a_signature_that_does_not_fit_is_a_failure(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	assert_int_not_equal(
	    webhook_sign(&secret, 1, id, TIMESTAMP, bytes_of(body), &out),
	    ST_OK);
	buf_fini(&out);
}

static void
the_envelope_holds_the_receipt_and_when_it_came(void **state)
{
	struct receipt r = { .amount_minor = 115000,
		.paid_at_us = INT64_C(1764657045000000),
		.received_at_us = INT64_C(1764657047123456),
		.currency = "BDT",
		.merchant = "testbox",
		.invoice_id = "INV-2025-000123" };
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	envelope_write(&r, &out);
	assert_int_equal(buf_status(&out), ST_OK);
	assert_string_equal((const char *)out.data,
	    "{\"type\":\"payment.received\","
	    "\"timestamp\":\"2025-12-02T06:30:47.123456Z\",\"data\":"
	    "{\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\","
	    "\"invoice_id\":\"INV-2025-000123\",\"amount\":\"1150.00\","
	    "\"currency\":\"BDT\",\"paid_at\":\"2025-12-02T06:30:45Z\","
	    "\"received_at\":\"2025-12-02T06:30:47.123456Z\"}}");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vector_is_met),
		cmocka_unit_test(
		    two_secrets_give_two_signatures_in_their_order),
		cmocka_unit_test(secrets_of_24_and_64_bytes_work),
		cmocka_unit_test(the_signature_goes_behind_what_is_there),
		cmocka_unit_test(id_timestamp_and_body_are_each_signed),
		cmocka_unit_test(a_signature_that_does_not_fit_is_a_failure),
		cmocka_unit_test(
		    the_envelope_holds_the_receipt_and_when_it_came),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
