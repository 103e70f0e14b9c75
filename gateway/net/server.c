#include "net/server.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/exchange.h"
#include "net/reply.h"

#define FIELDS_MAX	4096
#define STREAM_ROOM	(256 * 1024) /* of a stream, that waits for its peer */
#define CONNECTIONS_MAX (1 << 20)    /* the slots an exchange_id can name */
#define ACCEPT_AT_ONCE	64
#define EVICT_AT_ONCE	8 /* when descriptors run out */
#define PAUSE_MS	100
#define TICK_MS		100
#define REST_US		200000 /* idle for so long, perhaps for longer */
#define LINGER_MS	1000
#define FRESH_MS	1000
#define USELESS_US	1000000 /* without a hello or a request */
#define PAUSE_LOG_US	1000000

static const struct timeval pause_time = { .tv_usec = PAUSE_MS * 1000 };
static const struct timeval tick_time = { .tv_usec = TICK_MS * 1000 };

/* ---- making room */

/* The first of a phase, which has a deadline, if it is there for min_us. */
static struct conn *
waits_for(const struct server *s, enum conn_phase phase, int64_t min_us)
{
	struct conn *c = TAILQ_FIRST(&s->phases[phase]);

	if (c == NULL ||
	    clock_mono_us() < c->deadline_us - s->span_us[phase] + min_us)
		return NULL;
	return c;
}

/* Close the connection that is of least use: who means it says hello at once,
 * and who has just done so has a request on its way. */
static bool
evict(struct server *s)
{
	static const struct {
		enum conn_phase phase;
		int64_t min_us;
	} order[] = { { PHASE_HANDSHAKE, USELESS_US },
		{ PHASE_IDLE, USELESS_US }, { PHASE_LINGER, 0 },
		{ PHASE_HANDSHAKE, 0 }, { PHASE_IDLE, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		struct conn *c = waits_for(s, order[i].phase, order[i].min_us);

		if (c == NULL)
			continue;
		conn_close(c, MET_CONN_CLOSED_EVICTED);
		return true;
	}
	return false;
}

/* Level-triggered accepting without descriptors would spin. */
static void
pause_accepting(struct server *s)
{
	int64_t now = clock_mono_us();

	(void)event_del(&s->acceptable);
	(void)event_add(&s->resume, &pause_time);
	metrics_add(MET_ACCEPT_PAUSED, 1);
	s->pauses++;
	if (s->pause_logged_us == 0 ||
	    now - s->pause_logged_us >= PAUSE_LOG_US) {
		log_event(LOG_ACCEPT_PAUSED, log_num(KEY_COUNT, s->pauses));
		s->pause_logged_us = now;
		s->pauses = 0;
	}
	for (int i = 0; i < EVICT_AT_ONCE && evict(s); i++)
		;
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (!s->draining)
		(void)event_add(&s->acceptable, NULL);
}

/* ---- accepting */

static void
refuse(int fd)
{
	metrics_add(MET_CONN_CLOSED_LIMIT, 1);
	(void)close(fd);
}

/* An address that has its share makes nobody else leave.  A proxy has none:
 * those that it speaks for have. */
static void
take(struct server *s, int fd, const union peer_address *from)
{
	bool proxied = network_has(s->cfg.proxies, s->cfg.n_proxies, &from->sa);
	bool counted = !proxied && s->cfg.connections_per_address > 0;

	metrics_add(s->cfg.accepted, 1);
	if (counted && !peer_table_enter(s->peers, peer_key(from),
			   s->cfg.connections_per_address)) {
		refuse(fd);
		return;
	}
	if (s->n_open == s->cfg.connections && !evict(s)) {
		if (counted)
			peer_table_leave(s->peers, peer_key(from));
		refuse(fd);
		return;
	}
	if (s->n_open == 0)
		(void)event_add(&s->tick, &tick_time);
	conn_start(s, fd, from, proxied);
}

static void
on_acceptable(evutil_socket_t listener, short what, void *arg)
{
	struct server *s = arg;

	(void)what;
	for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
		union peer_address from = { .sa.sa_family = AF_UNSPEC };
		socklen_t len = sizeof(from);
		int fd = accept4(
		    listener, &from.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(s, fd, &from);
			continue;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOMEM:
			/* The kernel looks for a descriptor before it looks
			 * for a connection: perhaps none is waiting. */
			if (i == 0)
				pause_accepting(s);
			return;
		default:
			/* accept(2): the error of one connection. */
			break;
		}
	}
}

