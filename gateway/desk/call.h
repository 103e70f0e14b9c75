/*
 * Requests that wait for the keeper's answer.
 *
 * A unit of the desk embeds a call as the first member of what it remembers
 * of a request, and keeps all of them in its calls.  Each is answered once
 * and released with that.  Loop thread only.
 */
#ifndef DESK_CALL_H
#define DESK_CALL_H

#include <sys/queue.h>

#include "desk/asks.h"
#include "desk/cursor.h"
#include "desk/route.h"

#define CALL_ROWS      100 /* of a page, unless the request says otherwise */
#define CALL_ROWS_MOST 1000

struct call {
	LIST_ENTRY(call) link;
	struct calls *owner;
	size_t size;	/* of what it is embedded in */
	struct ask ask; /* its arg is the call */
	struct server *server;
	exchange_id id;
	bool head_only;
	bool get;	     /* or HEAD */
	char *if_none_match; /* or NULL */
};

struct calls {
	void *unit; /* whose they are */
	struct asks *asks;
	void (*on_end)(struct call *c); /* before it is released; or NULL */
	LIST_HEAD(, call) list;
};

void calls_init(struct calls *cs, void *unit, struct asks *as);

/* What is under way is dropped. */
void calls_fini(struct calls *cs);

/* A zeroed struct of this size, its call set up; NULL: r is answered. */
void *call_new(struct calls *cs, size_t size, const struct route_request *r,
    void (*on_done)(void *arg, const struct asks_answer *a));

/* Ask the keeper; the call is answered 503 when that cannot be done. */
void call_ask(struct call *c, enum message type, void *m);

/* Answer with the JSON that stands in ask.json; fields as in server_reply.  A
 * GET's 200 carries an ETag, and is a 304 when the client has it. */
void call_reply(struct call *c, int status, const char *fields);

/* The same for a page of rows: append its end, with the next cursor.  link:
 * the target that leads behind it, if there is more; or NULL. */
void call_reply_page(struct call *c, enum cursor_list list,
    const struct cursor *next, bool more, const char *link);

/* Answer with a problem; fields as in server_reply. */
void call_refuse(struct call *c, enum problem why, const char *fields);

/* The same for a status that is not ST_OK: 404, 503 with Retry-After, 500. */
void call_fail(struct call *c, enum status st);

/* The same for a page, which is never "not found". */
void call_fail_page(struct call *c, enum status st);

/* Let go of a call that is answered already, by a stream or not at all. */
void call_release(struct call *c);

/* An on_done: the one row that was asked for, or 404. */
void call_on_one(void *arg, const struct asks_answer *a);

#endif
