#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "desk/asks.h"
#include "message/channel.h"

static struct loop *loop;
static struct asks *asks;
static int keeper; /* the other end */
static bool ended;
static struct event *guard;

static struct ask ask;
static unsigned answers;
static struct asks_answer last;

static void
on_done(void *arg, const struct asks_answer *a)
{
	assert_ptr_equal(arg, &ask);
	answers++;
	last = *a;
}

static void
on_end(void *arg)
{
	assert_ptr_equal(arg, &asks);
	ended = true;
}

static char news_of[RECEIPT_MERCHANT];
static unsigned char revoked[32];
static unsigned n_news, n_revoked;

static void
on_news(void *arg, const char *merchant)
{
	assert_ptr_equal(arg, &asks);
	n_news++;
	memcpy(news_of, merchant, sizeof(news_of));
}

static void
on_revoked(void *arg, const unsigned char sha256[32])
{
	assert_ptr_equal(arg, &asks);
	n_revoked++;
	memcpy(revoked, sha256, sizeof(revoked));
}

/* Bounds every wait. */
static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(arg);
}

/* The loop runs for a moment, with the work of its turns; five times, for a
 * slow machine has one turn in a moment. */
static void
turn(void)
{
	const struct timeval moment = { .tv_usec = 2000 };

	for (int i = 0; i < 5; i++) {
		(void)event_add(guard, &moment);
		loop_run(loop);
	}
}

static int
set_up(void **state)
{
	const struct asks_hooks hooks = { .on_end = on_end,
		.on_news = on_news,
		.on_revoked = on_revoked,
		.arg = &asks };
	int pair[2];

	(void)state;
	assert_int_equal(channel_pair(pair), ST_OK);
	keeper = pair[1];
	assert_int_equal(loop_new(&loop, NULL), ST_OK);
	guard = event_new(loop_base(loop), -1, 0, on_guard, loop);
	assert_int_equal(asks_new(&asks, loop, pair[0], &hooks, NULL), ST_OK);
	asks_prepare(&ask, on_done, &ask);
	ended = false;
	answers = n_news = n_revoked = 0;
	memset(&last, 0, sizeof(last));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	asks_drop(asks, &ask);
	asks_free(asks);
	event_free(guard);
	loop_free(loop);
	(void)close(keeper);
	return 0;
}

/* ---- the keeper's side */

/* The record of the next packet, which has to be of this type. */
static void
expect(enum message type, void *record)
{
	union {
		uint64_t align;
		unsigned char bytes[4096];
	} packet;
	struct msg_header h;
	ssize_t n;

	turn();
	n = recv(keeper, packet.bytes, sizeof(packet), 0);
	assert_true(n > 0);
	assert_true(
	    message_check(PARTY_DESK, PARTY_KEEPER, packet.bytes, (size_t)n));
	memcpy(&h, packet.bytes, sizeof(h));
	assert_int_equal(h.type, type);
	assert_int_equal(h.count, 1);
	memcpy(record, packet.bytes + sizeof(h), message_size(type));
}

static void
say(enum message type, const void *records, uint32_t count)
{
	unsigned char packet[4096];
	struct msg_header h = { .type = type, .count = count };
	size_t len = count * message_size(type);

	assert_true(sizeof(h) + len <= sizeof(packet));
	memcpy(packet, &h, sizeof(h));
	memcpy(packet + sizeof(h), records, len);
	assert_int_equal(
	    send(keeper, packet, sizeof(h) + len, 0), sizeof(h) + len);
}

static struct msg_row
row(uint64_t tag, uint64_t seq, const char *merchant, const char *invoice)
{
	struct msg_row m = { .tag = tag,
		.seq = seq,
		.receipt = { .amount_minor = 115000,
		    .paid_at_us = INT64_C(1764657045000000),
		    .received_at_us = INT64_C(1764657047123456),
		    .currency = "BDT" } };

	assert_true(receipt_text(m.receipt.merchant, sizeof(m.receipt.merchant),
	    bytes_of(merchant)));
	assert_true(receipt_text(m.receipt.invoice_id,
	    sizeof(m.receipt.invoice_id), bytes_of(invoice)));
	return m;
}

static struct msg_page
question(uint32_t limit)
{
	return (struct msg_page){ .merchant = "shop", .limit = limit };
}

