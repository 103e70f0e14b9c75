/*
 * Callbacks: as fast as they are answered, or each at its time.
 *
 * Says "ready" on a line once connections that stay are made, and begins when
 * it reads a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "load.h"

struct poster {
	struct wire wire;
	struct poster *next; /* of those that have nothing to do */
	bool busy;
	int64_t due_us;
};

static struct event_base *loop;
static SSL_CTX *tls;
static struct sockaddr_in server;
static struct callbacks todo;
static struct poster *posters, *idle;
static uint32_t taken, answered, shaken;
static uint32_t begun; /* connections, where each callback has its own */
static int64_t began_us;

static const struct wire_events events;

static void
connect_one(struct poster *p)
{
	wire_connect(&p->wire, loop, tls, &server, &events, p);
}

static void
send_next(struct poster *p, int64_t due_us)
{
	uint32_t i = taken++;

	p->busy = true;
	p->due_us = due_us;
	wire_send(&p->wire, todo.requests[i], todo.lens[i]);
}

static int64_t
due_us_of(uint32_t i)
{
	return began_us + (int64_t)i * 1000000 / options.rate;
}

/* p is free: what is to be done next, if it is time. */
static void
go_on(struct poster *p)
{
	int64_t now = now_us();

	if (taken == options.count)
		return;
	if (options.rate == 0) {
		send_next(p, now);
	} else if (due_us_of(taken) <= now) {
		send_next(p, due_us_of(taken));
	} else {
		p->next = idle;
		idle = p;
	}
}

static void
wait_for_word(void)
{
	char word[8];

	(void)puts("ready");
	(void)fflush(stdout);
	if (fgets(word, sizeof(word), stdin) == NULL)
		exit(2);
}

static void
start_clock(void)
{
	wait_for_word();
	began_us = load_begin();
	for (uint32_t i = 0; i < options.connections; i++)
		go_on(&posters[i]);
}

static void
on_ready(struct wire *w)
{
	struct poster *p = w->owner;

	load_shaken(w);
	if (options.fresh)
		send_next(p, p->due_us);
	else if (++shaken == options.connections)
		start_clock();
}

static void
judge(const struct wire_message *m)
{
	static const char body[] = "OK";

	if (wire_is_200(m) && m->body_len == sizeof(body) - 1 &&
	    memcmp(m->body, body, sizeof(body) - 1) == 0)
		result.done++;
	else
		wrong(m->head, m->head_len);
}

/* The handshake is part of the time. */
static void
begin_fresh(struct poster *p)
{
	if (begun == options.count)
		return;
	begun++;
	p->busy = true;
	p->due_us = now_us();
	connect_one(p);
}

static void
on_message(struct wire *w, const struct wire_message *m)
{
	struct poster *p = w->owner;

	if (!p->busy) {
		static const char words[] = "an answer to nothing";

		wrong(words, strlen(words));
		return;
	}
	p->busy = false;
	judge(m);
	histogram_add(&result.us, (uint64_t)(now_us() - p->due_us));
	if (++answered == options.count) {
		load_stop(loop);
	} else if (options.fresh) {
		wire_close(w);
		begin_fresh(p);
	} else {
		go_on(p);
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

/* This process has a processor for itself: it looks at the clock all the
 * time, for a timer would be late. */
static void
run_by_the_clock(void)
{
	int64_t end_us = now_us() + (int64_t)options.seconds * 1000000;

	while (answered < options.count && !event_base_got_break(loop)) {
		int64_t now = now_us();
		struct poster *p;

		(void)event_base_loop(loop, EVLOOP_NONBLOCK);
		if (now > end_us) {
			static const char late[] = "the time is over";

			wrong(late, strlen(late));
			return;
		}
		if (event_base_got_break(loop))
			return;
		p = idle;
		if (p != NULL && taken < options.count && began_us > 0 &&
		    due_us_of(taken) <= now) {
			idle = p->next;
			go_on(p);
		}
	}
}

void
post_run(struct event_base *base)
{
	loop = base;
	tls = wire_client_context();
	server = load_address(options.port);
	if (options.connections > options.count)
		options.connections = options.count;
	callbacks_make(&todo, options.first, options.count, options.merchants);
	posters = calloc(options.connections, sizeof(*posters));
	if (posters == NULL)
		abort();
	if (options.fresh) {
		wait_for_word();
		began_us = load_begin();
	}
	for (uint32_t i = 0; i < options.connections; i++) {
		if (options.fresh)
			begin_fresh(&posters[i]);
		else
			connect_one(&posters[i]);
	}
	if (options.rate > 0)
		run_by_the_clock();
	else
		load_run(loop);
	result.seconds = (double)(now_us() - began_us) / 1e6;
	for (uint32_t i = 0; i < options.connections; i++)
		wire_close(&posters[i].wire);
	callbacks_free(&todo);
	free(posters);
	SSL_CTX_free(tls);
}
