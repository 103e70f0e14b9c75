/*
 * Money: decimal text to an integer of minor units and back.
 *
 * No floating point, no rounding.  Exponents are those of ISO 4217.  Any
 * thread.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

#define MONEY_CURRENCY 4  /* three capitals and a NUL */
#define MONEY_TEXT     44 /* room for money_format() of any int64_t */
#define MONEY_MAX      INT64_C(100000000000000) /* 10 digits, exponent 4 */

/* Digits behind the point for a currency code of ISO 4217, 0 to 4; -1 when
 * code is not one. */
int money_exponent(struct bytes code);

/*
 * Text `[0-9]{1,10}(\.[0-9]{1,6})?` into minor units.  ST_BAD_INPUT when the
 * form differs, when a digit beyond exponent is not zero, or when the amount
 * is zero.
 */
MUST_USE enum status
money_parse(struct bytes text, int exponent, int64_t *minor);

/* minor (0 or more) as text with exactly exponent digits behind the point. */
void money_format(int64_t minor, int exponent, char out[MONEY_TEXT]);

#endif
