/*
 * Networks, and which addresses are in them.
 *
 * Pure.  Any thread.
 */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETWORK_ADDRESS 16

/* Addresses whose first `bits` bits are these; IPv4 ones stand in the last
 * four bytes, behind ::ffff:0:0/96. */
struct network {
	unsigned char address[NETWORK_ADDRESS];
	uint32_t bits; /* 0 to 128 */
};

/* The bytes of an address as above; false: neither IPv4 nor IPv6. */
bool
network_address(const struct sockaddr *sa, unsigned char out[NETWORK_ADDRESS]);

/* Is a in any of the n of list? */
bool network_any(const struct network *list, size_t n,
    const unsigned char a[NETWORK_ADDRESS]);

/* The same of an address; false for other families. */
bool
network_has(const struct network *list, size_t n, const struct sockaddr *sa);

/* Is it of IPv4? */
bool network_four(const unsigned char a[NETWORK_ADDRESS]);

#endif
