#include "config/whsec.h"

#include <stdint.h>

#include "base/secret.h"

static const char prefix[] = "whsec_";

/* Of a letter of RFC 4648 base64, or -1. */
static int
sextet(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static bool
decode(struct bytes text, unsigned char *out, size_t *len)
{
	uint32_t bits = 0;
	size_t pads = 0, n = 0;

	if (text.len == 0 || text.len % 4 != 0)
		return false;
	while (pads < 2 && text.ptr[text.len - 1 - pads] == '=')
		pads++;
	if (text.len / 4 * 3 - pads > WHSEC_MOST)
		return false;
	for (size_t i = 0; i < text.len - pads; i++) {
		int v = sextet(text.ptr[i]);
		unsigned spare = 6 - 2 * (i % 4);

		if (v < 0)
			return false;
		bits = (bits << 6 | (uint32_t)v) & 0xffffff;
		if (i % 4 != 0)
			out[n++] = (unsigned char)(bits >> spare);
	}
	*len = n;
	/* Bits behind the last byte have to be zero. */
	return (bits & ((1U << 2 * pads) - 1)) == 0;
}

bool
whsec_decode(struct bytes text, unsigned char out[WHSEC_MOST], size_t *len)
{
	size_t n = sizeof(prefix) - 1;

	*len = 0;
	if (text.len > n && memcmp(text.ptr, prefix, n) == 0 &&
	    decode(bytes_make(text.ptr + n, text.len - n), out, len) &&
	    *len >= WHSEC_LEAST)
		return true;
	secret_wipe(out, WHSEC_MOST);
	*len = 0;
	return false;
}
