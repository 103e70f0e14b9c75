#include "net/peer.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADDRESSES 5000

static union peer_address
address(const char *text)
{
	union peer_address a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
		a.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
		a.sa.sa_family = AF_INET6;
	else
		fail();
	return a;
}

static void
assert_shown(const char *text, const char *shown)
{
	union peer_address a = address(text);
	char out[48];

	peer_text(&a, out, sizeof(out));
	assert_string_equal(out, shown);
}

static void
only_the_prefix_of_an_address_is_shown(void **state)
{
	union peer_address none;
	char out[48];

	(void)state;
	assert_shown("192.0.2.217", "192.0.2.0/24");
	assert_shown("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48");
	assert_shown("2001:db8::1", "2001:db8::/48");
	assert_shown("::ffff:192.0.2.217", "192.0.2.0/24");
	assert_shown("::1", "::/48");
	memset(&none, 0, sizeof(none));
	peer_text(&none, out, sizeof(out));
	assert_string_equal(out, "-");
}

static bool
same(const char *a, const char *b)
{
	union peer_address x = address(a), y = address(b);

	return peer_key(&x) == peer_key(&y);
}

static void
v4_counts_by_address_and_v6_by_64_bits(void **state)
{
	(void)state;
	assert_false(same("192.0.2.1", "192.0.2.2"));
	assert_true(same("192.0.2.1", "::ffff:192.0.2.1"));
	assert_true(same("2001:db8::1", "2001:db8::ffff:1"));
	assert_false(same("2001:db8::1", "2001:db8:0:1::1"));
	assert_false(same("::1", "0.0.0.1"));
}

static void
a_key_has_its_limit_and_others_theirs(void **state)
{
	struct peer_table *t = peer_table_new(8);

	(void)state;
	assert_non_null(t);
	assert_true(peer_table_enter(t, 1, 2));
	assert_true(peer_table_enter(t, 1, 2));
	assert_false(peer_table_enter(t, 1, 2));
	assert_true(peer_table_enter(t, 2, 2));
	peer_table_leave(t, 1);
	assert_true(peer_table_enter(t, 1, 2));
	assert_false(peer_table_enter(t, 1, 2));
	peer_table_free(t);
}

/* Against plain counters, in an order that looks random but is not. */
static void
counts_stay_right_as_peers_come_and_go(void **state)
{
	struct peer_table *t = peer_table_new(ADDRESSES);
	static unsigned counts[ADDRESSES];
	uint64_t x = 1;
	unsigned open = 0;

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < 200000; i++) {
		size_t k;

		x = x * UINT64_C(6364136223846793005) + 1;
		k = (size_t)(x >> 33) % ADDRESSES;
		if ((x >> 62 & 1) != 0 && open < ADDRESSES) {
			bool in = peer_table_enter(t, k << 20, 3);

			assert_int_equal(in, counts[k] < 3);
			counts[k] += in;
			open += in;
		} else if (counts[k] > 0) {
			peer_table_leave(t, k << 20);
			counts[k]--;
			open--;
		}
	}
	for (size_t k = 0; k < ADDRESSES; k++) {
		for (; counts[k] > 0; counts[k]--)
			peer_table_leave(t, k << 20);
	}
	/* Empty again: room for as many as at the start. */
	for (uint64_t k = 0; k < ADDRESSES; k++)
		assert_true(peer_table_enter(t, k, 1));
	peer_table_free(t);
	peer_table_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_prefix_of_an_address_is_shown),
		cmocka_unit_test(v4_counts_by_address_and_v6_by_64_bits),
		cmocka_unit_test(a_key_has_its_limit_and_others_theirs),
		cmocka_unit_test(counts_stay_right_as_peers_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
