#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/wiped.h"

void
buf_init(struct buf *b, size_t ceiling)
{
	*b = (struct buf){ .ceiling = ceiling };
}

/* One byte more than cap for the NUL. */
static bool
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap == 0 ? 512 : b->cap;
	unsigned char *data;

	while (cap < need)
		cap = cap > SIZE_MAX / 4 ? need : cap * 2;
	if (cap == SIZE_MAX)
		return false;
	data = wiped_realloc(b->data, cap + 1);
	if (data == NULL)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

static bool
reserve(struct buf *b, size_t n)
{
	if (b->failed != ST_OK)
		return false;
	if (n > b->ceiling || b->len > b->ceiling - n) {
		b->failed = ST_BAD_INPUT;
		return false;
	}
	if ((b->data == NULL || b->len + n > b->cap) && !grow(b, b->len + n)) {
		b->failed = ST_NO_MEMORY;
		return false;
	}
	return true;
}

void
buf_append(struct buf *b, const void *data, size_t n)
{
	if (!reserve(b, n))
		return;
	if (n > 0)
		memcpy(b->data + b->len, data, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void
buf_append_text(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		if (b->failed == ST_OK)
			b->failed = ST_INTERNAL;
		return;
	}
	if (!reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

enum status
buf_status(const struct buf *b)
{
	return b->failed;
}

struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_make(b->data, b->len);
}

void
buf_reset(struct buf *b)
{
	if (b->data != NULL) {
		secret_wipe(b->data, b->len);
		b->data[0] = '\0';
	}
	b->len = 0;
	b->failed = ST_OK;
}

void
buf_fini(struct buf *b)
{
	wiped_free(b->data);
	buf_init(b, b->ceiling);
}
