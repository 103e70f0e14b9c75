#include "command/invoice.h"

#include <stdlib.h>
#include <string.h>

#include "base/rfc3339.h"
#include "command/command.h"
#include "receipt/certificate.h"
#include "receipt/held.h"

/* Which merchant's: the one that was named, or the only one there is. */
static enum status
need_merchant(struct listing *l)
{
	if (l->query.merchant != NULL)
		return ST_OK;
	if (l->config->n_merchants == 1) {
		l->query.merchant = l->config->merchants[0].store_id;
		return ST_OK;
	}
	err_set(&l->err, "--merchant is needed: there are several");
	return ST_BAD_INPUT;
}

/* ---- erasing */

static void
on_gone(void *arg, const struct store_life *one)
{
	struct listing *l = arg;

	if (l->text.len > 0 && l->text.data[l->text.len - 1] == '}')
		buf_append_text(&l->text, ",");
	certificate_payment(&one->claimed.id, one->life, &l->text);
}

static enum status
refused(struct listing *l, const struct msg_erased *m)
{
	char until[RFC3339_TEXT];

	rfc3339_seconds((int64_t)m->until_us, until);
	if (m->why == RETAIN_TERM)
		err_set(
		    &l->err, "%s: kept until %s", retain_word(m->why), until);
	else
		err_set(&l->err, "%s: a person holds this invoice",
		    retain_word((enum retain)m->why));
	return ST_EXISTS;
}

enum status
invoice_erase(struct listing *l)
{
	const bool *dry_run = l->own;
	struct certificate c = { .dry_run = *dry_run };
	struct msg_erased m = { 0 };
	enum status st = ST_BAD_INPUT;

	if (l->query.invoice_id == NULL)
		err_set(&l->err, "--invoice is needed");
	else
		st = need_merchant(l);
	if (st != ST_OK)
		return st;
	certificate_begin(&l->text);
	st = source_erase(l->source, l->query.merchant, l->query.invoice_id,
	    *dry_run ? ERASE_TRY : ERASE_DO, on_gone, l, &m, &l->err);
	if (st == ST_OK)
		st = (enum status)m.status;
	if (st == ST_OK && m.why != RETAIN_FREE)
		st = refused(l, &m);
	if (st != ST_OK)
		return st;
	c.proved = m.proved != 0;
	c.at_us = (int64_t)m.at_us;
	c.receipts = m.receipts;
	c.waiting = m.waiting;
	c.held = m.held;
	c.files = m.files;
	c.bytes = m.bytes;
	c.hits = m.hits;
	c.before = m.before;
	c.after = m.after;
	certificate_end(&c, &l->text);
	buf_append_text(&l->text, "\n");
	st = listing_print(l);
	if (st == ST_OK && c.hits > 0) {
		err_set(&l->err, "the store's files still hold copies");
		st = ST_CORRUPT;
	}
	return st;
}

/* ---- showing */

struct shown {
	struct listing *l;
	bool first;
	struct store_life payments[MESSAGE_GONE];
	size_t n;
	struct delivery deliveries[LISTING_PAGE];
	size_t n_deliveries;
};

static void
separate(struct shown *s)
{
	if (!s->first)
		buf_append_text(&s->l->text, ",");
	s->first = false;
}

static void
keep(void *arg, const struct store_life *one)
{
	struct shown *s = arg;

	if (s->n < MESSAGE_GONE)
		s->payments[s->n++] = *one;
}

static void
on_attempt(void *arg, const struct delivery_attempt *a)
{
	struct shown *s = arg;

	separate(s);
	delivery_attempt_json(a, &s->l->text);
}

static void
on_delivery(void *arg, const struct store_delivery *sd)
{
	struct shown *s = arg;

	if (s->n_deliveries < LISTING_PAGE)
		s->deliveries[s->n_deliveries++] = sd->delivery;
}

/* A delivery's JSON ends with '}'; its log goes in front of that. */
static enum status
show_delivery(struct shown *s, const struct delivery *d)
{
	enum status st;

	separate(s);
	delivery_json(d, &s->l->text);
	s->l->text.len--;
	buf_append_text(&s->l->text, ",\"log\":[");
	s->first = true;
	st = source_attempts(s->l->source, &d->receipt.id, d->endpoint,
	    d->receipt.merchant, on_attempt, s);
	s->first = false;
	buf_append_text(&s->l->text, "]}");
	return st;
}

static enum status
show_deliveries(struct shown *s)
{
	struct store_which w = { .merchant = s->l->query.merchant,
		.invoice_id = s->l->query.invoice_id,
		.state = DELIVERY_STATES,
		.limit = LISTING_PAGE };
	enum status st = ST_OK;
	bool more = true;

	s->first = true;
	while (st == ST_OK && more) {
		s->n_deliveries = 0;
		st = source_deliveries(
		    s->l->source, &w, NULL, on_delivery, s, &w.after, &more);
		for (size_t i = 0; st == ST_OK && i < s->n_deliveries; i++)
			st = show_delivery(s, &s->deliveries[i]);
	}
	return st;
}

static void
show_one(struct shown *s, const struct store_life *one)
{
	struct store_life held = *one;
	struct held h = { .claimed = &held.claimed };

	separate(s);
	if (one->life != LIFE_HELD ||
	    source_hold(s->l->source, &one->claimed.id, s->l->query.merchant,
		&held) != ST_OK) {
		receipt_json(&one->claimed, &s->l->text);
		return;
	}
	h.reason = held.reason;
	h.held_at_us = held.held_at_us;
	h.answered = held.is_answered ? &held.answered : NULL;
	held_json(&h, &s->l->text);
}

static void
show_all(struct shown *s, const char *name, enum life life)
{
	buf_printf(&s->l->text, ",\"%s\":[", name);
	s->first = true;
	for (size_t i = 0; i < s->n; i++) {
		if (s->payments[i].life == life)
			show_one(s, &s->payments[i]);
	}
	buf_append_text(&s->l->text, "]");
}

static enum status
show(struct shown *s)
{
	struct listing *l = s->l;
	struct msg_erased m = { 0 };
	enum status st = source_erase(l->source, l->query.merchant,
	    l->query.invoice_id, ERASE_SHOW, keep, s, &m, &l->err);

	if (st == ST_OK)
		st = (enum status)m.status;
	if (st != ST_OK)
		return st;
	buf_printf(&l->text,
	    "{\"merchant\":\"%s\",\"invoice_id\":\"%s\","
	    "\"legal_hold\":%s",
	    l->query.merchant, l->query.invoice_id,
	    m.legal_hold != 0 ? "true" : "false");
	show_all(s, "receipts", LIFE_CONFIRMED);
	show_all(s, "waiting", LIFE_WAITING);
	show_all(s, "held", LIFE_HELD);
	buf_append_text(&l->text, ",\"deliveries\":[");
	st = show_deliveries(s);
	buf_append_text(&l->text, "]}\n");
	return st == ST_OK ? listing_print(l) : st;
}

enum status
invoice_export(struct listing *l)
{
	struct shown *s = calloc(1, sizeof(*s));
	enum status st = s == NULL ? ST_NO_MEMORY : need_merchant(l);

	if (st == ST_OK) {
		s->l = l;
		st = show(s);
	}
	free(s);
	return st;
}
