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

/*
 * After set-up, before the room has threads: its seccomp filter; the asker's
 * file system besides, closed to all but the public files that names and
 * certificates are checked by.  Rooms without a filter of their own pass, and
 * a kernel that has no Landlock.  ST_INTERNAL with words in e when the kernel
 * refuses.
 *
 * The asker resolves names by files and DNS alone: no other module of
 * nsswitch.conf can be loaded.  When /etc/resolv.conf is replaced by another
 * file, instead of rewritten, it has to be started again to read that.
 */
MUST_USE enum status sandbox_close(enum party room, struct err *e);

#endif
