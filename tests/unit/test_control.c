/* A command's end of the control socket; a thread plays the keeper. */
#include <pthread.h>
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

#include "command/control.h"
#include "driver_cases.h"
#include "message/message.h"

#define PACKETS 3

static char path[256];
static int listener;
static pthread_t thread;
static struct control *control;

/* What the keeper is asked, and what it says to that. */
static union {
	uint64_t align;
	unsigned char bytes[4096];
} asked;
static struct {
	unsigned char bytes[2048];
	size_t len;
} script[PACKETS];
static size_t n_script;

static void
put_tag(unsigned char *packet)
{
	struct msg_header h;

	memcpy(&h, packet, sizeof(h));
	for (uint32_t i = 0; i < h.count; i++)
		memcpy(packet + sizeof(h) + i * message_size(h.type),
		    asked.bytes + sizeof(h), sizeof(uint64_t));
}

/* Asserts of another thread would not be heard: the answers tell. */
static void *
play_keeper(void *arg)
{
	int fd = accept(listener, NULL, NULL);
	ssize_t n = recv(fd, asked.bytes, sizeof(asked), 0);

	(void)arg;
	if (n > 0 && message_check(
			 PARTY_COMMAND, PARTY_KEEPER, asked.bytes, (size_t)n)) {
		for (size_t i = 0; i < n_script; i++) {
			put_tag(script[i].bytes);
			(void)send(
			    fd, script[i].bytes, script[i].len, MSG_NOSIGNAL);
		}
	}
	(void)close(fd);
	return NULL;
}

/* Add a packet of one record to what the keeper says. */
static void
will_say(enum message type, const void *record)
{
	const struct msg_header h = { .type = type, .count = 1 };

	assert_true(n_script < PACKETS);
	memcpy(script[n_script].bytes, &h, sizeof(h));
	memcpy(script[n_script].bytes + sizeof(h), record, message_size(type));
	script[n_script++].len = sizeof(h) + message_size(type);
}

static int
set_up(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)state;
	driver_cases_folder(path, sizeof(path));
	assert_true(strlen(path) < sizeof(sun.sun_path));
	memcpy(sun.sun_path, path, strlen(path));
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 1), 0);
	n_script = 0;
	memset(&asked, 0, sizeof(asked));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)close(listener);
	driver_cases_remove(path);
	return 0;
}

static void
begin(void)
{
	struct err e = { "" };

	assert_int_equal(pthread_create(&thread, NULL, play_keeper, NULL), 0);
	assert_int_equal(control_open(&control, path, &e), ST_OK);
}

