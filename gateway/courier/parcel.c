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

struct attributes {
	char id[ID_TEXT];
	char source[sizeof("urn:paysieve:merchant:") + RECEIPT_MERCHANT];
	char time[RFC3339_TEXT];
	char sequence[24];
	const char *subject;
};

static void
fill(struct attributes *a, const struct receipt *r, uint64_t seq)
{
	id_format(&r->id, a->id);
	(void)snprintf(a->source, sizeof(a->source), "urn:paysieve:merchant:%s",
	    r->merchant);
	rfc3339_micros(r->received_at_us, a->time);
	(void)snprintf(a->sequence, sizeof(a->sequence), "%019llu",
	    (unsigned long long)seq);
	a->subject = r->invoice_id;
}

static void
write_webhook(
    struct parcel *e, const struct attributes *a, const struct receipt *r)
{
	add_line(e, "Content-Type", "application/json");
	buf_printf(&e->body,
	    "{\"type\":\"payment.received\",\"timestamp\":\"%s\",\"data\":",
	    a->time);
	receipt_json(r, &e->body);
	buf_append_text(&e->body, "}");
}

/* As in receipt_json(): nothing here has to be escaped. */
static void
write_structured(
    struct parcel *e, const struct attributes *a, const struct receipt *r)
{
	add_line(e, "Content-Type", "application/cloudevents+json");
	buf_printf(&e->body,
	    "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"%s\","
	    "\"type\":\"payment.received\",\"time\":\"%s\","
	    "\"subject\":\"%s\",\"datacontenttype\":\"application/json\","
	    "\"sequence\":\"%s\",\"recordedtime\":\"%s\","
	    "\"dataclassification\":\"internal\",\"data\":",
	    a->id, a->source, a->time, a->subject, a->sequence, a->time);
	receipt_json(r, &e->body);
	buf_append_text(&e->body, "}");
}

static void
write_binary(
    struct parcel *e, const struct attributes *a, const struct receipt *r)
{
	add_line(e, "Content-Type", "application/json");
	add_attribute(e, "specversion", "1.0");
	add_attribute(e, "id", a->id);
	add_attribute(e, "source", a->source);
	add_attribute(e, "type", "payment.received");
	add_attribute(e, "time", a->time);
	add_attribute(e, "subject", a->subject);
	add_attribute(e, "sequence", a->sequence);
	add_attribute(e, "recordedtime", a->time);
	add_attribute(e, "dataclassification", "internal");
	receipt_json(r, &e->body);
}

enum status
parcel_receipt(struct parcel *e, const struct event_rules *rules,
    const struct receipt *r, uint64_t seq, int64_t now_s)
{
	struct attributes a;

	start(e);
	fill(&a, r, seq);
	switch (rules->format) {
	case FORMAT_WEBHOOK:
		write_webhook(e, &a, r);
		break;
	case FORMAT_CLOUDEVENTS:
		write_structured(e, &a, r);
		break;
	case FORMAT_CLOUDEVENTS_BINARY:
		write_binary(e, &a, r);
		break;
	}
	return finish(e, rules, a.id, now_s);
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
