#include "command/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A check waits for SSLCommerz, a minute at most by the keeper's clock. */
#define PATIENCE_S 10
#define CHECK_S	   70

struct control {
	int fd;
	uint64_t tag;
	_Alignas(uint64_t) unsigned char packet[MESSAGE_MAX];
};

/* An answer while it comes in: rows of one kind, and an end. */
struct hearing {
	uint64_t tag;
	uint64_t after; /* the last row's number */
	bool desc;
	store_row_fn *on_row;
	store_life_fn *on_hold;
	store_delivery_fn *on_delivery;
	store_attempt_fn *on_attempt;
	store_token_fn *on_token;
	store_life_fn *on_payment;
	void *arg;
	enum message end_type;
	struct msg_page_end end;
	struct msg_done done;
	struct msg_redelivered redelivered;
	struct msg_erased erased;
};

static bool
set_patience(const struct control *c, time_t seconds)
{
	const struct timeval tv = { .tv_sec = seconds };

	return setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ==
		   0 &&
	       setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0;
}

enum status
control_open(struct control **out, const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct control *c = NULL;
	enum status st = ST_IO;

	*out = NULL;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, "the control socket's path is too long");
		return ST_CONFIG;
	}
	memcpy(sun.sun_path, path, strlen(path));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ST_NO_MEMORY;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 && set_patience(c, PATIENCE_S) &&
	    connect(c->fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0) {
		*out = c;
		return ST_OK;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		st = ST_NOT_FOUND;
	err_set(e, "the gateway's control socket: %s", strerror(errno));
	control_close(c);
	return st;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c);
}

static enum status
ask(struct control *c, enum message type, const void *record)
{
	const struct msg_header h = { .type = type, .count = 1 };
	size_t len = sizeof(h) + message_size(type);

	if (!message_record_valid(PARTY_COMMAND, type, record))
		return ST_BAD_INPUT;
	memcpy(c->packet, &h, sizeof(h));
	memcpy(c->packet + sizeof(h), record, message_size(type));
	if (send(c->fd, c->packet, len, MSG_NOSIGNAL) != (ssize_t)len)
		return ST_UNAVAILABLE;
	return ST_OK;
}

static bool
follows(const struct hearing *a, uint64_t seq)
{
	return a->desc ? a->after == 0 || seq < a->after : seq > a->after;
}

static enum status
take_rows(struct hearing *a, const struct msg_row *rows, size_t n)
{
	if (a->on_row == NULL)
		return ST_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		struct store_row row = { .seq = rows[i].seq,
			.receipt = rows[i].receipt };

		if (rows[i].tag != a->tag || !follows(a, row.seq))
			return ST_CORRUPT;
		a->after = row.seq;
		a->on_row(a->arg, &row);
	}
	return ST_OK;
}

static enum status
take_holds(struct hearing *a, const struct msg_hold *holds, size_t n)
{
	if (a->on_hold == NULL)
		return ST_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		struct store_life held = { .life = LIFE_HELD,
			.n = holds[i].n,
			.reason = (enum reason)holds[i].reason,
			.held_at_us = (int64_t)holds[i].held_at_us,
			.is_answered = holds[i].is_answered != 0,
			.claimed = holds[i].claimed,
			.answered = holds[i].answered };

		if (holds[i].tag != a->tag || held.n <= a->after)
			return ST_CORRUPT;
		a->after = held.n;
		a->on_hold(a->arg, &held);
	}
	return ST_OK;
}

static enum status
take_deliveries(
    struct hearing *a, const struct msg_delivery_row *rows, size_t n)
{
	if (a->on_delivery == NULL)
		return ST_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		struct store_delivery d = { .seq = rows[i].position >> 16,
			.endpoint_id = rows[i].position & 0xffff,
			.delivery = { .receipt = rows[i].receipt,
			    .state = (enum delivery_state)rows[i].state,
			    .attempts = rows[i].attempts,
			    .outcome = (enum outcome)rows[i].outcome,
			    .http_status = rows[i].http_status,
			    .at_us = (int64_t)rows[i].at_us } };

		if (rows[i].tag != a->tag || rows[i].position <= a->after)
			return ST_CORRUPT;
		a->after = rows[i].position;
		memcpy(d.delivery.endpoint, rows[i].endpoint,
		    sizeof(d.delivery.endpoint));
		a->on_delivery(a->arg, &d);
	}
	return ST_OK;
}

static enum status
take_attempts(struct hearing *a, const struct msg_attempt *rows, size_t n)
{
	if (a->on_attempt == NULL)
		return ST_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		const struct delivery_attempt one = { .number = rows[i].number,
			.at_us = (int64_t)rows[i].at_us,
			.outcome = (enum outcome)rows[i].outcome,
			.http_status = rows[i].http_status,
			.took_ms = rows[i].took_ms,
			.bytes = rows[i].bytes };

		if (rows[i].tag != a->tag)
			return ST_CORRUPT;
		a->on_attempt(a->arg, &one);
	}
	return ST_OK;
}

