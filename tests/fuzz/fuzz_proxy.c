/*
 * However a header of the PROXY protocol is cut, its outcome is the same, and
 * no byte behind it is asked for.
 *
 * The first byte says in which steps it comes; a mutator without seeds would
 * never guess the signature, so it may be left out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct outcome {
	enum proxy_parse parse;
	union peer_address from;
	size_t taken;
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* step 0: as much as it wants. */
static struct outcome
feed(const uint8_t *data, size_t len, size_t step)
{
	struct outcome o = { .parse = PROXY_MORE };
	struct proxy p = { .have = 0 };

	memset(&o.from, 0, sizeof(o.from));
	while (o.parse == PROXY_MORE && o.taken < len) {
		size_t n = proxy_wants(&p);

		require(n > 0 && o.taken + n <= PROXY_MAX);
		n = n < len - o.taken ? n : len - o.taken;
		n = step > 0 && step < n ? step : n;
		o.parse = proxy_take(&p, data + o.taken, n, &o.from);
		o.taken += n;
	}
	return o;
}

/* The rules once more, on the whole header. */
static void
check(const uint8_t *data, const struct outcome *o)
{
	size_t want;

	if (o->parse == PROXY_ONE)
		require(memcmp(data, "PROXY ", 6) == 0);
	if (o->parse != PROXY_FROM && o->parse != PROXY_SELF)
		return;
	require(memcmp(data, "\r\n\r\n\0\r\nQUIT\n", 12) == 0);
	require(o->taken == 16u + (unsigned)(data[14] << 8 | data[15]));
	if (o->parse == PROXY_SELF)
		return;
	require(data[12] == 0x21 && (data[13] == 0x11 || data[13] == 0x21));
	want = data[13] == 0x11 ? 4 : 16;
	require(memcmp(want == 4 ? (const void *)&o->from.in.sin_addr
				 : (const void *)&o->from.in6.sin6_addr,
		    data + 16, want) == 0);
}

static void
try(const uint8_t *data, size_t len, size_t step)
{
	struct outcome whole = feed(data, len, 0);
	struct outcome bytes = feed(data, len, 1);
	struct outcome steps = feed(data, len, step);

	require(whole.parse == bytes.parse && whole.parse == steps.parse);
	require(memcmp(&whole.from, &bytes.from, sizeof(whole.from)) == 0);
	require(memcmp(&whole.from, &steps.from, sizeof(whole.from)) == 0);
	check(data, &whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t made[4096] = "\r\n\r\n\0\r\nQUIT\n";

	if (len < 1 || len > sizeof(made) - 12)
		return 0;
	try(data + 1, len - 1, data[0]);
	memcpy(made + 12, data + 1, len - 1);
	try(made, 12 + len - 1, data[0]);
	return 0;
}
