/* receipt/delivery.c: ids, states and JSON of deliveries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "receipt/delivery.h"

static const struct receipt receipt = { .id.b = { 1, 2, 3 },
	.amount_minor = 115000,
	.paid_at_us = INT64_C(1764657045000000),
	.received_at_us = INT64_C(1764657047123456),
	.currency = "BDT",
	.merchant = "testbox",
	.invoice_id = "INV-1" };

#define LETTERS "aebagaaaaaaaaaaaaaaaaaaaaa"
#define NAME	"name-of-32-letters_xxxxxxxxxxxxx"

/* ---- ids */

static void
an_id_names_receipt_and_endpoint(void **state)
{
	char id[DELIVERY_ID];

	(void)state;
	delivery_id(&receipt.id, "main", id);
	assert_string_equal(id, "dlv_" LETTERS "_main");
	delivery_id(&receipt.id, NAME, id);
	assert_int_equal(sizeof(NAME), DELIVERY_ENDPOINT);
	assert_string_equal(id, "dlv_" LETTERS "_" NAME);
}

static void
an_id_is_read_as_it_was_written(void **state)
{
	static const char *const names[] = { "main", "a", "_", "a_b-C", NAME };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char text[DELIVERY_ID], name[DELIVERY_ENDPOINT], want[64] = "";
		struct receipt_id id;

		memset(name, 'x', sizeof(name));
		delivery_id(&receipt.id, names[i], text);
		assert_true(delivery_id_parse(bytes_of(text), &id, name));
		assert_memory_equal(&id, &receipt.id, sizeof(id));
		memcpy(want, names[i], strlen(names[i]));
		assert_memory_equal(name, want, sizeof(name)); /* padded */
	}
}

static void
what_is_no_id_is_not_read(void **state)
{
	static const char *const bad[] = { "", "dlv_", "main", "dlv_" LETTERS,
		"dlv_" LETTERS "_", "dlv_" LETTERS "-main", "rcpt_" LETTERS,
		"rcpt_" LETTERS "_main", "DLV_" LETTERS "_main",
		"dlv_Aebagaaaaaaaaaaaaaaaaaaaaa_main",
		"dlv_aebagaaaaaaaaaaaaaaaaaaaa_main",
		"dlv_aebagaaaaaaaaaaaaaaaaaaaaaa_main",
		"dlv_aebagaaaaaaaaaaaaaaaaaaaa1_main",
		/* the last letter holds bits that no id has */
		"dlv_aebagaaaaaaaaaaaaaaaaaaaab_main", "dlv_" LETTERS "_ma in",
		"dlv_" LETTERS "_main/", "dlv_" LETTERS "_m\xc3\xa4in",
		"dlv_" LETTERS "_" NAME "x", " dlv_" LETTERS "_main",
		"dlv_" LETTERS "_main\n" };
	static const char nul[] = "dlv_" LETTERS "_ma\0in";
	char name[DELIVERY_ENDPOINT];
	struct receipt_id id;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(delivery_id_parse(bytes_of(bad[i]), &id, name));
	assert_false(
	    delivery_id_parse(bytes_make(nul, sizeof(nul) - 1), &id, name));
}

/* ---- states and outcomes */

