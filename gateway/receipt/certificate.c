#include "receipt/certificate.h"

#include "base/rfc3339.h"

void
certificate_begin(struct buf *out)
{
	buf_append_text(out, "{\"erased\":[");
}

void
certificate_payment(const struct receipt_id *id, enum life was, struct buf *out)
{
	char text[ID_TEXT];

	id_format(id, text);
	buf_printf(out, "{\"id\":\"%s\",\"was\":\"%s\"}", text, life_word(was));
}

static const char *
state(const struct certificate *c)
{
	if (c->dry_run)
		return "validated";
	return c->proved ? "done" : "searching";
}

static void
head_json(const char *name, const struct certificate_head *h, struct buf *out)
{
	buf_printf(out, "\"%s\":{\"size\":%llu,\"root\":\"", name,
	    (unsigned long long)h->size);
	for (size_t i = 0; i < sizeof(h->root); i++)
		buf_printf(out, "%02x", h->root[i]);
	buf_append_text(out, "\"}");
}

void
certificate_end(const struct certificate *c, struct buf *out)
{
	char at[RFC3339_TEXT];

	rfc3339_micros(c->at_us, at);
	buf_printf(out,
	    "],\"state\":\"%s\",\"at\":\"%s\",\"receipts\":%u,"
	    "\"waiting\":%u,\"held\":%u",
	    state(c), at, c->receipts, c->waiting, c->held);
	if (c->proved && !c->dry_run) {
		buf_printf(out,
		    ",\"search\":{\"files\":%u,\"bytes\":%llu,\"hits\":%llu},"
		    "\"ledger\":{",
		    c->files, (unsigned long long)c->bytes,
		    (unsigned long long)c->hits);
		head_json("before", &c->before, out);
		buf_append_text(out, ",");
		head_json("after", &c->after, out);
		buf_append_text(out, "}");
	}
	buf_append_text(out, "}");
}
