/*
 * When to try again, a delivery or a question: a pure function of when it was
 * first due and of how many attempts have failed, so that only these two need
 * storing.
 */
#ifndef RECEIPT_BACKOFF_H
#define RECEIPT_BACKOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backoff {
	const int64_t *gaps_ms; /* from one attempt to the next */
	size_t n;		/* at least 1 */
	bool ends;		/* or else the last gap repeats */
	int64_t jitter_ms;	/* at least so much of it, above 0 */
};

extern const struct backoff backoff_questions; /* 1 s to an hour */

/*
 * The time, in microseconds on the clock of first_us, of the attempt that
 * follows `failed` failed ones (0: first_us itself), but never before
 * earliest_us; INT64_MAX when the schedule has ended.  seed spreads attempts:
 * up to a tenth of the gap (at least jitter_ms, at most 15 minutes) is added,
 * never taken away.
 */
int64_t backoff_next_us(const struct backoff *b, int64_t first_us,
    uint32_t failed, int64_t earliest_us, uint64_t seed);

#endif