/* ---- deadlines */

/* They stand in the order in which they became idle: before one that rests
 * all do. */
static void
rest_idle(struct server *s, int64_t now)
{
	int64_t until = now - REST_US + s->span_us[PHASE_IDLE];
	struct conn *c;

	TAILQ_FOREACH_REVERSE(c, &s->phases[PHASE_IDLE], conn_list, in_phase)
	{
		if (c->deadline_us > until)
			continue;
		if (c->rests)
			return;
		c->rests = true;
		stream_rest(&c->stream);
	}
}

/* A phase's connections stand in the order in which they entered it, and the
 * time allowed is the same for all: the first is due first. */
static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	int64_t now = clock_mono_us();
	struct conn *c;

	(void)fd;
	(void)what;
	for (int p = 0; p < PHASES; p++) {
		if (s->span_us[p] == 0)
			continue;
		while ((c = TAILQ_FIRST(&s->phases[p])) != NULL &&
		       c->deadline_us <= now)
			conn_expired(c);
	}
	if (s->span_us[PHASE_IDLE] > 0)
		rest_idle(s, now);
}

/* ---- the contract */

static void
on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (s->done_told || s->n_open > 0)
		return;
	s->done_told = true;
	if (s->on_done != NULL)
		s->on_done(s->done_arg); /* may free s */
}

static void
set_spans(struct server *s)
{
	s->span_us[PHASE_HANDSHAKE] = s->cfg.handshake_ms * 1000;
	s->span_us[PHASE_FRESH] = FRESH_MS * 1000;
	s->span_us[PHASE_IDLE] = s->cfg.idle_ms * 1000;
	s->span_us[PHASE_HEAD] = s->cfg.head_ms * 1000;
	s->span_us[PHASE_BODY] = s->cfg.body_ms * 1000;
	s->span_us[PHASE_STREAM] = s->cfg.idle_ms * 1000;
	s->span_us[PHASE_ANSWER] = s->cfg.idle_ms * 1000;
	s->span_us[PHASE_LINGER] = LINGER_MS * 1000;
}

static bool
allocate(struct server *s)
{
	s->conns = calloc((size_t)s->cfg.connections, sizeof(*s->conns));
	s->peers = peer_table_new((uint32_t)s->cfg.connections + 1);
	if (s->conns == NULL || s->peers == NULL)
		return false;
	for (int p = 0; p < PHASES; p++)
		TAILQ_INIT(&s->phases[p]);
	return true;
}

enum status
server_open(struct server *s, struct err *e)
{
	if (s->draining || event_add(&s->acceptable, NULL) == 0)
		return ST_OK;
	err_set(e, "the listening socket cannot be watched");
	return ST_IO;
}

enum status
server_new(struct server **out, struct loop *l, const struct server_config *cfg,
    struct err *e)
{
	struct server *s;

	*out = NULL;
	assert(cfg->connections > 0 && cfg->connections <= CONNECTIONS_MAX);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		goto fail;
	s->cfg = *cfg;
	s->base = loop_base(l);
	if (s->cfg.handshakes == 0)
		s->cfg.handshakes = s->cfg.connections;
	set_spans(s);
	request_pool_init(&s->pool, HTTP_HEAD_MAX + cfg->body_max);
	buf_init(&s->scratch, CONN_REPLY_MAX);
	buf_init(&s->fields, FIELDS_MAX);
	if (!allocate(s))
		goto fail;
	if (cfg->tls != NULL && SSL_CTX_up_ref(cfg->tls) != 1)
		goto fail;
	welcome_init(s);
	(void)event_assign(&s->resume, s->base, -1, 0, on_resume, s);
	(void)event_assign(&s->tick, s->base, -1, EV_PERSIST, on_tick, s);
	(void)event_assign(&s->done, s->base, -1, 0, on_drained, s);
	(void)event_assign(&s->acceptable, s->base, cfg->fd,
	    EV_READ | EV_PERSIST, on_acceptable, s);
	if (!cfg->shut && server_open(s, e) != ST_OK) {
		server_free(s);
		return ST_IO;
	}
	*out = s;
	return ST_OK;
fail:
	err_set(e, "no memory for a server");
	if (s != NULL) {
		request_pool_fini(&s->pool);
		peer_table_free(s->peers);
		free(s->conns);
	}
	free(s);
	return ST_NO_MEMORY;
}

