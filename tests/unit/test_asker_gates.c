/* What lets questions go, and when: rate, breaker and lock-out, as functions
 * of time; and the targets they go to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "asker/breaker.h"
#include "asker/lockout.h"
#include "asker/pace.h"
#include "asker/url.h"

#define SECOND INT64_C(1000000)
#define START  (77 * SECOND)

/* ---- rate */

/* Take whatever may be taken, looking every step_us. */
static int
taken_in(struct pace *p, int64_t from_us, int64_t for_us, int64_t step_us)
{
	int n = 0;

	for (int64_t now = from_us; now < from_us + for_us; now += step_us) {
		while (pace_next_us(p) <= now) {
			pace_take(p, now);
			n++;
		}
	}
	return n;
}

static void
a_second_lets_as_many_go_as_the_rate(void **state)
{
	static const int64_t rates[] = { 1, 3, 7, 50, 199 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		struct pace p;

		pace_init(&p, rates[i]);
		assert_int_equal(taken_in(&p, START, SECOND, 1), (int)rates[i]);
		assert_in_range(taken_in(&p, START + SECOND, 10 * SECOND, 10),
		    10 * rates[i] - 1, 10 * rates[i]);
	}
}

static void
they_go_evenly(void **state)
{
	struct pace p;

	(void)state;
	pace_init(&p, 50);
	assert_true(pace_next_us(&p) <= START);
	pace_take(&p, START);
	assert_int_equal(pace_next_us(&p), START + SECOND / 50);
	pace_take(&p, START + SECOND / 50 + 5);
	assert_int_equal(pace_next_us(&p), START + 2 * SECOND / 50 + 5);
}

static void
an_idle_hour_saves_up_no_more_than_the_burst(void **state)
{
	static const struct {
		int64_t rate;
		int burst;
	} cases[] = { { 1, 1 }, { 50, 1 }, { 100, 1 }, { 199, 1 }, { 200, 2 },
		{ 1000, 10 }, { 100000, 1000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pace p;

		pace_init(&p, cases[i].rate);
		assert_int_equal(taken_in(&p, START, 1, 1), cases[i].burst);
		assert_int_equal(
		    taken_in(&p, START + 3600 * SECOND, 1, 1), cases[i].burst);
	}
}

/* ---- breaker */

static void
fail_times(struct breaker *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_false(breaker_failed(b, false, START));
}

static struct breaker
opened(void)
{
	struct breaker b;

	breaker_init(&b, 99);
	fail_times(&b, BREAKER_FAILURES - 1);
	assert_true(breaker_failed(&b, false, START));
	return b;
}

static void
it_opens_after_failures_in_a_row(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 99);
	assert_int_equal(breaker_next_us(&b), 0);
	fail_times(&b, BREAKER_FAILURES - 1);
	assert_false(breaker_answered(&b));
	fail_times(&b, BREAKER_FAILURES - 1);
	assert_int_equal(breaker_next_us(&b), 0);
	assert_false(b.open);
	assert_true(breaker_failed(&b, false, START));
	assert_true(b.open);
	assert_in_range(breaker_next_us(&b), START + 2 * SECOND,
	    START + 2 * SECOND + SECOND / 5);
}

static void
one_probe_goes_and_its_answer_closes(void **state)
{
	struct breaker b = opened();

	(void)state;
	assert_true(breaker_take(&b));
	assert_int_equal(breaker_next_us(&b), INT64_MAX);
	assert_true(breaker_answered(&b));
	assert_int_equal(breaker_next_us(&b), 0);
	assert_false(breaker_take(&b));
	assert_false(breaker_answered(&b));
}

static void
each_failed_probe_doubles_the_gap_up_to_a_minute(void **state)
{
	static const int64_t gaps_s[] = { 4, 8, 16, 32, 60, 60, 60 };
	struct breaker b = opened();
	int64_t now = START;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(gaps_s); i++) {
		now = breaker_next_us(&b);
		assert_true(breaker_take(&b));
		now += SECOND;
		assert_false(breaker_failed(&b, true, now));
		assert_in_range(breaker_next_us(&b), now + gaps_s[i] * SECOND,
		    now + gaps_s[i] * SECOND * 11 / 10);
	}
	assert_true(breaker_answered(&b));
	fail_times(&b, BREAKER_FAILURES - 1);
	assert_true(breaker_failed(&b, false, START));
	assert_true(breaker_next_us(&b) <= START + 3 * SECOND);
}

