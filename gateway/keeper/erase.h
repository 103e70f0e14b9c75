/*
 * Requests to erase an invoice: the ledger's head read, erased in one
 * transaction, then the log emptied, then the store's files searched for what
 * was there, and only then answered.  Who asked may be gone by then; the work
 * goes on.  Loop thread.
 */
#ifndef KEEPER_ERASE_H
#define KEEPER_ERASE_H

#include "keeper/offers.h"
#include "keeper/peers.h"

struct erase_job;

struct erase {
	struct peers *peers;
	const struct routes *routes;
	struct store_reader *reader;
	struct store_queue *queue;
	struct offers *deliveries, *questions;
	/* Its own, zero at first. */
	struct erase_job *jobs;
	uint64_t last; /* job's number */
};

/* An ERASE of p.  false: p does not read its answers. */
MUST_USE bool
erase_ask(struct erase *e, struct peer *p, const struct msg_erase *m);

/* The store answered ERASE, or a FLUSH, whosever it is. */
void erase_done(struct erase *e, const struct store_op *op);
void erase_flushed(struct erase *e, const struct store_op *op);

/* Is it a search, or the ledger's head?  It always is one of ours. */
bool erase_is_read(const struct store_read *read);
void erase_read_done(struct erase *e, const struct store_read *read);

/* Every second: what had to wait is tried again. */
void erase_tick(struct erase *e);

/* Forget all jobs; neither queue nor reader works any more. */
void erase_end(struct erase *e);

#endif
