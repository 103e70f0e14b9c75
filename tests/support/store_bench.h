/*
 * A store of any driver, with payments in any state, for tests.  Each change
 * is a transaction of its own; what is read comes from a second handle.
 * Payments are those of driver_cases_receipt().
 */
#ifndef STORE_BENCH_H
#define STORE_BENCH_H

#include "keeper/store_driver.h"

#define STORE_BENCH_LATER (INT64_MAX - 1) /* everything is due by then */

struct store_bench {
	const struct store_driver *driver;
	char path[300];
	struct store *writer, *reader;
	uint32_t main_id, backup_id; /* endpoints */
};

struct store_bench_dues {
	size_t n;
	int64_t next_us;
	struct store_due due[64];
};

struct store_bench_lives {
	size_t n;
	bool more;
	struct store_life life[64];
};

/* Fixtures for cmocka. */
int store_bench_set_up_memory(void **state);
int store_bench_set_up_sqlite(void **state);
int store_bench_tear_down(void **state);

/* Both handles, again. */
void store_bench_open(struct store_bench *f);
void store_bench_close(struct store_bench *f);

void store_bench_begin(struct store_bench *f);
void store_bench_commit(struct store_bench *f);

/* Payment n waits; of testbox, it is a receipt owed to main. */
enum status
store_bench_wait(struct store_bench *f, uint32_t n, const char *merchant);
void store_bench_wait_range(
    struct store_bench *f, uint32_t from, uint32_t to, const char *merchant);
enum status store_bench_put(struct store_bench *f, uint32_t n);
enum status store_bench_again(struct store_bench *f, uint64_t n,
    uint32_t attempt, uint32_t denied, int64_t next_us);

/* How payment n of testbox stands, seen by the writer. */
struct store_life store_bench_find(struct store_bench *f, uint32_t n);

/* A move of it, for a risk, owed to main, at the time at which number 60
 * comes.  Then the same, done. */
struct store_move store_bench_planned(
    struct store_bench *f, uint32_t n, enum life from, enum life to);
enum status store_bench_do(struct store_bench *f, const struct store_move *m);
enum status store_bench_move(
    struct store_bench *f, uint32_t n, enum life from, enum life to);

/* Payment n of testbox, unknown so far, gets there. */
void store_bench_bring(struct store_bench *f, uint32_t n, enum life to);

struct store_bench_dues store_bench_questions(
    struct store_bench *f, const char *merchant, int64_t now_us, size_t limit);
struct store_bench_dues store_bench_deliveries(
    struct store_bench *f, uint32_t endpoint, int64_t now_us);
struct store_bench_lives store_bench_holds(
    struct store_bench *f, uint64_t after, const char *merchant, size_t limit);
struct store_totals store_bench_totals(struct store_bench *f);

void store_bench_expect_totals(struct store_bench *f, uint64_t receipts,
    uint64_t pending, uint64_t waiting, uint64_t held);
void
store_bench_expect_same(const struct store_life *a, const struct store_life *b);

bool store_bench_is_zero(const void *p, size_t n);

#endif
