/*
 * Peers by address: how many connections each has, and what may be said of
 * them.
 *
 * An IPv4 address counts for itself, IPv6 by its /64, which is what one
 * customer gets.  The table has a fixed size and a secret seed, so nobody can
 * choose addresses that meet in one chain.  Loop thread only.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

union peer_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage any;
};

/* What connections of a are counted under. */
uint64_t peer_key(const union peer_address *a);

/* "192.0.2.0/24", "2001:db8::/48"; "-" for other families. */
void peer_text(const union peer_address *a, char *out, size_t cap);

struct peer_table;

/* Room for connections at once; NULL without memory. */
struct peer_table *peer_table_new(uint32_t connections);

/* NULL is fine. */
void peer_table_free(struct peer_table *t);

/* One more connection of key; false, and nothing is counted, when it has
 * limit already. */
MUST_USE bool
peer_table_enter(struct peer_table *t, uint64_t key, int64_t limit);

/* One less; it has entered before. */
void peer_table_leave(struct peer_table *t, uint64_t key);

#endif
