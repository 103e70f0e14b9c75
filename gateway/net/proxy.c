#include "net/proxy.h"

#include <assert.h>
#include <string.h>

#include "base/attr.h"

#define FIXED	   16 /* signature, version and command, family, length */
#define AT_COMMAND 12
#define AT_FAMILY  13
#define AT_LENGTH  14
#define FOUR_LEN   12 /* two addresses, two ports */
#define SIX_LEN	   36

static const unsigned char signature[AT_COMMAND] = { '\r', '\n', '\r', '\n', 0,
	'\r', '\n', 'Q', 'U', 'I', 'T', '\n' };
static const unsigned char version_one[] = { 'P', 'R', 'O', 'X', 'Y', ' ' };

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };
enum { FAMILY_FOUR = 1, FAMILY_SIX = 2, FAMILY_UNIX = 3 };

static size_t
whole(const struct proxy *p)
{
	return FIXED +
	       ((size_t)p->bytes[AT_LENGTH] << 8 | p->bytes[AT_LENGTH + 1]);
}

size_t
proxy_wants(const struct proxy *p)
{
	if (p->have < FIXED)
		return FIXED - p->have;
	return whole(p) > PROXY_MAX ? 0 : whole(p) - p->have;
}

/* Can what has come, fewer than FIXED bytes or all of them, still become a
 * header?  Judged byte by byte, so that a cut changes nothing. */
static enum proxy_parse
judge_start(const struct proxy *p, size_t have)
{
	size_t n = have < AT_COMMAND ? have : AT_COMMAND;
	size_t one = have < sizeof(version_one) ? have : sizeof(version_one);

	if (memcmp(p->bytes, version_one, one) == 0)
		return one == sizeof(version_one) ? PROXY_ONE : PROXY_MORE;
	if (memcmp(p->bytes, signature, n) != 0)
		return PROXY_BAD;
	if (have > AT_COMMAND && p->bytes[AT_COMMAND] != COMMAND_LOCAL &&
	    p->bytes[AT_COMMAND] != COMMAND_PROXY)
		return PROXY_BAD;
	if (have > AT_FAMILY && p->bytes[AT_FAMILY] >> 4 > FAMILY_UNIX)
		return PROXY_BAD;
	return have == FIXED && whole(p) > PROXY_MAX ? PROXY_BAD : PROXY_MORE;
}

/* A stream's address is the only one that a connection can have. */
static enum proxy_parse
judge_whole(const struct proxy *p, union peer_address *from)
{
	const unsigned char *at = p->bytes + FIXED;
	unsigned family = p->bytes[AT_FAMILY] >> 4;
	size_t len = whole(p) - FIXED;

	if (p->bytes[AT_COMMAND] == COMMAND_LOCAL ||
	    (family != FAMILY_FOUR && family != FAMILY_SIX))
		return PROXY_SELF;
	if ((p->bytes[AT_FAMILY] & 0xf) != 1 ||
	    len < (family == FAMILY_FOUR ? FOUR_LEN : SIX_LEN))
		return PROXY_BAD;
	memset(from, 0, sizeof(*from));
	if (family == FAMILY_FOUR) {
		from->in.sin_family = AF_INET;
		memcpy(&from->in.sin_addr, at, 4);
		memcpy(&from->in.sin_port, at + 8, 2);
	} else {
		from->in6.sin6_family = AF_INET6;
		memcpy(&from->in6.sin6_addr, at, 16);
		memcpy(&from->in6.sin6_port, at + 32, 2);
	}
	return PROXY_FROM;
}

enum proxy_parse
proxy_take(struct proxy *p, const unsigned char *data, size_t len,
    union peer_address *from)
{
	enum proxy_parse r = PROXY_MORE;
	size_t kept;

	assert(len > 0 && len <= proxy_wants(p));
	if (p->have < PROXY_KEPT) {
		kept = PROXY_KEPT - p->have;
		memcpy(p->bytes + p->have, data, kept < len ? kept : len);
	}
	for (size_t n = p->have + 1;
	     r == PROXY_MORE && p->have < FIXED && n <= p->have + len; n++)
		r = judge_start(p, n);
	p->have += len;
	if (r != PROXY_MORE || p->have < FIXED || p->have < whole(p))
		return r;
	return judge_whole(p, from);
}
