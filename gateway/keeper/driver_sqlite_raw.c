#include "keeper/driver_sqlite_raw.h"

#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#define LOCK_BYTE 0x40000000 /* SQLite locks here, and writes nothing */

/* A page whose rows go on elsewhere; where the first few do. */
struct chains {
	size_t n;
	struct {
		uint32_t page;
		uint64_t bytes;
	} chain[8];
};

static bool
bit(const unsigned char *map, uint64_t n)
{
	return (map[n / 8] >> n % 8 & 1) != 0;
}

/* false: there is no such page, or it was set. */
static bool
set_bit(const struct raw *r, unsigned char *map, uint64_t n)
{
	if (n < 1 || n > r->pages || bit(map, n))
		return false;
	map[n / 8] = (unsigned char)(map[n / 8] | 1U << n % 8);
	return true;
}

static enum status
read_page(struct raw *r, uint64_t number)
{
	uint32_t size = r->gaps.page_size;
	int rc = r->file->pMethods->xRead(
	    r->file, r->page, (int)size, (sqlite3_int64)(number - 1) * size);

	if (rc == SQLITE_IOERR_SHORT_READ)
		return ST_BUSY;
	return rc == SQLITE_OK ? ST_OK : ST_IO;
}

static enum status
take_trunk(struct raw *r, uint32_t number, uint32_t *next, uint32_t *n)
{
	enum status st;

	if (!set_bit(r, r->trunk, number))
		return ST_BUSY;
	st = read_page(r, number);
	if (st != ST_OK)
		return st;
	if (!gaps_trunk(r->page, &r->gaps, next, n, r->used))
		return ST_BUSY;
	for (uint32_t i = 0; i < *n; i++) {
		if (!set_bit(
			r, r->free, gaps_number(r->page + 8 + 4 * (size_t)i)))
			return ST_BUSY;
	}
	return ST_OK;
}

static enum status
map_free(struct raw *r)
{
	uint32_t trunk = r->gaps.trunk, left = r->gaps.free;
	enum status st = ST_OK;

	while (trunk != 0 && st == ST_OK) {
		uint32_t n = 0;

		st = take_trunk(r, trunk, &trunk, &n);
		if (st == ST_OK && left < n + 1)
			return ST_BUSY;
		left -= n + 1;
	}
	return st == ST_OK && left != 0 ? ST_BUSY : st;
}

static enum status
open_file(struct raw *r, struct store *s)
{
	unsigned char head[GAPS_HEAD];
	sqlite3_int64 size;
	int rc;

	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER,
		&r->file) != SQLITE_OK)
		return ST_INTERNAL;
	rc = r->file->pMethods->xRead(r->file, head, sizeof(head), 0);
	if (rc == SQLITE_OK)
		rc = r->file->pMethods->xFileSize(r->file, &size);
	if (rc == SQLITE_IOERR_SHORT_READ)
		return ST_BUSY; /* all of it is in the log */
	if (rc != SQLITE_OK)
		return ST_IO;
	if (!gaps_file(head, &r->gaps))
		return ST_CORRUPT;
	r->pages = (uint64_t)size / r->gaps.page_size;
	r->free = calloc(1, (size_t)(r->pages / 8 + 1));
	r->trunk = calloc(1, (size_t)(r->pages / 8 + 1));
	return r->free == NULL || r->trunk == NULL ? ST_NO_MEMORY : ST_OK;
}

enum status
driver_sqlite_raw_open(struct raw **out, struct store *s)
{
	struct raw *r = calloc(1, sizeof(*r));
	enum status st;

	*out = NULL;
	if (r == NULL)
		return ST_NO_MEMORY;
	st = open_file(r, s);
	if (st == ST_OK)
		st = map_free(r);
	if (st == ST_OK)
		*out = r;
	else
		driver_sqlite_raw_close(r);
	return st;
}

void
driver_sqlite_raw_close(struct raw *r)
{
	if (r == NULL)
		return;
	free(r->free);
	free(r->trunk);
	free(r);
}

/* Only what belongs to nothing is written: that may be cut short. */
static enum status
overwrite(struct raw *r, uint64_t number)
{
	sqlite3_int64 at = (sqlite3_int64)(number - 1) * r->gaps.page_size;
	size_t size = r->gaps.page_size;
	int rc = SQLITE_OK;

	for (size_t i = 0, end; i < size && rc == SQLITE_OK; i = end + 1) {
		for (end = i; end < size && r->used[end] == 0; end++)
			r->page[end] = 0;
		if (end > i)
			rc = r->file->pMethods->xWrite(r->file, r->page + i,
			    (int)(end - i), at + (sqlite3_int64)i);
	}
	return rc == SQLITE_OK ? ST_OK : ST_IO;
}

