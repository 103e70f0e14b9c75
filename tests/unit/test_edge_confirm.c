/* edge/edge.c: what SSLCommerz has to confirm, and what the asker hears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge_bench.h"

#define VAL_ID "2512021230457"

/* Post a paid callback; its answer when the store says st. */
static void
pay_to(struct edge_bench *b, enum status st, int status, const char *body)
{
	size_t n = b->n_puts;
	struct client c;

	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, n + 1);
	edge_bench_done(b, b->puts[n].tag, st);
	client_expect(&c, status, body);
	client_close(&c);
}

/* Post a paid callback and have it stored. */
static void
pay(struct edge_bench *b)
{
	pay_to(b, ST_OK, 200, "OK");
}

static bool
holds(const void *p, size_t size, const char *text)
{
	return memmem(p, size, text, strlen(text)) != NULL;
}

static void
val_id_goes_to_the_asker_alone(void **state)
{
	struct edge_bench *b = *state;
	struct msg_hint only = { .val_id = VAL_ID };

	edge_bench_introduce(b);
	pay(b);
	edge_bench_until_hints(b, 1);
	only.id = b->puts[0].receipt.id;
	assert_memory_equal(&b->hints[0], &only, sizeof(only));
	assert_false(holds(b->puts, sizeof(b->puts), VAL_ID));
	assert_string_equal(b->puts[0].receipt.invoice_id, "INV-7");
	assert_string_equal(b->puts[0].tran_id, "");
}

static void
what_is_not_new_is_withdrawn(void **state)
{
	struct edge_bench *b = *state;

	edge_bench_introduce(b);
	pay(b);
	edge_bench_until_hints(b, 1);
	assert_int_equal(b->n_withdrawn, 0);
	pay_to(b, ST_EXISTS, 200, "OK");
	while (b->n_withdrawn < 1)
		edge_bench_turn(b);
	assert_memory_equal(
	    &b->withdrawn, &b->puts[0].receipt.id, sizeof(b->withdrawn));
}

static void
tran_id_goes_along_where_it_is_not_the_invoice_id(void **state)
{
	struct edge_bench *b = *state;

	b->confirm = CONFIRM_REQUIRED;
	b->invoice_field = INVOICE_VALUE_B;
	assert_int_equal(edge_bench_start(b, NULL, NULL), ST_OK);
	edge_bench_introduce(b);
	pay(b);
	edge_bench_until_hints(b, 1);
	assert_string_equal(b->puts[0].receipt.invoice_id, "ORDER-9");
	assert_string_equal(b->puts[0].tran_id, "INV-7");
	assert_false(holds(b->hints, sizeof(b->hints), "INV-7"));
	assert_false(holds(b->hints, sizeof(b->hints), "ORDER-9"));
}

static void
with_confirm_off_there_is_nothing_to_ask_by(void **state)
{
	struct edge_bench *b = *state;

	b->invoice_field = INVOICE_VALUE_B;
	assert_int_equal(edge_bench_start(b, NULL, NULL), ST_OK);
	edge_bench_introduce(b);
	pay(b);
	for (int i = 0; i < 5; i++)
		edge_bench_turn(b);
	assert_int_equal(b->n_hints, 0);
	assert_string_equal(b->puts[0].receipt.invoice_id, "ORDER-9");
	assert_string_equal(b->puts[0].tran_id, "");
}

static void
without_an_asker_it_is_acknowledged_too(void **state)
{
	struct edge_bench *b = *state;

	pay(b);
	edge_bench_introduce(b);
	channel_free(b->asker);
	b->asker = NULL;
	pay(b);
	pay(b);
	assert_int_equal(b->n_hints, 0);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 3);
	assert_int_equal(b->room.exit_code, -1);
}

static void
another_asker_takes_the_place_of_the_first(void **state)
{
	struct edge_bench *b = *state;
	struct channel *first;

	edge_bench_introduce(b);
	pay(b);
	edge_bench_until_hints(b, 1);
	first = b->asker;
	edge_bench_introduce(b);
	while (!b->asker_left)
		edge_bench_turn(b);
	channel_free(first);
	pay(b);
	edge_bench_until_hints(b, 2);
}

