/* How the keeper looks through the store's file, over a real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "driver_fault.h"
#include "keeper/scrubber.h"
#include "queue_bench.h"

static struct store_look found; /* by the next look */
static uint64_t looked_from[8], asked;
static size_t n_looks, n_scrubs;
static enum status scrub_status;

static enum status
fake_look(struct store *s, uint64_t most, struct store_look *l)
{
	(void)s;
	asked = most;
	looked_from[n_looks++] = l->pages;
	*l = found;
	memset(&found, 0, sizeof(found));
	found.done = true;
	return ST_OK;
}

static enum status
fake_scrub(struct store *s, const struct store_look *l, uint64_t *n)
{
	(void)s;
	n_scrubs++;
	*n = scrub_status == ST_OK ? l->n : 0;
	return scrub_status;
}

/* A queue whose store finds what a test wants. */
static int
set_up(void **state)
{
	int rc = queue_bench_set_up(state);
	struct store_driver *d =
	    (struct store_driver *)(uintptr_t)driver_fault();

	d->look = fake_look;
	d->scrub = fake_scrub;
	n_looks = n_scrubs = 0;
	scrub_status = ST_OK;
	memset(&found, 0, sizeof(found));
	return rc;
}

static void
step(struct queue_bench *f, struct scrubber *s)
{
	size_t before = n_looks;

	scrubber_tick(s);
	scrubber_tick(s);
	queue_bench_run_until(f, f->n + 1);
	scrubber_done(s, &f->last);
	assert_int_equal(n_looks, before + 1);
}

static void
a_file_is_looked_through_step_by_step_once_a_day(void **state)
{
	struct queue_bench *f = *state;
	struct scrubber s = { .queue = f->queue };

	found.pages = 1024;
	step(f, &s);
	assert_true(asked == 1024);
	found = (struct store_look){ .pages = 1500, .done = true };
	step(f, &s);
	assert_true(looked_from[0] == 0 && looked_from[1] == 1024);
	scrubber_tick(&s);
	assert_int_equal(store_queue_waiting(f->queue), 0);
	assert_int_equal(n_scrubs, 0);
	assert_true(s.next_us > 0 && s.pages == 0);
}

static void
what_is_found_is_scrubbed_and_where_there_is_more_looked_at_again(void **state)
{
	struct queue_bench *f = *state;
	struct scrubber s = { .queue = f->queue };

	found = (struct store_look){ .pages = 90,
		.done = true,
		.stained = STORE_LOOK + 5,
		.n = STORE_LOOK };
	step(f, &s);
	assert_true(s.pages == 0 && s.scrubbed == STORE_LOOK);
	found = (struct store_look){
		.pages = 90, .done = true, .stained = 5, .n = 5
	};
	step(f, &s);
	assert_int_equal(n_scrubs, 2);
	assert_true(looked_from[1] == 0 && s.next_us > 0);
}

static void
a_scrub_that_a_reader_holds_up_is_made_again(void **state)
{
	struct queue_bench *f = *state;
	struct scrubber s = { .queue = f->queue, .pages = 1024 };

	scrub_status = ST_BUSY;
	found = (struct store_look){ .pages = 2048, .stained = 1, .n = 1 };
	step(f, &s);
	assert_true(s.pages == 1024 && s.next_us == 0);
	assert_int_equal(store_queue_health(f->queue), ST_OK);
	scrub_status = ST_OK;
	found = (struct store_look){ .pages = 2048, .stained = 1, .n = 1 };
	step(f, &s);
	assert_true(s.pages == 2048 && s.scrubbed == 1);
}

#define CASE(test) \
	cmocka_unit_test_setup_teardown(test, set_up, queue_bench_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_file_is_looked_through_step_by_step_once_a_day),
		CASE(
		    what_is_found_is_scrubbed_and_where_there_is_more_looked_at_again),
		CASE(a_scrub_that_a_reader_holds_up_is_made_again),
	};

	return cmocka_run_group_tests_name(
	    "keeper_scrubber", tests, NULL, NULL);
}
