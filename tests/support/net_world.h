/*
 * A server and its clients in one thread, for the tests of net/.
 *
 * Whenever a client would have to wait, the server's loop runs a turn.
 * Nothing sleeps; a test that gets nowhere fails after ten seconds.
 */
#ifndef SUPPORT_NET_WORLD_H
#define SUPPORT_NET_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "net/server.h"

#define WORLD_DEFERRED 64

struct world {
	struct loop *loop;
	struct server *server;
	struct server_config cfg; /* changeable before world_start() */
	const char *client_ca; /* the same; PEM, for tls_server_client_ca() */
	bool brief;	       /* the same: tls_server_brief() */
	SSL_CTX *client_tls;
	struct event *guard;
	uint16_t port;
	const struct metrics_page *page;
	int64_t since[METRICS_CELLS]; /* the page at the start */
	/* What the handler saw. */
	unsigned requests, heads, turns;
	bool drained;
	exchange_id deferred[WORLD_DEFERRED]; /* of /defer and /stream */
	size_t n_deferred;
	unsigned rooms;	  /* calls of on_room() */
	exchange_id room; /* of the last */
	bool calling;	  /* set by a test that calls the server */
	char peer[SERVER_PEER];
	uint64_t peer_key;
	const unsigned char *data;	 /* the last request's first byte */
	uintptr_t stack_low, stack_high; /* of all calls */
};

/*
 * Paths: /ok "OK"; /path... the target back; /sum the body's length and sum;
 * /big 4 MiB; /defer kept until world_answer(); /close closes; /empty 204;
 * /unchanged 304; /stream begins a stream and is kept; /pieces a stream of
 * "one" and "and two"; /cut one that is cut after "one";
 * /others answers every deferred one, then itself; /refuse is refused by its
 * head with 403; anything else 404.
 */
void world_init(struct world *w);
void world_start(struct world *w, bool tls);
void world_stop(struct world *w);

/* One turn of the loop; fails the test when ten seconds are over. */
void world_turn(struct world *w);

/* Turn until the metric has grown by n since world_start(). */
void world_until(struct world *w, enum metric m, int64_t n);
int64_t world_count(const struct world *w, enum metric m);

/* "OK" to the i-th deferred request. */
void world_answer(struct world *w, size_t i);

struct client {
	struct world *world;
	int fd;
	SSL *ssl;
	struct buf in; /* received, not yet looked at */
	bool eof;
};

/* Connect; with TLS the handshake is done. */
void client_open(struct client *c, struct world *w);
/* Connect the socket only; fd -1: a new one. */
void client_connect(struct client *c, struct world *w, int fd);
/* The TLS handshake; false when it fails. */
bool client_handshake(struct client *c, SSL_CTX *tls, SSL_SESSION *session);
void client_close(struct client *c);

void client_send(struct client *c, const void *data, size_t len);
void client_text(struct client *c, const char *text);
/* What the socket takes now; the bytes taken. */
size_t client_offer(struct client *c, const char *data, size_t len);
/* Read what is there; false when nothing is, for now or for good. */
bool client_poll(struct client *c);

struct answer {
	int status;
	char head[1024];
	char body[1024]; /* its start */
	size_t body_len;
};

/* The next answer, without a body when head_only. */
void client_answer(struct client *c, struct answer *a, bool head_only);
/* The next answer has this status, and the body when it is not NULL. */
void client_expect(struct client *c, int status, const char *body);
/* Nothing but the end of the connection comes. */
void client_expect_end(struct client *c);

/* A key and a certificate for it as PEM, valid from and until so many seconds
 * from now; issuer NULL: signed by itself. */
struct identity {
	char certificate[4096];
	char key[1024];
};
void identity_make(struct identity *id, const struct identity *issuer,
    long from_s, long until_s);
/* One that may issue others, with a name of its own. */
void identity_authority(struct identity *id, const char *name);

#endif
