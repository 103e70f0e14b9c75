/* `paysieve deliveries` on a store beside which no gateway runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "command/command.h"
#include "command_world.h"
#include "driver_cases.h"
#include "keeper/store_driver.h"

static struct command_world *world;
static const struct store_driver *driver;
static struct receipt owed[4]; /* 1 to 3 of first, 4 of second */
static char ids[4][DELIVERY_ID];

/* 1 and 2 are exhausted, 3 is delivered, 4 is pending. */
static void
fill_store(void)
{
	struct store_settle end = { .attempt = 1, .took_ms = 12, .bytes = 7 };
	struct store *s;
	struct err e = { "" };
	int64_t disabled;
	uint32_t id;

	assert_int_equal(
	    driver->open(&s, world->store, STORE_WRITE, &e), ST_OK);
	assert_int_equal(driver->endpoint(s, "main", &id, &disabled), ST_OK);
	assert_int_equal(driver->begin(s), ST_OK);
	for (uint32_t i = 0; i < 4; i++) {
		owed[i] =
		    driver_cases_receipt(i + 1, i < 3 ? "first" : "second");
		delivery_id(&owed[i].id, "main", ids[i]);
		assert_int_equal(driver->put(s, &owed[i], &id, 1), ST_OK);
	}
	end.endpoint_id = id;
	for (uint64_t seq = 1; seq <= 3; seq++) {
		end.seq = seq;
		end.now_us = driver_cases_received_us((uint32_t)seq) + 5;
		end.to = seq < 3 ? DELIVERY_EXHAUSTED : DELIVERY_DELIVERED;
		end.outcome = seq < 3 ? OUTCOME_STATUS : OUTCOME_DELIVERED;
		end.http_status = seq < 3 ? 500 : 204;
		assert_int_equal(driver->settle(s, &end), ST_OK);
	}
	assert_int_equal(driver->commit(s), ST_OK);
	driver->close(s);
}

static int
set_up(void **state)
{
	(void)state;
	driver = store_driver_find("sqlite");
	world = command_world_new("https://billing.example/hooks");
	fill_store();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	command_world_free(world);
	return 0;
}

#define RUN(...)                                                         \
	command_world_run(world, deliveries_main, "paysieve deliveries", \
	    (const char *const[]){ __VA_ARGS__, NULL })

/* How many lines the last run printed. */
static size_t
lines(void)
{
	size_t n = 0;

	for (const char *at = world->out; *at != '\0'; at++)
		n += *at == '\n';
	return n;
}

static bool
lists(size_t i)
{
	return strstr(world->out, ids[i]) != NULL;
}

/* ---- list and show */

static void
all_are_listed_oldest_first(void **state)
{
	char want[512];

	(void)state;
	assert_int_equal(RUN("list"), EXIT_GOOD);
	assert_string_equal(world->err, "");
	assert_int_equal(lines(), 4);
	for (size_t i = 1; i < 4; i++)
		assert_true(strstr(world->out, ids[i - 1]) <
			    strstr(world->out, ids[i]));
	(void)snprintf(want, sizeof(want),
	    "\"invoice_id\":\"INV-2025-000003\",\"billing\":\"main\","
	    "\"state\":\"delivered\",\"attempts\":1,\"outcome\":\"delivered\","
	    "\"http_status\":204,");
	assert_non_null(strstr(world->out, want));
}

static void
every_filter_narrows_the_list(void **state)
{
	static const struct {
		const char *option, *value, *shown;
	} filters[] = {
		{ "--state", "exhausted", "12" },
		{ "--state", "delivered", "3" },
		{ "--state", "pending", "4" },
		{ "--state", "dropped", "" },
		{ "--merchant", "first", "123" },
		{ "--merchant", "nobody", "" },
		{ "--billing", "main", "1234" },
		{ "--billing", "other", "" },
		{ "--invoice", "INV-2025-000002", "2" },
		{ "--after", "0", "1234" },
		{ "--limit", "1000", "1234" },
		/* received at :48, :49, :50 and :51 */
		{ "--from", "2025-12-02T06:30:49Z", "234" },
		{ "--from", "2025-12-02T06:30:49.000001Z", "34" },
		{ "--to", "2025-12-02T06:30:49Z", "1" },
		{ "--to", "2025-12-03", "1234" },
		{ "--from", "2025-12-03", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		assert_int_equal(
		    RUN("list", filters[i].option, filters[i].value),
		    EXIT_GOOD);
		for (size_t d = 0; d < 4; d++)
			assert_int_equal(lists(d),
			    strchr(filters[i].shown, (char)('1' + d)) != NULL);
	}
	assert_int_equal(
	    RUN("list", "--state", "exhausted", "--merchant", "second"),
	    EXIT_GOOD);
	assert_int_equal(lines(), 0);
}

static void
a_list_that_was_cut_says_where_to_go_on(void **state)
{
	const char *at;
	char after[32];

	(void)state;
	assert_int_equal(RUN("list", "--limit", "3"), EXIT_GOOD);
	assert_int_equal(lines(), 3);
	at = strstr(world->err, "--after ");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "--after %31[0-9]", after), 1);
	assert_int_equal(RUN("list", "--after", after), EXIT_GOOD);
	assert_int_equal(lines(), 1);
	assert_true(lists(3));
}

