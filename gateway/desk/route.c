#include "desk/route.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define ALLOW_MAX 64

/* Does path name this route?  *rest is what follows a route's last '/'. */
static bool
matches(const struct route *r, struct bytes path, struct bytes *rest)
{
	size_t len = strlen(r->path);

	*rest = bytes_make(NULL, 0);
	if (r->path[len - 1] != '/')
		return bytes_is(path, r->path);
	if (path.len <= len || memcmp(path.ptr, r->path, len) != 0)
		return false;
	*rest = bytes_make(path.ptr + len, path.len - len);
	return memchr(rest->ptr, '/', rest->len) == NULL;
}

/* "Allow: GET, HEAD, OPTIONS\r\n"; false when no route has this path. */
static bool
allow(const struct route_table *t, struct bytes path, char out[ALLOW_MAX])
{
	bool found = false, get = false, post = false, delete = false;
	struct bytes rest;

	for (size_t i = 0; i < t->n; i++) {
		const struct route *r = &t->routes[i];

		if (!matches(r, path, &rest))
			continue;
		found = true;
		get |= r->method == HTTP_GET;
		post |= r->method == HTTP_POST;
		delete |= r->method == HTTP_DELETE;
	}
	(void)snprintf(out, ALLOW_MAX, "Allow: %s%s%sOPTIONS\r\n",
	    get ? "GET, HEAD, " : "", post ? "POST, " : "",
	    delete ? "DELETE, " : "");
	return found;
}

static const struct route *
find(const struct route_table *t, enum http_method method, struct bytes path,
    struct bytes *rest)
{
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t i = 0; i < t->n; i++) {
		if (t->routes[i].method == method &&
		    matches(&t->routes[i], path, rest))
			return &t->routes[i];
	}
	return NULL;
}

static void
refuse_method(const struct route_table *t, struct server *s,
    const struct server_request *req)
{
	char fields[ALLOW_MAX];
	struct server_reply options = { .status = 204, .fields = fields };

	if (!allow(t, req->head->path, fields))
		server_problem(s, req->id, PROBLEM_NOT_FOUND, NULL);
	else if (req->head->method == HTTP_OPTIONS)
		server_reply(s, req->id, &options);
	else
		server_problem(s, req->id, PROBLEM_METHOD, fields);
}

/* NULL: refused and answered. */
static const struct config_token *
admit(const struct route_table *t, const struct route *r, struct server *s,
    const struct server_request *req)
{
	const struct config_token *who;
	enum auth_verdict v = auth_check(t->auth, req->head, r->scope, &who);
	enum problem p;
	const char *fields;

	if (v == AUTH_OK) {
		log_event(LOG_API, log_word(KEY_ROUTE, r->path),
		    log_word(KEY_TOKEN, who->name));
		return who;
	}
	metrics_add(MET_API_UNAUTHORIZED, 1);
	log_event(LOG_API_UNAUTHORIZED, log_word(KEY_PEER, req->peer));
	p = auth_problem(v, &fields);
	server_problem(s, req->id, p, fields);
	return NULL;
}

void
route_run(const struct route_table *t, struct server *s,
    const struct server_request *req)
{
	const struct http_head *head = req->head;
	struct route_request rr = { .server = s,
		.id = req->id,
		.head_only = head->method == HTTP_HEAD,
		.query = head->query };
	const struct route *r = find(t, head->method, head->path, &rr.rest);

	if (r == NULL) {
		refuse_method(t, s, req);
		return;
	}
	if (r->scope != 0) {
		const struct config_token *who = admit(t, r, s, req);

		if (who == NULL)
			return;
		rr.merchant = who->merchant;
	}
	if (head->query.ptr != NULL && !r->query) {
		server_problem(s, req->id, PROBLEM_QUERY, NULL);
		return;
	}
	r->handle(t->arg, &rr);
}

void
route_busy(struct server *s, exchange_id id)
{
	server_problem(s, id, PROBLEM_UNAVAILABLE, "Retry-After: 1\r\n");
}
