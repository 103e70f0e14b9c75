#include "base/id.h"

#include <string.h>

static const char alphabet[32] = "abcdefghijklmnopqrstuvwxyz234567";
static const char prefix[] = "rcpt_";

enum { PREFIX = sizeof(prefix) - 1, LETTERS = 26 };

void
id_format(const struct receipt_id *id, char out[ID_TEXT])
{
	memcpy(out, prefix, PREFIX);
	for (int i = 0; i < LETTERS; i++) {
		int bit = i * 5, byte = bit / 8;
		int low = byte + 1 < ID_BYTES ? id->b[byte + 1] : 0;
		int pair = id->b[byte] << 8 | low;

		out[PREFIX + i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	out[PREFIX + LETTERS] = '\0';
}

bool
id_parse(struct bytes text, struct receipt_id *id)
{
	char again[ID_TEXT];

	if (text.len != PREFIX + LETTERS ||
	    memcmp(text.ptr, prefix, PREFIX) != 0)
		return false;
	memset(id, 0, sizeof(*id));
	for (int i = 0; i < LETTERS; i++) {
		const char *at =
		    memchr(alphabet, text.ptr[PREFIX + i], sizeof(alphabet));
		int bit = i * 5, byte = bit / 8, pair;

		if (at == NULL)
			return false;
		pair = (int)(at - alphabet) << (11 - bit % 8);
		id->b[byte] = (unsigned char)(id->b[byte] | pair >> 8);
		if (byte + 1 < ID_BYTES)
			id->b[byte + 1] =
			    (unsigned char)(id->b[byte + 1] | (pair & 255));
	}
	/* The last letter has two bits to spare; they have to be zero. */
	id_format(id, again);
	return memcmp(again, text.ptr, text.len) == 0;
}
