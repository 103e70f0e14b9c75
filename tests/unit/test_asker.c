/* The asker between keeper and edges, played by the test, and SSLCommerz,
 * played by a stub: what is asked, and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "asker_bench.h"
#include "config/rooms.h"

static struct asker_bench *
started(void)
{
	struct asker_bench *b = asker_bench_new();

	asker_bench_start(b);
	return b;
}

/* Ask about payment n and wait for the verdict. */
static void
ask_and_wait(struct asker_bench *b, uint64_t n)
{
	asker_bench_ask(b, "testbox", n);
	asker_bench_until_told(b, 1);
}

/* ---- what is asked */

static void
windows_are_told_for_every_merchant(void **state)
{
	struct asker_bench *b = asker_bench_new();

	(void)state;
	asker_bench_merchant(b, "unconfirmed")->rules.confirm = CONFIRM_OFF;
	asker_bench_start(b);
	asker_bench_look_up(b, "nobody", 1);
	asker_bench_until_told(b, 1);
	assert_int_equal(b->n_windows, 2);
	assert_string_equal(b->windows[0].name, "testbox");
	assert_int_equal(b->windows[0].most, 4);
	assert_string_equal(b->windows[1].name, "unconfirmed");
	asker_bench_free(b);
}

static void
a_hinted_payment_is_asked_about_by_val_id(void **state)
{
	struct asker_bench *b = started();
	struct channel *edge = asker_bench_edge(b);
	int64_t by_val_id = asker_bench_cell(MET_ASKED_VAL_ID);
	int64_t paid = asker_bench_cell(MET_ANSWER_PAID);
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	asker_bench_paid(answer, 7);
	asker_bench_say(b, answer);
	asker_bench_hint(edge, "testbox", 7);
	asker_bench_run_for(b, 1);
	ask_and_wait(b, 7);
	asker_bench_expect(b, 0, 7, REASON_PAID);
	assert_string_equal(b->verdicts[0].merchant, "testbox");
	assert_true(asker_bench_requested(b, 0,
	    "GET /validator/api/validationserverAPI.php?val_id=VAL7"
	    "&store_id=testbox&store_passwd=p%26ss%20w%3Drd"
	    "&v=1&format=json HTTP/1.1\r\n"));
	assert_int_equal(asker_bench_cell(MET_ASKED_VAL_ID), by_val_id + 1);
	assert_int_equal(asker_bench_cell(MET_ANSWER_PAID), paid + 1);
	channel_free(edge);
	asker_bench_free(b);
}

/* The keeper's socket stands before the edge's. */
static void
a_hint_that_is_read_behind_its_question_is_used(void **state)
{
	struct asker_bench *b = started();
	struct channel *edge = asker_bench_edge(b);
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	asker_bench_paid(answer, 7);
	asker_bench_say(b, answer);
	asker_bench_run_for(b, 1);
	asker_bench_hint(edge, "testbox", 7);
	ask_and_wait(b, 7);
	asker_bench_expect(b, 0, 7, REASON_PAID);
	assert_true(asker_bench_requested(b, 0, ASKER_BENCH_BY_VAL "VAL7"));
	channel_free(edge);
	asker_bench_free(b);
}

static void
stop_loop(void *arg)
{
	loop_stop(arg);
}

/* Of a busy edge each hint comes in a packet of its own. */
static void
hints_that_queued_up_are_all_read_before_questions_start(void **state)
{
	struct asker_bench *b = started();
	struct channel *edge = asker_bench_edge(b);
	int64_t by_val_id = asker_bench_cell(MET_ASKED_VAL_ID);
	struct loop_turn stop = { .fn = stop_loop, .arg = b->loop };

	(void)state;
	asker_bench_run_for(b, 1);
	loop_turn_add(b->loop, &stop);
	for (uint64_t n = 1; n <= 100; n++) {
		asker_bench_hint(edge, "testbox", n);
		loop_run(b->loop); /* sends, and reads nothing */
	}
	loop_turn_remove(b->loop, &stop);
	for (uint64_t n = 97; n <= 100; n++)
		asker_bench_ask(b, "testbox", n);
	asker_bench_until_told(b, 4);
	assert_int_equal(asker_bench_cell(MET_ASKED_VAL_ID), by_val_id + 4);
	channel_free(edge);
	asker_bench_free(b);
}

