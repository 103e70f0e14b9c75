/*
 * What calls leave on the stack is wiped when a turn of the loop ends, and
 * goes nowhere near as deep as the wiping does.
 *
 * The stack below a frame is looked at as no program may that is compiled
 * with a sanitizer: there is no test then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "asker/reading.h"
#include "base/loop.h"
#include "base/secret.h"
#include "fixtures.h"
#include "intake/intake.h"
#include "marks.h"

#if !MARKS_SANITIZED

#define DEEP  (SECRET_STACK - (size_t)8 * 1024)
#define LOOK  (4 * SECRET_STACK) /* looked at for the deepest change */
#define PAINT 0x69

/* ---- wiping */

/* With a mark at the far end of its frame. */
static NOINLINE void
leave(const struct mark *m)
{
	UNINITIALIZED char frame[DEEP];

	mark_write(m, frame);
	__asm__ volatile("" : : "r"(frame) : "memory");
}

static void
a_value_deep_on_the_stack_is_wiped(void **state)
{
	struct mark m;

	(void)state;
	mark_make(&m);
	leave(&m);
	assert_int_equal(mark_count(&m), MARK_PIECES);
	secret_wipe_stack();
	assert_int_equal(mark_count(&m), 0);
}

struct turn {
	struct loop *loop;
	struct mark m;
	size_t left;
	int runs;
};

/* Its own frame stands where the loop wiped, hence the second look. */
static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct turn *t = arg;

	(void)fd;
	(void)what;
	if (t->runs++ == 0) {
		leave(&t->m);
		t->left = mark_count(&t->m);
		return;
	}
	assert_int_equal(t->left, MARK_PIECES);
	assert_int_equal(mark_count(&t->m), 0);
	loop_stop(t->loop);
}

static void
the_loop_wipes_what_its_callbacks_left_before_it_waits(void **state)
{
	static struct turn t;
	struct timeval soon = { 0, 1000 };
	struct event *tick;

	(void)state;
	mark_make(&t.m);
	assert_int_equal(loop_new(&t.loop, NULL), ST_OK);
	tick = event_new(loop_base(t.loop), -1, EV_PERSIST, on_event, &t);
	assert_int_equal(event_add(tick, &soon), 0);
	loop_run(t.loop);
	assert_int_equal(t.runs, 2);
	event_free(tick);
	loop_free(t.loop);
}

/* ---- how deep */

static NOINLINE void
paint(void)
{
	UNINITIALIZED unsigned char below[LOOK];

	memset(below, PAINT, sizeof(below));
	__asm__ volatile("" : : "r"(below) : "memory");
}

/* How far below this frame something was written since paint(). */
static NOINLINE size_t
depth(void)
{
	const volatile unsigned char *here = __builtin_frame_address(0);
	size_t n = LOOK - 1024;

	while (n > 0 && here[-(ptrdiff_t)n] == PAINT)
		n--;
	return n;
}

static void
judging_a_callback_stays_far_above_the_depth_that_is_wiped(void **state)
{
	static unsigned char body[8192];
	json_t *merchants = fixtures_merchants();
	struct edge_merchant m = fixtures_merchant(merchants, "testbox");
	struct intake_result result;
	struct intake *in;
	unsigned char key[32];
	char path[512], root[256];
	size_t len, deep;

	(void)state;
	fixtures_root(root, "sslcommerz");
	(void)snprintf(
	    path, sizeof(path), "%s/valid-new-set/request.form", root);
	fixtures_identity_key(merchants, key);
	assert_int_equal(intake_new(&in, key, NULL), ST_OK);
	len = fixtures_file(path, body, sizeof(body));
	paint();
	intake_run(in, &m, body, len, INT64_C(1770698580000000), &result);
	deep = depth();
	assert_int_equal(result.verdict, VERDICT_PAID);
	print_message("callback: %zu bytes of stack\n", deep);
	assert_in_range(deep, 500, SECRET_STACK / 4);
	intake_free(in);
	json_decref(merchants);
}

/* Of what nests more deeply, frames are left, but no more than a few bytes of
 * a text: Jansson keeps that in the arena. */
static void
reading_an_answer_stays_far_above_the_depth_that_is_wiped(void **state)
{
	static const char answer[] =
	    "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":1,\"element\":"
	    "[{\"val_id\":\"A1\",\"status\":\"VALID\",\"amount\":11.5,"
	    "\"list\":[[[[1.5e3]]]]}]}";
	struct reading_verdict v;
	struct merchant_rules shop = { .store_id = "testbox" };
	struct receipt claimed = { .received_at_us = 1 };
	unsigned char key[32] = { 1 };
	struct reading *r;
	size_t deep;

	(void)state;
	assert_int_equal(reading_new(&r, key, NULL), ST_OK);
	paint();
	reading_by_tran_id(r, &shop, &claimed, bytes_of(answer), &v);
	deep = depth();
	print_message("answer: %zu bytes of stack\n", deep);
	assert_in_range(deep, 500, SECRET_STACK / 4);
	reading_free(r);
}

#endif

int
main(void)
{
#if !MARKS_SANITIZED
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_deep_on_the_stack_is_wiped),
		cmocka_unit_test(
		    the_loop_wipes_what_its_callbacks_left_before_it_waits),
		cmocka_unit_test(
		    judging_a_callback_stays_far_above_the_depth_that_is_wiped),
		cmocka_unit_test(
		    reading_an_answer_stays_far_above_the_depth_that_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
