/* Held payments of a store beside which no gateway runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "command/source.h"
#include "driver_cases.h"

static struct config *config;
static const struct store_driver *driver;
static struct receipt held[2]; /* of first, answered; of second */

/* A store with these two. */
static void
fill_store(void)
{
	struct receipt answered;
	struct store_move m = {
		.from = LIFE_ABSENT, .to = LIFE_HELD, .reason = REASON_RISK
	};
	struct store *s;
	struct err e = { "" };

	assert_int_equal(
	    driver->open(&s, config->store_path, STORE_WRITE, &e), ST_OK);
	assert_int_equal(driver->begin(s), ST_OK);
	for (uint32_t i = 0; i < 2; i++) {
		held[i] =
		    driver_cases_receipt(i + 1, i == 0 ? "first" : "second");
		answered = held[i];
		answered.amount_minor = 100;
		m.receipt = held[i];
		m.answered = i == 0 ? &answered : NULL;
		m.at_us = held[i].received_at_us + 1;
		assert_int_equal(driver->move(s, &m), ST_OK);
	}
	assert_int_equal(driver->commit(s), ST_OK);
	driver->close(s);
}

static int
set_up(void **state)
{
	(void)state;
	config = calloc(1, sizeof(*config));
	assert_non_null(config);
	driver = store_driver_find("sqlite");
	driver_cases_folder(config->store_path, sizeof(config->store_path));
	config->n_merchants = 1;
	(void)snprintf(config->merchants[0].store_id, CONFIG_NAME, "first");
	config->n_billings = 3;
	for (size_t i = 0; i < 3; i++)
		(void)snprintf(
		    config->billings[i].name, CONFIG_NAME, "billing-%zu", i);
	config->merchants[0].billings = 5; /* the first and the third */
	fill_store();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	driver_cases_remove(config->store_path);
	free(config);
	return 0;
}

static enum status
decide(size_t i, const char *merchant, bool release, struct err *e)
{
	struct source *s;
	enum status st;

	e->text[0] = '\0';
	assert_int_equal(source_open(&s, config, e), ST_OK);
	st = source_decide(s, &held[i].id, merchant, release, e);
	source_close(s);
	return st;
}

static struct store_totals
totals(void)
{
	struct store_totals t;
	struct store *s;
	struct err e;

	assert_int_equal(
	    driver->open(&s, config->store_path, STORE_READ, &e), ST_OK);
	assert_int_equal(driver->totals(s, &t), ST_OK);
	driver->close(s);
	return t;
}

/* ---- */

static void
count_held(void *arg, const struct store_life *life)
{
	size_t *n = arg;

	assert_memory_equal(&life->claimed, &held[*n], sizeof(life->claimed));
	(*n)++;
}

static void
held_payments_are_read_from_the_store(void **state)
{
	const struct store_query q = { .limit = 10 };
	struct store_life one;
	struct err e = { "" };
	struct source *s;
	size_t n = 0;
	bool more;

	(void)state;
	assert_int_equal(source_open(&s, config, &e), ST_OK);
	assert_int_equal(source_holds(s, &q, count_held, &n, &more), ST_OK);
	assert_int_equal(n, 2);
	assert_int_equal(source_hold(s, &held[0].id, "first", &one), ST_OK);
	assert_int_equal(one.answered.amount_minor, 100);
	assert_int_equal(
	    source_hold(s, &held[0].id, "second", &one), ST_NOT_FOUND);
	source_close(s);
}

static void
a_release_makes_a_receipt_that_billing_is_owed(void **state)
{
	struct store_totals t;
	struct store_row row;
	struct source *s;
	struct err e;

	(void)state;
	assert_int_equal(decide(0, NULL, true, &e), ST_OK);
	t = totals();
	assert_true(t.receipts == 1 && t.held == 1);
	assert_true(t.deliveries_pending == 2);
	assert_int_equal(source_open(&s, config, &e), ST_OK);
	assert_int_equal(source_get(s, &held[0].id, "first", &row), ST_OK);
	source_close(s);
	/* what SSLCommerz says counts */
	assert_int_equal(row.receipt.amount_minor, 100);
	assert_int_equal(decide(0, NULL, true, &e), ST_NOT_FOUND);
	assert_int_equal(decide(0, NULL, false, &e), ST_NOT_FOUND);
}

static void
a_rejected_payment_is_no_receipt(void **state)
{
	struct store_totals t;
	struct err e;

	(void)state;
	assert_int_equal(decide(1, "second", false, &e), ST_OK);
	t = totals();
	assert_true(t.receipts == 0 && t.held == 1);
	assert_true(t.deliveries_pending == 0);
	assert_int_equal(decide(1, NULL, true, &e), ST_NOT_FOUND);
}

static void
another_merchants_payment_is_left_alone(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(decide(0, "second", true, &e), ST_NOT_FOUND);
	assert_true(totals().held == 2);
}

/* Nobody would be owed the receipt, ever. */
static void
a_merchant_that_is_not_configured_has_nothing_released(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(decide(1, NULL, true, &e), ST_CONFIG);
	assert_true(e.text[0] != '\0');
	assert_true(totals().held == 2);
}

static void
a_store_that_somebody_writes_is_not_decided_in(void **state)
{
	struct store *s;
	struct err e = { "" };

	(void)state;
	assert_int_equal(
	    driver->open(&s, config->store_path, STORE_WRITE, &e), ST_OK);
	assert_int_equal(decide(0, NULL, true, &e), ST_CONFIG);
	assert_true(e.text[0] != '\0');
	driver->close(s);
	assert_true(totals().held == 2);
}

/* It is told from a store without one by nothing but its words. */
static void
a_socket_that_a_killed_gateway_left_is_no_fault(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char path[CONFIG_PATH];
	struct err e = { "" };

	(void)state;
	assert_int_equal(
	    config_control_path(config, path, sizeof(path)), ST_OK);
	assert_true(strlen(path) < sizeof(sun.sun_path));
	memcpy(sun.sun_path, path, strlen(path));
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&sun, sizeof(sun)), 0);
	(void)close(fd);
	assert_int_equal(decide(0, "second", true, &e), ST_NOT_FOUND);
	assert_string_equal(e.text, "");
	assert_int_equal(decide(0, "first", true, &e), ST_OK);
	(void)unlink(path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(held_payments_are_read_from_the_store),
		CASE(a_socket_that_a_killed_gateway_left_is_no_fault),
		CASE(a_release_makes_a_receipt_that_billing_is_owed),
		CASE(a_rejected_payment_is_no_receipt),
		CASE(another_merchants_payment_is_left_alone),
		CASE(a_merchant_that_is_not_configured_has_nothing_released),
		CASE(a_store_that_somebody_writes_is_not_decided_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
