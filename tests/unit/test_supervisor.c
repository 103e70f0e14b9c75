/* supervisor/: the gateway's life.  The test starts itself again as the
 * supervisor (--serve) and as its rooms (--room), the real ones; a room that
 * the file `broken` names ends before it is ready. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "net_world.h"
#include "supervisor/supervisor.h"
#include "folder.h"

#define PATIENCE_MS 30000
#define BROKEN	    "TEST_SUPERVISOR_BROKEN" /* path of the file */
#define BROKEN_CODE 78

struct gateway {
	char folder[40];
	pid_t pid;
	int log; /* the gateway's standard error */
	size_t len, seen;
	char text[65536];
};

/* ---- the gateway's side */

static bool
is_broken(const char *room)
{
	const char *path = getenv(BROKEN);
	FILE *f = path == NULL ? NULL : fopen(path, "r");
	char word[16] = "";

	if (f == NULL)
		return false;
	if (fgets(word, sizeof(word), f) == NULL)
		word[0] = '\0';
	(void)fclose(f);
	return strcmp(word, room) == 0;
}

static int
room_main(int argc, char **argv)
{
	if (argc > 2 && is_broken(argv[2]))
		return BROKEN_CODE;
	return supervisor_room_main(argc, argv);
}

/* ---- the test's side */

static const char *const names[] = { "paysieve.conf", "tls.crt", "tls.key",
	"password", "identity.key", "broken", "receipts.db", "receipts.db-wal",
	"receipts.db-shm", "receipts.db-lock", "receipts.db-control" };

static void
mend(const struct gateway *w)
{
	char path[FOLDER_PATH];

	folder_path(w->folder, "broken", path);
	assert_int_equal(unlink(path), 0);
}

static void
configure(const struct gateway *w, const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "[listen]\ncallbacks = 127.0.0.1:0\napi = 127.0.0.1:0\n"
	    "admin = 127.0.0.1:0\n"
	    "[tls]\ncertificate = tls.crt\nkey = tls.key\n"
	    "[store]\nurl = sqlite:receipts.db\n"
	    "[limits]\nedges = 1\ndrain_timeout = 20s\n"
	    "[merchant testbox]\npassword_file = password\nconfirm = off\n%s",
	    more);
	folder_put(w->folder, "paysieve.conf", text);
}

static int
set_up(void **state)
{
	struct gateway *w = calloc(1, sizeof(*w));
	struct identity id;

	assert_non_null(w);
	memcpy(w->folder, "/tmp/supervisor-XXXXXX", 23);
	assert_non_null(mkdtemp(w->folder));
	identity_make(&id, NULL, -60, 3600);
	folder_put(w->folder, "tls.crt", id.certificate);
	folder_put(w->folder, "tls.key", id.key);
	folder_put(w->folder, "password", "made-up-password\n");
	configure(w, "");
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct gateway *w = *state;
	char path[FOLDER_PATH];

	if (w->pid > 0) {
		(void)kill(w->pid, SIGKILL);
		(void)waitpid(w->pid, NULL, 0);
		(void)close(w->log);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		folder_path(w->folder, names[i], path);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
	return 0;
}

static void
serve(struct gateway *w)
{
	char conf[FOLDER_PATH], broken[FOLDER_PATH], serve_word[] = "--serve",
						     self[] = "test";
	char *argv[] = { self, serve_word, conf, NULL };
	int pipes[2];

	folder_path(w->folder, "paysieve.conf", conf);
	folder_path(w->folder, "broken", broken);
	assert_int_equal(setenv(BROKEN, broken, 1), 0);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	w->pid = fork();
	if (w->pid == 0) {
		(void)dup2(pipes[1], STDERR_FILENO);
		(void)execv("/proc/self/exe", argv);
		_exit(99);
	}
	assert_true(w->pid > 0);
	(void)close(pipes[1]);
	w->log = pipes[0];
}

/* Read more of the log; false at its end. */
static bool
read_log(struct gateway *w)
{
	struct pollfd log = { .fd = w->log, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&log, 1, PATIENCE_MS), 1);
	assert_true(w->len + 1 < sizeof(w->text));
	n = read(w->log, w->text + w->len, sizeof(w->text) - 1 - w->len);
	assert_true(n >= 0);
	w->len += (size_t)n;
	return n > 0;
}

/* Until the log, from where the last call found its word, has this event. */
static void
until(struct gateway *w, const char *event)
{
	char word[64];
	const char *at;

	(void)snprintf(word, sizeof(word), "\"event\":\"%s\"", event);
	while ((at = strstr(w->text + w->seen, word)) == NULL) {
		if (!read_log(w)) {
			print_error("%s\n", w->text);
			fail_msg("the log ended without %s", event);
		}
	}
	w->seen = (size_t)(at - w->text) + strlen(word);
}

