/* supervisor/process.c and spawn.c: rooms as real processes.  The test starts
 * itself again with --room and plays the room that its config asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "supervisor/process.h"

#define PATIENCE_S 60
#define MARK	   "what this room may know"

enum act {
	ACT_EXIT,	/* exit(code) at once */
	ACT_CRASH,	/* die of SIGILL */
	ACT_SERVE,	/* ready; exit 0 when asked to drain */
	ACT_SLOW_START, /* like serve, but never ready */
	ACT_DEAF,	/* ready; never ends by itself */
	ACT_HANG_UP,	/* ready; close the channel and stay */
	ACT_LEAVE,	/* ready; close the channel, then exit(code) */
	ACT_NONSENSE,	/* send what makes no sense and stay */
	ACT_TWICE,	/* ready twice, then exit(code) */
	ACT_LOOK	/* exit with the number of what is wrong, or 0 */
};

struct room_config {
	enum act act;
	int code;
	int n_pages;
	char mark[32];
};

/* ---- the room's side */

static void
say(const void *packet, size_t len)
{
	if (send(SPAWN_CONTROL, packet, len, 0) != (ssize_t)len)
		_exit(90);
}

static void
say_ready(void)
{
	struct {
		struct msg_header h;
		struct msg_empty ready;
	} p = { { MSG_READY, 1 }, { 0 } };

	say(&p, sizeof(p));
}

static void
stay(void)
{
	for (;;)
		(void)pause();
}

static int
await_drain(void)
{
	struct pollfd control = { .fd = SPAWN_CONTROL, .events = POLLIN };
	struct msg_header h = { 0, 0 };

	if (poll(&control, 1, 1000 * PATIENCE_S) != 1 ||
	    recv(SPAWN_CONTROL, &h, sizeof(h), 0) != sizeof(h))
		return 91;
	return h.type == MSG_DRAIN ? 0 : 91;
}

static bool
open_fd(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int
look(const struct room_config *c, char **argv)
{
	sigset_t blocked;
	struct stat sb;

	if (strcmp(argv[2], "desk") != 0 || strcmp(argv[3], "5") != 0)
		return 1;
	if (strcmp(c->mark, MARK) != 0)
		return 2;
	if (fstat(SPAWN_METRICS, &sb) != 0 || sb.st_size != 11)
		return 3;
	if (fstat(SPAWN_KEEPER, &sb) != 0 || !S_ISSOCK(sb.st_mode))
		return 4;
	if (open_fd(SPAWN_LISTENER) || !open_fd(SPAWN_LISTENER_2))
		return 5;
	for (int i = 0; i < c->n_pages; i++) {
		if (fstat(SPAWN_PAGES + i, &sb) != 0 || sb.st_size != 20 + i)
			return 6;
	}
	for (int fd = SPAWN_PAGES + c->n_pages; fd < 1024; fd++) {
		if (open_fd(fd))
			return 7;
	}
	if (getenv("PAYSIEVE_TEST_ONE") != NULL ||
	    getenv("PAYSIEVE_TEST_TWO") != NULL || getenv("OTHER_TEST") == NULL)
		return 8;
	/* A signal to the whole group is not for rooms. */
	if (raise(SIGTERM) != 0 || raise(SIGHUP) != 0 || raise(SIGINT) != 0)
		return 9;
	if (sigprocmask(SIG_BLOCK, NULL, &blocked) != 0 ||
	    sigismember(&blocked, SIGTERM) != 0)
		return 10;
	return 0;
}

static int
room_main(char **argv)
{
	struct room_config c;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(SPAWN_CONFIG, &c, sizeof(c)) != sizeof(c))
		return 92;
	switch (c.act) {
	case ACT_EXIT:
		return c.code;
	case ACT_CRASH:
		(void)signal(SIGILL, SIG_DFL);
		(void)raise(SIGILL);
		return 93;
	case ACT_SERVE:
		say_ready();
		return await_drain();
	case ACT_SLOW_START:
		return await_drain();
	case ACT_DEAF:
		say_ready();
		stay();
		break;
	case ACT_HANG_UP:
		say_ready();
		(void)close(SPAWN_CONTROL);
		stay();
		break;
	case ACT_LEAVE:
		say_ready();
		(void)close(SPAWN_CONTROL);
		return c.code;
	case ACT_NONSENSE:
		say("nonsense", 8);
		stay();
		break;
	case ACT_TWICE:
		say_ready();
		say_ready();
		return c.code;
	case ACT_LOOK:
		return look(&c, argv);
	}
	return 94;
}

/* ---- the supervisor's side */

