#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "courier/parcel.h"

#define NOW_S INT64_C(1764657050)

#define RECEIPT                                                      \
	"{\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\","               \
	"\"invoice_id\":\"INV 1/#@+:x\",\"amount\":\"1150.00\","     \
	"\"currency\":\"BDT\",\"paid_at\":\"2025-12-02T06:30:45Z\"," \
	"\"received_at\":\"2025-12-02T06:30:47.123456Z\"}"

static const struct receipt receipt = { .amount_minor = 115000,
	.paid_at_us = INT64_C(1764657045000000),
	.received_at_us = INT64_C(1764657047123456),
	.currency = "BDT",
	.merchant = "testbox",
	.invoice_id = "INV 1/#@+:x" };

static struct event_rules rules;
static struct parcel parcel;

static int
set_up(void **state)
{
	(void)state;
	memset(&rules, 0, sizeof(rules));
	rules.n_secrets = 1;
	rules.secret_len[0] = 32;
	memset(rules.secret[0], 'k', 32);
	parcel_init(&parcel);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	parcel_fini(&parcel);
	return 0;
}

/* The value of a header that stands there once; NULL: it does not. */
static const char *
header(const char *name)
{
	const char *found = NULL;
	size_t n = strlen(name);

	for (size_t i = 0; i < parcel.n; i++) {
		if (strncmp(parcel.headers[i], name, n) != 0 ||
		    strncmp(parcel.headers[i] + n, ": ", 2) != 0)
			continue;
		assert_null(found);
		found = parcel.headers[i] + n + 2;
	}
	return found;
}

static void
fill(enum event_format format)
{
	rules.format = format;
	assert_int_equal(
	    parcel_receipt(&parcel, &rules, &receipt, 42, NOW_S), ST_OK);
}

