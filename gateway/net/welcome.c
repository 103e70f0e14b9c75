#include "net/welcome.h"

#include "base/clock.h"
#include "base/secret.h"
#include "net/conn.h"

/* A full handshake takes a quarter of a millisecond. */
#define BEGIN_AT_ONCE 4

/* One shelf's part of the handshakes under way. */
#define SHARE 16

/* Who is meant needs some ways to and fro, not this. */
#define PATIENCE_US 1000000

static struct welcome_shelf *
shelf_of(struct conn *c)
{
	struct welcome *w = &c->server->welcome;
	uint64_t x = (c->peer_key ^ w->seed) * UINT64_C(0xd6e8feb86659fd93);

	x = (x ^ (x >> 32) ^ w->seed) * UINT64_C(0xd6e8feb86659fd93);
	return &w->shelves[(x >> 32) % WELCOME_SHELVES];
}

static bool
has_its_part(const struct server *s, const struct welcome_shelf *shelf)
{
	return shelf->n_begun > 0 &&
	       shelf->n_begun >= s->cfg.handshakes / SHARE;
}

/* ---- TLS */

static void
shake_hands(struct conn *c)
{
	switch (stream_handshake(&c->stream)) {
	case STREAM_DONE:
		metrics_add(
		    stream_resumed(&c->stream) ? MET_TLS_RESUMED : MET_TLS_FULL,
		    1);
		(void)event_del(&c->writable);
		conn_welcomed(c);
		break;
	case STREAM_WANT_READ:
		(void)event_del(&c->writable);
		break;
	case STREAM_WANT_WRITE:
		(void)event_add(&c->writable, NULL);
		break;
	default:
		conn_close(c, MET_CONN_CLOSED_HANDSHAKE);
	}
}

/* ---- turns */

/* A timer without time comes behind what sockets have to say. */
static void
call_next(struct welcome *w)
{
	static const struct timeval soon;

	(void)event_add(&w->turn, &soon);
}

static void
enqueue(struct conn *c)
{
	struct welcome *w = &c->server->welcome;

	conn_set_reading(c, false);
	c->step = WELCOME_QUEUED;
	TAILQ_INSERT_TAIL(&shelf_of(c)->queue, c, in_turn);
	w->n_queued++;
	call_next(w);
}

static void
begin(struct conn *c)
{
	struct server *s = c->server;
	struct welcome *w = &s->welcome;
	struct welcome_shelf *shelf = shelf_of(c);

	TAILQ_REMOVE(&shelf->queue, c, in_turn);
	w->n_queued--;
	if (w->n_begun >= s->cfg.handshakes)
		conn_close(TAILQ_FIRST(&w->begun), MET_CONN_CLOSED_HANDSHAKES);
	c->step = WELCOME_BEGUN;
	c->begun_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&w->begun, c, in_turn);
	w->n_begun++;
	shelf->n_begun++;
	conn_set_reading(c, true);
	shake_hands(c);
}

/* The first of the next shelf that has one which may begin. */
static struct conn *
next_one(struct server *s)
{
	struct welcome *w = &s->welcome;

	for (int i = 0; i < WELCOME_SHELVES; i++) {
		struct welcome_shelf *shelf = &w->shelves[w->next];
		struct conn *c = TAILQ_FIRST(&shelf->queue);

		w->next = (w->next + 1) % WELCOME_SHELVES;
		if (c != NULL && !has_its_part(s, shelf))
			return c;
	}
	return NULL;
}

/* Every shelf that has somebody waiting has its part: those who have taken
 * their time there go, now or when it is over. */
static void
make_room(struct server *s)
{
	static const struct timeval later = { .tv_usec = 100000 };
	const int64_t before = clock_mono_us() - PATIENCE_US;
	struct conn *c = TAILQ_FIRST(&s->welcome.begun), *next;

	(void)event_add(&s->welcome.turn, &later);
	for (; c != NULL && c->begun_us <= before; c = next) {
		const struct welcome_shelf *shelf = shelf_of(c);

		next = TAILQ_NEXT(c, in_turn);
		if (!TAILQ_EMPTY(&shelf->queue) && has_its_part(s, shelf))
			conn_close(c, MET_CONN_CLOSED_HANDSHAKES);
	}
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct conn *c = NULL;

	(void)fd;
	(void)what;
	for (int i = 0; i < BEGIN_AT_ONCE && s->welcome.n_queued > 0; i++) {
		c = next_one(s);
		if (c == NULL) {
			make_room(s);
			return;
		}
		begin(c);
	}
	if (s->welcome.n_queued > 0)
		call_next(&s->welcome);
}

/* ---- a proxy's header */

static void
introduced(struct conn *c)
{
	if (!conn_count_peer(c))
		conn_close(c, MET_CONN_CLOSED_LIMIT);
	else if (c->server->cfg.tls == NULL)
		conn_welcomed(c);
	else
		c->step = WELCOME_SILENT;
}

static void
heard(struct conn *c, enum proxy_parse parse, const union peer_address *from)
{
	switch (parse) {
	case PROXY_MORE:
		break;
	case PROXY_FROM:
		conn_set_peer(c, from);
		introduced(c);
		break;
	case PROXY_SELF:
		introduced(c);
		break;
	case PROXY_ONE:
		conn_close(c, MET_CONN_CLOSED_PROXY_V1);
		break;
	case PROXY_BAD:
		conn_close(c, MET_CONN_CLOSED_PROXY);
		break;
	}
}

/* What lies behind the header is TLS's: no byte too many is read. */
static void
read_header(struct conn *c)
{
	unsigned char part[PROXY_KEPT];
	union peer_address from;
	size_t n = proxy_wants(&c->proxy);
	enum stream_result r;

	r = stream_read_bare(
	    &c->stream, part, n < sizeof(part) ? n : sizeof(part), &n);
	if (r == STREAM_DONE)
		heard(c, proxy_take(&c->proxy, part, n, &from), &from);
	else if (r != STREAM_WANT_READ)
		conn_close(c, MET_CONN_CLOSED_PEER);
}

/* ---- for conn.c */

void
welcome_start(struct conn *c, bool proxied)
{
	c->step = proxied ? WELCOME_HEADER : WELCOME_SILENT;
	c->proxy.have = 0;
}

void
welcome_ready(struct conn *c)
{
	switch (c->step) {
	case WELCOME_HEADER:
		read_header(c);
		break;
	case WELCOME_SILENT:
		enqueue(c);
		break;
	case WELCOME_QUEUED:
		break;
	case WELCOME_BEGUN:
		shake_hands(c);
		break;
	}
}

void
welcome_leave(struct conn *c)
{
	struct welcome *w = &c->server->welcome;

	if (c->step == WELCOME_QUEUED) {
		TAILQ_REMOVE(&shelf_of(c)->queue, c, in_turn);
		w->n_queued--;
	} else if (c->step == WELCOME_BEGUN) {
		TAILQ_REMOVE(&w->begun, c, in_turn);
		w->n_begun--;
		shelf_of(c)->n_begun--;
		if (w->n_queued > 0)
			call_next(w);
	}
	c->step = WELCOME_SILENT;
}

void
welcome_init(struct server *s)
{
	struct welcome *w = &s->welcome;

	secret_random(&w->seed, sizeof(w->seed));
	TAILQ_INIT(&w->begun);
	for (int i = 0; i < WELCOME_SHELVES; i++)
		TAILQ_INIT(&w->shelves[i].queue);
	(void)event_assign(&w->turn, s->base, -1, 0, on_turn, s);
}

void
welcome_fini(struct server *s)
{
	(void)event_del(&s->welcome.turn);
}
