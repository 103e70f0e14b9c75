/*
 * What a request to erase an invoice does in the store: all that is held on
 * it, if it may go, is gone in one transaction.  Blocking; the thread that has
 * the store.
 */
#ifndef KEEPER_ERASURE_H
#define KEEPER_ERASURE_H

#include "keeper/store_driver.h"
#include "message/message.h"
#include "receipt/retain.h"

struct erasure_ask {
	char merchant[RECEIPT_MERCHANT];
	char invoice_id[RECEIPT_INVOICE];
	enum erase_action action;
	int64_t at_us;
	int64_t at_least_us; /* the merchant's term */
	int64_t tell_at_us;  /* when endpoints get their notices */
};

struct erasure_result {
	enum retain why; /* FREE: these are gone, or would be */
	int64_t until_us;
	bool legal_hold;
	bool more;			  /* ask again for the rest */
	uint32_t receipts, waiting, held; /* of what is in gone */
	size_t n;
	struct store_life gone[MESSAGE_GONE];
};

/* In a transaction of the writer.  ST_OK also when nothing is there or may not
 * go; after anything else only abort makes sense. */
MUST_USE enum status erasure_apply(const struct store_driver *d,
    struct store *s, const struct erasure_ask *ask, struct erasure_result *out);

/*
 * The whole of it for who has the store alone: all batches, each a transaction,
 * the log emptied, the files searched.  fn gets what is or was there; *end is
 * filled in but for its tag and status.  Otherwise as erasure_apply().
 */
MUST_USE enum status erasure_run(const struct store_driver *d, struct store *s,
    const struct erasure_ask *ask, store_life_fn *fn, void *arg,
    struct msg_erased *end);

#endif
