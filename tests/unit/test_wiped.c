/*
 * What goes through the wiping allocator leaves nothing when it is given
 * back, by our own hand and by each library's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "asker/reading.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/wiped.h"
#include "client/client.h"
#include "keeper/driver_sqlite.h"
#include "marks.h"

#define BLOCK 1000
#define AT    500 /* beyond what free() writes into a block */

/* ---- our own hand */

static void
a_block_has_the_size_that_was_asked_for_and_keeps_what_it_holds(void **state)
{
	char *p = wiped_calloc(3, 5);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < 15; i++)
		assert_int_equal(p[i], 0);
	assert_true(wiped_size(p) >= 15);
	memcpy(p, "from here on", 13);
	p = wiped_realloc(p, 100000);
	assert_non_null(p);
	assert_string_equal(p, "from here on");
	p = wiped_realloc(p, 5);
	assert_non_null(p);
	assert_memory_equal(p, "from ", 5);
	assert_null(wiped_realloc(p, 0));
	p = wiped_realloc(NULL, 7);
	assert_non_null(p);
	wiped_free(p);
	p = wiped_strdup("a text");
	assert_string_equal(p, "a text");
	wiped_free(p);
	wiped_free(NULL);
	assert_int_equal(wiped_size(NULL), 0);
}

#if !MARKS_SANITIZED

static size_t
left_by(void (*give_back)(void *p), void *p)
{
	struct mark m;

	assert_non_null(p);
	mark_make(&m);
	mark_write(&m, (char *)p + AT);
	assert_int_equal(mark_count(&m), MARK_PIECES);
	give_back(p);
	return mark_count(&m);
}

static void
a_block_that_is_freed_leaves_nothing(void **state)
{
	(void)state;
	assert_int_equal(left_by(free, malloc(BLOCK)), MARK_PIECES);
	assert_int_equal(left_by(wiped_free, wiped_malloc(BLOCK)), 0);
	assert_int_equal(left_by(wiped_free, malloc(BLOCK)), 0);
	assert_int_equal(left_by(wiped_free, wiped_malloc(1 << 20)), 0);
}

static void
grow_wiped(void *p)
{
	void *more = wiped_realloc(p, 20 * (size_t)BLOCK);

	assert_non_null(more);
	secret_wipe(more, 20 * (size_t)BLOCK);
	free(more);
}

/* realloc() that finds no room behind the block. */
static void
grow(void *p)
{
	void *more = malloc(20 * (size_t)BLOCK);

	assert_non_null(more);
	memcpy(more, p, BLOCK);
	free(p);
	secret_wipe(more, 20 * (size_t)BLOCK);
	free(more);
}

static void
a_block_that_grows_leaves_nothing_where_it_was(void **state)
{
	(void)state;
	assert_int_equal(left_by(grow, malloc(BLOCK)), MARK_PIECES);
	assert_int_equal(left_by(grow_wiped, wiped_malloc(BLOCK)), 0);
}

/* ---- libraries */

static void
ssl_free(void *p)
{
	OPENSSL_free(p);
}

static void
ssl_grow(void *p)
{
	void *more = OPENSSL_realloc(p, 20 * BLOCK);

	assert_non_null(more);
	secret_wipe(more, 20 * (size_t)BLOCK);
	OPENSSL_free(more);
}

static void
what_openssl_gives_back_is_wiped(void **state)
{
	(void)state;
	assert_int_equal(left_by(ssl_free, OPENSSL_malloc(BLOCK)), 0);
	assert_int_equal(left_by(ssl_free, OPENSSL_zalloc(BLOCK)), 0);
	assert_int_equal(left_by(ssl_grow, OPENSSL_malloc(BLOCK)), 0);
}

static void
what_libevent_gives_back_is_wiped(void **state)
{
	struct evbuffer *b;
	struct loop *l;
	struct mark m;
	char text[MARK];

	(void)state;
	mark_make(&m);
	assert_int_equal(loop_new(&l, NULL), ST_OK);
	b = evbuffer_new();
	assert_non_null(b);
	mark_write(&m, text);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(evbuffer_add(b, text, MARK), 0);
	secret_wipe(text, sizeof(text));
	assert_true(mark_count(&m) >= 1000 * MARK_PIECES / 2);
	evbuffer_free(b);
	assert_int_equal(mark_count(&m), 0);
	loop_free(l);
}

static void
what_sqlite_gives_back_is_wiped(void **state)
{
	sqlite3 *db;
	struct mark m;
	char text[MARK];

	(void)state;
	driver_sqlite_memory();
	assert_int_equal(left_by(sqlite3_free, sqlite3_malloc(BLOCK)), 0);
	mark_make(&m);
	mark_write(&m, text);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	for (int i = 0; i < 2; i++) {
		sqlite3_stmt *q;

		assert_int_equal(sqlite3_prepare_v2(db,
				     i == 0 ? "SELECT replace(?, 'x', 'y')"
					    : "VALUES (upper(? || 'a'))",
				     -1, &q, NULL),
		    SQLITE_OK);
		assert_int_equal(
		    sqlite3_bind_text(q, 1, text, MARK, SQLITE_TRANSIENT),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(q), SQLITE_ROW);
		assert_true(mark_count(&m) > MARK_PIECES); /* text's own */
		assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
	}
	secret_wipe(text, sizeof(text));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(mark_count(&m), 0);
}

static void
what_jansson_gives_back_in_the_asker_is_wiped(void **state)
{
	static const unsigned char key[32];
	struct reading *r;
	struct mark m;
	char text[MARK];
	json_t *json;

	(void)state;
	mark_make(&m);
	assert_int_equal(reading_new(&r, key, NULL), ST_OK);
	mark_write(&m, text);
	json = json_stringn(text, MARK);
	secret_wipe(text, sizeof(text));
	assert_int_equal(mark_count(&m), MARK_PIECES);
	json_decref(json);
	assert_int_equal(mark_count(&m), 0);
	reading_free(r);
}

static void
what_libcurl_gives_back_is_wiped(void **state)
{
	struct client *c;
	struct loop *l;
	struct mark m;
	char text[MARK];
	char *escaped;

	(void)state;
	mark_make(&m);
	assert_int_equal(loop_new(&l, NULL), ST_OK);
	assert_int_equal(client_new(&c, l, NULL), ST_OK);
	mark_write(&m, text);
	escaped = curl_easy_escape(NULL, text, MARK);
	secret_wipe(text, sizeof(text));
	assert_non_null(escaped);
	assert_int_equal(mark_count(&m), MARK_PIECES);
	curl_free(escaped);
	assert_int_equal(mark_count(&m), 0);
	client_free(c);
	loop_free(l);
}

#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_block_has_the_size_that_was_asked_for_and_keeps_what_it_holds),
#if !MARKS_SANITIZED
		cmocka_unit_test(a_block_that_is_freed_leaves_nothing),
		cmocka_unit_test(
		    a_block_that_grows_leaves_nothing_where_it_was),
		cmocka_unit_test(what_openssl_gives_back_is_wiped),
		cmocka_unit_test(what_libevent_gives_back_is_wiped),
		cmocka_unit_test(what_sqlite_gives_back_is_wiped),
		cmocka_unit_test(what_jansson_gives_back_in_the_asker_is_wiped),
		cmocka_unit_test(what_libcurl_gives_back_is_wiped),
#endif
	};

	secret_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