static void
the_webhook_holds_the_receipt_and_when_it_came(void **state)
{
	(void)state;
	fill(FORMAT_WEBHOOK);
	assert_string_equal((const char *)parcel.body.data,
	    "{\"type\":\"payment.received\","
	    "\"timestamp\":\"2025-12-02T06:30:47.123456Z\",\"data\":" RECEIPT
	    "}");
	assert_string_equal(header("Content-Type"), "application/json");
	assert_string_equal(
	    header("webhook-id"), "rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_string_equal(header("webhook-timestamp"), "1764657050");
	assert_memory_equal(header("webhook-signature"), "v1,", 3);
	assert_null(header("ce-id"));
}

/* proves: R16 */
static void
an_erasure_is_told_by_id_alone(void **state)
{
	static const char *const bodies[] = {
		[FORMAT_WEBHOOK] =
		    "{\"type\":\"receipt.erased\","
		    "\"timestamp\":\"2025-12-02T06:30:47.123456Z\",\"data\":"
		    "{\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
		[FORMAT_CLOUDEVENTS] =
		    "{\"specversion\":\"1.0\","
		    "\"id\":\"erased_aaaaaaaaaaaaaaaaaaaaaaaaaa\","
		    "\"source\":\"urn:paysieve:merchant:testbox\","
		    "\"type\":\"receipt.erased\","
		    "\"time\":\"2025-12-02T06:30:47.123456Z\","
		    "\"datacontenttype\":\"application/json\","
		    "\"recordedtime\":\"2025-12-02T06:30:47.123456Z\","
		    "\"dataclassification\":\"internal\",\"data\":"
		    "{\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}}",
		[FORMAT_CLOUDEVENTS_BINARY] =
		    "{\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		rules.format = (enum event_format)i;
		assert_int_equal(
		    parcel_erased(&parcel, &rules, &receipt, NOW_S), ST_OK);
		assert_string_equal((const char *)parcel.body.data, bodies[i]);
		assert_string_equal(
		    header("webhook-id"), "erased_aaaaaaaaaaaaaaaaaaaaaaaaaa");
		assert_null(header("ce-subject"));
		assert_null(header("ce-sequence"));
	}
	assert_string_equal(header("ce-type"), "receipt.erased");
}

static void
a_structured_cloudevent_holds_its_attributes(void **state)
{
	(void)state;
	fill(FORMAT_CLOUDEVENTS);
	assert_string_equal(
	    header("Content-Type"), "application/cloudevents+json");
	assert_string_equal((const char *)parcel.body.data,
	    "{\"specversion\":\"1.0\","
	    "\"id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\","
	    "\"source\":\"urn:paysieve:merchant:testbox\","
	    "\"type\":\"payment.received\","
	    "\"time\":\"2025-12-02T06:30:47.123456Z\","
	    "\"subject\":\"INV 1/#@+:x\","
	    "\"datacontenttype\":\"application/json\","
	    "\"sequence\":\"0000000000000000042\","
	    "\"recordedtime\":\"2025-12-02T06:30:47.123456Z\","
	    "\"dataclassification\":\"internal\",\"data\":" RECEIPT "}");
	assert_memory_equal(header("webhook-signature"), "v1,", 3);
}

static void
a_binary_cloudevent_has_its_attributes_in_headers(void **state)
{
	(void)state;
	fill(FORMAT_CLOUDEVENTS_BINARY);
	assert_string_equal((const char *)parcel.body.data, RECEIPT);
	assert_string_equal(header("Content-Type"), "application/json");
	assert_string_equal(header("ce-specversion"), "1.0");
	assert_string_equal(header("ce-id"), "rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_string_equal(
	    header("ce-source"), "urn:paysieve:merchant:testbox");
	assert_string_equal(header("ce-type"), "payment.received");
	assert_string_equal(header("ce-subject"), "INV%201/#@+:x");
	assert_string_equal(header("ce-sequence"), "0000000000000000042");
	assert_string_equal(header("ce-time"), "2025-12-02T06:30:47.123456Z");
	assert_string_equal(header("ce-dataclassification"), "internal");
}

static void
only_the_stamp_changes_from_attempt_to_attempt(void **state)
{
	char body[1024], signature[128];

	(void)state;
	fill(FORMAT_WEBHOOK);
	(void)snprintf(
	    body, sizeof(body), "%s", (const char *)parcel.body.data);
	(void)snprintf(
	    signature, sizeof(signature), "%s", header("webhook-signature"));
	assert_int_equal(
	    parcel_receipt(&parcel, &rules, &receipt, 42, NOW_S + 1), ST_OK);
	assert_string_equal((const char *)parcel.body.data, body);
	assert_string_equal(header("webhook-timestamp"), "1764657051");
	assert_string_not_equal(header("webhook-signature"), signature);
}

static void
further_headers_go_along_as_they_stand(void **state)
{
	(void)state;
	(void)snprintf(rules.headers, sizeof(rules.headers),
	    "Authorization: Bearer made-up\nX-Tenant: 7\n");
	fill(FORMAT_WEBHOOK);
	assert_string_equal(header("Authorization"), "Bearer made-up");
	assert_string_equal(header("X-Tenant"), "7");
	for (size_t i = 0; i < parcel.n; i++)
		assert_null(strpbrk(parcel.headers[i], "\r\n"));
}

static void
a_ping_says_nothing_and_has_an_id_of_its_own(void **state)
{
	char id[64];

	(void)state;
	assert_int_equal(parcel_ping(&parcel, &rules, NOW_S), ST_OK);
	assert_string_equal((const char *)parcel.body.data,
	    "{\"type\":\"ping\","
	    "\"timestamp\":\"2025-12-02T06:30:50.000000Z\",\"data\":{}}");
	(void)snprintf(id, sizeof(id), "%s", header("webhook-id"));
	assert_memory_equal(id, "ping_", 5);
	assert_int_equal(strlen(id), 31);
	assert_int_equal(parcel_ping(&parcel, &rules, NOW_S), ST_OK);
	assert_string_not_equal(header("webhook-id"), id);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_webhook_holds_the_receipt_and_when_it_came),
		TEST(an_erasure_is_told_by_id_alone),
		TEST(a_structured_cloudevent_holds_its_attributes),
		TEST(a_binary_cloudevent_has_its_attributes_in_headers),
		TEST(only_the_stamp_changes_from_attempt_to_attempt),
		TEST(further_headers_go_along_as_they_stand),
		TEST(a_ping_says_nothing_and_has_an_id_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
