/* Held payments, deliveries and tokens of a store beside which no gateway
 * runs. */
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

#include "base/clock.h"
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
	config->limits.redeliver_rate = 4;
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

/* ---- deliveries: of receipts 11 to 14 to billing-0 and billing-2 */

static struct receipt owed[4];

static struct store *
open_store(enum store_mode mode)
{
	struct store *s;
	struct err e = { "" };

	assert_int_equal(driver->open(&s, config->store_path, mode, &e), ST_OK);
	return s;
}

/* The first two to billing-0 are exhausted, the third is delivered. */
static void
fill_deliveries(void)
{
	struct store *s = open_store(STORE_WRITE);
	struct store_settle end = { .attempt = 1,
		.outcome = OUTCOME_STATUS,
		.http_status = 500,
		.took_ms = 12 };
	uint32_t ids[2];
	int64_t disabled;

	assert_int_equal(
	    driver->endpoint(s, "billing-0", &ids[0], &disabled), ST_OK);
	assert_int_equal(
	    driver->endpoint(s, "billing-2", &ids[1], &disabled), ST_OK);
	assert_int_equal(driver->begin(s), ST_OK);
	for (uint32_t i = 0; i < 4; i++) {
		owed[i] = driver_cases_receipt(i + 11, "first");
		assert_int_equal(driver->put(s, &owed[i], ids, 2), ST_OK);
	}
	end.endpoint_id = ids[0];
	for (uint64_t seq = 1; seq <= 3; seq++) {
		end.seq = seq;
		end.now_us = owed[seq - 1].received_at_us + 5;
		end.to = seq < 3 ? DELIVERY_EXHAUSTED : DELIVERY_DELIVERED;
		end.outcome = seq < 3 ? OUTCOME_STATUS : OUTCOME_DELIVERED;
		end.http_status = seq < 3 ? 500 : 200;
		assert_int_equal(driver->settle(s, &end), ST_OK);
	}
	assert_int_equal(driver->commit(s), ST_OK);
	driver->close(s);
}

static struct source *
open_source(void)
{
	struct source *s;
	struct err e = { "" };

	assert_int_equal(source_open(&s, config, &e), ST_OK);
	return s;
}

struct listed {
	size_t n;
	struct store_delivery of[8];
};

static void
on_delivery(void *arg, const struct store_delivery *d)
{
	struct listed *l = arg;

	assert_true(l->n < ARRAY_LEN(l->of));
	l->of[l->n++] = *d;
}

static struct listed
list(const char *endpoint, enum delivery_state state)
{
	const struct store_which w = { .state = state, .limit = 100 };
	struct source *s = open_source();
	struct listed l = { 0 };
	uint64_t last;
	bool more;

	assert_int_equal(
	    source_deliveries(s, &w, endpoint, on_delivery, &l, &last, &more),
	    ST_OK);
	assert_false(more);
	source_close(s);
	return l;
}

static void
deliveries_are_told_apart_by_name(void **state)
{
	struct listed l;

	(void)state;
	fill_deliveries();
	assert_int_equal(list(NULL, DELIVERY_STATES).n, 8);
	assert_int_equal(list("billing-1", DELIVERY_STATES).n, 0);
	assert_int_equal(list("billing-2", DELIVERY_PENDING).n, 4);
	l = list("billing-0", DELIVERY_EXHAUSTED);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.of[1].delivery.endpoint, "billing-0");
	assert_true(l.of[0].seq == 1 && l.of[1].seq == 2);
	assert_int_equal(l.of[1].delivery.http_status, 500);
}

static void
on_attempt(void *arg, const struct delivery_attempt *a)
{
	struct delivery_attempt *last = arg;

	*last = *a;
}

