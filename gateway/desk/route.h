/*
 * Routes: one table a listener, from a request to its handler.
 *
 * What every handler would have to do stands here once: 404, 405 and OPTIONS
 * with Allow, HEAD as GET, the bearer token and its scope, a query where none
 * is taken.  Loop thread only.
 */
#ifndef DESK_ROUTE_H
#define DESK_ROUTE_H

#include "desk/auth.h"
#include "net/server.h"

/* One request as its handler sees it; borrowed for the call. */
struct route_request {
	struct server *server; /* to answer at, with id, now or later */
	exchange_id id;
	bool head_only; /* for server_reply */
	struct bytes query;
	struct bytes segment; /* of the path, where the route has its '*' */
	/* Whom the token speaks for, and its name: padded, as messages have
	 * them.  Empty where no scope is needed. */
	char merchant[RECEIPT_MERCHANT];
	char token[CONFIG_NAME];
};

struct route {
	enum http_method method;
	const char *path; /* '*', once: any one segment that is not empty */
	unsigned scope;	  /* 0: open to anybody who can connect */
	bool query;	  /* takes a query */
	unsigned unit;	  /* whose handler: index into the table's units */
	void (*handle)(void *unit, const struct route_request *r);
};

struct route_table {
	const struct route *routes;
	size_t n;
	const struct auth *auth; /* NULL when no route has a scope */
	void *const *units;	 /* borrowed for good */
};

/* Hand req to its handler, or answer it. */
void route_run(const struct route_table *t, struct server *s,
    const struct server_request *req);

/* 503 with Retry-After. */
void route_busy(struct server *s, exchange_id id);

#endif
