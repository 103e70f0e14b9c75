/*
 * Routes: one table a listener, from a request to its handler.
 *
 * What every handler would have to do stands here once: 404, 405 and OPTIONS
 * with Allow, HEAD as GET, the bearer token and its scope, how often it may
 * ask, what the answer can be, Idempotency-Key, a query where none is taken.
 * A path that stands in the table as it is means nothing to one with a '*'.
 * Loop thread only.
 */
#ifndef DESK_ROUTE_H
#define DESK_ROUTE_H

#include "desk/asks.h"
#include "desk/auth.h"
#include "desk/limit.h"
#include "desk/once.h"
#include "net/server.h"

/* What an answer can be; RFC 9110, 12.5.1 chooses.  Bits. */
enum media {
	MEDIA_JSON = 1,
	MEDIA_NDJSON = 2, /* application/x-ndjson */
	MEDIA_EVENTS = 4  /* text/event-stream */
};

/* One request as its handler sees it; borrowed for the call. */
struct route_request {
	struct server *server; /* to answer at, with id, now or later */
	exchange_id id;
	bool head_only; /* for server_reply */
	const struct http_head *head;
	enum media media; /* what is best to answer with */
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
	unsigned media;	  /* enum media, or-ed; JSON is always one */
	unsigned unit;	  /* whose handler: index into the table's units */
	void (*handle)(void *unit, const struct route_request *r);
};

/* Who may ask and how often; only where a route has a scope. */
struct route_guard {
	struct auth auth;
	struct limit limit;
	struct once *once;
	struct asks *asks;
	uint64_t nonce; /* makes request ids of two desks differ */
};

struct route_table {
	const struct route *routes;
	size_t n;
	struct route_guard *guard; /* NULL when no route has a scope */
	void *const *units;	   /* borrowed for good */
};

/* Hand req to its handler, or answer it. */
void route_run(const struct route_table *t, struct server *s,
    const struct server_request *req);

/* For a server's on_answer: request id and rate limit, and what a request with
 * Idempotency-Key is answered. */
void route_answered(struct route_guard *g, exchange_id id, uint32_t tag,
    const struct server_reply *reply, struct buf *fields);

/* 503 with Retry-After. */
void route_busy(struct server *s, exchange_id id);

#endif
