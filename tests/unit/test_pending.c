/* edge/pending.c: tags name one use of one place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge/pending.h"

static void
an_entry_comes_back_once(void **state)
{
	struct pending *p = pending_new(4);
	struct pending_put in = { .exchange = 42, .merchant = 3 }, out;
	uint64_t tag;

	(void)state;
	assert_true(pending_add(p, &in, &tag));
	assert_true(pending_take(p, tag, &out));
	assert_int_equal(out.exchange, 42);
	assert_int_equal(out.merchant, 3);
	assert_false(pending_take(p, tag, &out));
	pending_free(p);
}

static void
a_full_table_refuses(void **state)
{
	struct pending *p = pending_new(3);
	struct pending_put put = { .exchange = 1 };
	uint64_t tag[4];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(pending_add(p, &put, &tag[i]));
	assert_false(pending_add(p, &put, &tag[3]));
	assert_true(pending_take(p, tag[1], &put));
	assert_true(pending_add(p, &put, &tag[3]));
	assert_int_not_equal(tag[3], tag[1]);
	pending_free(p);
}

static void
a_tag_nobody_was_given_finds_nothing(void **state)
{
	struct pending *p = pending_new(3);
	struct pending_put put = { .exchange = 1 };
	uint64_t tag;

	(void)state;
	assert_false(pending_take(p, 0, &put));
	assert_false(pending_take(p, UINT64_MAX, &put));
	assert_true(pending_add(p, &put, &tag));
	assert_false(pending_take(p, tag + ((uint64_t)1 << 32), &put));
	assert_false(pending_take(p, tag ^ 2, &put));
	assert_true(pending_take(p, tag, &put));
	assert_false(pending_take(p, tag + ((uint64_t)1 << 32), &put));
	pending_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_comes_back_once),
		cmocka_unit_test(a_full_table_refuses),
		cmocka_unit_test(a_tag_nobody_was_given_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