static void
without_a_hint_it_is_asked_about_by_tran_id(void **state)
{
	struct asker_bench *b = started();
	int64_t by_tran_id = asker_bench_cell(MET_ASKED_TRAN_ID);
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	asker_bench_paid_list(answer, 7);
	asker_bench_say(b, answer);
	ask_and_wait(b, 7);
	asker_bench_expect(b, 0, 7, REASON_PAID);
	assert_true(asker_bench_requested(b, 0,
	    "GET /validator/api/merchantTransIDvalidationAPI.php"
	    "?tran_id=INV-7&store_id=testbox"
	    "&store_passwd=p%26ss%20w%3Drd&format=json HTTP/1.1\r\n"));
	assert_int_equal(asker_bench_cell(MET_ASKED_TRAN_ID), by_tran_id + 1);
	asker_bench_free(b);
}

static void
a_tran_id_that_is_not_the_invoice_id_is_asked_by(void **state)
{
	struct msg_ask m = { .n = 7,
		.attempt = 1,
		.receipt = asker_bench_claim("testbox", 7),
		.tran_id = "shop/17 a" };
	struct asker_bench *b = started();

	(void)state;
	assert_int_equal(channel_add(b->keeper, MSG_ASK, &m), ST_OK);
	asker_bench_until_told(b, 1);
	assert_true(
	    asker_bench_requested(b, 0, ASKER_BENCH_BY_TRAN "shop%2F17%20a&"));
	asker_bench_free(b);
}

/* Two payments of two edges; what becomes of each hint with the answer. */
static void
a_hint_is_kept_until_the_payment_is_decided(void **state)
{
	static const struct {
		const char *status, *body;
		enum reason reason;
		bool is_kept;
	} cases[] = {
		{ "500 No", "", REASON_STATUS, true },
		{ "200 OK", "<html>", REASON_NONSENSE, true },
		{ "200 OK", "{\"APIConnect\":\"DONE\",\"status\":\"PENDING\"}",
		    REASON_PENDING, true },
		{ "200 OK",
		    "{\"APIConnect\":\"DONE\","
		    "\"status\":\"INVALID_TRANSACTION\"}",
		    REASON_UNKNOWN, false },
		{ "200 OK", "{\"APIConnect\":\"INVALID_REQUEST\"}",
		    REASON_REQUEST, false },
	};
	struct asker_bench *b = started();
	struct channel *edges[2] = { asker_bench_edge(b), asker_bench_edge(b) };
	/* One each: the stub may still look at the one before. */
	char answer[ARRAY_LEN(cases)][ASKER_BENCH_ANSWER];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		asker_bench_http(answer[i], cases[i].status, "", cases[i].body);
		asker_bench_say(b, answer[i]);
		asker_bench_hint(edges[i % 2], "testbox", i + 1);
		asker_bench_run_for(b, 1);
		ask_and_wait(b, i + 1);
		asker_bench_expect(b, 2 * i, i + 1, cases[i].reason);
		assert_true(
		    asker_bench_requested(b, 2 * i, ASKER_BENCH_BY_VAL));
		ask_and_wait(b, i + 1);
		assert_int_equal(
		    asker_bench_requested(b, 2 * i + 1, ASKER_BENCH_BY_VAL),
		    cases[i].is_kept);
	}
	channel_free(edges[0]);
	channel_free(edges[1]);
	asker_bench_free(b);
}

static void
an_edge_that_talks_nonsense_only_loses_its_channel(void **state)
{
	struct asker_bench *b = started();
	struct channel *good = asker_bench_edge(b);
	struct msg_peer peer = { .party = PARTY_EDGE };
	int64_t nonsense = asker_bench_cell(MET_ROOM_NONSENSE);
	char answer[ASKER_BENCH_ANSWER], byte;
	int pair[2];

	(void)state;
	asker_bench_paid(answer, 7);
	asker_bench_say(b, answer);
	assert_int_equal(channel_pair(pair), ST_OK);
	b->room.on_message(b->room.arg, MSG_PEER, &peer, pair[0]);
	assert_int_equal(send(pair[1], "nonsense", 8, 0), 8);
	asker_bench_hint(good, "testbox", 7);
	asker_bench_run_for(b, 5);
	assert_int_equal(recv(pair[1], &byte, 1, MSG_DONTWAIT), 0);
	assert_int_equal(asker_bench_cell(MET_ROOM_NONSENSE), nonsense + 1);
	ask_and_wait(b, 7);
	assert_true(asker_bench_requested(b, 0, ASKER_BENCH_BY_VAL "VAL7"));
	channel_free(good);
	(void)close(pair[1]);
	asker_bench_free(b);
}

