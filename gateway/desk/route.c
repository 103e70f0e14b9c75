#include "desk/route.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define ALLOW_MAX 64

/* Does path name this route?  *segment is what stands for its '*'. */
static bool
matches(const struct route *r, struct bytes path, struct bytes *segment)
{
	const char *star = strchr(r->path, '*');
	size_t before, behind;

	*segment = bytes_make(NULL, 0);
	if (star == NULL)
		return bytes_is(path, r->path);
	before = (size_t)(star - r->path);
	behind = strlen(star + 1);
	if (path.len <= before + behind ||
	    memcmp(path.ptr, r->path, before) != 0 ||
	    memcmp(path.ptr + path.len - behind, star + 1, behind) != 0)
		return false;
	*segment = bytes_make(path.ptr + before, path.len - before - behind);
	return memchr(segment->ptr, '/', segment->len) == NULL;
}

/* "Allow: GET, HEAD, OPTIONS\r\n"; false when no route has this path. */
static bool
allow(const struct route_table *t, struct bytes path, char out[ALLOW_MAX])
{
	bool found = false, get = false, post = false, delete = false;
	struct bytes segment;

	for (size_t i = 0; i < t->n; i++) {
		const struct route *r = &t->routes[i];

		if (!matches(r, path, &segment))
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
    struct bytes *segment)
{
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t i = 0; i < t->n; i++) {
		if (t->routes[i].method == method &&
		    matches(&t->routes[i], path, segment))
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

/* Who asks; false: refused and answered. */
static bool
admit(const struct route_table *t, const struct route *r, struct server *s,
    const struct server_request *req, struct route_request *rr)
{
	const struct config_token *who;
	enum auth_verdict v = auth_check(t->auth, req->head, r->scope, &who);
	enum problem p;
	const char *fields;

	if (v != AUTH_OK) {
		metrics_add(MET_API_UNAUTHORIZED, 1);
		log_event(LOG_API_UNAUTHORIZED, log_word(KEY_PEER, req->peer));
		p = auth_problem(v, &fields);
		server_problem(s, req->id, p, fields);
		return false;
	}
	log_event(LOG_API, log_word(KEY_ROUTE, r->path),
	    log_word(KEY_TOKEN, who->name));
	memcpy(rr->merchant, who->merchant, sizeof(rr->merchant));
	memcpy(rr->token, who->name, sizeof(rr->token));
	return true;
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
	const struct route *r = find(t, head->method, head->path, &rr.segment);

	if (r == NULL)
		refuse_method(t, s, req);
	else if (r->scope != 0 && !admit(t, r, s, req, &rr))
		return;
	else if (head->query.ptr != NULL && !r->query)
		server_problem(s, req->id, PROBLEM_QUERY, NULL);
	else
		r->handle(t->units[r->unit], &rr);
}

void
route_busy(struct server *s, exchange_id id)
{
	server_problem(s, id, PROBLEM_UNAVAILABLE, "Retry-After: 1\r\n");
}