static void
one_is_shown_with_its_attempts(void **state)
{
	(void)state;
	assert_int_equal(RUN("show", ids[0]), EXIT_GOOD);
	assert_int_equal(lines(), 1);
	assert_true(lists(0));
	assert_non_null(
	    strstr(world->out, "\"next_at\":null,\"log\":[{\"number\":1,"));
	assert_non_null(strstr(world->out,
	    "\"outcome\":\"status\",\"http_status\":500,\"ms\":12,"
	    "\"bytes\":7}]}\n"));
	assert_int_equal(RUN("show", ids[3]), EXIT_GOOD);
	assert_non_null(strstr(world->out, "\"log\":[]}\n"));
}

static void
one_that_is_not_there_is_not_found(void **state)
{
	static const char *const verbs[] = { "show", "retry", "drop" };
	char id[DELIVERY_ID];

	(void)state;
	delivery_id(&owed[0].id, "other", id);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		assert_int_equal(RUN(verbs[i], id), EXIT_FAILED);
		assert_string_equal(world->err,
		    "paysieve deliveries: there is no such delivery\n");
		assert_int_equal(RUN(verbs[i], "dlv_nonsense"), EXIT_FAILED);
		assert_int_equal(
		    RUN(verbs[i], ids[0], "--merchant", "second"), EXIT_FAILED);
		assert_string_equal(world->out, "");
	}
}

/* ---- retry and drop */

static void
state_of(size_t i, const char *word)
{
	char want[64];

	assert_int_equal(RUN("show", ids[i]), EXIT_GOOD);
	(void)snprintf(want, sizeof(want), "\"state\":\"%s\"", word);
	assert_non_null(strstr(world->out, want));
}

static void
one_is_retried_and_dropped_by_its_id(void **state)
{
	(void)state;
	assert_int_equal(RUN("retry", ids[0]), EXIT_GOOD);
	assert_non_null(strstr(world->out, " is due again\n"));
	assert_non_null(strstr(world->err, "\"event\":\"redelivered\""));
	assert_non_null(strstr(world->err, "\"who\":\"cli\""));
	state_of(0, "pending");
	state_of(1, "exhausted");
	assert_int_equal(RUN("drop", ids[0]), EXIT_GOOD);
	assert_non_null(strstr(world->out, " is dropped\n"));
	state_of(0, "dropped");
}

static void
what_its_state_forbids_is_not_done(void **state)
{
	(void)state;
	assert_int_equal(RUN("drop", ids[2]), EXIT_FAILED);
	assert_string_equal(world->err,
	    "paysieve deliveries: it is in a state that does not allow "
	    "this\n");
	assert_string_equal(world->out, "");
	state_of(2, "delivered");
}

static void
many_are_acted_on_by_filter_and_summed_as_json(void **state)
{
	(void)state;
	assert_int_equal(RUN("retry", "--state", "exhausted"), EXIT_GOOD);
	assert_string_equal(world->out, "{\"matched\":2,\"changed\":2}\n");
	state_of(0, "pending");
	state_of(1, "pending");
	assert_int_equal(
	    RUN("drop", "--state", "pending", "--merchant", "first"),
	    EXIT_GOOD);
	assert_string_equal(world->out, "{\"matched\":2,\"changed\":2}\n");
	state_of(3, "pending");
	assert_int_equal(RUN("drop", "--state", "delivered"), EXIT_GOOD);
	assert_string_equal(world->out, "{\"matched\":1,\"changed\":0}\n");
	assert_null(strstr(world->err, "\"event\":\"dropped\""));
}

