#include "asker/question.h"

#include <stdlib.h>
#include <string.h>

#include "asker/url.h"
#include "base/clock.h"
#include "base/wiped.h"

/* ---- lists */

void
question_list_init(struct question_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

void
question_append(struct question_list *l, struct question *q)
{
	q->next = NULL;
	q->prev = l->last;
	*l->last = q;
	l->last = &q->next;
}

void
question_prepend(struct question_list *l, struct question *q)
{
	q->next = l->first;
	q->prev = &l->first;
	if (q->next != NULL)
		q->next->prev = &q->next;
	else
		l->last = &q->next;
	l->first = q;
}

void
question_remove(struct question_list *l, struct question *q)
{
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	else
		l->last = q->prev;
}

/* ---- from the keeper's records */

struct question *
question_of_ask(struct merchant *m, const struct msg_ask *ask)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->merchant = m;
	q->n = ask->n;
	q->attempt = ask->attempt;
	q->claimed = ask->receipt;
	memcpy(q->tran_id,
	    ask->tran_id[0] != '\0' ? ask->tran_id : ask->receipt.invoice_id,
	    sizeof(q->tran_id));
	return q;
}

struct question *
question_of_lookup(
    struct merchant *m, const struct msg_lookup *lookup, int64_t until_us)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->merchant = m;
	q->is_lookup = true;
	q->n = lookup->tag;
	memcpy(q->tran_id, lookup->tran_id, sizeof(q->tran_id));
	q->until_us = until_us;
	return q;
}

void
question_free(struct question *q)
{
	wiped_free(q);
}

/* ---- there and back */

void
question_target(struct question *q, const char *store_id, const char *password,
    struct hints *hints, int64_t now_us, struct buf *out)
{
	const char *val_id = NULL;

	if (!q->is_lookup)
		val_id = hints_find(hints, &q->claimed.id, now_us);
	q->by_val_id = val_id != NULL;
	if (q->by_val_id)
		url_by_val_id(out, store_id, password, val_id);
	else
		url_by_tran_id(out, store_id, password, q->tran_id);
}

/* REASON_PAID: there is a body to read. */
static enum reason
without_reading(const struct client_result *r)
{
	switch (r->end) {
	case CLIENT_ANSWER:
		break;
	case CLIENT_DNS:
		return REASON_DNS;
	case CLIENT_CONNECT:
		return REASON_CONNECT;
	case CLIENT_TLS:
	case CLIENT_CERTIFICATE:
		return REASON_TLS;
	case CLIENT_TIMEOUT:
		return REASON_TIMEOUT;
	case CLIENT_IO:
	case CLIENT_ADDRESS: /* these two are not asked for */
	case CLIENT_PROXY:
		return REASON_IO;
	}
	if (r->http_status == 429)
		return REASON_LIMITED;
	if (r->http_status != 200)
		return REASON_STATUS;
	return r->cut ? REASON_NONSENSE : REASON_PAID;
}

void
question_read(const struct question *q, const struct merchant_rules *m,
    struct reading *reading, const struct client_result *r, struct finding *out)
{
	struct reading_verdict v = { 0 };

	memset(out, 0, sizeof(*out));
	out->reason = without_reading(r);
	if (out->reason != REASON_PAID)
		return;
	if (q->is_lookup) {
		out->reason = reading_lookup(reading, m, r->body,
		    clock_wall_us(), out->found, &out->n_found);
		return;
	}
	if (q->by_val_id)
		reading_by_val_id(reading, m, &q->claimed, r->body, &v);
	else
		reading_by_tran_id(reading, m, &q->claimed, r->body, &v);
	out->reason = v.reason;
	out->is_answered = v.is_answered;
	out->answered = v.answered;
}
