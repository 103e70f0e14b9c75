/*
 * Cursors that the gateway keeps for pollers, and API tokens: when they were
 * last used, and which are revoked.  Loop thread.
 */
#ifndef KEEPER_MARKS_H
#define KEEPER_MARKS_H

#include "keeper/peers.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"

struct marks {
	struct peers *peers;
	struct store_reader *reader;
	struct store_queue *queue;
	uint64_t epoch;
};

/* A MARK, TOKENS, TOKEN_USED or REVOKE of p.  false: p does not read its
 * answers. */
MUST_USE bool marks_ask(const struct marks *m, struct peer *p,
    enum message type, const void *record);

/* Is it one of ours: MARK or TOKENS? */
bool marks_is_read(const struct store_read *read);
void marks_read_done(const struct marks *m, const struct store_read *read);

/* The store answered: MARK, UNMARK or TOKEN.  A revocation is told to every
 * desk. */
void marks_done(const struct marks *m, const struct store_op *op);

#endif
