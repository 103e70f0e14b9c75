/*
 * HTTPS requests going out: libcurl's multi interface on the room's loop.
 *
 * No redirects, no proxy but a configured one, no cookies, certificate and
 * host name always checked; https, and http to loopback addresses only (the
 * connected address is checked, not the name).  Answers to a POST are read up
 * to a ceiling and thrown away.  Connections are kept and used again; when a
 * kept one turns out to be dead before an answer, the request is sent once
 * more.
 *
 * Loop thread only, in a process that ignores SIGPIPE.  on_done never runs
 * from inside client_post() or client_get(); it may send again, but not free
 * the client.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/loop.h"
#include "base/network.h"

struct client;
struct client_target; /* where to: URL, trust, time limit */

enum client_end {
	CLIENT_ANSWER,	/* a whole answer, or more of it than is read */
	CLIENT_DNS,	/* no address, or none in time */
	CLIENT_CONNECT, /* nobody there, or not an address to speak http with */
	CLIENT_TLS,	/* no handshake */
	CLIENT_TIMEOUT,
	CLIENT_IO,	    /* reset, cut off, an answer that is no HTTP */
	CLIENT_CERTIFICATE, /* one that is not trusted; see flaw */
	CLIENT_ADDRESS,	    /* a public name that leads to a private address */
	CLIENT_PROXY	    /* the proxy is away, or lets nothing through */
};

/* What is wrong with a certificate, as far as OpenSSL tells. */
enum client_flaw {
	CLIENT_FLAW_NONE,
	CLIENT_FLAW_EXPIRED,
	CLIENT_FLAW_NOT_YET, /* valid from a later day on */
	CLIENT_FLAW_SELF_SIGNED,
	CLIENT_FLAW_ISSUER, /* of an authority that is not trusted */
	CLIENT_FLAW_NAME,   /* made for another host */
	CLIENT_FLAW_OTHER
};

struct client_result {
	enum client_end end;
	long http_status;      /* 200 to 599; 0 without an answer */
	enum client_flaw flaw; /* CERTIFICATE */
	uint32_t bytes;	       /* of the answer's body, as far as it was read */
	int64_t took_us;
	int64_t retry_after_s; /* of the answer, a day at most; -1: none */
	/* GET: the answer's body, decoded when it came as gzip or deflate
	 * (other codings are CLIENT_IO); compressed data that ends too early is
	 * as long as it goes.  Borrowed for the call, wiped after it. */
	struct bytes body;
	bool cut; /* GET: it was longer than most; body is empty */
};

typedef void client_done_fn(void *arg, const struct client_result *r);

MUST_USE enum status
client_new(struct client **out, struct loop *l, struct err *e);

/* Requests under way are dropped, their on_done does not run.  All targets
 * have to be freed after it.  NULL is fine. */
void client_free(struct client *c);

struct client_target_config {
	const char *url;
	const char *ca_pem; /* to trust instead of the system's store; or "" */
	int64_t timeout_ms; /* of a request, from resolving to the end */
	/* Ours, where the peer asks for one; PEM, or "". */
	const char *certificate_pem, *key_pem;
	const char *proxy; /* "http://host:port", or "" */
	/* A public name leads to public addresses, or to one of these.  (One
	 * without a dot, one below .internal, .local, .localhost, .test or
	 * home.arpa, or an address that stands in url itself, leads where it
	 * likes; a proxy decides by itself.)  any_address: no such rule. */
	bool any_address;
	const struct network *networks;
	size_t n_networks;
};

/* All texts are copied.  ST_CONFIG: url is not http or https, or certificate
 * and key cannot be used. */
MUST_USE enum status client_target_new(struct client_target **out,
    const struct client_target_config *cfg, struct err *e);
void client_target_free(struct client_target *t);

/*
 * POST body to t with the n header lines ("Name: value") given; User-Agent
 * and Content-Length are added.  body and headers are copied.  on_done runs
 * exactly once unless client_free() comes first.  ST_NO_MEMORY: nothing was
 * started and on_done will not run.
 */
MUST_USE enum status client_post(struct client *c, struct client_target *t,
    const char *const *headers, size_t n, struct bytes body,
    client_done_fn *on_done, void *arg);

/*
 * GET t's URL with `target` (path and query, from '/') behind it, for answers
 * that hold payer data: target is copied, and nothing of it or of the answer
 * outlives the call of on_done in memory that this process can still read.
 * The answer is read up to `most` bytes, decoded.  Otherwise as client_post().
 */
MUST_USE enum status client_get(struct client *c, struct client_target *t,
    struct bytes target, size_t most, client_done_fn *on_done, void *arg);

#endif
