#include "message/field.h"

#include <string.h>

#include "base/status.h"
#include "receipt/receipt.h"

bool
field_zeros(const void *field, size_t n)
{
	const char *p = field;

	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\0')
			return false;
	}
	return true;
}

/* The text's length; cap: it is not one. */
static size_t
length(const char *field, size_t cap)
{
	size_t len = strnlen(field, cap);

	return field_zeros(field + len, cap - len) ? len : cap;
}

bool
field_name(const char *field, size_t cap, bool may_be_empty)
{
	size_t len = length(field, cap);

	if (len == 0)
		return may_be_empty;
	return len < cap && receipt_merchant_valid(bytes_make(field, len));
}

bool
field_invoice(const char *field, size_t cap, bool may_be_empty)
{
	size_t len = length(field, cap);

	if (len == 0)
		return may_be_empty;
	return len < cap && receipt_invoice_valid(bytes_make(field, len));
}

bool
field_one_of(uint32_t status, unsigned long set)
{
	return status < ST_STATUSES && (set >> status & 1) != 0;
}
