/*
 * What a page of an SQLite file holds beside what belongs to something.  Rows
 * that are gone can go on there, although SQLite overwrites what it deletes:
 * a page that is built anew keeps old cells in its gap.
 *
 * From the file format alone; pure, and never reads outside of a page,
 * whatever it holds.  https://www.sqlite.org/fileformat2.html
 */
#ifndef KEEPER_GAPS_H
#define KEEPER_GAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GAPS_HEAD 100	/* bytes that a file begins with */
#define GAPS_PAGE 65536 /* the largest page */

struct gaps_file {
	uint32_t page_size;
	uint32_t usable; /* bytes of each page */
	uint32_t trunk;	 /* the free list's first page, 0: there is none */
	uint32_t free;	 /* pages in it */
};

/* false: no file that can be looked through, as far as its head says. */
bool gaps_file(const unsigned char head[GAPS_HEAD], struct gaps_file *out);

/* A row goes on for so many bytes in the pages of a chain. */
typedef void gaps_chain_fn(void *arg, uint32_t page, uint64_t bytes);

/*
 * These say of each byte of a page whether it belongs to something: used has
 * page_size bytes, 1 or 0.  false: the page is none of this kind, and used
 * says nothing.
 */

/* A page of a table or an index; number: of the page, from 1. */
bool gaps_tree(const unsigned char *page, const struct gaps_file *f,
    uint32_t number, unsigned char *used, gaps_chain_fn *chain, void *arg);

/* A page that lists free pages: n of them, big-endian, from byte 8 on. */
bool gaps_trunk(const unsigned char *page, const struct gaps_file *f,
    uint32_t *next, uint32_t *n, unsigned char *used);

/* A free page, which should be all zeros. */
void gaps_free(const struct gaps_file *f, unsigned char *used);

/* A page of a chain with *left bytes to come. */
bool gaps_overflow(const unsigned char *page, const struct gaps_file *f,
    uint64_t *left, uint32_t *next, unsigned char *used);

/* Count as used, too (2 instead of 1), what SQLite itself leaves behind and
 * what is no data: where cells were (old entries of the pointer array, behind
 * it), heads of old free blocks, fragments of up to three bytes; in a trunk,
 * pages that it listed.  Text cannot look like it in pages of up to 8 KiB. */
void gaps_excuse_tree(const unsigned char *page, const struct gaps_file *f,
    uint32_t number, unsigned char *used);
void gaps_excuse_trunk(const unsigned char *page, const struct gaps_file *f,
    uint64_t pages, unsigned char *used);

/* How many bytes belong to nothing and are not zero. */
size_t gaps_count(const unsigned char *page, const struct gaps_file *f,
    const unsigned char *used);

/* A number of four bytes, as pages hold it. */
uint32_t gaps_number(const unsigned char *p);

#endif
