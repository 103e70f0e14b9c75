#include "http_stub.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define CONNECTIONS  64
#define REQUESTS     256
#define REQUEST_MOST 8192

struct connection {
	struct http_stub *stub;
	pthread_t thread;
	int fd;
};

struct http_stub {
	int listener, wake;
	unsigned port;
	SSL_CTX *ctx; /* NULL: plain */
	char *ca;
	pthread_t acceptor;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t changed;
	struct http_stub_answer answer;
	size_t answer_len;
	const char *special; /* text of requests that get an answer apart */
	struct http_stub_answer apart;
	bool held, stopping;
	size_t n_connections, n_requests, repeated;
	struct connection connections[CONNECTIONS];
	char *requests[REQUESTS];
};

/* ---- certificate */

static X509 *
make_certificate(EVP_PKEY *key, const char *names, long good_for_s)
{
	X509 *cert = X509_new();
	X509_EXTENSION *san =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);

	assert(cert != NULL && san != NULL);
	assert(X509_set_version(cert, X509_VERSION_3) == 1);
	assert(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1);
	assert(X509_gmtime_adj(X509_getm_notBefore(cert), -7200) != NULL);
	assert(X509_gmtime_adj(X509_getm_notAfter(cert), good_for_s) != NULL);
	assert(
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
		MBSTRING_ASC, (const unsigned char *)"stub", -1, -1, 0) == 1);
	assert(X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1);
	assert(X509_set_pubkey(cert, key) == 1);
	assert(X509_add_ext(cert, san, -1) == 1);
	assert(X509_sign(cert, key, EVP_sha256()) > 0);
	X509_EXTENSION_free(san);
	return cert;
}

static char *
pem_of(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	assert(bio != NULL && PEM_write_bio_X509(bio, cert) == 1);
	len = BIO_get_mem_data(bio, &data);
	pem = strndup(data, (size_t)len);
	assert(pem != NULL);
	BIO_free(bio);
	return pem;
}

