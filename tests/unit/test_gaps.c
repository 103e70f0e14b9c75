/* What belongs to something in pages that were made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "keeper/gaps.h"

#define SIZE 512

struct page {
	struct gaps_file file;
	unsigned char b[SIZE], used[SIZE];
	size_t n_chains;
	uint32_t chain;
	uint64_t chain_bytes;
};

static void
put_two(unsigned char *at, size_t n)
{
	at[0] = (unsigned char)(n >> 8);
	at[1] = (unsigned char)n;
}

/* A leaf of a table with two rows of four bytes, "abcd" at 500 and "wxyz" at
 * 480; between them a free block of 10 at 486 and a fragment of 2. */
static struct page
leaf(void)
{
	static const unsigned char one[] = { 4, 1, 'a', 'b', 'c', 'd' };
	static const unsigned char two[] = { 4, 2, 'w', 'x', 'y', 'z' };
	struct page p = { .file = { .page_size = SIZE, .usable = SIZE } };

	p.b[0] = 13;
	put_two(p.b + 1, 486);
	put_two(p.b + 3, 2);
	put_two(p.b + 5, 480);
	p.b[7] = 2;
	put_two(p.b + 8, 506);
	put_two(p.b + 10, 480);
	memcpy(p.b + 506, one, sizeof(one));
	memcpy(p.b + 480, two, sizeof(two));
	put_two(p.b + 488, 18); /* the block's size; none is next */
	return p;
}

static void
note(void *arg, uint32_t page, uint64_t bytes)
{
	struct page *p = arg;

	p->n_chains++;
	p->chain = page;
	p->chain_bytes = bytes;
}

static bool
tree(struct page *p)
{
	return gaps_tree(p->b, &p->file, 2, p->used, note, p);
}

static size_t
stains(struct page *p)
{
	assert_true(tree(p));
	gaps_excuse_tree(p->b, &p->file, 2, p->used);
	return gaps_count(p->b, &p->file, p->used);
}

static void
a_clean_page_has_rows_pointers_and_a_block(void **state)
{
	struct page p = leaf();
	size_t n = 0;

	(void)state;
	assert_true(tree(&p));
	for (size_t i = 0; i < SIZE; i++)
		n += p.used[i];
	assert_int_equal(n, 8 + 4 + 6 + 6 + 4);
	assert_int_equal(gaps_count(p.b, &p.file, p.used), 0);
	assert_int_equal(stains(&p), 0);
}

/* proves: R44 */
static void
what_stands_in_the_gap_or_in_a_block_is_a_stain(void **state)
{
	static const size_t at[] = { 200, 400, 476, 492, 498 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct page p = leaf();

		memcpy(p.b + at[i], "INVO", 4);
		assert_in_range(stains(&p), 3, 4); /* 00 00 00 I: a head? */
	}
}

static void
where_cells_and_blocks_were_is_no_stain(void **state)
{
	struct page p = leaf();

	(void)state;
	put_two(p.b + 12, 500); /* behind the pointers */
	put_two(p.b + 14, 470);
	put_two(p.b + 300, 400); /* a block's head: next, size */
	put_two(p.b + 302, 60);
	put_two(p.b + 351, 0);
	put_two(p.b + 353, 33);
	assert_int_equal(stains(&p), 0);
	assert_true(tree(&p));
	assert_true(gaps_count(p.b, &p.file, p.used) > 0);
}

static void
a_fragment_is_no_stain_and_four_bytes_are_none(void **state)
{
	struct page p = leaf();

	(void)state;
	put_two(p.b + 488, 17); /* so that 503 to 505 are a fragment */
	memcpy(p.b + 503, "INV", 3);
	assert_int_equal(stains(&p), 3); /* together with its block */
	p = leaf();
	put_two(p.b + 1, 0);
	put_two(p.b + 8, 489);
	memcpy(p.b + 489, "\4\1abcd", 6);
	memset(p.b + 495, 0, 17);
	memcpy(p.b + 486, "INV", 3);
	assert_int_equal(stains(&p), 0);
}

