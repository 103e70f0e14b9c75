/*
 * What each room may still ask of the kernel once it is set up.
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "base/status.h"
#include "message/message.h"

/* For every room, before its set-up: no new privileges, no capabilities, no
 * core files, no ptrace by others of the same user, ends with its parent. */
MUST_USE enum status sandbox_early(struct err *e);

/* After set-up: the room's seccomp filter, over all its threads.  Rooms
 * without a filter of their own pass.  ST_INTERNAL with words in e when the
 * kernel refuses. */
MUST_USE enum status sandbox_close(enum party room, struct err *e);

#endif
