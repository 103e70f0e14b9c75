/*
 * The payments of the simulated world: what SSLCommerz knows, tells in
 * callbacks and answers, and what has to become of each.
 */
#ifndef SIMULATION_PAYMENTS_H
#define SIMULATION_PAYMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/id.h"
#include "gateway.h"

#define PAYMENTS 2500 /* of one world, at most */

struct payment {
	struct receipt_id id;
	char text[ID_TEXT]; /* of the id */
	size_t merchant;
	uint32_t n;  /* in val_id, tran_id and the amount */
	bool forged; /* its signature is wrong */
	bool paid;   /* SSLCommerz knows it */
	int64_t made_us, acked_us;
	unsigned sends, under_way;
	bool acked, committed;
	/* What the provider has said so far. */
	unsigned confirmed, denied, contradicted;
	bool checked;		 /* it was asked about without a callback */
	bool released, rejected; /* a person was asked */
	/* When erasure was asked for, and answered; 0: not. */
	int64_t erase_us, erased_us;
	unsigned taken[ENDPOINTS]; /* by each */
	uint64_t digest[ENDPOINTS];
};

extern struct payment payments[PAYMENTS];
extern size_t n_payments;

/* Begin to send callbacks, one payment in about so long. */
void payments_start(int64_t every_us);

/* By the id or its text; NULL: there is none. */
struct payment *payments_find(const struct receipt_id *id);
struct payment *payments_named(struct bytes text);

/* May it be a receipt, as far as that has to be confirmed? */
bool payments_confirmed(const struct payment *p);

/* A transaction with this payment was committed. */
void payments_committed(const struct receipt_id *id);

/* A room answers the request of arg. */
void payments_answering(void *arg, int listener, int status);

/* Nobody has the store open: what is in it has to be right.  At the end
 * nothing may wait any more. */
void payments_audit(bool end);

/* Has every genuine one been acknowledged, or given up by its sender? */
bool payments_heard(void);

#endif
