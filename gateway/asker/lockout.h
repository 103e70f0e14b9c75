/*
 * A merchant that SSLCommerz may refuse: which password to use, and whether
 * to ask at all.
 *
 * One refusal puts all passwords in doubt: one question at a time tries the
 * other one.  When each was refused, the merchant is locked out: one question
 * a minute probes, until an answer lets it in.  A pure function of the times
 * given, in microseconds.  One thread at a time.
 */
#ifndef ASKER_LOCKOUT_H
#define ASKER_LOCKOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "receipt/life.h"

#define LOCKOUT_PROBE_US INT64_C(60000000)

enum lockout_trust { LOCKOUT_IN, LOCKOUT_DOUBT, LOCKOUT_OUT };

struct lockout {
	enum lockout_trust trust;
	size_t passwords;
	size_t working;	  /* to try first: the last that worked, or not yet */
	bool probing;	  /* the one question that may go is under way */
	int64_t probe_us; /* OUT: when the next one may go */
	enum reason why;  /* OUT */
};

/* What one question knows; zero at first. */
struct lockout_key {
	unsigned refused; /* bits: passwords that it was refused with */
	size_t password;  /* the one in use */
	bool probe;
};

enum lockout_next {
	LOCKOUT_OTHER,	/* ask again: there is another password */
	LOCKOUT_BEGINS, /* none is left: locked out from now on */
	LOCKOUT_LASTS	/* none is left, as before */
};

void lockout_init(struct lockout *l, size_t passwords);

/* From when on a question may go; INT64_MAX while the one that may is under
 * way. */
int64_t lockout_next_us(const struct lockout *l);

/* Is it locked out, with no question that may go at now_us?  *why says what
 * SSLCommerz answered. */
MUST_USE bool
lockout_shut(const struct lockout *l, int64_t now_us, enum reason *why);

/* A question goes, when it may: its key gets a password that it was not
 * refused with.  One of the three below follows. */
void lockout_take(struct lockout *l, struct lockout_key *key);

/* why: CREDENTIALS or INACTIVE. */
MUST_USE enum lockout_next lockout_refused(struct lockout *l,
    struct lockout_key *key, enum reason why, int64_t now_us);

/* There was an answer to the question itself.  true: no longer locked out. */
MUST_USE bool lockout_let_in(struct lockout *l, const struct lockout_key *key);

/* There was neither. */
void lockout_unclear(
    struct lockout *l, const struct lockout_key *key, int64_t now_us);

#endif