static void
an_asker_that_talks_is_left(void **state)
{
	struct edge_bench *b = *state;
	struct msg_empty ready = { 0 };

	edge_bench_introduce(b);
	assert_int_equal(channel_add(b->asker, MSG_READY, &ready), ST_OK);
	while (!b->asker_left)
		edge_bench_turn(b);
	assert_int_equal(world_count(&b->net, MET_ROOM_NONSENSE), 1);
	pay(b);
	assert_int_equal(b->n_hints, 0);
	channel_free(b->asker);
	edge_bench_introduce(b);
	pay(b);
	edge_bench_until_hints(b, 1);
}

/* What an asker does not read is dropped, never waited for. */
static void
a_deaf_asker_holds_nothing_up(void **state)
{
	struct edge_bench *b = *state;
	struct msg_peer peer = { .party = PARTY_ASKER };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	b->room.on_message(b->room.arg, MSG_PEER, &peer, pair[0]);
	for (int i = 0; i < 20; i++)
		pay(b);
	(void)close(pair[1]);
	pay(b);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 21);
}

static void
somebody_else_who_is_introduced_is_sent_away(void **state)
{
	struct edge_bench *b = *state;
	struct msg_peer peer = { .party = PARTY_DESK };
	struct msg_empty none = { 0 };
	int pair[2];
	char byte;

	edge_bench_introduce(b);
	peer.party = PARTY_ASKER; /* without a descriptor: no asker */
	b->room.on_message(b->room.arg, MSG_PEER, &peer, -1);
	assert_int_equal(channel_pair(pair), ST_OK);
	peer.party = PARTY_DESK;
	b->room.on_message(b->room.arg, MSG_PEER, &peer, pair[0]);
	assert_int_equal(read(pair[1], &byte, 1), 0);
	(void)close(pair[1]);
	assert_int_equal(channel_pair(pair), ST_OK);
	b->room.on_message(b->room.arg, MSG_CONFIGURE, &none, pair[0]);
	assert_int_equal(read(pair[1], &byte, 1), 0);
	(void)close(pair[1]);
	pay(b);
	edge_bench_until_hints(b, 1);
}

static int
outcomes(const char *log, const char *outcome)
{
	char text[64];
	int n = 0;

	(void)snprintf(text, sizeof(text), "\"outcome\":\"%s\"", outcome);
	for (; (log = strstr(log, text)) != NULL; log += strlen(text))
		n++;
	return n;
}

/* What the log says of three callbacks, the second a duplicate. */
static void
the_log_says_that_a_payment_waits(void **state)
{
	static char log[16384];
	struct edge_bench *b = *state;
	int pipes[2], before = dup(STDERR_FILENO);
	struct client c;
	ssize_t n;

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	edge_bench_introduce(b);
	pay(b);
	client_open(&c, &b->net);
	edge_bench_post_paid(&c);
	edge_bench_until_puts(b, 2);
	edge_bench_done(b, b->puts[1].tag, ST_EXISTS);
	client_expect(&c, 200, "OK");
	client_close(&c);
	pay(b);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	n = read(pipes[0], log, sizeof(log) - 1);
	assert_true(n > 0);
	log[n] = '\0';
	assert_int_equal(outcomes(log, "waiting"), 2);
	assert_int_equal(outcomes(log, "duplicate"), 1);
	assert_int_equal(outcomes(log, "paid"), 0);
	assert_null(strstr(log, VAL_ID));
	(void)close(before);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

#define CASE_REQUIRED(fn)                \
	cmocka_unit_test_setup_teardown( \
	    fn, edge_bench_set_up_required, edge_bench_tear_down)
#define CASE_BARE(fn)                    \
	cmocka_unit_test_setup_teardown( \
	    fn, edge_bench_set_up_bare, edge_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_REQUIRED(val_id_goes_to_the_asker_alone),
		CASE_REQUIRED(what_is_not_new_is_withdrawn),
		CASE_BARE(tran_id_goes_along_where_it_is_not_the_invoice_id),
		CASE_BARE(with_confirm_off_there_is_nothing_to_ask_by),
		CASE_REQUIRED(without_an_asker_it_is_acknowledged_too),
		CASE_REQUIRED(another_asker_takes_the_place_of_the_first),
		CASE_REQUIRED(an_asker_that_talks_is_left),
		CASE_REQUIRED(a_deaf_asker_holds_nothing_up),
		CASE_REQUIRED(somebody_else_who_is_introduced_is_sent_away),
		CASE_REQUIRED(the_log_says_that_a_payment_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
