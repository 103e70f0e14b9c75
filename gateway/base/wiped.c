#include "base/wiped.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "base/secret.h"

void *
wiped_malloc(size_t n)
{
	void *p = fold_take(n);

	return p != NULL ? p : malloc(n);
}

void *
wiped_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

/* realloc() gives the old block back as it is when it moves. */
void *
wiped_realloc(void *p, size_t n)
{
	size_t old = wiped_size(p);
	void *moved;

	if (p != NULL && n == 0) {
		wiped_free(p);
		return NULL;
	}
	moved = wiped_malloc(n);
	if (moved == NULL)
		return NULL;
	if (p != NULL)
		memcpy(moved, p, old < n ? old : n);
	wiped_free(p);
	return moved;
}

char *
wiped_strdup(const char *s)
{
	return strdup(s);
}

void
wiped_free(void *p)
{
	if (fold_is(p)) {
		fold_give_back(p);
		return;
	}
	secret_wipe(p, malloc_usable_size(p));
	free(p);
}

size_t
wiped_size(void *p)
{
	return fold_is(p) ? FOLD_BLOCK : malloc_usable_size(p);
}
