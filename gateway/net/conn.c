#include "net/conn.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "net/exchange.h"

#define READS_AT_ONCE 16	   /* then other connections have their turn */
#define DISCARD_MAX   (256 * 1024) /* of what a refused peer still sends */

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

void
conn_enter(struct conn *c, enum conn_phase phase)
{
	struct server *s = c->server;

	TAILQ_REMOVE(&s->phases[c->phase], c, in_phase);
	/* Used memory is used again first; elsewhere the order is that of
	 * deadlines. */
	if (phase == PHASE_CLOSED)
		TAILQ_INSERT_HEAD(&s->phases[phase], c, in_phase);
	else
		TAILQ_INSERT_TAIL(&s->phases[phase], c, in_phase);
	c->phase = phase;
	c->rests = false;
	if (s->span_us[phase] > 0)
		c->deadline_us = clock_mono_us() + s->span_us[phase];
}

bool
conn_receiving(const struct conn *c)
{
	return c->phase >= PHASE_FRESH && c->phase <= PHASE_BODY;
}

void
conn_set_reading(struct conn *c, bool on)
{
	if (c->reading == on)
		return;
	c->reading = on;
	if (on)
		(void)event_add(&c->readable, NULL);
	else
		(void)event_del(&c->readable);
}

void
conn_give_back(struct conn *c)
{
	request_buf_return(&c->server->pool, c->buf);
	c->buf = NULL;
}

static void
forget_out(struct conn *c)
{
	buf_fini(&c->out);
	c->out_done = 0;
}

/* ---- start and end */

/* One that is closed, or, when there is none, one that never was open. */
static struct conn *
closed_one(struct server *s)
{
	struct conn *c = TAILQ_FIRST(&s->phases[PHASE_CLOSED]);

	if (c != NULL)
		return c;
	assert(s->n_used < s->cfg.connections);
	c = &s->conns[s->n_used++];
	c->phase = PHASE_CLOSED;
	TAILQ_INSERT_HEAD(&s->phases[PHASE_CLOSED], c, in_phase);
	return c;
}

void
conn_set_peer(struct conn *c, const union peer_address *from)
{
	c->peer_key = peer_key(from);
	peer_text(from, c->peer, sizeof(c->peer));
	if (!network_address(&from->sa, c->address))
		memset(c->address, 0, sizeof(c->address));
}

bool
conn_count_peer(struct conn *c)
{
	struct server *s = c->server;
	int64_t limit = s->cfg.connections_per_address;

	if (limit <= 0)
		return true;
	c->counted = peer_table_enter(s->peers, c->peer_key, limit);
	return c->counted;
}

void
conn_start(
    struct server *s, int fd, const union peer_address *from, bool proxied)
{
	struct conn *c = closed_one(s);
	const int on = 1;

