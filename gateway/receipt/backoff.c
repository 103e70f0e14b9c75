#include "receipt/backoff.h"

#include <assert.h>

#include "base/attr.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

static const int64_t question_gaps[] = { 1 * SECOND, 2 * SECOND, 5 * SECOND,
	15 * SECOND, 30 * SECOND, 1 * MINUTE, 2 * MINUTE, 5 * MINUTE,
	10 * MINUTE, 30 * MINUTE, 1 * HOUR };

const struct backoff backoff_questions = { .gaps_ms = question_gaps,
	.n = ARRAY_LEN(question_gaps),
	.jitter_ms = 100 };

#define MOST_JITTER_US (15 * MINUTE * 1000)

/* Two centuries of days: no stamp overflows, whatever number is stored. */
#define MOST_REPEATS INT64_C(73000)

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
backoff_next_us(const struct backoff *b, int64_t first_us, uint32_t failed,
    int64_t earliest_us, uint64_t seed)
{
	int64_t at = first_us, gap = 0, jitter = b->jitter_ms * 1000;
	uint32_t i;

	assert(jitter > 0);
	if (failed == 0)
		return at > earliest_us ? at : earliest_us;
	if (b->ends && failed > b->n)
		return INT64_MAX;
	for (i = 0; i < failed && i < b->n; i++) {
		gap = b->gaps_ms[i] * 1000;
		at += gap;
	}
	at += (failed - i < MOST_REPEATS ? failed - i : MOST_REPEATS) * gap;
	if (gap / 10 > jitter)
		jitter = gap / 10;
	if (jitter > MOST_JITTER_US)
		jitter = MOST_JITTER_US;
	at += (int64_t)(spread(seed + failed) % (uint64_t)jitter);
	return at > earliest_us ? at : earliest_us;
}