static uint64_t
ask_page(uint32_t limit)
{
	struct msg_page m = question(limit);

	assert_int_equal(asks_put(asks, &ask, MSG_PAGE, &m), ST_OK);
	expect(MSG_PAGE, &m);
	return m.tag;
}

/* ---- */

static void
rows_are_gathered_with_commas(void **state)
{
	uint64_t tag = ask_page(10);
	struct msg_row rows[3] = { row(tag, 1, "shop", "a"),
		row(tag, 2, "shop", "b"), row(tag, 5, "shop", "c") };
	struct msg_page_end end = {
		.tag = tag, .epoch = 7, .last_seq = 5, .more = 1
	};

	(void)state;
	say(MSG_ROW, rows, 2);
	say(MSG_ROW, rows + 2, 1);
	turn();
	assert_int_equal(answers, 0);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_OK);
	assert_true(last.end.epoch == 7 && last.end.last_seq == 5);
	assert_int_equal(ask.rows, 3);
	assert_memory_equal(ask.json.data, "{\"id\":", 6);
	assert_non_null(strstr((char *)ask.json.data, "},{\"id\":"));
	assert_non_null(strstr((char *)ask.json.data, "\"invoice_id\":\"c\""));
	assert_int_equal(ask.json.data[ask.json.len - 1], '}');
}

static void
another_merchants_row_never_gets_out(void **state)
{
	uint64_t tag = ask_page(10);
	struct msg_row rows[2] = { row(tag, 1, "shop", "a"),
		row(tag, 2, "shop2", "b") };
	struct msg_page_end end = { .tag = tag, .last_seq = 2 };

	(void)state;
	say(MSG_ROW, rows, 2);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_INTERNAL);
	assert_null(strstr((char *)ask.json.data, "\"b\""));
}

static void
more_rows_than_asked_for_are_a_fault(void **state)
{
	uint64_t tag = ask_page(1);
	struct msg_row rows[2] = { row(tag, 1, "shop", "a"),
		row(tag, 2, "shop", "b") };

	(void)state;
	say(MSG_ROW, rows, 2);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_INTERNAL);
}

static void
an_answer_of_another_kind_is_a_fault(void **state)
{
	struct msg_health health = { .tag = ask_page(1) };

	(void)state;
	say(MSG_HEALTH, &health, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_INTERNAL);
}

/* ---- held payments, decisions, checks */

static struct msg_hold
hold(uint64_t tag, uint64_t n, const char *merchant, const char *invoice)
{
	return (struct msg_hold){ .tag = tag,
		.n = n,
		.held_at_us = UINT64_C(1764657049020304),
		.reason = REASON_RISK,
		.claimed = row(tag, n, merchant, invoice).receipt };
}

static uint64_t
ask_holds(uint32_t limit)
{
	struct msg_holds m = { .merchant = "shop", .limit = limit };

	assert_int_equal(asks_put(asks, &ask, MSG_HOLDS, &m), ST_OK);
	expect(MSG_HOLDS, &m);
	return m.tag;
}

static void
held_payments_are_gathered_like_rows(void **state)
{
	uint64_t tag = ask_holds(10);
	struct msg_hold holds[2] = { hold(tag, 3, "shop", "a"),
		hold(tag, 4, "shop", "b") };
	struct msg_page_end end = { .tag = tag, .epoch = 7, .last_seq = 4 };

	(void)state;
	holds[1].is_answered = 1;
	holds[1].answered = holds[1].claimed;
	say(MSG_HOLD, holds, 2);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_OK);
	assert_int_equal(ask.rows, 2);
	assert_non_null(
	    strstr((char *)ask.json.data, "\"answered\":null},{\"id\":"));
	assert_non_null(strstr((char *)ask.json.data, "\"reason\":\"risk\""));
}

static void
another_merchants_held_payment_never_gets_out(void **state)
{
	uint64_t tag = ask_holds(10);
	struct msg_hold wrong = hold(tag, 1, "shop2", "b");

	(void)state;
	say(MSG_HOLD, &wrong, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_INTERNAL);
	assert_int_equal(ask.json.len, 0);
}

static void
more_held_payments_than_asked_for_are_a_fault(void **state)
{
	uint64_t tag = ask_holds(1);
	struct msg_hold holds[2] = { hold(tag, 1, "shop", "a"),
		hold(tag, 2, "shop", "b") };

	(void)state;
	say(MSG_HOLD, holds, 2);
	turn();
	assert_int_equal(last.st, ST_INTERNAL);
}

