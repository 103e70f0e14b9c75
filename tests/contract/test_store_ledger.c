/* How every store driver keeps the ledger: each case runs against each
 * driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "store_bench.h"

#define MOST 64
#define AT   driver_cases_received_us(90)
#define DAY  INT64_C(86400000000)

/* All that an audit gives. */
struct seen {
	size_t n_leaves, n_openings, n_heads, faults;
	struct store_leaf leaves[MOST];
	struct store_opening openings[MOST];
	struct store_head heads[MOST];
	uint64_t receipts;
};

static void
take_leaf(void *arg, const struct store_leaf *leaf)
{
	struct seen *s = arg;

	assert_true(s->n_leaves < MOST);
	s->leaves[s->n_leaves++] = *leaf;
}

static void
take_opening(void *arg, const struct store_opening *o)
{
	struct seen *s = arg;

	assert_true(s->n_openings < MOST);
	s->openings[s->n_openings++] = *o;
}

static void
take_head(void *arg, const struct store_head *h)
{
	struct seen *s = arg;

	assert_true(s->n_heads < MOST);
	s->heads[s->n_heads++] = *h;
}

static void
take_fault(void *arg, const char *words)
{
	struct seen *s = arg;

	(void)words;
	s->faults++;
}

static struct seen *
look(struct store_bench *f, uint64_t from)
{
	static struct seen seen;
	struct store_audit a = { .head = take_head,
		.leaf = take_leaf,
		.from = from,
		.opening = take_opening,
		.fault = take_fault,
		.arg = &seen };

	memset(&seen, 0, sizeof(seen));
	assert_int_equal(f->driver->audit(f->reader, &a), ST_OK);
	assert_int_equal(seen.faults, 0);
	seen.receipts = a.receipts;
	return &seen;
}

static void
put(struct store_bench *f, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n <= to; n++)
		assert_int_equal(store_bench_put(f, n), ST_OK);
}

static enum status
erase(struct store_bench *f, uint32_t n, enum erasure why)
{
	struct store_move m =
	    store_bench_planned(f, n, LIFE_CONFIRMED, LIFE_ERASED);

	m.why = why;
	m.at_us = AT;
	return store_bench_do(f, &m);
}

/* Until all leaves are looked at. */
static void
keep_head(struct store_bench *f, int64_t before_us, int64_t at_us, size_t most)
{
	bool more = true;

	while (more) {
		store_bench_begin(f);
		assert_int_equal(f->driver->keep_head(
				     f->writer, before_us, at_us, most, &more),
		    ST_OK);
		store_bench_commit(f);
	}
}

static void
expect_same(const struct ledger_hash *a, const struct ledger_hash *b)
{
	assert_memory_equal(a->b, b->b, LEDGER_HASH);
}

/* Every leaf counts on, every opening opens its own. */
static void
expect_sound(const struct seen *s)
{
	struct ledger_hash hash;

	for (size_t i = 0; i < s->n_leaves; i++) {
		const struct store_leaf *leaf = &s->leaves[i];

		assert_false(leaf->damaged);
		assert_true(leaf->n == i);
		if (!leaf->is_erasure)
			continue;
		assert_int_equal(ledger_erased(&leaf->erasure, &hash), ST_OK);
		expect_same(&hash, &leaf->hash);
		expect_same(
		    &leaf->erasure.hash, &s->leaves[leaf->erasure.of].hash);
	}
	for (size_t i = 0; i < s->n_openings; i++) {
		const struct store_opening *o = &s->openings[i];

		assert_false(o->damaged);
		assert_int_equal(ledger_receipt(&o->salt, o->row.seq,
				     &o->row.receipt, &hash),
		    ST_OK);
		expect_same(&hash, &o->hash);
		expect_same(&hash, &s->leaves[o->leaf].hash);
	}
	assert_true(s->receipts == s->n_openings);
}

