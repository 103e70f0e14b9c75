/* Memory that is wiped as a whole, and Jansson in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "asker/arena.h"

#define CAP   (16 * 1024)
#define MOST  8000 /* values of a shape */
#define TEXT  (256 * 1024)
#define DEPTH 2000 /* Jansson's own bound is 2048 */

/* The first count for which a table has to grow. */
#define NINE_MEMBERS                                                        \
	"{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0," \
	"\"i\":0}"

static char text[TEXT];

static bool
is_zero(const struct arena *a)
{
	for (size_t i = 0; i < a->cap; i++) {
		if (a->memory[i] != 0)
			return false;
	}
	return true;
}

/* ---- blocks */

static void
blocks_are_aligned_and_apart(void **state)
{
	struct arena a;
	unsigned char *one, *two;

	(void)state;
	assert_int_equal(arena_init(&a, CAP), ST_OK);
	one = arena_take(&a, 1);
	two = arena_take(&a, 17);
	assert_int_equal((uintptr_t)one % 16, 0);
	assert_int_equal((uintptr_t)two % 16, 0);
	assert_true(two >= one + 1);
	assert_true((unsigned char *)arena_take(&a, 1) >= two + 17);
	arena_fini(&a);
}

static void
a_block_that_does_not_fit_is_none(void **state)
{
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, 40), ST_OK);
	assert_null(arena_take(&a, 41));
	assert_null(arena_take(&a, SIZE_MAX));
	assert_non_null(arena_take(&a, 40));
	assert_null(arena_take(&a, 1));
	assert_non_null(arena_take(&a, 0));
	arena_wipe(&a);
	assert_non_null(arena_take(&a, 33));
	assert_null(arena_take(&a, 8));
	arena_fini(&a);
}

/* ---- JSON */

static void
all_that_was_used_is_wiped(void **state)
{
	static const char answer[] =
	    "{\"status\":\"VALID\",\"element\":[{\"amount\":12.5},null],"
	    "\"a name that is long\":\"a value that is longer than it\"}";
	struct arena a;
	json_t *json;

	(void)state;
	assert_int_equal(arena_init(&a, CAP), ST_OK);
	for (size_t cut = 0; cut < 3; cut++) {
		json = arena_load(&a, bytes_make(answer, strlen(answer) - cut));
		assert_int_equal(json != NULL, cut == 0);
		assert_non_null(memmem(a.memory, a.used, "longer than", 11));
		memset(arena_take(&a, 100), 'x', 100);
		arena_wipe(&a);
		assert_true(is_zero(&a));
		assert_int_equal(a.used, 0);
	}
	arena_fini(&a);
}

/* What takes much memory for few bytes: first, then `each` n times with
 * commas, then last.  @, if there is one, is i. */
static struct bytes
shape(const char *first, const char *each, const char *last, unsigned n)
{
	size_t at = strlen(first);

	memcpy(text, first, at);
	for (unsigned i = 0; i < n && at + 1024 < sizeof(text); i++) {
		const char *gap = strchr(each, '@');
		int lead = gap == NULL ? (int)strlen(each) : (int)(gap - each);
		int len = snprintf(
		    text + at, 512, "%s%.*s", i > 0 ? "," : "", lead, each);

		at += (size_t)len;
		if (gap == NULL)
			continue;
		len = snprintf(text + at, 512, "%x%s", i, gap + 1);
		at += (size_t)len;
	}
	memcpy(text + at, last, strlen(last));
	return bytes_make(text, at + strlen(last));
}

/* In as much memory as arena_need() says, and in no byte less. */
static void
fits(struct bytes b)
{
	struct arena a;

	assert_int_equal(arena_init(&a, arena_need(b)), ST_OK);
	assert_non_null(arena_load(&a, b));
	assert_true(a.used <= a.cap);
	arena_wipe(&a);
	arena_fini(&a);
	assert_int_equal(arena_init(&a, arena_need(b) - 1), ST_OK);
	assert_null(arena_load(&a, b));
	assert_int_equal(a.used, 0);
	arena_fini(&a);
}