static void
what_was_under_way_neither_counts_nor_ends_the_probe(void **state)
{
	struct breaker b = opened();
	int64_t until = breaker_next_us(&b);

	(void)state;
	assert_false(breaker_failed(&b, false, START + SECOND));
	assert_int_equal(breaker_next_us(&b), until);
	assert_true(breaker_take(&b));
	assert_false(breaker_failed(&b, false, until + SECOND));
	assert_int_equal(breaker_next_us(&b), INT64_MAX);
	assert_false(breaker_failed(&b, true, until + SECOND));
	assert_true(breaker_next_us(&b) >= until + 5 * SECOND);
}

static void
seeds_spread_the_probes(void **state)
{
	struct breaker a, b;

	(void)state;
	breaker_init(&a, 1);
	breaker_init(&b, 2);
	for (unsigned i = 0; i < BREAKER_FAILURES; i++) {
		(void)!breaker_failed(&a, false, START);
		(void)!breaker_failed(&b, false, START);
	}
	assert_true(breaker_next_us(&a) != breaker_next_us(&b));
}

/* ---- lock-out */

static struct lockout
merchant(size_t passwords)
{
	struct lockout l;

	lockout_init(&l, passwords);
	return l;
}

static void
one_refused_password_locks_out_for_a_minute(void **state)
{
	struct lockout l = merchant(1);
	struct lockout_key key = { 0 };
	enum reason why;

	(void)state;
	assert_int_equal(lockout_next_us(&l), 0);
	lockout_take(&l, &key);
	assert_false(key.probe);
	assert_int_equal(
	    lockout_refused(&l, &key, REASON_INACTIVE, START), LOCKOUT_BEGINS);
	assert_true(lockout_shut(&l, START, &why));
	assert_int_equal(why, REASON_INACTIVE);
	assert_int_equal(lockout_next_us(&l), START + 60 * SECOND);
	assert_true(lockout_shut(&l, START + 60 * SECOND - 1, &why));
	assert_false(lockout_shut(&l, START + 60 * SECOND, &why));
}

static void
a_locked_out_merchant_is_probed_by_one_at_a_time(void **state)
{
	struct lockout l = merchant(1);
	struct lockout_key first = { 0 }, probe = { 0 }, again = { 0 };
	enum reason why;

	(void)state;
	lockout_take(&l, &first);
	assert_int_equal(lockout_refused(&l, &first, REASON_CREDENTIALS, START),
	    LOCKOUT_BEGINS);
	lockout_take(&l, &probe);
	assert_true(probe.probe);
	assert_int_equal(lockout_next_us(&l), INT64_MAX);
	assert_true(lockout_shut(&l, START + 999 * SECOND, &why));
	assert_int_equal(lockout_refused(&l, &probe, REASON_CREDENTIALS,
			     START + 61 * SECOND),
	    LOCKOUT_LASTS);
	assert_int_equal(lockout_next_us(&l), START + 121 * SECOND);
	lockout_take(&l, &again);
	lockout_unclear(&l, &again, START + 130 * SECOND);
	assert_int_equal(lockout_next_us(&l), START + 190 * SECOND);
	lockout_take(&l, &again);
	assert_true(lockout_let_in(&l, &again));
	assert_int_equal(lockout_next_us(&l), 0);
	assert_false(lockout_let_in(&l, &again));
}

static void
the_other_password_is_tried_at_once_and_remembered(void **state)
{
	struct lockout l = merchant(2);
	struct lockout_key key = { 0 }, next = { 0 };

	(void)state;
	lockout_take(&l, &key);
	assert_int_equal(key.password, 0);
	assert_int_equal(lockout_refused(&l, &key, REASON_CREDENTIALS, START),
	    LOCKOUT_OTHER);
	assert_int_equal(lockout_next_us(&l), 0);
	lockout_take(&l, &key);
	assert_int_equal(key.password, 1);
	assert_int_equal(lockout_next_us(&l), INT64_MAX);
	assert_false(lockout_let_in(&l, &key));
	assert_int_equal(lockout_next_us(&l), 0);
	lockout_take(&l, &next);
	assert_int_equal(next.password, 1);
	assert_false(next.probe);
}

static void
both_passwords_refused_lock_out_and_a_probe_tries_both(void **state)
{
	struct lockout l = merchant(2);
	struct lockout_key key = { 0 }, probe = { 0 };
	int64_t later = START + 60 * SECOND;
	size_t first;

	(void)state;
	lockout_take(&l, &key);
	assert_int_equal(lockout_refused(&l, &key, REASON_CREDENTIALS, START),
	    LOCKOUT_OTHER);
	lockout_take(&l, &key);
	assert_int_equal(lockout_refused(&l, &key, REASON_CREDENTIALS, START),
	    LOCKOUT_BEGINS);
	assert_int_equal(lockout_next_us(&l), later);
	lockout_take(&l, &probe);
	first = probe.password;
	assert_int_equal(lockout_refused(&l, &probe, REASON_CREDENTIALS, later),
	    LOCKOUT_OTHER);
	assert_int_equal(lockout_next_us(&l), later);
	lockout_take(&l, &probe);
	assert_int_equal(probe.password, 1 - first);
	assert_int_equal(lockout_refused(&l, &probe, REASON_CREDENTIALS, later),
	    LOCKOUT_LASTS);
	assert_int_equal(lockout_next_us(&l), later + 60 * SECOND);
}

