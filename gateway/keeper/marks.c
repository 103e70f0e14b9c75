#include "keeper/marks.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* ---- cursors */

static struct msg_marked
marked(const struct marks *m, uint64_t tag, enum status st,
    const struct store_mark *mark)
{
	struct msg_marked out = { .tag = tag, .epoch = m->epoch };

	switch (st) {
	case ST_OK:
	case ST_NOT_FOUND:
	case ST_EXISTS:
	case ST_IO:
		out.status = (uint32_t)st;
		break;
	default:
		out.status = ST_BUSY;
		break;
	}
	if (mark != NULL && (st == ST_OK || st == ST_EXISTS)) {
		out.seq = mark->seq;
		out.at_us = (uint64_t)mark->at_us;
	}
	return out;
}

static enum status
ask_mark(const struct marks *m, struct peer *p, const struct msg_mark *a)
{
	struct store_read get = {
		.kind = STORE_READ_MARK, .owner = p->id, .tag = a->tag
	};
	struct store_mark set = { .seq = a->seq, .at_us = clock_wall_us() };

	switch ((enum mark_action)a->action) {
	case MARK_GET:
		memcpy(get.merchant, a->merchant, sizeof(get.merchant));
		memcpy(get.name, a->name, sizeof(get.name));
		return store_reader_ask(m->reader, &get);
	case MARK_SET:
		memcpy(set.merchant, a->merchant, sizeof(set.merchant));
		memcpy(set.name, a->name, sizeof(set.name));
		return store_queue_mark(m->queue, &set, p->id, a->tag);
	case MARK_FORGET:
		return store_queue_unmark(
		    m->queue, a->merchant, a->name, p->id, a->tag);
	}
	return ST_INTERNAL;
}

static bool
on_mark(const struct marks *m, struct peer *p, const struct msg_mark *a)
{
	enum status st = ask_mark(m, p, a);
	struct msg_marked busy = marked(m, a->tag, ST_BUSY, NULL);

	return st == ST_OK ||
	       channel_add(p->channel, MSG_MARKED, &busy) != ST_BUSY;
}

/* ---- tokens */

static bool
on_tokens(const struct marks *m, struct peer *p, const struct msg_tokens *a)
{
	const struct store_read ask = {
		.kind = STORE_READ_TOKENS, .owner = p->id, .tag = a->tag
	};
	const struct msg_page_end busy = {
		.tag = a->tag, .epoch = m->epoch, .status = ST_BUSY
	};

	return store_reader_ask(m->reader, &ask) == ST_OK ||
	       channel_add(p->channel, MSG_PAGE_END, &busy) != ST_BUSY;
}

/* Nobody waits for it; the next use says it again. */
static bool
on_used(const struct marks *m, const struct msg_token_used *a)
{
	struct store_token t = { .day = a->day };

	memcpy(t.sha256, a->sha256, sizeof(t.sha256));
	(void)!store_queue_token(m->queue, &t, 0, 0);
	return true;
}

static bool
on_revoke(const struct marks *m, struct peer *p, const struct msg_revoke *a)
{
	struct store_token t = { .revoked_at_us = clock_wall_us() };
	const struct msg_done busy = { .tag = a->tag, .status = ST_BUSY };

	memcpy(t.sha256, a->sha256, sizeof(t.sha256));
	return store_queue_token(m->queue, &t, p->id, a->tag) == ST_OK ||
	       channel_add(p->channel, MSG_DONE, &busy) != ST_BUSY;
}

bool
marks_ask(const struct marks *m, struct peer *p, enum message type,
    const void *record)
{
	switch (type) {
	case MSG_MARK:
		return on_mark(m, p, record);
	case MSG_TOKENS:
		return on_tokens(m, p, record);
	case MSG_TOKEN_USED:
		return on_used(m, record);
	default:
		return on_revoke(m, p, record);
	}
}

bool
marks_is_read(const struct store_read *read)
{
	return read->kind == STORE_READ_MARK || read->kind == STORE_READ_TOKENS;
}

static bool
send_token(struct peer *p, uint64_t tag, const struct store_token *t)
{
	struct msg_token m = { .tag = tag,
		.revoked_at_us = (uint64_t)t->revoked_at_us,
		.day = t->day };

	memcpy(m.sha256, t->sha256, sizeof(m.sha256));
	return peers_send(p, MSG_TOKEN, &m);
}

void
marks_read_done(const struct marks *m, const struct store_read *read)
{
	struct peer *p = peers_find(m->peers, read->owner);
	struct msg_marked one = marked(m, read->tag, read->status, &read->mark);
	struct msg_page_end end = { .tag = read->tag,
		.epoch = m->epoch,
		.status = (uint32_t)read->status };

	if (p == NULL)
		return;
	if (read->kind == STORE_READ_MARK) {
		(void)peers_send(p, MSG_MARKED, &one);
		return;
	}
	for (size_t i = 0; i < read->n; i++) {
		if (!send_token(p, read->tag, &read->tokens[i]))
			return;
	}
	(void)peers_send(p, MSG_PAGE_END, &end);
}

static void
tell_revoked(void *arg, struct peer *p)
{
	/* A desk that does not read is about to be ended anyway. */
	(void)!channel_add(p->channel, MSG_REVOKED, arg);
}

static void
token_done(const struct marks *m, const struct store_op *op)
{
	struct peer *p = peers_find(m->peers, op->owner);
	struct msg_done done = { .tag = op->tag,
		.status = (uint32_t)op->status };
	struct msg_revoked revoked;

	if (op->u.token.revoked_at_us == 0)
		return; /* a day, which nobody waits for */
	if (op->status == ST_OK) {
		memcpy(
		    revoked.sha256, op->u.token.sha256, sizeof(revoked.sha256));
		peers_each(m->peers, PARTY_DESK, tell_revoked, &revoked);
		log_write(LOG_TOKEN_REVOKED, NULL, 0);
	}
	if (p != NULL)
		(void)peers_send(p, MSG_DONE, &done);
}

void
marks_done(const struct marks *m, const struct store_op *op)
{
	struct peer *p = peers_find(m->peers, op->owner);
	bool set = op->kind == STORE_OP_MARK;
	struct msg_marked one =
	    marked(m, op->tag, op->status, set ? &op->u.mark : NULL);

	if (op->kind == STORE_OP_TOKEN)
		token_done(m, op);
	else if (p != NULL)
		(void)peers_send(p, MSG_MARKED, &one);
}
