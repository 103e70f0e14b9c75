/*
 * Where a poll begins, when only the keeper can tell: at the end, at a kept
 * cursor, or, for a stream whose events carry cursors, in which epoch.  Loop
 * thread only.
 */
#ifndef DESK_POLL_BEGIN_H
#define DESK_POLL_BEGIN_H

#include "desk/poll.h"

/* Has the keeper to be asked before p can ask for receipts? */
bool poll_begin_needed(const struct poll *p);

/* Ask it; p's on_done gets the answer. */
void poll_begin_ask(struct poll *p);

/* The answer; false: it is none. */
MUST_USE bool poll_begin_take(struct poll *p, const struct asks_answer *a);

#endif
