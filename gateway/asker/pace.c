#include "asker/pace.h"

#include <assert.h>

#define SECOND_US 1000000

/* The generic cell rate algorithm (ITU-T I.371), rounded so that it is never
 * faster than told. */
void
pace_init(struct pace *p, int64_t a_second)
{
	int64_t burst = a_second > 100 ? a_second / 100 : 1;

	p->gap_us = (SECOND_US + a_second - 1) / a_second;
	p->credit_us = (burst - 1) * p->gap_us;
	p->even_us = 0;
}

int64_t
pace_next_us(const struct pace *p)
{
	return p->even_us - p->credit_us;
}

void
pace_take(struct pace *p, int64_t now_us)
{
	assert(now_us >= pace_next_us(p));
	if (p->even_us < now_us)
		p->even_us = now_us;
	p->even_us += p->gap_us;
}
