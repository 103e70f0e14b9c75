#include "config/whsec.h"

#include <stdint.h>
#include <string.h>

#include "base/secret.h"

static const char secret_prefix[] = "whsec_";
static const char key_prefix[] = "whsk_";

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

/* The bytes behind prefix. */
static bool
decode_behind(const char *prefix, struct bytes text,
    unsigned char out[WHSEC_MOST], size_t *len)
{
	size_t n = strlen(prefix);

	*len = 0;
	return text.len > n && memcmp(text.ptr, prefix, n) == 0 &&
	       decode(bytes_make(text.ptr + n, text.len - n), out, len);
}

bool
whsec_decode(struct bytes text, unsigned char out[WHSEC_MOST], size_t *len)
{
	if (decode_behind(secret_prefix, text, out, len) && *len >= WHSEC_LEAST)
		return true;
	secret_wipe(out, WHSEC_MOST);
	*len = 0;
	return false;
}

bool
whsk_decode(struct bytes text, unsigned char out[ED25519_SEED])
{
	unsigned char raw[WHSEC_MOST], public_key[ED25519_PUBLIC];
	bool good = false;
	size_t len;

	if (decode_behind(key_prefix, text, raw, &len)) {
		good = len == ED25519_SEED;
		if (len == ED25519_SEED + ED25519_PUBLIC)
			good = ed25519_public(raw, public_key) == ST_OK &&
			       secret_equal(public_key, raw + ED25519_SEED,
				   ED25519_PUBLIC);
	}
	if (good)
		memcpy(out, raw, ED25519_SEED);
	else
		secret_wipe(out, ED25519_SEED);
	secret_wipe(raw, sizeof(raw));
	return good;
}
