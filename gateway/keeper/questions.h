/*
 * Questions about waiting payments: what askers are offered, per merchant,
 * and what becomes of a payment by the answers.  Loop thread.
 */
#ifndef KEEPER_QUESTIONS_H
#define KEEPER_QUESTIONS_H

#include "keeper/offers.h"

extern const struct offers_kind questions_kind;

/* An asker's message.  false: it makes no sense; end it. */
MUST_USE bool questions_verdict(
    struct offers *o, uint64_t asker, const struct msg_verdict *m);

/* A payment of this merchant waits. */
void questions_waits(struct offers *o, const char *merchant);

/* The store answered: to ask again, or a move. */
void questions_again_done(struct offers *o, const struct store_op *op);
void questions_move_done(struct offers *o, const struct store_op *op);

#endif
