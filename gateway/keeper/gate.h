/*
 * The gate of one endpoint: may another attempt be sent to it now, and if
 * not, when to look again.
 *
 * Four things hold it back.  The rate: so many attempts a second, with a
 * burst of at most a tenth of that.  The window: so many at once.  A pause
 * that the endpoint asked for (429, or Retry-After).  The breaker: after
 * GATE_FAILURES attempts in a row that say the endpoint is away it opens; one
 * probe goes out after GATE_PROBE_US, then twice that, to GATE_PROBE_MOST_US;
 * the first success lets two through at once, and each further success one
 * more, until the window is open again, so that a recovery is no stampede.
 * And 410 shuts it until a person opens it.
 *
 * All times are monotonic microseconds.  Pure.  Any thread.
 */
#ifndef KEEPER_GATE_H
#define KEEPER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "receipt/delivery.h"

#define GATE_FAILURES	   10
#define GATE_PROBE_US	   INT64_C(1000000)
#define GATE_PROBE_MOST_US INT64_C(60000000)
#define GATE_PAUSE_US	   INT64_C(30000000) /* 429 without Retry-After */

enum gate_state {
	GATE_OPEN,
	GATE_PAUSED,  /* the endpoint asked for it */
	GATE_PROBING, /* the breaker is open */
	GATE_RAMPING, /* the endpoint is back, not yet at full width */
	GATE_SHUT     /* 410 */
};

struct gate {
	uint32_t window; /* of the taker that gets what is new; 0: none */
	int64_t rate;	 /* attempts a second */
	uint32_t in_flight;
	/* Private. */
	uint32_t ramp;	      /* may be in flight; 0: as many as window */
	uint32_t failures;    /* in a row */
	int64_t probe_gap_us; /* 0: the breaker is closed */
	int64_t closed_until_us;
	int64_t tokens_us, refilled_us; /* of the rate: a token is 1e6/rate */
	bool shut, paused, probing;
};

/* What an attempt says about its endpoint. */
enum gate_sign {
	GATE_WELL,    /* it took it */
	GATE_ALIVE,   /* it refused this one, as 4xx do */
	GATE_AWAY,    /* no answer, or 408, 425, 5xx */
	GATE_LIMITED, /* 429 */
	GATE_GONE     /* 410 */
};

enum gate_sign gate_sign(enum outcome o, uint32_t http_status);

/* An open gate without a window. */
void gate_init(struct gate *g, int64_t now_us);

/* May one more go out now?  false: *wake_us is when to look again, INT64_MAX
 * when an answer, a window or a person has to come first. */
MUST_USE bool gate_may(struct gate *g, int64_t now_us, int64_t *wake_us);

/* One goes out. */
void gate_sent(struct gate *g, int64_t now_us);

/* One came back.  retry_after_s: the pause that the endpoint asked for; 0:
 * none.  GATE_WELL, GATE_ALIVE and GATE_GONE ask for none.
 * gate_lost(): it came back without having been tried. */
void gate_answered(
    struct gate *g, enum gate_sign s, uint32_t retry_after_s, int64_t now_us);
void gate_lost(struct gate *g);

/* Shut it, or open it again. */
void gate_shut(struct gate *g, bool shut);

enum gate_state gate_state(const struct gate *g, int64_t now_us);

#endif
