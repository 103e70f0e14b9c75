#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "desk/once.h"

#define SECOND INT64_C(1000000)
#define NOW    (INT64_C(1000000) * SECOND)
#define BODY   "{\"state\":\"pending\"}"

static struct once *once;
static int status;
static struct bytes body;

static int
set_up(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(once_new(&once, &e), ST_OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	once_free(once);
	return 0;
}

static enum once_verdict
begin(size_t token, const char *key, const char *request, exchange_id id,
    int64_t now_us)
{
	return once_begin(once, token, bytes_of(key), bytes_of(request), id,
	    now_us, &status, &body);
}

/* Asked for under this key and answered. */
static void
done(const char *key, exchange_id id, int with, const char *text)
{
	assert_int_equal(begin(0, key, "/a?", id, NOW), ONCE_NEW);
	once_answered(once, id, with, bytes_of(text));
}

static void
the_first_answer_is_given_again(void **state)
{
	(void)state;
	done("k", 1, 202, BODY);
	for (exchange_id id = 2; id < 5; id++) {
		assert_int_equal(begin(0, "k", "/a?", id, NOW), ONCE_REPLAY);
		assert_int_equal(status, 202);
		assert_true(bytes_is(body, BODY));
		/* What is answered with it counts for nothing. */
		once_answered(once, id, 500, bytes_of("other"));
	}
}

static void
an_answer_may_have_no_body(void **state)
{
	(void)state;
	assert_int_equal(begin(0, "k", "/a?", 1, NOW), ONCE_NEW);
	once_answered(once, 1, 204, bytes_make(NULL, 0));
	assert_int_equal(begin(0, "k", "/a?", 2, NOW), ONCE_REPLAY);
	assert_true(status == 204 && body.len == 0);
}

static void
quotes_around_a_key_mean_nothing(void **state)
{
	(void)state;
	done("\"k 1\"", 1, 200, BODY);
	assert_int_equal(begin(0, "k 1", "/a?", 2, NOW), ONCE_REPLAY);
	assert_int_equal(begin(0, "k", "/a?", 2, NOW), ONCE_NEW);
}

static void
what_is_being_done_is_not_done_twice(void **state)
{
	(void)state;
	assert_int_equal(begin(0, "k", "/a?", 1, NOW), ONCE_NEW);
	assert_int_equal(begin(0, "k", "/a?", 2, NOW), ONCE_RUNNING);
	once_answered(once, 2, 409, bytes_of("in use"));
	assert_int_equal(begin(0, "k", "/a?", 3, NOW), ONCE_RUNNING);
	once_answered(once, 1, 200, bytes_of(BODY));
	assert_int_equal(begin(0, "k", "/a?", 4, NOW), ONCE_REPLAY);
}

static void
a_key_stands_for_one_request(void **state)
{
	(void)state;
	assert_int_equal(begin(0, "k", "/a?", 1, NOW), ONCE_NEW);
	assert_int_equal(begin(0, "k", "/a?x", 2, NOW), ONCE_REUSED);
	once_answered(once, 1, 200, bytes_of(BODY));
	assert_int_equal(begin(0, "k", "/b?", 3, NOW), ONCE_REUSED);
	assert_int_equal(begin(0, "k", "/a?", 4, NOW), ONCE_REPLAY);
}

static void
each_token_has_keys_of_its_own(void **state)
{
	(void)state;
	done("k", 1, 200, BODY);
	assert_int_equal(begin(1, "k", "/a?", 2, NOW), ONCE_NEW);
	/* Whatever is in a key: token 1 has 11. */
	assert_int_equal(begin(1, "1 k", "/a?", 3, NOW), ONCE_NEW);
	assert_int_equal(begin(11, "k", "/a?", 4, NOW), ONCE_NEW);
}

static void
a_day_later_a_key_is_new(void **state)
{
	const int64_t day = ONCE_DAY_S * SECOND;

	(void)state;
	done("k", 1, 200, BODY);
	assert_int_equal(begin(0, "k", "/a?", 2, NOW + day - 1), ONCE_REPLAY);
	assert_int_equal(begin(0, "k", "/b?", 3, NOW + day), ONCE_NEW);
}

/* "Not now" is no answer: the next one counts. */
static void
a_request_that_came_to_nothing_may_be_sent_again(void **state)
{
	static const int nothing[] = { 429, 500, 503 };
	static const int something[] = { 200, 202, 404, 409, 410 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		done("k", i + 1, nothing[i], "later");
		assert_int_equal(begin(0, "k", "/a?", 9, NOW), ONCE_NEW);
		once_answered(once, 9, 503, bytes_of("later"));
	}
	for (size_t i = 0; i < ARRAY_LEN(something); i++) {
		char key[8];

		(void)snprintf(key, sizeof(key), "k%zu", i);
		done(key, 20 + i, something[i], BODY);
		assert_int_equal(begin(0, key, "/a?", 90, NOW), ONCE_REPLAY);
		assert_int_equal(status, something[i]);
	}
}

static void
what_cannot_be_a_key_is_refused(void **state)
{
	static const char *const bad[] = { "", "\"\"", "\"", "a\"b", "\"a\"b\"",
		"a\\b", "a\tb", "\xc3\xa9" };
	char longest[ONCE_KEY + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(begin(0, bad[i], "/a?", 1, NOW), ONCE_BAD);
	memset(longest, 'k', sizeof(longest));
	longest[ONCE_KEY + 1] = '\0';
	assert_int_equal(begin(0, longest, "/a?", 1, NOW), ONCE_BAD);
	longest[ONCE_KEY] = '\0';
	assert_int_equal(begin(0, longest, "/a?", 1, NOW), ONCE_NEW);
}

static void
the_oldest_keys_go_first(void **state)
{
	char key[16];

	(void)state;
	for (exchange_id i = 1; i <= ONCE_MOST; i++) {
		(void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
		done(key, i, 200, BODY);
	}
	assert_int_equal(begin(0, "k1", "/a?", 9999, NOW), ONCE_REPLAY);
	done("one more", ONCE_MOST + 1, 200, BODY);
	assert_int_equal(begin(0, "k2", "/a?", 9999, NOW), ONCE_REPLAY);
	assert_int_equal(begin(0, "k1", "/a?", 9999, NOW), ONCE_NEW);
}

static void
what_is_being_done_is_never_forgotten(void **state)
{
	char key[16];

	(void)state;
	assert_int_equal(begin(0, "slow", "/a?", 7, NOW), ONCE_NEW);
	for (exchange_id i = 1; i <= ONCE_MOST; i++) {
		(void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
		done(key, 100 + i, 200, BODY);
	}
	assert_int_equal(begin(0, "slow", "/a?", 9999, NOW), ONCE_RUNNING);
	once_answered(once, 7, 200, bytes_of(BODY));
	assert_int_equal(begin(0, "slow", "/a?", 9999, NOW), ONCE_REPLAY);
}

static void
when_all_places_are_being_used_there_is_none(void **state)
{
	char key[16];

	(void)state;
	for (exchange_id i = 1; i <= ONCE_MOST; i++) {
		(void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
		assert_int_equal(begin(0, key, "/a?", i, NOW), ONCE_NEW);
	}
	assert_int_equal(begin(0, "late", "/a?", 9999, NOW), ONCE_FULL);
	once_answered(once, 5, 200, bytes_of(BODY));
	assert_int_equal(begin(0, "late", "/a?", 9999, NOW), ONCE_NEW);
}

/* A POST's answer is short; a longer one is rather made again than kept. */
static void
an_answer_that_is_too_long_is_not_kept(void **state)
{
	static char text[4098];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	done("long", 1, 200, text);
	assert_int_equal(begin(0, "long", "/a?", 2, NOW), ONCE_NEW);
	once_answered(once, 2, 200, bytes_make(text, 4096));
	assert_int_equal(begin(0, "long", "/a?", 3, NOW), ONCE_REPLAY);
	assert_int_equal(body.len, 4096);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_first_answer_is_given_again),
		CASE(an_answer_may_have_no_body),
		CASE(quotes_around_a_key_mean_nothing),
		CASE(what_is_being_done_is_not_done_twice),
		CASE(a_key_stands_for_one_request),
		CASE(each_token_has_keys_of_its_own),
		CASE(a_day_later_a_key_is_new),
		CASE(a_request_that_came_to_nothing_may_be_sent_again),
		CASE(what_cannot_be_a_key_is_refused),
		CASE(the_oldest_keys_go_first),
		CASE(what_is_being_done_is_never_forgotten),
		CASE(when_all_places_are_being_used_there_is_none),
		CASE(an_answer_that_is_too_long_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
