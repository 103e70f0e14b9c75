/*
 * exchange_run() takes heads and bodies out of the buffer one after the other
 * for as long as the phase says that the next request's turn has come.  An
 * answer given inside the handler's call leaves the rest to it, so nothing
 * recurses.
 */
#include "net/exchange.h"

#include <assert.h>
#include <string.h>

#include "net/reply.h"

#define SCRATCH_KEEP   (64 * 1024) /* a larger one is given back */
#define SLOT_BITS      20	   /* of an exchange_id; the rest counts */
#define CONTINUE_REPLY "HTTP/1.1 100 Continue\r\n\r\n"

static void
give_back_scratch(struct buf *b)
{
	if (b->cap > SCRATCH_KEEP)
		buf_fini(b);
	else
		buf_reset(b);
}

static void
send_reply(struct conn *c, const struct server_reply *reply,
    enum reply_framing framing)
{
	struct buf *b = &c->server->scratch;
	enum metric class = MET_HTTP_2XX;

	if (reply->status >= 300)
		class = reply->status >= 500   ? MET_HTTP_5XX
			: reply->status >= 400 ? MET_HTTP_4XX
					       : MET_HTTP_3XX;
	reply_compose(b, reply,
	    c->last	? REPLY_CLOSE
	    : c->http10 ? REPLY_KEEP_SAID
			: REPLY_KEEP,
	    framing);
	/* Too long or no memory: a cut answer is worse than none. */
	if (buf_status(b) == ST_OK)
		conn_send(c, buf_bytes(b));
	else
		c->failed = true;
	metrics_add(class, 1);
	give_back_scratch(b);
}

void
exchange_settle(struct conn *c)
{
	if (c->failed) {
		conn_close(c, MET_CONN_CLOSED_IO);
		return;
	}
	if (c->out.len > 0) {
		if (c->last)
			conn_set_reading(c, false);
		return;
	}
	c->served = true;
	if (c->server->draining && !c->last) {
		c->last = true;
		c->end = MET_CONN_CLOSED_DRAIN;
	}
	if (c->last) {
		conn_linger(c);
		return;
	}
	conn_enter(c, PHASE_IDLE);
	if (!c->eof)
		conn_set_reading(c, true);
}

void
exchange_resume(struct conn *c)
{
	if (c->phase != PHASE_IDLE)
		return;
	if (c->buf != NULL || c->eof || stream_has_more(&c->stream))
		event_active(&c->readable, EV_READ, 0);
}

void
exchange_refuse(struct conn *c, enum problem p, enum metric end)
{
	struct server_reply reply = { .status = problem_status(p),
		.content_type = "application/problem+json",
		.body = problem_body(p),
		.close = true };

	conn_give_back(c);
	c->exchange = 0;
	c->last = true;
	c->end = end;
	send_reply(c, &reply, REPLY_LENGTH);
	conn_enter(c, PHASE_ANSWER);
	exchange_settle(c);
}

/* ---- requests */

static size_t
request_size(const struct conn *c)
{
	return c->buf->head.len + (size_t)c->buf->head.content_length;
}

struct conn *
exchange_find(struct server *s, exchange_id id)
{
	uint64_t slot = id & ((UINT64_C(1) << SLOT_BITS) - 1);

	if (id == 0 || slot >= (uint64_t)s->cfg.connections ||
	    s->conns[slot].exchange != id)
		return NULL;
	return &s->conns[slot];
}

static exchange_id
new_exchange(struct conn *c)
{
	struct server *s = c->server;

	return ++s->exchanges << SLOT_BITS | (uint64_t)(c - s->conns);
}

void
exchange_answer(struct conn *c, const struct server_reply *reply)
{
	struct server_reply r = *reply;

	/* A body that is not all here cannot be skipped. */
	c->last = r.close || !c->keep_alive || c->server->draining ||
		  (c->phase == PHASE_BODY && c->buf->len < request_size(c));
	if (c->server->draining)
		c->end = MET_CONN_CLOSED_DRAIN;
	r.head_only = r.head_only || c->head_only;
	assert(!c->streaming);
	c->exchange = 0;
	conn_enter(c, PHASE_ANSWER);
	send_reply(c, &r, REPLY_LENGTH);
	if (c->busy)
		return;
	exchange_settle(c);
	exchange_resume(c);
}

/* ---- answers in pieces */

/* The last of an answer is on its way. */
static void
close_exchange(struct conn *c)
{
	c->exchange = 0;
	c->streaming = false;
	conn_enter(c, PHASE_ANSWER);
	if (c->busy)
		return;
	exchange_settle(c);
	exchange_resume(c);
}

/* While the peer has to take something there is a deadline, and a further
 * piece leaves it where it is. */
static void
wait_for_peer(struct conn *c)
{
	enum conn_phase next = c->out.len > 0 ? PHASE_STREAM : PHASE_HANDLER;

	if (c->failed && !c->busy)
		conn_close(c, MET_CONN_CLOSED_IO);
	else if (c->phase != next)
		conn_enter(c, next);
}

void
exchange_stream(struct conn *c, const struct server_reply *reply)
{
	struct server_reply r = *reply;

	assert(!c->streaming && c->phase == PHASE_HANDLER);
	r.head_only = r.head_only || c->head_only;
	c->last = r.close || !c->keep_alive || c->server->draining ||
		  (c->http10 && !r.head_only);
	if (c->server->draining)
		c->end = MET_CONN_CLOSED_DRAIN;
	send_reply(c, &r, c->http10 ? REPLY_UNTIL_CLOSE : REPLY_CHUNKED);
	if (r.head_only) {
		close_exchange(c);
		return;
	}
	c->streaming = true;
	wait_for_peer(c);
}

