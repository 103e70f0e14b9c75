/* A captured room: an edge, an asker that hands the keeper what it should
 * have kept to itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper_bench.h"

#define CARD "4111111111111111"

static void
write_text(char *field, size_t cap, const char *text)
{
	memset(field, 0, cap);
	memcpy(field, text, strlen(text));
}

static struct msg_put
put_of(const char *invoice, const char *tran_id)
{
	struct msg_put m = { .tag = 7,
		.receipt = driver_cases_receipt(7, "testbox") };

	write_text(m.receipt.invoice_id, sizeof(m.receipt.invoice_id), invoice);
	write_text(m.tran_id, sizeof(m.tran_id), tran_id);
	return m;
}

/* Is nothing of these bytes in the store's files? */
static bool
store_has(const struct keeper_bench *b, const void *what, size_t len)
{
	static const char *const suffixes[] = { "", "-wal" };
	bool found = false;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char name[320];
		struct buf all;
		FILE *f;
		int c;

		(void)snprintf(
		    name, sizeof(name), "%s%s", b->path, suffixes[i]);
		f = fopen(name, "rb");
		if (f == NULL)
			continue;
		buf_init(&all, 16 << 20);
		while ((c = fgetc(f)) != EOF)
			buf_append(&all, &(char){ (char)c }, 1);
		found = found || (all.len > 0 && memmem(all.data, all.len, what,
						     len) != NULL);
		buf_fini(&all);
		(void)fclose(f);
	}
	return found;
}

/* An edge that writes to its socket what it likes: the other end of it. */
static int
captured_edge(struct keeper_bench *b)
{
	const struct msg_peer m = { .party = PARTY_EDGE };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	b->room.on_message(b->room.arg, MSG_PEER, &m, pair[0]);
	return pair[1];
}

/* It is ended without an answer and nothing is stored, with an alarm or
 * without. */
static void
expect_ended(struct keeper_bench *b, const struct msg_put *m, const char *alarm)
{
	struct {
		struct msg_header header;
		struct msg_put put;
	} packet = { { MSG_PUT, 1 }, *m };
	int fd = captured_edge(b);
	struct msg_health h;
	ssize_t n;
	char byte;

	keeper_bench_log_catch();
	assert_int_equal(send(fd, &packet, sizeof(packet), 0), sizeof(packet));
	do {
		h = keeper_bench_probe(b);
		n = recv(fd, &byte, 1, MSG_DONTWAIT);
	} while (n < 0);
	(void)close(fd);
	assert_int_equal(n, 0);
	if (alarm != NULL) {
		assert_true(keeper_bench_log_has("invoice_guarded"));
		assert_true(keeper_bench_log_has(alarm));
	}
	assert_true(keeper_bench_log_has("\"nonsense\""));
	assert_false(keeper_bench_log_has(CARD));
	keeper_bench_log_release();
	assert_int_equal(h.receipts + h.waiting, 0);
	assert_false(store_has(b, CARD, strlen(CARD)));
}

/* proves: R5 R42 */
static void
a_captured_edge_cannot_hand_in_what_the_guard_refuses(void **state)
{
	static const struct {
		const char *invoice, *tran_id, *reason;
	} cases[] = {
		{ CARD, "", "card" },
		{ "INV-2025-000123", CARD, "card" },
		{ "4111 1111-1111.1111", "", "card" },
		{ "INV-" CARD "-7", "", "card" },
		{ "anwara@example.com", "", "email" },
		{ "INV-2025-000123", "anwara@example.com", "email" },
		{ "+8801711000042", "", "phone" },
		{ "INV-2025-000123", "01711000042", "phone" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct msg_put m =
		    put_of(cases[i].invoice, cases[i].tran_id);

		expect_ended(*state, &m, cases[i].reason);
	}
}

/* Sixteen digits laid over each place of a record in turn: as text, and
 * packed two in a byte, but for the id, which may be any bytes.  What is
 * beside them are no digits: with them they would be another number. */
static void
no_place_of_a_put_takes_sixteen_digits_as_they_are(void **state)
{
	static const unsigned char packed[8] = { 0x41, 0x11, 0x11, 0x11, 0x11,
		0x11, 0x11, 0x11 };
	const struct msg_put sound = put_of("INV-A", "");
	struct keeper_bench *b = *state;

	for (size_t at = sizeof(sound.tag);
	     at + strlen(CARD) <= sizeof(struct msg_put); at++) {
		struct msg_put m = sound;

		memcpy((char *)&m + at, CARD, strlen(CARD));
		expect_ended(b, &m, NULL);
	}
	for (size_t at = offsetof(struct msg_put, receipt.amount_minor);
	     at + sizeof(packed) <= sizeof(struct msg_put); at++) {
		struct msg_put m = sound;

		memcpy((char *)&m + at, packed, sizeof(packed));
		expect_ended(b, &m, NULL);
	}
}

static void
numbers_hold_no_card_number_either(void **state)
{
	const struct msg_put sound = put_of("INV-2025-000123", "");
	const int64_t card = INT64_C(4012888888881881);
	struct msg_put m = sound;

	m.receipt.amount_minor = card;
	expect_ended(*state, &m, NULL);
	m = sound;
	m.receipt.received_at_us = card;
	expect_ended(*state, &m, "time");
	m = sound;
	m.receipt.paid_at_us = card;
	expect_ended(*state, &m, "time");
}

static void
what_is_sound_is_stored_beside_it(void **state)
{
	struct keeper_bench *b = *state;
	const struct msg_put bad = put_of(CARD, "");

	expect_ended(b, &bad, "card");
	keeper_bench_store(b, 1, 3);
	assert_int_equal(keeper_bench_probe(b).receipts, 3);
}

/* ---- the guard is the operator's */

static void
set_guard(struct keeper_bench *b, enum invoice_guard guard)
{
	b->config.merchants[0].invoice_guard = guard;
	keeper_bench_configure(b, &b->config);
}

static enum status
put(struct keeper_bench *b, const struct msg_put *m)
{
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);
	enum status st;

	keeper_bench_send(edge, MSG_PUT, m);
	keeper_bench_until(edge, 1);
	st = (enum status)edge->done[0].status;
	keeper_bench_leave(edge);
	return st;
}

