/*
 * Fill a store through its driver: fill PATH RECEIPTS ERASED BATCH.
 *
 * ERASED: of a hundred receipts, so many are erased again.  BATCH: receipts
 * of one transaction.  Heads of the ledger are kept after half of the
 * receipts, after all, and after half of the erasures.  Prints what it took.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "driver_cases.h"
#include "keeper/store_driver.h"

static const struct store_driver *const driver = &store_driver_sqlite;

static void
must(enum status st, const char *what)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "fill: %s: %s\n", what, status_name(st));
	exit(1);
}

static void
put(struct store *s, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	must(driver->put(s, &r, NULL, 0), "put");
}

/* seq is n: the store was empty. */
static void
erase(struct store *s, uint32_t n)
{
	const struct store_move m = { .from = LIFE_CONFIRMED,
		.to = LIFE_ERASED,
		.n = n,
		.receipt = driver_cases_receipt(n, "testbox"),
		.at_us = driver_cases_received_us(n) };

	must(driver->move(s, &m), "erase");
}

static void
keep_head(struct store *s, int64_t at_us)
{
	bool more = true;

	while (more) {
		must(driver->begin(s), "begin");
		must(driver->keep_head(s, INT64_MAX, at_us, 10000, &more),
		    "keep_head");
		must(driver->commit(s), "commit");
	}
}

/* fn for those of `from` to `to` of which so many of a hundred are wanted. */
static void
run(struct store *s, void (*fn)(struct store *s, uint32_t n), uint32_t from,
    uint32_t to, uint32_t percent, uint32_t batch)
{
	for (uint32_t n = from; n <= to;) {
		must(driver->begin(s), "begin");
		for (uint32_t i = 0; i < batch && n <= to; i++, n++) {
			if (n * UINT64_C(7919) % 100 < percent)
				fn(s, n);
		}
		must(driver->commit(s), "commit");
	}
}

int
main(int argc, char **argv)
{
	struct store *s = NULL;
	struct err e = { "" };
	uint32_t all, percent, batch;
	int64_t began_us, put_us;

	if (argc != 5)
		return 2;
	all = (uint32_t)strtoul(argv[2], NULL, 10);
	percent = (uint32_t)strtoul(argv[3], NULL, 10);
	batch = (uint32_t)strtoul(argv[4], NULL, 10);
	must(driver->open(&s, argv[1], STORE_WRITE, &e), e.text);
	began_us = clock_mono_us();
	run(s, put, 1, all / 2, 100, batch);
	keep_head(s, driver_cases_received_us(1));
	run(s, put, all / 2 + 1, all, 100, batch);
	put_us = clock_mono_us();
	keep_head(s, driver_cases_received_us(2));
	run(s, erase, 1, all / 2, percent, batch);
	keep_head(s, driver_cases_received_us(3));
	run(s, erase, all / 2 + 1, all, percent, batch);
	driver->close(s);
	(void)printf("%u receipts stored in %.2f s; erased and closed in "
		     "%.2f s\n",
	    all, (double)(put_us - began_us) / 1e6,
	    (double)(clock_mono_us() - put_us) / 1e6);
	return 0;
}