void
exchange_add(struct conn *c, struct bytes piece)
{
	struct buf *b = &c->server->scratch;

	if (piece.len == 0)
		return; /* it would be the end */
	if (c->http10) {
		conn_send(c, piece);
	} else {
		buf_printf(b, "%zx\r\n", piece.len);
		buf_append(b, piece.ptr, piece.len);
		buf_append_text(b, "\r\n");
		if (buf_status(b) == ST_OK)
			conn_send(c, buf_bytes(b));
		else
			c->failed = true;
		give_back_scratch(b);
	}
	wait_for_peer(c);
}

void
exchange_end(struct conn *c)
{
	if (!c->http10)
		conn_send(c, bytes_of("0\r\n\r\n"));
	close_exchange(c);
}

void
exchange_cut(struct conn *c)
{
	c->failed = true;
	wait_for_peer(c);
}

void
exchange_flowed(struct conn *c)
{
	exchange_id id = c->exchange;
	struct server *s = c->server;

	if (c->out.len > 0) {
		conn_enter(c, PHASE_STREAM);
		return;
	}
	conn_enter(c, PHASE_HANDLER);
	if (s->cfg.on_room != NULL)
		s->cfg.on_room(s->cfg.arg, id);
}

/* The request at the buffer's start is done with. */
static void
consume(struct conn *c)
{
	size_t n = request_size(c);

	request_buf_consume(c->buf, n < c->buf->len ? n : c->buf->len);
	if (c->buf->len == 0)
		conn_give_back(c);
}

static enum problem
check_length(const struct server *s, const struct http_head *h)
{
	switch (h->method) {
	case HTTP_POST:
		if (!h->has_length)
			return PROBLEM_LENGTH;
		break;
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_DELETE:
		if (h->content_length > 0)
			return PROBLEM_BAD_REQUEST;
		break;
	default:
		break;
	}
	return h->content_length > s->cfg.body_max ? PROBLEM_TOO_LARGE
						   : PROBLEMS;
}

/* Make room for the body; the head's views move with it. */
static bool
fit_body(struct conn *c)
{
	enum problem why;

	if (request_size(c) <= c->buf->cap)
		return true;
	return request_buf_grow(&c->server->pool, &c->buf) &&
	       http_parse(&c->buf->head, c->buf->data, c->buf->len, &why) ==
		   HTTP_DONE;
}

/* Ask the handler; false: it has refused, and the request is done with. */
static bool
head_accepted(struct conn *c)
{
	struct server *s = c->server;
	bool ok;

	if (s->cfg.on_head == NULL)
		return true;
	c->busy = true;
	ok = s->cfg.on_head(s->cfg.arg, c->exchange, &c->buf->head);
	c->busy = false;
	assert(ok == (c->exchange != 0));
	if (ok)
		return true;
	consume(c);
	exchange_settle(c);
	return false;
}

/* The head is known: may its body come? */
static void
head_done(struct conn *c)
{
	const struct http_head *h = &c->buf->head;
	enum problem p = check_length(c->server, h);

	if (p == PROBLEMS && !fit_body(c))
		p = PROBLEM_UNAVAILABLE;
	if (p != PROBLEMS) {
		exchange_refuse(c, p, MET_CONN_CLOSED_DONE);
		return;
	}
	h = &c->buf->head;
	c->keep_alive = h->keep_alive;
	c->http10 = h->minor == 0;
	c->head_only = h->method == HTTP_HEAD;
	c->exchange = new_exchange(c);
	c->tag = 0;
	conn_enter(c, PHASE_BODY);
	if (head_accepted(c) && h->expect_continue &&
	    c->buf->len < request_size(c))
		conn_send(c, bytes_of(CONTINUE_REPLY));
}

static void
take_head(struct conn *c, bool *more)
{
	enum problem why;

	if (c->phase != PHASE_HEAD)
		conn_enter(c, PHASE_HEAD);
	switch (http_parse(&c->buf->head, c->buf->data, c->buf->len, &why)) {
	case HTTP_MORE:
		*more = true;
		break;
	case HTTP_REFUSED:
		exchange_refuse(c, why, MET_CONN_CLOSED_DONE);
		break;
	case HTTP_DONE:
		head_done(c);
		break;
	}
}

static void
take_body(struct conn *c, bool *more)
{
	const struct server_config *cfg = &c->server->cfg;
	struct server_request req = { .id = c->exchange,
		.head = &c->buf->head,
		.body = c->buf->data + c->buf->head.len,
		.body_len = (size_t)c->buf->head.content_length,
		.arrived_us = c->read_us,
		.peer_key = c->peer_key,
		.address = c->address };

	if (c->buf->len < request_size(c)) {
		*more = true;
		return;
	}
	memcpy(req.peer, c->peer, sizeof(req.peer));
	conn_enter(c, PHASE_HANDLER);
	c->busy = true;
	cfg->on_request(cfg->arg, &req);
	c->busy = false;
	consume(c);
	if (c->phase == PHASE_ANSWER)
		exchange_settle(c);
	else if (c->failed) /* a stream's first piece */
		conn_close(c, MET_CONN_CLOSED_IO);
}

/* Serve what the buffer holds, in order, until bytes or an answer are
 * wanting. */
void
exchange_run(struct conn *c)
{
	bool more = false;

	while (conn_receiving(c) && c->buf != NULL && !more) {
		if (c->failed)
			conn_close(c, MET_CONN_CLOSED_IO);
		else if (c->phase == PHASE_BODY)
			take_body(c, &more);
		else
			take_head(c, &more);
	}
	if (conn_receiving(c) && c->eof)
		conn_close(c, MET_CONN_CLOSED_PEER);
}
