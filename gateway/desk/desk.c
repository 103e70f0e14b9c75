#include "desk/desk.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/secret.h"
#include "desk/admin.h"
#include "desk/asks.h"
#include "desk/cursors.h"
#include "desk/documents.h"
#include "desk/erasures.h"
#include "desk/holds.h"
#include "desk/invoices.h"
#include "desk/outbox.h"
#include "desk/receipts.h"
#include "desk/route.h"
#include "net/server.h"
#include "net/tls.h"

/* A prober, a scraper, a person. */
#define ADMIN_CONNECTIONS 64

/* Until the keeper is asked again which tokens are revoked. */
#define AGAIN_S 1

/* Whose handler a route is. */
enum unit {
	RECEIPTS,
	CURSORS,
	OUTBOX,
	HOLDS,
	INVOICES,
	ERASURES,
	DOCUMENTS,
	ADMIN,
	UNITS
};

struct desk {
	struct room *room;
	struct asks *asks;
	struct receipts *receipts;
	struct cursors *cursors;
	struct outbox *outbox;
	struct documents *documents;
	struct holds *holds;
	struct invoices *invoices;
	struct erasures *erasures;
	struct admin *admin;
	void *units[UNITS]; /* those, for the routes */
	struct server *api_server;
	struct server *admin_server;
	unsigned draining; /* servers */
	struct route_table api_routes, admin_routes;
	struct route_guard guard;
	struct ask tokens;   /* which are revoked; asked before anything */
	struct event *again; /* to ask that */
	size_t n_pages;
	const struct metrics_page *pages[ROOM_FDS];
};

/* schemas/openapi.yaml describes each; tests/lint/openapi.py compares. */
#define LISTS (MEDIA_NDJSON | MEDIA_EVENTS)

static const struct route api_routes[] = {
	{ HTTP_GET, "/v1/receipts", SCOPE_READ, true, LISTS, RECEIPTS,
	    receipts_page },
	{ HTTP_GET, "/v1/receipts/digest", SCOPE_READ, true, 0, RECEIPTS,
	    receipts_digest },
	{ HTTP_GET, "/v1/receipts/*", SCOPE_READ, false, 0, RECEIPTS,
	    receipts_one },
	{ HTTP_GET, "/v1/cursors/*", SCOPE_READ, false, 0, CURSORS,
	    cursors_get },
	{ HTTP_PUT, "/v1/cursors/*", SCOPE_READ, true, 0, CURSORS,
	    cursors_put },
	{ HTTP_DELETE, "/v1/cursors/*", SCOPE_READ, false, 0, CURSORS,
	    cursors_delete },
	{ HTTP_GET, "/v1/deliveries", SCOPE_DELIVER, true, 0, OUTBOX,
	    outbox_page },
	{ HTTP_POST, "/v1/deliveries/retry", SCOPE_DELIVER, true, 0, OUTBOX,
	    outbox_retry },
	{ HTTP_GET, "/v1/deliveries/*", SCOPE_DELIVER, false, 0, OUTBOX,
	    outbox_one },
	{ HTTP_POST, "/v1/deliveries/*/retry", SCOPE_DELIVER, false, 0, OUTBOX,
	    outbox_retry_one },
	{ HTTP_GET, "/v1/held", SCOPE_CONFIRM, true, 0, HOLDS, holds_page },
	{ HTTP_GET, "/v1/held/*", SCOPE_CONFIRM, false, 0, HOLDS, holds_one },
	{ HTTP_POST, "/v1/held/*/release", SCOPE_CONFIRM, false, 0, HOLDS,
	    holds_release },
	{ HTTP_POST, "/v1/held/*/reject", SCOPE_CONFIRM, false, 0, HOLDS,
	    holds_reject },
	{ HTTP_POST, "/v1/invoices/*/check", SCOPE_CHECK, true, 0, INVOICES,
	    invoices_check },
	{ HTTP_DELETE, "/v1/invoices/*", SCOPE_ERASE, true, 0, ERASURES,
	    erasures_delete },
	{ HTTP_GET, "/openapi.json", 0, false, 0, DOCUMENTS,
	    documents_openapi },
	{ HTTP_GET, "/.well-known/jwks.json", 0, false, 0, DOCUMENTS,
	    documents_jwks },
};

static const struct route admin_routes[] = {
	{ HTTP_GET, "/livez", 0, false, 0, ADMIN, admin_livez },
	{ HTTP_GET, "/readyz", 0, false, 0, ADMIN, admin_readyz },
	{ HTTP_GET, "/metrics", 0, false, 0, ADMIN, admin_metrics },
};

