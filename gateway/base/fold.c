#include "base/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/wiped.h"

#define PAGE	 4096
#define LEAST	 4096		  /* below it there is no page to win */
#define PER_AREA ((size_t)256)	  /* blocks that are mapped at once */
#define READY	 64		  /* free ones that keep their memory */
#define WORDS	 (FOLD_BLOCK / 8) /* of a block */
#define WORTH	 (WORDS / 2)	  /* so many may be kept of it */

struct fold {
	uint64_t *block;
	uint64_t kept[WORDS / 64]; /* a bit for each word that is not zero */
	uint64_t words[];
};

/* Its free blocks are listed beside them: a list in them would touch them. */
struct area {
	struct area *next;
	unsigned char *memory;
	size_t n_used; /* the others were never touched */
	size_t n_free;
	uint16_t free[PER_AREA];
};

static _Thread_local bool wanted;
static _Thread_local struct area *areas; /* the newest first */
static _Thread_local void *ready[READY];
static _Thread_local size_t n_ready;

void
fold_wanted(bool on)
{
	wanted = on;
}

/* Areas stay: connections come again. */
static struct area *
add_area(void)
{
	const size_t size = PER_AREA * FOLD_BLOCK;
	struct area *a = NULL;
	void *p = MAP_FAILED;

	if (sysconf(_SC_PAGESIZE) == PAGE)
		a = calloc(1, sizeof(*a));
	if (a != NULL)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(a);
		return NULL;
	}
	(void)madvise(p, size, MADV_NOHUGEPAGE);
	(void)madvise(p, size, MADV_DONTDUMP);
	a->memory = p;
	a->next = areas;
	areas = a;
	return a;
}

void *
fold_take(size_t n)
{
	struct area *a = areas;
	size_t i;

	if (!wanted || n < LEAST || n > FOLD_BLOCK)
		return NULL;
	if (n_ready > 0)
		return ready[--n_ready];
	while (a != NULL && a->n_free == 0 && a->n_used == PER_AREA)
		a = a->next;
	if (a == NULL)
		a = add_area();
	if (a == NULL)
		return NULL;
	i = a->n_free > 0 ? a->free[--a->n_free] : a->n_used++;
	return a->memory + i * FOLD_BLOCK;
}

static struct area *
area_of(const void *p)
{
	const unsigned char *at = p;
	struct area *a = areas;

	while (a != NULL &&
	       (at < a->memory || at >= a->memory + PER_AREA * FOLD_BLOCK))
		a = a->next;
	return a;
}

/* Hardly any other block begins where a page does. */
bool
fold_is(const void *p)
{
	return p != NULL && (uintptr_t)p % PAGE == 0 && area_of(p) != NULL;
}

/* The pages of a wiped one go back to the kernel. */
void
fold_give_back(void *p)
{
	struct area *a = area_of(p);
	size_t at = (size_t)((unsigned char *)p - a->memory);

	secret_wipe(p, FOLD_BLOCK);
	if (n_ready < READY) {
		ready[n_ready++] = p;
		return;
	}
	(void)madvise(p, FOLD_BLOCK, MADV_DONTNEED);
	a->free[a->n_free++] = (uint16_t)(at / FOLD_BLOCK);
}

static size_t
find_kept(const uint64_t *block, uint64_t kept[WORDS / 64])
{
	size_t n = 0;

	for (size_t i = 0; i < WORDS; i++) {
		uint64_t bit = block[i] != 0;

		kept[i / 64] |= bit << i % 64;
		n += bit;
	}
	return n;
}

struct fold *
fold_make(void *p)
{
	uint64_t kept[WORDS / 64] = { 0 };
	struct fold *f;
	size_t n;

	if (!fold_is(p))
		return NULL;
	n = find_kept(p, kept);
	f = n > WORTH ? NULL : wiped_malloc(sizeof(*f) + n * sizeof(uint64_t));
	if (f == NULL)
		return NULL;
	f->block = p;
	n = 0;
	for (size_t i = 0; i < WORDS / 64; i++) {
		f->kept[i] = kept[i];
		for (uint64_t bits = kept[i]; bits != 0; bits &= bits - 1)
			f->words[n++] =
			    f->block[i * 64 + (size_t)__builtin_ctzll(bits)];
	}
	/* Should the kernel not take them: they are zero already. */
	secret_wipe(p, FOLD_BLOCK);
	(void)madvise(p, FOLD_BLOCK, MADV_DONTNEED);
	return f;
}

void
fold_undo(struct fold *f)
{
	size_t n = 0;

	if (f == NULL)
		return;
	for (size_t i = 0; i < WORDS / 64; i++) {
		for (uint64_t bits = f->kept[i]; bits != 0; bits &= bits - 1)
			f->block[i * 64 + (size_t)__builtin_ctzll(bits)] =
			    f->words[n++];
	}
	wiped_free(f);
}
