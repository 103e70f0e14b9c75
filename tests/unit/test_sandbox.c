/* supervisor/sandbox.c: what a room may no longer do.  Each case is a child
 * process that confines itself and then tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <resolv.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "client_world.h"
#include "folder.h"
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

/* No room: as after exec, without walls. */
#define NOBODY ((enum party)0)

static char folder[32]; /* the store's */

static int
set_up_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/sandbox.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	folder_put(folder, "store", "made up");
	return 0;
}

static int
remove_folder(void **state)
{
	char path[FOLDER_PATH];

	(void)state;
	folder_path(folder, "store", path);
	return unlink(path) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

static enum status
confine(enum party room, struct err *e)
{
	char path[FOLDER_PATH];
	enum status st = sandbox_early(room, e);

	if (st == ST_OK && room == PARTY_KEEPER) {
		folder_path(folder, "store", path);
		st = sandbox_store(path, e);
	}
	return st == ST_OK && room != NOBODY ? sandbox_close(room, e) : st;
}

/* The signal that ended the child, or 0 when it came through. */
static int
signal_of(enum party room, void (*act)(void))
{
	struct err e = { "" };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (confine(room, &e) != ST_OK)
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
	assert_int_equal(signal_of(NOBODY, open_a_file), 0);
	assert_int_equal(signal_of(NOBODY, make_a_socket), 0);
	assert_int_equal(signal_of(NOBODY, remove_a_file), 0);
}

/* The sanitizers need calls of their own: there the filter is off. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CONFINED 1

static pid_t parent; /* of all cases: the test itself */

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
	(void)process_vm_readv(parent, NULL, 0, NULL, 0, 0);
}

static void
map_executable_memory(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
signal_another(void)
{
	(void)kill(parent, 0);
}

static void
make_a_file_of_memory(void)
{
	(void)memfd_create("code", MFD_CLOEXEC);
}

static void
load_into_the_kernel(void)
{
	(void)syscall(SYS_bpf, 0, NULL, 0);
}

static void
mount_something(void)
{
	(void)syscall(SYS_mount, NULL, "/", NULL, 0, NULL);
}

static void
leave_for_another_world(void)
{
	(void)syscall(SYS_unshare, 0);
}

static void
take_a_descriptor(void)
{
	(void)syscall(SYS_pidfd_getfd, -1, 0, 0);
}

static void
wait_in_a_ring(void)
{
	(void)syscall(SYS_io_uring_setup, 0, NULL);
}

static void *
do_nothing(void *arg)
{
	return arg;
}

static void
make_a_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
		(void)pthread_join(thread, NULL);
}

/* Each comes through where there are no walls, and ends the room. */
static void
dies_of(enum party room, void (*const *acts)(void), size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int bare = signal_of(NOBODY, acts[i]);
		int walled = signal_of(room, acts[i]);

		if (bare != 0 || walled != SIGSYS)
			print_error("%s, call %zu\n", party_name(room), i);
		assert_int_equal(bare, 0);
		assert_int_equal(walled, SIGSYS);
	}
}

/* What no room but those that make connections may even try. */
static void (*const forbidden[])(void) = { make_a_socket, make_a_unix_socket,
	connect_somewhere, run_a_program, make_a_process, make_a_thread,
	trace_a_process, read_another_process, take_a_descriptor,
	signal_another, make_a_file_of_memory, map_executable_memory,
	load_into_the_kernel, mount_something, leave_for_another_world,
	wait_in_a_ring };

static void
edge_and_desk_can_do_their_daily_work(void **state)
{
	static const enum party rooms[] = { PARTY_EDGE, PARTY_DESK };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		assert_int_equal(signal_of(rooms[i], nothing), 0);
		assert_int_equal(signal_of(rooms[i], daily_work), 0);
	}
}

/* proves: R42 */
static void
edge_and_desk_die_of_every_other_call(void **state)
{
	static void (*const files[])(void) = { open_a_file, remove_a_file };
	static const enum party rooms[] = { PARTY_EDGE, PARTY_DESK };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		dies_of(rooms[i], forbidden, ARRAY_LEN(forbidden));
		dies_of(rooms[i], files, ARRAY_LEN(files));
	}
}

