#include "desk/admin.h"

#include <stdlib.h>

#include "base/rfc3339.h"
#include "desk/call.h"

/* Every row of metrics.def and its histograms, several times over. */
#define METRICS_MAX (256 * 1024)

struct admin {
	struct calls probes; /* each a /readyz that waits */
	const struct metrics_page *const *pages;
	size_t n_pages;
	bool draining;
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
admin_livez(void *unit, const struct route_request *r)
{
	(void)unit;
	reply_text(r, "text/plain", bytes_of("ok\n"));
}

void
admin_metrics(void *unit, const struct route_request *r)
{
	struct admin *ad = unit;
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

/* How far the providers can be asked, as their rooms see it. */
static const char *
provider_word(const struct admin *ad)
{
	if (metrics_sum(ad->pages, ad->n_pages, MET_MERCHANTS_LOCKED_OUT) > 0)
		return "locked_out";
	if (metrics_sum(ad->pages, ad->n_pages, MET_PROVIDERS_AWAY) > 0)
		return "away";
	return "ok";
}

static const char *
retention_word(const struct admin *ad)
{
	return metrics_sum(ad->pages, ad->n_pages, MET_RETENTION_BEHIND) > 0
		   ? "behind"
		   : "ok";
}

static void
detail_json(
    const struct admin *ad, const struct msg_health *h, struct buf *json)
{
	char since[RFC3339_TEXT];

	buf_printf(json,
	    ",\"receipts\":%llu,\"deliveries_pending\":%llu,"
	    "\"deliveries_exhausted\":%llu,\"endpoints_disabled\":%u,"
	    "\"waiting\":%llu,\"held\":%llu",
	    (unsigned long long)h->receipts,
	    (unsigned long long)h->deliveries_pending,
	    (unsigned long long)h->exhausted, h->disabled,
	    (unsigned long long)h->waiting, (unsigned long long)h->held);
	if (h->oldest_waiting_us != 0) {
		rfc3339_micros((int64_t)h->oldest_waiting_us, since);
		buf_printf(json, ",\"oldest_waiting\":\"%s\"", since);
	}
	buf_printf(json, ",\"provider\":\"%s\",\"retention\":\"%s\"",
	    provider_word(ad), retention_word(ad));
}

static void
on_health(void *arg, const struct asks_answer *a)
{
	struct call *c = arg;
	const struct admin *ad = c->owner->unit;
	bool ready = a->st == ST_OK && !ad->draining;
	struct buf *json = &c->ask.json;

	buf_printf(json, "{\"status\":\"%s\",\"store\":\"%s\"",
	    ready ? "ready" : "not ready", store_word(a->st));
	if (a->st == ST_OK)
		detail_json(ad, &a->health, json);
	buf_append_text(json, "}\n");
	call_reply(c, ready ? 200 : 503, NULL);
}

void
admin_readyz(void *unit, const struct route_request *r)
{
	static const struct asks_answer silent = { .st = ST_UNAVAILABLE,
		.silent = true };
	struct msg_probe m = { .tag = 0 };
	struct admin *ad = unit;
	struct call *c = call_new(&ad->probes, sizeof(*c), r, on_health);

	if (c == NULL)
		return;
	if (ad->draining) {
		buf_append_text(&c->ask.json,
		    "{\"status\":\"not ready\",\"draining\":true}\n");
		call_reply(c, 503, NULL);
	} else if (asks_put(ad->probes.asks, &c->ask, MSG_PROBE, &m) != ST_OK) {
		on_health(c, &silent);
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
	calls_init(&ad->probes, ad, as);
	ad->pages = pages;
	ad->n_pages = n;
	return ST_OK;
}

void
admin_free(struct admin *ad)
{
	if (ad == NULL)
		return;
	calls_fini(&ad->probes);
	free(ad);
}