/* Several were under way with the old password when it was changed. */
static void
late_refusals_of_the_old_password_do_no_harm(void **state)
{
	struct lockout l = merchant(2);
	struct lockout_key key[3] = { { 0 } };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		lockout_take(&l, &key[i]);
	assert_int_equal(
	    lockout_refused(&l, &key[0], REASON_CREDENTIALS, START),
	    LOCKOUT_OTHER);
	lockout_take(&l, &key[0]);
	assert_int_equal(
	    lockout_refused(&l, &key[1], REASON_CREDENTIALS, START),
	    LOCKOUT_OTHER);
	assert_int_equal(lockout_next_us(&l), INT64_MAX);
	assert_false(lockout_let_in(&l, &key[0]));
	assert_int_equal(
	    lockout_refused(&l, &key[2], REASON_CREDENTIALS, START),
	    LOCKOUT_OTHER);
	for (size_t i = 1; i < 3; i++) {
		lockout_take(&l, &key[i]);
		assert_int_equal(key[i].password, 1);
		assert_false(lockout_let_in(&l, &key[i]));
	}
	assert_int_equal(lockout_next_us(&l), 0);
}

/* ---- targets */

static void
targets_name_the_api_and_what_is_asked(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, URL_MOST);
	url_by_val_id(&b, "testbox", "qwerty", "2512021230val");
	assert_string_equal((const char *)b.data,
	    "/validator/api/validationserverAPI.php?val_id=2512021230val"
	    "&store_id=testbox&store_passwd=qwerty&v=1&format=json");
	buf_reset(&b);
	url_by_tran_id(&b, "testbox", "qwerty", "INV-2025-1");
	assert_string_equal((const char *)b.data,
	    "/validator/api/merchantTransIDvalidationAPI.php"
	    "?tran_id=INV-2025-1"
	    "&store_id=testbox&store_passwd=qwerty&format=json");
	assert_int_equal(buf_status(&b), ST_OK);
	buf_fini(&b);
}

static void
nothing_of_a_value_leaves_it(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, URL_MOST);
	url_by_tran_id(
	    &b, "t-_b.~9", "p&q=r+s #%/?\x80\xff\x01\"\r\n", "a b/c:@+#");
	assert_string_equal((const char *)b.data,
	    "/validator/api/merchantTransIDvalidationAPI.php"
	    "?tran_id=a%20b%2Fc%3A%40%2B%23&store_id=t-_b.~9"
	    "&store_passwd=p%26q%3Dr%2Bs%20%23%25%2F%3F%80%FF%01%22%0D%0A"
	    "&format=json");
	buf_fini(&b);
}

static void
the_longest_values_fit(void **state)
{
	char password[257], val_id[65], store_id[33];
	struct buf b;

	(void)state;
	memset(password, '%', 256);
	memset(val_id, '/', 64);
	memset(store_id, '_', 32);
	password[256] = val_id[64] = store_id[32] = '\0';
	buf_init(&b, URL_MOST);
	url_by_val_id(&b, store_id, password, val_id);
	assert_int_equal(buf_status(&b), ST_OK);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_second_lets_as_many_go_as_the_rate),
		cmocka_unit_test(they_go_evenly),
		cmocka_unit_test(an_idle_hour_saves_up_no_more_than_the_burst),
		cmocka_unit_test(it_opens_after_failures_in_a_row),
		cmocka_unit_test(one_probe_goes_and_its_answer_closes),
		cmocka_unit_test(
		    each_failed_probe_doubles_the_gap_up_to_a_minute),
		cmocka_unit_test(
		    what_was_under_way_neither_counts_nor_ends_the_probe),
		cmocka_unit_test(seeds_spread_the_probes),
		cmocka_unit_test(one_refused_password_locks_out_for_a_minute),
		cmocka_unit_test(
		    a_locked_out_merchant_is_probed_by_one_at_a_time),
		cmocka_unit_test(
		    the_other_password_is_tried_at_once_and_remembered),
		cmocka_unit_test(
		    both_passwords_refused_lock_out_and_a_probe_tries_both),
		cmocka_unit_test(late_refusals_of_the_old_password_do_no_harm),
		cmocka_unit_test(targets_name_the_api_and_what_is_asked),
		cmocka_unit_test(nothing_of_a_value_leaves_it),
		cmocka_unit_test(the_longest_values_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
