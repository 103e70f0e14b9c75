/*
 * A commit queue and a reader over the fault driver, on a loop, for tests.
 */
#ifndef QUEUE_BENCH_H
#define QUEUE_BENCH_H

#include "base/metrics.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"

#define QUEUE_BENCH_MOST 64 /* puts that may wait */

struct queue_bench {
	/* Of this process, through all tests. */
	const struct metrics_page *page;
	const struct store_driver *driver;
	struct store *writer, *reader;
	struct loop *loop;
	struct store_queue *queue;
	struct store_reader *reads;
	struct event *limit;
	bool late;
	/* What was answered. */
	size_t wanted, n;
	uint64_t tags[1024];
	enum status statuses[1024];
	struct store_op last;
	size_t batches;
	size_t n_rows;
	enum status read_status;
	/* Of the last read, the first ones. */
	struct store_due dues[4];
	struct store_life lives[4];
	bool more;
	int64_t next_us;
};

/* Fixtures for cmocka. */
int queue_bench_set_up(void **state);
int queue_bench_tear_down(void **state);

/* Receipt n of testbox, with the tag n, for nobody. */
enum status queue_bench_put(struct queue_bench *f, uint32_t n);

/* Run until `wanted` answers have come in all. */
void queue_bench_run_until(struct queue_bench *f, size_t wanted);

/* One turn of the loop: what was put is handed over. */
void queue_bench_one_turn(struct queue_bench *f);

#endif
