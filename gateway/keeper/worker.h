/*
 * A worker: a thread that does for the loop what may block.
 *
 * Jobs submitted in one turn are handed over together when it ends, so that
 * they share what the worker does with all that gathered.  They come back in
 * order.  Everything but `run` happens on the loop thread; a job is touched
 * by one thread at a time.
 */
#ifndef KEEPER_WORKER_H
#define KEEPER_WORKER_H

#include <stddef.h>

#include "base/loop.h"

/* Embedded first in what has to be done. */
struct job {
	struct job *next;
};

struct worker;

struct worker_config {
	struct loop *loop;
	size_t most; /* jobs of one run; 0: all that gathered */
	/* Worker thread: do this list, which stays as it is. */
	void (*run)(void *arg, struct job *jobs);
	/* Loop thread: the list is done and the owner's again.  Never from
	 * inside a call of this unit. */
	void (*done)(void *arg, struct job *jobs);
	void *arg;
};

MUST_USE enum status
worker_new(struct worker **out, const struct worker_config *cfg, struct err *e);

/* Takes job until it comes back. */
void worker_submit(struct worker *w, struct job *job);

/* Let a run that is on its way end, end the thread, release w.  Gives back
 * what `done` has not seen, run or not, for the owner to free.  NULL is fine.
 */
struct job *worker_stop(struct worker *w);

#endif
