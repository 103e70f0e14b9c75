/* supervisor/sandbox.c: what a room may no longer do.  Each case is a child
 * process that confines itself and then tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "supervisor/sandbox.h"

static void
open_a_file(void)
{
	(void)open("/dev/null", O_RDONLY);
}

static void
make_a_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void
remove_a_file(void)
{
	(void)unlink("/nowhere/at/all");
}

/* The signal that ended the child, or 0 when it came through. */
static int
signal_of(enum party room, void (*act)(void))
{
	struct err e = { "" };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_early(&e) != ST_OK ||
		    sandbox_close(room, &e) != ST_OK)
			_exit(8);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status);
	assert_int_equal(WEXITSTATUS(status), 0);
	return 0;
}

/* Without the filter the same calls come through: the cases can fail. */
static void
the_same_calls_pass_without_the_filter(void **state)
{
	(void)state;
	assert_int_equal(signal_of(PARTY_KEEPER, open_a_file), 0);
	assert_int_equal(signal_of(PARTY_KEEPER, make_a_socket), 0);
	assert_int_equal(signal_of(PARTY_KEEPER, remove_a_file), 0);
}

/* The sanitizers need calls of their own: there the filter is off. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CONFINED 1

static void
nothing(void)
{
}

static void
daily_work(void)
{
	char byte = 0;
	void *p = malloc(1 << 20);

	(void)clock_wall_us();
	if (read(STDIN_FILENO, &byte, 0) != 0 || p == NULL)
		_exit(9);
	free(p);
}

static void
make_a_unix_socket(void)
{
	(void)socket(AF_UNIX, SOCK_STREAM, 0);
}

static void
connect_somewhere(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	(void)connect(0, (struct sockaddr *)&sin, sizeof(sin));
}

static void
run_a_program(void)
{
	char *argv[] = { NULL };

	(void)execve("/bin/true", argv, argv);
}

static void
make_a_process(void)
{
	(void)fork();
}

static void
trace_a_process(void)
{
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void
read_another_process(void)
{
	(void)process_vm_readv(getppid(), NULL, 0, NULL, 0, 0);
}

static void
map_executable_memory(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
an_edge_can_do_its_daily_work(void **state)
{
	(void)state;
	assert_int_equal(signal_of(PARTY_EDGE, nothing), 0);
	assert_int_equal(signal_of(PARTY_EDGE, daily_work), 0);
}

static void
an_edge_dies_of_every_other_call(void **state)
{
	static void (*const acts[])(void) = { open_a_file, make_a_socket,
		make_a_unix_socket, connect_somewhere, run_a_program,
		make_a_process, trace_a_process, read_another_process,
		map_executable_memory, remove_a_file };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		assert_int_equal(signal_of(PARTY_EDGE, acts[i]), SIGSYS);
}

static void
check_early(void)
{
	struct rlimit core;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 ||
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0 ||
	    prctl(PR_CAPBSET_READ, 0, 0, 0, 0) < 0)
		_exit(7);
	/* Without capabilities even root is refused this. */
	if (setpriority(PRIO_PROCESS, 0, -20) == 0)
		_exit(6);
}

static void
every_room_is_confined_early(void **state)
{
	(void)state;
	assert_int_equal(signal_of(PARTY_KEEPER, check_early), 0);
}

#else
#define CONFINED 0
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#if CONFINED
		cmocka_unit_test(an_edge_can_do_its_daily_work),
		cmocka_unit_test(an_edge_dies_of_every_other_call),
		cmocka_unit_test(every_room_is_confined_early),
#endif
		cmocka_unit_test(the_same_calls_pass_without_the_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
