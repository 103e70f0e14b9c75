/*
 * One connection of a server, from accept to close; private to net/.
 *
 * A connection is in exactly one phase, which says whom it waits for and
 * whose list, in the order of deadlines, it stands in.  Connections live in
 * an array: one that has closed may still be looked at (its phase is
 * PHASE_CLOSED) until the next is accepted.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/network.h"
#include "net/peer.h"
#include "net/proxy.h"
#include "net/request_buf.h"
#include "net/server.h"
#include "net/stream.h"
#include "net/welcome.h"

enum conn_phase {
	PHASE_HANDSHAKE, /* a header is due, TLS is being agreed on */
	PHASE_FRESH,	 /* never served, while the server drains */
	PHASE_IDLE,	 /* no byte of a request has come */
	PHASE_HEAD,	 /* from a head's first byte */
	PHASE_BODY,	 /* from the end of the head */
	PHASE_HANDLER,	 /* the handler owes an answer; no deadline */
	PHASE_STREAM,	 /* the same, and the peer takes a piece of it */
	PHASE_ANSWER,	 /* the peer takes the answer */
	PHASE_LINGER,	 /* all is said; what still comes is thrown away */
	PHASE_CLOSED,
	PHASES
};

#define CONN_REPLY_MAX (16 * 1024 * 1024) /* far above any answer */

struct conn {
	TAILQ_ENTRY(conn) in_phase;
	TAILQ_ENTRY(conn) in_turn; /* of the handshake; see net/welcome.h */
	struct server *server;
	struct stream stream;
	struct event readable, writable;
	struct request_buf *buf; /* NULL: no byte is held */
	struct buf out;		 /* what the socket did not take at once */
	size_t out_done;	 /* bytes of out that are written */
	int64_t deadline_us;
	int64_t read_us;  /* when the last bytes came */
	int64_t begun_us; /* its handshake */
	uint64_t peer_key;
	unsigned char address[NETWORK_ADDRESS];
	struct proxy proxy;
	enum welcome_step step; /* in PHASE_HANDSHAKE */
	exchange_id exchange;	/* what the handler may answer, or 0 */
	size_t discarded;
	enum conn_phase phase;
	enum metric end;   /* why it will close */
	bool reading;	   /* readable is added */
	bool read_blocked; /* TLS has to write before it can read */
	bool eof;	   /* the peer sends no more */
	bool failed;	   /* a write failed */
	bool counted;	   /* its address has entered the table */
	bool busy;	   /* a handler is being called: nobody else acts */
	bool served;	   /* a request has been answered */
	bool last;	   /* closes after the answer on its way */
	bool rests;	   /* idle for so long that its stream was folded */
	/* Of the request in the handler's hands, whose head is gone. */
	bool keep_alive, http10, head_only;
	uint32_t tag;	/* the handler's own */
	bool streaming; /* the handler adds pieces until it says end */
	char peer[SERVER_PEER];
};

TAILQ_HEAD(conn_list, conn);

/* What connections share. */
struct server {
	struct server_config cfg;
	struct event_base *base;
	struct conn *conns; /* cfg.connections of them, of which */
	int64_t n_used;	    /* were used; no other has memory yet */
	struct conn_list phases[PHASES];
	int64_t span_us[PHASES]; /* 0: no deadline */
	int64_t n_open;
	uint64_t exchanges; /* ids given so far */
	struct request_pool pool;
	struct peer_table *peers;
	struct welcome welcome;
	struct buf scratch; /* an answer while it is put together */
	struct buf fields;  /* its further lines */
	struct event acceptable, resume, tick, done;
	bool draining, done_told;
	int64_t pause_logged_us;
	int64_t pauses; /* since that line */
	void (*on_done)(void *arg);
	void *done_arg;
};

/* A connection on fd, which is taken, in a free slot of s, and counted; or
 * proxied: a header will say whom it comes from. */
void conn_start(
    struct server *s, int fd, const union peer_address *from, bool proxied);

/* Whom c comes from. */
void conn_set_peer(struct conn *c, const union peer_address *from);

/* Count c's peer; false: its address has connections enough. */
MUST_USE bool conn_count_peer(struct conn *c);

/* All that has to be before the first request has been. */
void conn_welcomed(struct conn *c);

void conn_enter(struct conn *c, enum conn_phase phase);

/* Is it the turn of the next request's bytes? */
bool conn_receiving(const struct conn *c);

void conn_set_reading(struct conn *c, bool on);

/* Wipe and let go of the bytes that were read. */
void conn_give_back(struct conn *c);

/* Send b, behind what still waits; c->failed tells of a failure. */
void conn_send(struct conn *c, struct bytes b);

/* All is said: let the peer finish, then close for the reason c->end. */
void conn_linger(struct conn *c);

/* c's deadline is over. */
void conn_expired(struct conn *c);

/* The server drains: end c, which is idle, or give it a moment. */
void conn_drain(struct conn *c);

/* Close now and count it under end. */
void conn_close(struct conn *c, enum metric end);

#endif
