/*
 * The two clocks.
 *
 * Timers and measured spans use the monotonic one; stamps that leave the
 * process use the wall one.  Order never comes from a clock.  Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_us(void);

/* Microseconds since an arbitrary start; never steps back. */
int64_t clock_mono_us(void);

#endif
