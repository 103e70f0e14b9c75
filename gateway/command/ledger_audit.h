/*
 * `paysieve ledger verify`: does the store hold what the ledger says?
 *
 * Every leaf has a receipt that opens it, or an erasure; every receipt has a
 * leaf; each head is of the leaves that there are; the file is whole.  What
 * is wrong is said on standard output, by leaf and receipt id.
 */
#ifndef COMMAND_LEDGER_AUDIT_H
#define COMMAND_LEDGER_AUDIT_H

#include "command/ledger_head.h"
#include "keeper/store_driver.h"

/* published: NULL, or a head to hold against it, its signature known to be
 * good.  ST_CORRUPT: something is wrong and was said. */
MUST_USE enum status ledger_audit(const struct store_driver *d, struct store *s,
    const struct ledger_head *published);

#endif