static enum status
take_tokens(struct hearing *a, const struct msg_token *rows, size_t n)
{
	if (a->on_token == NULL)
		return ST_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		struct store_token t = { .day = rows[i].day,
			.revoked_at_us = (int64_t)rows[i].revoked_at_us };

		if (rows[i].tag != a->tag)
			return ST_CORRUPT;
		memcpy(t.sha256, rows[i].sha256, sizeof(t.sha256));
		a->on_token(a->arg, &t);
	}
	return ST_OK;
}

static enum status
take_payments(struct hearing *a, const struct msg_payment *rows, size_t n)
{
	if (a->on_payment == NULL)
		return ST_CORRUPT;
	for (size_t i = 0; i < n; i++) {
		const struct store_life one = { .life = (enum life)rows[i].life,
			.n = rows[i].n,
			.claimed = rows[i].receipt };

		if (rows[i].tag != a->tag)
			return ST_CORRUPT;
		a->on_payment(a->arg, &one);
	}
	return ST_OK;
}

static enum status
take_end(struct hearing *a, const struct msg_header *h, const void *record)
{
	uint64_t tag;

	if (h->type == MSG_PAGE_END) {
		memcpy(&a->end, record, sizeof(a->end));
		tag = a->end.tag;
	} else if (h->type == MSG_REDELIVERED) {
		memcpy(&a->redelivered, record, sizeof(a->redelivered));
		tag = a->redelivered.tag;
	} else if (h->type == MSG_ERASED) {
		memcpy(&a->erased, record, sizeof(a->erased));
		tag = a->erased.tag;
	} else {
		memcpy(&a->done, record, sizeof(a->done));
		tag = a->done.tag;
	}
	return h->type == a->end_type && h->count == 1 && tag == a->tag
		   ? ST_OK
		   : ST_CORRUPT;
}

