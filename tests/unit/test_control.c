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
		CASE(without_a_gateway_nothing_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
