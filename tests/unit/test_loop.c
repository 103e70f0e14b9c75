#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/loop.h"

#define MOST 64 /* turns of a test; a bug must not spin for ever */

struct world {
	struct loop *loop;
	struct event *tick; /* a timer of no time: once in each turn */
	int ticks;
	int stop_at; /* the tick that stops the loop */
	char trace[4 * MOST];
};

struct hook {
	struct loop_turn turn;
	struct world *w;
	char letter;
	int runs;
	struct hook *removes; /* taken out by the first run */
	struct hook *adds;    /* put in by the first run */
};

static void
trace(struct world *w, char letter)
{
	size_t n = strlen(w->trace);

	if (n + 1 < sizeof(w->trace))
		w->trace[n] = letter;
}

static void
tick(struct world *w)
{
	static const struct timeval at_once;

	assert_int_equal(evtimer_add(w->tick, &at_once), 0);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	trace(w, '.');
	if (++w->ticks >= w->stop_at || w->ticks >= MOST)
		loop_stop(w->loop);
	else
		tick(w);
}

static void
on_turn(void *arg)
{
	struct hook *h = arg;

	trace(h->w, h->letter);
	if (h->runs++ > 0)
		return;
	if (h->removes != NULL)
		loop_turn_remove(h->w->loop, &h->removes->turn);
	if (h->adds != NULL)
		loop_turn_add(h->w->loop, &h->adds->turn);
}

static void
on_turn_stop(void *arg)
{
	struct hook *h = arg;

	trace(h->w, h->letter);
	h->runs++;
	loop_stop(h->w->loop);
}

static void
world_make(struct world *w, int stop_at)
{
	struct err e;

	memset(w, 0, sizeof(*w));
	w->stop_at = stop_at;
	assert_int_equal(loop_new(&w->loop, &e), ST_OK);
	w->tick = evtimer_new(loop_base(w->loop), on_tick, w);
	assert_non_null(w->tick);
	tick(w);
}

static void
world_drop(struct world *w)
{
	event_free(w->tick);
	loop_free(w->loop);
}

static void
hook_add(struct world *w, struct hook *h, char letter)
{
	memset(h, 0, sizeof(*h));
	h->w = w;
	h->letter = letter;
	h->turn.fn = on_turn;
	h->turn.arg = h;
	loop_turn_add(w->loop, &h->turn);
}

static void
turns_run_in_order_before_the_first_wait_and_after_each(void **state)
{
	struct world w;
	struct hook a, b, c;

	(void)state;
	world_make(&w, 2);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	hook_add(&w, &c, 'c');
	loop_run(w.loop);
	assert_string_equal(w.trace, "abc.abc.abc");
	world_drop(&w);
}

static void
a_turn_that_is_removed_runs_no_more(void **state)
{
	struct world w;
	struct hook a, b, c;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	hook_add(&w, &c, 'c');
	loop_turn_remove(w.loop, &b.turn);
	loop_run(w.loop);
	assert_string_equal(w.trace, "ac.ac");
	world_drop(&w);
}

static void
a_turn_may_remove_itself(void **state)
{
	struct world w;
	struct hook a, b, c;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	hook_add(&w, &c, 'c');
	b.removes = &b;
	loop_run(w.loop);
	assert_string_equal(w.trace, "abc.ac");
	world_drop(&w);
}

static void
a_turn_may_remove_the_one_behind_it(void **state)
{
	struct world w;
	struct hook a, b, c;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	hook_add(&w, &c, 'c');
	a.removes = &b;
	loop_run(w.loop);
	assert_string_equal(w.trace, "ac.ac");
	world_drop(&w);
}

static void
a_turn_may_remove_the_last_and_the_first(void **state)
{
	struct world w;
	struct hook a, b, c;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	hook_add(&w, &c, 'c');
	b.removes = &c;
	loop_run(w.loop);
	assert_string_equal(w.trace, "ab.ab");
	world_drop(&w);

	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	hook_add(&w, &c, 'c');
	c.removes = &a;
	loop_run(w.loop);
	assert_string_equal(w.trace, "abc.bc");
	world_drop(&w);
}

static void
removing_a_stranger_changes_nothing(void **state)
{
	struct world w;
	struct hook a, b;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	loop_turn_remove(w.loop, &b.turn);
	loop_turn_remove(w.loop, &b.turn);
	loop_run(w.loop);
	assert_string_equal(w.trace, "a.a");
	world_drop(&w);
}

/* Otherwise its work would lie there until something else happens. */
static void
a_turn_added_by_the_last_one_runs_in_the_same_round(void **state)
{
	struct world w;
	struct hook a, b;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	loop_turn_remove(w.loop, &b.turn);
	a.adds = &b;
	loop_run(w.loop);
	assert_string_equal(w.trace, "ab.ab");
	world_drop(&w);
}

static void
a_turn_may_stop_the_loop_and_the_others_still_run(void **state)
{
	struct world w;
	struct hook a, b;

	(void)state;
	world_make(&w, MOST);
	hook_add(&w, &a, 'a');
	hook_add(&w, &b, 'b');
	a.turn.fn = on_turn_stop;
	loop_run(w.loop);
	assert_string_equal(w.trace, "ab");
	world_drop(&w);
}

static void
a_stopped_loop_can_run_again(void **state)
{
	struct world w;
	struct hook a;

	(void)state;
	world_make(&w, 1);
	hook_add(&w, &a, 'a');
	loop_run(w.loop);
	assert_string_equal(w.trace, "a.a");
	w.stop_at = 2;
	tick(&w);
	loop_run(w.loop);
	assert_string_equal(w.trace, "a.aa.a");
	world_drop(&w);
}

static void
a_loop_without_events_ends(void **state)
{
	struct loop *l;

	(void)state;
	assert_int_equal(loop_new(&l, NULL), ST_OK);
	loop_run(l);
	loop_free(l);
	loop_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    turns_run_in_order_before_the_first_wait_and_after_each),
		cmocka_unit_test(a_turn_that_is_removed_runs_no_more),
		cmocka_unit_test(a_turn_may_remove_itself),
		cmocka_unit_test(a_turn_may_remove_the_one_behind_it),
		cmocka_unit_test(a_turn_may_remove_the_last_and_the_first),
		cmocka_unit_test(removing_a_stranger_changes_nothing),
		cmocka_unit_test(
		    a_turn_added_by_the_last_one_runs_in_the_same_round),
		cmocka_unit_test(
		    a_turn_may_stop_the_loop_and_the_others_still_run),
		cmocka_unit_test(a_stopped_loop_can_run_again),
		cmocka_unit_test(a_loop_without_events_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
