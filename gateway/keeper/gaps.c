#include "keeper/gaps.h"

#include <string.h>

enum {
	INTERIOR_INDEX = 2,
	INTERIOR_TABLE = 5,
	LEAF_INDEX = 10,
	LEAF_TABLE = 13
};

#define EXCUSED	 2 /* in place of 1, which is used */
#define FRAGMENT 3 /* bytes at most: a free block has four */

/* One page of a table or an index. */
struct tree {
	const unsigned char *page;
	size_t usable;
	size_t start; /* of its header */
	int type;
	size_t cells, pointers; /* how many, and where their pointers begin */
	unsigned char *used;
};

static size_t
two(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

uint32_t
gaps_number(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

bool
gaps_file(const unsigned char head[GAPS_HEAD], struct gaps_file *out)
{
	if (memcmp(head, "SQLite format 3", 16) != 0)
		return false;
	out->page_size = (uint32_t)two(head + 16);
	if (out->page_size == 1)
		out->page_size = GAPS_PAGE;
	if (out->page_size < 512 ||
	    (out->page_size & (out->page_size - 1)) != 0)
		return false;
	out->usable = out->page_size - head[20];
	out->trunk = gaps_number(head + 32);
	out->free = gaps_number(head + 36);
	/* Pages of a file that vacuums itself are of one more kind. */
	return out->usable >= 480 && gaps_number(head + 52) == 0;
}

/* Mark n bytes; false when one of them is marked, or is not there. */
static bool
mark(const struct tree *t, size_t at, size_t n)
{
	if (at > t->usable || n > t->usable - at ||
	    memchr(t->used + at, 1, n) != NULL)
		return false;
	memset(t->used + at, 1, n);
	return true;
}

/* *at moves behind it. */
static bool
varint(const struct tree *t, size_t *at, uint64_t *value)
{
	*value = 0;
	for (int i = 1; i <= 9 && *at < t->usable; i++) {
		unsigned char byte = t->page[(*at)++];

		if (i == 9) {
			*value = *value << 8 | byte;
			return true;
		}
		*value = *value << 7 | (byte & 0x7f);
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

/* How much of a row of so many bytes is in its cell. */
static uint64_t
in_cell(const struct tree *t, uint64_t bytes)
{
	uint64_t u = t->usable;
	uint64_t most =
	    t->type == LEAF_TABLE ? u - 35 : (u - 12) * 64 / 255 - 23;
	uint64_t least = (u - 12) * 32 / 255 - 23, some;

	if (bytes <= most)
		return bytes;
	some = least + (bytes - least) % (u - 4);
	return some <= most ? some : least;
}

static bool
mark_cell(const struct tree *t, size_t at, gaps_chain_fn *chain, void *arg)
{
	bool leaf = t->type == LEAF_TABLE || t->type == LEAF_INDEX;
	size_t p = at + (leaf ? 0 : 4), n;
	uint64_t bytes = 0, here, rowid;

	if (t->type != INTERIOR_TABLE && !varint(t, &p, &bytes))
		return false;
	if ((t->type == LEAF_TABLE || t->type == INTERIOR_TABLE) &&
	    !varint(t, &p, &rowid))
		return false;
	here = in_cell(t, bytes);
	if (here > t->usable)
		return false;
	n = p - at + (size_t)here;
	if (here < bytes) {
		n += 4;
		if (at + n > t->usable)
			return false;
		chain(arg, gaps_number(t->page + at + n - 4), bytes - here);
	}
	return mark(t, at, n < 4 ? 4 : n);
}

/* The heads of free blocks; their content is free. */
static bool
mark_blocks(const struct tree *t)
{
	size_t at = two(t->page + t->start + 1);

	while (at != 0) {
		size_t next, size;

		if (at > t->usable - 4)
			return false;
		next = two(t->page + at);
		size = two(t->page + at + 2);
		if (size < 4 || size > t->usable - at ||
		    (next != 0 && next < at + size) || !mark(t, at, 4))
			return false;
		at = next;
	}
	return true;
}

static bool
begin(struct tree *t, size_t *content)
{
	bool leaf;

	t->type = t->page[t->start];
	leaf = t->type == LEAF_TABLE || t->type == LEAF_INDEX;
	if (!leaf && t->type != INTERIOR_TABLE && t->type != INTERIOR_INDEX)
		return false;
	t->cells = two(t->page + t->start + 3);
	t->pointers = t->start + (leaf ? 8 : 12);
	*content = two(t->page + t->start + 5);
	if (*content == 0)
		*content = GAPS_PAGE;
	return *content <= t->usable && t->pointers + 2 * t->cells <= *content;
}

bool
gaps_tree(const unsigned char *page, const struct gaps_file *f, uint32_t number,
    unsigned char *used, gaps_chain_fn *chain, void *arg)
{
	struct tree t = { .page = page,
		.usable = f->usable,
		.start = number == 1 ? GAPS_HEAD : 0,
		.used = used };
	size_t content;

	if (!begin(&t, &content))
		return false;
	memset(used, 0, f->page_size);
	memset(used, 1, t.pointers + 2 * t.cells);
	for (size_t i = 0; i < t.cells; i++) {
		size_t at = two(page + t.pointers + 2 * i);

		if (at < content || !mark_cell(&t, at, chain, arg))
			return false;
	}
	return mark_blocks(&t);
}

/* Entries that the pointer array had when it was longer. */
static void
excuse_pointers(const struct tree *t, size_t content)
{
	size_t first = t->pointers + 2 * t->cells;

	for (size_t at = first; at + 2 <= content; at += 2) {
		size_t was = two(t->page + at);

		if (was >= first && was <= t->usable - 4)
			memset(t->used + at, EXCUSED, 2);
	}
}

/* Could the head of a free block have been here? */
static bool
was_head(const struct tree *t, size_t at)
{
	size_t next, size;

	if (at + 4 > t->usable || memchr(t->used + at, 1, 4) != NULL)
		return false;
	next = two(t->page + at);
	size = two(t->page + at + 2);
	return next <= t->usable - 4 && size >= 4 && size <= t->usable - at;
}

/* Its first bytes may be zeros, or be excused by something else. */
static void
excuse_heads(const struct tree *t)
{
	for (size_t at = 0; at < t->usable; at++) {
		size_t back = 0, most = at < 3 ? at : 3;

		if (t->used[at] != 0 || t->page[at] == 0)
			continue;
		while (back <= most && !was_head(t, at - back))
			back++;
		if (back <= most)
			memset(t->used + at - back, EXCUSED, 4);
	}
}

/* Free space of less than a block; and so little in a block. */
static void
excuse_fragments(const struct tree *t, size_t content)
{
	size_t at = content;

	while (at < t->usable) {
		size_t end = at;

		while (end < t->usable && t->used[end] == 0)
			end++;
		if (end - at <= FRAGMENT)
			memset(t->used + at, EXCUSED, end - at);
		at = end + 1;
	}
}

void
gaps_excuse_tree(const unsigned char *page, const struct gaps_file *f,
    uint32_t number, unsigned char *used)
{
	struct tree t = { .page = page,
		.usable = f->usable,
		.start = number == 1 ? GAPS_HEAD : 0,
		.used = used };
	size_t content;

	if (!begin(&t, &content))
		return;
	excuse_fragments(&t, content);
	excuse_pointers(&t, content);
	excuse_heads(&t);
}

void
gaps_excuse_trunk(const unsigned char *page, const struct gaps_file *f,
    uint64_t pages, unsigned char *used)
{
	for (size_t at = 8; at + 4 <= f->usable; at += 4) {
		if (gaps_number(page + at) <= pages)
			memset(used + at, EXCUSED, 4);
	}
}

bool
gaps_trunk(const unsigned char *page, const struct gaps_file *f, uint32_t *next,
    uint32_t *n, unsigned char *used)
{
	*next = gaps_number(page);
	*n = gaps_number(page + 4);
	if (*n > f->usable / 4 - 2)
		return false;
	memset(used, 0, f->page_size);
	memset(used, 1, 8 + 4 * (size_t)*n);
	return true;
}

void
gaps_free(const struct gaps_file *f, unsigned char *used)
{
	memset(used, 0, f->page_size);
}

bool
gaps_overflow(const unsigned char *page, const struct gaps_file *f,
    uint64_t *left, uint32_t *next, unsigned char *used)
{
	uint64_t here = f->usable - 4;

	if (here > *left)
		here = *left;
	*left -= here;
	*next = gaps_number(page);
	memset(used, 0, f->page_size);
	memset(used, 1, 4 + (size_t)here);
	return (*left == 0) == (*next == 0);
}

size_t
gaps_count(const unsigned char *page, const struct gaps_file *f,
    const unsigned char *used)
{
	size_t n = 0;

	for (size_t i = 0; i < f->page_size; i++)
		n += used[i] == 0 && page[i] != 0;
	return n;
}
