/*
 * What each room may still ask of the kernel once it is set up.
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "base/status.h"
#include "message/message.h"

/* For every process that holds secrets: no core files; its memory is closed
 * to others of the same user, rooms among them. */
MUST_USE enum status sandbox_private(struct err *e);

/* For every room, before its set-up: sandbox_private(), no new privileges, no
 * capabilities, ends with its parent. */
MUST_USE enum status sandbox_early(struct err *e);

/* After set-up: the room's seccomp filter, over all its threads.  Rooms
 * without a filter of their own pass.  ST_INTERNAL with words in e when the
 * kernel refuses. */
MUST_USE enum status sandbox_close(enum party room, struct err *e);

#endif
