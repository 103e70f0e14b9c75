#include "keeper/checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/deliveries.h"
#include "keeper/guarded.h"

/* Paid payments of one invoice; no asker gives more. */
#define MOST_FOUND 16

struct check {
	struct check *next;
	uint64_t tag; /* ours */
	uint64_t reader, reader_tag;
	uint64_t asker;
	int64_t deadline_us; /* monotonic */
	const struct routes_merchant *merchant;
	char invoice_id[RECEIPT_INVOICE];
	size_t found, storing;
	bool looked_up;
	enum reason reason;
	enum status failed; /* to store one of them */
	/* ABSENT; or HELD, as one of them; or CONFIRMED, as one is. */
	enum life life;
};

struct checks {
	struct checks_config cfg;
	struct check *first;
	uint64_t last_tag;
};

struct checks *
checks_new(const struct checks_config *cfg)
{
	struct checks *cs = calloc(1, sizeof(*cs));

	if (cs != NULL)
		cs->cfg = *cfg;
	return cs;
}

void
checks_free(struct checks *cs)
{
	if (cs == NULL)
		return;
	while (cs->first != NULL) {
		struct check *c = cs->first;

		cs->first = c->next;
		free(c);
	}
	free(cs);
}

static struct check *
find_check(struct checks *cs, uint64_t tag)
{
	struct check *c = cs->first;

	while (c != NULL && c->tag != tag)
		c = c->next;
	return c;
}

static void
end_check(struct checks *cs, struct check *c, enum status st, enum life life)
{
	struct msg_done m = {
		.tag = c->reader_tag, .status = (uint32_t)st, .state = life
	};
	struct peer *p = peers_find(cs->cfg.peers, c->reader);
	struct check **at = &cs->first;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free(c);
	if (p != NULL)
		(void)peers_send(p, MSG_DONE, &m);
}

/* ---- the beginning */

static bool
is_room(const struct checks *cs, const struct routes_merchant *merchant)
{
	size_t n = 0, n_merchant = 0;

	for (const struct check *c = cs->first; c != NULL; c = c->next) {
		n++;
		n_merchant += c->merchant == merchant;
	}
	return n < CHECKS_MOST && n_merchant < CHECKS_MERCHANT_MOST;
}

static struct check *
add_check(struct checks *cs, const struct peer *p, const struct peer *asker,
    const struct routes_merchant *merchant, const struct msg_check *m)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->tag = ++cs->last_tag;
	c->reader = p->id;
	c->reader_tag = m->tag;
	c->asker = asker->id;
	c->deadline_us = clock_mono_us() + CHECKS_LONGEST_S * INT64_C(1000000);
	c->merchant = merchant;
	memcpy(c->invoice_id, m->invoice_id, sizeof(c->invoice_id));
	c->next = cs->first;
	cs->first = c;
	return c;
}

static enum status
begin(struct checks *cs, const struct peer *p, const struct msg_check *m)
{
	const struct routes_merchant *merchant =
	    routes_find(cs->cfg.routes, m->merchant);
	struct peer *asker = peers_newest(cs->cfg.peers, PARTY_ASKER);
	struct msg_lookup ask = { 0 };
	struct check *c;
	enum status st;

	if (merchant == NULL)
		return ST_CONFIG;
	if (!merchant->by_tran_id && m->tran_id[0] == '\0')
		return ST_BAD_INPUT;
	/* There can be none, and SSLCommerz is not told such a number. */
	if (!guarded_text(merchant, m->invoice_id) ||
	    !guarded_text(merchant, m->tran_id))
		return ST_NOT_FOUND;
	if (asker == NULL)
		return ST_UNAVAILABLE;
	c = is_room(cs, merchant) ? add_check(cs, p, asker, merchant, m) : NULL;
	if (c == NULL)
		return ST_BUSY;
	ask.tag = c->tag;
	memcpy(ask.merchant, m->merchant, sizeof(ask.merchant));
	memcpy(ask.tran_id, m->tran_id[0] != '\0' ? m->tran_id : m->invoice_id,
	    sizeof(ask.tran_id));
	st = channel_add(asker->channel, MSG_LOOKUP, &ask);
	if (st != ST_OK) {
		cs->first = c->next;
		free(c);
	}
	return st;
}