static void
end(void)
{
	control_close(control);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* The record that the keeper was asked with. */
static const void *
question(enum message type)
{
	struct msg_header h;

	memcpy(&h, asked.bytes, sizeof(h));
	assert_int_equal(h.type, type);
	return asked.bytes + sizeof(h);
}

static struct msg_hold
hold(uint64_t n)
{
	return (struct msg_hold){ .n = n,
		.held_at_us = UINT64_C(1764657049020304),
		.reason = REASON_RISK,
		.claimed = driver_cases_receipt((uint32_t)n, "shop") };
}

struct seen {
	size_t n;
	struct store_life last;
};

static void
on_held(void *arg, const struct store_life *held)
{
	struct seen *seen = arg;

	seen->n++;
	seen->last = *held;
}

/* ---- held payments */

static void
held_payments_come_as_the_store_has_them(void **state)
{
	const struct store_query q = {
		.after_seq = 4, .merchant = "shop", .limit = 10
	};
	struct msg_hold one = hold(5), two = hold(9);
	struct msg_page_end last = { .last_seq = 9, .more = 1 };
	const struct msg_holds *m;
	struct seen seen = { 0 };
	bool more = false;

	(void)state;
	two.is_answered = 1;
	two.answered = two.claimed;
	will_say(MSG_HOLD, &one);
	will_say(MSG_HOLD, &two);
	will_say(MSG_PAGE_END, &last);
	begin();
	assert_int_equal(
	    control_holds(control, &q, on_held, &seen, &more), ST_OK);
	end();
	m = question(MSG_HOLDS);
	assert_true(m->after == 4 && m->limit == 10);
	assert_string_equal(m->merchant, "shop");
	assert_true(more);
	assert_int_equal(seen.n, 2);
	assert_true(seen.last.n == 9 && seen.last.is_answered);
	assert_int_equal(seen.last.life, LIFE_HELD);
	assert_int_equal(seen.last.reason, REASON_RISK);
	assert_memory_equal(
	    &seen.last.claimed, &two.claimed, sizeof(two.claimed));
}

static void
rows_out_of_order_are_not_believed(void **state)
{
	const struct store_query q = { .limit = 10 };
	struct msg_hold one = hold(5);
	struct seen seen = { 0 };
	bool more;

	(void)state;
	will_say(MSG_HOLD, &one);
	will_say(MSG_HOLD, &one);
	begin();
	assert_int_equal(
	    control_holds(control, &q, on_held, &seen, &more), ST_CORRUPT);
	end();
}

static void
rows_of_another_kind_are_not_believed(void **state)
{
	const struct store_query q = { .limit = 10 };
	struct msg_row row = { .seq = 1,
		.receipt = driver_cases_receipt(1, "shop") };
	struct seen seen = { 0 };
	bool more;

	(void)state;
	will_say(MSG_ROW, &row);
	begin();
	assert_int_equal(
	    control_holds(control, &q, on_held, &seen, &more), ST_CORRUPT);
	end();
	assert_int_equal(seen.n, 0);
}

static void
one_that_is_not_held_is_not_found(void **state)
{
	static const enum status words[] = { ST_OK, ST_NOT_FOUND };
	struct receipt_id id = { .b = { 1 } };
	struct store_life held;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct msg_page_end last = { .status = words[i] };
		const struct msg_holds *m;

		n_script = 0;
		will_say(MSG_PAGE_END, &last);
		begin();
		assert_int_equal(
		    control_hold(control, &id, NULL, &held), ST_NOT_FOUND);
		end();
		m = question(MSG_HOLDS);
		assert_memory_equal(&m->id, &id, sizeof(id));
		assert_string_equal(m->merchant, "");
		assert_int_equal(m->limit, 1);
	}
}

/* ---- decisions and checks */

