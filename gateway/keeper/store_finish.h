/*
 * What operations of a batch ask for behind its commit.  Worker thread.
 */
#ifndef KEEPER_STORE_FINISH_H
#define KEEPER_STORE_FINISH_H

#include "keeper/store_queue.h"

/* ST_OK: each flush and scrub among the jobs has its status.  ST_IO: the store
 * failed. */
MUST_USE enum status
store_finish(const struct store_driver *d, struct store *s, struct job *jobs);

#endif
