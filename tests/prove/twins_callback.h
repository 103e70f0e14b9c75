/*
 * Two callbacks that are equal in what is kept, or in why they are refused,
 * and different in everything else.  Of a number, the same on every run.
 */
#ifndef PROVE_TWINS_CALLBACK_H
#define PROVE_TWINS_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/config.h"

#define TWINS_PASSWORD "made-up-password"
#define TWINS_KINDS    (TWINS_REFUSALS + 2)

enum twins_kind {
	TWINS_FORGED,
	TWINS_UNSIGNED,
	TWINS_AMOUNT,
	TWINS_DATE,
	TWINS_CARD, /* an invoice ID of that shape */
	TWINS_NO_LIST,
	TWINS_STRANGER, /* another store's */
	TWINS_STATUS,
	TWINS_CONTROL, /* a byte that no form has */
	TWINS_REFUSALS,
	TWINS_NOT_PAID = TWINS_REFUSALS,
	TWINS_PAID
};

struct twins_callback {
	enum twins_kind kind;
	struct buf head, body; /* of the request */
	size_t cut;	       /* sent in two pieces, of which this is one */
};

/* Number n of the seed, for the side 0 or 1. */
void twins_make(struct twins_callback *c, uint64_t seed, uint64_t n, int side,
    enum invoice_field invoice_field);
void twins_unmake(struct twins_callback *c);

#endif