/* One packet of the answer; *done with the last one. */
static enum status
take_packet(struct control *c, struct hearing *a, bool *done)
{
	const void *records = c->packet + sizeof(struct msg_header);
	struct msg_header h;
	ssize_t n;

	do
		n = recv(c->fd, c->packet, sizeof(c->packet), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return ST_UNAVAILABLE;
	if ((size_t)n > sizeof(c->packet) ||
	    !message_check(PARTY_KEEPER, PARTY_COMMAND, c->packet, (size_t)n))
		return ST_CORRUPT;
	memcpy(&h, c->packet, sizeof(h));
	switch (h.type) {
	case MSG_ROW:
		return take_rows(a, records, h.count);
	case MSG_HOLD:
		return take_holds(a, records, h.count);
	case MSG_DELIVERY_ROW:
		return take_deliveries(a, records, h.count);
	case MSG_ATTEMPT:
		return take_attempts(a, records, h.count);
	case MSG_TOKEN:
		return take_tokens(a, records, h.count);
	case MSG_PAYMENT:
		return take_payments(a, records, h.count);
	case MSG_ERASED:
	case MSG_PAGE_END:
	case MSG_DONE:
	case MSG_REDELIVERED:
		*done = true;
		return take_end(a, &h, records);
	default:
		return ST_CORRUPT;
	}
}

static enum status
hear(struct control *c, struct hearing *a)
{
	enum status st = ST_OK;
	bool done = false;

	while (st == ST_OK && !done)
		st = take_packet(c, a, &done);
	return st;
}

/* A question whose answer ends with PAGE_END. */
static enum status
ask_rows(struct control *c, enum message type, const void *m, struct hearing *a)
{
	enum status st = ask(c, type, m);

	a->end_type = MSG_PAGE_END;
	if (st == ST_OK)
		st = hear(c, a);
	return st == ST_OK ? (enum status)a->end.status : st;
}

/* An empty field means all, as NULL does here. */
static bool
fill(char *field, size_t cap, const char *text)
{
	return text == NULL || receipt_text(field, cap, bytes_of(text));
}

enum status
control_page(struct control *c, const struct store_query *q, store_row_fn *fn,
    void *arg, uint64_t *last, bool *more)
{
	struct msg_page m = { .tag = ++c->tag,
		.after_seq = q->after_seq,
		.paid_from_us = (uint64_t)q->paid_from_us,
		.paid_to_us = (uint64_t)q->paid_to_us,
		.limit = (uint32_t)q->limit,
		.flags = (q->desc ? PAGE_DESC : 0U) |
			 (q->undelivered ? PAGE_UNDELIVERED : 0U) };
	struct hearing a = { .tag = m.tag,
		.after = q->after_seq,
		.desc = q->desc,
		.on_row = fn,
		.arg = arg };
	enum status st = ST_BAD_INPUT;

	if (fill(m.merchant, sizeof(m.merchant), q->merchant) &&
	    fill(m.invoice_id, sizeof(m.invoice_id), q->invoice_id) &&
	    fill(m.currency, sizeof(m.currency), q->currency))
		st = ask_rows(c, MSG_PAGE, &m, &a);
	*last = a.end.last_seq;
	*more = a.end.more != 0;
	return st;
}

static void
on_row(void *arg, const struct store_row *row)
{
	struct store_row *out = arg;

	*out = *row;
}

enum status
control_get(struct control *c, const struct receipt_id *id,
    const char *merchant, struct store_row *out)
{
	struct msg_get m = { .tag = ++c->tag, .id = *id };
	struct hearing a = { .tag = m.tag, .on_row = on_row, .arg = out };
	enum status st = ST_BAD_INPUT;

	memset(out, 0, sizeof(*out));
	if (fill(m.merchant, sizeof(m.merchant), merchant))
		st = ask_rows(c, MSG_GET, &m, &a);
	if (st == ST_OK && out->seq == 0)
		st = ST_CORRUPT;
	return st;
}

enum status
control_holds(struct control *c, const struct store_query *q, store_life_fn *fn,
    void *arg, bool *more)
{
	struct msg_holds m = { .tag = ++c->tag,
		.after = q->after_seq,
		.limit = (uint32_t)q->limit };
	struct hearing a = {
		.tag = m.tag, .after = q->after_seq, .on_hold = fn, .arg = arg
	};
	enum status st = ST_BAD_INPUT;

	if (fill(m.merchant, sizeof(m.merchant), q->merchant))
		st = ask_rows(c, MSG_HOLDS, &m, &a);
	*more = a.end.more != 0;
	return st;
}

static void
on_hold(void *arg, const struct store_life *held)
{
	struct store_life *out = arg;

	*out = *held;
}

enum status
control_hold(struct control *c, const struct receipt_id *id,
    const char *merchant, struct store_life *out)
{
	struct msg_holds m = { .tag = ++c->tag, .id = *id, .limit = 1 };
	struct hearing a = { .tag = m.tag, .on_hold = on_hold, .arg = out };
	enum status st = ST_BAD_INPUT;

	memset(out, 0, sizeof(*out));
	if (fill(m.merchant, sizeof(m.merchant), merchant))
		st = ask_rows(c, MSG_HOLDS, &m, &a);
	if (st == ST_OK && out->n == 0)
		st = ST_NOT_FOUND;
	return st;
}

/* A question that is answered by DONE. */
static enum status
ask_done(struct control *c, enum message type, const void *m, struct hearing *a)
{
	enum status st = ask(c, type, m);

	a->end_type = MSG_DONE;
	return st == ST_OK ? hear(c, a) : st;
}

enum status
control_decide(struct control *c, const struct receipt_id *id,
    const char *merchant, bool release)
{
	struct msg_decide m = {
		.tag = ++c->tag, .id = *id, .by = "cli", .release = release
	};
	struct hearing a = { .tag = m.tag };
	enum status st = ST_BAD_INPUT;

	if (fill(m.merchant, sizeof(m.merchant), merchant))
		st = ask_done(c, MSG_DECIDE, &m, &a);
	return st == ST_OK ? (enum status)a.done.status : st;
}

enum status
control_check(struct control *c, const char *merchant, const char *invoice_id,
    const char *tran_id, enum status *said, enum life *state)
{
	struct msg_check m = { .tag = ++c->tag };
	struct hearing a = { .tag = m.tag };
	enum status st = ST_BAD_INPUT;

	if (fill(m.merchant, sizeof(m.merchant), merchant) &&
	    fill(m.invoice_id, sizeof(m.invoice_id), invoice_id) &&
	    fill(m.tran_id, sizeof(m.tran_id), tran_id))
		st = set_patience(c, CHECK_S) ? ask_done(c, MSG_CHECK, &m, &a)
					      : ST_IO;
	if (st == ST_OK && !set_patience(c, PATIENCE_S))
		st = ST_IO;
	*said = (enum status)a.done.status;
	*state = (enum life)a.done.state;
	return st;
}

enum status
control_erase(struct control *c, const char *merchant, const char *invoice_id,
    enum erase_action action, store_life_fn *fn, void *arg,
    struct msg_erased *out)
{
	struct msg_erase m = { .tag = ++c->tag, .by = "cli", .action = action };
	struct hearing a = { .tag = m.tag,
		.on_payment = fn,
		.arg = arg,
		.end_type = MSG_ERASED };
	enum status st = ST_BAD_INPUT;

	if (fill(m.merchant, sizeof(m.merchant), merchant) &&
	    fill(m.invoice_id, sizeof(m.invoice_id), invoice_id))
		st = set_patience(c, CHECK_S) ? ask(c, MSG_ERASE, &m) : ST_IO;
	if (st == ST_OK)
		st = hear(c, &a);
	*out = a.erased;
	return st;
}

enum status
control_legal(
    struct control *c, const char *merchant, const char *invoice_id, bool held)
{
	struct msg_legal m = { .tag = ++c->tag, .hold = held };
	struct hearing a = { .tag = m.tag };
	enum status st = ST_BAD_INPUT;

	if (fill(m.merchant, sizeof(m.merchant), merchant) &&
	    fill(m.invoice_id, sizeof(m.invoice_id), invoice_id))
		st = ask_done(c, MSG_LEGAL, &m, &a);
	return st == ST_OK ? (enum status)a.done.status : st;
}

/* ---- deliveries and tokens */

static bool
fill_which(
    struct msg_which *out, const struct store_which *w, const char *endpoint)
{
	if (w->id != NULL)
		out->id = *w->id;
	out->from_us = (uint64_t)w->from_us;
	out->to_us = (uint64_t)w->to_us;
	out->state = w->state;
	return fill(out->merchant, sizeof(out->merchant), w->merchant) &&
	       fill(out->endpoint, sizeof(out->endpoint), endpoint) &&
	       fill(out->invoice_id, sizeof(out->invoice_id), w->invoice_id);
}

enum status
control_deliveries(struct control *c, const struct store_which *w,
    const char *endpoint, store_delivery_fn *fn, void *arg, uint64_t *last,
    bool *more)
{
	struct msg_deliveries m = {
		.tag = ++c->tag, .after = w->after, .limit = (uint32_t)w->limit
	};
	struct hearing a = {
		.tag = m.tag, .after = w->after, .on_delivery = fn, .arg = arg
	};
	enum status st = ST_BAD_INPUT;

	if (fill_which(&m.which, w, endpoint))
		st = ask_rows(c, MSG_DELIVERIES, &m, &a);
	*last = a.end.last_seq;
	*more = a.end.more != 0;
	return st;
}

enum status
control_attempts(struct control *c, const struct receipt_id *id,
    const char *endpoint, const char *merchant, store_attempt_fn *fn, void *arg)
{
	struct msg_attempts m = { .tag = ++c->tag, .id = *id };
	struct hearing a = { .tag = m.tag, .on_attempt = fn, .arg = arg };

	if (!fill(m.merchant, sizeof(m.merchant), merchant) ||
	    !fill(m.endpoint, sizeof(m.endpoint), endpoint))
		return ST_BAD_INPUT;
	return ask_rows(c, MSG_ATTEMPTS, &m, &a);
}

enum status
control_tokens(struct control *c, store_token_fn *fn, void *arg)
{
	struct msg_tokens m = { .tag = ++c->tag };
	struct hearing a = { .tag = m.tag, .on_token = fn, .arg = arg };

	return ask_rows(c, MSG_TOKENS, &m, &a);
}

enum status
control_redeliver(struct control *c, const struct store_which *w,
    const char *endpoint, enum redeliver_action action,
    struct control_redelivered *out)
{
	struct msg_redeliver m = { .tag = ++c->tag,
		.after = w->after,
		.limit = (uint32_t)w->limit,
		.action = action,
		.by = "cli" };
	struct hearing a = { .tag = m.tag, .end_type = MSG_REDELIVERED };
	enum status st = ST_BAD_INPUT;

	if (fill_which(&m.which, w, endpoint))
		st = ask(c, MSG_REDELIVER, &m);
	if (st == ST_OK)
		st = hear(c, &a);
	*out = (struct control_redelivered){ .last = a.redelivered.last,
		.more = a.redelivered.more != 0,
		.matched = a.redelivered.matched,
		.changed = a.redelivered.changed };
	return st == ST_OK ? (enum status)a.redelivered.status : st;
}

enum status
control_resume(struct control *c, const char *endpoint)
{
	struct msg_resume m = { .tag = ++c->tag };
	struct hearing a = { .tag = m.tag };
	enum status st = ST_BAD_INPUT;

	if (fill(m.endpoint, sizeof(m.endpoint), endpoint))
		st = ask_done(c, MSG_RESUME, &m, &a);
	return st == ST_OK ? (enum status)a.done.status : st;
}

enum status
control_revoke(struct control *c, const unsigned char sha256[32])
{
	struct msg_revoke m = { .tag = ++c->tag };
	struct hearing a = { .tag = m.tag };
	enum status st;

	memcpy(m.sha256, sha256, sizeof(m.sha256));
	st = ask_done(c, MSG_REVOKE, &m, &a);
	return st == ST_OK ? (enum status)a.done.status : st;
}
