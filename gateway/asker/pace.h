/*
 * A rate: so many a second, evenly.
 *
 * What was not used is not saved up, but for a burst of a hundredth of a
 * second's worth.  A pure function of the times given, in microseconds.  One
 * thread at a time.
 */
#ifndef ASKER_PACE_H
#define ASKER_PACE_H

#include <stdint.h>

struct pace {
	int64_t gap_us;	   /* from one to the next */
	int64_t credit_us; /* so far may one run ahead of the even pace */
	int64_t even_us;   /* when the next would be due at an even pace */
};

/* a_second: 1 to 1,000,000. */
void pace_init(struct pace *p, int64_t a_second);

/* From when on the next may go. */
int64_t pace_next_us(const struct pace *p);

/* One goes at now_us, which is not before pace_next_us(). */
void pace_take(struct pace *p, int64_t now_us);

#endif
