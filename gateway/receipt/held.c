#include "receipt/held.h"

#include "base/rfc3339.h"

static void
answered_json(const struct receipt *r, struct buf *out)
{
	char amount[MONEY_TEXT];

	money_format(r->amount_minor,
	    money_exponent(bytes_make(r->currency, 3)), amount);
	buf_printf(out,
	    "{\"invoice_id\":\"%s\",\"amount\":\"%s\",\"currency\":\"%s\"}",
	    r->invoice_id, amount, r->currency);
}

void
held_json(const struct held *h, struct buf *out)
{
	char id[ID_TEXT], at[RFC3339_TEXT];

	id_format(&h->claimed->id, id);
	rfc3339_micros(h->held_at_us, at);
	/* As in receipt_json(): nothing here has to be escaped. */
	buf_printf(out,
	    "{\"id\":\"%s\",\"state\":\"%s\",\"reason\":\"%s\","
	    "\"held_at\":\"%s\",\"claimed\":",
	    id, life_word(LIFE_HELD), reason_word(h->reason), at);
	receipt_json(h->claimed, out);
	buf_append_text(out, ",\"answered\":");
	if (h->answered != NULL)
		answered_json(h->answered, out);
	else
		buf_append_text(out, "null");
	buf_append_text(out, "}");
}
