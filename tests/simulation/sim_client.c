#include "sim_client.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "sim.h"

#define HEADERS 32

struct client {
	struct flight *flights;
};

struct client_target {
	char *url;
	int64_t timeout_us;
};

/* One request; client is NULL once its sender is gone. */
struct flight {
	struct flight *next, **prev;
	struct client *client;
	char url[256];
	int64_t timeout_us, sent_us;
	bool get;
	size_t n;
	char *headers[HEADERS];
	struct buf body;
	client_done_fn *on_done;
	void *arg;
	struct sim_answer answer;
};

static void
flight_free(struct flight *f)
{
	if (f->client != NULL) {
		*f->prev = f->next;
		if (f->next != NULL)
			f->next->prev = f->prev;
	}
	for (size_t i = 0; i < f->n; i++)
		free(f->headers[i]);
	buf_fini(&f->body);
	free(f);
}

static void
come_back(void *arg)
{
	struct flight *f = arg;
	struct client_result r = { .end = f->answer.end,
		.took_us = sim_now() - f->sent_us,
		.retry_after_s = -1,
		.body = bytes_make("", 0) };
	client_done_fn *on_done = f->on_done;
	void *on_arg = f->arg;

	if (f->client == NULL) {
		flight_free(f);
		return;
	}
	if (r.end == CLIENT_ANSWER) {
		r.http_status = f->answer.status;
		r.retry_after_s = f->answer.retry_after_s;
		r.bytes = (uint32_t)strlen(f->answer.body);
		if (f->get)
			r.body = bytes_of(f->answer.body);
	}
	*f->prev = f->next;
	if (f->next != NULL)
		f->next->prev = f->prev;
	f->client = NULL;
	on_done(on_arg, &r);
	flight_free(f);
}

static void
arrive(void *arg)
{
	struct flight *f = arg;
	struct sim_answer *a = &f->answer;
	int64_t left_us = f->timeout_us - (sim_now() - f->sent_us);

	if (f->client == NULL && sim_once_in(2)) {
		flight_free(f); /* it died before the request had left */
		return;
	}
	*a = (struct sim_answer){ .end = CLIENT_ANSWER, .retry_after_s = -1 };
	if (f->get)
		provider_get(buf_bytes(&f->body), a);
	else
		billing_post(f->url, (const char *const *)f->headers, f->n,
		    buf_bytes(&f->body), f->sent_us, a);
	if (a->end == CLIENT_TIMEOUT || a->took_us > left_us) {
		a->end = CLIENT_TIMEOUT;
		a->took_us = left_us;
	}
	sim_after(a->took_us, come_back, f);
}

static enum status
send_it(struct client *c, struct client_target *t, bool get,
    const char *const *headers, size_t n, struct bytes body,
    client_done_fn *on_done, void *arg)
{
	struct flight *f = calloc(1, sizeof(*f));

	if (f == NULL || n > HEADERS)
		abort();
	f->client = c;
	(void)strncpy(f->url, t->url, sizeof(f->url) - 1);
	f->timeout_us = t->timeout_us;
	f->sent_us = sim_now();
	f->get = get;
	for (f->n = 0; f->n < n; f->n++)
		f->headers[f->n] = strdup(headers[f->n]);
	buf_init(&f->body, 65536);
	buf_append(&f->body, body.ptr, body.len);
	f->on_done = on_done;
	f->arg = arg;
	f->next = c->flights;
	f->prev = &c->flights;
	if (f->next != NULL)
		f->next->prev = &f->next;
	c->flights = f;
	sim_after(sim_between(1000, 40000), arrive, f);
	return ST_OK;
}

enum status
client_post(struct client *c, struct client_target *t,
    const char *const *headers, size_t n, struct bytes body,
    client_done_fn *on_done, void *arg)
{
	return send_it(c, t, false, headers, n, body, on_done, arg);
}

enum status
client_get(struct client *c, struct client_target *t, struct bytes target,
    size_t most, client_done_fn *on_done, void *arg)
{
	(void)most;
	return send_it(c, t, true, NULL, 0, target, on_done, arg);
}

enum status
client_new(struct client **out, struct loop *l, struct err *e)
{
	(void)l;
	(void)e;
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? ST_NO_MEMORY : ST_OK;
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	while (c->flights != NULL) {
		struct flight *f = c->flights;

		c->flights = f->next;
		f->client = NULL;
	}
	free(c);
}

enum status
client_target_new(struct client_target **out,
    const struct client_target_config *cfg, struct err *e)
{
	struct client_target *t = calloc(1, sizeof(*t));

	(void)e;
	if (t == NULL)
		abort();
	t->url = strdup(cfg->url);
	t->timeout_us = cfg->timeout_ms * 1000;
	*out = t;
	return ST_OK;
}

void
client_target_free(struct client_target *t)
{
	if (t == NULL)
		return;
	free(t->url);
	free(t);
}
