#include "keeper/control.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Command lines at once; people do not type faster. */
#define MOST_COMMANDS 16

struct control {
	struct peers *peers;
	struct event *readable;
};

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;
	int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (got >= 0) {
		if (peers_count(c->peers, PARTY_COMMAND) >= MOST_COMMANDS)
			(void)close(got);
		else
			(void)peers_add(c->peers, got, PARTY_COMMAND);
		return;
	}
	/* Without descriptors the socket stays readable: wait for a tick. */
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		(void)event_del(c->readable);
}

enum status
control_new(struct control **out, struct loop *l, int fd, struct peers *peers,
    struct err *e)
{
	struct control *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL)
		goto fail;
	c->peers = peers;
	if (evutil_make_socket_nonblocking(fd) != 0)
		goto fail;
	c->readable =
	    event_new(loop_base(l), fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->readable == NULL || event_add(c->readable, NULL) != 0)
		goto fail;
	*out = c;
	return ST_OK;
fail:
	err_set(e, "the control socket cannot be used");
	control_free(c);
	return ST_NO_MEMORY;
}

void
control_tick(struct control *c)
{
	(void)event_add(c->readable, NULL);
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	if (c->readable != NULL)
		event_free(c->readable);
	free(c);
}