/* ---- asker and courier */

static int
open_store(int flags)
{
	char path[FOLDER_PATH];

	folder_path(folder, "store", path);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int
read_the_store(void)
{
	return open_store(O_RDONLY);
}

static int
read_a_password(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int
list_the_folder(void)
{
	return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
write_the_store(void)
{
	return open_store(O_WRONLY);
}

static int
change_the_store(void)
{
	return open_store(O_RDWR);
}

static int
empty_the_store(void)
{
	return open_store(O_RDONLY | O_TRUNC);
}

static int
write_to_a_device(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static int
create_a_file(void)
{
	char path[FOLDER_PATH];
	int fd;

	folder_path(folder, "new", path);
	fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

static int
make_a_folder(void)
{
	char path[FOLDER_PATH];

	folder_path(folder, "new", path);
	return mkdir(path, 0700) != 0 ? -1 : rmdir(path);
}

static int
rename_the_store(void)
{
	char from[FOLDER_PATH], to[FOLDER_PATH];

	folder_path(folder, "store", from);
	folder_path(folder, "moved", to);
	return rename(from, to) != 0 ? -1 : rename(to, from);
}

static int
open_the_store_to_all(void)
{
	char path[FOLDER_PATH];

	folder_path(folder, "store", path);
	return chmod(path, 0600);
}

static int
speak_to_other_processes(void)
{
	return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}

static int
ask_the_kernel(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static int
take_a_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? 100 : bind(fd, (struct sockaddr *)&at, sizeof(at));
}

static int
listen_to_callers(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? 100 : listen(fd, 1);
}

static int
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		   ? -1
		   : 0;
}

static int
make_another_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static int
signal_its_parent(void)
{
	return (int)syscall(SYS_tgkill, parent, parent, 0);
}

/* Its errno; 0 when it came through. */
static int
errno_of(enum party room, int (*act)(void))
{
	struct err e = { "" };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (confine(room, &e) != ST_OK)
			_exit(255);
		_exit(act() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
need_landlock(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION) < 1)
		fail_msg("this kernel has no Landlock: cannot be tested here");
	assert_true(sandbox_landlock() >= 1);
}

static void
asker_and_courier_are_refused_files_ports_and_processes(void **state)
{
	static const struct {
		int (*act)(void);
		int refused;
	} cases[] = {
		{ read_the_store, EACCES },
		{ read_a_password, EACCES },
		{ list_the_folder, EACCES },
		{ write_the_store, EPERM },
		{ change_the_store, EPERM },
		{ empty_the_store, EPERM },
		{ write_to_a_device, EPERM },
		{ create_a_file, EPERM },
		{ make_a_folder, EPERM },
		{ rename_the_store, EPERM },
		{ open_the_store_to_all, EPERM },
		{ speak_to_other_processes, EPERM },
		{ ask_the_kernel, EPERM },
		{ take_a_port, EPERM },
		{ listen_to_callers, EPERM },
		{ map_code, EPERM },
		{ make_another_process, EPERM },
		{ signal_its_parent, EPERM },
	};

	(void)state;
	need_landlock();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(errno_of(NOBODY, cases[i].act), 0);
		assert_int_equal(
		    errno_of(PARTY_ASKER, cases[i].act), cases[i].refused);
		assert_int_equal(
		    errno_of(PARTY_COURIER, cases[i].act), cases[i].refused);
	}
}

/* proves: R42 */
static void
asker_and_courier_die_of_what_only_an_intruder_tries(void **state)
{
	static void (*const acts[])(void) = { run_a_program, trace_a_process,
		read_another_process, take_a_descriptor, signal_another,
		make_a_file_of_memory, load_into_the_kernel, mount_something,
		leave_for_another_world, wait_in_a_ring };

	(void)state;
	dies_of(PARTY_ASKER, acts, ARRAY_LEN(acts));
	dies_of(PARTY_COURIER, acts, ARRAY_LEN(acts));
	assert_int_equal(signal_of(PARTY_ASKER, abort), SIGABRT);
	assert_int_equal(signal_of(PARTY_COURIER, abort), SIGABRT);
}

static void
read_public_files(void)
{
	static const char *const paths[] = { "/etc/resolv.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (open(paths[i], O_RDONLY | O_CLOEXEC) < 0 && errno != ENOENT)
			_exit(9);
	}
}

static void
find_localhost(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;

	if (getaddrinfo("localhost", "443", &hints, &found) != 0)
		_exit(9);
	freeaddrinfo(found);
}

static void *
read_in_a_thread(void *arg)
{
	*(int *)arg = read_the_store() < 0 ? errno : 0;
	return NULL;
}

static void
start_a_thread(void)
{
	pthread_t thread;
	int refused = 0;

	if (pthread_create(&thread, NULL, read_in_a_thread, &refused) != 0 ||
	    pthread_join(thread, NULL) != 0 || refused != EACCES)
		_exit(9);
}

static void
asker_and_courier_can_do_their_daily_work(void **state)
{
	static void (*const acts[])(void) = { nothing, daily_work,
		read_public_files, find_localhost, start_a_thread };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		assert_int_equal(signal_of(PARTY_ASKER, acts[i]), 0);
		assert_int_equal(signal_of(PARTY_COURIER, acts[i]), 0);
	}
}

static struct sockaddr_in name_server; /* port 0: the system's */

/* libcurl's resolver threads come here as well: names are asked for at the
 * test's own server, by the resolver of the system. */
int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
    struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *,
	    struct addrinfo **);
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

	if (symbol == NULL || res_init() != 0)
		return EAI_SYSTEM;
	memcpy(&real, &symbol, sizeof(real));
	if (name_server.sin_port != 0) {
		_res.nscount = 1;
		_res.nsaddr_list[0] = name_server;
	}
	return real(name, service, hints, found);
}

