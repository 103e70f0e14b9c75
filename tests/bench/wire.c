#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#define CIPHER	    "TLS_AES_128_GCM_SHA256"
#define FIRST_BYTES ((size_t)2048)
#define MOST_BYTES  ((size_t)4 * 1024 * 1024)

/* ---- contexts */

static SSL_CTX *
context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, CIPHER) != 1)
		abort();
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

SSL_CTX *
wire_client_context(void)
{
	return context(TLS_client_method());
}

SSL_CTX *
wire_server_context(const char *certificate, const char *key)
{
	SSL_CTX *ctx = context(TLS_server_method());

	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1) {
		(void)fprintf(stderr, "no certificate or key\n");
		exit(2);
	}
	return ctx;
}

/* ---- messages */

bool
wire_field(
    const struct wire_message *m, const char *name, char *out, size_t cap)
{
	const char *at = m->head, *end = m->head + m->head_len;
	size_t len = strlen(name);

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		const char *stop;

		at++;
		if ((size_t)(end - at) <= len || at[len] != ':' ||
		    strncasecmp(at, name, len) != 0)
			continue;
		at += len + 1;
		at += strspn(at, " ");
		stop = memchr(at, '\r', (size_t)(end - at));
		if (stop == NULL || (size_t)(stop - at) >= cap)
			return false;
		memcpy(out, at, (size_t)(stop - at));
		out[stop - at] = '\0';
		return true;
	}
	return false;
}

bool
wire_is_200(const struct wire_message *m)
{
	static const char line[] = "HTTP/1.1 200 ";

	return m->head_len > sizeof(line) &&
	       memcmp(m->head, line, sizeof(line) - 1) == 0;
}

/* How long the message at the start of w->in is; 0: not all of it is there. */
static size_t
framed(const struct wire *w, struct wire_message *m)
{
	const char *end = memmem(w->in, w->in_len, "\r\n\r\n", 4);
	char length[12];

	if (end == NULL)
		return 0;
	m->head = w->in;
	m->head_len = (size_t)(end - w->in) + 4;
	m->body = w->in + m->head_len;
	m->body_len = 0;
	if (wire_field(m, "Content-Length", length, sizeof(length)))
		m->body_len = strtoul(length, NULL, 10);
	return w->in_len - m->head_len >= m->body_len
		   ? m->head_len + m->body_len
		   : 0;
}

static void
take_messages(struct wire *w)
{
	struct wire_message m;
	size_t n;

	while (w->ssl != NULL && (n = framed(w, &m)) > 0) {
		unsigned life = w->life;

		w->events->on_message(w, &m);
		if (w->life != life)
			return; /* closed, or another connection */
		w->in_len -= n;
		memmove(w->in, w->in + n, w->in_len);
	}
}

/* ---- input and output */

/* false: it is over, and w may have been closed. */
static bool
wait_or_end(struct wire *w, int result, const char *why)
{
	int error = SSL_get_error(w->ssl, result);

	ERR_clear_error();
	if (error == SSL_ERROR_WANT_READ)
		return true;
	if (error == SSL_ERROR_WANT_WRITE) {
		(void)event_add(w->writable, NULL);
		return true;
	}
	w->events->on_end(w, why);
	return false;
}

static void
write_on(struct wire *w)
{
	while (w->out_len > 0) {
		int n = SSL_write(w->ssl, w->out, (int)w->out_len);

		if (n <= 0) {
			(void)wait_or_end(w, n, "the peer reads no more");
			return;
		}
		w->out += n;
		w->out_len -= (size_t)n;
	}
}

static bool
shake_hands(struct wire *w)
{
	unsigned life = w->life;
	int done = SSL_do_handshake(w->ssl);

	if (done != 1) {
		(void)wait_or_end(w, done, "no handshake");
		return false;
	}
	w->ready = true;
	w->events->on_ready(w);
	return w->life == life;
}

static bool
has_room(struct wire *w)
{
	size_t cap = w->in_cap == 0 ? FIRST_BYTES : 2 * w->in_cap;
	char *more;

	if (w->in_len < w->in_cap)
		return true;
	if (cap > MOST_BYTES || (more = realloc(w->in, cap)) == NULL)
		return false;
	w->in = more;
	w->in_cap = cap;
	return true;
}

static void
read_on(struct wire *w)
{
	do {
		unsigned life = w->life;
		int n;

		if (!has_room(w)) {
			w->events->on_end(w, "a message without an end");
			return;
		}
		n = SSL_read(
		    w->ssl, w->in + w->in_len, (int)(w->in_cap - w->in_len));
		if (n <= 0) {
			(void)wait_or_end(w, n, "the peer has left");
			return;
		}
		w->in_len += (size_t)n;
		take_messages(w);
		if (w->life != life)
			return;
	} while (w->in_len == w->in_cap || SSL_has_pending(w->ssl));
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct wire *w = arg;
	unsigned life = w->life;

	(void)fd;
	(void)what;
	ERR_clear_error();
	if (!w->ready && !shake_hands(w))
		return;
	if (w->out_len > 0)
		write_on(w);
	if (w->life == life)
		read_on(w);
}

void
wire_send(struct wire *w, const char *bytes, size_t n)
{
	w->out = bytes;
	w->out_len = n;
	write_on(w);
}

/* ---- life */

static void
open_on(struct wire *w, struct event_base *base, SSL_CTX *ctx,
    const struct wire_events *events, void *owner)
{
	int on = 1;

	(void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	w->life++;
	w->events = events;
	w->owner = owner;
	w->ready = false;
	w->in_len = w->out_len = 0;
	w->ssl = SSL_new(ctx);
	w->readable =
	    event_new(base, w->fd, EV_READ | EV_PERSIST, on_socket, w);
	w->writable = event_new(base, w->fd, EV_WRITE, on_socket, w);
	if (w->ssl == NULL || w->readable == NULL || w->writable == NULL ||
	    SSL_set_fd(w->ssl, w->fd) != 1 || event_add(w->readable, NULL) != 0)
		abort();
}

void
wire_connect(struct wire *w, struct event_base *base, SSL_CTX *ctx,
    const struct sockaddr_in *to, const struct wire_events *events, void *owner)
{
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0 ||
	    (connect(w->fd, (const struct sockaddr *)to, sizeof(*to)) != 0 &&
		errno != EINPROGRESS)) {
		perror("connect");
		exit(2);
	}
	open_on(w, base, ctx, events, owner);
	SSL_set_connect_state(w->ssl);
	(void)event_add(w->writable, NULL);
}

void
wire_accept(struct wire *w, struct event_base *base, SSL_CTX *ctx,
    evutil_socket_t fd, const struct wire_events *events, void *owner)
{
	w->fd = fd;
	open_on(w, base, ctx, events, owner);
	SSL_set_accept_state(w->ssl);
}

evutil_socket_t
wire_listen(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	evutil_socket_t fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
		perror("listen");
		exit(2);
	}
	*port = ntohs(at.sin_port);
	return fd;
}

void
wire_close(struct wire *w)
{
	if (w->ssl == NULL)
		return;
	w->life++;
	if (w->ready)
		(void)SSL_shutdown(w->ssl);
	ERR_clear_error();
	SSL_free(w->ssl);
	w->ssl = NULL;
	event_free(w->readable);
	event_free(w->writable);
	(void)close(w->fd);
	free(w->in);
	w->in = NULL;
	w->in_len = w->in_cap = w->out_len = 0;
}
