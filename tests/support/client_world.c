/* cmocka's header wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "client_world.h"

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("nothing came for half a minute");
}

struct client_world *
client_world_new(const char *names)
{
	static const struct timeval a_minute = { .tv_sec = 60 };
	struct client_world *w = calloc(1, sizeof(*w));
	struct err e;

	assert_non_null(w);
	assert_int_equal(loop_new(&w->loop, &e), ST_OK);
	assert_int_equal(client_new(&w->client, w->loop, &e), ST_OK);
	w->guard = evtimer_new(loop_base(w->loop), on_guard, NULL);
	assert_non_null(w->guard);
	assert_int_equal(evtimer_add(w->guard, &a_minute), 0);
	w->stub = http_stub_start(names);
	return w;
}

void
client_world_free(struct client_world *w)
{
	client_free(w->client);
	for (size_t i = 0; i < w->n_targets; i++)
		client_target_free(w->targets[i]);
	http_stub_stop(w->stub);
	event_free(w->guard);
	loop_free(w->loop);
	free(w);
}

void
client_world_done(void *arg, const struct client_result *r)
{
	struct client_world *w = arg;

	w->last = *r;
	w->last.body.ptr = NULL;
	assert_true(r->body.len < sizeof(w->body));
	if (r->body.len > 0)
		memcpy(w->body, r->body.ptr, r->body.len);
	w->body[r->body.len] = '\0';
	w->n_done++;
	if (w->n_done == w->n_wanted)
		loop_stop(w->loop);
}

void
client_world_aim_at(
    struct client_world *w, const char *url, const char *ca, int64_t timeout_ms)
{
	const struct client_target_config cfg = {
		.url = url, .ca_pem = ca, .timeout_ms = timeout_ms
	};

	client_world_aim_with(w, &cfg);
}

void
client_world_aim_with(
    struct client_world *w, const struct client_target_config *cfg)
{
	struct err e;

	assert_true(w->n_targets < CLIENT_WORLD_TARGETS);
	assert_int_equal(client_target_new(&w->target, cfg, &e), ST_OK);
	w->targets[w->n_targets++] = w->target;
}

void
client_world_aim(struct client_world *w, const char *host, int64_t timeout_ms)
{
	char url[HTTP_STUB_URL];

	http_stub_url(w->stub, host, "/hooks", url);
	client_world_aim_at(w, url, http_stub_ca(w->stub), timeout_ms);
}

void
client_world_say(
    struct client_world *w, const char *bytes, enum http_stub_then then)
{
	struct http_stub_answer a = { .bytes = bytes, .then = then };

	http_stub_say(w->stub, &a);
}

struct waiting {
	struct client_world *w;
	struct event *ev;
	size_t requests;
};

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct waiting *x = arg;

	(void)fd;
	(void)what;
	if (http_stub_requested(x->w->stub) >= x->requests)
		loop_stop(x->w->loop);
}

void
client_world_run_until_requested(struct client_world *w, size_t n)
{
	static const struct timeval often = { .tv_usec = 1000 };
	struct waiting x = { .w = w, .requests = n };

	x.ev = event_new(loop_base(w->loop), -1, EV_PERSIST, on_look, &x);
	assert_non_null(x.ev);
	assert_int_equal(event_add(x.ev, &often), 0);
	loop_run(w->loop);
	event_free(x.ev);
}