/* Answers each question with 127.0.0.1, or with nothing for IPv6. */
static void
serve_names(int fd)
{
	static const unsigned char answer[] = { 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0,
		9, 0, 4, 127, 0, 0, 1 };

	for (;;) {
		unsigned char q[600] = { 0 };
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t n =
		    recvfrom(fd, q, 512, 0, (struct sockaddr *)&from, &len);
		size_t end = 12;

		if (n < 17)
			continue;
		while (q[end] != 0 && end < 500)
			end += q[end] + 1U;
		end += 5; /* the name's end, type and class */
		q[2] |= 0x80;
		q[11] = 0; /* additional records */
		if (q[end - 3] == 1) {
			q[7] = 1;
			memcpy(q + end, answer, sizeof(answer));
			end += sizeof(answer);
		}
		(void)sendto(
		    fd, q, end, 0, (const struct sockaddr *)&from, len);
	}
}

static pid_t
name_server_start(void)
{
	socklen_t len = sizeof(name_server);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	name_server = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)&name_server, len), 0);
	assert_int_equal(
	    getsockname(fd, (struct sockaddr *)&name_server, &len), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_names(fd);
	}
	(void)close(fd);
	return pid;
}

/* As a room does it: the client is made, then the sandbox closes. */
static void
get_confined(struct client_world *w, const char *host, bool any_address)
{
	char url[HTTP_STUB_URL];
	const struct client_target_config cfg = { .url = url,
		.ca_pem = http_stub_ca(w->stub),
		.timeout_ms = 20000,
		.any_address = any_address };
	struct err e;

	http_stub_url(w->stub, host, "", url);
	client_world_aim_with(w, &cfg);
	if (confine(PARTY_ASKER, &e) != ST_OK)
		_exit(8);
	w->n_wanted = 2;
	for (int i = 0; i < 2; i++) {
		if (client_get(w->client, w->target, bytes_of("/"), 1000,
			client_world_done, w) != ST_OK)
			_exit(7);
	}
	loop_run(w->loop);
	client_free(w->client);
	_exit(w->last.http_status == 200 ? 0 : 10 + (int)w->last.end);
}

static void
expect_confined(const char *names, const char *host, bool any_address, int code)
{
	struct client_world *w = client_world_new(names);
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		get_confined(w, host, any_address);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
	client_world_free(w);
}

static void
expect_a_confined_get(const char *names, const char *host)
{
	expect_confined(names, host, true, 0);
}

