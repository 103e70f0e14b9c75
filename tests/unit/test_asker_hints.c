/* What the asker asks by: found, forgotten, and gone from memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "asker/hints.h"
#include "base/secret.h"

#define KEEP_US	    1000
#define MASK	    0x5a
#define REGION_MOST (256UL * 1024 * 1024) /* a sanitizer's are larger */

/* ---- helpers */

/* All of a test share one chain, so that chains are walked. */
static struct receipt_id
id_of(unsigned n)
{
	struct receipt_id id = { { 7, 7, 7, 7 } };

	id.b[ID_BYTES - 1] = (unsigned char)n;
	id.b[ID_BYTES - 2] = (unsigned char)(n >> 8);
	return id;
}

static void
put(struct hints *h, unsigned n, int64_t now_us)
{
	struct receipt_id id = id_of(n);
	char val_id[RECEIPT_INVOICE] = "";

	(void)snprintf(val_id, sizeof(val_id), "val-%u", n);
	hints_put(h, &id, val_id, now_us);
}

static bool
has(struct hints *h, unsigned n, int64_t now_us)
{
	struct receipt_id id = id_of(n);
	const char *found = hints_find(h, &id, now_us);
	char val_id[RECEIPT_INVOICE];

	if (found == NULL)
		return false;
	(void)snprintf(val_id, sizeof(val_id), "val-%u", n);
	assert_string_equal(found, val_id);
	return true;
}

static void
forget(struct hints *h, unsigned n)
{
	struct receipt_id id = id_of(n);

	hints_forget(h, &id);
}

static struct hints *
made(uint32_t most)
{
	struct hints *h;

	assert_int_equal(hints_new(&h, most, KEEP_US, NULL), ST_OK);
	return h;
}

/* ---- tests */

static void
what_was_put_is_found(void **state)
{
	struct hints *h = made(4);

	(void)state;
	assert_false(has(h, 1, 0));
	put(h, 1, 0);
	put(h, 2, 0);
	assert_true(has(h, 1, 0));
	assert_true(has(h, 2, 0));
	assert_false(has(h, 3, 0));
	hints_free(h);
}

static void
what_was_forgotten_is_not_found(void **state)
{
	struct hints *h = made(4);

	(void)state;
	for (unsigned n = 1; n <= 3; n++)
		put(h, n, 0);
	forget(h, 2);
	forget(h, 2);
	forget(h, 9);
	assert_true(has(h, 1, 0));
	assert_false(has(h, 2, 0));
	assert_true(has(h, 3, 0));
	hints_free(h);
}

static void
withdraw(struct hints *h, unsigned n)
{
	struct receipt_id id = id_of(n);

	hints_withdraw(h, &id);
}

static void
what_all_who_gave_it_withdraw_is_forgotten(void **state)
{
	struct hints *h = made(4);

	(void)state;
	put(h, 1, 0);
	withdraw(h, 1);
	assert_false(has(h, 1, 0));
	withdraw(h, 1);
	put(h, 1, 0);
	put(h, 1, 0);
	withdraw(h, 1);
	assert_true(has(h, 1, 0));
	forget(h, 1);
	put(h, 1, 0);
	withdraw(h, 1);
	assert_false(has(h, 1, 0));
	hints_free(h);
}

static void
each_is_kept_for_its_time_and_no_longer(void **state)
{
	struct hints *h = made(4);

	(void)state;
	put(h, 1, 0);
	put(h, 2, 600);
	assert_true(has(h, 1, KEEP_US - 1));
	assert_false(has(h, 1, KEEP_US));
	assert_true(has(h, 2, KEEP_US));
	hints_expire(h, 600 + KEEP_US);
	assert_false(has(h, 2, 0));
	hints_free(h);
}

static void
a_second_hint_begins_the_time_anew(void **state)
{
	struct hints *h = made(2);

	(void)state;
	put(h, 1, 0);
	put(h, 2, 0);
	put(h, 1, 600);
	assert_false(has(h, 2, KEEP_US));
	assert_true(has(h, 1, KEEP_US));
	hints_free(h);
}

static void
the_oldest_makes_room(void **state)
{
	struct hints *h = made(4);

	(void)state;
	for (unsigned n = 1; n <= 5; n++)
		put(h, n, n);
	assert_false(has(h, 1, 5));
	forget(h, 3);
	put(h, 6, 6);
	for (unsigned n = 2; n <= 6; n++)
		assert_int_equal(has(h, n, 6), n != 3);
	put(h, 7, 7);
	assert_false(has(h, 2, 7));
	hints_free(h);
}