static void
states_are_read_by_their_words_alone(void **state)
{
	static const char *const words[] = { "pending", "delivered",
		"exhausted", "dropped" };
	static const char *const bad[] = { "", "Pending", "pendin", "pending ",
		"none", "any" };
	enum delivery_state s;

	(void)state;
	assert_int_equal(ARRAY_LEN(words), DELIVERY_STATES);
	for (unsigned i = 0; i < DELIVERY_STATES; i++) {
		assert_string_equal(
		    delivery_word((enum delivery_state)i), words[i]);
		assert_true(delivery_parse(bytes_of(words[i]), &s));
		assert_int_equal(s, i);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(delivery_parse(bytes_of(bad[i]), &s));
}

/* They are stored by number. */
static void
outcomes_and_states_keep_their_numbers(void **state)
{
	static const char *const words[] = { "delivered", "status", "dns",
		"connect", "tls", "timeout", "io", "certificate", "address",
		"proxy", "none" };

	(void)state;
	assert_int_equal(ARRAY_LEN(words), OUTCOMES + 1);
	for (unsigned i = 0; i <= OUTCOMES; i++)
		assert_string_equal(outcome_word((enum outcome)i), words[i]);
	assert_int_equal(DELIVERY_PENDING, 0);
	assert_int_equal(DELIVERY_DELIVERED, 1);
	assert_int_equal(DELIVERY_EXHAUSTED, 2);
	assert_int_equal(DELIVERY_DROPPED, 3);
}

static void
a_person_retries_anything_and_drops_what_is_owed(void **state)
{
	(void)state;
	for (unsigned from = 0; from < DELIVERY_STATES; from++) {
		for (unsigned to = 0; to < DELIVERY_STATES; to++) {
			bool retry = to == DELIVERY_PENDING;
			bool drop = to == DELIVERY_DROPPED &&
				    (from == DELIVERY_PENDING ||
					from == DELIVERY_EXHAUSTED);

			assert_int_equal(
			    delivery_move((enum delivery_state)from,
				(enum delivery_state)to),
			    retry || drop);
		}
	}
}

/* ---- JSON */

static void
assert_json(const struct delivery *d, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	delivery_json(d, &b);
	assert_int_equal(buf_status(&b), ST_OK);
	assert_string_equal((char *)b.data, want);
	buf_fini(&b);
}

#define FRONT                                              \
	"{\"id\":\"dlv_" LETTERS "_main\",\"receipt_id\":" \
	"\"rcpt_" LETTERS "\",\"invoice_id\":\"INV-1\","   \
	"\"billing\":\"main\","

static void
a_pending_delivery_says_when_it_is_due(void **state)
{
	struct delivery d = { .receipt = receipt,
		.endpoint = "main",
		.state = DELIVERY_PENDING,
		.outcome = OUTCOMES,
		.at_us = INT64_C(1764657049020304) };

	(void)state;
	assert_json(&d,
	    FRONT "\"state\":\"pending\",\"attempts\":0,\"outcome\":null,"
		  "\"http_status\":null,"
		  "\"next_at\":\"2025-12-02T06:30:49.020304Z\","
		  "\"settled_at\":null}");
	d.attempts = 2;
	d.outcome = OUTCOME_DNS;
	assert_json(&d,
	    FRONT "\"state\":\"pending\",\"attempts\":2,\"outcome\":\"dns\","
		  "\"http_status\":null,"
		  "\"next_at\":\"2025-12-02T06:30:49.020304Z\","
		  "\"settled_at\":null}");
}

static void
any_other_says_since_when_it_stands_so(void **state)
{
	static const enum delivery_state ends[] = { DELIVERY_DELIVERED,
		DELIVERY_EXHAUSTED, DELIVERY_DROPPED };
	char want[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const struct delivery d = { .receipt = receipt,
			.endpoint = "main",
			.state = ends[i],
			.attempts = 12,
			.outcome = OUTCOME_STATUS,
			.http_status = 503,
			.at_us = INT64_C(1764657049000000) };

		(void)snprintf(want, sizeof(want),
		    FRONT "\"state\":\"%s\",\"attempts\":12,"
			  "\"outcome\":\"status\",\"http_status\":503,"
			  "\"settled_at\":\"2025-12-02T06:30:49.000000Z\","
			  "\"next_at\":null}",
		    delivery_word(ends[i]));
		assert_json(&d, want);
	}
}

static void
attempts_say_how_they_ended_and_count_bytes(void **state)
{
	static const struct delivery_attempt answered = { .number = 3,
		.at_us = INT64_C(1764657049020304),
		.outcome = OUTCOME_STATUS,
		.http_status = 404,
		.took_ms = 15,
		.bytes = 4096 };
	static const struct delivery_attempt silent = { .number = 1,
		.at_us = INT64_C(1764657049020304),
		.outcome = OUTCOME_TIMEOUT,
		.took_ms = 15000 };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	delivery_attempt_json(&answered, &b);
	delivery_attempt_json(&silent, &b);
	assert_string_equal((char *)b.data,
	    "{\"number\":3,\"at\":\"2025-12-02T06:30:49.020304Z\","
	    "\"outcome\":\"status\",\"http_status\":404,\"ms\":15,"
	    "\"bytes\":4096}"
	    "{\"number\":1,\"at\":\"2025-12-02T06:30:49.020304Z\","
	    "\"outcome\":\"timeout\",\"http_status\":null,\"ms\":15000,"
	    "\"bytes\":0}");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_names_receipt_and_endpoint),
		cmocka_unit_test(an_id_is_read_as_it_was_written),
		cmocka_unit_test(what_is_no_id_is_not_read),
		cmocka_unit_test(states_are_read_by_their_words_alone),
		cmocka_unit_test(outcomes_and_states_keep_their_numbers),
		cmocka_unit_test(
		    a_person_retries_anything_and_drops_what_is_owed),
		cmocka_unit_test(a_pending_delivery_says_when_it_is_due),
		cmocka_unit_test(any_other_says_since_when_it_stands_so),
		cmocka_unit_test(attempts_say_how_they_ended_and_count_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
