/*
 * Fill a store through its driver: fill PATH RECEIPTS ERASED BATCH.
 *
 * ERASED: of a hundred receipts, so many are erased again.  BATCH: receipts
 * of one transaction.  Prints what it took.
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
put(struct store *s, uint32_t from, uint32_t to)
{
	must(driver->begin(s), "begin");
	for (uint32_t n = from; n < to; n++) {
		struct receipt r = driver_cases_receipt(n, "testbox");

		must(driver->put(s, &r, NULL, 0), "put");
	}
	must(driver->commit(s), "commit");
}

/* seq is n: the store was empty. */
static void
erase(struct store *s, uint32_t from, uint32_t to, uint32_t percent)
{
	must(driver->begin(s), "begin");
	for (uint32_t n = from; n < to; n++) {
		struct store_move m = { .from = LIFE_CONFIRMED,
			.to = LIFE_ERASED,
			.n = n,
			.receipt = driver_cases_receipt(n, "testbox"),
			.at_us = driver_cases_received_us(n) };

		if (n * UINT64_C(7919) % 100 < percent)
			must(driver->move(s, &m), "erase");
	}
	must(driver->commit(s), "commit");
}

int
main(int argc, char **argv)
{
	struct store *s = NULL;
	struct err e = { "" };
	uint32_t receipts, percent, batch;
	int64_t began_us, put_us;

	if (argc != 5)
		return 2;
	receipts = (uint32_t)strtoul(argv[2], NULL, 10);
	percent = (uint32_t)strtoul(argv[3], NULL, 10);
	batch = (uint32_t)strtoul(argv[4], NULL, 10);
	must(driver->open(&s, argv[1], STORE_WRITE, &e), e.text);
	began_us = clock_mono_us();
	for (uint32_t n = 1; n <= receipts; n += batch)
		put(s, n, n + batch > receipts ? receipts + 1 : n + batch);
	put_us = clock_mono_us();
	for (uint32_t n = 1; n <= receipts && percent > 0; n += batch)
		erase(s, n, n + batch > receipts ? receipts + 1 : n + batch,
		    percent);
	driver->close(s);
	(void)printf("%u receipts stored in %.2f s; erased and closed in "
		     "%.2f s\n",
	    receipts, (double)(put_us - began_us) / 1e6,
	    (double)(clock_mono_us() - put_us) / 1e6);
	return 0;
}
