/*
 * One HTTP/1.1 connection over TLS on a libevent loop, as a client or as a
 * server: messages in, bytes out.
 *
 * Certificates are not judged.  A server's identity is no matter here, and
 * judging it would be the client's time.  One thread.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct wire;

/* head: all lines, the first and the empty one included. */
struct wire_message {
	const char *head;
	size_t head_len;
	const char *body;
	size_t body_len;
};

struct wire_events {
	/* The handshake is done. */
	void (*on_ready)(struct wire *w);
	/* A whole message; its texts are good for this call. */
	void (*on_message)(struct wire *w, const struct wire_message *m);
	/* The peer left, or broke the rules; why is a fixed text.  The handler
	 * may call wire_close(). */
	void (*on_end)(struct wire *w, const char *why);
};

struct wire {
	const struct wire_events *events;
	void *owner;
	struct event *readable, *writable;
	SSL *ssl;
	evutil_socket_t fd;
	bool ready;
	unsigned life; /* another one is another connection, or none */
	char *in;
	size_t in_len, in_cap;
	const char *out; /* what of a message is still to be sent */
	size_t out_len;
};

/* TLS 1.3 with one cipher, so that no two servers choose differently. */
SSL_CTX *wire_client_context(void);
SSL_CTX *wire_server_context(const char *certificate, const char *key);

/* Begin to connect.  Failures come through on_end, later. */
void wire_connect(struct wire *w, struct event_base *base, SSL_CTX *ctx,
    const struct sockaddr_in *to, const struct wire_events *events,
    void *owner);

/* Of a connection that was accepted. */
void wire_accept(struct wire *w, struct event_base *base, SSL_CTX *ctx,
    evutil_socket_t fd, const struct wire_events *events, void *owner);

/* A listening socket of loopback; the kernel chooses the port. */
evutil_socket_t wire_listen(int *port);

/* Send n bytes, which have to stay until the next message comes. */
void wire_send(struct wire *w, const char *bytes, size_t n);

/* Say good-bye and close; w can be used anew.  Twice is fine. */
void wire_close(struct wire *w);

/* The value of a field of a message, up to cap - 1 bytes; false without it. */
bool wire_field(
    const struct wire_message *m, const char *name, char *out, size_t cap);

/* "HTTP/1.1 200" and nothing else. */
bool wire_is_200(const struct wire_message *m);

#endif
