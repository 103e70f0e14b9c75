#include "desk/admin.h"

#include <stdlib.h>
#include <sys/queue.h>

/* Every row of metrics.def and its histograms, several times over. */
#define METRICS_MAX (256 * 1024)

/* One /readyz that waits for the keeper. */
struct probe {
	LIST_ENTRY(probe) link;
	struct admin *owner;
	struct ask ask;
	struct server *server;
	exchange_id id;
	bool head_only;
};

struct admin {
	struct asks *asks;
	const struct metrics_page *const *pages;
	size_t n_pages;
	bool draining;
	LIST_HEAD(, probe) probes;
};

static void
reply_text(
    const struct route_request *r, const char *content_type, struct bytes body)
{
	struct server_reply reply = { .status = 200,
		.content_type = content_type,
		.body = body,
		.head_only = r->head_only };

	server_reply(r->server, r->id, &reply);
}

void
admin_livez(void *arg, const struct route_request *r)
{
	(void)arg;
	reply_text(r, "text/plain", bytes_of("ok\n"));
}

void
admin_metrics(void *arg, const struct route_request *r)
{
	struct admin *ad = arg;
	struct buf text;

	buf_init(&text, METRICS_MAX);
	metrics_write(ad->pages, ad->n_pages, &text);
	if (buf_status(&text) != ST_OK)
		server_problem(r->server, r->id, PROBLEM_INTERNAL, NULL);
	else
		reply_text(r, "text/plain; version=0.0.4; charset=utf-8",
		    buf_bytes(&text));
	buf_fini(&text);
}

static void
probe_free(struct probe *p)
{
	LIST_REMOVE(p, link);
	asks_drop(p->owner->asks, &p->ask);
	free(p);
}

static void
reply_ready(struct server *s, exchange_id id, bool head_only, int status,
    struct bytes body)
{
	struct server_reply reply = { .status = status,
		.content_type = "application/json",
		.body = body,
		.head_only = head_only };

	server_reply(s, id, &reply);
}

/* What a status of HEALTH, or its absence, says of the store. */
static const char *
store_word(enum status st)
{
	switch (st) {
	case ST_OK:
		return "ok";
	case ST_BUSY:
		return "full";
	case ST_IO:
		return "failed";
	default:
		return "silent";
	}
}

static void
on_health(void *arg, const struct asks_answer *a)
{
	struct probe *p = arg;
	bool ready = a->st == ST_OK && !p->owner->draining;
	struct buf *json = &p->ask.json;

	buf_printf(json, "{\"status\":\"%s\",\"store\":\"%s\"",
	    ready ? "ready" : "not ready", store_word(a->st));
	if (a->st == ST_OK)
		buf_printf(json,
		    ",\"receipts\":%llu,\"deliveries_pending\":%llu",
		    (unsigned long long)a->health.receipts,
		    (unsigned long long)a->health.deliveries_pending);
	buf_append_text(json, "}\n");
	if (buf_status(json) != ST_OK)
		route_busy(p->server, p->id);
	else
		reply_ready(p->server, p->id, p->head_only, ready ? 200 : 503,
		    buf_bytes(json));
	probe_free(p);
}

void
admin_readyz(void *arg, const struct route_request *r)
{
	static const char draining[] =
	    "{\"status\":\"not ready\",\"draining\":true}\n";
	static const char silent[] =
	    "{\"status\":\"not ready\",\"store\":\"silent\"}\n";
	struct admin *ad = arg;
	struct probe *p;

	if (ad->draining) {
		reply_ready(
		    r->server, r->id, r->head_only, 503, bytes_of(draining));
		return;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL) {
		route_busy(r->server, r->id);
		return;
	}
	p->owner = ad;
	p->server = r->server;
	p->id = r->id;
	p->head_only = r->head_only;
	asks_prepare(&p->ask, on_health, p);
	LIST_INSERT_HEAD(&ad->probes, p, link);
	if (asks_probe(ad->asks, &p->ask) != ST_OK) {
		reply_ready(
		    r->server, r->id, r->head_only, 503, bytes_of(silent));
		probe_free(p);
	}
}

void
admin_drain(struct admin *ad)
{
	ad->draining = true;
}

enum status
admin_new(struct admin **out, struct asks *as,
    const struct metrics_page *const *pages, size_t n, struct err *e)
{
	struct admin *ad = calloc(1, sizeof(*ad));

	*out = ad;
	if (ad == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	ad->asks = as;
	ad->pages = pages;
	ad->n_pages = n;
	LIST_INIT(&ad->probes);
	return ST_OK;
}

void
admin_free(struct admin *ad)
{
	if (ad == NULL)
		return;
	while (!LIST_EMPTY(&ad->probes))
		probe_free(LIST_FIRST(&ad->probes));
	free(ad);
}
