/*
 * Query strings: a closed list of parameters, each at most once; and what
 * else is percent-encoded in a target.
 *
 * name=value pairs with '&' between them, percent-encoded, '+' for a space.
 * Pure.  Any thread.
 */
#ifndef DESK_QUERY_H
#define DESK_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/money.h"
#include "net/http_parser.h"

struct query_param {
	const char *name;   /* in: what may be asked for */
	struct bytes value; /* out: decoded; ptr is NULL when absent */
};

/* Where decoded values stand; parameters point into it. */
struct query_text {
	unsigned char bytes[HTTP_TARGET_MAX];
};

/*
 * Decode raw into params[0..n).  false, and values are not to be used, when a
 * name is unknown or doubled, a pair has no '=', an encoding is broken, or a
 * control byte comes out.  A raw with ptr NULL or length 0 has no parameters.
 */
MUST_USE bool query_parse(struct bytes raw, struct query_param *params,
    size_t n, struct query_text *text);

/* Decode one segment of a path, where '+' stands for itself; false when an
 * encoding is broken or a control byte comes out.  out points into text. */
MUST_USE bool
query_segment(struct bytes raw, struct bytes *out, struct query_text *text);

/* 1 to 9 decimal digits, no needless zero in front, from min to max. */
MUST_USE bool
query_number(struct bytes text, uint32_t min, uint32_t max, uint32_t *out);

/* A time in UTC, "2025-12-02T06:30:45Z" with up to 6 digits of fraction, or a
 * date, which is its first moment; from 1970 to 2100.  In microseconds. */
MUST_USE bool query_time(struct bytes text, uint64_t *out);

/* An ISO 4217 code; a padded copy. */
MUST_USE bool query_currency(struct bytes text, char out[MONEY_CURRENCY]);

/* "true" or "false". */
MUST_USE bool query_bool(struct bytes text, bool *out);

#endif