static void
receipts_are_no_answer_to_held_payments(void **state)
{
	struct msg_row wrong = row(ask_holds(10), 1, "shop", "a");
	struct msg_hold other;

	(void)state;
	say(MSG_ROW, &wrong, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_INTERNAL);
	other = hold(ask_page(10), 1, "shop", "a");
	say(MSG_HOLD, &other, 1);
	turn();
	assert_int_equal(answers, 2);
	assert_int_equal(last.st, ST_INTERNAL);
}

static void
a_decision_is_answered_with_the_keepers_word(void **state)
{
	struct msg_decide m = { .merchant = "shop", .by = "token" };
	struct msg_done done = { .status = ST_NOT_FOUND };

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_DECIDE, &m), ST_OK);
	expect(MSG_DECIDE, &m);
	done.tag = m.tag;
	say(MSG_DONE, &done, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_NOT_FOUND);
	assert_false(last.silent);
}

static void
a_check_may_take_longer_than_the_keeper_does(void **state)
{
	struct msg_check m = { .merchant = "shop", .invoice_id = "a" };
	struct msg_done done = { .status = ST_EXISTS, .state = LIFE_HELD };
	int64_t now = clock_mono_us();

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_CHECK, &m), ST_OK);
	expect(MSG_CHECK, &m);
	assert_true(ask.deadline_us - now > INT64_C(60000000));
	done.tag = m.tag;
	say(MSG_DONE, &done, 1);
	turn();
	assert_int_equal(last.st, ST_EXISTS);
	assert_int_equal(last.done.state, LIFE_HELD);
	/* What comes next is as short as ever. */
	(void)ask_page(1);
	assert_true(ask.deadline_us - now < INT64_C(60000000));
}

static void
an_end_of_rows_is_no_answer_to_a_check(void **state)
{
	struct msg_check m = { .merchant = "shop", .invoice_id = "a" };
	struct msg_page_end end = { .status = ST_OK };

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_CHECK, &m), ST_OK);
	expect(MSG_CHECK, &m);
	end.tag = m.tag;
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(last.st, ST_INTERNAL);
}

/* ---- deliveries, cursors, tokens */

static struct msg_delivery_row
delivery(uint64_t tag, uint64_t position, const char *merchant)
{
	return (struct msg_delivery_row){ .tag = tag,
		.position = position,
		.at_us = UINT64_C(1764657049020304),
		.state = DELIVERY_EXHAUSTED,
		.attempts = 7,
		.outcome = OUTCOME_STATUS,
		.http_status = 503,
		.endpoint = "main",
		.receipt = row(tag, 1, merchant, "a").receipt };
}

static uint64_t
ask_deliveries(uint32_t limit)
{
	struct msg_deliveries m = { .which.merchant = "shop",
		.which.state = DELIVERY_STATES,
		.limit = limit };

	assert_int_equal(asks_put(asks, &ask, MSG_DELIVERIES, &m), ST_OK);
	expect(MSG_DELIVERIES, &m);
	return m.tag;
}

static void
deliveries_are_gathered_as_json(void **state)
{
	uint64_t tag = ask_deliveries(10);
	struct msg_delivery_row rows[2] = { delivery(tag, 1 << 16, "shop"),
		delivery(tag, 2 << 16, "shop") };
	struct msg_page_end end = { .tag = tag, .last_seq = 2 << 16 };

	(void)state;
	rows[1].state = DELIVERY_PENDING;
	rows[1].attempts = 0;
	rows[1].outcome = OUTCOMES;
	rows[1].http_status = 0;
	say(MSG_DELIVERY_ROW, rows, 2);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(last.st, ST_OK);
	assert_int_equal(ask.rows, 2);
	assert_string_equal((char *)ask.json.data,
	    "{\"id\":\"dlv_aaaaaaaaaaaaaaaaaaaaaaaaaa_main\","
	    "\"receipt_id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\","
	    "\"invoice_id\":\"a\",\"billing\":\"main\","
	    "\"state\":\"exhausted\",\"attempts\":7,"
	    "\"outcome\":\"status\",\"http_status\":503,"
	    "\"settled_at\":\"2025-12-02T06:30:49.020304Z\","
	    "\"next_at\":null},"
	    "{\"id\":\"dlv_aaaaaaaaaaaaaaaaaaaaaaaaaa_main\","
	    "\"receipt_id\":\"rcpt_aaaaaaaaaaaaaaaaaaaaaaaaaa\","
	    "\"invoice_id\":\"a\",\"billing\":\"main\","
	    "\"state\":\"pending\",\"attempts\":0,"
	    "\"outcome\":null,\"http_status\":null,"
	    "\"next_at\":\"2025-12-02T06:30:49.020304Z\","
	    "\"settled_at\":null}");
}

