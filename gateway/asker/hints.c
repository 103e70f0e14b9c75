#include "asker/hints.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* Places count from 1, and one that was never used has no memory: a table of
 * zeros is an empty one. */
#define NOWHERE 0

struct hint {
	struct receipt_id id;
	char val_id[RECEIPT_INVOICE];
	uint32_t given; /* and not withdrawn */
	int64_t until_us;
	uint32_t next;		 /* in its chain; of the free ones */
	uint32_t older, younger; /* all live for the same time */
};

struct hints {
	uint32_t most, n_used, free, oldest, youngest;
	int64_t keep_us;
	uint32_t *chains; /* `most` of them */
	struct hint *hints;
};

enum status
hints_new(struct hints **out, uint32_t most, int64_t keep_us, struct err *e)
{
	struct hints *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (h == NULL)
		goto fail;
	h->most = most;
	h->keep_us = keep_us;
	h->chains = calloc(most, sizeof(*h->chains));
	h->hints = calloc(most, sizeof(*h->hints));
	if (h->chains == NULL || h->hints == NULL)
		goto fail;
	*out = h;
	return ST_OK;
fail:
	err_set(e, "no memory for what to ask by");
	hints_free(h);
	return ST_NO_MEMORY;
}

void
hints_free(struct hints *h)
{
	if (h == NULL)
		return;
	if (h->hints != NULL)
		secret_wipe(h->hints, h->n_used * sizeof(*h->hints));
	free(h->hints);
	free(h->chains);
	free(h);
}

static struct hint *
hint_at(struct hints *h, uint32_t place)
{
	return &h->hints[place - 1];
}

/* One that is free; NOWHERE when all are taken. */
static uint32_t
free_place(const struct hints *h)
{
	if (h->free == NOWHERE && h->n_used < h->most)
		return h->n_used + 1;
	return h->free;
}

/* Where the place of id's hint is written; that place is NOWHERE when there
 * is none.  An id is a keyed digest: any four bytes of it are spread well. */
static uint32_t *
place_of(struct hints *h, const struct receipt_id *id)
{
	uint32_t hash, *at;

	memcpy(&hash, id->b, sizeof(hash));
	at = &h->chains[hash % h->most];
	while (*at != NOWHERE &&
	       memcmp(&hint_at(h, *at)->id, id, sizeof(*id)) != 0)
		at = &hint_at(h, *at)->next;
	return at;
}

static void
drop(struct hints *h, uint32_t *at)
{
	uint32_t place = *at;
	struct hint *x = hint_at(h, place);

	*at = x->next;
	if (x->older != NOWHERE)
		hint_at(h, x->older)->younger = x->younger;
	else
		h->oldest = x->younger;
	if (x->younger != NOWHERE)
		hint_at(h, x->younger)->older = x->older;
	else
		h->youngest = x->older;
	secret_wipe(x, sizeof(*x));
	x->next = h->free;
	h->free = place;
}

static void
drop_oldest(struct hints *h)
{
	drop(h, place_of(h, &hint_at(h, h->oldest)->id));
}

void
hints_put(struct hints *h, const struct receipt_id *id,
    const char val_id[RECEIPT_INVOICE], int64_t now_us)
{
	uint32_t *at, place, given = 0;
	struct hint *x;

	hints_expire(h, now_us);
	at = place_of(h, id);
	if (*at != NOWHERE) {
		given = hint_at(h, *at)->given;
		drop(h, at);
	}
	if (free_place(h) == NOWHERE)
		drop_oldest(h);
	place = free_place(h);
	x = hint_at(h, place);
	if (place > h->n_used)
		h->n_used = place;
	else
		h->free = x->next;
	at = place_of(h, id);
	x->id = *id;
	memcpy(x->val_id, val_id, sizeof(x->val_id));
	x->given = given + 1;
	x->until_us = now_us + h->keep_us;
	x->next = NOWHERE;
	x->older = h->youngest;
	x->younger = NOWHERE;
	*at = place;
	if (h->youngest != NOWHERE)
		hint_at(h, h->youngest)->younger = place;
	else
		h->oldest = place;
	h->youngest = place;
}

const char *
hints_find(struct hints *h, const struct receipt_id *id, int64_t now_us)
{
	uint32_t place;

	hints_expire(h, now_us);
	place = *place_of(h, id);
	return place != NOWHERE ? hint_at(h, place)->val_id : NULL;
}

void
hints_forget(struct hints *h, const struct receipt_id *id)
{
	uint32_t *at = place_of(h, id);

	if (*at != NOWHERE)
		drop(h, at);
}

void
hints_withdraw(struct hints *h, const struct receipt_id *id)
{
	uint32_t *at = place_of(h, id);

	if (*at != NOWHERE && --hint_at(h, *at)->given == 0)
		drop(h, at);
}

void
hints_expire(struct hints *h, int64_t now_us)
{
	while (
	    h->oldest != NOWHERE && hint_at(h, h->oldest)->until_us <= now_us)
		drop_oldest(h);
}
