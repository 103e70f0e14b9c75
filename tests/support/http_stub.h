/*
 * A server on loopback for tests of what goes out: says what it was told to
 * say, remembers what it was sent.
 *
 * TLS with a self-signed certificate made at the start, or plain.  A thread
 * for each connection; every function may be called from the test's thread.
 * The process has to ignore SIGPIPE.
 */
#ifndef SUPPORT_HTTP_STUB_H
#define SUPPORT_HTTP_STUB_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_STUB_URL 128

struct http_stub;

enum http_stub_then {
	HTTP_STUB_KEEP,	  /* read the next request */
	HTTP_STUB_CLOSE,  /* end the connection */
	HTTP_STUB_HANG,	  /* say nothing more, keep it open */
	HTTP_STUB_REPEAT, /* send the bytes of `repeat` until it breaks */
};

struct http_stub_answer {
	const char *bytes; /* status line, headers, body; as they are */
	enum http_stub_then then;
	const char *repeat;
};

/* subject_alt_name: as OpenSSL writes it, "IP:127.0.0.1,DNS:localhost"; NULL
 * for plain HTTP.  Answers 200 without a body until told otherwise. */
struct http_stub *http_stub_start(const char *subject_alt_name);

/* With a certificate whose time is over. */
struct http_stub *http_stub_start_expired(const char *subject_alt_name);

void http_stub_stop(struct http_stub *s);

/* The answer to every request from now on; its texts are borrowed. */
void http_stub_say(struct http_stub *s, const struct http_stub_answer *a);

/* The same of n bytes, NULs among them. */
void http_stub_say_bytes(
    struct http_stub *s, const void *bytes, size_t n, enum http_stub_then then);

/* The answer to requests that hold this text, whatever others get; all texts
 * are borrowed. */
void http_stub_say_to(
    struct http_stub *s, const char *text, const struct http_stub_answer *a);

/* While held, requests are read but not answered. */
void http_stub_hold(struct http_stub *s, bool held);

/* "https://<host>:<port><path>" */
void http_stub_url(const struct http_stub *s, const char *host,
    const char *path, char out[HTTP_STUB_URL]);

/* The certificate to trust, PEM; "" for plain HTTP. */
const char *http_stub_ca(const struct http_stub *s);

size_t http_stub_accepted(struct http_stub *s);
size_t http_stub_requested(struct http_stub *s);
size_t http_stub_repeated_bytes(struct http_stub *s);

/* Request number i from 0, head and body as text; NULL when there was none.
 * Good until http_stub_stop(). */
const char *http_stub_request(struct http_stub *s, size_t i);

#endif
