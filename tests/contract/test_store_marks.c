/* What pollers leave with every store driver, and how API tokens stand there:
 * each case runs against each driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

static struct store_mark
mark_of(const char *merchant, const char *name, uint64_t seq, int64_t at_us)
{
	struct store_mark m = { .seq = seq, .at_us = at_us };

	(void)snprintf(m.merchant, sizeof(m.merchant), "%s", merchant);
	(void)snprintf(m.name, sizeof(m.name), "%s", name);
	return m;
}

static enum status
mark(struct store_bench *f, const char *merchant, const char *name,
    uint64_t seq, int64_t at_us)
{
	struct store_mark m = mark_of(merchant, name, seq, at_us);
	enum status st;

	store_bench_begin(f);
	st = f->driver->mark(f->writer, &m);
	store_bench_commit(f);
	return st;
}

static enum status
unmark(struct store_bench *f, const char *merchant, const char *name)
{
	enum status st;

	store_bench_begin(f);
	st = f->driver->unmark(f->writer, merchant, name);
	store_bench_commit(f);
	return st;
}

static void
expect_mark(struct store_bench *f, const char *merchant, const char *name,
    uint64_t seq, int64_t at_us)
{
	struct store_mark m = mark_of(merchant, name, 99, 99);

	assert_int_equal(f->driver->marked(f->reader, &m), ST_OK);
	assert_string_equal(m.merchant, merchant);
	assert_string_equal(m.name, name);
	assert_true(m.seq == seq);
	assert_true(m.at_us == at_us);
}

static void
expect_no_mark(struct store_bench *f, const char *merchant, const char *name)
{
	struct store_mark m = mark_of(merchant, name, 0, 0);

	assert_int_equal(f->driver->marked(f->reader, &m), ST_NOT_FOUND);
}

/* ---- marks */

static void
a_mark_is_read_back_and_moves_on(void **state)
{
	struct store_bench *f = *state;

	expect_no_mark(f, "testbox", "night");
	assert_int_equal(mark(f, "testbox", "night", 0, 5), ST_OK);
	expect_mark(f, "testbox", "night", 0, 5);
	assert_int_equal(mark(f, "testbox", "night", 7, 6), ST_OK);
	expect_mark(f, "testbox", "night", 7, 6);
	assert_int_equal(mark(f, "testbox", "night", 7, 8), ST_OK);
	expect_mark(f, "testbox", "night", 7, 8);
}

static void
a_mark_does_not_go_back_and_says_where_it_stands(void **state)
{
	struct store_bench *f = *state;
	struct store_mark m = mark_of("testbox", "night", 6, 9);

	assert_int_equal(mark(f, "testbox", "night", 7, 5), ST_OK);
	store_bench_begin(f);
	assert_int_equal(f->driver->mark(f->writer, &m), ST_EXISTS);
	store_bench_commit(f);
	assert_true(m.seq == 7);
	expect_mark(f, "testbox", "night", 7, 5);
}

static void
a_mark_is_one_merchants_and_has_one_name(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(mark(f, "testbox", "night", 7, 5), ST_OK);
	assert_int_equal(mark(f, "otherbox", "night", 3, 6), ST_OK);
	assert_int_equal(mark(f, "testbox", "day", 2, 7), ST_OK);
	expect_mark(f, "testbox", "night", 7, 5);
	expect_mark(f, "otherbox", "night", 3, 6);
	expect_mark(f, "testbox", "day", 2, 7);
	expect_no_mark(f, "otherbox", "day");
	assert_int_equal(unmark(f, "otherbox", "night"), ST_OK);
	expect_no_mark(f, "otherbox", "night");
	expect_mark(f, "testbox", "night", 7, 5);
}

static void
a_mark_that_is_taken_away_may_begin_again(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(unmark(f, "testbox", "night"), ST_NOT_FOUND);
	assert_int_equal(mark(f, "testbox", "night", 7, 5), ST_OK);
	assert_int_equal(unmark(f, "testbox", "night"), ST_OK);
	assert_int_equal(unmark(f, "testbox", "night"), ST_NOT_FOUND);
	expect_no_mark(f, "testbox", "night");
	assert_int_equal(mark(f, "testbox", "night", 2, 6), ST_OK);
	expect_mark(f, "testbox", "night", 2, 6);
}

static void
a_merchant_leaves_so_many_marks_and_no_more(void **state)
{
	struct store_bench *f = *state;
	char name[DELIVERY_ENDPOINT];

	for (int i = 0; i < STORE_MARKS; i++) {
		(void)snprintf(name, sizeof(name), "mark-%d", i);
		assert_int_equal(mark(f, "testbox", name, 1, 5), ST_OK);
	}
	assert_int_equal(mark(f, "testbox", "further", 1, 5), ST_UNAVAILABLE);
	expect_no_mark(f, "testbox", "further");
	assert_int_equal(mark(f, "testbox", "mark-0", 2, 6), ST_OK);
	assert_int_equal(mark(f, "otherbox", "further", 1, 5), ST_OK);
	assert_int_equal(unmark(f, "testbox", "mark-9"), ST_OK);
	assert_int_equal(mark(f, "testbox", "further", 1, 5), ST_OK);
}

