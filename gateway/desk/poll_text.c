#include "desk/poll_text.h"

#include "base/rfc3339.h"

static void
time_parameter(const char *name, uint64_t us, struct buf *out)
{
	char at[RFC3339_TEXT];

	if (us == 0)
		return;
	rfc3339_micros((int64_t)us, at);
	buf_printf(out, "&%s=%s", name, at);
}

void
poll_text_link(
    const struct msg_page *m, const struct cursor *c, struct buf *out)
{
	bool desc = (m->flags & PAGE_DESC) != 0;
	char text[CURSOR_TEXT];

	cursor_format(c, desc ? CURSOR_RECEIPTS_DESC : CURSOR_RECEIPTS, text);
	buf_printf(out, "/v1/receipts?after=%s&limit=%u", text, m->limit);
	if (desc)
		buf_append_text(out, "&order=desc");
	if ((m->flags & PAGE_UNDELIVERED) != 0)
		buf_append_text(out, "&delivered=false");
	if (m->currency[0] != '\0')
		buf_printf(out, "&currency=%s", m->currency);
	time_parameter("paid_from", m->paid_from_us, out);
	time_parameter("paid_to", m->paid_to_us, out);
	if (m->invoice_id[0] == '\0')
		return;
	buf_append_text(out, "&invoice_id=");
	for (const char *at = m->invoice_id; *at != '\0'; at++)
		buf_printf(out, "%%%02X", (unsigned char)*at);
}

void
poll_text_event(
    const struct receipt *r, const struct cursor *c, struct buf *out)
{
	char id[CURSOR_TEXT];

	cursor_format(c, CURSOR_RECEIPTS, id);
	buf_printf(out, "id: %s\nevent: payment.received\ndata: ", id);
	receipt_json(r, out);
	buf_append_text(out, "\n\n");
}

void
poll_text_end(const struct cursor *c, bool more, struct buf *out)
{
	char text[CURSOR_TEXT];

	cursor_format(c, CURSOR_RECEIPTS, text);
	buf_printf(out, "{\"next\":\"%s\",\"more\":%s}\n", text,
	    more ? "true" : "false");
}