static void
an_asker_can_ask_its_provider(void **state)
{
	(void)state;
	expect_a_confined_get("IP:127.0.0.1", "127.0.0.1");
	expect_a_confined_get("DNS:localhost", "localhost");
	expect_a_confined_get(NULL, "127.0.0.1");
}

static void
an_asker_finds_its_provider_by_dns(void **state)
{
	pid_t pid = name_server_start();

	(void)state;
	expect_a_confined_get("DNS:provider.example", "provider.example");
	expect_a_confined_get(NULL, "provider.example");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	name_server.sin_port = 0;
}

/* proves: R26 */
static void
a_public_name_that_leads_to_loopback_leads_nowhere(void **state)
{
	pid_t pid = name_server_start();

	(void)state;
	expect_confined("DNS:billing.example", "billing.example", false,
	    10 + CLIENT_ADDRESS);
	expect_confined("DNS:billing.internal", "billing.internal", false, 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	name_server.sin_port = 0;
}

/* ---- the keeper */

/* proves: R42 */
static void
the_keeper_dies_of_all_but_files(void **state)
{
	(void)state;
	dies_of(PARTY_KEEPER, forbidden, ARRAY_LEN(forbidden));
	assert_int_equal(signal_of(PARTY_KEEPER, abort), SIGABRT);
}

static int
make_a_link_out(void)
{
	char path[FOLDER_PATH];

	folder_path(folder, "link", path);
	return symlink("/etc/passwd", path) != 0 ? -1 : unlink(path);
}

static int
create_a_file_elsewhere(void)
{
	char path[] = "/tmp/elsewhere.XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	return fd < 0 ? -1 : unlink(path);
}

/* By a name that leads out of it as well. */
static int
leave_the_folder(void)
{
	char path[FOLDER_PATH];

	folder_path(folder, "../../etc/passwd", path);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* proves: R42 */
static void
the_keeper_is_refused_files_that_are_not_the_stores(void **state)
{
	static int (*const acts[])(void) = { read_a_password, leave_the_folder,
		write_to_a_device, create_a_file_elsewhere };

	(void)state;
	need_landlock();
	for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
		assert_int_equal(errno_of(NOBODY, acts[i]), 0);
		assert_int_equal(errno_of(PARTY_KEEPER, acts[i]), EACCES);
	}
	/* Not even a call of the keeper's. */
	assert_int_equal(errno_of(NOBODY, make_a_link_out), 0);
	assert_int_equal(
	    signal_of(PARTY_KEEPER, (void (*)(void))make_a_link_out), SIGSYS);
}

static void
the_keeper_has_its_folder(void **state)
{
	static int (*const acts[])(void) = { read_the_store, write_the_store,
		change_the_store, list_the_folder, create_a_file,
		rename_the_store };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		assert_int_equal(errno_of(PARTY_KEEPER, acts[i]), 0);
	assert_int_equal(signal_of(PARTY_KEEPER, daily_work), 0);
}

static sqlite3 *database;

static void
must(const char *sql)
{
	if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
		_exit(9);
}

static void *
work_on_the_store(void *arg)
{
	char text[FOLDER_PATH + 32], path[FOLDER_PATH];

	while (!atomic_load((_Atomic bool *)arg))
		(void)sched_yield();
	must("PRAGMA cache_size = 10;"
	     "CREATE TABLE t (n INTEGER PRIMARY KEY, b BLOB);"
	     "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
	     "WHERE n < 2000) INSERT INTO t SELECT n, randomblob(2000) FROM c;"
	     "DELETE FROM t WHERE n % 2 = 0;"
	     "PRAGMA wal_checkpoint(TRUNCATE);"
	     "VACUUM;"
	     "PRAGMA integrity_check;");
	folder_path(folder, "copy", path);
	(void)snprintf(text, sizeof(text), "VACUUM INTO '%s'", path);
	must(text);
	if (unlink(path) != 0)
		_exit(9);
	return NULL;
}

/* As the keeper does it: its threads are there before the filter, and SQLite
 * has opened its files. */
static void
keep_a_store(void)
{
	_Atomic bool closed = false;
	char path[FOLDER_PATH];
	struct err e = { "" };
	pthread_t writer;

	folder_path(folder, "receipts.db", path);
	if (sandbox_early(PARTY_KEEPER, &e) != ST_OK ||
	    sandbox_store(path, &e) != ST_OK ||
	    sqlite3_open(path, &database) != SQLITE_OK)
		_exit(9);
	must("PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON;"
	     "PRAGMA temp_store = MEMORY; PRAGMA synchronous = FULL");
	if (pthread_create(&writer, NULL, work_on_the_store, &closed) != 0 ||
	    sandbox_close(PARTY_KEEPER, &e) != ST_OK)
		_exit(9);
	atomic_store(&closed, true);
	if (pthread_join(writer, NULL) != 0 ||
	    sqlite3_close(database) != SQLITE_OK || unlink(path) != 0)
		_exit(9);
}

static void
the_keeper_can_keep_a_store_and_copy_it(void **state)
{
	(void)state;
	assert_int_equal(signal_of(NOBODY, keep_a_store), 0);
}

/* The walls are those of its threads, too. */
static void *
intrude(void *arg)
{
	while (!atomic_load((_Atomic bool *)arg))
		(void)sched_yield();
	if (read_a_password() >= 0)
		_exit(9);
	make_a_socket();
	return NULL;
}

static void
intrude_from_a_thread(void)
{
	_Atomic bool closed = false;
	char path[FOLDER_PATH];
	struct err e = { "" };
	pthread_t thread;

	folder_path(folder, "store", path);
	if (sandbox_store(path, &e) != ST_OK ||
	    pthread_create(&thread, NULL, intrude, &closed) != 0 ||
	    sandbox_close(PARTY_KEEPER, &e) != ST_OK)
		_exit(9);
	atomic_store(&closed, true);
	(void)pthread_join(thread, NULL);
}

static void
a_thread_of_the_keeper_has_its_walls(void **state)
{
	(void)state;
	need_landlock();
	assert_int_equal(signal_of(NOBODY, intrude_from_a_thread), SIGSYS);
}

/* ---- the supervisor */

static void
the_supervisor_dies_of_looking_into_others(void **state)
{
	static void (*const acts[])(void) = { trace_a_process,
		read_another_process, take_a_descriptor, load_into_the_kernel,
		mount_something, leave_for_another_world, wait_in_a_ring };
	static void (*const needed[])(void) = { nothing, daily_work,
		open_a_file, make_a_socket, make_a_unix_socket, make_a_process,
		run_a_program, signal_another, make_a_file_of_memory };

	(void)state;
	dies_of(PARTY_SUPERVISOR, acts, ARRAY_LEN(acts));
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		assert_int_equal(signal_of(PARTY_SUPERVISOR, needed[i]), 0);
}

/* ---- every room */

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
	assert_int_equal(signal_of(NOBODY, check_early), 0);
}

