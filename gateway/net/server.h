/*
 * An HTTP server on one listening socket: connections, deadlines, limits.
 *
 * One request of a connection is in its handler's hands at a time; pipelined
 * ones wait, so answers keep their order.  A request's bytes are borrowed for
 * the call of on_request() and are wiped when it returns, whether or not the
 * answer has been given by then.
 *
 * Deadlines are absolute: for the handshake, for a head from its first byte,
 * for a body from the end of its head, for an answer to be taken by the peer;
 * an idle connection may be closed to make room, the one that has been of no
 * use for longest first, never one with a request under way.  Out of
 * descriptors: accepting pauses, they make room.
 *
 * Loop thread only.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <openssl/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/metrics.h"
#include "base/network.h"
#include "net/http_parser.h"

struct server;

/* Names one request of one connection; 0 is none.  Never used again: an
 * answer that comes after the peer left finds nothing and is dropped. */
typedef uint64_t exchange_id;

#define SERVER_PEER 48

struct server_request {
	exchange_id id;
	const struct http_head *head;
	unsigned char *body; /* the handler may decode in place */
	size_t body_len;
	int64_t arrived_us;	/* monotonic: its last byte was read */
	char peer[SERVER_PEER]; /* "192.0.2.0/24", "2001:db8::/48" */
	uint64_t peer_key;	/* the same, for counting; see net/peer.h */
	/* All of it, as base/network.h has it; zero: none.  Never logged. */
	const unsigned char *address;
};

struct server_reply {
	int status;
	const char *content_type; /* NULL: no body */
	const char *fields; /* further lines, each "Name: value\r\n"; or NULL */
	struct bytes body;  /* borrowed for the call */
	bool close;
	bool head_only; /* answer to HEAD: lengths as for GET, no body */
};

struct server_config {
	int fd;		     /* listening, non-blocking; borrowed */
	bool shut;	     /* accept nobody before server_open() */
	SSL_CTX *tls;	     /* NULL: plain HTTP; a reference is taken */
	int64_t connections; /* 1 to 2^20 */
	int64_t connections_per_address; /* 0: any */
	int64_t handshakes; /* under way at once; 0: as many as connections */
	/* Who stands before us and says for whom (net/proxy.h): a connection
	 * of theirs without a header ends, in one of others it is noise. */
	const struct network *proxies; /* borrowed */
	size_t n_proxies;
	int64_t handshake_ms, head_ms, body_ms, idle_ms;
	size_t body_max;
	enum metric accepted, open; /* which rows this server counts in */
	/* Answer with server_reply() or server_problem(), now or later. */
	void (*on_request)(void *arg, const struct server_request *req);
	/* NULL, or: id, which its handler gave a tag, is being answered, even
	 * if its peer is gone: append further lines to fields. */
	void (*on_answer)(void *arg, exchange_id id, uint32_t tag,
	    const struct server_reply *reply, struct buf *fields);
	/* NULL, or: a stream's peer has read what was there, and there is room
	 * again.  Never from inside a call of this unit. */
	void (*on_room)(void *arg, exchange_id id);
	/* NULL, or: the target and fields are known, the body is not; return
	 * false after having answered to refuse the body unread.  Runs before
	 * 100 Continue. */
	bool (*on_head)(
	    void *arg, exchange_id id, const struct http_head *head);
	void *arg;
};

MUST_USE enum status server_new(struct server **out, struct loop *l,
    const struct server_config *cfg, struct err *e);

/* Accept from now on; once, for a server that was shut. */
MUST_USE enum status server_open(struct server *s, struct err *e);

/* Answer an exchange; one write when the socket takes it.  An id that is
 * gone is ignored. */
void server_reply(
    struct server *s, exchange_id id, const struct server_reply *reply);

/* Remember tag with this request; 0 before. */
void server_tag(struct server *s, exchange_id id, uint32_t tag);

/* The same with a problem; fields as in server_reply.  Closes when framing is
 * in doubt and for every 4xx about framing; an answer without doubt keeps the
 * connection. */
void server_problem(
    struct server *s, exchange_id id, enum problem p, const char *fields);

/*
 * Answer an exchange with a body that comes in pieces: server_stream() sends
 * status and fields (reply->body is not looked at; HTTP/1.1: chunked,
 * HTTP/1.0: until the connection closes), server_stream_add() a piece,
 * server_stream_end() the end; server_stream_cut() closes without it, so that
 * the peer sees that something is missing.  To HEAD the head is the end.
 * add is false once nothing is to be added any more: after the end, or when
 * the peer is gone.  server_stream_room() is how many bytes may be added
 * before the peer has to read; more are taken all the same, up to
 * CONN_REPLY_MAX.  A peer that takes nothing for as long as an answer may
 * take is closed.  Not from inside on_head(), and no server_reply() after it.
 */
void server_stream(
    struct server *s, exchange_id id, const struct server_reply *reply);
MUST_USE bool
server_stream_add(struct server *s, exchange_id id, struct bytes piece);
size_t server_stream_room(struct server *s, exchange_id id);
void server_stream_end(struct server *s, exchange_id id);
void server_stream_cut(struct server *s, exchange_id id);

/* Is somebody still there to answer?  Asked before costly work, and of what
 * waits long: a peer that hung up is gone. */
bool server_waits(struct server *s, exchange_id id);

/* Accept no more, close idle connections (one that was never served gets a
 * second for its first request), finish the rest, then on_done() once (not
 * from inside this call; it may free s). */
void server_drain(struct server *s, void (*on_done)(void *arg), void *arg);

/* Close everything at once; not from inside on_request() or on_head().  NULL
 * is fine. */
void server_free(struct server *s);

#endif
