/*
 * Which files a room may open, by Landlock.  Part of sandbox.h.
 */
#ifndef SUPERVISOR_SANDBOX_PATHS_H
#define SUPERVISOR_SANDBOX_PATHS_H

#include "base/status.h"

/*
 * From now on this thread, and those that it starts, can bind to no port and
 * signal nobody outside, where the kernel knows how, and can open only
 * public: the files and folders that resolving names and checking certificates
 *     needs, to read them;
 * store: the files in the folder of this store, or in that which a link leads
 *     to, to do anything with them, and the kernel's random numbers; connects
 *     nowhere;
 * nothing: no file; connects nowhere.
 * A kernel without Landlock passes.
 */
MUST_USE enum status sandbox_paths_public(struct err *e);
MUST_USE enum status sandbox_paths_store(const char *store, struct err *e);
MUST_USE enum status sandbox_paths_nothing(struct err *e);

/* The version of Landlock that the kernel has; 0 without. */
int sandbox_paths_version(void);

#endif
