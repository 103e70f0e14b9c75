/*
 * One stretch of bytes, searched as it stands and as everything that it could
 * be an encoding of.
 */
#ifndef PROVE_VIEWS_H
#define PROVE_VIEWS_H

#include "canary.h"

struct views {
	struct canary_cards cards;
	size_t cap;		/* longest stretch */
	unsigned char *decoded; /* cap bytes each */
	unsigned char *changed; /* was this byte decoded, not copied? */
	size_t *source;		/* where it stood */
	void (*on_hit)(void *arg, enum canary_view, const struct canary_hit *);
	void *arg;
};

/* Ready for stretches of cap bytes; on_hit and arg are the caller's to set.
 * false: no memory. */
bool views_init(struct views *v, size_t cap);
void views_fini(struct views *v);

/* on_hit() for every piece in data[0..len); hits are placed in data. */
void views_search(struct views *v, const unsigned char *data, size_t len);

#endif
