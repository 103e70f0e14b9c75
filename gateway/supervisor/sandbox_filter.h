/*
 * The seccomp filters of rooms, over all their threads.  Part of sandbox.h.
 */
#ifndef SUPERVISOR_SANDBOX_FILTER_H
#define SUPERVISOR_SANDBOX_FILTER_H

#include "base/status.h"

MUST_USE enum status sandbox_filter_server(struct err *e); /* edge, desk */
MUST_USE enum status sandbox_filter_client(struct err *e); /* asker, courier */
MUST_USE enum status sandbox_filter_keeper(struct err *e);
MUST_USE enum status sandbox_filter_supervisor(struct err *e);

#endif
