#include "net_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "config/rooms.h"
#include "net/tls.h"

#define PATIENCE_US 60000000
#define NO_END_MS   600000 /* of what a test does not wait for */
#define BIG	    (4 * 1024 * 1024)

static const struct timeval guard_time = { .tv_usec = 5000 };
static int64_t give_up_us;

/* ---- the handler */

static void
answer(struct world *w, exchange_id id, int status, const char *body)
{
	struct server_reply r = { .status = status,
		.content_type = "text/plain",
		.body = bytes_of(body) };

	server_reply(w->server, id, &r);
}

void
world_answer(struct world *w, size_t i)
{
	answer(w, w->deferred[i], 200, "OK");
}

static void
answer_sum(struct world *w, const struct server_request *req)
{
	unsigned long sum = 0;
	char text[64];

	for (size_t i = 0; i < req->body_len; i++)
		sum = sum * 31 + req->body[i];
	(void)snprintf(text, sizeof(text), "%zu %lu", req->body_len, sum);
	answer(w, req->id, 200, text);
}

static void
answer_big(struct world *w, exchange_id id)
{
	struct server_reply r = { .status = 200, .content_type = "x/y" };
	unsigned char *body = malloc(BIG);

	assert_non_null(body);
	for (size_t i = 0; i < BIG; i++)
		body[i] = (unsigned char)(i * 7 >> 3);
	r.body = bytes_make(body, BIG);
	server_reply(w->server, id, &r);
	free(body);
}

static void
begin_stream(struct world *w, exchange_id id)
{
	const struct server_reply r = { .status = 200,
		.content_type = "text/plain",
		.fields = "X-Extra: 1\r\n",
		.body = bytes_of("is not looked at") };

	server_stream(w->server, id, &r);
}

static void
answer_in_pieces(struct world *w, exchange_id id, bool whole)
{
	begin_stream(w, id);
	(void)!server_stream_add(w->server, id, bytes_of("one"));
	if (!whole) {
		server_stream_cut(w->server, id);
		assert_false(
		    server_stream_add(w->server, id, bytes_of("more")));
		return;
	}
	(void)!server_stream_add(w->server, id, bytes_of("and two"));
	server_stream_end(w->server, id);
	assert_false(server_stream_add(w->server, id, bytes_of("more")));
}

static void
on_room(void *arg, exchange_id id)
{
	struct world *w = arg;

	assert_false(w->calling);
	w->rooms++;
	w->room = id;
}

static void
keep(struct world *w, exchange_id id)
{
	assert_true(w->n_deferred < WORLD_DEFERRED);
	w->deferred[w->n_deferred++] = id;
}

static void
note(struct world *w, const struct server_request *req)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	w->requests++;
	w->data = req->head->base;
	memcpy(w->peer, req->peer, sizeof(w->peer));
	w->peer_key = req->peer_key;
	if (w->stack_low == 0 || here < w->stack_low)
		w->stack_low = here;
	if (here > w->stack_high)
		w->stack_high = here;
}

static void
on_request(void *arg, const struct server_request *req)
{
	struct world *w = arg;
	struct server_reply r = { .status = 200,
		.content_type = "text/plain",
		.body = bytes_of("OK") };
	struct bytes path = req->head->path;

	note(w, req);
	if (bytes_is(path, "/ok")) {
		r.fields = "X-Extra: 1\r\n";
		server_reply(w->server, req->id, &r);
	} else if (path.len >= 5 && memcmp(path.ptr, "/path", 5) == 0) {
		r.body = path;
		server_reply(w->server, req->id, &r);
	} else if (bytes_is(path, "/sum")) {
		answer_sum(w, req);
	} else if (bytes_is(path, "/big")) {
		answer_big(w, req->id);
	} else if (bytes_is(path, "/close")) {
		r.close = true;
		server_reply(w->server, req->id, &r);
	} else if (bytes_is(path, "/empty")) {
		r = (struct server_reply){ .status = 204 };
		server_reply(w->server, req->id, &r);
	} else if (bytes_is(path, "/defer")) {
		keep(w, req->id);
	} else if (bytes_is(path, "/stream")) {
		keep(w, req->id);
		begin_stream(w, req->id);
	} else if (bytes_is(path, "/pieces") || bytes_is(path, "/cut")) {
		answer_in_pieces(w, req->id, path.len == 7);
	} else if (bytes_is(path, "/unchanged")) {
		r.status = 304;
		r.fields = "ETag: \"x\"\r\n";
		server_reply(w->server, req->id, &r);
	} else if (bytes_is(path, "/others")) {
		for (size_t i = 0; i < w->n_deferred; i++)
			world_answer(w, i);
		answer(w, req->id, 200, "OK");
	} else {
		server_problem(w->server, req->id, PROBLEM_NOT_FOUND, NULL);
	}
	/* Still ours: an answer must not have taken the bytes away. */
	assert_int_equal(req->head->base[req->head->len - 1], '\n');
}