/* Against the plainest model: an array of when each was put. */
static void
any_order_of_events_keeps_it_whole(void **state)
{
	enum { IDS = 48, MOST = 16 };
	int64_t put_at[IDS], now = 0;
	struct hints *h = made(MOST);
	unsigned seed = 12345;

	(void)state;
	memset(put_at, -1, sizeof(put_at));
	for (int step = 0; step < 20000; step++) {
		unsigned n = (seed = seed * 1103515245 + 12345) / 65536 % IDS;
		size_t held = 0, oldest = 0;

		now += seed / 8 % 50;
		for (size_t i = 0; i < IDS; i++) {
			if (put_at[i] >= 0 && put_at[i] + KEEP_US <= now)
				put_at[i] = -1;
		}
		if (seed / 1024 % 4 == 0) {
			forget(h, n);
			put_at[n] = -1;
			continue;
		}
		put_at[n] = -1;
		for (size_t i = 0; i < IDS; i++) {
			held += put_at[i] >= 0;
			if (put_at[i] >= 0 &&
			    (put_at[oldest] < 0 || put_at[i] < put_at[oldest]))
				oldest = i;
		}
		if (held == MOST)
			put_at[oldest] = -1;
		now++; /* no two are of one age */
		put(h, n, now);
		put_at[n] = now;
		n = seed / 32 % IDS;
		assert_int_equal(has(h, n, now),
		    put_at[n] >= 0 && put_at[n] + KEEP_US > now);
	}
	hints_free(h);
}

/* ---- memory */

/* Nowhere but in the table may the text stand: it is only known masked. */
static void
put_masked(struct hints *h, const struct receipt_id *id,
    const unsigned char *masked, size_t n)
{
	char val_id[RECEIPT_INVOICE] = "";

	for (size_t i = 0; i < n; i++)
		val_id[i] = (char)(masked[i] ^ MASK);
	hints_put(h, id, val_id, 0);
	secret_wipe(val_id, sizeof(val_id));
}

__attribute__((no_sanitize("address", "undefined", "thread"))) static size_t
count_in(const volatile unsigned char *from, size_t len,
    const unsigned char *masked, size_t n)
{
	size_t count = 0;

	for (size_t at = 0; at + n <= len; at++) {
		size_t i = 0;

		while (i < n && (from[at + i] ^ MASK) == masked[i])
			i++;
		count += i == n;
	}
	return count;
}

/* How often does the text stand in what this process can read and write? */
static size_t
count_in_memory(const unsigned char *masked, size_t n)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t count = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    strncmp(mode, "rw", 2) != 0 || to - from > REGION_MOST)
			continue;
		count += count_in(
		    (const volatile unsigned char *)from, to - from, masked, n);
	}
	(void)fclose(maps);
	return count;
}

static void
what_is_given_up_is_gone_from_memory(void **state)
{
	unsigned char masked[27];
	struct receipt_id id = id_of(1);
	struct hints *h = made(1);

	(void)state;
	secret_random(masked, sizeof(masked));
	for (size_t i = 0; i < sizeof(masked); i++)
		masked[i] = (unsigned char)('A' + masked[i] % 26) ^ MASK;
	put_masked(h, &id, masked, sizeof(masked));
	assert_int_equal(count_in_memory(masked, sizeof(masked)), 1);
	hints_forget(h, &id);
	assert_int_equal(count_in_memory(masked, sizeof(masked)), 0);
	put_masked(h, &id, masked, sizeof(masked));
	hints_expire(h, KEEP_US);
	assert_int_equal(count_in_memory(masked, sizeof(masked)), 0);
	put_masked(h, &id, masked, sizeof(masked));
	put(h, 2, 0);
	assert_int_equal(count_in_memory(masked, sizeof(masked)), 0);
	put_masked(h, &id, masked, sizeof(masked));
	assert_int_equal(count_in_memory(masked, sizeof(masked)), 1);
	hints_free(h);
	assert_int_equal(count_in_memory(masked, sizeof(masked)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_found),
		cmocka_unit_test(what_was_forgotten_is_not_found),
		cmocka_unit_test(what_all_who_gave_it_withdraw_is_forgotten),
		cmocka_unit_test(each_is_kept_for_its_time_and_no_longer),
		cmocka_unit_test(a_second_hint_begins_the_time_anew),
		cmocka_unit_test(the_oldest_makes_room),
		cmocka_unit_test(any_order_of_events_keeps_it_whole),
		cmocka_unit_test(what_is_given_up_is_gone_from_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
