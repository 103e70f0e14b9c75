#include "base/network.h"

#include <string.h>

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

bool
network_address(const struct sockaddr *sa, unsigned char out[NETWORK_ADDRESS])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + sizeof(mapped), &in.sin_addr, 4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&in6, sa, sizeof(in6));
	memcpy(out, &in6.sin6_addr, NETWORK_ADDRESS);
	return true;
}

static bool
is_inside(const struct network *n, const unsigned char a[NETWORK_ADDRESS])
{
	uint32_t whole = n->bits / 8, rest = n->bits % 8;

	if (memcmp(a, n->address, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ n->address[whole]) >> (8 - rest) == 0;
}

bool
network_any(const struct network *list, size_t n,
    const unsigned char a[NETWORK_ADDRESS])
{
	for (size_t i = 0; i < n; i++) {
		if (is_inside(&list[i], a))
			return true;
	}
	return false;
}

bool
network_has(const struct network *list, size_t n, const struct sockaddr *sa)
{
	unsigned char a[NETWORK_ADDRESS];

	return network_address(sa, a) && network_any(list, n, a);
}

bool
network_four(const unsigned char a[NETWORK_ADDRESS])
{
	return memcmp(a, mapped, sizeof(mapped)) == 0;
}
