/*
 * Memory for libcurl that is wiped before it is given back: what it copies of
 * a URL, a header or an answer stays nowhere.
 *
 * Any thread.  Takes memory of malloc() too.
 */
#ifndef CLIENT_WIPED_H
#define CLIENT_WIPED_H

#include <stddef.h>

#include "base/attr.h"

MUST_USE void *wiped_malloc(size_t n);
MUST_USE void *wiped_calloc(size_t n, size_t size);

/* Always moves, so that the old block can be wiped. */
MUST_USE void *wiped_realloc(void *p, size_t n);
MUST_USE char *wiped_strdup(const char *s);

/* NULL is fine. */
void wiped_free(void *p);

#endif
