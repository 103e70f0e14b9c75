/*
 * When to try a delivery again: a pure function of when it was first due and
 * of how many attempts have failed, so that only these two need storing.
 */
#ifndef RECEIPT_BACKOFF_H
#define RECEIPT_BACKOFF_H

#include <stdint.h>

/*
 * The time, in the unit and on the clock of first_us, of the attempt that
 * follows `failed` failed ones (0: first_us itself), but never before
 * earliest_us.  The gaps grow to a day and stay there.  seed spreads
 * deliveries: up to a tenth of the gap (at least 1 s) is added, never taken
 * away.
 */
int64_t backoff_next_us(
    int64_t first_us, uint32_t failed, int64_t earliest_us, uint64_t seed);

#endif
