#include "supervisor/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static void
name_address(struct config_address *a)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (a->u.sa.sa_family == AF_INET6) {
		(void)inet_ntop(
		    AF_INET6, &a->u.in6.sin6_addr, host, sizeof(host));
		(void)snprintf(a->bound, sizeof(a->bound), "[%s]:%u", host,
		    ntohs(a->u.in6.sin6_port));
		return;
	}
	(void)inet_ntop(AF_INET, &a->u.in.sin_addr, host, sizeof(host));
	(void)snprintf(
	    a->bound, sizeof(a->bound), "%s:%u", host, ntohs(a->u.in.sin_port));
}

static bool
set_option(int fd, int option)
{
	const int on = 1;

	return setsockopt(fd, SOL_SOCKET, option, &on, sizeof(on)) == 0;
}

int
listen_tcp(struct config_address *a, bool shared, struct err *e)
{
	/* The first of several binds alone, so that another program which
	 * shares its ports as well is noticed. */
	bool joins = shared && a->bound[0] != '\0';
	int fd = socket(
	    a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || !set_option(fd, SO_REUSEADDR) ||
	    (joins && !set_option(fd, SO_REUSEPORT)) ||
	    bind(fd, &a->u.sa, a->len) != 0 ||
	    (shared && !set_option(fd, SO_REUSEPORT)) ||
	    listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, &a->u.sa, &a->len) != 0) {
		err_set(e, "cannot listen on %s: %s", a->text, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	name_address(a);
	return fd;
}

/* Whatever does not say that nobody is there is taken for somebody: a full
 * queue, another kind of socket, one that we may not open. */
static bool
somebody_listens(const struct sockaddr_un *sun)
{
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool nobody;

	if (fd < 0)
		return false;
	nobody = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) != 0 &&
		 (errno == ENOENT || errno == ECONNREFUSED);
	(void)close(fd);
	return !nobody;
}

/* Sockets only: a file of that name is somebody's. */
static bool
remove_stale(const char *path)
{
	struct stat sb;

	return lstat(path, &sb) != 0 || !S_ISSOCK(sb.st_mode) ||
	       unlink(path) == 0;
}

int
listen_control(const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, bound;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, "%s: too long for a control socket", path);
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	if (somebody_listens(&sun)) {
		err_set(e, "another paysieve runs on this store (%s)", path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !remove_stale(path))
		goto fail;
	mask = umask(0177);
	bound = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	(void)umask(mask);
	if (bound == 0 && listen(fd, 16) == 0)
		return fd;
fail:
	err_set(e, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return -1;
}
