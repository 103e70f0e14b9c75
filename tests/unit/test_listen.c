/* supervisor/listen.c: what is listened on, and what stands in the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "supervisor/listen.h"

/* ---- TCP */

static struct config_address
loopback(uint16_t port)
{
	struct config_address a = { .len = sizeof(a.u.in) };

	a.u.in.sin_family = AF_INET;
	a.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.u.in.sin_port = htons(port);
	(void)snprintf(a.text, sizeof(a.text), "127.0.0.1:%u", port);
	return a;
}

static void
port_0_becomes_the_port_that_the_kernel_gave(void **state)
{
	struct config_address a = loopback(0);
	char wanted[64];
	int fd = listen_tcp(&a, false, NULL);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_int_not_equal(ntohs(a.u.in.sin_port), 0);
	(void)snprintf(
	    wanted, sizeof(wanted), "127.0.0.1:%u", ntohs(a.u.in.sin_port));
	assert_string_equal(a.bound, wanted);
	assert_string_equal(a.text, "127.0.0.1:0");
	assert_int_equal(connect(client, &a.u.sa, a.len), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	(void)close(client);
	(void)close(fd);
}

static void
an_address_in_use_is_named(void **state)
{
	struct config_address a = loopback(0), b;
	int fd = listen_tcp(&a, false, NULL);
	struct err e = { "" };

	(void)state;
	assert_true(fd >= 0);
	b = loopback(ntohs(a.u.in.sin_port));
	assert_int_equal(listen_tcp(&b, false, &e), -1);
	assert_non_null(strstr(e.text, b.text));
	assert_string_equal(b.bound, "");
	(void)close(fd);
}

static void
sockets_of_ours_share_an_address(void **state)
{
	struct config_address a = loopback(0);
	int fds[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		fds[i] = listen_tcp(&a, true, NULL);
		assert_true(fds[i] >= 0);
	}
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
}

/* Another gateway of the same user would take half of the callbacks. */
static void
a_shared_address_of_another_program_is_in_use(void **state)
{
	struct config_address a = loopback(0), b;
	int fd = listen_tcp(&a, true, NULL);
	struct err e = { "" };

	(void)state;
	assert_true(fd >= 0);
	b = loopback(ntohs(a.u.in.sin_port));
	assert_int_equal(listen_tcp(&b, true, &e), -1);
	assert_non_null(strstr(e.text, b.text));
	(void)close(fd);
}

static void
an_ipv6_address_is_named_in_brackets(void **state)
{
	struct config_address a = { .len = sizeof(a.u.in6) };
	char wanted[64];
	int fd;

	(void)state;
	a.u.in6.sin6_family = AF_INET6;
	a.u.in6.sin6_addr = in6addr_loopback;
	fd = listen_tcp(&a, false, NULL);
	if (fd < 0 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
		skip(); /* this machine has no IPv6 */
	assert_true(fd >= 0);
	(void)snprintf(
	    wanted, sizeof(wanted), "[::1]:%u", ntohs(a.u.in6.sin6_port));
	assert_string_equal(a.bound, wanted);
	(void)close(fd);
}

/* ---- the control socket */

struct place {
	char folder[32];
	char path[64];
};

static int
set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	memcpy(p->folder, "/tmp/listen-XXXXXX", 19);
	assert_non_null(mkdtemp(p->folder));
	(void)snprintf(p->path, sizeof(p->path), "%s/control", p->folder);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	(void)unlink(p->path);
	assert_int_equal(rmdir(p->folder), 0);
	free(p);
	return 0;
}

static int
unix_socket(const char *path, int type, bool listening)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type, 0);

	memcpy(sun.sun_path, path, strlen(path));
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	if (listening)
		assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static int
connect_to(const char *path, int flags)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | flags, 0);

	memcpy(sun.sun_path, path, strlen(path));
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void
only_the_owner_may_use_the_control_socket(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(0);
	int fd = listen_control(p->path, NULL);
	struct stat sb;
	int client;

	assert_int_equal(umask(mask), 0); /* as it was */
	assert_true(fd >= 0);
	assert_int_equal(stat(p->path, &sb), 0);
	assert_true(S_ISSOCK(sb.st_mode));
	assert_int_equal(sb.st_mode & 0777, 0600);
	client = connect_to(p->path, 0);
	assert_true(client >= 0);
	(void)close(client);
	(void)close(fd);
}

static void
a_control_socket_left_behind_is_replaced(void **state)
{
	struct place *p = *state;
	int fd = listen_control(p->path, NULL);

	assert_true(fd >= 0);
	(void)close(fd); /* as SIGKILL leaves it */
	fd = listen_control(p->path, NULL);
	assert_true(fd >= 0);
	(void)close(fd);
}

