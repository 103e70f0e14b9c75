/*
 * What each room may still ask of the kernel once it is set up.
 */
#ifndef SUPERVISOR_SANDBOX_H
#define SUPERVISOR_SANDBOX_H

#include "base/status.h"
#include "message/message.h"

/* For every process that holds secrets: no core files; its memory is closed
 * to others of the same user, rooms among them; no new privileges by running
 * another program. */
MUST_USE enum status sandbox_private(struct err *e);

/* For every room, before its set-up: sandbox_private(), no capabilities, ends
 * with its parent.  Of a gateway that was started as root, rooms without files
 * of their own (all but the keeper) are nobody (65534) from here on, as far as
 * the container lets them. */
MUST_USE enum status sandbox_early(enum party room, struct err *e);

/* For the supervisor once its sockets are open: of root's capabilities those
 * to change ids, to signal, and to read. */
MUST_USE enum status sandbox_supervisor(struct err *e);

/* For the keeper, before its set-up makes threads: of the file system the
 * folder of its store alone, and no connection.  A kernel without Landlock
 * passes. */
MUST_USE enum status sandbox_store(const char *store, struct err *e);

/*
 * After set-up: the file system closed by Landlock, as far as the kernel has
 * it (for the keeper: sandbox_store()), then the room's seccomp filter, over
 * all its threads.  ST_INTERNAL with words in e when the kernel refuses.
 *
 *   edge, desk       no file, no connection; die of any call but reading,
 *                    writing, accepting and getting memory
 *   keeper           its folder; dies of any call but those for files and of
 *                    its daily work; no socket, no process, no thread more
 *   asker, courier   connect, and read the public files that names and
 *                    certificates are checked by; die of what no library of
 *                    theirs has a reason to try, other calls are refused,
 *                    since libraries try some and go on without
 *   supervisor       dies of looking into other processes and of changing the
 *                    kernel or its name spaces, and every room with it
 *
 * Asker and courier resolve names by files and DNS alone: no other module of
 * nsswitch.conf can be loaded.  When /etc/resolv.conf is replaced by another
 * file, instead of rewritten, they have to be started again to read that.
 */
MUST_USE enum status sandbox_close(enum party room, struct err *e);

/* The version of Landlock that walls are made with; 0: none. */
int sandbox_landlock(void);

#endif
