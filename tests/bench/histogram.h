/*
 * How often which number came, to within one part in 128: for latencies, of
 * which only high ranks matter.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS	7
#define HISTOGRAM_CELLS ((64 - HISTOGRAM_BITS) << HISTOGRAM_BITS)

struct histogram {
	uint64_t n, most;
	uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_add(struct histogram *h, uint64_t value);

/* At least so many of a million values are not above this; 0 of none. */
uint64_t histogram_rank(const struct histogram *h, uint32_t of_a_million);

#endif
