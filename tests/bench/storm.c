/*
 * Callbacks at a rate, to a gateway that may be killed at any time: what was
 * not answered 200 is sent again until it is, and some of what was is sent
 * again all the same.  Billing takes what comes.
 *
 * Says billing's port on a line.  Reads lines: the gateway's port, whenever it
 * has a new one; 0: send nothing new, and say "empty" when all is answered.
 * Says "a N" when payment N was acknowledged, "d N" when billing got it; the
 * end of its input is its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callback.h"
#include "load.h"
#include "standin.h"

#define TICK_US	  1000
#define AGAIN	  8 /* one of so many is a duplicate */
#define PAUSE_US  5000
#define NOTHING	  UINT32_MAX
#define LINE_MOST 32

struct sender {
	struct wire wire;
	uint32_t n; /* on its way, or to be sent again; NOTHING */
	bool open, sent;
	int64_t not_before_us;
};

static struct event_base *loop;
static SSL_CTX *tls;
static struct callbacks todo;
static struct sender *senders;
static struct sockaddr_in server;
static uint32_t next;
static bool drains, drained;
static int64_t due_us; /* the next callback's */

static uint32_t
choose(void)
{
	if (next > 0 && (next == options.count || random() % AGAIN == 0))
		return (uint32_t)random() % next;
	return next++;
}

static void
leave(struct sender *s)
{
	wire_close(&s->wire);
	s->open = s->sent = false;
	s->not_before_us = now_us() + PAUSE_US;
}

static void
on_ready(struct wire *w)
{
	(void)w;
}

static void
on_message(struct wire *w, const struct wire_message *m)
{
	static const char busy[] = "HTTP/1.1 503 ";
	struct sender *s = w->owner;

	s->sent = false;
	if (wire_is_200(m)) {
		(void)printf("a %u\n", s->n);
		s->n = NOTHING;
		result.done++;
		return;
	}
	s->not_before_us = now_us() + PAUSE_US;
	if (strncmp(m->head, busy, sizeof(busy) - 1) != 0)
		wrong(m->head, m->head_len);
}

static void
on_end(struct wire *w, const char *why)
{
	(void)why;
	leave(w->owner);
}

static void
on_delivered(uint32_t n)
{
	(void)printf("d %u\n", n);
}

/* One step of one connection; whether it took a new callback. */
static bool
go_on(struct sender *s, int64_t now, bool may)
{
	static const struct wire_events events = { on_ready, on_message,
		on_end };
	bool took = false;

	if (s->not_before_us > now || s->sent || server.sin_port == 0)
		return false;
	if (!s->open) {
		s->open = true;
		wire_connect(&s->wire, loop, tls, &server, &events, s);
	}
	if (!s->wire.ready)
		return false;
	if (s->n == NOTHING && may) {
		s->n = choose();
		took = true;
	}
	if (s->n == NOTHING)
		return took;
	s->sent = true;
	wire_send(&s->wire, todo.requests[s->n], todo.lens[s->n]);
	return took;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	int64_t now = now_us(), gap_us = 1000000 / options.rate;
	bool all = true;

	(void)fd;
	(void)what;
	(void)arg;
	/* What could not be sent while there was nobody is not caught up. */
	if (due_us < now - (int64_t)options.connections * gap_us)
		due_us = now - (int64_t)options.connections * gap_us;
	for (uint32_t i = 0; i < options.connections; i++) {
		if (go_on(&senders[i], now, !drains && due_us <= now))
			due_us += gap_us;
		all = all && senders[i].n == NOTHING;
	}
	if (drains && all && !drained) {
		drained = true;
		(void)puts("empty");
	}
	(void)fflush(stdout);
}

static void
on_word(evutil_socket_t fd, short what, void *arg)
{
	static char line[LINE_MOST];
	static size_t len;
	char c;

	(void)what;
	(void)arg;
	if (read(fd, &c, 1) != 1) {
		load_stop(loop);
		return;
	}
	if (c != '\n' && len + 1 < sizeof(line)) {
		line[len++] = c;
		return;
	}
	line[len] = '\0';
	len = 0;
	drains = strcmp(line, "0") == 0;
	if (drains)
		return;
	server = load_address((int)strtol(line, NULL, 10));
	for (uint32_t i = 0; i < options.connections; i++)
		leave(&senders[i]);
}

void
storm_run(struct event_base *base)
{
	const struct standin_config cfg = { .certificate = options.certificate,
		.key = options.key,
		.secret = options.secret,
		.payments = options.count,
		.endpoints = 1,
		.again = true,
		.on_delivered = on_delivered };
	const struct timeval tick = { .tv_usec = TICK_US };
	struct event *ticks, *words;
	int provider_port, billing_port;

	loop = base;
	srandom(options.first + 1);
	tls = wire_client_context();
	callbacks_make(&todo, 0, options.count, 1);
	senders = calloc(options.connections, sizeof(*senders));
	if (senders == NULL || options.rate == 0)
		abort();
	for (uint32_t i = 0; i < options.connections; i++)
		senders[i].n = NOTHING;
	standin_start(base, &cfg, &provider_port, &billing_port);
	(void)printf("%d\n", billing_port);
	(void)fflush(stdout);
	due_us = load_begin();
	ticks = event_new(base, -1, EV_PERSIST, on_tick, NULL);
	words =
	    event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_word, NULL);
	if (ticks == NULL || words == NULL || event_add(ticks, &tick) != 0 ||
	    event_add(words, NULL) != 0)
		abort();
	load_run(base);
	event_free(ticks);
	event_free(words);
	for (uint32_t i = 0; i < options.connections; i++)
		wire_close(&senders[i].wire);
	callbacks_free(&todo);
	free(senders);
	SSL_CTX_free(tls);
}
