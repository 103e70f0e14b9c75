/*
 * Any bytes as a page: nothing outside of it is read, and overwriting what
 * belongs to nothing changes nothing of what belongs to something.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/gaps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct chains {
	uint64_t n, pages, bytes;
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
note(void *arg, uint32_t page, uint64_t bytes)
{
	struct chains *c = arg;

	c->n++;
	c->pages += page;
	c->bytes += bytes;
	require(bytes > 0);
}

/* In memory of its own, so that reading beyond it is seen. */
static unsigned char *
copy_of(const uint8_t *data, size_t size, size_t room)
{
	unsigned char *copy = calloc(1, room);

	require(copy != NULL);
	memcpy(copy, data, size < room ? size : room);
	return copy;
}

static void
scrub(unsigned char *page, const struct gaps_file *f, const unsigned char *used)
{
	for (size_t i = 0; i < f->page_size; i++) {
		require(used[i] <= 1);
		if (used[i] == 0)
			page[i] = 0;
	}
	require(gaps_count(page, f, used) == 0);
}

static void
try_tree(unsigned char *page, const struct gaps_file *f, uint32_t number)
{
	unsigned char *used = copy_of(page, 0, f->page_size);
	unsigned char *again = copy_of(page, 0, f->page_size);
	unsigned char *excused = copy_of(page, 0, f->page_size);
	struct chains one = { 0 }, two = { 0 };

	if (gaps_tree(page, f, number, used, note, &one)) {
		memcpy(excused, used, f->page_size);
		gaps_excuse_tree(page, f, number, excused);
		require(
		    gaps_count(page, f, excused) <= gaps_count(page, f, used));
		scrub(page, f, used);
		require(gaps_tree(page, f, number, again, note, &two));
		require(memcmp(used, again, f->page_size) == 0);
		require(memcmp(&one, &two, sizeof(one)) == 0);
	}
	free(used);
	free(again);
	free(excused);
}

static void
try_others(unsigned char *page, const struct gaps_file *f, uint64_t left)
{
	unsigned char *used = copy_of(page, 0, f->page_size);
	uint32_t next, n;

	if (gaps_trunk(page, f, &next, &n, used)) {
		gaps_excuse_trunk(page, f, left, used);
		(void)gaps_count(page, f, used);
		require(8 + 4 * (size_t)n <= f->usable);
	}
	(void)gaps_overflow(page, f, &left, &next, used);
	(void)gaps_count(page, f, used);
	gaps_free(f, used);
	scrub(page, f, used);
	free(used);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t sizes[] = { 512, 1024, 4096, GAPS_PAGE };
	struct gaps_file f = { 0 };
	unsigned char *page;

	if (size < 3)
		return 0;
	f.page_size = sizes[data[0] % 4];
	f.usable = f.page_size - data[1] % 32;
	page = copy_of(data + 3, size - 3, f.page_size);
	try_tree(page, &f, data[2] % 2 + 1U);
	free(page);
	page = copy_of(data + 3, size - 3, f.page_size);
	try_others(page, &f, (uint64_t)data[2] * size);
	free(page);
	if (size >= 3 + GAPS_HEAD)
		(void)gaps_file(data + 3, &f);
	return 0;
}
