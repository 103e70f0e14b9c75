/*
 * Connections that had one callback each and then only are there, until the
 * standard input ends.  Says "idle" on a line when all are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callback.h"
#include "load.h"

#define AT_ONCE 64 /* that shake hands */

struct idler {
	struct wire wire;
	bool answered;
};

static struct event_base *loop;
static SSL_CTX *tls;
static struct sockaddr_in server;
static struct callbacks todo;
static struct idler *idlers;
static uint32_t begun;

static const struct wire_events events;

static void
begin_one(void)
{
	struct idler *i = &idlers[begun++];

	wire_connect(&i->wire, loop, tls, &server, &events, i);
}

static void
on_ready(struct wire *w)
{
	struct idler *i = w->owner;
	size_t n = (size_t)(i - idlers);

	load_shaken(w);
	wire_send(w, todo.requests[n], todo.lens[n]);
}

static void
on_message(struct wire *w, const struct wire_message *m)
{
	struct idler *i = w->owner;

	if (!wire_is_200(m) || i->answered)
		wrong(m->head, m->head_len);
	i->answered = true;
	if (++result.done == options.count) {
		(void)puts("idle");
		(void)fflush(stdout);
	} else if (begun < options.count) {
		begin_one();
	}
}

static void
on_end(struct wire *w, const char *why)
{
	wrong(why, strlen(why));
	wire_close(w);
	load_stop(loop);
}

static const struct wire_events events = { on_ready, on_message, on_end };

static void
on_input(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	load_stop(arg);
}

void
idle_run(struct event_base *base)
{
	struct event *input;
	int64_t began_us = load_begin();

	loop = base;
	tls = wire_client_context();
	server = load_address(options.port);
	callbacks_make(&todo, options.first, options.count, 1);
	idlers = calloc(options.count, sizeof(*idlers));
	/* A file is no event for epoll: this has to be a pipe. */
	input = event_new(base, STDIN_FILENO, EV_READ, on_input, base);
	if (idlers == NULL || input == NULL || event_add(input, NULL) != 0)
		abort();
	while (begun < options.count && begun < AT_ONCE)
		begin_one();
	load_run(base);
	result.seconds = (double)(now_us() - began_us) / 1e6;
	event_free(input);
	for (uint32_t i = 0; i < begun; i++)
		wire_close(&idlers[i].wire);
	callbacks_free(&todo);
	free(idlers);
	SSL_CTX_free(tls);
}