static void
attempts_are_shown_without_a_gateway(void **state)
{
	struct delivery_attempt last = { 0 };
	struct source *s;

	(void)state;
	fill_deliveries();
	s = open_source();
	assert_int_equal(source_attempts(s, &owed[0].id, "billing-0", NULL,
			     on_attempt, &last),
	    ST_OK);
	assert_true(
	    last.number == 1 && last.http_status == 500 && last.took_ms == 12);
	assert_int_equal(source_attempts(s, &owed[0].id, "billing-1", NULL,
			     on_attempt, &last),
	    ST_NOT_FOUND);
	assert_int_equal(source_attempts(s, &owed[0].id, "billing-0", "second",
			     on_attempt, &last),
	    ST_NOT_FOUND);
	source_close(s);
}

static struct control_redelivered
act(struct source *s, const struct store_which *w, const char *endpoint,
    enum redeliver_action action)
{
	struct control_redelivered done;
	struct err e = { "" };

	assert_int_equal(
	    source_redeliver(s, w, endpoint, action, &done, &e), ST_OK);
	assert_string_equal(e.text, "");
	return done;
}

static void
counting_changes_nothing(void **state)
{
	const struct store_which w = { .state = DELIVERY_EXHAUSTED,
		.limit = 100 };
	struct control_redelivered done;
	struct source *s;

	(void)state;
	fill_deliveries();
	s = open_source();
	done = act(s, &w, NULL, REDELIVER_COUNT);
	assert_true(done.matched == 2 && done.changed == 0 && !done.more);
	source_close(s);
	assert_int_equal(list(NULL, DELIVERY_EXHAUSTED).n, 2);
}

/* At the configured rate, also over several pages: 4 a second. */
static void
retried_ones_get_due_one_after_the_other(void **state)
{
	struct store_which w = { .state = DELIVERY_STATES, .limit = 2 };
	int64_t before_us = clock_wall_us(), first_us;
	struct control_redelivered done;
	size_t matched = 0;
	struct listed l;
	struct source *s;

	(void)state;
	fill_deliveries();
	s = open_source();
	do {
		done = act(s, &w, "billing-0", REDELIVER_RETRY);
		assert_int_equal(done.changed, done.matched);
		matched += done.matched;
		assert_true(done.last > w.after || !done.more);
		w.after = done.last;
	} while (done.more);
	source_close(s);
	assert_int_equal(matched, 4);
	l = list("billing-0", DELIVERY_PENDING);
	assert_int_equal(l.n, 4);
	first_us = l.of[0].delivery.at_us;
	assert_true(first_us >= before_us && first_us <= clock_wall_us());
	for (int i = 1; i < 4; i++)
		assert_true(
		    l.of[i].delivery.at_us == first_us + i * INT64_C(250000));
	/* what was not asked for is left as it is */
	l = list("billing-2", DELIVERY_PENDING);
	assert_int_equal(l.n, 4);
	assert_true(l.of[0].delivery.at_us < before_us);
}

static void
only_what_is_owed_is_dropped(void **state)
{
	const struct store_which w = { .state = DELIVERY_STATES, .limit = 100 };
	struct control_redelivered done;
	struct source *s;

	(void)state;
	fill_deliveries();
	s = open_source();
	done = act(s, &w, "billing-0", REDELIVER_DROP);
	assert_true(done.matched == 4 && done.changed == 3);
	done = act(s, &w, "billing-0", REDELIVER_DROP);
	assert_true(done.matched == 4 && done.changed == 0);
	source_close(s);
	assert_int_equal(list(NULL, DELIVERY_DROPPED).n, 3);
	assert_int_equal(list(NULL, DELIVERY_DELIVERED).n, 1);
	assert_int_equal(list("billing-2", DELIVERY_PENDING).n, 4);
}

static void
one_delivery_is_named_by_receipt_and_endpoint(void **state)
{
	struct store_which w = { .state = DELIVERY_STATES, .limit = 1 };
	struct control_redelivered done;
	struct source *s;

	(void)state;
	fill_deliveries();
	w.id = &owed[1].id;
	s = open_source();
	done = act(s, &w, "billing-0", REDELIVER_RETRY);
	assert_true(done.matched == 1 && done.changed == 1);
	done = act(s, &w, "billing-1", REDELIVER_RETRY);
	assert_true(done.matched == 0 && done.changed == 0);
	w.merchant = "second";
	done = act(s, &w, "billing-0", REDELIVER_RETRY);
	assert_int_equal(done.matched, 0);
	source_close(s);
	assert_int_equal(list(NULL, DELIVERY_EXHAUSTED).n, 1);
}