static void
on_api_request(void *arg, const struct server_request *req)
{
	struct desk *d = arg;

	route_run(&d->api_routes, d->api_server, req);
}

static void
on_admin_request(void *arg, const struct server_request *req)
{
	struct desk *d = arg;

	route_run(&d->admin_routes, d->admin_server, req);
}

static void
on_api_answer(void *arg, exchange_id id, uint32_t tag,
    const struct server_reply *reply, struct buf *fields)
{
	struct desk *d = arg;

	route_answered(&d->guard, id, tag, reply, fields);
}

static void
on_api_room(void *arg, exchange_id id)
{
	struct desk *d = arg;

	receipts_room(d->receipts, id);
}

static void
on_news(void *arg, const char *merchant)
{
	struct desk *d = arg;

	receipts_news(d->receipts, merchant);
}

static void
on_revoked(void *arg, const unsigned char sha256[32])
{
	struct desk *d = arg;

	auth_revoke(&d->guard.auth, sha256);
}

static void
on_token(void *arg, enum message type, const void *record)
{
	const struct msg_token *m = record;
	struct desk *d = arg;

	(void)type;
	if (m->revoked_at_us != 0)
		auth_revoke(&d->guard.auth, m->sha256);
}

static void
ask_again(struct desk *d)
{
	const struct timeval again = { .tv_sec = AGAIN_S };

	if (event_add(d->again, &again) != 0)
		room_done(d->room, 1);
}

/* The API's callers wait at its door until it is known which tokens are
 * revoked. */
static void
ask_tokens(struct desk *d)
{
	struct msg_tokens m = { .tag = 0 };

	if (asks_put(d->asks, &d->tokens, MSG_TOKENS, &m) != ST_OK)
		ask_again(d);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ask_tokens(arg);
}

static void
on_tokens(void *arg, const struct asks_answer *a)
{
	struct desk *d = arg;
	struct err e;

	if (a->st != ST_OK)
		ask_again(d);
	else if (server_open(d->api_server, &e) != ST_OK)
		room_done(d->room, 1);
}

static void
on_keeper_end(void *arg)
{
	struct desk *d = arg;

	room_done(d->room, 1);
}

static void
on_server_drained(void *arg)
{
	struct desk *d = arg;

	assert(d->draining > 0);
	if (--d->draining == 0)
		room_done(d->room, 0);
}

static void
on_drain(void *arg)
{
	struct desk *d = arg;

	if (d->draining > 0)
		return;
	d->draining = 2;
	admin_drain(d->admin);
	receipts_drain(d->receipts);
	invoices_drain(d->invoices);
	server_drain(d->api_server, on_server_drained, d);
	server_drain(d->admin_server, on_server_drained, d);
}

/* The descriptors could write; the maps cannot. */
static enum status
map_pages(struct desk *d, struct err *e)
{
	struct room *room = d->room;

	for (int i = 0; i < room->n_pages; i++) {
		d->pages[i] = metrics_page_map(room->pages[i]);
		if (d->pages[i] == NULL) {
			err_set(e, "a page of metrics cannot be mapped");
			return ST_IO;
		}
		(void)close(room->pages[i]);
		room->pages[i] = -1;
		d->n_pages++;
	}
	return ST_OK;
}

static enum status
start_api(struct desk *d, const struct desk_config *cfg, struct err *e)
{
	struct server_config sc = { .fd = d->room->listeners[1],
		.shut = true,
		.connections = cfg->limits.connections,
		.connections_per_address = cfg->limits.connections_per_address,
		.handshakes = cfg->limits.handshakes,
		.handshake_ms = cfg->limits.handshake_ms,
		.head_ms = cfg->limits.head_ms,
		.body_ms = cfg->limits.body_ms,
		.idle_ms = cfg->limits.idle_ms,
		.accepted = MET_CONN_ACCEPTED_API,
		.open = MET_CONN_OPEN_API,
		.on_request = on_api_request,
		.on_answer = on_api_answer,
		.on_room = on_api_room,
		.arg = d };
	int64_t not_after_us;
	enum status st;

	st = tls_server_new(&sc.tls, &cfg->tls, &not_after_us, e);
	if (st != ST_OK)
		return st;
	metrics_set(MET_CERT_NOT_AFTER_US, not_after_us);
	if (cfg->api_client_ca[0] != '\0')
		st = tls_server_client_ca(sc.tls, cfg->api_client_ca, e);
	if (st == ST_OK)
		st = server_new(&d->api_server, d->room->loop, &sc, e);
	tls_server_free(sc.tls);
	return st;
}