static void
another_merchants_delivery_never_gets_out(void **state)
{
	uint64_t tag = ask_deliveries(10);
	struct msg_delivery_row wrong = delivery(tag, 1 << 16, "shop2");

	(void)state;
	say(MSG_DELIVERY_ROW, &wrong, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_INTERNAL);
	assert_int_equal(ask.json.len, 0);
}

static void
more_deliveries_than_asked_for_are_a_fault(void **state)
{
	uint64_t tag = ask_deliveries(1);
	struct msg_delivery_row rows[2] = { delivery(tag, 1 << 16, "shop"),
		delivery(tag, 2 << 16, "shop") };

	(void)state;
	say(MSG_DELIVERY_ROW, rows, 2);
	turn();
	assert_int_equal(last.st, ST_INTERNAL);
}

static void
a_deliverys_log_has_as_many_entries_as_there_may_be(void **state)
{
	static struct msg_attempt log[MESSAGE_ATTEMPTS + 1];
	struct msg_attempts m = { .merchant = "shop", .endpoint = "main" };
	struct msg_page_end end = { .status = ST_OK };

	(void)state;
	for (int once = 0; once < 2; once++) {
		uint32_t n = MESSAGE_ATTEMPTS + (uint32_t)once;

		assert_int_equal(asks_put(asks, &ask, MSG_ATTEMPTS, &m), ST_OK);
		expect(MSG_ATTEMPTS, &m);
		for (uint32_t i = 0; i < n; i++)
			log[i] = (struct msg_attempt){ .tag = m.tag,
				.number = i + 1,
				.outcome = OUTCOME_DNS };
		say(MSG_ATTEMPT, log, n / 2);
		say(MSG_ATTEMPT, log + n / 2, n - n / 2);
		end.tag = m.tag;
		say(MSG_PAGE_END, &end, 1);
		turn();
		assert_int_equal(last.st, once == 0 ? ST_OK : ST_INTERNAL);
		if (once == 0)
			assert_non_null(strstr((char *)ask.json.data,
			    "},{\"number\":100,\"at\":"));
		buf_reset(&ask.json);
	}
}

static void
what_was_retried_comes_back_as_the_keeper_counts(void **state)
{
	struct msg_redeliver m = {
		.which.merchant = "shop", .limit = 10, .by = "token"
	};
	struct msg_redelivered r = {
		.epoch = 7, .last = 9, .matched = 4, .changed = 3, .more = 1
	};

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_REDELIVER, &m), ST_OK);
	expect(MSG_REDELIVER, &m);
	r.tag = m.tag;
	say(MSG_REDELIVERED, &r, 1);
	turn();
	assert_int_equal(last.st, ST_OK);
	assert_memory_equal(&last.redelivered, &r, sizeof(r));
	assert_int_equal(asks_put(asks, &ask, MSG_REDELIVER, &m), ST_OK);
	expect(MSG_REDELIVER, &m);
	r.tag = m.tag;
	r.status = ST_IO;
	say(MSG_REDELIVERED, &r, 1);
	turn();
	assert_int_equal(last.st, ST_IO);
}

static void
a_kept_cursor_comes_back_with_its_place(void **state)
{
	struct msg_mark m = { .merchant = "shop",
		.name = "ledger",
		.seq = 5,
		.action = MARK_SET };
	struct msg_marked marked = {
		.epoch = 7, .seq = 9, .at_us = 1, .status = ST_EXISTS
	};

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_MARK, &m), ST_OK);
	expect(MSG_MARK, &m);
	marked.tag = m.tag;
	say(MSG_MARKED, &marked, 1);
	turn();
	assert_int_equal(last.st, ST_EXISTS);
	assert_memory_equal(&last.marked, &marked, sizeof(marked));
}

