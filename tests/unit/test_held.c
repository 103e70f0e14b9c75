#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "receipt/held.h"

static const struct receipt claimed = { .id.b = { 1, 2, 3 },
	.amount_minor = 115000,
	.paid_at_us = INT64_C(1764657045000000),
	.received_at_us = INT64_C(1764657047123456),
	.currency = "BDT",
	.merchant = "testbox",
	.invoice_id = "INV-1" };

static void
assert_json(const struct held *h, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	held_json(h, &b);
	assert_int_equal(buf_status(&b), ST_OK);
	assert_string_equal((char *)b.data, want);
	buf_fini(&b);
}

#define FRONT(reason)                                                     \
	"{\"id\":\"rcpt_aebagaaaaaaaaaaaaaaaaaaaaa\",\"state\":\"held\"," \
	"\"reason\":\"" reason                                            \
	"\",\"held_at\":\"2025-12-02T06:30:49.020304Z\","                 \
	"\"claimed\":{\"id\":\"rcpt_aebagaaaaaaaaaaaaaaaaaaaaa\","        \
	"\"invoice_id\":\"INV-1\",\"amount\":\"1150.00\",\"currency\":"   \
	"\"BDT\",\"paid_at\":\"2025-12-02T06:30:45Z\",\"received_at\":"   \
	"\"2025-12-02T06:30:47.123456Z\"},\"answered\":"

static void
both_sides_are_shown(void **state)
{
	struct receipt answered = claimed;
	const struct held h = { .reason = REASON_CURRENCY,
		.held_at_us = INT64_C(1764657049020304),
		.claimed = &claimed,
		.answered = &answered };

	(void)state;
	answered.amount_minor = 500;
	answered.currency[0] = 'J';
	answered.currency[1] = 'P';
	answered.currency[2] = 'Y';
	assert_json(&h,
	    FRONT("currency") "{\"invoice_id\":\"INV-1\",\"amount\":\"500\","
			      "\"currency\":\"JPY\"}}");
}

static void
without_an_answer_there_is_null(void **state)
{
	const struct held h = { .reason = REASON_SILENCE,
		.held_at_us = INT64_C(1764657049020304),
		.claimed = &claimed };

	(void)state;
	assert_json(&h, FRONT("no_answer") "null}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_are_shown),
		cmocka_unit_test(without_an_answer_there_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