static void
a_decision_is_by_the_command_line(void **state)
{
	static const enum status words[] = { ST_OK, ST_NOT_FOUND, ST_BUSY };
	struct receipt_id id = { .b = { 7 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct msg_done done = { .status = words[i] };
		const struct msg_decide *m;

		n_script = 0;
		will_say(MSG_DONE, &done);
		begin();
		assert_int_equal(
		    control_decide(control, &id, "shop", i == 0), words[i]);
		end();
		m = question(MSG_DECIDE);
		assert_memory_equal(&m->id, &id, sizeof(id));
		assert_string_equal(m->merchant, "shop");
		assert_string_equal(m->by, "cli");
		assert_int_equal(m->release, i == 0);
	}
}

static void
a_check_tells_what_was_said_and_how_it_stands(void **state)
{
	struct msg_done done = { .status = ST_EXISTS, .state = LIFE_HELD };
	const struct msg_check *m;
	enum status said;
	enum life now;

	(void)state;
	will_say(MSG_DONE, &done);
	begin();
	assert_int_equal(
	    control_check(control, "shop", "INV 1", NULL, &said, &now), ST_OK);
	end();
	assert_int_equal(said, ST_EXISTS);
	assert_int_equal(now, LIFE_HELD);
	m = question(MSG_CHECK);
	assert_string_equal(m->merchant, "shop");
	assert_string_equal(m->invoice_id, "INV 1");
	assert_string_equal(m->tran_id, "");
}

static void
an_answer_to_something_else_is_not_believed(void **state)
{
	struct msg_page_end last = { .status = ST_OK };
	enum status said;
	enum life now;

	(void)state;
	will_say(MSG_PAGE_END, &last);
	begin();
	assert_int_equal(
	    control_check(control, "shop", "A", "T", &said, &now), ST_CORRUPT);
	end();
	assert_string_equal(
	    ((const struct msg_check *)question(MSG_CHECK))->tran_id, "T");
}

static void
a_gateway_that_goes_away_is_noticed(void **state)
{
	struct receipt_id id = { .b = { 7 } };

	(void)state;
	begin();
	assert_int_equal(
	    control_decide(control, &id, NULL, true), ST_UNAVAILABLE);
	end();
}

/* ---- receipts */

static void
on_row(void *arg, const struct store_row *row)
{
	size_t *n = arg;

	(void)row;
	(*n)++;
}

static struct msg_row
a_row(uint64_t seq)
{
	return (struct msg_row){ .seq = seq,
		.receipt = driver_cases_receipt((uint32_t)seq, "shop") };
}

static void
a_page_is_asked_for_with_its_filter(void **state)
{
	const struct store_query q = { .after_seq = 4,
		.merchant = "shop",
		.invoice_id = "INV 1",
		.currency = "BDT",
		.paid_from_us = 5,
		.paid_to_us = 6,
		.undelivered = true,
		.limit = 10 };
	struct msg_row row = a_row(7);
	struct msg_page_end end_ = { .last_seq = 900, .more = 1 };
	const struct msg_page *m;
	uint64_t last = 0;
	size_t n = 0;
	bool more = false;

	(void)state;
	will_say(MSG_ROW, &row);
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(
	    control_page(control, &q, on_row, &n, &last, &more), ST_OK);
	end();
	assert_int_equal(n, 1);
	/* what was looked at last, not what was shown last */
	assert_true(last == 900 && more);
	m = question(MSG_PAGE);
	assert_true(m->after_seq == 4 && m->limit == 10);
	assert_true(m->paid_from_us == 5 && m->paid_to_us == 6);
	assert_int_equal(m->flags, PAGE_UNDELIVERED);
	assert_string_equal(m->merchant, "shop");
	assert_string_equal(m->invoice_id, "INV 1");
	assert_string_equal(m->currency, "BDT");
}

static void
the_newest_first_goes_down(void **state)
{
	const struct store_query q = { .desc = true, .limit = 10 };
	struct msg_row nine = a_row(9), four = a_row(4);
	struct msg_page_end end_ = { .last_seq = 4 };
	uint64_t last;
	size_t n = 0;
	bool more;

	(void)state;
	will_say(MSG_ROW, &nine);
	will_say(MSG_ROW, &four);
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(
	    control_page(control, &q, on_row, &n, &last, &more), ST_OK);
	end();
	assert_int_equal(n, 2);
	assert_int_equal(
	    ((const struct msg_page *)question(MSG_PAGE))->flags, PAGE_DESC);
	n_script = 0;
	will_say(MSG_ROW, &four);
	will_say(MSG_ROW, &nine);
	begin();
	assert_int_equal(
	    control_page(control, &q, on_row, &n, &last, &more), ST_CORRUPT);
	end();
}

/* ---- deliveries */

struct deliveries_seen {
	size_t n;
	struct store_delivery last;
};

static void
on_delivery(void *arg, const struct store_delivery *d)
{
	struct deliveries_seen *seen = arg;

	seen->n++;
	seen->last = *d;
}

static struct msg_delivery_row
a_delivery(uint64_t seq, uint32_t endpoint_id)
{
	return (struct msg_delivery_row){ .position = MESSAGE_POSITION(
					      seq, endpoint_id),
		.at_us = UINT64_C(1764657049020304),
		.state = DELIVERY_EXHAUSTED,
		.attempts = 12,
		.outcome = OUTCOME_STATUS,
		.http_status = 503,
		.endpoint = "main",
		.receipt = driver_cases_receipt((uint32_t)seq, "shop") };
}

static const struct receipt_id some = { .b = { 7, 8 } };
static const struct store_which every_filter = { .after = 65537,
	.merchant = "shop",
	.invoice_id = "INV 1",
	.id = &some,
	.state = DELIVERY_EXHAUSTED,
	.from_us = 5,
	.to_us = 6,
	.limit = 10 };

static void
assert_every_filter(const struct msg_which *w)
{
	assert_string_equal(w->merchant, "shop");
	assert_string_equal(w->endpoint, "main");
	assert_string_equal(w->invoice_id, "INV 1");
	assert_memory_equal(&w->id, &some, sizeof(some));
	assert_true(w->from_us == 5 && w->to_us == 6);
	assert_int_equal(w->state, DELIVERY_EXHAUSTED);
}

static void
deliveries_come_as_the_store_has_them(void **state)
{
	struct msg_delivery_row one = a_delivery(1, 2), two = a_delivery(3, 1);
	struct msg_page_end end_ = { .last_seq = 999999, .more = 1 };
	struct deliveries_seen seen = { 0 };
	const struct msg_deliveries *m;
	uint64_t last = 0;
	bool more = false;

	(void)state;
	will_say(MSG_DELIVERY_ROW, &one);
	will_say(MSG_DELIVERY_ROW, &two);
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(control_deliveries(control, &every_filter, "main",
			     on_delivery, &seen, &last, &more),
	    ST_OK);
	end();
	m = question(MSG_DELIVERIES);
	assert_true(m->after == 65537 && m->limit == 10);
	assert_every_filter(&m->which);
	assert_true(last == 999999 && more);
	assert_int_equal(seen.n, 2);
	assert_true(seen.last.seq == 3 && seen.last.endpoint_id == 1);
	assert_string_equal(seen.last.delivery.endpoint, "main");
	assert_int_equal(seen.last.delivery.state, DELIVERY_EXHAUSTED);
	assert_int_equal(seen.last.delivery.attempts, 12);
	assert_int_equal(seen.last.delivery.outcome, OUTCOME_STATUS);
	assert_int_equal(seen.last.delivery.http_status, 503);
	assert_true(seen.last.delivery.at_us == INT64_C(1764657049020304));
	assert_memory_equal(
	    &seen.last.delivery.receipt, &two.receipt, sizeof(two.receipt));
}

static void
a_filter_that_is_not_set_is_empty(void **state)
{
	const struct store_which all = { .state = DELIVERY_STATES, .limit = 1 };
	static const struct msg_which empty = { .state = DELIVERY_STATES };
	struct msg_page_end end_ = { 0 };
	struct deliveries_seen seen = { 0 };
	const struct msg_deliveries *m;
	uint64_t last;
	bool more = true;

	(void)state;
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(control_deliveries(control, &all, NULL, on_delivery,
			     &seen, &last, &more),
	    ST_OK);
	end();
	m = question(MSG_DELIVERIES);
	assert_memory_equal(&m->which, &empty, sizeof(empty));
	assert_false(more);
	assert_int_equal(seen.n, 0);
}

static void
deliveries_out_of_order_are_not_believed(void **state)
{
	const struct store_which all = { .after = MESSAGE_POSITION(3, 1),
		.state = DELIVERY_STATES,
		.limit = 9 };
	struct msg_delivery_row again = a_delivery(3, 1);
	struct deliveries_seen seen = { 0 };
	uint64_t last;
	bool more;

	(void)state;
	will_say(MSG_DELIVERY_ROW, &again);
	begin();
	assert_int_equal(control_deliveries(control, &all, NULL, on_delivery,
			     &seen, &last, &more),
	    ST_CORRUPT);
	end();
	assert_int_equal(seen.n, 0);
}

/* Rows of deliveries where receipts were asked for, and the other way round. */
static void
rows_that_were_not_asked_for_are_not_believed(void **state)
{
	const struct store_query q = { .limit = 10 };
	struct msg_delivery_row delivery = a_delivery(1, 1);
	struct msg_attempt attempt = {
		.at_us = 1, .number = 1, .outcome = OUTCOME_DNS
	};
	struct msg_token token = { .day = 1 };
	uint64_t last;
	size_t n = 0;
	bool more;

	(void)state;
	for (int i = 0; i < 3; i++) {
		n_script = 0;
		if (i == 0)
			will_say(MSG_DELIVERY_ROW, &delivery);
		else if (i == 1)
			will_say(MSG_ATTEMPT, &attempt);
		else
			will_say(MSG_TOKEN, &token);
		begin();
		assert_int_equal(
		    control_page(control, &q, on_row, &n, &last, &more),
		    ST_CORRUPT);
		end();
		assert_int_equal(n, 0);
	}
}

static void
on_attempt(void *arg, const struct delivery_attempt *a)
{
	struct delivery_attempt *last = arg;

	*last = *a;
}

static void
attempts_are_of_one_delivery(void **state)
{
	struct msg_attempt attempt = { .at_us = UINT64_C(1764657049020304),
		.number = 3,
		.outcome = OUTCOME_STATUS,
		.http_status = 404,
		.took_ms = 15,
		.bytes = 4096 };
	struct msg_page_end end_ = { 0 };
	struct delivery_attempt last = { 0 };
	const struct msg_attempts *m;

	(void)state;
	will_say(MSG_ATTEMPT, &attempt);
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(
	    control_attempts(control, &some, "main", NULL, on_attempt, &last),
	    ST_OK);
	end();
	m = question(MSG_ATTEMPTS);
	assert_memory_equal(&m->id, &some, sizeof(some));
	assert_string_equal(m->endpoint, "main");
	assert_string_equal(m->merchant, "");
	assert_true(last.number == 3 && last.outcome == OUTCOME_STATUS &&
		    last.http_status == 404 && last.took_ms == 15 &&
		    last.bytes == 4096 &&
		    last.at_us == INT64_C(1764657049020304));
	n_script = 0;
	end_.status = ST_NOT_FOUND;
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(
	    control_attempts(control, &some, "main", "shop", on_attempt, &last),
	    ST_NOT_FOUND);
	end();
}

static void
an_action_is_by_the_command_line_and_tells_where_it_ended(void **state)
{
	struct msg_redelivered said = {
		.last = 999999, .matched = 10, .changed = 9, .more = 1
	};
	struct control_redelivered done = { 0 };
	const struct msg_redeliver *m;

	(void)state;
	will_say(MSG_REDELIVERED, &said);
	begin();
	assert_int_equal(control_redeliver(control, &every_filter, "main",
			     REDELIVER_DROP, &done),
	    ST_OK);
	end();
	m = question(MSG_REDELIVER);
	assert_true(m->after == 65537 && m->limit == 10);
	assert_int_equal(m->action, REDELIVER_DROP);
	assert_string_equal(m->by, "cli");
	assert_every_filter(&m->which);
	assert_true(done.last == 999999 && done.more);
	assert_true(done.matched == 10 && done.changed == 9);
	n_script = 0;
	said.status = ST_BUSY;
	will_say(MSG_REDELIVERED, &said);
	begin();
	assert_int_equal(control_redeliver(control, &every_filter, NULL,
			     REDELIVER_COUNT, &done),
	    ST_BUSY);
	end();
}

/* Nothing is sent that the keeper would end us for. */
static void
what_the_keeper_would_not_take_is_not_sent(void **state)
{
	struct store_which w = { .state = DELIVERY_STATES, .limit = 1 };
	struct control_redelivered done;

	(void)state;
	begin();
	w.to_us = INT64_C(253402214400000000); /* 9999 */
	assert_int_equal(
	    control_redeliver(control, &w, NULL, REDELIVER_COUNT, &done),
	    ST_BAD_INPUT);
	w.to_us = 0;
	assert_int_equal(control_redeliver(control, &w,
			     "a name that is much longer than it "
			     "may be",
			     REDELIVER_COUNT, &done),
	    ST_BAD_INPUT);
	assert_false(done.more);
	end();
}

static void
an_endpoint_is_resumed_by_name(void **state)
{
	static const enum status words[] = { ST_OK, ST_NOT_FOUND, ST_BUSY };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct msg_done done = { .status = words[i] };
		const struct msg_resume *m;

		n_script = 0;
		will_say(MSG_DONE, &done);
		begin();
		assert_int_equal(control_resume(control, "main"), words[i]);
		end();
		m = question(MSG_RESUME);
		assert_string_equal(m->endpoint, "main");
	}
}

