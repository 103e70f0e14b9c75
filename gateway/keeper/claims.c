#include "keeper/claims.h"

#include <stdlib.h>

/* Enough heads for what all windows together allow; chains stay short. */
#define HEADS 8192

struct claims {
	struct claim *heads[HEADS];
};

struct claims *
claims_new(void)
{
	return calloc(1, sizeof(struct claims));
}

static bool
drop_all(void *arg, struct claim *c)
{
	(void)arg;
	(void)c;
	return true;
}

void
claims_free(struct claims *t)
{
	if (t != NULL)
		claims_sweep(t, drop_all, NULL);
	free(t);
}

/* Sequence numbers are dense, so neighbours fall beside each other. */
static struct claim **
head(struct claims *t, uint64_t seq, uint32_t endpoint_id)
{
	return &t->heads[(seq + endpoint_id * UINT64_C(509)) % HEADS];
}

struct claim *
claims_find(struct claims *t, uint64_t seq, uint32_t endpoint_id)
{
	struct claim *c = *head(t, seq, endpoint_id);

	while (c != NULL &&
	       (c->due.row.seq != seq || c->endpoint_id != endpoint_id))
		c = c->next;
	return c;
}

struct claim *
claims_add(struct claims *t, const struct claim *c)
{
	struct claim **at = head(t, c->due.row.seq, c->endpoint_id);
	struct claim *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		return NULL;
	*copy = *c;
	copy->next = *at;
	*at = copy;
	return copy;
}

void
claims_remove(struct claims *t, struct claim *c)
{
	struct claim **at = head(t, c->due.row.seq, c->endpoint_id);

	while (*at != NULL && *at != c)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = c->next;
	free(c);
}

void
claims_sweep(
    struct claims *t, bool (*drop)(void *arg, struct claim *c), void *arg)
{
	for (size_t i = 0; i < HEADS; i++) {
		struct claim **at = &t->heads[i];

		while (*at != NULL) {
			struct claim *c = *at;

			if (drop(arg, c)) {
				*at = c->next;
				free(c);
			} else {
				at = &c->next;
			}
		}
	}
}
