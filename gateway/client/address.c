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

static const struct network private_ones[] = {
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
static const struct network global_six = { { 0x20 }, 3 };

static const struct network private_six[] = {
	{ { 0x20, 0x01 }, 23 },		    /* 2001::/23 */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },		    /* 6to4: any IPv4 inside */
	{ { 0x3f, 0xff }, 20 },		    /* documentation */
};

static bool
is_public(const unsigned char a[NETWORK_ADDRESS])
{
	if (network_four(a))
		return !network_any(private_ones, ARRAY_LEN(private_ones), a);
	return network_any(&global_six, 1, a) &&
	       !network_any(private_six, ARRAY_LEN(private_six), a);
}

bool
address_allowed(
    const struct sockaddr *to, const struct network *networks, size_t n)
{
	unsigned char a[NETWORK_ADDRESS];

	return network_address(to, a) &&
	       (is_public(a) || network_any(networks, n, a));
}

bool
address_loopback(const struct sockaddr *to)
{
	unsigned char a[NETWORK_ADDRESS];

	if (!network_address(to, a))
		return false;
	if (network_four(a))
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
