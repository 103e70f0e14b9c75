#include "store_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "driver_cases.h"
#include "driver_memory.h"

void
store_bench_open(struct store_bench *f)
{
	struct err e = { "" };

	assert_int_equal(
	    f->driver->open(&f->writer, f->path, STORE_WRITE, &e), ST_OK);
	assert_int_equal(
	    f->driver->open(&f->reader, f->path, STORE_READ, &e), ST_OK);
}

void
store_bench_close(struct store_bench *f)
{
	f->driver->close(f->reader);
	f->driver->close(f->writer);
	f->reader = f->writer = NULL;
}

static int
set_up(void **state, const struct store_driver *driver)
{
	struct store_bench *f = calloc(1, sizeof(*f));
	int64_t disabled;

	assert_non_null(f);
	f->driver = driver;
	driver_cases_folder(f->path, sizeof(f->path));
	store_bench_open(f);
	assert_int_equal(
	    driver->endpoint(f->writer, "main", &f->main_id, &disabled), ST_OK);
	assert_int_equal(
	    driver->endpoint(f->writer, "backup", &f->backup_id, &disabled),
	    ST_OK);
	*state = f;
	return 0;
}

int
store_bench_set_up_memory(void **state)
{
	return set_up(state, &store_driver_memory);
}

int
store_bench_set_up_sqlite(void **state)
{
	return set_up(state, &store_driver_sqlite);
}

int
store_bench_tear_down(void **state)
{
	struct store_bench *f = *state;

	store_bench_close(f);
	driver_memory_forget();
	driver_cases_remove(f->path);
	free(f);
	return 0;
}

void
store_bench_begin(struct store_bench *f)
{
	assert_int_equal(f->driver->begin(f->writer), ST_OK);
}

void
store_bench_commit(struct store_bench *f)
{
	assert_int_equal(f->driver->commit(f->writer), ST_OK);
}

enum status
store_bench_wait(struct store_bench *f, uint32_t n, const char *merchant)
{
	struct receipt r = driver_cases_receipt(n, merchant);
	enum status st;

	store_bench_begin(f);
	st = f->driver->wait(f->writer, &r, "");
	store_bench_commit(f);
	return st;
}

void
store_bench_wait_range(
    struct store_bench *f, uint32_t from, uint32_t to, const char *merchant)
{
	for (uint32_t n = from; n <= to; n++)
		assert_int_equal(store_bench_wait(f, n, merchant), ST_OK);
}

enum status
store_bench_put(struct store_bench *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	enum status st;

	store_bench_begin(f);
	st = f->driver->put(f->writer, &r, &f->main_id, 1);
	store_bench_commit(f);
	return st;
}

struct store_life
store_bench_find(struct store_bench *f, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	struct store_life now;

	memset(&now, 0xa5, sizeof(now));
	store_bench_begin(f);
	assert_int_equal(f->driver->find(f->writer, &r.id, &now), ST_OK);
	store_bench_commit(f);
	return now;
}

enum status
store_bench_again(struct store_bench *f, uint64_t n, uint32_t attempt,
    uint32_t denied, int64_t next_us)
{
	const struct store_again a = {
		.n = n, .attempt = attempt, .denied = denied, .next_us = next_us
	};
	enum status st;

	store_bench_begin(f);
	st = f->driver->again(f->writer, &a);
	store_bench_commit(f);
	return st;
}

struct store_move
store_bench_planned(
    struct store_bench *f, uint32_t n, enum life from, enum life to)
{
	return (struct store_move){ .from = from,
		.to = to,
		.n = store_bench_find(f, n).n,
		.receipt = driver_cases_receipt(n, "testbox"),
		.reason = REASON_RISK,
		.at_us = driver_cases_received_us(60),
		.endpoint_ids = &f->main_id,
		.n_endpoints = 1 };
}

enum status
store_bench_do(struct store_bench *f, const struct store_move *m)
{
	enum status st;

	store_bench_begin(f);
	st = f->driver->move(f->writer, m);
	store_bench_commit(f);
	return st;
}

enum status
store_bench_move(
    struct store_bench *f, uint32_t n, enum life from, enum life to)
{
	struct store_move m = store_bench_planned(f, n, from, to);

	return store_bench_do(f, &m);
}

void
store_bench_bring(struct store_bench *f, uint32_t n, enum life to)
{
	if (to == LIFE_ABSENT)
		return;
	assert_int_equal(store_bench_wait(f, n, "testbox"), ST_OK);
	if (to != LIFE_WAITING)
		assert_int_equal(
		    store_bench_move(f, n, LIFE_WAITING, to), ST_OK);
	assert_int_equal(store_bench_find(f, n).life, to);
}

static void
take_due(void *arg, const struct store_due *due)
{
	struct store_bench_dues *dues = arg;

	assert_true(dues->n < ARRAY_LEN(dues->due));
	dues->due[dues->n++] = *due;
}

struct store_bench_dues
store_bench_questions(
    struct store_bench *f, const char *merchant, int64_t now_us, size_t limit)
{
	struct store_bench_dues dues = { 0 };

	assert_int_equal(f->driver->questions(f->reader, merchant, now_us,
			     limit, take_due, &dues, &dues.next_us),
	    ST_OK);
	return dues;
}

struct store_bench_dues
store_bench_deliveries(struct store_bench *f, uint32_t endpoint, int64_t now_us)
{
	struct store_bench_dues dues = { 0 };

	assert_int_equal(f->driver->due(f->reader, endpoint, false, now_us, 64,
			     take_due, &dues, &dues.next_us),
	    ST_OK);
	return dues;
}

static void
take_life(void *arg, const struct store_life *life)
{
	struct store_bench_lives *lives = arg;

	assert_true(lives->n < ARRAY_LEN(lives->life));
	lives->life[lives->n++] = *life;
}

struct store_bench_lives
store_bench_holds(
    struct store_bench *f, uint64_t after, const char *merchant, size_t limit)
{
	const struct store_query q = {
		.after_seq = after, .merchant = merchant, .limit = limit
	};
	struct store_bench_lives lives = { 0 };

	assert_int_equal(
	    f->driver->holds(f->reader, &q, take_life, &lives, &lives.more),
	    ST_OK);
	return lives;
}

struct store_totals
store_bench_totals(struct store_bench *f)
{
	struct store_totals t;

	memset(&t, 0xa5, sizeof(t));
	assert_int_equal(f->driver->totals(f->reader, &t), ST_OK);
	return t;
}

void
store_bench_expect_totals(struct store_bench *f, uint64_t receipts,
    uint64_t pending, uint64_t waiting, uint64_t held)
{
	struct store_totals t = store_bench_totals(f);

	assert_int_equal(t.receipts, receipts);
	assert_int_equal(t.deliveries_pending, pending);
	assert_int_equal(t.waiting, waiting);
	assert_int_equal(t.held, held);
}

void
store_bench_expect_same(const struct store_life *a, const struct store_life *b)
{
	assert_int_equal(a->life, b->life);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->reason, b->reason);
	assert_true(a->held_at_us == b->held_at_us);
	assert_int_equal(a->is_answered, b->is_answered);
	assert_memory_equal(&a->claimed, &b->claimed, sizeof(a->claimed));
	assert_memory_equal(&a->answered, &b->answered, sizeof(a->answered));
}

bool
store_bench_is_zero(const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++) {
		if (b[i] != 0)
			return false;
	}
	return true;
}
