#include "client/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"

/* What is not globally reachable (IANA's special-purpose registries), and
 * multicast.  IPv4 stands behind ::ffff:0:0/96. */
#define FOUR(a, b, c, d)                                             \
	{                                                            \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d \
	}

static const struct client_network private_ones[] = {
	{ FOUR(0, 0, 0, 0), 96 + 8 },
	{ FOUR(10, 0, 0, 0), 96 + 8 },
	{ FOUR(100, 64, 0, 0), 96 + 10 },
	{ FOUR(127, 0, 0, 0), 96 + 8 },
	{ FOUR(169, 254, 0, 0), 96 + 16 },
	{ FOUR(172, 16, 0, 0), 96 + 12 },
	{ FOUR(192, 0, 0, 0), 96 + 24 },
	{ FOUR(192, 0, 2, 0), 96 + 24 },
	{ FOUR(192, 168, 0, 0), 96 + 16 },
	{ FOUR(198, 18, 0, 0), 96 + 15 },
	{ FOUR(198, 51, 100, 0), 96 + 24 },
	{ FOUR(203, 0, 113, 0), 96 + 24 },
	{ FOUR(224, 0, 0, 0), 96 + 3 },
};

/* Of IPv6 only this is public, but for what follows. */
static const struct client_network global_six = { { 0x20 }, 3 };

static const struct client_network private_six[] = {
	{ { 0x20, 0x01 }, 23 },		    /* 2001::/23 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },		    /* 6to4: any IPv4 inside */
	{ { 0x3f, 0xff }, 20 },		    /* documentation */
};

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

static bool
is_inside(const unsigned char a[16], const struct client_network *n)
{
	uint32_t whole = n->bits / 8, rest = n->bits % 8;

	if (memcmp(a, n->address, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ n->address[whole]) >> (8 - rest) == 0;
}

static bool
is_inside_any(
    const unsigned char a[16], const struct client_network *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_inside(a, &list[i]))
			return true;
	}
	return false;
}

static bool
bytes_of_address(const struct sockaddr *sa, unsigned char out[16])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, &in.sin_addr, 4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&in6, sa, sizeof(in6));
	memcpy(out, &in6.sin6_addr, 16);
	return true;
}

static bool
is_public(const unsigned char a[16])
{
	if (memcmp(a, mapped, sizeof(mapped)) == 0)
		return !is_inside_any(a, private_ones, ARRAY_LEN(private_ones));
	return is_inside(a, &global_six) &&
	       !is_inside_any(a, private_six, ARRAY_LEN(private_six));
}

bool
address_allowed(
    const struct sockaddr *to, const struct client_network *networks, size_t n)
{
	unsigned char a[16];

	return bytes_of_address(to, a) &&
	       (is_public(a) || is_inside_any(a, networks, n));
}

bool
address_loopback(const struct sockaddr *to)
{
	unsigned char a[16];

	if (!bytes_of_address(to, a))
		return false;
	if (memcmp(a, mapped, sizeof(mapped)) == 0)
		return a[12] == IN_LOOPBACKNET;
	return memcmp(a, &in6addr_loopback, sizeof(a)) == 0;
}

static bool
ends_with(const char *host, size_t len, const char *suffix)
{
	size_t n = strlen(suffix);

	return len >= n && strncasecmp(host + len - n, suffix, n) == 0;
}

bool
address_name_public(const char *host)
{
	static const char *const set_aside[] = { ".internal", ".local",
		".localhost", ".test", ".home.arpa" };
	struct in_addr four;
	size_t len = strlen(host);

	if (len > 0 && host[len - 1] == '.')
		len--;
	if (host[0] == '[' || inet_pton(AF_INET, host, &four) == 1 ||
	    memchr(host, '.', len) == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(set_aside); i++) {
		if (ends_with(host, len, set_aside[i]))
			return false;
	}
	return true;
}
