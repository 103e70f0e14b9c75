/*
 * How libcurl and the loop meet: libcurl says which descriptors and which
 * one timer it waits for (on_socket, on_timer); the loop says what happened
 * (socket_ready, timer_due) and then looks for requests that ended (reap).
 */
#include "client/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/secret.h"
#include "base/wiped.h"
#include "client/address.h"
#include "client/request.h"

/* Connections that are kept.  libcurl's own bound follows the requests that are
 * under way at that moment: after each burst it would close most of them. */
#define MOST_IDLE 1024L

struct client {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct request *busy;
	struct request *idle; /* POSTs, kept with their TLS sessions */
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
read_url(const char *url, struct client_target *t)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	bool ok = false;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		t->plain = strcmp(scheme, "http") == 0;
		t->guarded = address_name_public(host);
		ok = t->plain || strcmp(scheme, "https") == 0;
	}
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return ok;
}

/* text into *out, unless there is none.  false without memory. */
static bool
copy(const char *text, char **out)
{
	if (text == NULL || text[0] == '\0')
		return true;
	*out = strdup(text);
	return *out != NULL;
}

static bool
fill_target(struct client_target *t, const struct client_target_config *cfg)
{
	t->timeout_ms = cfg->timeout_ms;
	if (cfg->n_networks > 0) {
		t->networks = calloc(cfg->n_networks, sizeof(*t->networks));
		if (t->networks == NULL)
			return false;
		memcpy(t->networks, cfg->networks,
		    cfg->n_networks * sizeof(*t->networks));
		t->n_networks = cfg->n_networks;
	}
	return copy(cfg->url, &t->url) && copy(cfg->ca_pem, &t->ca_pem) &&
	       copy(cfg->certificate_pem, &t->certificate_pem) &&
	       copy(cfg->key_pem, &t->key_pem) && copy(cfg->proxy, &t->proxy);
}

enum status
client_target_new(struct client_target **out,
    const struct client_target_config *cfg, struct err *e)
{
	struct client_target *t = calloc(1, sizeof(*t));
	enum status st = ST_CONFIG;

	*out = NULL;
	if (t == NULL || !fill_target(t, cfg)) {
		err_set(e, "no memory for an HTTP target");
		st = ST_NO_MEMORY;
	} else if (!read_url(cfg->url, t)) {
		err_set(e, "not a URL of http or https");
	} else if (t->plain && t->proxy != NULL) {
		err_set(e, "a proxy is for https only");
	} else if ((t->certificate_pem == NULL) != (t->key_pem == NULL)) {
		err_set(e, "a certificate needs its key");
	} else {
		t->guarded =
		    t->guarded && !cfg->any_address && t->proxy == NULL;
		*out = t;
		return ST_OK;
	}
	client_target_free(t);
	return st;
}

void
client_target_free(struct client_target *t)
{
	if (t == NULL)
		return;
	if (t->key_pem != NULL)
		secret_wipe(t->key_pem, strlen(t->key_pem));
	free(t->url);
	free(t->ca_pem);
	free(t->certificate_pem);
	free(t->key_pem);
	free(t->proxy);
	free(t->networks);
	free(t);
}

/* ---- the end of a request */

/* Hand over what has ended.  on_done may send again, so r is put away before:
 * a POST's for the next one; a GET's handle, which has seen payer data, goes.
 */
static void
finish(struct client *c, struct request *r, CURLcode code)
{
	struct client_result res = request_result(r, code);
	client_done_fn *on_done = r->on_done;
	void *arg = r->arg;

	(void)curl_multi_remove_handle(c->multi, r->easy);
	list_remove(r);
	if (r->answer.kept) {
		request_forget(r);
		on_done(arg, &res);
		request_free(r);
		return;
	}
	request_clear(r);
	list_push(&c->idle, r);
	on_done(arg, &res);
}

static void
reap(struct client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		char *private = NULL;

		(void)curl_easy_getinfo(
		    m->easy_handle, CURLINFO_PRIVATE, &private);
		finish(c, (struct request *)(void *)private, m->data.result);
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
	if (ms < 0) {
		(void)evtimer_del(c->timer);
		return 0;
	}
	if (evtimer_add(c->timer, &tv) !=
	    0) /* at once then, instead of never */
		event_active(c->timer, EV_TIMEOUT, 0);
	return 0;
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
	/* A request that memory was missing for ends at its time; -1 would be
	 * the end of all that come. */
	return 0;
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
	       curl_multi_setopt(m, CURLMOPT_TIMERDATA, c) == CURLM_OK &&
	       curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, MOST_IDLE) ==
		   CURLM_OK;
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
	c->global =
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiped_malloc, wiped_free,
		wiped_realloc, wiped_strdup, wiped_calloc) == CURLE_OK;
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

/* ---- sending */

static enum status
start(struct client *c, struct request *r, bool filled)
{
	if (!filled || curl_multi_add_handle(c->multi, r->easy) != CURLM_OK) {
		request_free(r);
		return ST_NO_MEMORY;
	}
	list_push(&c->busy, r);
	return ST_OK;
}

enum status
client_post(struct client *c, struct client_target *t,
    const char *const *headers, size_t n, struct bytes body,
    client_done_fn *on_done, void *arg)
{
	struct request *r = c->idle;

	if (r != NULL)
		list_remove(r);
	else
		r = request_new();
	if (r == NULL)
		return ST_NO_MEMORY;
	r->on_done = on_done;
	r->arg = arg;
	return start(c, r, request_post(r, t, headers, n, body));
}

enum status
client_get(struct client *c, struct client_target *t, struct bytes target,
    size_t most, client_done_fn *on_done, void *arg)
{
	struct request *r = request_new();

	if (r == NULL)
		return ST_NO_MEMORY;
	r->on_done = on_done;
	r->arg = arg;
	return start(c, r, request_get(r, t, target, most));
}