/* ---- what comes of it */

static void
a_disagreement_brings_what_was_answered(void **state)
{
	struct asker_bench *b = started();
	struct receipt claim = asker_bench_claim("testbox", 7);
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	asker_bench_paid_list(answer, 7);
	memcpy(strstr(answer, "currency_amount\":\"1150") + 18, "9150", 4);
	asker_bench_say(b, answer);
	ask_and_wait(b, 7);
	asker_bench_expect(b, 0, 7, REASON_AMOUNT);
	assert_int_equal(b->verdicts[0].answered.amount_minor, 915000);
	claim.amount_minor = 915000;
	assert_memory_equal(&b->verdicts[0].answered, &claim, sizeof(claim));
	asker_bench_free(b);
}

static void
every_absence_of_an_answer_has_its_reason(void **state)
{
	static const struct {
		const char *bytes;
		enum http_stub_then then;
		enum reason reason;
	} cases[] = {
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
		    HTTP_STUB_KEEP, REASON_STATUS },
		{ "HTTP/1.1 302 No\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
		    HTTP_STUB_KEEP, REASON_STATUS },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		    HTTP_STUB_KEEP, REASON_NONSENSE },
		{ "HTTP/1.1 200", HTTP_STUB_CLOSE, REASON_IO },
	};
	struct asker_bench *b = started();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_stub_answer a = { .bytes = cases[i].bytes,
			.then = cases[i].then };

		http_stub_say(b->stub, &a);
		ask_and_wait(b, i + 1);
		asker_bench_expect(b, i, i + 1, cases[i].reason);
	}
	asker_bench_free(b);
}

static void
an_endless_answer_is_nonsense(void **state)
{
	struct http_stub_answer a = {
		.bytes =
		    "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"VALID\",\"x\":\"",
		.then = HTTP_STUB_REPEAT,
		.repeat = "0123456789abcdef0123456789abcdef"
	};
	struct asker_bench *b = started();

	(void)state;
	http_stub_say(b->stub, &a);
	ask_and_wait(b, 1);
	asker_bench_expect(b, 0, 1, REASON_NONSENSE);
	asker_bench_free(b);
}

static void
nobody_there_and_silence_differ(void **state)
{
	struct asker_bench *b = asker_bench_new();
	struct http_stub_answer silent = { .bytes = "",
		.then = HTTP_STUB_HANG };

	(void)state;
	b->cfg->ask_timeout_ms = 1000;
	b->cfg->n_providers = 2;
	(void)snprintf(
	    b->cfg->providers[1].url, CONFIG_URL, "http://192.0.2.1");
	asker_bench_merchant(b, "other")->provider = 1;
	asker_bench_start(b);
	http_stub_say(b->stub, &silent);
	asker_bench_ask(b, "other", 1);
	asker_bench_until_told(b, 1);
	asker_bench_expect(b, 0, 1, REASON_CONNECT);
	ask_and_wait(b, 2);
	asker_bench_expect(b, 1, 2, REASON_TIMEOUT);
	asker_bench_free(b);
}

static void
a_question_about_nobody_is_answered(void **state)
{
	struct asker_bench *b = started();

	(void)state;
	asker_bench_ask(b, "yesterday", 1);
	asker_bench_look_up(b, "yesterday", 2);
	asker_bench_until_told(b, 2);
	asker_bench_expect(b, 0, 1, REASON_IO);
	asker_bench_expect_lookup(b, 0, 2, REASON_IO);
	assert_int_equal(http_stub_requested(b->stub), 0);
	asker_bench_free(b);
}

/* ---- lookups */

