/*
 * The event loop of a room: libevent's, with work at the end of each turn.
 *
 * Things that arrive in one turn are handed over together when it ends (a
 * batch of records, a flush); whoever has such work keeps a loop_turn.  One
 * thread; only loop_stop() may be called from a turn or callback.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <event2/event.h>

#include "base/status.h"

struct loop;

/* Work for the end of each turn, embedded by its owner, who sets fn and arg. */
struct loop_turn {
	void (*fn)(void *arg);
	void *arg;
	struct loop_turn *next;
};

MUST_USE enum status loop_new(struct loop **out, struct err *e);

/* Every event has to be gone.  NULL is fine. */
void loop_free(struct loop *l);

struct event_base *loop_base(struct loop *l);

/* Run turn->fn at the end of every turn until loop_turn_remove().  Borrowed.
 * Turns run in the order in which they were added; one that is added by a
 * turn runs in the same round. */
void loop_turn_add(struct loop *l, struct loop_turn *turn);
void loop_turn_remove(struct loop *l, struct loop_turn *turn);

/* Run until loop_stop(); the work of turns runs before the first wait and
 * once more after the stop.  After each turn the log is flushed, the stack
 * below is wiped as by secret_wipe_stack(), and the registers of vectors. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