/* In a process that root's rights do not help. */
static bool
said_by_somebody_else(const struct place *p)
{
	struct err e = { "" };
	int fd;

	if (geteuid() == 0 &&
	    (chown(p->folder, 65534, 65534) != 0 || setuid(65534) != 0))
		return false;
	fd = listen_control(p->path, NULL);
	if (fd < 0 || close(fd) != 0 || chmod(p->folder, 0500) != 0 ||
	    listen_control(p->path, &e) >= 0)
		return false;
	return chmod(p->folder, 0700) == 0 &&
	       strstr(e.text, strerror(EACCES)) != NULL;
}

/* The socket left behind is not "in use": it cannot be removed. */
static void
a_folder_that_cannot_be_written_is_said(void **state)
{
	const struct place *p = *state;
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		_exit(said_by_somebody_else(p) ? 0 : 1);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
a_second_gateway_is_refused_and_leaves_the_first_alone(void **state)
{
	struct place *p = *state;
	int fd = listen_control(p->path, NULL), client;
	struct err e = { "" };

	assert_true(fd >= 0);
	assert_int_equal(listen_control(p->path, &e), -1);
	assert_non_null(strstr(e.text, "another paysieve"));
	client = connect_to(p->path, 0);
	assert_true(client >= 0);
	(void)close(client);
	(void)close(fd);
}

/* A gateway that hangs takes no connection; nobody may wait for it. */
static void
a_full_queue_counts_as_somebody(void **state)
{
	struct place *p = *state;
	int fd = unix_socket(p->path, SOCK_SEQPACKET, true);
	int clients[8], n = 0;
	struct err e = { "" };

	while (n < 8) {
		clients[n] = connect_to(p->path, SOCK_NONBLOCK);
		if (clients[n] < 0)
			break;
		n++;
	}
	assert_in_range(n, 1, 7);
	assert_int_equal(listen_control(p->path, &e), -1);
	assert_non_null(strstr(e.text, "another paysieve"));
	while (n-- > 0)
		(void)close(clients[n]);
	(void)close(fd);
}

static void
a_socket_of_another_kind_is_left_alone(void **state)
{
	struct place *p = *state;
	int fd = unix_socket(p->path, SOCK_STREAM, true);
	struct stat sb;

	assert_int_equal(listen_control(p->path, NULL), -1);
	assert_int_equal(stat(p->path, &sb), 0);
	(void)close(fd);
}

static void
a_file_of_that_name_is_left_alone(void **state)
{
	struct place *p = *state;
	int fd = open(p->path, O_CREAT | O_WRONLY, 0600);
	struct err e = { "" };
	struct stat sb;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "kept", 4), 4);
	(void)close(fd);
	assert_int_equal(listen_control(p->path, &e), -1);
	assert_non_null(strstr(e.text, p->path));
	assert_int_equal(stat(p->path, &sb), 0);
	assert_int_equal(sb.st_size, 4);
}

static void
a_path_that_no_socket_can_have_is_said(void **state)
{
	char path[200] = "/tmp/";
	struct err e = { "" };

	(void)state;
	memset(path + 5, 'x', sizeof(path) - 6);
	assert_int_equal(listen_control(path, &e), -1);
	assert_non_null(strstr(e.text, "too long"));
}

static void
a_folder_that_is_not_there_is_said(void **state)
{
	struct place *p = *state;
	char path[128];
	struct err e = { "" };

	(void)snprintf(path, sizeof(path), "%s/none/control", p->folder);
	assert_int_equal(listen_control(path, &e), -1);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, strerror(ENOENT)));
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_0_becomes_the_port_that_the_kernel_gave),
		cmocka_unit_test(an_address_in_use_is_named),
		cmocka_unit_test(sockets_of_ours_share_an_address),
		cmocka_unit_test(a_shared_address_of_another_program_is_in_use),
		cmocka_unit_test(an_ipv6_address_is_named_in_brackets),
		CASE(only_the_owner_may_use_the_control_socket),
		CASE(a_control_socket_left_behind_is_replaced),
		CASE(a_folder_that_cannot_be_written_is_said),
		CASE(a_second_gateway_is_refused_and_leaves_the_first_alone),
		CASE(a_full_queue_counts_as_somebody),
		CASE(a_socket_of_another_kind_is_left_alone),
		CASE(a_file_of_that_name_is_left_alone),
		cmocka_unit_test(a_path_that_no_socket_can_have_is_said),
		CASE(a_folder_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
