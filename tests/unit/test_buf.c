#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <malloc.h>
#include <cmocka.h>

#include "base/buf.h"

#define CANARY "payer-canary-payer-canary-payer-canary"

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* volatile: a compiler believes that free() changes no variable. */
static volatile int blocks_seen, blocks_dirty;

/* Look at a block at the moment in which it is given back. */
static void
look(const void *p, size_t n)
{
	if (p == NULL || blocks_seen < 0)
		return;
	blocks_seen++;
	if (memmem(p, n, "canary", 6) != NULL)
		blocks_dirty++;
}

#ifdef SANITIZED
int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *p, size_t n),
    void (*on_free)(const volatile void *p));
size_t __sanitizer_get_allocated_size(const volatile void *p);

static void
on_malloc(const volatile void *p, size_t n)
{
	(void)p;
	(void)n;
}

static void
on_free(const volatile void *p)
{
	if (p != NULL && blocks_seen >= 0)
		look((const void *)(uintptr_t)p,
		    __sanitizer_get_allocated_size(p));
}

static void
hook(void)
{
	(void)__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}
#else
void __libc_free(void *p);

/* In the place of the C library's for this program. */
void
free(void *p)
{
	look(p, malloc_usable_size(p));
	__libc_free(p);
}

static void
hook(void)
{
}
#endif

/* valgrind has a free() of its own, which nobody can look into. */
static bool
blind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

static void
watch(void)
{
	if (blind())
		skip();
	blocks_seen = 0;
	blocks_dirty = 0;
}

static void
unwatch(void)
{
	blocks_seen = -1;
}

/* ---- appending */

static void
appends_join_and_end_in_a_nul(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_append(&b, "ab", 2);
	buf_append_text(&b, "cd");
	buf_printf(&b, "%d-%s", 12, "ef");
	assert_int_equal(buf_status(&b), ST_OK);
	assert_int_equal(buf_bytes(&b).len, 9);
	assert_string_equal((char *)b.data, "abcd12-ef");
	buf_fini(&b);
}

static void
an_empty_append_makes_an_empty_text(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_null(b.data);
	assert_int_equal(buf_bytes(&b).len, 0);
	buf_append(&b, NULL, 0);
	assert_int_equal(buf_status(&b), ST_OK);
	assert_string_equal((char *)b.data, "");
	buf_printf(&b, "%s", "");
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
content_survives_growth(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "%05d", i % 100000);
	assert_int_equal(buf_status(&b), ST_OK);
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 20000; i++) {
		char want[12];

		snprintf(want, sizeof(want), "%05d", i);
		assert_memory_equal(b.data + 5 * i, want, 5);
	}
	assert_int_equal(b.data[b.len], 0);
	buf_fini(&b);
}

/* ---- the ceiling */

static void
the_ceiling_itself_can_be_reached(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_append_text(&b, "12345");
	assert_int_equal(buf_status(&b), ST_OK);
	assert_string_equal((char *)b.data, "12345");
	buf_append(&b, "6", 1);
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_fini(&b);
}

static void
what_passes_the_ceiling_changes_nothing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_append_text(&b, "abc");
	buf_append_text(&b, "def");
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	assert_string_equal((char *)b.data, "abc");
	/* it would fit, but a hole in the text is worse than an end */
	buf_append_text(&b, "g");
	buf_printf(&b, "%s", "h");
	assert_string_equal((char *)b.data, "abc");
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_fini(&b);
}

static void
a_printed_text_keeps_to_the_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_printf(&b, "%s", "12345678");
	assert_int_equal(buf_status(&b), ST_OK);
	buf_reset(&b);
	buf_printf(&b, "%s", "123456789");
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
an_enormous_length_is_refused_without_overflow(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_append_text(&b, "abc");
	buf_append(&b, "x", SIZE_MAX);
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_reset(&b);
	buf_append(&b, "x", SIZE_MAX - 1);
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_fini(&b);
}

