#include "client/wiped.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void *
wiped_malloc(size_t n)
{
	return malloc(n);
}

void *
wiped_calloc(size_t n, size_t size)
{
	return calloc(n, size);
}

void *
wiped_realloc(void *p, size_t n)
{
	size_t old = p != NULL ? malloc_usable_size(p) : 0;
	void *moved = malloc(n);

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
	if (p != NULL)
		secret_wipe(p, malloc_usable_size(p));
	free(p);
}
