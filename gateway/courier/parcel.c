#include "courier/parcel.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/rfc3339.h"
#include "base/secret.h"
#include "courier/webhook.h"

#define TEXT_MOST (16 * 1024)
#define BODY_MOST 4096

void
parcel_init(struct parcel *e)
{
	buf_init(&e->text, TEXT_MOST);
	buf_init(&e->body, BODY_MOST);
	e->n = 0;
}

void
parcel_fini(struct parcel *e)
{
	buf_fini(&e->text);
	buf_fini(&e->body);
}

/* ---- header lines */

static void
end_line(struct parcel *e)
{
	buf_append(&e->text, "", 1);
	e->n++;
}

static void
add_line(struct parcel *e, const char *name, const char *value)
{
	buf_append_text(&e->text, name);
	buf_append_text(&e->text, ": ");
	buf_append_text(&e->text, value);
	end_line(e);
}

/* CloudEvents' HTTP binding, 3.1.3.2: space, '"', '%' and what is not visible
 * ASCII are percent-encoded.  Our values are ASCII. */
static void
add_attribute(struct parcel *e, const char *name, const char *value)
{
	buf_append_text(&e->text, "ce-");
	buf_append_text(&e->text, name);
	buf_append_text(&e->text, ": ");
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c <= 0x20 || c >= 0x7f || c == '"' || c == '%')
			buf_printf(&e->text, "%%%02X", c);
		else
			buf_append(&e->text, value, 1);
	}
	end_line(e);
}

/* The configured ones, one a line. */
static void
add_further(struct parcel *e, const char *lines)
{
	while (*lines != '\0') {
		size_t n = strcspn(lines, "\n");

		buf_append(&e->text, lines, n);
		end_line(e);
		lines += n + (lines[n] == '\n');
	}
}

/* The buffer may have moved while it grew. */
static enum status
point(struct parcel *e)
{
	const char *at = (const char *)e->text.data;
	enum status st = buf_status(&e->text);

	if (st == ST_OK)
		st = buf_status(&e->body);
	if (st != ST_OK)
		return st;
	if (e->n > PARCEL_HEADERS)
		return ST_INTERNAL;
	for (size_t i = 0; i < e->n; i++) {
		e->headers[i] = at;
		at += strlen(at) + 1;
	}
	return ST_OK;
}

static enum status
finish(struct parcel *e, const struct event_rules *rules, const char *id,
    int64_t now_s)
{
	struct bytes secrets[ROOMS_SECRETS];
	char at[24];
	enum status st;

	for (size_t i = 0; i < rules->n_secrets; i++)
		secrets[i] = bytes_make(rules->secret[i], rules->secret_len[i]);
	(void)snprintf(at, sizeof(at), "%lld", (long long)now_s);
	add_line(e, "webhook-id", id);
	add_line(e, "webhook-timestamp", at);
	buf_append_text(&e->text, "webhook-signature: ");
	st = webhook_sign(secrets, rules->n_secrets, rules->signing_key,
	    rules->n_signing_keys, id, now_s, buf_bytes(&e->body), &e->text);
	if (st != ST_OK)
		return st;
	end_line(e);
	add_further(e, rules->headers);
	return point(e);
}

static void
start(struct parcel *e)
{
	buf_reset(&e->text);
	buf_reset(&e->body);
	e->n = 0;
}

/* ---- formats */

/* What is told, and of which receipt. */
struct news {
	const struct receipt *receipt;
	const char *type;
	char id[ID_TEXT + 2]; /* of the event */
	char source[sizeof("urn:paysieve:merchant:") + RECEIPT_MERCHANT];
	char time[RFC3339_TEXT];
	char sequence[24];   /* empty: it has none */
	const char *subject; /* likewise NULL */
	void (*data)(const struct receipt *r, struct buf *out);
};

static void
fill(struct news *n, const struct receipt *r)
{
	n->receipt = r;
	id_format(&r->id, n->id);
	(void)snprintf(n->source, sizeof(n->source), "urn:paysieve:merchant:%s",
	    r->merchant);
	rfc3339_micros(r->received_at_us, n->time);
}