static void
a_row_that_goes_on_elsewhere_is_followed(void **state)
{
	struct page p = leaf(), last = { .file = p.file };
	uint64_t left = 600;
	uint32_t next;

	(void)state;
	memset(p.b, 0, SIZE);
	p.b[0] = 13;
	put_two(p.b + 3, 1);
	put_two(p.b + 5, 400);
	put_two(p.b + 8, 400);
	/* A row of 600 bytes: 39 + (600 - 39) % 508 = 92 are here. */
	memcpy(p.b + 400, "\x84\x58\1", 3);
	memset(p.b + 403, 'r', 92);
	p.b[498] = 77;
	assert_int_equal(stains(&p), 0);
	assert_int_equal(p.n_chains, 1);
	assert_true(p.chain == 77 && p.chain_bytes == 508);
	left = 100;
	memset(last.b + 4, 'r', 100);
	assert_true(gaps_overflow(last.b, &last.file, &left, &next, last.used));
	assert_true(left == 0 && next == 0);
	assert_int_equal(gaps_count(last.b, &last.file, last.used), 0);
	last.b[104] = 'r';
	assert_int_equal(gaps_count(last.b, &last.file, last.used), 1);
	left = 700;
	assert_false(
	    gaps_overflow(last.b, &last.file, &left, &next, last.used));
}

static void
a_free_page_is_all_zeros(void **state)
{
	struct page p = leaf();

	(void)state;
	gaps_free(&p.file, p.used);
	assert_true(gaps_count(p.b, &p.file, p.used) > 12);
	memset(p.b, 0, SIZE);
	assert_int_equal(gaps_count(p.b, &p.file, p.used), 0);
}

static void
a_trunk_lists_pages_and_listed_others(void **state)
{
	struct page p = { .file = { .page_size = SIZE, .usable = SIZE } };
	uint32_t next, n;

	(void)state;
	p.b[3] = 9;
	p.b[7] = 2;
	p.b[11] = 5;
	p.b[15] = 6;
	p.b[19] = 7; /* it did */
	memcpy(p.b + 60, "INVO", 4);
	assert_true(gaps_trunk(p.b, &p.file, &next, &n, p.used));
	assert_true(next == 9 && n == 2);
	assert_int_equal(gaps_count(p.b, &p.file, p.used), 5);
	gaps_excuse_trunk(p.b, &p.file, 10, p.used);
	assert_int_equal(gaps_count(p.b, &p.file, p.used), 4);
	p.b[6] = 1;
	assert_false(gaps_trunk(p.b, &p.file, &next, &n, p.used));
}

static void
what_is_no_sound_page_is_said(void **state)
{
	struct page p = leaf();

	(void)state;
	p.b[0] = 7;
	assert_false(tree(&p));
	p = leaf();
	put_two(p.b + 3, 300); /* more pointers than there is room */
	assert_false(tree(&p));
	p = leaf();
	put_two(p.b + 8, 510); /* a row beyond the end */
	assert_false(tree(&p));
	p = leaf();
	put_two(p.b + 8, 480); /* two rows in one place */
	assert_false(tree(&p));
	p = leaf();
	put_two(p.b + 1, 482); /* a block in a row */
	assert_false(tree(&p));
	p = leaf();
	put_two(p.b + 486, 486); /* a block behind itself */
	assert_false(tree(&p));
}

static void
a_head_says_how_the_file_is_laid_out(void **state)
{
	unsigned char head[GAPS_HEAD] = "SQLite format 3";
	struct gaps_file f;

	(void)state;
	put_two(head + 16, 4096);
	head[20] = 8;
	head[35] = 3;
	head[39] = 4;
	assert_true(gaps_file(head, &f));
	assert_true(f.page_size == 4096 && f.usable == 4088);
	assert_true(f.trunk == 3 && f.free == 4);
	put_two(head + 16, 1);
	assert_true(gaps_file(head, &f));
	assert_true(f.page_size == GAPS_PAGE);
	put_two(head + 16, 4095);
	assert_false(gaps_file(head, &f));
	put_two(head + 16, 256);
	assert_false(gaps_file(head, &f));
	put_two(head + 16, 4096);
	head[55] = 2; /* it vacuums itself */
	assert_false(gaps_file(head, &f));
	head[55] = 0;
	head[0] = 's';
	assert_false(gaps_file(head, &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_page_has_rows_pointers_and_a_block),
		cmocka_unit_test(
		    what_stands_in_the_gap_or_in_a_block_is_a_stain),
		cmocka_unit_test(where_cells_and_blocks_were_is_no_stain),
		cmocka_unit_test(
		    a_fragment_is_no_stain_and_four_bytes_are_none),
		cmocka_unit_test(a_row_that_goes_on_elsewhere_is_followed),
		cmocka_unit_test(a_free_page_is_all_zeros),
		cmocka_unit_test(a_trunk_lists_pages_and_listed_others),
		cmocka_unit_test(what_is_no_sound_page_is_said),
		cmocka_unit_test(a_head_says_how_the_file_is_laid_out),
	};

	return cmocka_run_group_tests_name("gaps", tests, NULL, NULL);
}