static bool
on_head(void *arg, exchange_id id, const struct http_head *head)
{
	struct world *w = arg;

	w->heads++;
	if (!bytes_is(head->path, "/refuse"))
		return true;
	server_problem(w->server, id, PROBLEM_REFUSED, NULL);
	return false;
}

/* ---- the world */

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static int
listening(uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 512), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static SSL_CTX *
server_tls(void)
{
	static struct room_tls cfg;
	static struct identity id;
	SSL_CTX *ctx;

	if (id.key[0] == '\0')
		identity_make(&id, NULL, -60, 3600);
	memcpy(cfg.certificate, id.certificate, sizeof(id.certificate));
	memcpy(cfg.key, id.key, sizeof(id.key));
	memset(cfg.ticket, 7, sizeof(cfg.ticket));
	assert_int_equal(tls_server_new(&ctx, &cfg, NULL, NULL), ST_OK);
	return ctx;
}

void
world_init(struct world *w)
{
	static int metrics = -1;
	static const struct metrics_page *page;

	(void)signal(SIGPIPE, SIG_IGN);
	memset(w, 0, sizeof(*w));
	if (metrics < 0) {
		metrics = metrics_page_new();
		assert_int_equal(metrics_attach(metrics), ST_OK);
		page = metrics_page_map(metrics);
	}
	w->page = page;
	w->cfg = (struct server_config){ .connections = 64,
		.handshake_ms = NO_END_MS,
		.head_ms = NO_END_MS,
		.body_ms = NO_END_MS,
		.idle_ms = NO_END_MS,
		.body_max = 64 * 1024,
		.accepted = MET_CONN_ACCEPTED_API,
		.open = MET_CONN_OPEN_API,
		.on_request = on_request,
		.on_head = on_head,
		.on_room = on_room,
		.arg = w };
}

void
world_start(struct world *w, bool tls)
{
	give_up_us = clock_mono_us() + PATIENCE_US;
	w->cfg.fd = listening(&w->port);
	assert_int_equal(loop_new(&w->loop, NULL), ST_OK);
	if (tls) {
		w->cfg.tls = server_tls();
		if (w->client_ca != NULL)
			assert_int_equal(tls_server_client_ca(
					     w->cfg.tls, w->client_ca, NULL),
			    ST_OK);
		if (w->brief)
			tls_server_brief(w->cfg.tls);
		w->client_tls = SSL_CTX_new(TLS_client_method());
		assert_non_null(w->client_tls);
	}
	w->guard =
	    event_new(loop_base(w->loop), -1, EV_PERSIST, on_guard, NULL);
	(void)event_add(w->guard, &guard_time);
	for (int m = 0; m < METRICS_CELLS; m++)
		w->since[m] = w->page->cell[m];
	assert_int_equal(server_new(&w->server, w->loop, &w->cfg, NULL), ST_OK);
}

void
world_stop(struct world *w)
{
	server_free(w->server);
	assert_int_equal(world_count(w, w->cfg.open), 0);
	SSL_CTX_free(w->cfg.tls);
	SSL_CTX_free(w->client_tls);
	event_free(w->guard);
	loop_free(w->loop);
	(void)close(w->cfg.fd);
}

void
world_turn(struct world *w)
{
	w->turns++;
	assert_true(clock_mono_us() < give_up_us);
	(void)event_base_loop(loop_base(w->loop), EVLOOP_ONCE);
}

int64_t
world_count(const struct world *w, enum metric m)
{
	return w->page->cell[m] - w->since[m];
}

void
world_until(struct world *w, enum metric m, int64_t n)
{
	while (world_count(w, m) < n)
		world_turn(w);
	assert_int_equal(world_count(w, m), n);
}

/* ---- clients */