static void
write_webhook(struct parcel *e, const struct news *n)
{
	add_line(e, "Content-Type", "application/json");
	buf_printf(&e->body,
	    "{\"type\":\"%s\",\"timestamp\":\"%s\",\"data\":", n->type,
	    n->time);
	n->data(n->receipt, &e->body);
	buf_append_text(&e->body, "}");
}

/* As in receipt_json(): nothing here has to be escaped. */
static void
write_structured(struct parcel *e, const struct news *n)
{
	add_line(e, "Content-Type", "application/cloudevents+json");
	buf_printf(&e->body,
	    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\","
	    "\"type\":\"%s\",\"time\":\"%s\",",
	    n->id, n->source, n->type, n->time);
	if (n->subject != NULL)
		buf_printf(&e->body, "\"subject\":\"%s\",", n->subject);
	buf_append_text(&e->body, "\"datacontenttype\":\"application/json\",");
	if (n->sequence[0] != '\0')
		buf_printf(&e->body, "\"sequence\":\"%s\",", n->sequence);
	buf_printf(&e->body,
	    "\"recordedtime\":\"%s\","
	    "\"dataclassification\":\"internal\",\"data\":",
	    n->time);
	n->data(n->receipt, &e->body);
	buf_append_text(&e->body, "}");
}

static void
write_binary(struct parcel *e, const struct news *n)
{
	add_line(e, "Content-Type", "application/json");
	add_attribute(e, "specversion", "1.0");
	add_attribute(e, "id", n->id);
	add_attribute(e, "source", n->source);
	add_attribute(e, "type", n->type);
	add_attribute(e, "time", n->time);
	if (n->subject != NULL)
		add_attribute(e, "subject", n->subject);
	if (n->sequence[0] != '\0')
		add_attribute(e, "sequence", n->sequence);
	add_attribute(e, "recordedtime", n->time);
	add_attribute(e, "dataclassification", "internal");
	n->data(n->receipt, &e->body);
}

static enum status
write_news(struct parcel *e, const struct event_rules *rules,
    const struct news *n, int64_t now_s)
{
	start(e);
	switch (rules->format) {
	case FORMAT_WEBHOOK:
		write_webhook(e, n);
		break;
	case FORMAT_CLOUDEVENTS:
		write_structured(e, n);
		break;
	case FORMAT_CLOUDEVENTS_BINARY:
		write_binary(e, n);
		break;
	}
	return finish(e, rules, n->id, now_s);
}

enum status
parcel_receipt(struct parcel *e, const struct event_rules *rules,
    const struct receipt *r, uint64_t seq, int64_t now_s)
{
	struct news n = { .type = "payment.received",
		.subject = r->invoice_id,
		.data = receipt_json };

	fill(&n, r);
	(void)snprintf(
	    n.sequence, sizeof(n.sequence), "%019llu", (unsigned long long)seq);
	return write_news(e, rules, &n, now_s);
}

static void
id_json(const struct receipt *r, struct buf *out)
{
	char id[ID_TEXT];

	id_format(&r->id, id);
	buf_printf(out, "{\"id\":\"%s\"}", id);
}

enum status
parcel_erased(struct parcel *e, const struct event_rules *rules,
    const struct receipt *r, int64_t now_s)
{
	struct news n = { .type = "receipt.erased", .data = id_json };
	char id[ID_TEXT];

	fill(&n, r);
	id_format(&r->id, id);
	(void)snprintf(n.id, sizeof(n.id), "erased_%s", strchr(id, '_') + 1);
	return write_news(e, rules, &n, now_s);
}

enum status
parcel_ping(struct parcel *e, const struct event_rules *rules, int64_t now_s)
{
	struct receipt_id random;
	char text[ID_TEXT], id[ID_TEXT + 1], at[RFC3339_TEXT];

	start(e);
	secret_random(&random, sizeof(random));
	id_format(&random, text);
	(void)snprintf(id, sizeof(id), "ping_%s", strchr(text, '_') + 1);
	rfc3339_micros(now_s * 1000000, at);
	add_line(e, "Content-Type", "application/json");
	buf_printf(&e->body,
	    "{\"type\":\"ping\",\"timestamp\":\"%s\",\"data\":{}}", at);
	return finish(e, rules, id, now_s);
}
