/*
 * Reading beside the writer: pages, single receipts, due deliveries, totals.
 *
 * A thread of its own on a read-only connection, one short snapshot a read.
 *
 * Loop thread.  Each read is answered once, in order, through on_done, never
 * from inside store_reader_ask() and never after store_reader_free().
 */
#ifndef KEEPER_STORE_READER_H
#define KEEPER_STORE_READER_H

#include "base/loop.h"
#include "keeper/store_driver.h"
#include "keeper/worker.h"

struct store_reader;

enum store_read_kind {
	STORE_READ_PAGE,
	STORE_READ_GET,
	STORE_READ_DUE,
	STORE_READ_TOTALS
};

struct store_read {
	struct job job;
	enum store_read_kind kind;
	uint64_t owner, tag; /* the asker's own */
	/* What is asked for. */
	struct receipt_id id;		  /* GET */
	char merchant[RECEIPT_MERCHANT];  /* PAGE, GET; empty: any */
	char invoice_id[RECEIPT_INVOICE]; /* PAGE; empty: any */
	uint64_t after_seq;		  /* PAGE */
	size_t limit;			  /* PAGE, DUE */
	uint32_t endpoint_id;		  /* DUE */
	int64_t now_us;			  /* DUE */
	/* The answer. */
	enum status status;	/* ST_OK, ST_NOT_FOUND, ST_BUSY or ST_IO */
	struct store_due *rows; /* attempt counts in DUE only */
	size_t n, cap;
	bool more;
	int64_t next_us;
	struct store_totals totals;
};

struct store_reader_config {
	struct loop *loop;
	const struct store_driver *driver;
	struct store *store; /* STORE_READ; the reader's until it is freed */
	size_t most;	     /* reads that may wait */
	/* read and its rows are borrowed for the call. */
	void (*on_done)(void *arg, const struct store_read *read);
	void *arg;
};

MUST_USE enum status store_reader_new(struct store_reader **out,
    const struct store_reader_config *cfg, struct err *e);

/* The members up to the answer are copied.  ST_BUSY: too many wait. */
MUST_USE enum status
store_reader_ask(struct store_reader *r, const struct store_read *ask);

/* Waits for a read on its way.  NULL is fine. */
void store_reader_free(struct store_reader *r);

#endif
