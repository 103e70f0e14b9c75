/*
 * A held payment as people and programs see it: what its callback claims and
 * what SSLCommerz says.  Any thread.
 */
#ifndef RECEIPT_HELD_H
#define RECEIPT_HELD_H

#include "receipt/life.h"

struct held {
	enum reason reason;
	int64_t held_at_us;
	const struct receipt *claimed;
	const struct receipt *answered; /* NULL: SSLCommerz says nothing */
};

/* Append it as JSON, members as in schemas/held.schema.json. */
void held_json(const struct held *h, struct buf *out);

#endif