static void
every_receipt_has_a_leaf_that_it_opens(void **state)
{
	struct store_bench *f = *state;
	struct seen *s = look(f, 0);

	assert_int_equal(s->n_leaves + s->n_openings + s->n_heads, 0);
	put(f, 1, 3);
	store_bench_bring(f, 4, LIFE_WAITING);
	store_bench_bring(f, 5, LIFE_HELD);
	assert_int_equal(
	    store_bench_move(f, 4, LIFE_WAITING, LIFE_CONFIRMED), ST_OK);
	s = look(f, 0);
	expect_sound(s);
	assert_int_equal(s->n_leaves, 4);
	assert_int_equal(s->n_openings, 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(s->openings[i].leaf == i);
}

static void
no_two_salts_are_the_same(void **state)
{
	struct store_bench *f = *state;
	struct seen *s;

	put(f, 1, 10);
	s = look(f, 0);
	for (size_t i = 0; i < 10; i++) {
		assert_false(
		    store_bench_is_zero(&s->openings[i].salt, LEDGER_SALT));
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(&s->openings[i].salt,
			    &s->openings[j].salt, LEDGER_SALT);
	}
}

static void
what_is_known_gets_no_second_leaf(void **state)
{
	struct store_bench *f = *state;

	put(f, 1, 2);
	assert_int_equal(store_bench_put(f, 1), ST_EXISTS);
	put(f, 3, 3);
	expect_sound(look(f, 0));
	assert_int_equal(look(f, 0)->n_leaves, 3);
}

static void
an_abort_takes_the_leaf_back(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");

	put(f, 1, 1);
	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, NULL, 0), ST_OK);
	f->driver->abort(f->writer);
	assert_int_equal(look(f, 0)->n_leaves, 1);
	put(f, 3, 4);
	expect_sound(look(f, 0));
	assert_int_equal(look(f, 0)->n_leaves, 3);
}

static void
an_erasure_leaves_a_leaf_of_its_own(void **state)
{
	struct store_bench *f = *state;
	struct ledger_hash was;
	struct seen *s;

	put(f, 1, 3);
	was = look(f, 0)->leaves[1].hash;
	assert_int_equal(erase(f, 2, ERASURE_REQUEST), ST_OK);
	assert_int_equal(erase(f, 3, ERASURE_AGE), ST_OK);
	s = look(f, 0);
	expect_sound(s);
	assert_int_equal(s->n_leaves, 5);
	assert_int_equal(s->n_openings, 1);
	expect_same(&s->leaves[1].hash, &was);
	assert_true(s->leaves[3].is_erasure);
	assert_true(s->leaves[3].erasure.of == 1);
	assert_int_equal(s->leaves[3].erasure.why, ERASURE_REQUEST);
	assert_true(s->leaves[3].erasure.at_us == AT);
	assert_true(s->leaves[4].erasure.of == 2);
	assert_int_equal(s->leaves[4].erasure.why, ERASURE_AGE);
}

static void
what_was_no_receipt_leaves_no_leaf(void **state)
{
	struct store_bench *f = *state;

	store_bench_bring(f, 1, LIFE_WAITING);
	store_bench_bring(f, 2, LIFE_HELD);
	assert_int_equal(
	    store_bench_move(f, 1, LIFE_WAITING, LIFE_ERASED), ST_OK);
	assert_int_equal(
	    store_bench_move(f, 2, LIFE_HELD, LIFE_REFUSED), ST_OK);
	assert_int_equal(look(f, 0)->n_leaves, 0);
}

static void
an_erasure_that_is_aborted_leaves_none(void **state)
{
	struct store_bench *f = *state;
	struct store_move m;

	put(f, 1, 2);
	m = store_bench_planned(f, 1, LIFE_CONFIRMED, LIFE_ERASED);
	store_bench_begin(f);
	assert_int_equal(f->driver->move(f->writer, &m), ST_OK);
	f->driver->abort(f->writer);
	expect_sound(look(f, 0));
	assert_int_equal(look(f, 0)->n_leaves, 2);
	assert_int_equal(look(f, 0)->n_openings, 2);
}

static void
one_receipt_is_opened_by_its_id(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(2, "testbox");
	struct store_opening o;

	put(f, 1, 3);
	assert_int_equal(f->driver->opening(f->reader, &r.id, &o), ST_OK);
	assert_false(o.damaged);
	assert_memory_equal(&o.row.receipt, &r, sizeof(r));
	assert_memory_equal(
	    &o.salt, &look(f, 0)->openings[1].salt, sizeof(o.salt));
	assert_true(o.leaf == 1);
	assert_int_equal(erase(f, 2, ERASURE_REQUEST), ST_OK);
	assert_int_equal(
	    f->driver->opening(f->reader, &r.id, &o), ST_NOT_FOUND);
}

static void
an_audit_begins_where_it_is_told(void **state)
{
	struct store_bench *f = *state;
	struct seen *s;

	put(f, 1, 5);
	s = look(f, 3);
	assert_int_equal(s->n_leaves, 2);
	assert_true(s->leaves[0].n == 3);
	assert_int_equal(s->n_openings, 5);
}

/* ---- heads */

