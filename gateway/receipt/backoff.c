#include "receipt/backoff.h"

#include "base/attr.h"

/* Seconds from one attempt to the next; the last one repeats. */
static const int64_t gaps_s[] = { 5, 30, 120, 600, 1800, 7200, 18000, 36000,
	50400, 72000, 86400 };

/* Two centuries: no stamp overflows, whatever number is stored. */
#define MOST_DAYS INT64_C(73000)

/* splitmix64: spreads neighbouring seeds over the whole range. */
static uint64_t
spread(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

int64_t
backoff_next_us(
    int64_t first_us, uint32_t failed, int64_t earliest_us, uint64_t seed)
{
	int64_t at = first_us, gap = 0, jitter;
	uint32_t i;

	if (failed == 0)
		return at > earliest_us ? at : earliest_us;
	for (i = 0; i < failed && i < ARRAY_LEN(gaps_s); i++) {
		gap = gaps_s[i] * 1000000;
		at += gap;
	}
	at += (failed - i < MOST_DAYS ? failed - i : MOST_DAYS) * gap;
	jitter = gap / 10 > 1000000 ? gap / 10 : 1000000;
	at += (int64_t)(spread(seed + failed) % (uint64_t)jitter);
	return at > earliest_us ? at : earliest_us;
}
