/*
 * Decisions: a person's word on a held payment.  The hold is read first, to
 * learn whose it is and who is owed the receipt.  Loop thread.
 */
#ifndef KEEPER_DECISIONS_H
#define KEEPER_DECISIONS_H

#include "keeper/offers.h"
#include "keeper/peers.h"

struct decisions {
	struct peers *peers;
	const struct routes *routes;
	struct store_reader *reader;
	struct store_queue *queue;
	struct offers *deliveries; /* of what is released */
};

/* A DECIDE of p.  false: p does not read its answers. */
MUST_USE bool decisions_ask(
    const struct decisions *d, struct peer *p, const struct msg_decide *m);

/* Was this read asked for by decisions_ask()? */
bool decisions_is_read(const struct store_read *read);

void
decisions_read_done(const struct decisions *d, const struct store_read *read);

/* The store answered. */
void decisions_done(const struct decisions *d, const struct store_op *op);

#endif
