/*
 * Where a store lies: its folder and files belong to the gateway's user, or
 * to root, and nobody else gets at them.
 */
#ifndef KEEPER_PLACE_H
#define KEEPER_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/*
 * The folder of path and, where they are there, path and its companions.
 * ST_CONFIG with words, and the command that repairs it, in e when one of
 * them is open to others or somebody else's; a file that is no file; a folder
 * that is not there.  look_only: root may look at everybody's store.
 */
MUST_USE enum status
place_check(const char *path, bool look_only, struct err *e);

/* The folder that path is in; false when that does not fit. */
MUST_USE bool place_folder(const char *path, char *out, size_t cap);

/* fsync() that folder: a file's name is as durable as its bytes. */
MUST_USE enum status place_sync(const char *path, struct err *e);

#endif