static void
a_lookup_finds_payments_of_any_merchant(void **state)
{
	struct asker_bench *b = asker_bench_new();
	struct receipt claim = asker_bench_claim("unconfirmed", 7);
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	asker_bench_merchant(b, "unconfirmed")->rules.confirm = CONFIRM_OFF;
	asker_bench_start(b);
	asker_bench_paid_list(answer, 7);
	asker_bench_say(b, answer);
	asker_bench_look_up(b, "unconfirmed", 7);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 7, REASON_PAID);
	assert_int_equal(b->n_found, 1);
	assert_int_equal(b->found[0].tag, 7);
	assert_int_equal(b->found[0].reason, REASON_PAID);
	assert_memory_equal(
	    &b->found[0].receipt.id, &claim.id, sizeof(claim.id));
	assert_int_equal(b->found[0].receipt.amount_minor, 115000);
	assert_true(b->found[0].receipt.received_at_us > claim.received_at_us);
	assert_true(asker_bench_requested(
	    b, 0, ASKER_BENCH_BY_TRAN "INV-7&store_id=unconfirmed"));
	asker_bench_free(b);
}

static void
a_lookup_that_finds_nothing_says_why(void **state)
{
	struct asker_bench *b = started();
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	asker_bench_http(answer, "200 OK", "",
	    "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":0,"
	    "\"element\":[]}");
	asker_bench_say(b, answer);
	asker_bench_look_up(b, "testbox", 7);
	asker_bench_until_told(b, 1);
	asker_bench_expect_lookup(b, 0, 7, REASON_UNKNOWN);
	assert_int_equal(b->n_found, 0);
	asker_bench_free(b);
}

/* ---- ends */

static void
more_than_the_window_ends_the_asker(void **state)
{
	struct asker_bench *b = started();

	(void)state;
	http_stub_hold(b->stub, true);
	for (uint64_t n = 1; n <= 5; n++)
		asker_bench_ask(b, "testbox", n);
	asker_bench_until_over(b, 1);
	asker_bench_free(b);
}

static void
without_a_keeper_the_room_ends(void **state)
{
	struct asker_bench *b = started();

	(void)state;
	http_stub_hold(b->stub, true);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_until_requested(b, 1);
	channel_free(b->keeper);
	b->keeper = NULL;
	asker_bench_until_over(b, 1);
	asker_bench_free(b);
}

static void
an_idle_asker_drains_at_once(void **state)
{
	struct asker_bench *b = started();

	(void)state;
	b->room.on_drain(b->room.arg);
	asker_bench_until_over(b, 0);
	asker_bench_free(b);
}

