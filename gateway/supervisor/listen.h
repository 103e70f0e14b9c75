/*
 * The sockets that the gateway listens on.  They belong to the supervisor, so
 * that a room that is started again finds its queue as it was.
 */
#ifndef SUPERVISOR_LISTEN_H
#define SUPERVISOR_LISTEN_H

#include "config/config.h"

/*
 * A listening TCP socket, close-on-exec and non-blocking, or -1 with words in
 * e.  shared: several sockets may be bound to the address (SO_REUSEPORT).
 * Port 0 in a is replaced by the port that the kernel gave; a->bound names it.
 */
MUST_USE int listen_tcp(struct config_address *a, bool shared, struct err *e);

/*
 * The control socket at path (SOCK_SEQPACKET, mode 0600), or -1 with words in
 * e.  One that nobody listens on any more is replaced; one with a listener
 * means that another gateway holds the store.
 */
MUST_USE int listen_control(const char *path, struct err *e);

#endif
