/*
 * How libcurl and the loop meet: libcurl says which descriptors and which
 * one timer it waits for (on_socket, on_timer); the loop says what happened
 * (socket_ready, timer_due) and then looks for requests that ended (reap).
 */
#include "client/client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"

#define CONNECT_MS   5000 /* resolving, connecting and the handshake */
#define KEEP_IDLE_S  60L
#define ANSWER_BYTES (64 * 1024) /* nobody reads it; a bound on patience */
#define HEADER_BYTES (64 * 1024)
#define BODY_CEILING (1024 * 1024)

struct client_target {
	char *url;
	char *ca_pem; /* NULL: the system's store */
	bool plain;   /* http, so loopback only */
	int64_t timeout_ms;
};

struct request {
	struct request *next, **prev; /* in the client's busy or idle list */
	CURL *easy;
	const struct client_target *target;
	struct curl_slist *headers;
	struct buf body;
	client_done_fn *on_done;
	void *arg;
	int64_t started_us;
	size_t header_bytes, answer_bytes;
	bool head_whole; /* the empty line behind the headers came */
};

struct client {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct request *busy;
	struct request *idle; /* kept with their handles and TLS sessions */
	bool global;
};

static void
list_push(struct request **list, struct request *r)
{
	r->next = *list;
	r->prev = list;
	if (r->next != NULL)
		r->next->prev = &r->next;
	*list = r;
}

static void
list_remove(struct request *r)
{
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
}

/* ---- targets */

static bool
url_scheme(const char *url, bool *plain)
{
	CURLU *u = curl_url();
	char *scheme = NULL;
	bool ok = false;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK) {
		*plain = strcmp(scheme, "http") == 0;
		ok = *plain || strcmp(scheme, "https") == 0;
	}
	curl_free(scheme);
	curl_url_cleanup(u);
	return ok;
}

enum status
client_target_new(struct client_target **out, const char *url,
    const char *ca_pem, int64_t timeout_ms, struct err *e)
{
	struct client_target *t;

	*out = NULL;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		goto no_memory;
	if (!url_scheme(url, &t->plain)) {
		err_set(e, "not a URL to post to");
		client_target_free(t);
		return ST_CONFIG;
	}
	t->timeout_ms = timeout_ms;
	t->url = strdup(url);
	if (t->url == NULL)
		goto no_memory;
	if (ca_pem[0] != '\0') {
		t->ca_pem = strdup(ca_pem);
		if (t->ca_pem == NULL)
			goto no_memory;
	}
	*out = t;
	return ST_OK;
no_memory:
	err_set(e, "no memory for an HTTP target");
	client_target_free(t);
	return ST_NO_MEMORY;
}

void
client_target_free(struct client_target *t)
{
	if (t == NULL)
		return;
	free(t->url);
	free(t->ca_pem);
	free(t);
}

/* ---- callbacks of one transfer */

static bool
is_loopback(const struct sockaddr *sa)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		return ntohl(in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
	}
	return false;
}

/* The last word on where a request goes: here the name is an address. */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	const struct request *r = arg;

	(void)purpose;
	if (r->target->plain && !is_loopback(&to->addr))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	struct bytes line = bytes_make(data, size * n);

	if (line.len > 5 && memcmp(data, "HTTP/", 5) == 0)
		r->head_whole = false; /* the one before was only interim */
	if (bytes_is(line, "\r\n") || bytes_is(line, "\n"))
		r->head_whole = true;
	r->header_bytes += size * n;
	return r->header_bytes > HEADER_BYTES ? 0 : size * n;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	(void)data;
	r->answer_bytes += size * n;
	return r->answer_bytes > ANSWER_BYTES ? 0 : size * n;
}

/* ---- the end of a request */

/* Make r ready for another one; its handle keeps its TLS sessions. */
static void
request_clear(struct request *r)
{
	curl_easy_reset(r->easy);
	for (struct curl_slist *h = r->headers; h != NULL; h = h->next)
		secret_wipe(h->data, strlen(h->data));
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	buf_reset(&r->body);
	r->header_bytes = r->answer_bytes = 0;
	r->head_whole = false;
}

static void
request_free(struct request *r)
{
	if (r->easy != NULL) {
		request_clear(r);
		curl_easy_cleanup(r->easy);
	}
	buf_fini(&r->body);
	free(r);
}

