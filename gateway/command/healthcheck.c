#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/command.h"

#define PATIENCE_US INT64_C(5000000) /* for the whole of it */

static const char help[] =
    "Usage: paysieve healthcheck [--config FILE]\n"
    "\n"
    "Ask the gateway on this machine whether it is ready: GET /readyz at the\n"
    "admin address of the configuration, 5 seconds at most.  For a "
    "container's\n"
    "health check.\n"
    "\n"
    "Exit code: 0 ready, 1 not, 78 bad configuration.\n";

/* What is left of the patience, for the next call on fd; false: nothing. */
static bool
arm(int fd, int64_t deadline_us)
{
	int64_t left = deadline_us - clock_mono_us();
	struct timeval tv = { .tv_sec = left / 1000000,
		.tv_usec = left % 1000000 };

	return left > 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0;
}

static bool
ask(int fd, const struct config_address *a, int64_t deadline_us)
{
	char request[160];
	int n = snprintf(request, sizeof(request),
	    "GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
	    a->text);

	return arm(fd, deadline_us) && connect(fd, &a->u.sa, a->len) == 0 &&
	       send(fd, request, (size_t)n, MSG_NOSIGNAL) == n;
}

/* The status of the answer, 0 without one. */
static int
hear(int fd, int64_t deadline_us)
{
	static const char version[] = "HTTP/1.1 ";
	char line[12]; /* version and three digits */
	size_t have = 0;

	while (have < sizeof(line)) {
		ssize_t n = -1;

		if (arm(fd, deadline_us))
			n = recv(fd, line + have, sizeof(line) - have, 0);
		else
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		have += (size_t)n;
	}
	if (memcmp(line, version, sizeof(version) - 1) != 0)
		return 0;
	for (size_t i = 9; i < 12; i++) {
		if (line[i] < '0' || line[i] > '9')
			return 0;
	}
	return (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
}

static int
check(const struct config_address *a)
{
	int64_t deadline_us = clock_mono_us() + PATIENCE_US;
	int fd, status = 0;

	fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && ask(fd, a, deadline_us))
		status = hear(fd, deadline_us);
	if (fd >= 0)
		(void)close(fd);
	if (status == 200) {
		(void)puts("ready");
		return command_flush("paysieve healthcheck", EXIT_GOOD);
	}
	if (status == 0)
		(void)fprintf(stderr, "no answer from the admin address\n");
	else
		(void)fprintf(stderr, "not ready: HTTP %d\n", status);
	return EXIT_FAILED;
}

int
healthcheck_main(const char *config, int argc, char **argv)
{
	struct config *c = NULL;
	int code;

	if (!command_plain(argc, argv, help, &config, &code))
		return code;
	code = command_load(&c, config);
	if (code == EXIT_GOOD)
		code = check(&c->admin);
	config_free(c);
	return code;
}
