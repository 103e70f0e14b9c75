/*
 * Memory for libraries that is wiped before it is given back: what they copy
 * of a request, a header or an answer stays nowhere.
 *
 * Each library is told where it may be named: OpenSSL by secret_start(),
 * libevent by loop_new(), SQLite by its driver, Jansson in asker/, libcurl in
 * client/.  Any thread.  Takes memory of malloc() too, and free() takes this,
 * but for blocks that can be folded (base/fold.h).
 */
#ifndef BASE_WIPED_H
#define BASE_WIPED_H

#include <stddef.h>

#include "base/attr.h"

MUST_USE void *wiped_malloc(size_t n);
MUST_USE void *wiped_calloc(size_t n, size_t size);

/* Always moves, so that the old block can be wiped.  n = 0 frees it: NULL. */
MUST_USE void *wiped_realloc(void *p, size_t n);
MUST_USE char *wiped_strdup(const char *s);

/* NULL is fine. */
void wiped_free(void *p);

/* How many bytes p has, which may be more than were asked for; 0 for NULL. */
size_t wiped_size(void *p);

#endif