#else
#define CONFINED 0
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
#if CONFINED
		cmocka_unit_test(edge_and_desk_can_do_their_daily_work),
		cmocka_unit_test(edge_and_desk_die_of_every_other_call),
		cmocka_unit_test(
		    asker_and_courier_are_refused_files_ports_and_processes),
		cmocka_unit_test(
		    asker_and_courier_die_of_what_only_an_intruder_tries),
		cmocka_unit_test(asker_and_courier_can_do_their_daily_work),
		cmocka_unit_test(an_asker_can_ask_its_provider),
		cmocka_unit_test(an_asker_finds_its_provider_by_dns),
		cmocka_unit_test(
		    a_public_name_that_leads_to_loopback_leads_nowhere),
		cmocka_unit_test(the_keeper_dies_of_all_but_files),
		cmocka_unit_test(
		    the_keeper_is_refused_files_that_are_not_the_stores),
		cmocka_unit_test(the_keeper_has_its_folder),
		cmocka_unit_test(the_keeper_can_keep_a_store_and_copy_it),
		cmocka_unit_test(a_thread_of_the_keeper_has_its_walls),
		cmocka_unit_test(the_supervisor_dies_of_looking_into_others),
		cmocka_unit_test(every_room_is_confined_early),
#endif
		cmocka_unit_test(the_same_calls_pass_without_the_filter),
	};

#if CONFINED
	parent = getpid();
#endif
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up_folder, remove_folder);
}
