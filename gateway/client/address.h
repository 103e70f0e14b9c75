/*
 * Which addresses a request may go to: a name that anybody can look up leads
 * to public addresses, or to those of networks that are allowed by name.
 * Pure.  Any thread.
 */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include "base/network.h"

/* Is host (of a URL) a name of the public DNS?  No address, nothing without a
 * dot, nothing below a domain that is set aside for private use. */
bool address_name_public(const char *host);

/* May a request whose host is such a name go there? */
bool address_allowed(
    const struct sockaddr *to, const struct network *networks, size_t n);

bool address_loopback(const struct sockaddr *to);

#endif