static int
exit_code(struct gateway *w)
{
	int status = 0;

	while (read_log(w)) /* its rooms have it open as well */
		;
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	w->pid = 0;
	(void)close(w->log);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
send_signal(const struct gateway *w, int sig)
{
	assert_int_equal(kill(w->pid, sig), 0);
}

static void
it_starts_and_drains(void **state)
{
	struct gateway *w = *state;

	serve(w);
	until(w, "started");
	assert_true(folder_has(w->folder, "identity.key"));
	assert_true(folder_has(w->folder, "receipts.db-control"));
	send_signal(w, SIGTERM);
	until(w, "stopping");
	until(w, "stopped");
	assert_int_equal(exit_code(w), 0);
	assert_false(folder_has(w->folder, "receipts.db-control"));
	assert_true(folder_has(w->folder, "receipts.db"));
	assert_null(strstr(w->text, "room_died"));
}

static void
a_bad_configuration_is_78(void **state)
{
	struct gateway *w = *state;

	configure(w, "nonsense = 1\n");
	serve(w);
	assert_int_equal(exit_code(w), 78);
	assert_non_null(strstr(w->text, "paysieve.conf:"));
	assert_false(folder_has(w->folder, "receipts.db"));
}

static void
a_room_that_does_not_start_ends_the_start_with_its_code(void **state)
{
	struct gateway *w = *state;

	folder_put(w->folder, "broken", "desk");
	serve(w);
	until(w, "room_failed");
	assert_int_equal(exit_code(w), BROKEN_CODE);
	assert_false(folder_has(w->folder, "receipts.db-control"));
}

static void
a_keeper_that_does_not_start_ends_it_too(void **state)
{
	struct gateway *w = *state;

	folder_put(w->folder, "broken", "keeper");
	serve(w);
	until(w, "keeper_died");
	assert_int_equal(exit_code(w), BROKEN_CODE);
}

static void
an_identity_key_that_was_lost_is_not_replaced(void **state)
{
	struct gateway *w = *state;
	char path[FOLDER_PATH];

	serve(w);
	until(w, "started");
	folder_path(w->folder, "identity.key", path);
	assert_int_equal(unlink(path), 0);
	send_signal(w, SIGHUP);
	until(w, "reload_refused");
	assert_false(folder_has(w->folder, "identity.key"));
	send_signal(w, SIGTERM);
	assert_int_equal(exit_code(w), 0);
}

static void
a_reload_that_comes_during_the_start_is_not_lost(void **state)
{
	struct gateway *w = *state;

	serve(w);
	until(w, "store_opened");
	send_signal(w, SIGHUP);
	until(w, "reloaded");
	send_signal(w, SIGTERM);
	assert_int_equal(exit_code(w), 0);
}

static void
reloads_in_a_row_end_with_the_last(void **state)
{
	struct gateway *w = *state;

	serve(w);
	until(w, "started");
	for (int i = 0; i < 20; i++)
		send_signal(w, SIGHUP);
	configure(w, "[limits]\nedges = 2\n"); /* a section twice: a fault */
	send_signal(w, SIGHUP);
	until(w, "reload_refused");
	send_signal(w, SIGTERM);
	assert_int_equal(exit_code(w), 0);
}

/* Twice: what an abort leaves behind must not stand in the next one's way. */
static void
a_reload_with_a_room_that_does_not_start_changes_nothing(void **state)
{
	static const char *const rooms[] = { "edge", "courier", "desk" };
	struct gateway *w = *state;

	serve(w);
	until(w, "started");
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		folder_put(w->folder, "broken", rooms[i]);
		send_signal(w, SIGHUP);
		until(w, "reload_refused");
		send_signal(w, SIGHUP);
		until(w, "reload_refused");
		mend(w);
		send_signal(w, SIGHUP);
		until(w, "reloaded");
	}
	send_signal(w, SIGTERM);
	assert_int_equal(exit_code(w), 0);
	assert_null(strstr(w->text, "room_died"));
}

static void
a_stop_during_a_reload_drains(void **state)
{
	struct gateway *w = *state;

	serve(w);
	until(w, "started");
	send_signal(w, SIGHUP);
	send_signal(w, SIGTERM);
	until(w, "stopped");
	assert_int_equal(exit_code(w), 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

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

	if (argc > 1 && strcmp(argv[1], SUPERVISOR_ROOM_ARG) == 0)
		return room_main(argc, argv);
	if (argc == 3 && strcmp(argv[1], "--serve") == 0)
		return supervisor_run(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