/* reply with what its server adds to every answer. */
static struct server_reply
complete(struct server *s, exchange_id id, const struct conn *c,
    const struct server_reply *reply)
{
	struct server_reply r = *reply;

	if (s->cfg.on_answer == NULL)
		return r;
	buf_reset(&s->fields);
	if (reply->fields != NULL)
		buf_append_text(&s->fields, reply->fields);
	s->cfg.on_answer(
	    s->cfg.arg, id, c == NULL ? 0 : c->tag, reply, &s->fields);
	if (s->fields.len > 0 && buf_status(&s->fields) == ST_OK)
		r.fields = (const char *)s->fields.data;
	return r;
}

void
server_reply(struct server *s, exchange_id id, const struct server_reply *reply)
{
	struct conn *c = exchange_find(s, id);
	struct server_reply r = complete(s, id, c, reply);

	if (c != NULL)
		exchange_answer(c, &r);
}

void
server_tag(struct server *s, exchange_id id, uint32_t tag)
{
	struct conn *c = exchange_find(s, id);

	if (c != NULL)
		c->tag = tag;
}

void
server_problem(
    struct server *s, exchange_id id, enum problem p, const char *fields)
{
	struct server_reply reply = { .status = problem_status(p),
		.content_type = "application/problem+json",
		.fields = fields,
		.body = problem_body(p),
		.close = reply_must_close(p) };

	server_reply(s, id, &reply);
}

void
server_stream(
    struct server *s, exchange_id id, const struct server_reply *reply)
{
	struct conn *c = exchange_find(s, id);
	struct server_reply r = complete(s, id, c, reply);

	if (c != NULL)
		exchange_stream(c, &r);
}

/* The exchange, if it is answered in pieces. */
static struct conn *
find_stream(struct server *s, exchange_id id)
{
	struct conn *c = exchange_find(s, id);

	return c != NULL && c->streaming && !c->failed ? c : NULL;
}

bool
server_stream_add(struct server *s, exchange_id id, struct bytes piece)
{
	struct conn *c = find_stream(s, id);

	if (c == NULL)
		return false;
	exchange_add(c, piece);
	return find_stream(s, id) != NULL;
}

size_t
server_stream_room(struct server *s, exchange_id id)
{
	const struct conn *c = find_stream(s, id);
	size_t held;

	if (c == NULL)
		return 0;
	held = c->out.len - c->out_done;
	return held < STREAM_ROOM ? STREAM_ROOM - held : 0;
}

void
server_stream_end(struct server *s, exchange_id id)
{
	struct conn *c = find_stream(s, id);

	if (c != NULL)
		exchange_end(c);
}

void
server_stream_cut(struct server *s, exchange_id id)
{
	struct conn *c = find_stream(s, id);

	if (c != NULL)
		exchange_cut(c);
}

bool
server_waits(struct server *s, exchange_id id)
{
	const struct conn *c = exchange_find(s, id);

	return c != NULL && !c->eof && !c->failed;
}

void
server_drain(struct server *s, void (*on_done)(void *arg), void *arg)
{
	struct conn *c, *next;

	s->draining = true;
	s->on_done = on_done;
	s->done_arg = arg;
	(void)event_del(&s->acceptable);
	(void)event_del(&s->resume);
	for (c = TAILQ_FIRST(&s->phases[PHASE_IDLE]); c != NULL; c = next) {
		next = TAILQ_NEXT(c, in_phase);
		conn_drain(c);
	}
	if (s->n_open == 0)
		event_active(&s->done, EV_TIMEOUT, 0);
}

void
server_free(struct server *s)
{
	struct conn *c;

	if (s == NULL)
		return;
	for (int p = 0; p < PHASES; p++) {
		while (p != PHASE_CLOSED &&
		       (c = TAILQ_FIRST(&s->phases[p])) != NULL)
			conn_close(c, MET_CONN_CLOSED_DRAIN);
	}
	welcome_fini(s);
	(void)event_del(&s->acceptable);
	(void)event_del(&s->resume);
	(void)event_del(&s->tick);
	(void)event_del(&s->done);
	request_pool_fini(&s->pool);
	peer_table_free(s->peers);
	SSL_CTX_free(s->cfg.tls);
	buf_fini(&s->scratch);
	buf_fini(&s->fields);
	free(s->conns);
	free(s);
}
