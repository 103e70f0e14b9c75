#include "receipt/receipt.h"

#include <string.h>

#include "base/rfc3339.h"

/* 2000-01-01 and 2100-01-01, UTC: any stamp outside is a fault. */
#define EARLIEST_US INT64_C(946684800000000)
#define LATEST_US   INT64_C(4102444800000000)

static bool
alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

bool
receipt_merchant_valid(struct bytes text)
{
	if (text.len == 0 || text.len >= RECEIPT_MERCHANT)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (!alnum(c) && c != '_' && c != '-')
			return false;
	}
	return true;
}

bool
receipt_invoice_valid(struct bytes text)
{
	if (text.len == 0 || text.len >= RECEIPT_INVOICE)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];
		bool inner = i > 0 && i + 1 < text.len;

		if (alnum(c) || (c == ' ' && inner))
			continue;
		if (c == '\0' || strchr("._:/#@+-", c) == NULL)
			return false;
	}
	return true;
}

bool
receipt_text(char *field, size_t cap, struct bytes text)
{
	if (text.len >= cap)
		return false;
	memset(field, 0, cap);
	if (text.len > 0)
		memcpy(field, text.ptr, text.len);
	return true;
}

/* The text of a padded field; len is cap when it breaks the layout. */
static struct bytes
padded(const char *field, size_t cap)
{
	size_t len = strnlen(field, cap);

	for (size_t i = len; i < cap; i++) {
		if (field[i] != '\0')
			return bytes_make(field, cap);
	}
	return bytes_make(field, len);
}

bool
receipt_valid(const struct receipt *r)
{
	return r->amount_minor > 0 && r->amount_minor < MONEY_MAX &&
	       r->paid_at_us >= EARLIEST_US && r->paid_at_us < LATEST_US &&
	       r->received_at_us >= EARLIEST_US &&
	       r->received_at_us < LATEST_US && r->currency[3] == '\0' &&
	       money_exponent(bytes_make(r->currency, 3)) >= 0 &&
	       receipt_merchant_valid(
		   padded(r->merchant, sizeof(r->merchant))) &&
	       receipt_invoice_valid(
		   padded(r->invoice_id, sizeof(r->invoice_id))) &&
	       r->pad[0] == '\0' && r->pad[1] == '\0';
}

void
receipt_json(const struct receipt *r, struct buf *out)
{
	char id[ID_TEXT], amount[MONEY_TEXT];
	char paid[RFC3339_TEXT], received[RFC3339_TEXT];

	id_format(&r->id, id);
	money_format(r->amount_minor,
	    money_exponent(bytes_make(r->currency, 3)), amount);
	rfc3339_seconds(r->paid_at_us, paid);
	rfc3339_micros(r->received_at_us, received);
	/* No member's grammar holds a character that JSON escapes. */
	buf_append_text(out, "{\"id\":\"");
	buf_append_text(out, id);
	buf_append_text(out, "\",\"invoice_id\":\"");
	buf_append_text(out, r->invoice_id);
	buf_append_text(out, "\",\"amount\":\"");
	buf_append_text(out, amount);
	buf_append_text(out, "\",\"currency\":\"");
	buf_append_text(out, r->currency);
	buf_append_text(out, "\",\"paid_at\":\"");
	buf_append_text(out, paid);
	buf_append_text(out, "\",\"received_at\":\"");
	buf_append_text(out, received);
	buf_append_text(out, "\"}");
}