static unsigned n_taken;
static struct msg_token taken[2];

static void
on_row(void *arg, enum message type, const void *record)
{
	assert_ptr_equal(arg, &ask);
	assert_int_equal(type, MSG_TOKEN);
	assert_true(n_taken < ARRAY_LEN(taken));
	taken[n_taken++] = *(const struct msg_token *)record;
}

static void
who_takes_rows_gets_records_and_no_json(void **state)
{
	struct msg_tokens m = { .tag = 0 };
	struct msg_token rows[2] = { { .sha256 = { 1 }, .day = 3 },
		{ .sha256 = { 2 }, .revoked_at_us = 4 } };
	struct msg_page_end end = { .status = ST_OK };

	(void)state;
	n_taken = 0;
	ask.on_row = on_row;
	assert_int_equal(asks_put(asks, &ask, MSG_TOKENS, &m), ST_OK);
	expect(MSG_TOKENS, &m);
	rows[0].tag = rows[1].tag = end.tag = m.tag;
	say(MSG_TOKEN, rows, 2);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(last.st, ST_OK);
	assert_int_equal(n_taken, 2);
	assert_memory_equal(taken, rows, sizeof(rows));
	assert_true(ask.rows == 2 && ask.json.len == 0);
}

static void
who_takes_rows_gets_none_of_another_merchant(void **state)
{
	struct msg_row wrong;

	(void)state;
	n_taken = 0;
	ask.on_row = on_row;
	wrong = row(ask_page(10), 1, "shop2", "b");
	say(MSG_ROW, &wrong, 1);
	turn();
	assert_int_equal(last.st, ST_INTERNAL);
	assert_int_equal(n_taken, 0);
}

/* ---- what the keeper says unasked */

static void
news_are_told_and_answer_nothing(void **state)
{
	struct msg_news m = { .merchant = "shop2" };
	uint64_t tag = ask_page(1);
	struct msg_page_end end = { .tag = tag };

	(void)state;
	say(MSG_NEWS, &m, 1);
	turn();
	assert_int_equal(n_news, 1);
	assert_string_equal(news_of, "shop2");
	assert_int_equal(answers, 0);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 1);
}

/* Its first bytes may well be a tag that somebody waits with. */
static void
a_revoked_token_is_told_and_answers_nothing(void **state)
{
	struct msg_revoked m = { .sha256 = { 0 } };
	uint64_t tag = ask_page(1);

	(void)state;
	memcpy(m.sha256, &tag, sizeof(tag));
	say(MSG_REVOKED, &m, 1);
	turn();
	assert_int_equal(n_revoked, 1);
	assert_memory_equal(revoked, m.sha256, sizeof(revoked));
	assert_int_equal(answers, 0);
	assert_false(ended);
}

static void
the_use_of_a_token_is_said(void **state)
{
	const struct msg_token_used m = { .sha256 = { 9 }, .day = 20000 };
	struct msg_token_used said;

	(void)state;
	asks_token_used(asks, &m);
	expect(MSG_TOKEN_USED, &said);
	assert_memory_equal(&said, &m, sizeof(m));
}

/* ---- */

static void
an_answer_that_nobody_waits_for_is_dropped(void **state)
{
	uint64_t tag = ask_page(1);
	struct msg_page_end wrong = { .tag = tag + ASKS_MOST },
			    other = { .tag = tag + 1 }, end = { .tag = tag };

	(void)state;
	say(MSG_PAGE_END, &wrong, 1);
	say(MSG_PAGE_END, &other, 1);
	turn();
	assert_int_equal(answers, 0);
	say(MSG_PAGE_END, &end, 1);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 1);
	assert_false(ended);
}

static void
a_dropped_question_is_never_answered(void **state)
{
	struct msg_page_end end = { .tag = ask_page(1) };

	(void)state;
	asks_drop(asks, &ask);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 0);
}

static void
a_question_can_be_asked_again(void **state)
{
	struct msg_page_end end = { .tag = ask_page(1) };
	uint64_t first = end.tag;

	(void)state;
	say(MSG_PAGE_END, &end, 1);
	turn();
	end.tag = ask_page(1);
	assert_true(end.tag != first);
	say(MSG_PAGE_END, &end, 1);
	turn();
	assert_int_equal(answers, 2);
}