struct world {
	struct loop *loop;
	struct event *guard;
	struct process *p;
	int readies, exits, code;
	bool free_in_exit;
	bool until_ready;
	int keeper[2];
};

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("it took too long");
}

static void
on_ready(void *arg, struct process *p)
{
	struct world *w = arg;

	assert_ptr_equal(p, w->p);
	assert_true(process_ready(p));
	w->readies++;
	if (w->until_ready)
		loop_stop(w->loop);
}

static void
on_exit_room(void *arg, struct process *p, int code)
{
	struct world *w = arg;

	assert_ptr_equal(p, w->p);
	assert_int_equal(process_pid(p), -1);
	w->exits++;
	w->code = code;
	if (w->free_in_exit) {
		process_free(p);
		w->p = NULL;
	}
	loop_stop(w->loop);
}

static int
set_up(void **state)
{
	const struct timeval patience = { PATIENCE_S, 0 };
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(loop_new(&w->loop, NULL), ST_OK);
	w->guard = evtimer_new(loop_base(w->loop), on_guard, NULL);
	assert_int_equal(event_add(w->guard, &patience), 0);
	assert_int_equal(channel_pair(w->keeper), ST_OK);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	process_free(w->p);
	event_free(w->guard);
	loop_free(w->loop);
	(void)close(w->keeper[0]);
	(void)close(w->keeper[1]);
	free(w);
	/* Nobody is left, dead or alive. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return 0;
}

static void
begin(struct world *w, enum act act, int code)
{
	struct room_config c = { .act = act, .code = code, .mark = MARK };
	struct process_config pc = { .loop = w->loop,
		.spawn = { .party = PARTY_EDGE,
		    .metrics = STDERR_FILENO,
		    .keeper = w->keeper[1],
		    .listeners = { -1, -1 } },
		.room_config = &c,
		.room_config_size = sizeof(c),
		.on_ready = on_ready,
		.on_exit = on_exit_room,
		.arg = w };
	struct err e = { "" };

	assert_int_equal(process_start(&w->p, &pc, &e), ST_OK);
	assert_true(process_pid(w->p) > 0);
	assert_int_equal(process_party(w->p), PARTY_EDGE);
	assert_false(process_ready(w->p));
}

static void
until_ready(struct world *w)
{
	w->until_ready = true;
	loop_run(w->loop);
	w->until_ready = false;
	assert_int_equal(w->readies, 1);
	assert_int_equal(w->exits, 0);
}

static void
until_exit(struct world *w, int code)
{
	loop_run(w->loop);
	assert_int_equal(w->exits, 1);
	assert_int_equal(w->code, code);
}

static void
its_exit_code_is_told(void **state)
{
	begin(*state, ACT_EXIT, 74);
	until_exit(*state, 74);
	assert_int_equal(((struct world *)*state)->readies, 0);
}

static void
a_signal_is_told_as_128_and_its_number(void **state)
{
	begin(*state, ACT_CRASH, 0);
	until_exit(*state, 128 + SIGILL);
}

static void
it_may_be_freed_when_its_exit_is_told(void **state)
{
	struct world *w = *state;

	w->free_in_exit = true;
	begin(w, ACT_EXIT, 3);
	until_exit(w, 3);
	assert_null(w->p);
}

static void
ready_is_told_once(void **state)
{
	struct world *w = *state;

	begin(w, ACT_TWICE, 0);
	until_exit(w, 0);
	assert_int_equal(w->readies, 1);
}

static void
a_drain_ends_it_well(void **state)
{
	struct world *w = *state;

	begin(w, ACT_SERVE, 0);
	until_ready(w);
	assert_false(process_draining(w->p));
	process_drain(w->p, 1000 * PATIENCE_S);
	assert_true(process_draining(w->p));
	until_exit(w, 0);
}

/* It may have connections already: READY is only on its way. */
static void
one_that_is_not_ready_is_asked_too(void **state)
{
	struct world *w = *state;

	begin(w, ACT_SLOW_START, 0);
	process_drain(w->p, 1000 * PATIENCE_S);
	until_exit(w, 0);
}

static void
one_that_ignores_the_drain_is_killed(void **state)
{
	struct world *w = *state;
	int64_t start;

	begin(w, ACT_DEAF, 0);
	until_ready(w);
	start = clock_mono_us();
	process_drain(w->p, 50);
	until_exit(w, 128 + SIGKILL);
	assert_true(clock_mono_us() - start >= 40000);
}

static void
a_later_drain_sets_the_limit_anew(void **state)
{
	struct world *w = *state;

	begin(w, ACT_DEAF, 0);
	until_ready(w);
	process_drain(w->p, 3600 * 1000);
	process_drain(w->p, 10);
	until_exit(w, 128 + SIGKILL);
}

static void
one_that_closes_its_channel_is_killed(void **state)
{
	begin(*state, ACT_HANG_UP, 0);
	until_exit(*state, 128 + SIGKILL);
}

static void
one_that_is_leaving_keeps_its_exit_code(void **state)
{
	begin(*state, ACT_LEAVE, 78);
	until_exit(*state, 78);
}

static void
nonsense_is_the_end(void **state)
{
	begin(*state, ACT_NONSENSE, 0);
	until_exit(*state, 128 + SIGKILL);
	assert_int_equal(((struct world *)*state)->readies, 0);
}

static void
freeing_kills_and_tells_nothing(void **state)
{
	struct world *w = *state;
	pid_t pid;

	begin(w, ACT_DEAF, 0);
	until_ready(w);
	pid = process_pid(w->p);
	process_free(w->p);
	w->p = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(w->exits, 0);
}

static int
count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
no_descriptor_stays_behind(void **state)
{
	struct world *w = *state;
	int before = count_fds();

	for (int i = 0; i < 5; i++) {
		begin(w, ACT_EXIT, 0);
		w->exits = 0;
		until_exit(w, 0);
		process_free(w->p);
		w->p = NULL;
	}
	assert_int_equal(count_fds(), before);
}

/* ---- what it is given */

static int
memfd(size_t size)
{
	char bytes[128] = { 0 };

	assert_true(size <= sizeof(bytes));
	return spawn_config(bytes, size);
}

/* The desk gets the most; some stand in others' places beforehand. */
static void
a_room_finds_what_it_is_given_and_nothing_else(void **state)
{
	struct world *w = *state;
	enum { PAGES = 20 };
	struct room_config c = {
		.act = ACT_LOOK, .n_pages = PAGES, .mark = MARK
	};
	int pages[PAGES];
	struct process_config pc = { .loop = w->loop,
		.spawn = { .party = PARTY_DESK,
		    .slot = 5,
		    .metrics = memfd(11),
		    .keeper = w->keeper[1],
		    .listeners = { -1, memfd(1) },
		    .n_pages = PAGES,
		    .pages = pages },
		.room_config = &c,
		.room_config_size = sizeof(c),
		.on_ready = on_ready,
		.on_exit = on_exit_room,
		.arg = w };

	for (int i = PAGES - 1; i >= 0; i--)
		pages[i] = memfd(20 + (size_t)i);
	assert_int_equal(setenv("PAYSIEVE_TEST_ONE", "1", 1), 0);
	assert_int_equal(setenv("OTHER_TEST", "1", 1), 0);
	assert_int_equal(setenv("PAYSIEVE_TEST_TWO", "1", 1), 0);
	assert_int_equal(process_start(&w->p, &pc, NULL), ST_OK);
	until_exit(w, 0);
	assert_non_null(getenv("PAYSIEVE_TEST_ONE"));
	for (int i = 0; i < PAGES; i++)
		(void)close(pages[i]);
	(void)close(pc.spawn.metrics);
	(void)close(pc.spawn.listeners[1]);
}

/* Containers and services often get no more. */
static void
few_descriptors_are_enough(void **state)
{
	struct rlimit was, few;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	few = was;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	begin(*state, ACT_EXIT, 5);
	until_exit(*state, 5);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
}

static void
without_descriptors_there_is_no_process(void **state)
{
	struct world *w = *state;
	struct process_config pc = { .loop = w->loop, .room_config = "" };
	struct rlimit was, none;
	struct err e = { "" };
	enum status st;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	st = process_start(&w->p, &pc, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(st, ST_IO);
	assert_null(w->p);
	assert_non_null(strstr(e.text, "descriptors"));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(its_exit_code_is_told),
		CASE(a_signal_is_told_as_128_and_its_number),
		CASE(it_may_be_freed_when_its_exit_is_told),
		CASE(ready_is_told_once),
		CASE(a_drain_ends_it_well),
		CASE(one_that_is_not_ready_is_asked_too),
		CASE(one_that_ignores_the_drain_is_killed),
		CASE(a_later_drain_sets_the_limit_anew),
		CASE(one_that_closes_its_channel_is_killed),
		CASE(one_that_is_leaving_keeps_its_exit_code),
		CASE(nonsense_is_the_end),
		CASE(freeing_kills_and_tells_nothing),
		CASE(no_descriptor_stays_behind),
		CASE(a_room_finds_what_it_is_given_and_nothing_else),
		CASE(few_descriptors_are_enough),
		CASE(without_descriptors_there_is_no_process),
	};

	if (argc == 4 && strcmp(argv[1], "--room") == 0)
		return room_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
