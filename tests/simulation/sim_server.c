#include "sim_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/server.h"
#include "net/tls.h"
#include "payments.h"
#include "sim.h"

#define FIELDS_MAX 4096

struct server {
	struct server *next;
	struct server_config cfg;
	bool open, draining;
	size_t n_open;
	struct buf fields;
	void (*on_done)(void *arg);
	void *done_arg;
	struct event *done;
};

/* One request, from its sending to what its sender hears of it. */
struct exchange {
	struct exchange *next;
	exchange_id id; /* 0: not yet, or no longer, the handler's */
	struct server *server;
	int listener;
	uint32_t tag;
	bool streaming;
	struct buf head, body, answer;
	int status;
	sim_answered_fn *fn;
	void *arg;
};

static struct server *servers;
static struct exchange *exchanges;
static exchange_id last_id;

/* ---- the caller's side */

static void
finish(void *arg)
{
	struct exchange *x = arg;

	buf_append(&x->answer, "", 1);
	sim_event("answer", (uint64_t)x->status, x->answer.len);
	x->fn(x->arg, x->status,
	    x->answer.len > 0 ? (const char *)x->answer.data : "");
	buf_fini(&x->head);
	buf_fini(&x->body);
	buf_fini(&x->answer);
	free(x);
}

/* The answer is on its way. */
static void
leave(struct exchange *x, int status)
{
	struct exchange **at = &exchanges;

	while (*at != NULL && *at != x)
		at = &(*at)->next;
	if (*at != NULL)
		*at = x->next;
	x->status = status;
	if (x->id != 0 && --x->server->n_open == 0 && x->server->draining)
		event_active(x->server->done, EV_TIMEOUT, 0);
	x->id = 0;
	if (status != 0 && sim_fault(FAULT_LOST, 300))
		x->status = 0;
	sim_after(sim_between(0, 50000), finish, x);
}

static struct server *
listening(int listener)
{
	struct server *s = servers;

	while (s != NULL && (s->cfg.fd != listener || !s->open || s->draining))
		s = s->next;
	return s;
}

static void
arrive(void *arg)
{
	struct exchange *x = arg;
	struct server *s = listening(x->listener);
	struct http_head head = { .scanned = 0 };
	struct server_request req = { .arrived_us = clock_mono_us(),
		.peer = "192.0.2.0/24",
		.peer_key = 1 };
	enum problem why;

	if (s == NULL) {
		leave(x, 0);
		return;
	}
	if (http_parse(&head, x->head.data, x->head.len, &why) != HTTP_DONE)
		sim_broken("a request that is none", 0);
	x->next = exchanges;
	exchanges = x;
	x->server = s;
	x->id = ++last_id;
	s->n_open++;
	if (s->cfg.on_head != NULL && !s->cfg.on_head(s->cfg.arg, x->id, &head))
		return;
	req.id = x->id;
	req.head = &head;
	req.body = x->body.data;
	req.body_len = x->body.len;
	s->cfg.on_request(s->cfg.arg, &req);
}

void
sim_request(int listener, const char *head, struct bytes body,
    sim_answered_fn *fn, void *arg)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		abort();
	x->listener = listener;
	x->fn = fn;
	x->arg = arg;
	buf_init(&x->head, 65536);
	buf_init(&x->body, 65536);
	buf_init(&x->answer, 16 * 1024 * 1024);
	buf_append_text(&x->head, head);
	buf_append(&x->body, body.ptr, body.len);
	sim_after(sim_between(0, 50000), arrive, x);
}

/* ---- the room's side */

static struct exchange *
find(struct server *s, exchange_id id)
{
	struct exchange *x = exchanges;

	while (x != NULL && (x->id != id || x->server != s))
		x = x->next;
	return id == 0 ? NULL : x;
}

static void
complete(struct server *s, exchange_id id, const struct exchange *x,
    const struct server_reply *reply)
{
	if (s->cfg.on_answer == NULL)
		return;
	buf_reset(&s->fields);
	s->cfg.on_answer(
	    s->cfg.arg, id, x == NULL ? 0 : x->tag, reply, &s->fields);
}

