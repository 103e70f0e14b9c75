#include "desk/desk.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "desk/admin.h"
#include "desk/asks.h"
#include "desk/holds.h"
#include "desk/invoices.h"
#include "desk/receipts.h"
#include "desk/route.h"
#include "net/server.h"
#include "net/tls.h"

/* A prober, a scraper, a person. */
#define ADMIN_CONNECTIONS 64

/* Whose handler a route is. */
enum unit { RECEIPTS, HOLDS, INVOICES, ADMIN, UNITS };

struct desk {
	struct room *room;
	struct asks *asks;
	struct receipts *receipts;
	struct holds *holds;
	struct invoices *invoices;
	struct admin *admin;
	void *units[UNITS]; /* the four, for the routes */
	struct server *api_server;
	struct server *admin_server;
	unsigned draining; /* servers */
	struct route_table api_routes, admin_routes;
	struct auth auth;
	size_t n_pages;
	const struct metrics_page *pages[ROOM_FDS];
};

/* schemas/openapi.yaml describes each; tests/lint/openapi.py compares. */
static const struct route api_routes[] = {
	{ HTTP_GET, "/v1/receipts", SCOPE_READ, true, RECEIPTS, receipts_page },
	{ HTTP_GET, "/v1/receipts/*", SCOPE_READ, false, RECEIPTS,
	    receipts_one },
	{ HTTP_GET, "/v1/held", SCOPE_CONFIRM, true, HOLDS, holds_page },
	{ HTTP_GET, "/v1/held/*", SCOPE_CONFIRM, false, HOLDS, holds_one },
	{ HTTP_POST, "/v1/held/*/release", SCOPE_CONFIRM, false, HOLDS,
	    holds_release },
	{ HTTP_POST, "/v1/held/*/reject", SCOPE_CONFIRM, false, HOLDS,
	    holds_reject },
	{ HTTP_POST, "/v1/invoices/*/check", SCOPE_CHECK, true, INVOICES,
	    invoices_check },
};

static const struct route admin_routes[] = {
	{ HTTP_GET, "/livez", 0, false, ADMIN, admin_livez },
	{ HTTP_GET, "/readyz", 0, false, ADMIN, admin_readyz },
	{ HTTP_GET, "/metrics", 0, false, ADMIN, admin_metrics },
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
	metrics_set(MET_CERT_NOT_AFTER_US, 0);
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
		.connections = cfg->limits.connections,
		.connections_per_address = cfg->limits.connections_per_address,
		.handshake_ms = cfg->limits.handshake_ms,
		.head_ms = cfg->limits.head_ms,
		.body_ms = cfg->limits.body_ms,
		.idle_ms = cfg->limits.idle_ms,
		.accepted = MET_CONN_ACCEPTED_API,
		.open = MET_CONN_OPEN_API,
		.on_request = on_api_request,
		.arg = d };
	int64_t not_after_us;
	enum status st;

	st = tls_server_new(&sc.tls, &cfg->tls, &not_after_us, e);
	if (st != ST_OK)
		return st;
	metrics_set(MET_CERT_NOT_AFTER_US, not_after_us);
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
	d->units[HOLDS] = d->holds;
	d->units[INVOICES] = d->invoices;
	d->units[ADMIN] = d->admin;
	d->api_routes = (struct route_table){ .routes = api_routes,
		.n = ARRAY_LEN(api_routes),
		.auth = &d->auth,
		.units = d->units };
	d->admin_routes = (struct route_table){ .routes = admin_routes,
		.n = ARRAY_LEN(admin_routes),
		.units = d->units };
}

enum status
desk_start(struct desk **out, struct room *room, const struct desk_config *cfg,
    struct err *e)
{
	struct desk *d = calloc(1, sizeof(*d));
	enum status st;

	*out = NULL;
	if (d == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	d->room = room;
	auth_init(&d->auth, cfg->tokens, cfg->n_tokens);
	st = map_pages(d, e);
	if (st == ST_OK)
		st = asks_new(
		    &d->asks, room->loop, room->keeper, on_keeper_end, d, e);
	if (st == ST_OK)
		st = receipts_new(&d->receipts, room->loop, d->asks, e);
	if (st == ST_OK)
		st = holds_new(&d->holds, d->asks, e);
	if (st == ST_OK)
		st = invoices_new(&d->invoices, d->asks, e);
	if (st == ST_OK)
		st = admin_new(&d->admin, d->asks, d->pages, d->n_pages, e);
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
	holds_free(d->holds);
	invoices_free(d->invoices);
	admin_free(d->admin);
	server_free(d->api_server);
	server_free(d->admin_server);
	asks_free(d->asks);
	auth_fini(&d->auth);
	free(d);
}
