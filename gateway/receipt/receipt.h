/*
 * The narrow world: what is kept of a payment, and nothing else.
 *
 * A receipt has a fixed layout without pointers, so that it can cross from
 * room to room as it is.  Texts are NUL-terminated and padded with NULs to
 * the end, so that equal receipts are equal bytes and no byte is unaccounted
 * for.  Any thread.
 */
#ifndef RECEIPT_RECEIPT_H
#define RECEIPT_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/bytes.h"
#include "base/id.h"
#include "base/money.h"

#define RECEIPT_MERCHANT 33 /* a store id: up to 32 characters and a NUL */
#define RECEIPT_INVOICE	 65 /* an invoice ID: 1 to 64 characters, a NUL */

struct receipt {
	struct receipt_id id;
	int64_t amount_minor; /* above 0; exponent: money_exponent(currency) */
	int64_t paid_at_us;   /* UTC; the provider's word */
	int64_t received_at_us; /* UTC; our clock */
	char currency[MONEY_CURRENCY];
	char merchant[RECEIPT_MERCHANT];
	char invoice_id[RECEIPT_INVOICE];
	char pad[2]; /* always zero */
};

/* 1 to 32 of [A-Za-z0-9_-]: also what a merchant's section may be called. */
MUST_USE bool receipt_merchant_valid(struct bytes text);

/* 1 to 64 of [A-Za-z0-9] and . _ : / # @ + - and inner spaces. */
MUST_USE bool receipt_invoice_valid(struct bytes text);

/* Copy text into a padded field of cap bytes.  false when it does not fit. */
MUST_USE bool receipt_text(char *field, size_t cap, struct bytes text);

/* Does every member keep to its grammar and range, padding included?  The
 * keeper asks this of every receipt that an edge hands in. */
MUST_USE bool receipt_valid(const struct receipt *r);

/*
 * Append the receipt as JSON, members as in schemas/receipt.schema.json:
 * {"id":...,"invoice_id":...,"amount":...,"currency":...,"paid_at":...,
 * "received_at":...}.  The same receipt always gives the same bytes.
 */
void receipt_json(const struct receipt *r, struct buf *out);

#endif
