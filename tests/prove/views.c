#include "views.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct search {
	struct views *v;
	enum canary_view view;
	bool mapped;	     /* hits stand in v->decoded */
	size_t at, up, down; /* else: at + hit.at * up / down */
};

bool
views_init(struct views *v, size_t cap)
{
	memset(v, 0, sizeof(*v));
	v->cap = cap;
	v->decoded = malloc(cap);
	v->changed = malloc(cap);
	v->source = malloc(cap * sizeof(*v->source));
	return canary_cards_init(&v->cards) && v->decoded != NULL &&
	       v->changed != NULL && v->source != NULL;
}

void
views_fini(struct views *v)
{
	canary_cards_fini(&v->cards);
	free(v->decoded);
	free(v->changed);
	free(v->source);
}

static void
tell(struct search *s, enum canary_view view, const struct canary_hit *found)
{
	struct canary_hit hit = *found;

	if (s->mapped) {
		/* What was only copied has been seen where it stands. */
		if (memchr(s->v->changed + hit.at, 1, hit.len) == NULL)
			return;
		hit.at = s->v->source[hit.at];
	} else {
		hit.at = s->at + hit.at * s->up / s->down;
	}
	s->v->on_hit(s->v->arg, view, &hit);
}

static void
on_found(void *arg, const struct canary_hit *hit)
{
	struct search *s = arg;

	tell(s, s->view, hit);
}

static void
on_wide(void *arg, const struct canary_hit *hit)
{
	tell(arg, CANARY_WIDE, hit);
}

static void
search(struct search *s, const unsigned char *data, size_t len)
{
	canary_find(
	    data, len, on_found, s->view == CANARY_RAW ? on_wide : NULL, s);
	canary_find_cards(&s->v->cards, data, len, on_found, s);
}

/* ---- runs of an alphabet's letters, decoded from each start */

static int
hex_value(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static const struct alphabet {
	enum canary_view view;
	int (*value)(unsigned char c);
	unsigned bits;	 /* of a letter */
	size_t phases;	 /* letters until a byte starts with a letter again */
	size_t shortest; /* letters of a piece */
} alphabets[] = {
	{ CANARY_HEX, hex_value, 4, 2, 12 },
	{ CANARY_BASE64, base64_value, 6, 4, 8 },
};

static size_t
decode(const struct alphabet *a, const unsigned char *data, size_t len,
    unsigned char *out)
{
	uint32_t held = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		held = held << a->bits | (uint32_t)a->value(data[i]);
		bits += a->bits;
		if (bits < 8)
			continue;
		bits -= 8;
		out[n++] = (unsigned char)(held >> bits);
	}
	return n;
}

static void
search_run(struct views *v, const struct alphabet *a, const unsigned char *data,
    size_t at, size_t len)
{
	for (size_t p = 0; p < a->phases && p < len; p++) {
		struct search s = { .v = v,
			.view = a->view,
			.at = at + p,
			.up = 8,
			.down = a->bits };
		size_t n = decode(a, data + at + p, len - p, v->decoded);

		search(&s, v->decoded, n);
	}
}

/* A run of the shortest length covers every so manieth byte. */
static void
search_alphabet(struct views *v, const struct alphabet *a,
    const unsigned char *data, size_t len)
{
	size_t done = 0, at = a->shortest - 1;

	while (at < len) {
		size_t start = at, end = at;

		if (a->value(data[at]) >= 0) {
			while (start > done && a->value(data[start - 1]) >= 0)
				start--;
			while (end < len && a->value(data[end]) >= 0)
				end++;
			if (end - start >= a->shortest)
				search_run(v, a, data, start, end - start);
			done = end;
			at = end;
		}
		at += a->shortest;
	}
}

/* ---- escapes of URLs, JSON and C */

/* The value of n hex digits, -1 when they are not there. */
static int
number(const unsigned char *p, size_t left, size_t n)
{
	int value = 0;

	if (left < n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

static size_t
utf8(int value, unsigned char *out)
{
	if (value < 0x80) {
		out[0] = (unsigned char)value;
		return 1;
	}
	if (value < 0x800) {
		out[0] = (unsigned char)(0xc0 | value >> 6);
		out[1] = (unsigned char)(0x80 | (value & 0x3f));
		return 2;
	}
	out[0] = (unsigned char)(0xe0 | value >> 12);
	out[1] = (unsigned char)(0x80 | (value >> 6 & 0x3f));
	out[2] = (unsigned char)(0x80 | (value & 0x3f));
	return 3;
}

/* The escape at p: its bytes to out, its length; 0 when it is none. */
static size_t
unescape(const unsigned char *p, size_t left, unsigned char *out, size_t *n)
{
	int value;

	if (left < 2)
		return 0;
	if (p[0] == '%' || p[1] == 'x') {
		size_t skip = p[0] == '%' ? 1 : 2;

		value = number(p + skip, left - skip, 2);
		out[0] = (unsigned char)value;
		*n = 1;
		return value < 0 ? 0 : skip + 2;
	}
	if (p[1] == 'u') {
		value = number(p + 2, left - 2, 4);
		if (value >= 0)
			*n = utf8(value, out);
		return value < 0 ? 0 : 6;
	}
	out[0] = p[1];
	*n = 1;
	return p[1] == '/' || p[1] == '"' || p[1] == '\\' ? 2 : 0;
}

/* No escape becomes longer. */
static void
search_escaped(struct views *v, const unsigned char *data, size_t len)
{
	struct search s = { .v = v, .view = CANARY_ESCAPED, .mapped = true };
	size_t n = 0, at = 0;

	if (memchr(data, '%', len) == NULL && memchr(data, '\\', len) == NULL)
		return;
	while (at < len) {
		unsigned char text[4] = { data[at] };
		size_t made = 1, taken = 0;

		if (data[at] == '%' || data[at] == '\\')
			taken = unescape(data + at, len - at, text, &made);
		if (taken == 0)
			made = 1;
		for (size_t i = 0; i < made; i++) {
			v->decoded[n] = taken > 0 ? text[i] : data[at];
			v->changed[n] = taken > 0;
			v->source[n++] = at;
		}
		at += taken > 0 ? taken : 1;
	}
	search(&s, v->decoded, n);
}

void
views_search(struct views *v, const unsigned char *data, size_t len)
{
	struct search raw = { .v = v, .view = CANARY_RAW, .up = 1, .down = 1 };

	search(&raw, data, len);
	for (size_t i = 0; i < sizeof(alphabets) / sizeof(alphabets[0]); i++)
		search_alphabet(v, &alphabets[i], data, len);
	search_escaped(v, data, len);
}
