#include "canary.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIXED 5
#define CARD  'Z'

/* fixed: by the place in a period.  One byte of each family, at `anchor`, is
 * looked for with memchr(); no family has it twice. */
static const struct family {
	unsigned char fixed[FIXED + 1];
	unsigned anchor;
	unsigned char first_kind; /* 'A' or 'a' */
} families[] = {
	{ "Qz/7J", 2, 'A' },
	{ "QZ/7J", 2, 'A' },
	{ "qz/7j", 2, 'a' },
	{ "q_7zx", 1, 'a' },
	{ "Q_7ZX", 1, 'A' },
	{ "\"\xc3\xa9\\<", 1, 'A' },
};
static const unsigned char anchors[] = { '/', '_', 0xc3 };

#define FAMILIES (sizeof(families) / sizeof(families[0]))
#define KINDS	 24 /* A to X */

struct bounds {
	const unsigned char *data;
	size_t len, stride;
};

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_kind(const struct family *f, unsigned char c)
{
	return c >= f->first_kind && c < f->first_kind + KINDS;
}

static bool
fits(const struct family *f, unsigned place, unsigned char c)
{
	if (place < FIXED)
		return f->fixed[place] == c;
	return is_digit(c) || is_kind(f, c);
}

/* Are the bytes between one character and the next zero? */
static bool
padded(const struct bounds *b, size_t at)
{
	for (size_t i = 1; i < b->stride; i++) {
		if (b->data[at + i] != 0)
			return false;
	}
	return true;
}

/* From the anchor at `at` back to the run's first character. */
static size_t
first_of(
    const struct family *f, const struct bounds *b, size_t at, unsigned *place)
{
	while (at >= b->stride) {
		unsigned before = (*place + CANARY_PERIOD - 1) % CANARY_PERIOD;

		if (!fits(f, before, b->data[at - b->stride]) ||
		    !padded(b, at - b->stride))
			break;
		at -= b->stride;
		*place = before;
	}
	return at;
}

struct symbols {
	unsigned kinds[KINDS];
	unsigned most;
	size_t n;
};

/* A byte before the canary may look like a symbol of it: the kind is the one
 * that is there most often. */
static void
note(const struct family *f, unsigned char c, struct canary_hit *hit,
    struct symbols *seen)
{
	if (is_kind(f, c)) {
		unsigned kind = (unsigned)(c - f->first_kind);
		unsigned *n = &seen->kinds[kind];

		if (++*n > seen->most) {
			seen->most = *n;
			hit->kind = (char)('A' + kind);
		}
	}
	if (seen->n + 1 < sizeof(hit->symbols))
		hit->symbols[seen->n++] = (char)c;
}

/* The run around the anchor at `at`; false when it is shorter than a piece. */
static bool
run_at(const struct family *f, const struct bounds *b, size_t at,
    struct canary_hit *hit)
{
	unsigned place = f->anchor;
	struct symbols seen = { 0 };
	size_t i;

	*hit = (struct canary_hit){ .kind = '?' };
	hit->at = first_of(f, b, at, &place);
	for (i = hit->at; i < b->len && fits(f, place, b->data[i]);
	     i += b->stride) {
		if (i > hit->at && !padded(b, i - b->stride))
			break;
		if (place == FIXED)
			note(f, b->data[i], hit, &seen);
		place = (place + 1) % CANARY_PERIOD;
		hit->len++;
	}
	return hit->len >= CANARY_PIECE;
}

/* The byte after the run that was found at `at`; at + 1 if there is none. */
static size_t
look(const unsigned char *data, size_t len, size_t at, canary_fn *fn,
    canary_fn *wide, void *arg)
{
	static const size_t strides[] = { 1, 2, 4 };
	struct canary_hit hit;

	for (size_t s = 0; s < (wide == NULL ? 1 : 3); s++) {
		struct bounds b = { data, len, strides[s] };

		for (size_t f = 0; f < FAMILIES; f++) {
			const struct family *fam = &families[f];

			if (fam->fixed[fam->anchor] != data[at] ||
			    !run_at(fam, &b, at, &hit))
				continue;
			(s == 0 ? fn : wide)(arg, &hit);
			return hit.at + hit.len * b.stride;
		}
	}
	return at + 1;
}

void
canary_find(const unsigned char *data, size_t len, canary_fn *fn,
    canary_fn *wide, void *arg)
{
	for (size_t a = 0; a < sizeof(anchors); a++) {
		size_t at = 0;

		while (at < len) {
			const unsigned char *p =
			    memchr(data + at, anchors[a], len - at);

			if (p == NULL)
				break;
			at = look(data, len, (size_t)(p - data), fn, wide, arg);
		}
	}
}

/* ---- card-shaped canaries */

#define WINDOWS 100000000u

bool
canary_cards_init(struct canary_cards *c)
{
	c->windows = calloc(WINDOWS / 8, 1);
	return c->windows != NULL;
}

void
canary_cards_fini(struct canary_cards *c)
{
	free(c->windows);
	c->windows = NULL;
}

void
canary_cards_add(struct canary_cards *c, const char *digits)
{
	uint32_t window = 0;

	for (size_t i = 0; is_digit((unsigned char)digits[i]); i++) {
		window = (window * 10 + (uint32_t)(digits[i] - '0')) % WINDOWS;
		if (i + 1 >= CANARY_DIGITS)
			c->windows[window / 8] |=
			    (unsigned char)(1u << window % 8);
	}
}

static bool
is_gap(unsigned char c)
{
	return c == ' ' || c == '-';
}

/* Digits with single gaps from `at` on; where they end. */
static size_t
search_run(const struct canary_cards *c, const unsigned char *data, size_t len,
    size_t at, canary_fn *fn, void *arg)
{
	struct canary_hit hit = { .kind = CARD };
	uint32_t window = 0;
	size_t digits = 0, last = 0, i;

	for (i = at; i < len; i++) {
		if (is_gap(data[i]) && i > at && !is_gap(data[i - 1]))
			continue;
		if (!is_digit(data[i]))
			break;
		window = (window * 10 + (uint32_t)(data[i] - '0')) % WINDOWS;
		if (++digits < CANARY_DIGITS ||
		    !(c->windows[window / 8] >> window % 8 & 1))
			continue;
		if (hit.len > 0 && digits == last + 1) {
			hit.len++;
		} else {
			if (hit.len > 0)
				fn(arg, &hit);
			hit.at = i;
			hit.len = CANARY_DIGITS;
		}
		last = digits;
	}
	if (hit.len > 0)
		fn(arg, &hit);
	return i;
}

/* A run of eight covers every eighth byte once. */
void
canary_find_cards(const struct canary_cards *c, const unsigned char *data,
    size_t len, canary_fn *fn, void *arg)
{
	size_t done = 0, at = CANARY_DIGITS - 1;

	while (at < len) {
		size_t start = at;

		if (!is_digit(data[at]) && !is_gap(data[at])) {
			at += CANARY_DIGITS;
			continue;
		}
		while (start > done &&
		       (is_digit(data[start - 1]) || is_gap(data[start - 1])))
			start--;
		while (start < len && is_gap(data[start]))
			start++;
		done = search_run(c, data, len, start, fn, arg);
		if (done < at + 1)
			done = at + 1; /* a second gap in a row */
		at = done + CANARY_DIGITS - 1;
	}
}
