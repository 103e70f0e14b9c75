/*
 * The bytes of one connection: a socket, plain or with TLS on it.
 *
 * Non-blocking.  SIGPIPE has to be ignored by the process.  Loop thread only.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "base/attr.h"
#include "base/fold.h"

struct stream {
	int fd;
	SSL *ssl;	   /* NULL: plain */
	bool ready;	   /* handshake done, or none needed */
	bool broken;	   /* TLS failed: no further call to OpenSSL */
	struct fold *fold; /* NULL: ssl is in use */
};

enum stream_result {
	STREAM_DONE,
	STREAM_WANT_READ,  /* again when the socket is readable */
	STREAM_WANT_WRITE, /* again when the socket is writable */
	STREAM_EOF,	   /* the peer sends no more */
	STREAM_RESET,	   /* the peer is gone */
	STREAM_FAILED	   /* anything else; nothing more can be done */
};

/* Take fd, which is closed by stream_close(), also after a failure; tls NULL:
 * plain.  False without memory. */
MUST_USE bool stream_open(struct stream *s, int fd, SSL_CTX *tls);

/* Before the first call of TLS: *n > 0 bytes that stand in front of it, at
 * most cap. */
enum stream_result
stream_read_bare(struct stream *s, void *p, size_t cap, size_t *n);

/* Go on with the handshake. */
enum stream_result stream_handshake(struct stream *s);

/* STREAM_DONE: *n > 0 bytes were read into p. */
enum stream_result
stream_read(struct stream *s, void *p, size_t cap, size_t *n);

/* STREAM_DONE: *n of the len > 0 bytes were written, perhaps not all.  After
 * a WANT the same bytes have to come again; more may follow them. */
enum stream_result
stream_write(struct stream *s, const void *p, size_t len, size_t *n);

/* Are bytes held back that the socket will not announce again? */
bool stream_has_more(const struct stream *s);

/* Nobody will use it for a while: it takes less memory, until somebody does. */
void stream_rest(struct stream *s);

/* Was the TLS session a resumed one? */
bool stream_resumed(const struct stream *s);

/* Say within TLS that nothing more is sent, as well as that works at once.
 * What has come and was not read is wiped; after it only close. */
void stream_end(struct stream *s);

/* The same to the socket too, which stays open; after it only discard and
 * close. */
void stream_shut(struct stream *s);

/* Throw away what has come, after stream_shut(): *n bytes, unseen by this
 * process. */
enum stream_result stream_discard(struct stream *s, size_t *n);

void stream_close(struct stream *s);

#endif
