/*
 * Reading what SSLCommerz answers: the door of the asker.
 *
 * Bodies are JSON, parsed in an arena that is wiped before a call returns;
 * only what stands in the results below leaves.  The documented forms are
 * read, and their known variations: numbers as texts, one object or a list,
 * a byte order mark.  Anything else, a doubled key among it, is NONSENSE: it
 * says neither yes nor no.
 *
 * Pure but for memory.  One thread for the whole process: Jansson's allocator
 * is set here.
 */
#ifndef ASKER_READING_H
#define ASKER_READING_H

#include "intake/intake.h"

#define READING_BODY  (256 * 1024) /* longer answers are not read */
#define READING_FOUND 16	   /* paid payments of one tran_id */

struct reading;

/* What an answer says of the payment that was asked about. */
struct reading_verdict {
	enum reason reason;	 /* PAID ... UNPAID, PENDING, NONSENSE, REQUEST,
				  * CREDENTIALS or INACTIVE */
	bool is_answered;	 /* HELD reasons about this very payment */
	struct receipt answered; /* id, merchant and times as claimed; zero
				  * unless is_answered */
};

/* identity_key: copied. */
MUST_USE enum status reading_new(
    struct reading **out, const unsigned char identity_key[32], struct err *e);

/* NULL is fine. */
void reading_free(struct reading *r);

/*
 * The answer to a question by val_id: one object.  A denial without
 * APIConnect = DONE is NONSENSE: wrong credentials can look like that.
 */
void reading_by_val_id(struct reading *r, const struct merchant_rules *m,
    const struct receipt *claimed, struct bytes body,
    struct reading_verdict *out);

/*
 * The answer to a question by tran_id: every attempt at this payment.  Meant
 * is the one whose val_id gives claimed->id; without it, UNKNOWN, or PENDING
 * when one of them may still become it.
 */
void reading_by_tran_id(struct reading *r, const struct merchant_rules *m,
    const struct receipt *claimed, struct bytes body,
    struct reading_verdict *out);

/*
 * All paid payments of the answer to a question by tran_id, with received_us
 * as their received_at; *n of them.  PAID when there is one; else why not.
 * More than READING_FOUND, or one that cannot be kept: NONSENSE and none.
 */
enum reason reading_lookup(struct reading *r, const struct merchant_rules *m,
    struct bytes body, int64_t received_us,
    struct intake_payment found[READING_FOUND], size_t *n);

#endif