static void
set_up_tls(struct http_stub *s, const char *names, long good_for_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = make_certificate(key, names, good_for_s);

	s->ctx = SSL_CTX_new(TLS_server_method());
	assert(s->ctx != NULL);
	assert(SSL_CTX_use_certificate(s->ctx, cert) == 1);
	assert(SSL_CTX_use_PrivateKey(s->ctx, key) == 1);
	s->ca = pem_of(cert);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* ---- one connection, on its own thread */

static ssize_t
stub_read(SSL *ssl, int fd, void *p, size_t n)
{
	return ssl != NULL ? SSL_read(ssl, p, (int)n) : read(fd, p, n);
}

static bool
stub_write(SSL *ssl, int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done =
		    ssl != NULL ? SSL_write(ssl, p, (int)n) : write(fd, p, n);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* A whole request into text; false at the connection's end. */
static bool
read_request(SSL *ssl, int fd, char text[REQUEST_MOST])
{
	size_t len = 0, whole = 0;

	while (whole == 0 || len < whole) {
		ssize_t n =
		    stub_read(ssl, fd, text + len, REQUEST_MOST - 1 - len);
		const char *end, *length;

		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		end = strstr(text, "\r\n\r\n");
		if (whole != 0 || end == NULL)
			continue;
		length = strstr(text, "Content-Length: ");
		whole = (size_t)(end + 4 - text);
		if (length != NULL && length < end)
			whole += strtoul(length + 16, NULL, 10);
	}
	return true;
}

/* Remember the request; what to say to it, once that is allowed. */
static struct http_stub_answer
take_request(struct http_stub *s, const char *text, size_t *len)
{
	struct http_stub_answer a;

	pthread_mutex_lock(&s->lock);
	assert(s->n_requests < REQUESTS);
	s->requests[s->n_requests] = strdup(text);
	s->n_requests++;
	while (s->held && !s->stopping)
		pthread_cond_wait(&s->changed, &s->lock);
	a = s->answer;
	*len = s->answer_len;
	if (s->special != NULL && strstr(text, s->special) != NULL) {
		a = s->apart;
		*len = strlen(a.bytes);
	}
	pthread_mutex_unlock(&s->lock);
	return a;
}

static void
repeat(struct http_stub *s, SSL *ssl, int fd, const char *what)
{
	while (stub_write(ssl, fd, what, strlen(what))) {
		pthread_mutex_lock(&s->lock);
		s->repeated += strlen(what);
		pthread_mutex_unlock(&s->lock);
	}
}

static void
serve(struct http_stub *s, SSL *ssl, int fd)
{
	char text[REQUEST_MOST];

	while (read_request(ssl, fd, text)) {
		size_t len;
		struct http_stub_answer a = take_request(s, text, &len);

		if (!stub_write(ssl, fd, a.bytes, len))
			return;
		if (a.then == HTTP_STUB_CLOSE)
			return;
		if (a.then == HTTP_STUB_HANG)
			(void)stub_read(ssl, fd, text, 1);
		if (a.then == HTTP_STUB_REPEAT)
			repeat(s, ssl, fd, a.repeat);
	}
}

static void *
connection_main(void *arg)
{
	struct connection *c = arg;
	SSL *ssl = NULL;
	bool ready = true;

	if (c->stub->ctx != NULL) {
		ssl = SSL_new(c->stub->ctx);
		assert(ssl != NULL && SSL_set_fd(ssl, c->fd) == 1);
		ready = SSL_accept(ssl) == 1;
	}
	if (ready)
		serve(c->stub, ssl, c->fd);
	SSL_free(ssl);
	/* The descriptor stays until the stop, which may be using it. */
	(void)shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static void *
acceptor_main(void *arg)
{
	struct http_stub *s = arg;
	struct pollfd p[2] = { { .fd = s->listener, .events = POLLIN },
		{ .fd = s->wake, .events = POLLIN } };

	while (poll(p, 2, -1) >= 0 && p[1].revents == 0) {
		struct connection *c = &s->connections[s->n_connections];
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0)
			continue;
		pthread_mutex_lock(&s->lock);
		assert(s->n_connections < CONNECTIONS);
		*c = (struct connection){ .stub = s, .fd = fd };
		s->n_connections++;
		assert(
		    pthread_create(&c->thread, NULL, connection_main, c) == 0);
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

/* ---- the test's side */

static struct http_stub *
start(const char *subject_alt_name, long good_for_s)
{
	static const struct http_stub_answer empty = {
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_STUB_KEEP,
		NULL
	};
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct http_stub *s = calloc(1, sizeof(*s));

	assert(s != NULL);
	s->answer = empty;
	s->answer_len = strlen(empty.bytes);
	if (subject_alt_name != NULL)
		set_up_tls(s, subject_alt_name, good_for_s);
	s->wake = eventfd(0, EFD_CLOEXEC);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(s->wake >= 0 && s->listener >= 0);
	assert(bind(s->listener, (struct sockaddr *)&at, len) == 0);
	assert(listen(s->listener, 64) == 0);
	assert(getsockname(s->listener, (struct sockaddr *)&at, &len) == 0);
	s->port = ntohs(at.sin_port);
	assert(pthread_mutex_init(&s->lock, NULL) == 0);
	assert(pthread_cond_init(&s->changed, NULL) == 0);
	assert(pthread_create(&s->acceptor, NULL, acceptor_main, s) == 0);
	return s;
}

struct http_stub *
http_stub_start(const char *subject_alt_name)
{
	return start(subject_alt_name, 86400);
}

struct http_stub *
http_stub_start_expired(const char *subject_alt_name)
{
	return start(subject_alt_name, -3600);
}

void
http_stub_stop(struct http_stub *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	assert(eventfd_write(s->wake, 1) == 0);
	pthread_join(s->acceptor, NULL);
	for (size_t i = 0; i < s->n_connections; i++) {
		(void)shutdown(s->connections[i].fd, SHUT_RDWR);
		pthread_join(s->connections[i].thread, NULL);
		(void)close(s->connections[i].fd);
	}
	for (size_t i = 0; i < s->n_requests; i++)
		free(s->requests[i]);
	(void)close(s->listener);
	(void)close(s->wake);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	SSL_CTX_free(s->ctx);
	free(s->ca);
	free(s);
}

void
http_stub_say(struct http_stub *s, const struct http_stub_answer *a)
{
	pthread_mutex_lock(&s->lock);
	s->answer = *a;
	s->answer_len = strlen(a->bytes);
	pthread_mutex_unlock(&s->lock);
}

void
http_stub_say_to(
    struct http_stub *s, const char *text, const struct http_stub_answer *a)
{
	pthread_mutex_lock(&s->lock);
	s->special = text;
	s->apart = *a;
	pthread_mutex_unlock(&s->lock);
}

void
http_stub_say_bytes(
    struct http_stub *s, const void *bytes, size_t n, enum http_stub_then then)
{
	pthread_mutex_lock(&s->lock);
	s->answer = (struct http_stub_answer){ .bytes = bytes, .then = then };
	s->answer_len = n;
	pthread_mutex_unlock(&s->lock);
}

void
http_stub_hold(struct http_stub *s, bool held)
{
	pthread_mutex_lock(&s->lock);
	s->held = held;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void
http_stub_url(const struct http_stub *s, const char *host, const char *path,
    char out[HTTP_STUB_URL])
{
	(void)snprintf(out, HTTP_STUB_URL, "%s://%s:%u%s",
	    s->ctx != NULL ? "https" : "http", host, s->port, path);
}

const char *
http_stub_ca(const struct http_stub *s)
{
	return s->ca != NULL ? s->ca : "";
}

static size_t
read_count(struct http_stub *s, const size_t *n)
{
	size_t v;

	pthread_mutex_lock(&s->lock);
	v = *n;
	pthread_mutex_unlock(&s->lock);
	return v;
}

size_t
http_stub_accepted(struct http_stub *s)
{
	return read_count(s, &s->n_connections);
}

size_t
http_stub_requested(struct http_stub *s)
{
	return read_count(s, &s->n_requests);
}

size_t
http_stub_repeated_bytes(struct http_stub *s)
{
	return read_count(s, &s->repeated);
}

const char *
http_stub_request(struct http_stub *s, size_t i)
{
	const char *text;

	pthread_mutex_lock(&s->lock);
	text = i < s->n_requests ? s->requests[i] : NULL;
	pthread_mutex_unlock(&s->lock);
	return text;
}