static void
what_is_said_to_be_needed_is_enough(void **state)
{
	static const char *const each[] = { "[]", "{}", "1", "-1.5e1", "\"\"",
		"null", "[1]", "[[]]", "{\"\":1}", "{\"a\":{}}",
		"{\"a\":[[],{}]}", "\"a text of some forty letters or so\"",
		"{\"a name of some forty letters or more\":{\"\":\"\"}}",
		"[[[],[]],[[],[]],[[],[]]]", "[[1,1,1,1,1,1,1,1,1]]",
		NINE_MEMBERS };
	static const char *const members[] = { "\"@\":1", "\"@\":{}",
		"\"@\":[]", "\"@\":\"\"", "\"@\":{\"\":{}}",
		"\"a name of some forty letters or more @\":\"\"",
		"\"@\":\"a text of some forty letters or so\"" };

	(void)state;
	fits(bytes_of("[]"));
	fits(bytes_of("{}"));
	for (unsigned n = 1; n <= MOST; n = n < 80 ? n + 1 : n * 2 - 31) {
		for (size_t i = 0; i < ARRAY_LEN(each); i++)
			fits(shape("[", each[i], "]", n));
		for (size_t i = 0; i < ARRAY_LEN(members); i++)
			fits(shape("{", members[i], "}", n));
	}
}

static void
one_long_token_and_deep_nesting_have_what_they_need(void **state)
{
	char *at = text;

	(void)state;
	for (size_t len = 8; len < sizeof(text); len += len / 7 + 1) {
		memset(text, 'x', len);
		memcpy(text, "[\"", 2);
		memcpy(text + len - 2, "\"]", 2);
		fits(bytes_make(text, len));
	}
	for (size_t len = 16; len < sizeof(text); len += len / 7 + 1) {
		memset(text, 'x', len);
		memcpy(text, "{\"", 2);
		memcpy(text + len - 4, "\":1}", 4);
		fits(bytes_make(text, len));
	}
	for (size_t i = 0; i < DEPTH; i++) {
		memcpy(at, "{\"\":", 4);
		at += 4;
	}
	*at++ = '0';
	memset(at, '}', DEPTH);
	fits(bytes_make(text, (size_t)(at - text) + DEPTH));
}

static void
what_is_no_json_of_ours_is_nothing(void **state)
{
	static const char *const bad[] = { "", "1", "\"x\"", "nul", "[1,]",
		"{\"a\":1,\"a\":1}", "[\"\\u0000\"]", "[\"\xc0\xaf\"]", "[]]",
		"[1e999]", "[\"\\ud800\"]", "[" };
	struct arena a;

	(void)state;
	assert_int_equal(arena_init(&a, CAP), ST_OK);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_null(arena_load(&a, bytes_of(bad[i])));
		arena_wipe(&a);
	}
	assert_null(arena_load(&a, bytes_make("[\0]", 3)));
	arena_wipe(&a);
	assert_non_null(arena_load(&a, bytes_of("[]")));
	arena_fini(&a);
}

static void
jansson_has_its_own_allocator_back(void **state)
{
	json_malloc_t was, now;
	json_free_t was_free, now_free;
	struct arena a;
	json_t *json;

	(void)state;
	json_get_alloc_funcs(&was, &was_free);
	assert_int_equal(arena_init(&a, CAP), ST_OK);
	json = arena_load(&a, bytes_of("[1]"));
	assert_true((unsigned char *)json >= a.memory &&
		    (unsigned char *)json < a.memory + a.used);
	json_get_alloc_funcs(&now, &now_free);
	assert_true(now == was && now_free == was_free);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_aligned_and_apart),
		cmocka_unit_test(a_block_that_does_not_fit_is_none),
		cmocka_unit_test(all_that_was_used_is_wiped),
		cmocka_unit_test(what_is_said_to_be_needed_is_enough),
		cmocka_unit_test(
		    one_long_token_and_deep_nesting_have_what_they_need),
		cmocka_unit_test(what_is_no_json_of_ours_is_nothing),
		cmocka_unit_test(jansson_has_its_own_allocator_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
