/*
 * What came of a request to erase an invoice, as JSON: members as in
 * schemas/erasure.schema.json.  It names payments by id and the invoice not at
 * all, so that it may be kept.  Pure; any thread.
 */
#ifndef RECEIPT_CERTIFICATE_H
#define RECEIPT_CERTIFICATE_H

#include "base/buf.h"
#include "receipt/life.h"

struct certificate_head {
	uint64_t size;
	unsigned char root[32];
};

struct certificate {
	bool dry_run; /* nothing was erased */
	bool proved;  /* the search is done */
	int64_t at_us;
	uint32_t receipts, waiting, held;
	uint32_t files; /* searched, and how much of them */
	uint64_t bytes;
	uint64_t hits;			       /* copies that were found */
	struct certificate_head before, after; /* the ledger's */
};

/* In this order: the begin, each payment with commas between, the end. */
void certificate_begin(struct buf *out);
void certificate_payment(
    const struct receipt_id *id, enum life was, struct buf *out);
void certificate_end(const struct certificate *c, struct buf *out);

#endif
