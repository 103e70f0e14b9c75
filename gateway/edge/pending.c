#include "edge/pending.h"

#include <stdlib.h>

struct place {
	struct pending_put put;
	uint32_t use;  /* odd while taken */
	uint32_t next; /* free list */
};

struct pending {
	size_t most;
	uint32_t free; /* most: none */
	struct place place[];
};

struct pending *
pending_new(size_t most)
{
	struct pending *p = calloc(1, sizeof(*p) + most * sizeof(p->place[0]));

	if (p == NULL)
		return NULL;
	p->most = most;
	for (size_t i = 0; i < most; i++)
		p->place[i].next = (uint32_t)(i + 1);
	return p;
}

void
pending_free(struct pending *p)
{
	free(p);
}

bool
pending_add(struct pending *p, const struct pending_put *put, uint64_t *tag)
{
	struct place *at;

	if (p->free == p->most)
		return false;
	at = &p->place[p->free];
	*tag = (uint64_t)++at->use << 32 | p->free;
	at->put = *put;
	p->free = at->next;
	return true;
}

bool
pending_take(struct pending *p, uint64_t tag, struct pending_put *put)
{
	uint32_t index = (uint32_t)tag, use = (uint32_t)(tag >> 32);
	struct place *at;

	if (index >= p->most)
		return false;
	at = &p->place[index];
	if (at->use != use || use % 2 == 0)
		return false;
	*put = at->put;
	at->use++;
	at->next = p->free;
	p->free = index;
	return true;
}
