/*
 * What a canary looks like, and finding pieces of one in any bytes.
 *
 * A canary repeats a period of six bytes: five fixed ones, then a symbol.  In
 * periods 0, 2, 4... the symbol is the canary's kind (A to X, or a to x), in
 * the others a digit of its serial number.  So every six bytes in a row of any
 * canary are one of 6 * 34 texts a family, wherever they were cut, and no
 * table of millions of pieces is needed.  Six random bytes are one of them
 * with 1224 / 2^48: one false hit in 214 GiB of noise.
 *
 * Families: text that fits wherever the gateway takes text; the same with its
 * case folded up or down; names of form fields, and folded up; and bytes that
 * JSON and URLs escape.
 *
 * Card-shaped canaries are digits and nothing else.  They are few, and sought
 * by any eight digits in a row, single blanks or hyphens between them allowed.
 *
 * Pure.  Any thread.
 */
#ifndef PROVE_CANARY_H
#define PROVE_CANARY_H

#include <stdbool.h>
#include <stddef.h>

#define CANARY_PERIOD 6
#define CANARY_PIECE  6 /* bytes in a row that tell a canary */
#define CANARY_DIGITS 8 /* digits in a row that tell a card-shaped one */
#define CANARY_NAME   64

enum canary_view {
	CANARY_RAW,
	CANARY_WIDE, /* UTF-16 or UTF-32 of either order */
	CANARY_HEX,
	CANARY_BASE64,	/* or base64url, at any offset */
	CANARY_ESCAPED, /* of a URL, JSON or C */
	CANARY_VIEWS
};

struct canary_hit {
	char kind;	  /* 'A' to 'X'; '?': a piece without a kind's symbol */
	size_t at;	  /* first byte */
	size_t len;	  /* bytes of the canary in a row */
	char symbols[24]; /* the first ones, as in the text */
};

typedef void canary_fn(void *arg, const struct canary_hit *hit);

/* Every piece of a canary in data, as long as it goes; wide ones too where
 * `wide` is not NULL, reported to that. */
void canary_find(const unsigned char *data, size_t len, canary_fn *fn,
    canary_fn *wide, void *arg);

/* The set of card-shaped canaries. */
struct canary_cards {
	unsigned char *windows; /* a bit for each eight digits */
};

/* false: no memory. */
bool canary_cards_init(struct canary_cards *c);
void canary_cards_fini(struct canary_cards *c);
void canary_cards_add(struct canary_cards *c, const char *digits);

/* Every eight digits or more in a row of a card of c, kind 'Z'. */
void canary_find_cards(const struct canary_cards *c, const unsigned char *data,
    size_t len, canary_fn *fn, void *arg);

#endif