static void
a_silent_keeper_is_an_answer(void **state)
{
	struct msg_probe probe = { .tag = 0 };

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_PROBE, &probe), ST_OK);
	expect(MSG_PROBE, &probe);
	for (int i = 0; i < 1000 && answers == 0; i++)
		turn();
	assert_int_equal(answers, 1);
	assert_int_equal(last.st, ST_UNAVAILABLE);
	assert_true(last.silent);
}

static void
the_keepers_own_word_is_passed_on(void **state)
{
	struct msg_health health = { .receipts = 3, .status = ST_BUSY };
	struct msg_probe probe = { .tag = 0 };

	(void)state;
	assert_int_equal(asks_put(asks, &ask, MSG_PROBE, &probe), ST_OK);
	expect(MSG_PROBE, &probe);
	health.tag = probe.tag;
	say(MSG_HEALTH, &health, 1);
	turn();
	assert_int_equal(last.st, ST_BUSY);
	assert_false(last.silent);
	assert_true(last.health.receipts == 3);
}

static void
too_many_questions_are_refused(void **state)
{
	static struct ask many[ASKS_MOST];
	struct msg_page m;

	(void)state;
	for (size_t i = 0; i < ASKS_MOST; i++) {
		m = question(1);
		asks_prepare(&many[i], on_done, &ask);
		assert_int_equal(asks_put(asks, &many[i], MSG_PAGE, &m), ST_OK);
	}
	m = question(1);
	assert_int_equal(asks_put(asks, &ask, MSG_PAGE, &m), ST_BUSY);
	turn();
	assert_int_equal(answers, 0);
	asks_drop(asks, &many[77]);
	assert_int_equal(asks_put(asks, &ask, MSG_PAGE, &m), ST_OK);
	for (size_t i = 0; i < ASKS_MOST; i++)
		asks_drop(asks, &many[i]);
}

static void
without_a_keeper_nothing_can_be_asked(void **state)
{
	struct msg_page m = question(1);
	struct msg_check check = { .merchant = "shop", .invoice_id = "a" };

	(void)state;
	assert_int_equal(shutdown(keeper, SHUT_RDWR), 0);
	turn();
	assert_true(ended);
	assert_int_equal(asks_put(asks, &ask, MSG_PAGE, &m), ST_UNAVAILABLE);
	assert_int_equal(
	    asks_put(asks, &ask, MSG_CHECK, &check), ST_UNAVAILABLE);
	turn();
	assert_int_equal(answers, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rows_are_gathered_with_commas),
		CASE(another_merchants_row_never_gets_out),
		CASE(more_rows_than_asked_for_are_a_fault),
		CASE(an_answer_of_another_kind_is_a_fault),
		CASE(held_payments_are_gathered_like_rows),
		CASE(another_merchants_held_payment_never_gets_out),
		CASE(more_held_payments_than_asked_for_are_a_fault),
		CASE(receipts_are_no_answer_to_held_payments),
		CASE(a_decision_is_answered_with_the_keepers_word),
		CASE(a_check_may_take_longer_than_the_keeper_does),
		CASE(an_end_of_rows_is_no_answer_to_a_check),
		CASE(deliveries_are_gathered_as_json),
		CASE(another_merchants_delivery_never_gets_out),
		CASE(more_deliveries_than_asked_for_are_a_fault),
		CASE(a_deliverys_log_has_as_many_entries_as_there_may_be),
		CASE(what_was_retried_comes_back_as_the_keeper_counts),
		CASE(a_kept_cursor_comes_back_with_its_place),
		CASE(who_takes_rows_gets_records_and_no_json),
		CASE(who_takes_rows_gets_none_of_another_merchant),
		CASE(news_are_told_and_answer_nothing),
		CASE(a_revoked_token_is_told_and_answers_nothing),
		CASE(the_use_of_a_token_is_said),
		CASE(an_answer_that_nobody_waits_for_is_dropped),
		CASE(a_dropped_question_is_never_answered),
		CASE(a_question_can_be_asked_again),
		CASE(a_silent_keeper_is_an_answer),
		CASE(the_keepers_own_word_is_passed_on),
		CASE(too_many_questions_are_refused),
		CASE(without_a_keeper_nothing_can_be_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