static void
expect_head(const struct store_head *h, const struct seen *s, uint64_t size,
    int64_t at_us)
{
	struct ledger_tree t = { 0 };
	struct ledger_hash is, should;

	for (uint64_t i = 0; i < size; i++)
		ledger_append(&t, &s->leaves[i].hash);
	assert_false(h->damaged);
	assert_true(h->tree.size == size);
	assert_true(h->at_us == at_us);
	assert_int_equal(ledger_root(&h->tree, &is), ST_OK);
	assert_int_equal(ledger_root(&t, &should), ST_OK);
	expect_same(&is, &should);
}

static void
a_head_is_of_all_leaves_there_are(void **state)
{
	struct store_bench *f = *state;
	struct seen *s;

	put(f, 1, 5);
	keep_head(f, AT - DAY, AT, 100);
	put(f, 6, 7);
	assert_int_equal(erase(f, 2, ERASURE_AGE), ST_OK);
	keep_head(f, AT + 1, AT + DAY, 100);
	s = look(f, 0);
	assert_int_equal(s->n_heads, 2);
	expect_head(&s->heads[0], s, 5, AT);
	expect_head(&s->heads[1], s, 8, AT + DAY);
}

static void
leaves_are_looked_at_in_steps(void **state)
{
	struct store_bench *f = *state;
	struct seen *s;

	for (size_t most = 1; most <= 6; most++) {
		uint32_t n = (uint32_t)(most - 1) * 5;

		put(f, n + 1, n + 5);
		keep_head(f, INT64_MAX, AT + (int64_t)most, most);
	}
	s = look(f, 0);
	assert_int_equal(s->n_heads, 6);
	for (size_t i = 0; i < 6; i++)
		expect_head(&s->heads[i], s, 5 * (i + 1), AT + (int64_t)i + 1);
}

static void
no_head_is_kept_that_says_nothing_new(void **state)
{
	struct store_bench *f = *state;

	keep_head(f, INT64_MAX, AT, 100);
	assert_int_equal(look(f, 0)->n_heads, 0);
	put(f, 1, 2);
	keep_head(f, AT - DAY, AT, 100);
	/* The same leaves; then others, but it is too early. */
	keep_head(f, INT64_MAX, AT + DAY, 100);
	put(f, 3, 3);
	keep_head(f, AT, AT + DAY, 100);
	assert_int_equal(look(f, 0)->n_heads, 1);
	keep_head(f, AT + 1, AT + DAY, 100);
	assert_int_equal(look(f, 0)->n_heads, 2);
}

static void
a_head_goes_on_where_the_last_one_ended(void **state)
{
	struct store_bench *f = *state;
	struct seen *s;

	put(f, 1, 6);
	keep_head(f, INT64_MAX, AT, 100);
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	store_bench_open(f);
	put(f, 7, 9);
	keep_head(f, INT64_MAX, AT + 1, 2);
	s = look(f, 0);
	assert_int_equal(s->n_heads, 2);
	expect_head(&s->heads[1], s, 9, AT + 1);
}

static void
leaves_that_are_taken_back_are_in_no_head(void **state)
{
	struct store_bench *f = *state;
	struct receipt r = driver_cases_receipt(3, "testbox");
	struct seen *s;
	bool more;

	put(f, 1, 2);
	store_bench_begin(f);
	assert_int_equal(f->driver->put(f->writer, &r, NULL, 0), ST_OK);
	assert_int_equal(
	    f->driver->keep_head(f->writer, INT64_MAX, AT, 100, &more), ST_OK);
	f->driver->abort(f->writer);
	assert_int_equal(look(f, 0)->n_heads, 0);
	put(f, 4, 5);
	keep_head(f, INT64_MAX, AT, 100);
	s = look(f, 0);
	assert_int_equal(s->n_heads, 1);
	expect_head(&s->heads[0], s, 4, AT);
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
		CASE(every_receipt_has_a_leaf_that_it_opens),
		CASE(no_two_salts_are_the_same),
		CASE(what_is_known_gets_no_second_leaf),
		CASE(an_abort_takes_the_leaf_back),
		CASE(an_erasure_leaves_a_leaf_of_its_own),
		CASE(what_was_no_receipt_leaves_no_leaf),
		CASE(an_erasure_that_is_aborted_leaves_none),
		CASE(one_receipt_is_opened_by_its_id),
		CASE(an_audit_begins_where_it_is_told),
		CASE(a_head_is_of_all_leaves_there_are),
		CASE(leaves_are_looked_at_in_steps),
		CASE(no_head_is_kept_that_says_nothing_new),
		CASE(a_head_goes_on_where_the_last_one_ended),
		CASE(leaves_that_are_taken_back_are_in_no_head),
	};

	return cmocka_run_group_tests_name("store_ledger", tests, NULL, NULL);
}
