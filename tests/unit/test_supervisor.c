/* supervisor/: the gateway's life. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "served.h"

static void
it_starts_and_drains(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	assert_true(folder_has(w->folder, "identity.key"));
	assert_true(folder_has(w->folder, "receipts.db-control"));
	served_signal(w, SIGTERM);
	served_until(w, "stopping");
	served_until(w, "stopped");
	assert_int_equal(served_exit_code(w), 0);
	assert_false(folder_has(w->folder, "receipts.db-control"));
	assert_true(folder_has(w->folder, "receipts.db"));
	assert_null(strstr(w->text, "room_died"));
}

static void
a_bad_configuration_is_78(void **state)
{
	struct served *w = *state;

	served_configure(w, "nonsense = 1\n");
	served_start(w);
	assert_int_equal(served_exit_code(w), 78);
	assert_non_null(strstr(w->text, "paysieve.conf:"));
	assert_false(folder_has(w->folder, "receipts.db"));
}

static void
a_room_that_does_not_start_ends_the_start_with_its_code(void **state)
{
	struct served *w = *state;

	folder_put(w->folder, "broken", "desk");
	served_start(w);
	served_until(w, "room_failed");
	assert_int_equal(served_exit_code(w), SERVED_BROKEN);
	assert_false(folder_has(w->folder, "receipts.db-control"));
}

static void
a_keeper_that_does_not_start_ends_it_too(void **state)
{
	struct served *w = *state;

	folder_put(w->folder, "broken", "keeper");
	served_start(w);
	served_until(w, "keeper_died");
	assert_int_equal(served_exit_code(w), SERVED_BROKEN);
}

static void
an_identity_key_that_was_lost_is_not_replaced(void **state)
{
	struct served *w = *state;
	char path[FOLDER_PATH];

	served_start(w);
	served_until(w, "started");
	folder_path(w->folder, "identity.key", path);
	assert_int_equal(unlink(path), 0);
	served_signal(w, SIGHUP);
	served_until(w, "reload_refused");
	assert_false(folder_has(w->folder, "identity.key"));
	served_signal(w, SIGTERM);
	assert_int_equal(served_exit_code(w), 0);
}

static void
a_reload_that_comes_during_the_start_is_not_lost(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "store_opened");
	served_signal(w, SIGHUP);
	served_until(w, "reloaded");
	served_signal(w, SIGTERM);
	assert_int_equal(served_exit_code(w), 0);
}

static void
reloads_in_a_row_end_with_the_last(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	for (int i = 0; i < 20; i++)
		served_signal(w, SIGHUP);
	served_configure(
	    w, "[limits]\nedges = 2\n"); /* a section twice: a fault */
	served_signal(w, SIGHUP);
	served_until(w, "reload_refused");
	served_signal(w, SIGTERM);
	assert_int_equal(served_exit_code(w), 0);
}

/* Twice: what an abort leaves behind must not stand in the next one's way. */
static void
a_reload_with_a_room_that_does_not_start_changes_nothing(void **state)
{
	static const char *const rooms[] = { "edge", "asker", "courier",
		"desk" };
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		folder_put(w->folder, "broken", rooms[i]);
		served_signal(w, SIGHUP);
		served_until(w, "reload_refused");
		served_signal(w, SIGHUP);
		served_until(w, "reload_refused");
		served_mend(w);
		served_signal(w, SIGHUP);
		served_until(w, "reloaded");
	}
	served_signal(w, SIGTERM);
	assert_int_equal(served_exit_code(w), 0);
	assert_null(strstr(w->text, "room_died"));
}

static void
a_stop_during_a_reload_drains(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	served_signal(w, SIGHUP);
	served_signal(w, SIGTERM);
	served_until(w, "stopped");
	assert_int_equal(served_exit_code(w), 0);
}

#define CASE(fn) \
	cmocka_unit_test_setup_teardown(fn, served_set_up, served_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(it_starts_and_drains),
		CASE(a_bad_configuration_is_78),
		CASE(a_room_that_does_not_start_ends_the_start_with_its_code),
		CASE(a_keeper_that_does_not_start_ends_it_too),
		CASE(an_identity_key_that_was_lost_is_not_replaced),
		CASE(a_reload_that_comes_during_the_start_is_not_lost),
		CASE(reloads_in_a_row_end_with_the_last),
		CASE(a_reload_with_a_room_that_does_not_start_changes_nothing),
		CASE(a_stop_during_a_reload_drains),
	};
	int code;

	if (served_role(argc, argv, NULL, &code))
		return code;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
