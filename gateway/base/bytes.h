/*
 * A borrowed view of bytes: pointer and length, no terminator.
 *
 * The view is good for as long as its owner says; it owns nothing.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct bytes {
	const unsigned char *ptr;
	size_t len;
};

static inline struct bytes
bytes_make(const void *ptr, size_t len)
{
	return (struct bytes){ .ptr = ptr, .len = len };
}

/* The bytes of s without its terminator. */
static inline struct bytes
bytes_of(const char *s)
{
	return bytes_make(s, strlen(s));
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len &&
	       (a.len == 0 ||
		   (a.ptr[0] == b.ptr[0] && memcmp(a.ptr, b.ptr, a.len) == 0));
}

/* Not constant in time: for names and tokens of a grammar, not for secrets. */
static inline bool
bytes_is(struct bytes a, const char *s)
{
	return a.len == 0 ? *s == '\0'
			  : a.ptr[0] == (unsigned char)*s &&
				bytes_equal(a, bytes_of(s));
}

/* Cut the next line off the front of *rest, which is not empty. */
static inline struct bytes
bytes_cut_line(struct bytes *rest)
{
	const unsigned char *end = memchr(rest->ptr, '\n', rest->len);
	size_t n = end == NULL ? rest->len : (size_t)(end - rest->ptr);
	struct bytes line = bytes_make(rest->ptr, n);

	n += end != NULL;
	*rest = bytes_make(rest->ptr + n, rest->len - n);
	return line;
}

/* The value of a hex digit of either case, -1 for any other byte. */
static inline int
bytes_hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

#endif
