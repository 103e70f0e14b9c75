/*
 * What an invoice ID may not look like: its text is the one thing kept of a
 * callback that is free to hold anything.
 *
 * Pure.  Any thread.
 */
#ifndef RECEIPT_GUARD_H
#define RECEIPT_GUARD_H

#include "base/attr.h"
#include "base/bytes.h"

enum guard_shape {
	GUARD_NONE,
	GUARD_CARD,  /* a card number: issuer, length and Luhn's digit */
	GUARD_EMAIL, /* an e-mail address */
	GUARD_PHONE, /* a mobile number of Bangladesh */
	GUARD_SHAPES
};

/*
 * The first shape that text has, or holds in it.  Digits make one number
 * whatever stands between them that is neither letter nor digit; a number
 * begins and ends where an unbroken run of digits does.  Random identifiers of
 * 32 hex digits, UUIDs among them, hold none.
 */
MUST_USE enum guard_shape guard_shape(struct bytes text);

/* "card", ...; "none" */
const char *guard_word(enum guard_shape s);

#endif
