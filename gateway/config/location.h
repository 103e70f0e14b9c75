/*
 * Addresses to listen on and URLs to call, from text.  Numeric addresses
 * only: nothing is looked up.  Pure.  Any thread.
 */
#ifndef CONFIG_LOCATION_H
#define CONFIG_LOCATION_H

#include "base/bytes.h"
#include "config/config.h"

/* A path shorter than this can take "-control" and be a Unix socket's. */
#define LOCATION_SOCKET 100

/* host:port; the host is IPv4 or [IPv6], the port 0 to 65535.  loopback:
 * addresses of this machine only.  false with fixed words in e. */
MUST_USE bool location_address(struct bytes text, bool loopback,
    struct config_address *out, struct err *e);

/*
 * An https URL, or an http one to 127.0.0.0/8, [::1] or localhost; visible
 * ASCII, no user information, no fragment.  Copied with a NUL into out of cap
 * bytes.  false with fixed words in e.
 */
MUST_USE bool
location_url(struct bytes text, char *out, size_t cap, struct err *e);

/* The same, but one that a path can be put behind: no query either. */
MUST_USE bool
location_base(struct bytes text, char *out, size_t cap, struct err *e);

/* "http://host:port" of a proxy, and nothing behind it.  Otherwise as above. */
MUST_USE bool
location_proxy(struct bytes text, char *out, size_t cap, struct err *e);

/* "192.0.2.0/24", "2001:db8::/32"; no bit is set behind the prefix. */
MUST_USE bool
location_network(struct bytes text, struct network *out, struct err *e);

#endif
