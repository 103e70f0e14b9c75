/*
 * What an operation of the commit queue does to a payment.
 *
 * Here alone it is decided what becomes of a payment that a check found, or
 * that a person released: by how it stands in the transaction, not by how it
 * stood when somebody looked.  Between begin and commit: on the worker
 * thread, or in a command that holds the store.
 */
#ifndef KEEPER_MOVES_H
#define KEEPER_MOVES_H

#include "keeper/store_queue.h"

/* Apply op, any but ENDPOINT, and set what it says once it is answered.  May
 * be asked again in another transaction.  The answer is op's status. */
MUST_USE enum status
moves_apply(const struct store_driver *d, struct store *s, struct store_op *op);

#endif