/* A resolver that does not answer ends as a timeout before any address. */
static enum client_end
timeout_end(const struct request *r)
{
	curl_off_t looked_up = 0;

	(void)curl_easy_getinfo(
	    r->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
	return looked_up == 0 ? CLIENT_DNS : CLIENT_TIMEOUT;
}

static enum client_end
end_of(const struct request *r, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return CLIENT_ANSWER;
	case CURLE_WRITE_ERROR: /* a ceiling of ours */
		return r->answer_bytes > ANSWER_BYTES ? CLIENT_ANSWER
						      : CLIENT_IO;
	case CURLE_COULDNT_RESOLVE_HOST:
		return CLIENT_DNS;
	case CURLE_COULDNT_CONNECT:
		return CLIENT_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return CLIENT_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return timeout_end(r);
	default:
		return CLIENT_IO;
	}
}

static struct client_result
result_of(const struct request *r, CURLcode code)
{
	struct client_result res = { .end = end_of(r, code),
		.took_us = clock_mono_us() - r->started_us };

	if (res.end != CLIENT_ANSWER)
		return res;
	(void)curl_easy_getinfo(
	    r->easy, CURLINFO_RESPONSE_CODE, &res.http_status);
	/* libcurl is content with a status line and half a header. */
	if (!r->head_whole || res.http_status < 200 || res.http_status > 599) {
		res.end = CLIENT_IO;
		res.http_status = 0;
	}
	return res;
}

/* Hand over what has ended.  on_done may post, so r is put away before. */
static void
reap(struct client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct client_result res;
		client_done_fn *on_done;
		struct request *r;
		char *private = NULL;
		void *arg;

		(void)curl_easy_getinfo(
		    m->easy_handle, CURLINFO_PRIVATE, &private);
		r = (struct request *)(void *)private;
		res = result_of(r, m->data.result);
		on_done = r->on_done;
		arg = r->arg;
		(void)curl_multi_remove_handle(c->multi, r->easy);
		request_clear(r);
		list_remove(r);
		list_push(&c->idle, r);
		on_done(arg, &res);
	}
}

/* ---- libcurl and the loop */

static void
timer_due(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	int running;

	(void)fd;
	(void)what;
	(void)curl_multi_socket_action(
	    c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(c);
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct client *c = arg;
	struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000 };

	(void)multi;
	if (ms < 0)
		return evtimer_del(c->timer);
	return evtimer_add(c->timer, &tv);
}

static void
socket_ready(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	int mask = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) |
		   ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running;

	(void)curl_multi_socket_action(c->multi, fd, mask, &running);
	reap(c);
}

/* seen is the descriptor's event, once it has one. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *seen)
{
	struct client *c = arg;
	struct event *ev = seen;
	short want = EV_PERSIST;

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		if (what != CURL_POLL_OUT)
			want |= EV_READ;
		if (what != CURL_POLL_IN)
			want |= EV_WRITE;
		ev = event_new(c->base, fd, want, socket_ready, c);
		if (ev != NULL && event_add(ev, NULL) != 0) {
			event_free(ev);
			ev = NULL;
		}
	}
	(void)curl_multi_assign(c->multi, fd, ev);
	return what != CURL_POLL_REMOVE && ev == NULL ? -1 : 0;
}

static bool
multi_options(struct client *c)
{
	CURLM *m = c->multi;

	return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) ==
		   CURLM_OK &&
	       curl_multi_setopt(m, CURLMOPT_SOCKETDATA, c) == CURLM_OK &&
	       curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) ==
		   CURLM_OK &&
	       curl_multi_setopt(m, CURLMOPT_TIMERDATA, c) == CURLM_OK;
}

enum status
client_new(struct client **out, struct loop *l, struct err *e)
{
	struct client *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL)
		goto fail;
	c->base = loop_base(l);
	/* libcurl would write the keys of every session to that file. */
	(void)unsetenv("SSLKEYLOGFILE");
	c->global = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!c->global)
		goto fail;
	c->multi = curl_multi_init();
	c->timer = evtimer_new(c->base, timer_due, c);
	if (c->multi == NULL || c->timer == NULL || !multi_options(c))
		goto fail;
	*out = c;
	return ST_OK;
fail:
	err_set(e, "the HTTP client cannot be made");
	client_free(c);
	return ST_NO_MEMORY;
}

static void
list_free(struct client *c, struct request **list)
{
	while (*list != NULL) {
		struct request *r = *list;

		list_remove(r);
		(void)curl_multi_remove_handle(c->multi, r->easy);
		request_free(r);
	}
}

void
client_free(struct client *c)
{
	if (c == NULL)
		return;
	list_free(c, &c->busy);
	list_free(c, &c->idle);
	(void)curl_multi_cleanup(c->multi);
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->global)
		curl_global_cleanup();
	free(c);
}

/* ---- posting */