	c->server = s;
	conn_set_peer(c, from);
	buf_init(&c->out, CONN_REPLY_MAX);
	c->buf = NULL;
	c->out_done = c->discarded = 0;
	c->exchange = 0;
	c->end = MET_CONN_CLOSED_DONE;
	c->reading = c->read_blocked = c->eof = c->failed = false;
	c->busy = c->served = c->last = c->streaming = false;
	c->counted = !proxied && s->cfg.connections_per_address > 0;
	s->n_open++;
	metrics_add(s->cfg.open, 1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)event_assign(
	    &c->readable, s->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	(void)event_assign(
	    &c->writable, s->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	conn_enter(
	    c, s->cfg.tls == NULL && !proxied ? PHASE_IDLE : PHASE_HANDSHAKE);
	welcome_start(c, proxied);
	if (!stream_open(&c->stream, fd, s->cfg.tls)) {
		conn_close(c, MET_CONN_CLOSED_IO);
		return;
	}
	conn_set_reading(c, true);
}

void
conn_close(struct conn *c, enum metric end)
{
	struct server *s = c->server;

	assert(!c->busy && c->phase != PHASE_CLOSED);
	/* A peer of a stream without its end sees no orderly one of TLS. */
	if (c->phase != PHASE_LINGER && c->phase != PHASE_HANDSHAKE &&
	    !c->streaming)
		stream_end(&c->stream);
	(void)event_del(&c->readable);
	(void)event_del(&c->writable);
	stream_close(&c->stream);
	conn_give_back(c);
	forget_out(c);
	c->exchange = 0;
	welcome_leave(c);
	if (c->counted)
		peer_table_leave(s->peers, c->peer_key);
	conn_enter(c, PHASE_CLOSED);
	s->n_open--;
	metrics_add(s->cfg.open, -1);
	metrics_add(end, 1);
	if (s->n_open == 0)
		(void)event_del(&s->tick);
	if (s->n_open == 0 && s->draining)
		event_active(&s->done, EV_TIMEOUT, 0);
}

/* Closing a socket with unread bytes resets it, and the reset would take the
 * answer away from the peer. */
void
conn_linger(struct conn *c)
{
	conn_give_back(c);
	if (c->eof) {
		conn_close(c, c->end);
		return;
	}
	stream_shut(&c->stream);
	conn_enter(c, PHASE_LINGER);
	conn_set_reading(c, true);
}

static void
discard(struct conn *c)
{
	enum stream_result r;
	size_t n;

	r = stream_discard(&c->stream, &n);
	c->discarded += n;
	if (r == STREAM_WANT_READ)
		return;
	if (r != STREAM_DONE || c->discarded >= DISCARD_MAX)
		conn_close(c, c->end);
}

/* ---- writing */

/* Write what the socket takes; the rest goes on when it takes more. */
static void
write_some(struct conn *c, struct bytes *rest)
{
	enum stream_result r = STREAM_DONE;
	size_t n;

	while (rest->len > 0 && r == STREAM_DONE) {
		r = stream_write(&c->stream, rest->ptr, rest->len, &n);
		rest->ptr += n;
		rest->len -= n;
	}
	switch (r) {
	case STREAM_DONE:
	case STREAM_WANT_READ: /* on_readable() comes back here */
		break;
	case STREAM_WANT_WRITE:
		(void)event_add(&c->writable, NULL);
		break;
	default:
		c->failed = true;
	}
}

/* A stream's peer may never catch up: what it has taken must not add up. */
static void
drop_taken(struct conn *c)
{
	size_t rest = c->out.len - c->out_done;

	if (c->out_done == 0 || c->out_done < rest)
		return;
	memmove(c->out.data, c->out.data + c->out_done, rest);
	secret_wipe(c->out.data + rest, c->out_done);
	c->out.len = rest;
	c->out_done = 0;
}

void
conn_send(struct conn *c, struct bytes b)
{
	if (c->failed)
		return;
	if (c->out.len == 0)
		write_some(c, &b);
	if (b.len > 0 && !c->failed) {
		drop_taken(c);
		buf_append(&c->out, b.ptr, b.len);
	}
	if (buf_status(&c->out) != ST_OK)
		c->failed = true;
}

/* Did the peer take any of it? */
static bool
flush(struct conn *c)
{
	size_t before = c->out.len - c->out_done;
	struct bytes rest = bytes_make(c->out.data + c->out_done, before);

	write_some(c, &rest);
	c->out_done = c->out.len - rest.len;
	if (rest.len == 0)
		forget_out(c);
	return rest.len < before;
}

/* ---- reading */

/* Somewhere to read to; false: not now, or c is closed. */
static bool
make_room(struct conn *c)
{
	struct request_pool *pool = &c->server->pool;

	if (c->buf == NULL)
		c->buf = request_buf_borrow(pool);
	else if (c->buf->len < c->buf->cap)
		return true;
	else if (!conn_receiving(c)) {
		conn_set_reading(c, false);
		return false;
	} else if (!request_buf_grow(pool, &c->buf))
		conn_give_back(c);
	if (c->buf == NULL)
		conn_close(c, MET_CONN_CLOSED_IO);
	return c->buf != NULL;
}

static void
read_ended(struct conn *c, enum stream_result r)
{
	if (c->buf != NULL && c->buf->len == 0)
		conn_give_back(c);
	switch (r) {
	case STREAM_DONE:
	case STREAM_WANT_READ:
		break;
	case STREAM_WANT_WRITE:
		c->read_blocked = true;
		(void)event_add(&c->writable, NULL);
		break;
	case STREAM_EOF:
		c->eof = true;
		conn_set_reading(c, false);
		exchange_run(c);
		break;
	case STREAM_RESET:
		conn_close(c, MET_CONN_CLOSED_PEER);
		break;
	case STREAM_FAILED:
		conn_close(c, MET_CONN_CLOSED_IO);
		break;
	}
}

/* Does anything depend on what c's peer sends?  During a stream, that it hangs
 * up. */
static bool
minds_reading(const struct conn *c)
{
	return c->phase < PHASE_LINGER && (!c->last || c->streaming);
}

static void
read_some(struct conn *c)
{
	enum stream_result r;
	size_t n;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		if (!make_room(c))
			return;
		r = stream_read(&c->stream, c->buf->data + c->buf->len,
		    c->buf->cap - c->buf->len, &n);
		if (r != STREAM_DONE) {
			read_ended(c, r);
			return;
		}
		c->buf->len += n;
		c->read_us = clock_mono_us();
		exchange_run(c);
		if (!minds_reading(c) || !stream_has_more(&c->stream))
			return;
	}
	event_active(&c->readable, EV_READ, 0);
}

/* ---- events */

void
conn_welcomed(struct conn *c)
{
	welcome_leave(c);
	conn_enter(c, c->server->draining ? PHASE_FRESH : PHASE_IDLE);
	if (stream_has_more(&c->stream))
		read_some(c);
}

/* Go on with out; false: c is closed or has nothing to read for. */
static bool
go_on_writing(struct conn *c)
{
	bool taken = flush(c);

	if (c->phase == PHASE_ANSWER) {
		exchange_settle(c);
		exchange_resume(c);
	} else if (c->failed) {
		conn_close(c, MET_CONN_CLOSED_IO);
	} else if (c->phase == PHASE_STREAM && taken) {
		exchange_flowed(c);
	}
	return minds_reading(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->phase == PHASE_HANDSHAKE) {
		welcome_ready(c);
		return;
	}
	if (c->phase == PHASE_LINGER) {
		discard(c);
		return;
	}
	if (c->out.len > 0 && c->stream.ssl != NULL && !go_on_writing(c))
		return;
	exchange_run(c);
	if (minds_reading(c) && !c->eof && c->reading)
		read_some(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->phase == PHASE_HANDSHAKE) {
		welcome_ready(c);
		return;
	}
	if (c->out.len == 0 && !c->read_blocked) {
		(void)event_del(&c->writable);
		return;
	}
	if (c->out.len > 0 && !go_on_writing(c))
		return;
	if (c->read_blocked) {
		c->read_blocked = false;
		read_some(c);
	}
}

void
conn_expired(struct conn *c)
{
	switch (c->phase) {
	case PHASE_HANDSHAKE:
		conn_close(c, MET_CONN_CLOSED_DEADLINE_HANDSHAKE);
		break;
	case PHASE_FRESH:
		conn_close(c, MET_CONN_CLOSED_DRAIN);
		break;
	case PHASE_IDLE:
		conn_close(c, MET_CONN_CLOSED_IDLE);
		break;
	case PHASE_HEAD:
		exchange_refuse(
		    c, PROBLEM_TIMEOUT, MET_CONN_CLOSED_DEADLINE_HEAD);
		break;
	case PHASE_BODY:
		exchange_refuse(
		    c, PROBLEM_TIMEOUT, MET_CONN_CLOSED_DEADLINE_BODY);
		break;
	case PHASE_ANSWER:
	case PHASE_STREAM:
		conn_close(c, MET_CONN_CLOSED_DEADLINE_WRITE);
		break;
	case PHASE_LINGER:
		conn_close(c, c->end);
		break;
	default:
		assert(false); /* a phase without a deadline */
	}
}

void
conn_drain(struct conn *c)
{
	if (c->buf != NULL)
		return; /* exchange_run() is about to serve it */
	/* A new client's first request may be on its way; one that has been
	 * served knows that a kept connection can close. */
	if (c->served)
		conn_close(c, MET_CONN_CLOSED_DRAIN);
	else
		conn_enter(c, PHASE_FRESH);
}
