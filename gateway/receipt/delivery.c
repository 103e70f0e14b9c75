#include "receipt/delivery.h"

#include <assert.h>
#include <string.h>

#include "base/rfc3339.h"

#define PREFIX	    "dlv_"
#define RCPT_PREFIX "rcpt_"
#define ID_LETTERS  26

static const char *const states[DELIVERY_STATES] = {
	[DELIVERY_PENDING] = "pending",
	[DELIVERY_DELIVERED] = "delivered",
	[DELIVERY_EXHAUSTED] = "exhausted",
	[DELIVERY_DROPPED] = "dropped",
};

static const char *const outcomes[OUTCOMES + 1] = {
#define OUTCOME(NAME, word) word,
#include "base/outcome.def"
#undef OUTCOME
	"none"
};

const char *
delivery_word(enum delivery_state s)
{
	assert(s < DELIVERY_STATES);
	return states[s];
}

bool
delivery_parse(struct bytes word, enum delivery_state *out)
{
	for (unsigned i = 0; i < DELIVERY_STATES; i++) {
		if (bytes_is(word, states[i])) {
			*out = (enum delivery_state)i;
			return true;
		}
	}
	return false;
}

const char *
outcome_word(enum outcome o)
{
	assert(o <= OUTCOMES);
	return outcomes[o];
}

bool
delivery_move(enum delivery_state from, enum delivery_state to)
{
	if (to == DELIVERY_PENDING)
		return true;
	return to == DELIVERY_DROPPED &&
	       (from == DELIVERY_PENDING || from == DELIVERY_EXHAUSTED);
}

void
delivery_id(
    const struct receipt_id *id, const char *endpoint, char out[DELIVERY_ID])
{
	char text[ID_TEXT];
	size_t len = strnlen(endpoint, DELIVERY_ENDPOINT - 1);

	id_format(id, text);
	memcpy(out, PREFIX, sizeof(PREFIX) - 1);
	out += sizeof(PREFIX) - 1;
	memcpy(out, text + sizeof(RCPT_PREFIX) - 1, ID_LETTERS);
	out += ID_LETTERS;
	*out++ = '_';
	memcpy(out, endpoint, len);
	out[len] = '\0';
}

bool
delivery_id_parse(
    struct bytes text, struct receipt_id *id, char endpoint[DELIVERY_ENDPOINT])
{
	const size_t head = sizeof(PREFIX) - 1 + ID_LETTERS + 1;
	char rcpt[ID_TEXT] = RCPT_PREFIX;
	struct bytes name;

	if (text.len <= head ||
	    memcmp(text.ptr, PREFIX, sizeof(PREFIX) - 1) != 0 ||
	    text.ptr[head - 1] != '_')
		return false;
	memcpy(rcpt + sizeof(RCPT_PREFIX) - 1, text.ptr + sizeof(PREFIX) - 1,
	    ID_LETTERS);
	name = bytes_make(text.ptr + head, text.len - head);
	return receipt_merchant_valid(name) &&
	       receipt_text(endpoint, DELIVERY_ENDPOINT, name) &&
	       id_parse(bytes_make(rcpt, ID_TEXT - 1), id);
}

static void
last_json(enum outcome o, uint32_t http_status, struct buf *out)
{
	if (o == OUTCOMES)
		buf_append_text(out, "\"outcome\":null,");
	else
		buf_printf(out, "\"outcome\":\"%s\",", outcome_word(o));
	if (http_status == 0)
		buf_append_text(out, "\"http_status\":null,");
	else
		buf_printf(out, "\"http_status\":%u,", http_status);
}

void
delivery_json(const struct delivery *d, struct buf *out)
{
	char id[DELIVERY_ID], receipt[ID_TEXT], at[RFC3339_TEXT];
	bool pending = d->state == DELIVERY_PENDING;

	delivery_id(&d->receipt.id, d->endpoint, id);
	id_format(&d->receipt.id, receipt);
	rfc3339_micros(d->at_us, at);
	/* As in receipt_json(): nothing here has to be escaped. */
	buf_printf(out,
	    "{\"id\":\"%s\",\"receipt_id\":\"%s\",\"invoice_id\":\"%s\","
	    "\"billing\":\"%s\",\"state\":\"%s\",\"attempts\":%u,",
	    id, receipt, d->receipt.invoice_id, d->endpoint,
	    delivery_word(d->state), d->attempts);
	last_json(d->outcome, d->http_status, out);
	buf_printf(out, "\"%s\":\"%s\",\"%s\":null}",
	    pending ? "next_at" : "settled_at", at,
	    pending ? "settled_at" : "next_at");
}

void
delivery_attempt_json(const struct delivery_attempt *a, struct buf *out)
{
	char at[RFC3339_TEXT];

	rfc3339_micros(a->at_us, at);
	buf_printf(out, "{\"number\":%u,\"at\":\"%s\",", a->number, at);
	last_json(a->outcome, a->http_status, out);
	buf_printf(out, "\"ms\":%u,\"bytes\":%u}", a->took_ms, a->bytes);
}
