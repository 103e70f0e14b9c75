#include "desk/cursor.h"

#include <string.h>

enum { BODY = 1 + 8 + 8, RAW = BODY + 4, LETTERS = CURSOR_TEXT - 1 };

_Static_assert(RAW % 3 == 0 && RAW / 3 * 4 == LETTERS, "no padding needed");

static const char alphabet[64] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void
put(unsigned char *at, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		at[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
}

static uint64_t
get(const unsigned char *at, int n)
{
	uint64_t v = 0;

	for (int i = 0; i < n; i++)
		v = v << 8 | at[i];
	return v;
}

/* CRC-32 (ISO 3309): sure to notice any change that spans up to 32 bits. */
static uint32_t
check(const unsigned char *data, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320 & (0 - (crc & 1)));
	}
	return ~crc;
}

void
cursor_format(
    const struct cursor *c, enum cursor_list list, char out[CURSOR_TEXT])
{
	unsigned char raw[RAW];

	raw[0] = (unsigned char)list;
	put(raw + 1, c->epoch, 8);
	put(raw + 9, c->seq, 8);
	put(raw + BODY, check(raw, BODY), 4);
	for (int i = 0; i < RAW / 3; i++) {
		uint64_t three = get(raw + 3 * i, 3);

		for (int j = 0; j < 4; j++)
			out[4 * i + j] = alphabet[three >> (18 - 6 * j) & 63];
	}
	out[LETTERS] = '\0';
}

bool
cursor_parse(struct bytes text, enum cursor_list list, struct cursor *c)
{
	unsigned char raw[RAW];
	uint64_t three = 0;

	if (text.len != LETTERS)
		return false;
	for (int i = 0; i < LETTERS; i++) {
		const char *at =
		    memchr(alphabet, text.ptr[i], sizeof(alphabet));

		if (at == NULL)
			return false;
		three = three << 6 | (uint64_t)(at - alphabet);
		if (i % 4 == 3)
			put(raw + i / 4 * 3, three, 3);
	}
	if (raw[0] != list || get(raw + BODY, 4) != check(raw, BODY))
		return false;
	c->epoch = get(raw + 1, 8);
	c->seq = get(raw + 9, 8);
	return c->seq <= INT64_MAX;
}
