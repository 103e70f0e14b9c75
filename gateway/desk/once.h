/*
 * Idempotency-Key: what a token asked for under a key is done once, and the
 * answer given again.  In memory, for a day, the newest ONCE_MOST of all
 * tokens.  Answers that say "not now" are not kept: the next one counts; nor
 * are those of more than 4 KiB, of which no change has any.  Loop thread.
 */
#ifndef DESK_ONCE_H
#define DESK_ONCE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "net/server.h"

#define ONCE_MOST  4096
#define ONCE_KEY   255 /* characters of a key */
#define ONCE_DAY_S 86400

struct once;

enum once_verdict {
	ONCE_NEW,     /* do it */
	ONCE_RUNNING, /* it is being done */
	ONCE_REPLAY,  /* it was done: *status and *body are the answer */
	ONCE_REUSED,  /* the key was used for something else */
	ONCE_BAD,     /* no key that can be */
	ONCE_FULL     /* no memory */
};

MUST_USE enum status once_new(struct once **out, struct err *e);
void once_free(struct once *o); /* NULL is fine */

/*
 * A request of the token at this place carries the key `field`, quoted or
 * bare; request is its method and target.  ONCE_NEW: once_answered() has to
 * follow for id.  body is borrowed until the next call.  Monotonic time.
 */
MUST_USE enum once_verdict once_begin(struct once *o, size_t token,
    struct bytes field, struct bytes request, exchange_id id, int64_t now_us,
    int *status, struct bytes *body);

/* id is answered so; nothing happens if it had no key. */
void
once_answered(struct once *o, exchange_id id, int status, struct bytes body);

#endif
