#include "histogram.h"

#define FIRST (UINT64_C(1) << HISTOGRAM_BITS)

/* Numbers below 2 * FIRST have a cell each; above, each power of two has
 * FIRST cells. */
static unsigned
cell_of(uint64_t value)
{
	unsigned shift;

	if (value < 2 * FIRST)
		return (unsigned)value;
	shift = 63 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
	return (unsigned)((shift << HISTOGRAM_BITS) + (value >> shift));
}

/* The highest number of a cell. */
static uint64_t
top_of(unsigned cell)
{
	unsigned shift;

	if (cell < 2 * FIRST)
		return cell;
	shift = (cell >> HISTOGRAM_BITS) - 1;
	return ((cell - (shift << HISTOGRAM_BITS) + UINT64_C(1)) << shift) - 1;
}

void
histogram_add(struct histogram *h, uint64_t value)
{
	h->n++;
	h->cells[cell_of(value)]++;
	if (value > h->most)
		h->most = value;
}

uint64_t
histogram_rank(const struct histogram *h, uint32_t of_a_million)
{
	uint64_t wanted = (h->n * of_a_million + 999999) / 1000000, seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_CELLS; i++) {
		seen += h->cells[i];
		if (seen >= wanted && seen > 0)
			return top_of(i) < h->most ? top_of(i) : h->most;
	}
	return h->most;
}
