/*
 * The PROXY protocol's header, version 2: whom a proxy speaks for.
 *
 * It stands before the first byte of TLS, so nothing beyond its end may be
 * read: whoever reads asks for proxy_wants() bytes at most.  However it is
 * cut, the outcome is the same.  Its TLVs are skipped.  Pure.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "net/peer.h"

/* Of fixed part, addresses and TLVs together; a longer header is refused. */
#define PROXY_MAX 2048

/* Of them are looked at: fixed part and two IPv6 addresses with ports. */
#define PROXY_KEPT (16 + 36)

struct proxy {
	unsigned char bytes[PROXY_KEPT];
	size_t have; /* bytes taken, kept or not */
};

enum proxy_parse {
	PROXY_MORE,
	PROXY_FROM, /* complete, and says who the peer is */
	PROXY_SELF, /* complete: LOCAL, or a family that is no address */
	PROXY_ONE,  /* the first bytes of version 1, which is not spoken */
	PROXY_BAD
};

/* Zero is a header of which nothing has come. */

/* Before an outcome: how many bytes may be read next. */
size_t proxy_wants(const struct proxy *p);

/* Take len bytes, 1 to proxy_wants().  PROXY_FROM sets *from. */
enum proxy_parse proxy_take(struct proxy *p, const unsigned char *data,
    size_t len, union peer_address *from);

#endif
