#include "desk/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "desk/etag.h"

#define FIELDS_MOST 4096
#define FIELD_MOST  1024 /* of If-None-Match; a longer one names nothing */

void
calls_init(struct calls *cs, void *unit, struct asks *as)
{
	cs->unit = unit;
	cs->asks = as;
	cs->on_end = NULL;
	LIST_INIT(&cs->list);
}

void
call_release(struct call *c)
{
	struct calls *cs = c->owner;

	if (cs->on_end != NULL)
		cs->on_end(c);
	LIST_REMOVE(c, link);
	asks_drop(cs->asks, &c->ask);
	free(c->if_none_match);
	secret_wipe(c, c->size); /* an invoice ID may have been asked for */
	free(c);
}

void
calls_fini(struct calls *cs)
{
	struct call *next;

	for (struct call *c = LIST_FIRST(&cs->list); c != NULL; c = next) {
		next = LIST_NEXT(c, link);
		call_release(c);
	}
}

void *
call_new(struct calls *cs, size_t size, const struct route_request *r,
    void (*on_done)(void *arg, const struct asks_answer *a))
{
	struct call *c = calloc(1, size);
	struct bytes field;

	if (c == NULL) {
		route_busy(r->server, r->id);
		return NULL;
	}
	c->owner = cs;
	c->size = size;
	c->server = r->server;
	c->id = r->id;
	c->head_only = r->head_only;
	c->get = r->head->method == HTTP_GET || r->head->method == HTTP_HEAD;
	field = http_field(r->head, "if-none-match");
	if (c->get && field.ptr != NULL && field.len < FIELD_MOST)
		c->if_none_match = strndup((const char *)field.ptr, field.len);
	asks_prepare(&c->ask, on_done, c);
	LIST_INSERT_HEAD(&cs->list, c, link);
	return c;
}

void
call_ask(struct call *c, enum message type, void *m)
{
	enum status st = asks_put(c->owner->asks, &c->ask, type, m);

	if (st != ST_OK)
		call_fail(c, st);
}

/* The answer of a GET, or that the client has it. */
static void
reply_tagged(struct call *c, const struct server_reply *reply)
{
	struct server_reply r = *reply;
	char etag[ETAG_TEXT];
	struct buf fields;

	buf_init(&fields, FIELDS_MOST);
	if (etag_of(reply->body, etag) == ST_OK)
		buf_printf(&fields, "ETag: %s\r\n", etag);
	if (fields.len > 0 && c->if_none_match != NULL &&
	    etag_listed(bytes_of(c->if_none_match), etag)) {
		r.status = 304;
		r.content_type = NULL;
	} else if (reply->fields != NULL) {
		buf_append_text(&fields, reply->fields);
	}
	if (buf_status(&fields) == ST_OK && fields.len > 0)
		r.fields = (const char *)fields.data;
	server_reply(c->server, c->id, &r);
	buf_fini(&fields);
}

void
call_reply(struct call *c, int status, const char *fields)
{
	struct server_reply reply = { .status = status,
		.content_type = "application/json",
		.fields = fields,
		.body = buf_bytes(&c->ask.json),
		.head_only = c->head_only };

	if (buf_status(&c->ask.json) != ST_OK) {
		call_refuse(c, PROBLEM_INTERNAL, NULL);
		return;
	}
	if (status == 204)
		reply.content_type = NULL;
	if (c->get && status == 200)
		reply_tagged(c, &reply);
	else
		server_reply(c->server, c->id, &reply);
	call_release(c);
}

void
call_reply_page(struct call *c, enum cursor_list list,
    const struct cursor *next, bool more, const char *link)
{
	char text[CURSOR_TEXT];
	struct buf fields;

	cursor_format(next, list, text);
	buf_printf(&c->ask.json, "],\"next\":\"%s\",\"more\":%s}", text,
	    more ? "true" : "false");
	buf_init(&fields, FIELDS_MOST);
	if (more && link != NULL)
		buf_printf(&fields, "Link: <%s>; rel=\"next\"\r\n", link);
	call_reply(c, 200,
	    fields.len > 0 && buf_status(&fields) == ST_OK
		? (const char *)fields.data
		: NULL);
	buf_fini(&fields);
}

void
call_refuse(struct call *c, enum problem why, const char *fields)
{
	server_problem(c->server, c->id, why, fields);
	call_release(c);
}

void
call_fail(struct call *c, enum status st)
{
	switch (st) {
	case ST_NOT_FOUND:
		call_refuse(c, PROBLEM_NOT_FOUND, NULL);
		break;
	case ST_BUSY:
	case ST_IO:
	case ST_UNAVAILABLE:
	case ST_NO_MEMORY:
	case ST_CONFIG: /* a reload is on its way */
		route_busy(c->server, c->id);
		call_release(c);
		break;
	default:
		call_refuse(c, PROBLEM_INTERNAL, NULL);
		break;
	}
}

void
call_fail_page(struct call *c, enum status st)
{
	call_fail(c, st == ST_NOT_FOUND ? ST_INTERNAL : st);
}

void
call_on_one(void *arg, const struct asks_answer *a)
{
	struct call *c = arg;

	if (a->st != ST_OK)
		call_fail(c, a->st);
	else if (c->ask.rows == 0)
		call_fail(c, ST_NOT_FOUND);
	else
		call_reply(c, 200, NULL);
}
