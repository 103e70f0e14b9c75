/*
 * Random numbers from a seed: the same seed, the same numbers.
 */
#ifndef CRASH_CHANCE_H
#define CRASH_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct chance {
	uint64_t state;
};

static inline struct chance
chance_of(uint64_t seed)
{
	return (struct chance){ seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
}

/* From 0 to n - 1. */
static inline uint64_t
chance_below(struct chance *c, uint64_t n)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % n;
}

static inline bool
chance_of_hundred(struct chance *c, unsigned percent)
{
	return chance_below(c, 100) < percent;
}

#endif