#ifndef SANITIZED /* there it is the end of the process */
static void
memory_that_nobody_has_is_a_status(void **state)
{
	struct buf b;
	char byte = 'x';

	(void)state;
	if (blind())
		skip(); /* valgrind calls such a size an error */
	buf_init(&b, SIZE_MAX);
	buf_append_text(&b, "abc");
	buf_append(&b, &byte, SIZE_MAX / 2 + 2);
	assert_int_equal(buf_status(&b), ST_NO_MEMORY);
	assert_string_equal((char *)b.data, "abc");
	buf_reset(&b);
	buf_append(&b, &byte, SIZE_MAX);
	assert_int_equal(buf_status(&b), ST_NO_MEMORY);
	buf_fini(&b);
}
#endif

static void
a_reset_forgets_the_failure(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	buf_append_text(&b, "abcd");
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_reset(&b);
	assert_int_equal(buf_status(&b), ST_OK);
	buf_append_text(&b, "abc");
	assert_int_equal(buf_status(&b), ST_OK);
	buf_fini(&b);
}

/* ---- wiping */

static void
a_reset_wipes_the_content(void **state)
{
	struct buf b;
	size_t cap;

	(void)state;
	buf_init(&b, 4096);
	buf_append_text(&b, CANARY);
	cap = b.cap;
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, cap);
	for (size_t i = 0; i < sizeof(CANARY); i++)
		assert_int_equal(b.data[i], 0);
	buf_fini(&b);
}

static void
the_end_wipes_the_block(void **state)
{
	struct buf b;

	(void)state;
	watch();
	buf_init(&b, 4096);
	buf_append_text(&b, CANARY);
	buf_fini(&b);
	assert_int_equal(blocks_seen, 1);
	assert_int_equal(blocks_dirty, 0);
	unwatch();
}

static void
growth_wipes_the_block_it_leaves(void **state)
{
	struct buf b;

	(void)state;
	watch();
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 1000; i++)
		buf_append_text(&b, CANARY);
	assert_true(blocks_seen >= 3);
	assert_int_equal(blocks_dirty, 0);
	buf_fini(&b);
	assert_int_equal(blocks_dirty, 0);
	unwatch();
}

static void
the_watch_on_free_sees_a_dirty_block(void **state)
{
	char *p;

	(void)state;
	watch();
	p = strdup(CANARY);
	assert_non_null(p);
	free(p);
	assert_int_equal(blocks_dirty, 1);
	unwatch();
}

static void
an_ended_buffer_is_empty_and_keeps_its_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_append_text(&b, "abcde");
	buf_fini(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
	assert_int_equal(buf_status(&b), ST_OK);
	buf_append_text(&b, "abcd");
	assert_int_equal(buf_status(&b), ST_OK);
	buf_append_text(&b, "e");
	assert_int_equal(buf_status(&b), ST_BAD_INPUT);
	buf_fini(&b);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_join_and_end_in_a_nul),
		cmocka_unit_test(an_empty_append_makes_an_empty_text),
		cmocka_unit_test(content_survives_growth),
		cmocka_unit_test(the_ceiling_itself_can_be_reached),
		cmocka_unit_test(what_passes_the_ceiling_changes_nothing),
		cmocka_unit_test(a_printed_text_keeps_to_the_ceiling),
		cmocka_unit_test(
		    an_enormous_length_is_refused_without_overflow),
		cmocka_unit_test(a_reset_forgets_the_failure),
		cmocka_unit_test(a_reset_wipes_the_content),
#ifndef SANITIZED
		cmocka_unit_test(memory_that_nobody_has_is_a_status),
#endif
		cmocka_unit_test(the_watch_on_free_sees_a_dirty_block),
		cmocka_unit_test(the_end_wipes_the_block),
		cmocka_unit_test(growth_wipes_the_block_it_leaves),
		cmocka_unit_test(
		    an_ended_buffer_is_empty_and_keeps_its_ceiling),
	};

	unwatch();
	hook();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