/* Read what is on its way to the keeper after the asker has gone. */
static void
let_keeper_read(struct asker_bench *b)
{
	asker_free(b->asker);
	b->asker = NULL;
	for (int i = 0; i < 100 && !b->keeper_ended; i++)
		assert_true(event_base_loop(loop_base(b->loop),
				EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
	assert_true(b->keeper_ended);
}

static void
a_drain_finishes_what_is_under_way_and_starts_nothing(void **state)
{
	struct asker_bench *b = asker_bench_new();
	char answer[ASKER_BENCH_ANSWER];

	(void)state;
	b->cfg->asks_in_flight = 2;
	(void)asker_bench_merchant(b, "other");
	asker_bench_start(b);
	asker_bench_paid_list(answer, 1);
	asker_bench_say(b, answer);
	http_stub_hold(b->stub, true);
	asker_bench_ask(b, "testbox", 1);
	asker_bench_ask(b, "testbox", 2);
	asker_bench_until_requested(b, 2);
	asker_bench_ask(b, "other", 3);
	asker_bench_look_up(b, "testbox", 4);
	asker_bench_run_for(b, 5);
	b->room.on_drain(b->room.arg);
	asker_bench_ask(b, "other", 5);
	asker_bench_look_up(b, "testbox", 6);
	asker_bench_until_told(b, 2);
	asker_bench_expect_lookup(b, 0, 4, REASON_LIMITED);
	asker_bench_expect_lookup(b, 1, 6, REASON_LIMITED);
	http_stub_hold(b->stub, false);
	asker_bench_until_over(b, 0);
	let_keeper_read(b);
	assert_int_equal(b->n_verdicts, 2);
	assert_int_equal(b->verdicts[0].n + b->verdicts[1].n, 3);
	assert_int_equal(http_stub_requested(b->stub), 2);
	asker_bench_free(b);
}

static void
questions_in_hand_are_dropped_by_free(void **state)
{
	struct asker_bench *b = asker_bench_new();
	struct channel *edge;

	(void)state;
	b->cfg->asks_in_flight = 2;
	(void)asker_bench_merchant(b, "other");
	asker_bench_start(b);
	edge = asker_bench_edge(b);
	http_stub_hold(b->stub, true);
	for (uint64_t n = 1; n <= 2; n++) {
		asker_bench_ask(b, "testbox", n);
		asker_bench_ask(b, "other", n);
		asker_bench_look_up(b, "other", n);
	}
	asker_bench_until_requested(b, 2);
	let_keeper_read(b);
	assert_int_equal(b->n_verdicts + b->n_looked_up, 0);
	channel_free(edge);
	asker_bench_free(b);
}

static void
a_url_that_is_none_stops_the_start(void **state)
{
	struct asker_bench *b = asker_bench_new();
	struct asker *a;
	struct err e;

	(void)state;
	(void)snprintf(b->cfg->providers[0].url, CONFIG_URL, "ftp://x");
	b->room = (struct room){ .loop = b->loop, .keeper = -1 };
	assert_int_equal(asker_start(&a, &b->room, b->cfg, &e), ST_CONFIG);
	assert_null(a);
	assert_null(strstr(e.text, "p&ss"));
	asker_bench_free(b);
}

/* ---- what is told */

static void
the_log_holds_neither_password_nor_payment(void **state)
{
	static const char *const never[] = { "p&ss", "p%26ss", "store_passwd",
		"VAL", "INV-", "1150", "BDT", "http:", "MADEUP" };
	int log = memfd_create("log", MFD_CLOEXEC);
	int kept = dup(STDERR_FILENO);
	struct asker_bench *b = started();
	char answer[ASKER_BENCH_ANSWER], text[8192] = "";
	struct channel *edge;

	(void)state;
	assert_true(log >= 0 && kept >= 0);
	assert_true(dup2(log, STDERR_FILENO) >= 0);
	edge = asker_bench_edge(b);
	asker_bench_hint(edge, "testbox", 1);
	asker_bench_run_for(b, 1);
	asker_bench_http(answer, "500 INV-1 1150 BDT", "X: p&ss\r\n", "MADEUP");
	asker_bench_say(b, answer);
	for (uint64_t n = 1; n <= 5; n++)
		ask_and_wait(b, n);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "\"event\":\"provider_away\""));
	assert_non_null(strstr(text, "\"provider\":0"));
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		assert_null(strstr(text, never[i]));
	(void)close(kept);
	(void)close(log);
	channel_free(edge);
	asker_bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_told_for_every_merchant),
		cmocka_unit_test(a_hinted_payment_is_asked_about_by_val_id),
		cmocka_unit_test(
		    a_hint_that_is_read_behind_its_question_is_used),
		cmocka_unit_test(
		    hints_that_queued_up_are_all_read_before_questions_start),
		cmocka_unit_test(without_a_hint_it_is_asked_about_by_tran_id),
		cmocka_unit_test(
		    a_tran_id_that_is_not_the_invoice_id_is_asked_by),
		cmocka_unit_test(a_hint_is_kept_until_the_payment_is_decided),
		cmocka_unit_test(
		    an_edge_that_talks_nonsense_only_loses_its_channel),
		cmocka_unit_test(a_disagreement_brings_what_was_answered),
		cmocka_unit_test(every_absence_of_an_answer_has_its_reason),
		cmocka_unit_test(an_endless_answer_is_nonsense),
		cmocka_unit_test(nobody_there_and_silence_differ),
		cmocka_unit_test(a_question_about_nobody_is_answered),
		cmocka_unit_test(a_lookup_finds_payments_of_any_merchant),
		cmocka_unit_test(a_lookup_that_finds_nothing_says_why),
		cmocka_unit_test(more_than_the_window_ends_the_asker),
		cmocka_unit_test(without_a_keeper_the_room_ends),
		cmocka_unit_test(an_idle_asker_drains_at_once),
		cmocka_unit_test(
		    a_drain_finishes_what_is_under_way_and_starts_nothing),
		cmocka_unit_test(questions_in_hand_are_dropped_by_free),
		cmocka_unit_test(a_url_that_is_none_stops_the_start),
		cmocka_unit_test(the_log_holds_neither_password_nor_payment),
	};

	return cmocka_run_group_tests(tests, asker_bench_metrics, NULL);
}
