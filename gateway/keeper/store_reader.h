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
#include "config/config.h"
#include "keeper/store_driver.h"
#include "keeper/worker.h"

struct store_reader;

enum store_read_kind {
	STORE_READ_PAGE,
	STORE_READ_GET,
	STORE_READ_DUE,
	STORE_READ_QUESTIONS, /* due ones of a merchant */
	STORE_READ_HOLDS,     /* a page of them */
	STORE_READ_HOLD,      /* one */
	STORE_READ_TOTALS
};

struct store_read {
	struct job job;
	enum store_read_kind kind;
	uint64_t owner, tag; /* the caller's own */
	/* What is asked for. */
	struct receipt_id id;		  /* GET, HOLD */
	char merchant[RECEIPT_MERCHANT];  /* all but DUE; empty: any */
	char invoice_id[RECEIPT_INVOICE]; /* PAGE; empty: any */
	uint64_t after_seq;		  /* PAGE, HOLDS */
	size_t limit;			  /* all but GET, HOLD, TOTALS */
	uint32_t endpoint_id;		  /* DUE */
	int64_t now_us;			  /* DUE, QUESTIONS */
	bool release;			  /* HOLD: the caller's own, */
	char by[CONFIG_NAME];		  /* and this */
	/* The answer. */
	enum status status; /* ST_OK, ST_NOT_FOUND, ST_BUSY or ST_IO */
	struct store_due
	    *rows; /* but of HOLDS, HOLD; attempt: DUE, QUESTIONS */
	struct store_life *lives; /* HOLDS, HOLD */
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
