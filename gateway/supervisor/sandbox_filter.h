/*
 * The seccomp filters of rooms, over all their threads.  Part of sandbox.h.
 */
#ifndef SUPERVISOR_SANDBOX_FILTER_H
#define SUPERVISOR_SANDBOX_FILTER_H

#include "base/status.h"

/* Reads, writes and accepts; dies of anything else. */
MUST_USE enum status sandbox_filter_edge(struct err *e);

/* Connects, starts threads and opens files to read them besides.  Of what no
 * library of its has a reason to try it dies; other calls are refused, since
 * libraries try some and go on without. */
MUST_USE enum status sandbox_filter_asker(struct err *e);

#endif
