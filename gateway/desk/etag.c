#include "desk/etag.h"

#include <string.h>

#include "base/secret.h"

#define DIGITS 32 /* half of a SHA-256 digest: nobody has to be kept out */

enum status
etag_of(struct bytes body, char out[ETAG_TEXT])
{
	char hex[SECRET_SHA256_HEX];
	enum status st = secret_sha256_hex(body.ptr, body.len, hex);

	out[0] = '"';
	memcpy(out + 1, hex, DIGITS);
	out[1 + DIGITS] = '"';
	out[2 + DIGITS] = '\0';
	return st;
}

bool
etag_listed(struct bytes field, const char etag[ETAG_TEXT])
{
	const size_t len = ETAG_TEXT - 1;

	if (bytes_is(field, "*"))
		return true;
	/* Quotes cannot stand inside a tag, so that a tag with its quotes is
	 * one of the list wherever it stands; weak comparison takes it with
	 * W/ in front as well. */
	for (size_t i = 0; i + len <= field.len; i++) {
		if (memcmp(field.ptr + i, etag, len) == 0)
			return true;
	}
	return false;
}
