/*
 * Blocks that are folded while nobody uses them, and connections whose TLS is
 * such a block: they answer as if nothing had been.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/fold.h"
#include "base/secret.h"
#include "base/wiped.h"
#include "net/conn.h"
#include "net_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define PAGE	  4096
#define MANY	  200

static void *
take(size_t n)
{
	void *p;

	fold_wanted(true);
	p = wiped_malloc(n);
	fold_wanted(false);
	assert_non_null(p);
	return p;
}

static size_t
pages_of(void *p)
{
	unsigned char there[FOLD_BLOCK / PAGE];
	size_t n = 0;

	assert_int_equal(mincore(p, FOLD_BLOCK, there), 0);
	for (size_t i = 0; i < sizeof(there); i++)
		n += there[i] & 1U;
	return n;
}

/* Something in every `step`th byte. */
static void
fill(unsigned char *p, size_t step)
{
	memset(p, 0, FOLD_BLOCK);
	for (size_t i = 0; i < FOLD_BLOCK; i += step)
		p[i] = (unsigned char)(1 + i / step % 255);
}

/* ---- blocks */

static void
a_folded_block_comes_back_as_it_was(void **state)
{
	static const size_t steps[] = { 17, 61, 4095, FOLD_BLOCK };
	unsigned char *p = take(FOLD_BLOCK), *copy = malloc(FOLD_BLOCK);

	(void)state;
	assert_non_null(copy);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct fold *f;

		fill(p, steps[i]);
		p[FOLD_BLOCK - 1] = 7;
		memcpy(copy, p, FOLD_BLOCK);
		f = fold_make(p);
		assert_non_null(f);
		fold_undo(f);
		assert_memory_equal(p, copy, FOLD_BLOCK);
	}
	wiped_free(p);
	free(copy);
}

static void
a_folded_block_has_no_memory(void **state)
{
	unsigned char *p = take(5000);
	struct fold *f;

	(void)state;
	fill(p, 61);
	assert_int_equal(pages_of(p), 2);
	f = fold_make(p);
	assert_non_null(f);
	assert_int_equal(pages_of(p), 0);
	for (size_t i = 0; i < FOLD_BLOCK; i++)
		assert_int_equal(p[i], 0);
	fold_undo(f);
	wiped_free(p);
}

static void
what_is_not_worth_it_is_not_folded(void **state)
{
	unsigned char *full = take(FOLD_BLOCK), *ordinary = wiped_malloc(8000);
	unsigned char *small = take(1000), *large = take(FOLD_BLOCK + 1);

	(void)state;
	fill(full, 8);
	assert_null(fold_make(full));
	assert_int_equal(full[8], 2);
	assert_null(fold_make(ordinary));
	assert_null(fold_make(small));
	assert_null(fold_make(large));
	assert_null(fold_make(NULL));
	assert_int_equal(wiped_size(full), FOLD_BLOCK);
	fold_undo(NULL);
	wiped_free(full);
	wiped_free(ordinary);
	wiped_free(small);
	wiped_free(large);
}

static void
blocks_that_are_given_back_are_wiped_and_taken_again(void **state)
{
	unsigned char *p[2 * MANY];
	size_t with_memory = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 2 * MANY; i++) {
			p[i] = take(7000);
			for (size_t k = 0; k < 7000; k++)
				assert_int_equal(p[i][k], 0);
			memset(p[i], 0xa5, 7000);
		}
		for (size_t i = 1; i < 2 * MANY; i++)
			assert_ptr_not_equal(p[i], p[i - 1]);
		for (size_t i = 0; i < 2 * MANY; i++)
			wiped_free(p[i]);
	}
	for (size_t i = 0; i < 2 * MANY; i++)
		with_memory += pages_of(p[i]);
	assert_true(with_memory < MANY);
}

/* ---- connections */

static struct world w;
static struct client c;

static void
begin(int version)
{
	world_init(&w);
	world_start(&w, true);
	assert_int_equal(
	    SSL_CTX_set_max_proto_version(w.client_tls, version), 1);
	client_open(&c, &w);
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
}

static const struct stream *
only_stream(void)
{
	const struct conn *one = TAILQ_FIRST(&w.server->phases[PHASE_IDLE]);

	return one == NULL ? NULL : &one->stream;
}

static void
until_it_rests(void)
{
	while (only_stream() == NULL || only_stream()->fold == NULL)
		world_turn(&w);
}

static void
a_connection_that_rested_answers(int version)
{
	begin(version);
	for (int i = 0; i < 3; i++) {
		until_it_rests();
		client_text(&c, GET("/ok"));
		client_expect(&c, 200, "OK");
	}
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	world_stop(&w);
}

static void
a_connection_that_rested_answers_over_tls_1_3(void **state)
{
	(void)state;
	a_connection_that_rested_answers(TLS1_3_VERSION);
}

static void
a_connection_that_rested_answers_over_tls_1_2(void **state)
{
	(void)state;
	a_connection_that_rested_answers(TLS1_2_VERSION);
}

static void
keys_may_change_while_it_rests(void **state)
{
	(void)state;
	begin(TLS1_3_VERSION);
	until_it_rests();
	assert_int_equal(SSL_key_update(c.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	until_it_rests();
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	world_stop(&w);
}

/* Its end is told in a record: for that it has to wake. */
static void
one_that_rests_is_ended_in_order(void **state)
{
	(void)state;
	begin(TLS1_3_VERSION);
	until_it_rests();
	server_drain(w.server, NULL, NULL);
	client_expect_end(&c);
	assert_true((SSL_get_shutdown(c.ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
	client_close(&c);
	world_stop(&w);
}

static void
what_is_no_record_ends_one_that_rests(void **state)
{
	(void)state;
	begin(TLS1_3_VERSION);
	until_it_rests();
	assert_int_equal(SSL_set_fd(c.ssl, -1), 1);
	assert_int_equal(send(c.fd, "no record of tls", 16, 0), 16);
	world_until(&w, MET_CONN_CLOSED_IO, 1);
	client_close(&c);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folded_block_comes_back_as_it_was),
		cmocka_unit_test(a_folded_block_has_no_memory),
		cmocka_unit_test(what_is_not_worth_it_is_not_folded),
		cmocka_unit_test(
		    blocks_that_are_given_back_are_wiped_and_taken_again),
		cmocka_unit_test(a_connection_that_rested_answers_over_tls_1_3),
		cmocka_unit_test(a_connection_that_rested_answers_over_tls_1_2),
		cmocka_unit_test(keys_may_change_while_it_rests),
		cmocka_unit_test(one_that_rests_is_ended_in_order),
		cmocka_unit_test(what_is_no_record_ends_one_that_rests),
	};

	secret_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