/* ---- tokens */

static void
on_token(void *arg, const struct store_token *t)
{
	struct store_token *last = arg;

	*last = *t;
}

static void
tokens_come_with_their_days(void **state)
{
	struct msg_token token = {
		.sha256 = { 9, 8 }, .revoked_at_us = 77, .day = 20424
	};
	struct msg_page_end end_ = { 0 };
	struct store_token last = { 0 };

	(void)state;
	will_say(MSG_TOKEN, &token);
	will_say(MSG_PAGE_END, &end_);
	begin();
	assert_int_equal(control_tokens(control, on_token, &last), ST_OK);
	end();
	(void)question(MSG_TOKENS);
	assert_true(last.day == 20424 && last.revoked_at_us == 77);
	assert_memory_equal(last.sha256, token.sha256, sizeof(last.sha256));
}

static void
a_token_is_revoked_by_its_digest(void **state)
{
	static const enum status words[] = { ST_OK, ST_BUSY, ST_IO };
	static const unsigned char sha256[32] = { 1, 2, [31] = 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct msg_done done = { .status = words[i] };
		const struct msg_revoke *m;

		n_script = 0;
		will_say(MSG_DONE, &done);
		begin();
		assert_int_equal(control_revoke(control, sha256), words[i]);
		end();
		m = question(MSG_REVOKE);
		assert_memory_equal(m->sha256, sha256, sizeof(sha256));
	}
}

