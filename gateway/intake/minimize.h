/*
 * The door: of a verified form or of an answer, the receipt and nothing else.
 *
 * Any thread; the identity belongs to one.
 */
#ifndef INTAKE_MINIMIZE_H
#define INTAKE_MINIMIZE_H

#include "intake/form.h"
#include "intake/identity.h"

/*
 * Fill *out from f, a paid callback whose signature has been verified.
 * received_us: wall clock.  ST_BAD_INPUT with *why (CURRENCY, AMOUNT, DATE,
 * INVOICE..., VAL_ID, in this order) when a value is not in its grammar, out
 * of range or, an invoice ID or a tran_id that is kept, of a shape that the
 * merchant's guard does not let through; ST_NO_MEMORY.  *out is zero on any
 * failure.
 */
MUST_USE enum status minimize_receipt(const struct form *f,
    const struct merchant_rules *m, int64_t received_us, struct identity *id,
    struct receipt *out, enum refusal *why);

/*
 * The same of what SSLCommerz answers about a paid payment: there a tran_date
 * that is missing or none leaves paid_at_us 0.
 */
MUST_USE enum status minimize_answer(const struct form *f,
    const struct merchant_rules *m, int64_t received_us, struct identity *id,
    struct receipt *out, enum refusal *why);

/*
 * The id of the payment that f is about, by its val_id; zero when it has none
 * in its grammar.  ST_NO_MEMORY likewise.
 */
MUST_USE enum status
minimize_id(const struct form *f, const struct merchant_rules *m,
    struct identity *id, struct receipt_id *out);

/*
 * "YYYY-MM-DD HH:MM:SS", the clock of Dhaka, to UTC microseconds.  That is
 * +06:00; +07:00 from 20 June to 31 December 2009, whose last hour happened
 * twice and is taken for its first pass.  false when text is no real date in
 * exactly this form.
 */
MUST_USE bool minimize_date(struct bytes text, int64_t *us);

#endif