static int64_t
disabled_since(const char *name)
{
	struct store *s = open_store(STORE_WRITE);
	int64_t us;
	uint32_t id;

	assert_int_equal(driver->endpoint(s, name, &id, &us), ST_OK);
	driver->close(s);
	return us;
}

static void
a_billing_that_said_410_is_resumed(void **state)
{
	struct store *store;
	struct source *s;
	struct err e = { "" };
	uint32_t id;
	int64_t us;

	(void)state;
	store = open_store(STORE_WRITE);
	assert_int_equal(driver->endpoint(store, "billing-0", &id, &us), ST_OK);
	assert_int_equal(driver->begin(store), ST_OK);
	assert_int_equal(driver->disable(store, id, 1234), ST_OK);
	assert_int_equal(driver->commit(store), ST_OK);
	driver->close(store);
	assert_true(disabled_since("billing-0") == 1234);
	s = open_source();
	assert_int_equal(source_resume(s, "billing-0", &e), ST_OK);
	source_close(s);
	assert_true(disabled_since("billing-0") == 0);
}

static void
a_store_that_somebody_writes_is_not_acted_on(void **state)
{
	const struct store_which w = { .state = DELIVERY_EXHAUSTED,
		.limit = 100 };
	static const unsigned char sha256[32] = { 1 };
	struct control_redelivered done;
	struct store *writer;
	struct source *s;
	struct err e = { "" };

	(void)state;
	fill_deliveries();
	s = open_source();
	writer = open_store(STORE_WRITE);
	assert_int_equal(
	    source_redeliver(s, &w, NULL, REDELIVER_RETRY, &done, &e),
	    ST_CONFIG);
	assert_true(e.text[0] != '\0');
	assert_int_equal(done.changed, 0);
	assert_int_equal(source_revoke(s, sha256, &e), ST_CONFIG);
	assert_int_equal(source_resume(s, "billing-0", &e), ST_CONFIG);
	driver->close(writer);
	source_close(s);
	assert_int_equal(list(NULL, DELIVERY_EXHAUSTED).n, 2);
}

/* ---- tokens */

static void
on_token(void *arg, const struct store_token *t)
{
	struct store_token *last = arg;

	*last = *t;
}

static void
a_token_is_revoked_in_the_store(void **state)
{
	static const unsigned char sha256[32] = { 1, [31] = 2 };
	int64_t before_us = clock_wall_us();
	struct store_token last = { 0 };
	struct source *s;
	struct err e = { "" };

	(void)state;
	s = open_source();
	assert_int_equal(source_tokens(s, on_token, &last), ST_OK);
	assert_int_equal(last.revoked_at_us, 0);
	assert_int_equal(source_revoke(s, sha256, &e), ST_OK);
	assert_int_equal(source_tokens(s, on_token, &last), ST_OK);
	assert_memory_equal(last.sha256, sha256, sizeof(sha256));
	assert_true(last.revoked_at_us >= before_us);
	/* the first revocation stays */
	before_us = last.revoked_at_us;
	assert_int_equal(source_revoke(s, sha256, &e), ST_OK);
	assert_int_equal(source_tokens(s, on_token, &last), ST_OK);
	assert_true(last.revoked_at_us == before_us);
	source_close(s);
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
		CASE(deliveries_are_told_apart_by_name),
		CASE(attempts_are_shown_without_a_gateway),
		CASE(counting_changes_nothing),
		CASE(retried_ones_get_due_one_after_the_other),
		CASE(only_what_is_owed_is_dropped),
		CASE(one_delivery_is_named_by_receipt_and_endpoint),
		CASE(a_billing_that_said_410_is_resumed),
		CASE(a_store_that_somebody_writes_is_not_acted_on),
		CASE(a_token_is_revoked_in_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