bool
checks_ask(struct checks *cs, struct peer *p, const struct msg_check *m)
{
	struct msg_done done = { .tag = m->tag, .state = LIFE_ABSENT };
	enum status st = begin(cs, p, m);

	if (st == ST_OK)
		return true;
	done.status = (uint32_t)st;
	return channel_add(p->channel, MSG_DONE, &done) != ST_BUSY;
}

/* ---- the end */

/* Without a payment that fits. */
static enum status
none_found(enum reason r)
{
	if (r == REASON_PENDING)
		return ST_EXISTS;
	switch (reason_answer(r)) {
	case ANSWER_NONE:
	case ANSWER_FAULT:
		return ST_UNAVAILABLE;
	case ANSWER_PAID: /* of another invoice */
	case ANSWER_HELD:
	case ANSWER_DENIED:
		break;
	}
	return ST_NOT_FOUND;
}

static enum status
outcome(const struct check *c)
{
	if (c->failed != ST_OK)
		return c->failed;
	switch (c->life) {
	case LIFE_CONFIRMED:
		return ST_OK;
	case LIFE_HELD:
		return ST_EXISTS;
	default:
		return none_found(c->reason);
	}
}

static void
conclude(struct checks *cs, struct check *c)
{
	if (c->looked_up && c->storing == 0)
		end_check(cs, c, outcome(c), c->life);
}

bool
checks_found(
    struct checks *cs, const struct peer *asker, const struct msg_found *m)
{
	struct check *c = find_check(cs, m->tag);

	if (c == NULL)
		return true; /* it took too long */
	if (c->asker != asker->id || c->looked_up || c->found == MOST_FOUND ||
	    strcmp(m->receipt.merchant, c->merchant->store_id) != 0)
		return false;
	c->found++;
	if (strcmp(m->receipt.invoice_id, c->invoice_id) != 0)
		return true; /* nobody asked about it */
	if (!guarded_receipt(c->merchant, &m->receipt))
		return !c->merchant->guard_settled;
	if (store_queue_found(cs->cfg.queue, &m->receipt, m->reason,
		&c->merchant->endpoints, c->tag, 0) == ST_OK)
		c->storing++;
	else
		c->failed = ST_BUSY;
	return true;
}

bool
checks_looked_up(
    struct checks *cs, const struct peer *asker, const struct msg_looked_up *m)
{
	struct check *c = find_check(cs, m->tag);

	if (c == NULL)
		return true;
	if (c->asker != asker->id || c->looked_up)
		return false;
	c->looked_up = true;
	c->reason = m->reason;
	conclude(cs, c);
	return true;
}

static void
say(const struct store_op *op)
{
	const struct receipt *r = &op->u.found.receipt;
	char id[ID_TEXT];

	id_format(&r->id, id);
	if (op->life == LIFE_CONFIRMED)
		log_event(LOG_FOUND, log_word(KEY_MERCHANT, r->merchant),
		    log_word(KEY_RECEIPT, id));
	else
		log_event(LOG_HELD, log_word(KEY_MERCHANT, r->merchant),
		    log_word(KEY_RECEIPT, id),
		    log_word(KEY_REASON, reason_word(op->why)));
}

void
checks_found_done(struct checks *cs, const struct store_op *op)
{
	struct check *c = find_check(cs, op->owner);

	if (op->status == ST_OK && op->has_moved) {
		say(op);
		if (op->life == LIFE_CONFIRMED)
			deliveries_owed(
			    cs->cfg.deliveries, &op->u.found.endpoints);
	}
	if (c == NULL)
		return;
	c->storing--;
	if (op->status != ST_OK && op->status != ST_EXISTS)
		c->failed = op->status == ST_BUSY ? ST_BUSY : ST_IO;
	else if (c->life != LIFE_CONFIRMED)
		c->life = op->life;
	conclude(cs, c);
}

/* ---- those that get no answer */

void
checks_asker_gone(struct checks *cs, uint64_t asker)
{
	struct check *next;

	for (struct check *c = cs->first; c != NULL; c = next) {
		next = c->next;
		if (c->asker == asker && !c->looked_up)
			end_check(cs, c, ST_UNAVAILABLE, LIFE_ABSENT);
	}
}

void
checks_tick(struct checks *cs)
{
	int64_t now_us = clock_mono_us();
	struct check *next;

	for (struct check *c = cs->first; c != NULL; c = next) {
		next = c->next;
		if (c->deadline_us <= now_us)
			end_check(cs, c, ST_UNAVAILABLE, LIFE_ABSENT);
	}
}