/* ---- tokens */

struct tokens {
	size_t n;
	struct store_token token[8];
};

static void
take_token(void *arg, const struct store_token *t)
{
	struct tokens *tokens = arg;

	assert_true(tokens->n < ARRAY_LEN(tokens->token));
	tokens->token[tokens->n++] = *t;
}

static struct tokens
tokens_in(struct store_bench *f)
{
	struct tokens tokens = { 0 };

	assert_int_equal(
	    f->driver->tokens(f->reader, take_token, &tokens), ST_OK);
	return tokens;
}

static void
token(struct store_bench *f, unsigned char first, uint32_t day,
    int64_t revoked_at_us)
{
	const struct store_token t = {
		.sha256 = { first, 0, 1 },
		.day = day,
		.revoked_at_us = revoked_at_us,
	};

	store_bench_begin(f);
	assert_int_equal(f->driver->token(f->writer, &t), ST_OK);
	store_bench_commit(f);
}

static void
expect_token(struct store_bench *f, unsigned char first, uint32_t day,
    int64_t revoked_at_us)
{
	const unsigned char sha256[32] = { first, 0, 1 };
	struct tokens tokens = tokens_in(f);
	size_t i = 0;

	while (i < tokens.n &&
	       memcmp(tokens.token[i].sha256, sha256, sizeof(sha256)) != 0)
		i++;
	assert_true(i < tokens.n);
	assert_int_equal(tokens.token[i].day, day);
	assert_true(tokens.token[i].revoked_at_us == revoked_at_us);
}

static void
a_token_keeps_the_latest_day_of_its_use(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(tokens_in(f).n, 0);
	token(f, 1, 20000, 0);
	expect_token(f, 1, 20000, 0);
	token(f, 1, 20002, 0);
	token(f, 1, 20001, 0);
	expect_token(f, 1, 20002, 0);
	assert_int_equal(tokens_in(f).n, 1);
}

static void
a_token_stays_revoked_since_the_first_time(void **state)
{
	struct store_bench *f = *state;

	token(f, 1, 20000, 0);
	token(f, 1, 0, 500);
	expect_token(f, 1, 20000, 500);
	token(f, 1, 0, 400);
	token(f, 1, 0, 600);
	token(f, 1, 20001, 0);
	expect_token(f, 1, 20001, 500);
	assert_int_equal(tokens_in(f).n, 1);
}

static void
a_token_that_was_never_used_can_be_revoked(void **state)
{
	struct store_bench *f = *state;

	token(f, 2, 0, 500);
	token(f, 3, 20000, 0);
	expect_token(f, 2, 0, 500);
	expect_token(f, 3, 20000, 0);
	assert_int_equal(tokens_in(f).n, 2);
}

static void
an_abort_takes_marks_and_tokens_back(void **state)
{
	struct store_bench *f = *state;
	struct store_mark m = mark_of("testbox", "night", 9, 9);
	struct store_mark new = mark_of("testbox", "day", 9, 9);
	const struct store_token t = { .sha256 = { 1 }, .day = 20000 };

	assert_int_equal(mark(f, "testbox", "night", 7, 5), ST_OK);
	store_bench_begin(f);
	assert_int_equal(f->driver->mark(f->writer, &m), ST_OK);
	assert_int_equal(f->driver->mark(f->writer, &new), ST_OK);
	assert_int_equal(f->driver->token(f->writer, &t), ST_OK);
	f->driver->abort(f->writer);
	expect_mark(f, "testbox", "night", 7, 5);
	expect_no_mark(f, "testbox", "day");
	assert_int_equal(tokens_in(f).n, 0);
}

static void
marks_and_tokens_outlive_reopening(void **state)
{
	struct store_bench *f = *state;

	assert_int_equal(mark(f, "testbox", "night", 7, 5), ST_OK);
	token(f, 1, 20000, 500);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	f->reader = NULL;
	store_bench_open(f);
	expect_mark(f, "testbox", "night", 7, 5);
	expect_token(f, 1, 20000, 500);
}

#define CASE(test)                                                             \
	{ #test, test, store_bench_set_up_memory, store_bench_tear_down,       \
		NULL },                                                        \
	{                                                                      \
#test, test, store_bench_set_up_sqlite, store_bench_tear_down, \
		    NULL                                                       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_mark_is_read_back_and_moves_on),
		CASE(a_mark_does_not_go_back_and_says_where_it_stands),
		CASE(a_mark_is_one_merchants_and_has_one_name),
		CASE(a_mark_that_is_taken_away_may_begin_again),
		CASE(a_merchant_leaves_so_many_marks_and_no_more),
		CASE(an_abort_takes_marks_and_tokens_back),
		CASE(a_token_keeps_the_latest_day_of_its_use),
		CASE(a_token_stays_revoked_since_the_first_time),
		CASE(a_token_that_was_never_used_can_be_revoked),
		CASE(marks_and_tokens_outlive_reopening),
	};

	return cmocka_run_group_tests_name("store_marks", tests, NULL, NULL);
}