void
server_reply(struct server *s, exchange_id id, const struct server_reply *reply)
{
	struct exchange *x = find(s, id);

	complete(s, id, x, reply);
	if (x == NULL)
		return;
	payments_answering(x->arg, x->listener, reply->status);
	buf_append(&x->answer, reply->body.ptr, reply->body.len);
	leave(x, reply->status);
}

void
server_tag(struct server *s, exchange_id id, uint32_t tag)
{
	struct exchange *x = find(s, id);

	if (x != NULL)
		x->tag = tag;
}

void
server_problem(
    struct server *s, exchange_id id, enum problem p, const char *fields)
{
	const struct server_reply reply = { .status = problem_status(p),
		.content_type = "application/problem+json",
		.fields = fields,
		.body = problem_body(p) };

	server_reply(s, id, &reply);
}

void
server_stream(
    struct server *s, exchange_id id, const struct server_reply *reply)
{
	struct exchange *x = find(s, id);

	complete(s, id, x, reply);
	if (x == NULL)
		return;
	x->streaming = true;
	x->status = reply->status;
}

bool
server_stream_add(struct server *s, exchange_id id, struct bytes piece)
{
	struct exchange *x = find(s, id);

	if (x != NULL)
		buf_append(&x->answer, piece.ptr, piece.len);
	return x != NULL;
}

size_t
server_stream_room(struct server *s, exchange_id id)
{
	return find(s, id) == NULL ? 0 : 256 * 1024;
}

void
server_stream_end(struct server *s, exchange_id id)
{
	struct exchange *x = find(s, id);

	if (x != NULL)
		leave(x, x->status);
}

void
server_stream_cut(struct server *s, exchange_id id)
{
	struct exchange *x = find(s, id);

	if (x != NULL)
		leave(x, 0);
}

bool
server_waits(struct server *s, exchange_id id)
{
	return find(s, id) != NULL;
}

enum status
server_open(struct server *s, struct err *e)
{
	(void)e;
	s->open = true;
	return ST_OK;
}

static void
on_drained(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (s->n_open == 0 && s->on_done != NULL) {
		void (*fn)(void *) = s->on_done;

		s->on_done = NULL;
		fn(s->done_arg);
	}
}

enum status
server_new(struct server **out, struct loop *l, const struct server_config *cfg,
    struct err *e)
{
	struct server *s = calloc(1, sizeof(*s));

	(void)e;
	if (s == NULL)
		abort();
	s->cfg = *cfg;
	s->open = !cfg->shut;
	buf_init(&s->fields, FIELDS_MAX);
	s->done = event_new(loop_base(l), -1, 0, on_drained, s);
	s->next = servers;
	servers = s;
	*out = s;
	return ST_OK;
}

void
server_drain(struct server *s, void (*on_done)(void *arg), void *arg)
{
	s->draining = true;
	s->on_done = on_done;
	s->done_arg = arg;
	if (s->n_open == 0)
		event_active(s->done, EV_TIMEOUT, 0);
}

void
server_free(struct server *s)
{
	struct server **at = &servers;

	if (s == NULL)
		return;
	s->draining = false;
	for (struct exchange *x = exchanges, *next; x != NULL; x = next) {
		next = x->next;
		if (x->server == s)
			leave(x, 0);
	}
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	event_free(s->done);
	buf_fini(&s->fields);
	free(s);
}

/* ---- net/tls.h: there is none */

enum status
tls_server_new(SSL_CTX **out, const struct room_tls *cfg, int64_t *not_after_us,
    struct err *e)
{
	(void)cfg;
	(void)e;
	if (not_after_us != NULL)
		*not_after_us = 0;
	*out = NULL;
	return ST_OK;
}

enum status
tls_server_client_ca(SSL_CTX *ctx, const char *ca_pem, struct err *e)
{
	(void)ctx;
	(void)ca_pem;
	(void)e;
	return ST_OK;
}

void
tls_server_brief(SSL_CTX *ctx)
{
	(void)ctx;
}

void
tls_server_free(SSL_CTX *ctx)
{
	(void)ctx;
}
