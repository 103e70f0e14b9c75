#include "courier/envelope.h"

#include "base/rfc3339.h"

void
envelope_write(const struct receipt *r, struct buf *out)
{
	char at[RFC3339_TEXT];

	rfc3339_micros(r->received_at_us, at);
	buf_printf(out,
	    "{\"type\":\"payment.received\",\"timestamp\":\"%s\",\"data\":",
	    at);
	receipt_json(r, out);
	buf_append_text(out, "}");
}
