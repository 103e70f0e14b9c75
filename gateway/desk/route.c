#include "desk/route.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"

#define ALLOW_MAX 80
#define DAY_US	  INT64_C(86400000000)

/* Does path name this route?  *segment is what stands for its '*'. */
static bool
fits(const struct route *r, struct bytes path, struct bytes *segment)
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

/* The same, but a path that stands in the table as it is means nothing to a
 * '*'. */
static bool
matches(const struct route_table *t, const struct route *r, struct bytes path,
    struct bytes *segment)
{
	if (!fits(r, path, segment))
		return false;
	for (size_t i = 0; i < t->n && segment->ptr != NULL; i++) {
		if (bytes_is(path, t->routes[i].path))
			return false;
	}
	return true;
}

/* "Allow: GET, HEAD, OPTIONS\r\n"; false when no route has this path. */
static bool
allow(const struct route_table *t, struct bytes path, char out[ALLOW_MAX])
{
	bool found = false, get = false, post = false, put = false;
	bool delete = false;
	struct bytes segment;

	for (size_t i = 0; i < t->n; i++) {
		const struct route *r = &t->routes[i];

		if (!matches(t, r, path, &segment))
			continue;
		found = true;
		get |= r->method == HTTP_GET;
		post |= r->method == HTTP_POST;
		put |= r->method == HTTP_PUT;
		delete |= r->method == HTTP_DELETE;
	}
	(void)snprintf(out, ALLOW_MAX, "Allow: %s%s%s%sOPTIONS\r\n",
	    get ? "GET, HEAD, " : "", post ? "POST, " : "", put ? "PUT, " : "",
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
		    matches(t, &t->routes[i], path, segment))
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

/* ---- what the answer may be */

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static struct bytes
trim(struct bytes text)
{
	while (text.len > 0 && is_space(text.ptr[0]))
		text = bytes_make(text.ptr + 1, text.len - 1);
	while (text.len > 0 && is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* Cut text at the first `at`; what stands in front of it. */
static struct bytes
cut(struct bytes *text, char at)
{
	const unsigned char *end = memchr(text->ptr, at, text->len);
	size_t n = end == NULL ? text->len : (size_t)(end - text->ptr);
	struct bytes front = bytes_make(text->ptr, n);

	n += end != NULL;
	*text = bytes_make(text->ptr + n, text->len - n);
	return trim(front);
}

/* A weight in thousandths (RFC 9110, 12.4.2); what cannot be read is 1000. */
static int
weight(struct bytes parameters)
{
	int q = 0, unit = 1000;

	while (parameters.len > 0) {
		struct bytes p = cut(&parameters, ';');

		if (p.len < 3 || (p.ptr[0] | 0x20) != 'q' || p.ptr[1] != '=')
			continue;
		for (size_t i = 2; i < p.len && unit > 0; i++) {
			if (p.ptr[i] == '.')
				continue;
			if (p.ptr[i] < '0' || p.ptr[i] > '9')
				return 1000;
			q += (p.ptr[i] - '0') * unit;
			unit /= 10;
		}
		return q > 1000 ? 1000 : q;
	}
	return 1000;
}

/* How exactly a media range names a type; 0: not at all. */
static int
precision(struct bytes range, const char *type)
{
	size_t major = (size_t)(strchr(type, '/') - type);

	if (http_token_is(range, type))
		return 3;
	if (range.len == major + 2 && memcmp(range.ptr + major, "/*", 2) == 0 &&
	    strncasecmp((const char *)range.ptr, type, major) == 0)
		return 2;
	return bytes_is(range, "*/*") ? 1 : 0;
}

/* The weight that Accept (12.5.1) gives a type. */
static int
acceptable(struct bytes accept, const char *type)
{
	int best = 0, q = 0;

	while (accept.len > 0) {
		struct bytes item = cut(&accept, ',');
		struct bytes range = cut(&item, ';');
		int p = precision(range, type);

		if (p > best) {
			best = p;
			q = weight(item);
		}
	}
	return q;
}

/* false: nothing that this route gives is wanted. */
static bool
choose_media(
    const struct route *r, const struct http_head *head, enum media *out)
{
	static const struct {
		enum media media;
		const char *type;
	} known[] = { { MEDIA_JSON, "application/json" },
		{ MEDIA_NDJSON, "application/x-ndjson" },
		{ MEDIA_EVENTS, "text/event-stream" } };
	struct bytes accept = http_field(head, "accept");
	int best = 0;

	*out = MEDIA_JSON;
	if (accept.ptr == NULL || accept.len == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		int q;

		if (((r->media | MEDIA_JSON) & known[i].media) == 0)
			continue;
		q = acceptable(accept, known[i].type);
		if (q > best) {
			best = q;
			*out = known[i].media;
		}
	}
	return best > 0;
}

/* ---- who asks, and how often */

/* No valid token.  It may be tried again as soon as the limit allows. */
static void
refuse_token(const struct route_table *t, enum auth_verdict v, struct server *s,
    const struct server_request *req)
{
	const char *fields;
	enum problem p = auth_problem(v, &fields);
	char after[32];

	metrics_add(MET_API_UNAUTHORIZED, 1);
	if (limit_fail(&t->guard->limit, req->peer_key, clock_mono_us())) {
		log_event(LOG_API_UNAUTHORIZED, log_word(KEY_PEER, req->peer));
		server_problem(s, req->id, p, fields);
		return;
	}
	(void)snprintf(after, sizeof(after), "Retry-After: %d\r\n",
	    LIMIT_WINDOW_S / LIMIT_FAILURES);
	metrics_add(MET_API_LIMITED, 1);
	server_problem(s, req->id, PROBLEM_RATE, after);
}

/* A valid token, for something else: its own rate limits it. */
static void
refuse_scope(struct server *s, const struct server_request *req)
{
	const char *fields;
	enum problem p = auth_problem(AUTH_SCOPE, &fields);

	metrics_add(MET_API_UNAUTHORIZED, 1);
	log_event(LOG_API_UNAUTHORIZED, log_word(KEY_PEER, req->peer));
	server_problem(s, req->id, p, fields);
}

static void
refuse_rate(struct route_guard *g, size_t token, struct server *s,
    const struct server_request *req)
{
	int64_t left, reset_s;
	char fields[64];

	limit_left(&g->limit, token, clock_mono_us(), &left, &reset_s);
	(void)snprintf(fields, sizeof(fields), "Retry-After: %lld\r\n",
	    (long long)(reset_s > 0 ? reset_s : 1));
	metrics_add(MET_API_LIMITED, 1);
	server_problem(s, req->id, PROBLEM_RATE, fields);
}

static void
note_use(struct route_guard *g, const struct config_token *who)
{
	struct msg_token_used m = { .day =
					(uint32_t)(clock_wall_us() / DAY_US) };

	if (m.day == 0 || !auth_used(&g->auth, who, m.day))
		return;
	memcpy(m.sha256, who->sha256, sizeof(m.sha256));
	asks_token_used(g->asks, &m);
}

/* Who asks; false: refused and answered. */
static bool
admit(const struct route_table *t, const struct route *r, struct server *s,
    const struct server_request *req, struct route_request *rr, size_t *token)
{
	struct route_guard *g = t->guard;
	const struct config_token *who;
	enum auth_verdict v;

	v = auth_check(&g->auth, req->head, r->scope, clock_wall_us(), &who);
	if (who == NULL) {
		refuse_token(t, v, s, req);
		return false;
	}
	*token = (size_t)(who - g->auth.tokens);
	server_tag(s, req->id, (uint32_t)*token + 1);
	if (!limit_take(&g->limit, *token, clock_mono_us())) {
		refuse_rate(g, *token, s, req);
		return false;
	}
	note_use(g, who);
	if (v != AUTH_OK) {
		refuse_scope(s, req);
		return false;
	}
	log_event(LOG_API, log_word(KEY_ROUTE, r->path),
	    log_word(KEY_TOKEN, who->name));
	memcpy(rr->merchant, who->merchant, sizeof(rr->merchant));
	memcpy(rr->token, who->name, sizeof(rr->token));
	return true;
}

/* ---- done once */

static void
replay(struct server *s, exchange_id id, int status, struct bytes body)
{
	struct server_reply reply = { .status = status,
		.content_type = status >= 400 ? "application/problem+json"
					      : "application/json",
		.fields = "Idempotent-Replayed: true\r\n",
		.body = body };

	server_reply(s, id, &reply);
}

/* May the handler be called?  false: answered. */
static bool
first_time(const struct route_table *t, size_t token, struct server *s,
    const struct server_request *req)
{
	const struct http_head *head = req->head;
	struct bytes key = http_field(head, "idempotency-key");
	struct bytes body, path = head->path;
	struct buf request;
	enum once_verdict v = ONCE_FULL;
	int status;

	assert(t->guard != NULL);
	if (head->method != HTTP_POST || key.ptr == NULL)
		return true;
	buf_init(&request, 2 * HTTP_TARGET_MAX);
	buf_append(&request, path.ptr, path.len);
	buf_append_text(&request, "?");
	if (head->query.len > 0)
		buf_append(&request, head->query.ptr, head->query.len);
	if (buf_status(&request) == ST_OK)
		v = once_begin(t->guard->once, token, key, buf_bytes(&request),
		    req->id, clock_mono_us(), &status, &body);
	buf_fini(&request);
	if (v == ONCE_NEW)
		return true;
	if (v == ONCE_REPLAY)
		replay(s, req->id, status, body);
	else if (v == ONCE_RUNNING)
		server_problem(s, req->id, PROBLEM_KEY_IN_USE, NULL);
	else if (v == ONCE_REUSED)
		server_problem(s, req->id, PROBLEM_KEY_REUSED, NULL);
	else if (v == ONCE_BAD)
		server_problem(s, req->id, PROBLEM_KEY, NULL);
	else
		route_busy(s, req->id);
	return false;
}

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

void
route_answered(struct route_guard *g, exchange_id id, uint32_t tag,
    const struct server_reply *reply, struct buf *fields)
{
	int64_t left, reset_s;

	buf_printf(fields, "X-Request-Id: %016llx\r\n",
	    (unsigned long long)mix(g->nonce + id));
	once_answered(g->once, id, reply->status, reply->body);
	if (tag == 0)
		return;
	limit_left(&g->limit, tag - 1, clock_mono_us(), &left, &reset_s);
	buf_printf(fields,
	    "RateLimit-Policy: \"default\";q=%lld;w=%d\r\n"
	    "RateLimit: \"default\";r=%lld;t=%lld\r\n",
	    (long long)g->limit.rate, LIMIT_WINDOW_S, (long long)left,
	    (long long)reset_s);
}

void
route_run(const struct route_table *t, struct server *s,
    const struct server_request *req)
{
	const struct http_head *head = req->head;
	struct route_request rr = { .server = s,
		.id = req->id,
		.head_only = head->method == HTTP_HEAD,
		.head = head,
		.query = head->query };
	const struct route *r = find(t, head->method, head->path, &rr.segment);
	bool guarded = r != NULL && r->scope != 0;
	size_t token = 0;

	if (r == NULL)
		refuse_method(t, s, req);
	else if (guarded && !admit(t, r, s, req, &rr, &token))
		return;
	else if (head->query.ptr != NULL && !r->query)
		server_problem(s, req->id, PROBLEM_QUERY, NULL);
	else if (!choose_media(r, head, &rr.media) && t->guard != NULL)
		server_problem(s, req->id, PROBLEM_NOT_ACCEPTABLE, NULL);
	else if (!guarded || first_time(t, token, s, req))
		r->handle(t->units[r->unit], &rr);
}

void
route_busy(struct server *s, exchange_id id)
{
	server_problem(s, id, PROBLEM_UNAVAILABLE, "Retry-After: 1\r\n");
}