static void
with_the_guard_off_such_numbers_are_stored(void **state)
{
	struct keeper_bench *b = *state;
	const struct msg_put m = put_of(CARD, "");

	set_guard(b, INVOICE_GUARD_OFF);
	assert_int_equal(put(b, &m), ST_OK);
	assert_int_equal(keeper_bench_probe(b).receipts, 1);
	assert_true(store_has(b, CARD, strlen(CARD)));
}

/* An edge of the configuration before drains: it is refused, not ended. */
static void
an_edge_from_before_the_guard_is_refused(void **state)
{
	struct keeper_bench *b = *state;
	const struct msg_put m = put_of(CARD, "");

	set_guard(b, INVOICE_GUARD_OFF);
	set_guard(b, INVOICE_GUARD_ON);
	assert_int_equal(put(b, &m), ST_BUSY);
	assert_int_equal(keeper_bench_probe(b).receipts, 0);
	set_guard(b, INVOICE_GUARD_ON);
	expect_ended(b, &m, "card");
}

/* ---- the asker */

static struct guest *
asker_with_question(struct keeper_bench *b)
{
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	const struct msg_put m = put_of("INV-2025-000123", "");

	keeper_bench_window(asker, "testbox", 4);
	assert_int_equal(put(b, &m), ST_OK);
	keeper_bench_until(asker, 1);
	return asker;
}

static void
a_captured_asker_cannot_answer_with_one(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_question(b);
	struct receipt answered = asker->ask[0].receipt;

	write_text(answered.invoice_id, sizeof(answered.invoice_id), CARD);
	keeper_bench_verdict(asker, &asker->ask[0], REASON_INVOICE, &answered);
	keeper_bench_until_ended(asker);
	keeper_bench_leave(asker);
	assert_int_equal(keeper_bench_probe(b).held, 0);
	assert_false(store_has(b, CARD, strlen(CARD)));
}

static void
an_answer_of_such_a_number_holds_the_payment_without_it(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = asker_with_question(b);

	keeper_bench_log_catch();
	keeper_bench_verdict(asker, &asker->ask[0], REASON_GUARD, NULL);
	keeper_bench_log_await(b, "\"reason\":\"invoice_guard\"");
	keeper_bench_log_release();
	keeper_bench_leave(asker);
	assert_int_equal(keeper_bench_probe(b).held, 1);
}

static void
ask_about(struct guest *desk, const char *invoice, const char *tran_id)
{
	struct msg_check m = { .tag = 9, .merchant = "testbox" };

	write_text(m.invoice_id, sizeof(m.invoice_id), invoice);
	write_text(m.tran_id, sizeof(m.tran_id), tran_id);
	keeper_bench_send(desk, MSG_CHECK, &m);
}

static void
nobody_is_asked_about_such_a_number(void **state)
{
	struct keeper_bench *b = *state;
	struct guest *asker = keeper_bench_enter(b, PARTY_ASKER);
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);

	ask_about(desk, CARD, "");
	keeper_bench_until(desk, 1);
	assert_int_equal(desk->decided.status, ST_NOT_FOUND);
	ask_about(desk, "INV-2025-000123", CARD);
	keeper_bench_until(desk, 2);
	assert_int_equal(desk->decided.status, ST_NOT_FOUND);
	assert_int_equal(asker->n_lookups, 0);
	keeper_bench_leave(desk);
	keeper_bench_leave(asker);
}

#define CASE(test)                       \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up, keeper_bench_tear_down)
#define CASE_REQUIRED(test)              \
	cmocka_unit_test_setup_teardown( \
	    test, keeper_bench_set_up_required, keeper_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_captured_edge_cannot_hand_in_what_the_guard_refuses),
		CASE_REQUIRED(
		    a_captured_edge_cannot_hand_in_what_the_guard_refuses),
		CASE(no_place_of_a_put_takes_sixteen_digits_as_they_are),
		CASE_REQUIRED(numbers_hold_no_card_number_either),
		CASE(what_is_sound_is_stored_beside_it),
		CASE(with_the_guard_off_such_numbers_are_stored),
		CASE(an_edge_from_before_the_guard_is_refused),
		CASE_REQUIRED(a_captured_asker_cannot_answer_with_one),
		CASE_REQUIRED(
		    an_answer_of_such_a_number_holds_the_payment_without_it),
		CASE_REQUIRED(nobody_is_asked_about_such_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