enum kind { TREE, TRUNK, OTHER };

/* Of the page in r->page, with r->used. */
static enum status
judge(struct raw *r, uint64_t number, enum kind kind, bool scrub,
    uint64_t *stained)
{
	size_t n;

	memcpy(r->excused, r->used, r->gaps.page_size);
	if (kind == TREE)
		gaps_excuse_tree(
		    r->page, &r->gaps, (uint32_t)number, r->excused);
	else if (kind == TRUNK)
		gaps_excuse_trunk(r->page, &r->gaps, r->pages, r->excused);
	n = gaps_count(r->page, &r->gaps, r->excused);
	*stained += n;
	return scrub && n > 0 ? overwrite(r, number) : ST_OK;
}

static void
note_chain(void *arg, uint32_t page, uint64_t bytes)
{
	struct chains *c = arg;

	if (c->n == ARRAY_LEN(c->chain))
		return;
	c->chain[c->n].page = page;
	c->chain[c->n++].bytes = bytes;
}

static enum status
follow(
    struct raw *r, uint32_t page, uint64_t left, bool scrub, uint64_t *stained)
{
	enum status st = ST_OK;

	while (page != 0 && st == ST_OK) {
		uint32_t next = 0;

		if (page > r->pages)
			return ST_BUSY;
		st = read_page(r, page);
		if (st == ST_OK &&
		    !gaps_overflow(r->page, &r->gaps, &left, &next, r->used))
			return ST_BUSY;
		if (st == ST_OK)
			st = judge(r, page, OTHER, scrub, stained);
		page = next;
	}
	return st;
}

/* What kind the page in r->page is of; r->used.  ST_NOT_FOUND: a row goes on
 * in it, which is followed from where the row is. */
static enum status
tell_kind(struct raw *r, uint64_t number, struct chains *chains, enum kind *out)
{
	uint32_t next, n;

	*out = OTHER;
	if (bit(r->free, number) ||
	    number == LOCK_BYTE / r->gaps.page_size + 1) {
		gaps_free(&r->gaps, r->used);
		return ST_OK;
	}
	if (bit(r->trunk, number)) {
		*out = TRUNK;
		return gaps_trunk(r->page, &r->gaps, &next, &n, r->used)
			   ? ST_OK
			   : ST_BUSY;
	}
	*out = TREE;
	return gaps_tree(r->page, &r->gaps, (uint32_t)number, r->used,
		   note_chain, chains)
		   ? ST_OK
		   : ST_NOT_FOUND;
}

enum status
driver_sqlite_raw_page(
    struct raw *r, uint64_t number, bool scrub, uint64_t *stained)
{
	struct chains chains = { .n = 0 };
	enum kind kind;
	enum status st;

	*stained = 0;
	if (number < 1 || number > r->pages)
		return ST_OK;
	st = read_page(r, number);
	if (st == ST_OK)
		st = tell_kind(r, number, &chains, &kind);
	if (st != ST_OK)
		return st == ST_NOT_FOUND ? ST_OK : st;
	st = judge(r, number, kind, scrub, stained);
	for (size_t i = 0; i < chains.n && st == ST_OK; i++)
		st = follow(r, chains.chain[i].page, chains.chain[i].bytes,
		    scrub, stained);
	return st;
}

enum status
driver_sqlite_raw_sync(struct raw *r)
{
	int rc = r->file->pMethods->xSync(r->file, SQLITE_SYNC_FULL);

	return rc == SQLITE_OK ? ST_OK : ST_IO;
}

enum status
driver_sqlite_raw_log(struct store *s, uint64_t *bytes)
{
	struct sqlite3_file *log = NULL;
	sqlite3_int64 size = 0;

	*bytes = 0;
	if (sqlite3_file_control(
		s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK)
		return ST_INTERNAL;
	if (log == NULL || log->pMethods == NULL)
		return ST_OK;
	if (log->pMethods->xFileSize(log, &size) != SQLITE_OK)
		return ST_IO;
	*bytes = (uint64_t)size;
	return ST_OK;
}
