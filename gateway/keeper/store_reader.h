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
	STORE_READ_TOTALS,
	STORE_READ_DELIVERIES, /* a page of them */
	STORE_READ_ATTEMPTS,   /* of one */
	STORE_READ_MARK,
	STORE_READ_TOKENS,
	STORE_READ_ROOT,  /* of the ledger; one step */
	STORE_READ_SEARCH /* the files, for what is gone; one step */
};

struct store_read {
	struct job job;
	enum store_read_kind kind;
	uint64_t owner, tag; /* the caller's own */
	/* What is asked for. */
	struct receipt_id id; /* GET, HOLD, ATTEMPTS; DELIVERIES: zero: any */
	char merchant[RECEIPT_MERCHANT]; /* all but DUE; empty: any */
	/* PAGE, DELIVERIES; empty: any */
	char invoice_id[RECEIPT_INVOICE];
	char currency[MONEY_CURRENCY]; /* PAGE; empty: any */
	char name[CONFIG_NAME];	       /* MARK; ATTEMPTS: the endpoint */
	uint64_t after_seq;	       /* PAGE, HOLDS; DELIVERIES: position */
	int64_t from_us, to_us;	       /* PAGE: paid_at; DELIVERIES:
					* received_at */
	bool desc, undelivered;	       /* PAGE */
	enum delivery_state state;     /* DELIVERIES */
	size_t limit;		       /* of what comes in rows; SEARCH: bytes;
					* ROOT: leaves */
	uint32_t endpoint_id;	       /* DUE; DELIVERIES: 0: any */
	bool ordered;		       /* DUE */
	int64_t now_us;		       /* DUE, QUESTIONS */
	const struct store_life *gone; /* SEARCH; borrowed until answered */
	size_t n_gone;
	struct store_search search; /* SEARCH: and the answer */
	uint64_t size;		    /* ROOT: the answer, and: */
	struct ledger_hash root;
	/* The caller's own. */
	bool release;	      /* HOLD */
	char by[CONFIG_NAME]; /* HOLD, DELIVERIES */
	uint32_t action;      /* DELIVERIES: enum redeliver_action */
	bool changes;	      /* DELIVERIES: to act on, not to show */
	/* The answer. */
	enum status status; /* ST_OK, ST_NOT_FOUND, ST_BUSY or ST_IO */
	/* One of them, by kind; n of it. */
	struct store_due *rows;	  /* PAGE, GET, DUE, QUESTIONS */
	struct store_life *lives; /* HOLDS, HOLD */
	struct store_delivery *deliveries;
	struct delivery_attempt *attempts;
	struct store_token *tokens;
	size_t n, cap;
	struct store_mark mark;
	bool more;
	uint64_t last; /* PAGE, DELIVERIES */
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
