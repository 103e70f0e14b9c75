/*
 * Memory that is wiped as a whole, and JSON in it.
 *
 * Blocks are handed out one behind the other and never taken back one by one.
 * Jansson has one allocator for the whole process: no other thread may use it
 * during arena_load().
 */
#ifndef ASKER_ARENA_H
#define ASKER_ARENA_H

#include <stddef.h>

#include <jansson.h>

#include "base/bytes.h"
#include "base/hidden.h"
#include "base/status.h"

struct arena {
	unsigned char *memory; /* zero from used on; its beginning is hidden */
	size_t cap, used;
	struct hidden hidden;
};

/* cap bytes, which cost nothing before they are used.  ST_NO_MEMORY: nothing
 * is held.  Otherwise arena_fini() by the caller. */
MUST_USE enum status arena_init(struct arena *a, size_t cap);
void arena_fini(struct arena *a);

/* n bytes, aligned for anything; NULL when they are not left. */
void *arena_take(struct arena *a, size_t n);

/* So many bytes are enough for arena_load() of text and a little more: 64 for
 * each value. */
size_t arena_need(struct bytes text);

/*
 * The object or array that text is.  NULL when it is neither, has a doubled
 * key, a NUL or what is no UTF-8, or needs more memory than a, which has to be
 * empty, holds.  The values stay until arena_wipe(); nobody releases them.
 */
json_t *arena_load(struct arena *a, struct bytes text);

/* Empty again, and what was used is zero. */
void arena_wipe(struct arena *a);

#endif
