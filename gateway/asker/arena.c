#include "asker/arena.h"

#include <assert.h>
#include <stdalign.h>

#include "base/secret.h"

/*
 * What Jansson takes at most, with some margin.  An object as a member takes
 * 360 bytes, with its share of a table that has grown; every other value
 * takes less.  A byte of a name is there three times: as token, as name and
 * as key; the token's buffer doubles.
 */
#define PER_VALUE 448
#define PER_BYTE  8
#define AT_LEAST  256

/* What an answer takes that is no attack: one of a payment needs some 50 KiB
 * by the counts above. */
#define ARENA_HIDDEN ((size_t)1024 * 1024)

/* Jansson's allocator has no argument to find it by. */
static struct arena *in_use;

/* Jansson 2.14 does not look whether the buffer of its token could grow, and
 * then copies beyond a block.  It must never see that memory ran out. */
static void *
on_malloc(size_t n)
{
	void *p = arena_take(in_use, n);

	assert(p != NULL);
	return p;
}

static void
on_free(void *p)
{
	(void)p; /* it goes with the rest */
}

enum status
arena_init(struct arena *a, size_t cap)
{
	enum status st;

	*a = (struct arena){ .cap = cap };
	st = hidden_map(&a->hidden, cap, ARENA_HIDDEN);
	a->memory = a->hidden.memory;
	return st;
}

void
arena_fini(struct arena *a)
{
	hidden_unmap(&a->hidden);
	*a = (struct arena){ 0 };
}

void *
arena_take(struct arena *a, size_t n)
{
	const size_t step = alignof(max_align_t);
	void *p;

	if (n > a->cap - a->used)
		return NULL;
	p = a->memory + a->used;
	/* The last block may end where the memory does. */
	n = (n + step - 1) / step * step;
	a->used += n < a->cap - a->used ? n : a->cap - a->used;
	return p;
}

size_t
arena_need(struct bytes text)
{
	size_t values = 1;

	/* Each value but the first stands behind one of these. */
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		values += c == ',' || c == '[' || c == '{';
	}
	return AT_LEAST + PER_VALUE * values + PER_BYTE * text.len;
}

json_t *
arena_load(struct arena *a, struct bytes text)
{
	json_malloc_t was_malloc;
	json_free_t was_free;
	json_t *json;

	assert(in_use == NULL && a->used == 0);
	if (arena_need(text) > a->cap)
		return NULL;
	in_use = a;
	json_get_alloc_funcs(&was_malloc, &was_free);
	json_set_alloc_funcs(on_malloc, on_free);
	/* No struct for errors: their texts quote the input. */
	json = json_loadb(
	    (const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
	json_set_alloc_funcs(was_malloc, was_free);
	in_use = NULL;
	return json;
}

void
arena_wipe(struct arena *a)
{
	secret_wipe(a->memory, a->used);
	a->used = 0;
}
