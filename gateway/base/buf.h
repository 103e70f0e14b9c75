/*
 * A growing byte buffer with a ceiling, wiped whenever it lets memory go.
 *
 * A buffer that would pass its ceiling, or cannot get memory, keeps what it
 * has and remembers the failure, so that a run of appends needs one check at
 * its end.  One thread at a time.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/status.h"

struct buf {
	unsigned char *data; /* len bytes, followed by a NUL when not NULL */
	size_t len;
	size_t cap;
	size_t ceiling;
	enum status failed; /* first failure since init or reset */
};

/* An empty buffer that never holds more than ceiling bytes. */
void buf_init(struct buf *b, size_t ceiling);

/* Append n bytes.  A failure is remembered, see buf_status(). */
void buf_append(struct buf *b, const void *data, size_t n);
void buf_append_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ST_OK, or why the first failing append since init or reset failed. */
MUST_USE enum status buf_status(const struct buf *b);

struct bytes buf_bytes(const struct buf *b);

/* Forget and wipe the content, keep the memory. */
void buf_reset(struct buf *b);

/* Wipe and release; b is empty and usable again with the same ceiling. */
void buf_fini(struct buf *b);

#endif