static bool
set_long(CURL *h, CURLoption o, long v)
{
	return curl_easy_setopt(h, o, v) == CURLE_OK;
}

static bool
set_text(CURL *h, CURLoption o, const char *v)
{
	return curl_easy_setopt(h, o, v) == CURLE_OK;
}

static bool
set_trust(CURL *h, const struct client_target *t)
{
	struct curl_blob pem = { .flags = CURL_BLOB_NOCOPY };

	if (!set_long(h, CURLOPT_SSL_VERIFYPEER, 1) ||
	    !set_long(h, CURLOPT_SSL_VERIFYHOST, 2) ||
	    !set_long(h, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2))
		return false;
	if (t->ca_pem == NULL)
		return true;
	pem.data = t->ca_pem;
	pem.len = strlen(t->ca_pem);
	/* The system's directory would be trusted besides. */
	return curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &pem) == CURLE_OK &&
	       set_text(h, CURLOPT_CAPATH, NULL);
}

static bool
set_transport(CURL *h, const struct client_target *t)
{
	int64_t connect_ms =
	    t->timeout_ms < CONNECT_MS ? t->timeout_ms : CONNECT_MS;

	return set_text(
		   h, CURLOPT_PROTOCOLS_STR, t->plain ? "http" : "https") &&
	       set_long(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
	       set_long(h, CURLOPT_FOLLOWLOCATION, 0) &&
	       set_text(h, CURLOPT_PROXY, "") &&
	       set_text(h, CURLOPT_NOPROXY, "*") &&
	       set_long(h, CURLOPT_NOSIGNAL, 1) &&
	       set_long(h, CURLOPT_QUICK_EXIT, 1) &&
	       set_long(h, CURLOPT_TCP_NODELAY, 1) &&
	       set_long(h, CURLOPT_MAXAGE_CONN, KEEP_IDLE_S) &&
	       set_long(h, CURLOPT_TIMEOUT_MS, (long)t->timeout_ms) &&
	       set_long(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
}

static bool
set_callbacks(CURL *h, struct request *r)
{
	return curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_open) ==
		   CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, r) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header) ==
		   CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERDATA, r) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) ==
		   CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEDATA, r) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PRIVATE, r) == CURLE_OK;
}

static bool
set_request(CURL *h, struct request *r)
{
	return set_text(h, CURLOPT_URL, r->target->url) &&
	       set_text(h, CURLOPT_USERAGENT, "paysieve/" PAYSIEVE_VERSION) &&
	       curl_easy_setopt(h, CURLOPT_HTTPHEADER, r->headers) ==
		   CURLE_OK &&
	       set_long(h, CURLOPT_POST, 1) &&
	       curl_easy_setopt(h, CURLOPT_POSTFIELDS,
		   (const char *)r->body.data) == CURLE_OK &&
	       set_long(h, CURLOPT_POSTFIELDSIZE, (long)r->body.len);
}

static bool
add_header(struct request *r, const char *line)
{
	struct curl_slist *list = curl_slist_append(r->headers, line);

	if (list == NULL)
		return false;
	r->headers = list;
	return true;
}

/* A name without a value keeps libcurl from sending its own. */
static bool
fill_headers(struct request *r, const char *const *headers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(strpbrk(headers[i], "\r\n") == NULL);
		if (!add_header(r, headers[i]))
			return false;
	}
	return add_header(r, "Expect:") && add_header(r, "Accept:");
}

static struct request *
request_take(struct client *c)
{
	struct request *r = c->idle;

	if (r != NULL) {
		list_remove(r);
		return r;
	}
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	buf_init(&r->body, BODY_CEILING);
	r->easy = curl_easy_init();
	if (r->easy == NULL) {
		request_free(r);
		return NULL;
	}
	return r;
}

enum status
client_post(struct client *c, struct client_target *t,
    const char *const *headers, size_t n, struct bytes body,
    client_done_fn *on_done, void *arg)
{
	struct request *r = request_take(c);

	if (r == NULL)
		return ST_NO_MEMORY;
	r->target = t;
	r->on_done = on_done;
	r->arg = arg;
	r->started_us = clock_mono_us();
	buf_append(&r->body, body.ptr, body.len);
	if (buf_status(&r->body) != ST_OK || !fill_headers(r, headers, n) ||
	    !set_transport(r->easy, t) || !set_trust(r->easy, t) ||
	    !set_callbacks(r->easy, r) || !set_request(r->easy, r) ||
	    curl_multi_add_handle(c->multi, r->easy) != CURLM_OK) {
		request_free(r);
		return ST_NO_MEMORY;
	}
	list_push(&c->busy, r);
	return ST_OK;
}
