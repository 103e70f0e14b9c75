/*
 * A circuit breaker: whoever does not answer is left alone for a while.
 *
 * Closed, everything may go.  Some failures in a row open it: nothing may go
 * for a while, then one probe.  The probe's answer closes it; its failure
 * doubles the while.  A pure function of the times given, in microseconds.
 * One thread at a time.
 */
#ifndef ASKER_BREAKER_H
#define ASKER_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define BREAKER_FAILURES   5 /* in a row */
#define BREAKER_FIRST_US   INT64_C(2000000)
#define BREAKER_LONGEST_US INT64_C(60000000)

struct breaker {
	bool open;
	bool probing; /* the probe is under way */
	unsigned failures;
	int64_t gap_us;	  /* how long it stays open; up to a tenth is added */
	int64_t until_us; /* while open: when the probe may go */
	uint64_t seed;	  /* of what is added */
};

void breaker_init(struct breaker *b, uint64_t seed);

/* From when on something may go; INT64_MAX while a probe is under way. */
int64_t breaker_next_us(const struct breaker *b);

/* Something goes, when it may.  true: it is the probe, which has to be told
 * below. */
MUST_USE bool breaker_take(struct breaker *b);

/* There was an answer.  true: this closes it. */
MUST_USE bool breaker_answered(struct breaker *b);

/* There was none.  Of what was under way when it opened, only the probe's
 * failure counts.  true: this opens it, it was closed. */
MUST_USE bool breaker_failed(struct breaker *b, bool probe, int64_t now_us);

#endif