/* As many pages as it takes. */
static void
a_filter_is_not_bounded_by_a_page(void **state)
{
	struct store *s;
	struct err e = { "" };
	uint32_t id;
	int64_t disabled;

	(void)state;
	assert_int_equal(
	    driver->open(&s, world->store, STORE_WRITE, &e), ST_OK);
	assert_int_equal(driver->endpoint(s, "main", &id, &disabled), ST_OK);
	assert_int_equal(driver->begin(s), ST_OK);
	for (uint32_t i = 5; i <= 2104; i++) {
		struct receipt r = driver_cases_receipt(i, "first");

		assert_int_equal(driver->put(s, &r, &id, 1), ST_OK);
	}
	assert_int_equal(driver->commit(s), ST_OK);
	driver->close(s);
	/* each once, though they stay what was asked for */
	assert_int_equal(RUN("retry", "--state", "pending"), EXIT_GOOD);
	assert_string_equal(
	    world->out, "{\"matched\":2101,\"changed\":2101}\n");
	assert_int_equal(RUN("drop", "--state", "pending"), EXIT_GOOD);
	assert_string_equal(
	    world->out, "{\"matched\":2101,\"changed\":2101}\n");
	assert_int_equal(RUN("list", "--state", "pending"), EXIT_GOOD);
	assert_int_equal(lines(), 0);
}

static void
a_dry_run_counts_and_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(
	    RUN("retry", "--state", "exhausted", "--dry-run"), EXIT_GOOD);
	assert_string_equal(world->out, "{\"matched\":2,\"changed\":0}\n");
	assert_int_equal(RUN("drop", "--dry-run", ids[0]), EXIT_GOOD);
	assert_string_equal(world->out, "1 delivery\n");
	state_of(0, "exhausted");
	assert_string_equal(world->err, "");
}

/* ---- an endpoint */

static void
a_billing_is_resumed(void **state)
{
	(void)state;
	assert_int_equal(RUN("resume", "main"), EXIT_GOOD);
	assert_string_equal(world->out, "main is delivered to again\n");
	assert_non_null(strstr(world->err, "\"event\":\"endpoint_resumed\""));
	assert_int_equal(RUN("resume", "other"), EXIT_FAILED);
	assert_string_equal(world->err,
	    "paysieve deliveries: the configuration has no such billing\n");
}

/* ---- arguments */

static void
wrong_arguments_are_refused(void **state)
{
	static const char *const bad[][5] = {
		{ NULL },
		{ "lst" },
		{ "list", "x" },
		{ "show" },
		{ "show", "a", "b" },
		{ "resume" },
		{ "test" },
		{ "test", "a", "b" },
		{ "retry", "a", "b" },
		/* everything, by a slip of the hand */
		{ "retry" },
		{ "drop" },
		{ "drop", "--merchant", "first" },
		{ "list", "--state", "gone" },
		{ "list", "--billing", "a b" },
		{ "list", "--merchant", "" },
		{ "list", "--invoice", "<" },
		{ "list", "--from", "yesterday" },
		{ "list", "--to", "2025-02-30" },
		{ "list", "--limit", "0" },
		{ "list", "--limit", "1001" },
		{ "list", "--after", "-1" },
		{ "list", "--nonsense" },
		{ "list", "--state" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(command_world_run(world, deliveries_main,
				     "paysieve deliveries", bad[i]),
		    EXIT_USAGE);
		assert_string_equal(world->out, "");
		assert_non_null(
		    strstr(world->err, "Try: paysieve deliveries --help\n"));
	}
	state_of(0, "exhausted");
}

static void
help_is_asked_for(void **state)
{
	(void)state;
	assert_int_equal(RUN("--help"), EXIT_GOOD);
	assert_non_null(strstr(world->out, "Usage: paysieve deliveries list"));
	for (const char *at = world->out; *at != '\0';) {
		size_t n = strcspn(at, "\n");

		assert_true(n <= 80);
		at += n + (at[n] == '\n');
	}
}

static void
without_a_store_there_is_nothing_to_list(void **state)
{
	struct command_world *w = command_world_new("https://b.example");
	static const char *const list[] = { "list", NULL };

	(void)state;
	assert_int_equal(
	    command_world_run(w, deliveries_main, "paysieve deliveries", list),
	    EXIT_FAILED);
	assert_string_equal(w->err, "paysieve deliveries: no gateway runs here "
				    "and there is no store yet\n");
	command_world_add(w, "nonsense = 1\n");
	assert_int_equal(
	    command_world_run(w, deliveries_main, "paysieve deliveries", list),
	    EXIT_CONFIG);
	command_world_free(w);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(all_are_listed_oldest_first),
		CASE(every_filter_narrows_the_list),
		CASE(a_list_that_was_cut_says_where_to_go_on),
		CASE(one_is_shown_with_its_attempts),
		CASE(one_that_is_not_there_is_not_found),
		CASE(one_is_retried_and_dropped_by_its_id),
		CASE(what_its_state_forbids_is_not_done),
		CASE(many_are_acted_on_by_filter_and_summed_as_json),
		CASE(a_filter_is_not_bounded_by_a_page),
		CASE(a_dry_run_counts_and_changes_nothing),
		CASE(a_billing_is_resumed),
		CASE(wrong_arguments_are_refused),
		CASE(help_is_asked_for),
		CASE(without_a_store_there_is_nothing_to_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