static void
without_a_gateway_nothing_listens(void **state)
{
	struct err e = { "" };

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(control_open(&control, path, &e), ST_NOT_FOUND);
	assert_null(control);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(held_payments_come_as_the_store_has_them),
		CASE(rows_out_of_order_are_not_believed),
		CASE(rows_of_another_kind_are_not_believed),
		CASE(one_that_is_not_held_is_not_found),
		CASE(a_decision_is_by_the_command_line),
		CASE(a_check_tells_what_was_said_and_how_it_stands),
		CASE(an_answer_to_something_else_is_not_believed),
		CASE(a_gateway_that_goes_away_is_noticed),
		CASE(a_page_is_asked_for_with_its_filter),
		CASE(the_newest_first_goes_down),
		CASE(deliveries_come_as_the_store_has_them),
		CASE(a_filter_that_is_not_set_is_empty),
		CASE(deliveries_out_of_order_are_not_believed),
		CASE(rows_that_were_not_asked_for_are_not_believed),
		CASE(attempts_are_of_one_delivery),
		CASE(an_action_is_by_the_command_line_and_tells_where_it_ended),
		CASE(what_the_keeper_would_not_take_is_not_sent),
		CASE(an_endpoint_is_resumed_by_name),
		CASE(tokens_come_with_their_days),
		CASE(a_token_is_revoked_by_its_digest),
		CASE(without_a_gateway_nothing_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
