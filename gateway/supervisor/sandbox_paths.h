/*
 * Which files a room may open, by Landlock.  Part of sandbox.h.
 */
#ifndef SUPERVISOR_SANDBOX_PATHS_H
#define SUPERVISOR_SANDBOX_PATHS_H

#include "base/status.h"

/*
 * From now on this thread, and those that it starts, can open only the files
 * and folders that resolving names and checking certificates needs, only to
 * read them; can bind to no port, and signal nobody outside, where the kernel
 * knows how.  A kernel without Landlock passes.
 */
MUST_USE enum status sandbox_paths_public(struct err *e);

#endif