static enum status
start_admin(struct desk *d, const struct desk_config *cfg, struct err *e)
{
	struct server_config sc = { .fd = d->room->listeners[2],
		.connections = ADMIN_CONNECTIONS,
		.handshake_ms = cfg->limits.handshake_ms,
		.head_ms = cfg->limits.head_ms,
		.body_ms = cfg->limits.body_ms,
		.idle_ms = cfg->limits.idle_ms,
		.accepted = MET_CONN_ACCEPTED_ADMIN,
		.open = MET_CONN_OPEN_ADMIN,
		.on_request = on_admin_request,
		.arg = d };

	return server_new(&d->admin_server, d->room->loop, &sc, e);
}

static void
set_routes(struct desk *d)
{
	d->units[RECEIPTS] = d->receipts;
	d->units[CURSORS] = d->cursors;
	d->units[OUTBOX] = d->outbox;
	d->units[DOCUMENTS] = d->documents;
	d->units[HOLDS] = d->holds;
	d->units[INVOICES] = d->invoices;
	d->units[ERASURES] = d->erasures;
	d->units[ADMIN] = d->admin;
	d->api_routes = (struct route_table){ .routes = api_routes,
		.n = ARRAY_LEN(api_routes),
		.guard = &d->guard,
		.units = d->units };
	d->admin_routes = (struct route_table){ .routes = admin_routes,
		.n = ARRAY_LEN(admin_routes),
		.units = d->units };
}

static enum status
start_guard(struct desk *d, const struct desk_config *cfg, struct err *e)
{
	auth_init(&d->guard.auth, cfg->tokens, cfg->n_tokens);
	limit_init(&d->guard.limit, cfg->limits.api_rate);
	secret_random(&d->guard.nonce, sizeof(d->guard.nonce));
	d->guard.asks = d->asks;
	d->again = event_new(loop_base(d->room->loop), -1, 0, on_again, d);
	if (d->again == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	asks_prepare(&d->tokens, on_tokens, d);
	d->tokens.on_row = on_token;
	ask_tokens(d);
	return once_new(&d->guard.once, e);
}

static enum status
start_units(struct desk *d, const struct desk_config *cfg, struct err *e)
{
	enum status st = receipts_new(
	    &d->receipts, d->room->loop, d->asks, cfg->limits.waiters, e);

	if (st == ST_OK)
		st = cursors_new(&d->cursors, d->asks, e);
	if (st == ST_OK)
		st = outbox_new(&d->outbox, d->asks, e);
	if (st == ST_OK)
		st = documents_new(&d->documents, cfg, e);
	if (st == ST_OK)
		st = holds_new(&d->holds, d->asks, e);
	if (st == ST_OK)
		st = invoices_new(&d->invoices, d->asks, e);
	if (st == ST_OK)
		st = erasures_new(&d->erasures, d->asks, e);
	if (st == ST_OK)
		st = admin_new(&d->admin, d->asks, d->pages, d->n_pages, e);
	return st;
}

enum status
desk_start(struct desk **out, struct room *room, const struct desk_config *cfg,
    struct err *e)
{
	struct desk *d = calloc(1, sizeof(*d));
	const struct asks_hooks hooks = { .on_end = on_keeper_end,
		.on_news = on_news,
		.on_revoked = on_revoked,
		.arg = d };
	enum status st;

	*out = NULL;
	if (d == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	d->room = room;
	st = map_pages(d, e);
	if (st == ST_OK)
		st = asks_new(&d->asks, room->loop, room->keeper, &hooks, e);
	if (st == ST_OK)
		st = start_guard(d, cfg, e);
	if (st == ST_OK)
		st = start_units(d, cfg, e);
	set_routes(d);
	if (st == ST_OK)
		st = start_api(d, cfg, e);
	if (st == ST_OK)
		st = start_admin(d, cfg, e);
	if (st != ST_OK) {
		desk_free(d);
		return st;
	}
	room->on_drain = on_drain;
	room->on_message = NULL;
	room->arg = d;
	*out = d;
	return ST_OK;
}

void
desk_free(struct desk *d)
{
	if (d == NULL)
		return;
	receipts_free(d->receipts);
	cursors_free(d->cursors);
	outbox_free(d->outbox);
	documents_free(d->documents);
	holds_free(d->holds);
	invoices_free(d->invoices);
	erasures_free(d->erasures);
	admin_free(d->admin);
	server_free(d->api_server);
	server_free(d->admin_server);
	if (d->again != NULL)
		event_free(d->again);
	if (d->asks != NULL)
		asks_drop(d->asks, &d->tokens);
	asks_free(d->asks);
	auth_fini(&d->guard.auth);
	once_free(d->guard.once);
	free(d);
}