void
client_connect(struct client *c, struct world *w, int fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*c = (struct client){ .world = w, .fd = fd };
	buf_init(&c->in, 2 * BIG);
	if (fd < 0)
		c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	(void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

bool
client_handshake(struct client *c, SSL_CTX *tls, SSL_SESSION *session)
{
	int r;

	c->ssl = SSL_new(tls);
	assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
	if (session != NULL)
		assert_int_equal(SSL_set_session(c->ssl, session), 1);
	ERR_clear_error();
	while ((r = SSL_connect(c->ssl)) != 1) {
		if (SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ)
			return false;
		world_turn(c->world);
	}
	return true;
}

void
client_open(struct client *c, struct world *w)
{
	client_connect(c, w, -1);
	if (w->client_tls != NULL)
		assert_true(client_handshake(c, w->client_tls, NULL));
}

void
client_close(struct client *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	buf_fini(&c->in);
	(void)close(c->fd);
}

size_t
client_offer(struct client *c, const char *data, size_t len)
{
	size_t n = 0;
	ssize_t r;

	ERR_clear_error();
	if (c->ssl != NULL)
		return SSL_write_ex(c->ssl, data, len, &n) == 1 ? n : 0;
	r = send(c->fd, data, len, MSG_NOSIGNAL);
	return r < 0 ? 0 : (size_t)r;
}

void
client_send(struct client *c, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		size_t n = client_offer(c, p, len);

		p += n;
		len -= n;
		if (n == 0)
			world_turn(c->world);
	}
}

void
client_text(struct client *c, const char *text)
{
	client_send(c, text, strlen(text));
}

bool
client_poll(struct client *c)
{
	char data[16384];
	size_t n = 0;
	ssize_t r;

	ERR_clear_error();
	if (c->ssl != NULL) {
		int ok = SSL_read_ex(c->ssl, data, sizeof(data), &n);

		if (ok != 1 && SSL_get_error(c->ssl, ok) != SSL_ERROR_WANT_READ)
			c->eof = true;
	} else {
		r = recv(c->fd, data, sizeof(data), 0);
		n = r > 0 ? (size_t)r : 0;
		c->eof = r == 0 || (r < 0 && errno != EAGAIN);
	}
	buf_append(&c->in, data, n);
	return n > 0;
}

/* The head's length once it is in, reading as long as that takes. */
static size_t
wait_head(struct client *c)
{
	for (;;) {
		unsigned char *end =
		    c->in.len == 0
			? NULL
			: memmem(c->in.data, c->in.len, "\r\n\r\n", 4);

		if (end != NULL)
			return (size_t)(end - c->in.data) + 4;
		if (!client_poll(c)) {
			assert_false(c->eof);
			world_turn(c->world);
		}
	}
}

void
client_answer(struct client *c, struct answer *a, bool head_only)
{
	size_t head = wait_head(c), shown;
	const char *length;
	struct buf rest;

	memset(a, 0, sizeof(*a));
	assert_true(head < sizeof(a->head));
	memcpy(a->head, c->in.data, head);
	assert_memory_equal(a->head, "HTTP/1.1 ", 9);
	a->status = (int)strtol(a->head + 9, NULL, 10);
	length = strstr(a->head, "Content-Length: ");
	if (length != NULL)
		a->body_len = strtoul(length + 16, NULL, 10);
	if (head_only)
		shown = 0;
	else
		shown = a->body_len;
	while (c->in.len < head + shown) {
		if (!client_poll(c)) {
			assert_false(c->eof);
			world_turn(c->world);
		}
	}
	memcpy(a->body, c->in.data + head,
	    shown < sizeof(a->body) - 1 ? shown : sizeof(a->body) - 1);
	buf_init(&rest, 2 * BIG);
	buf_append(&rest, c->in.data + head + shown, c->in.len - head - shown);
	buf_fini(&c->in);
	c->in = rest;
}

void
client_expect(struct client *c, int status, const char *body)
{
	struct answer a;

	client_answer(c, &a, false);
	assert_int_equal(a.status, status);
	if (body != NULL)
		assert_string_equal(a.body, body);
}

void
client_expect_end(struct client *c)
{
	while (!c->eof) {
		if (!client_poll(c) && !c->eof)
			world_turn(c->world);
	}
	assert_int_equal(c->in.len, 0);
}

/* ---- certificates */

static void
to_text(BIO *bio, char *out, size_t cap)
{
	int n = BIO_read(bio, out, (int)cap - 1);

	assert_true(n > 0);
	out[n] = '\0';
	BIO_free(bio);
}

static EVP_PKEY *
from_text(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(key);
	return key;
}

static void
set_issuer(X509 *x, const struct identity *issuer)
{
	BIO *bio = BIO_new_mem_buf(issuer->certificate, -1);
	X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	assert_non_null(ca);
	(void)X509_set_issuer_name(x, X509_get_subject_name(ca));
	X509_free(ca);
	BIO_free(bio);
}

static void
may_issue(X509 *x)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");

	assert_int_equal(X509_add_ext(x, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static void
certify(struct identity *id, const char *cn, const struct identity *issuer,
    bool authority, long from_s, long until_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY *signer = issuer == NULL ? key : from_text(issuer->key);
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(X509_set_version(x, 2), 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), from_s);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), until_s);
	(void)X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	(void)X509_set_issuer_name(x, name);
	if (issuer != NULL)
		set_issuer(x, issuer);
	if (authority)
		may_issue(x);
	(void)X509_set_pubkey(x, key);
	assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, x), 1);
	to_text(bio, id->certificate, sizeof(id->certificate));
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	to_text(bio, id->key, sizeof(id->key));
	if (signer != key)
		EVP_PKEY_free(signer);
	EVP_PKEY_free(key);
	X509_free(x);
}

void
identity_make(struct identity *id, const struct identity *issuer, long from_s,
    long until_s)
{
	certify(id, "gateway.example", issuer, false, from_s, until_s);
}

void
identity_authority(struct identity *id, const char *name)
{
	certify(id, name, NULL, true, -60, 3600);
}
