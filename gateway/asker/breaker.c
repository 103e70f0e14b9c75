#include "asker/breaker.h"

void
breaker_init(struct breaker *b, uint64_t seed)
{
	*b = (struct breaker){ .gap_us = BREAKER_FIRST_US, .seed = seed };
}

int64_t
breaker_next_us(const struct breaker *b)
{
	if (!b->open)
		return 0;
	return b->probing ? INT64_MAX : b->until_us;
}

bool
breaker_take(struct breaker *b)
{
	b->probing = b->open;
	return b->open;
}

bool
breaker_answered(struct breaker *b)
{
	bool was_open = b->open;

	breaker_init(b, b->seed);
	return was_open;
}

/* Several askers that lost the same provider do not come back together. */
static void
open_until(struct breaker *b, int64_t now_us)
{
	b->seed = b->seed * UINT64_C(6364136223846793005) +
		  UINT64_C(1442695040888963407);
	b->until_us = now_us + b->gap_us +
		      (int64_t)((b->seed >> 33) % (uint64_t)(b->gap_us / 10));
	b->open = true;
	b->probing = false;
}

bool
breaker_failed(struct breaker *b, bool probe, int64_t now_us)
{
	if (b->open && !(probe && b->probing))
		return false;
	if (b->open) {
		b->gap_us = b->gap_us < BREAKER_LONGEST_US / 2
				? b->gap_us * 2
				: BREAKER_LONGEST_US;
		open_until(b, now_us);
		return false;
	}
	if (++b->failures < BREAKER_FAILURES)
		return false;
	open_until(b, now_us);
	return true;
}
