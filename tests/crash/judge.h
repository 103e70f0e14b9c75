/*
 * Is a store that was found after a power cut what it has to be?
 */
#ifndef CRASH_JUDGE_H
#define CRASH_JUDGE_H

#include "work.h"

/* Opened as at a start, it has everything that was acknowledged before the
 * cut, nothing of what was not begun, a transaction whole or not at all,
 * nothing that was erased, a ledger that verifies; and takes a payment.
 * NULL: so it is; else what is wrong. */
const char *judge_store(const char *folder, const struct work *w, size_t cut);

#endif
