#include "supervisor/process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct process {
	struct process_config cfg;
	pid_t pid; /* -1 once it was waited for */
	int pidfd;
	struct event *ended;
	struct event *too_long;
	struct channel *control;
	bool ready;
	bool draining;
};

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct process *p = arg;

	(void)records;
	(void)count;
	(void)fd;
	if (type != MSG_READY || p->ready)
		return;
	p->ready = true;
	p->cfg.on_ready(p->cfg.arg, p);
}

/* A process without its channel may not go on.  Most are exiting already, and
 * their exit code says more than a kill would. */
static void
on_end(void *arg, enum channel_end why)
{
	struct timeval moment = { 1, 0 };
	struct process *p = arg;

	if (why == CHANNEL_NONSENSE)
		process_kill(p);
	else
		(void)event_add(p->too_long, &moment);
}

static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;
	int status = 0, code;

	(void)fd;
	(void)what;
	if (waitpid(p->pid, &status, WNOHANG) != p->pid)
		return;
	p->pid = -1;
	(void)event_del(p->ended);
	code =
	    WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	p->cfg.on_exit(p->cfg.arg, p, code);
}

static void
on_too_long(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	process_kill(arg);
}

static enum status
launch(struct process *p, int config_fd, struct err *e)
{
	struct channel_config cc = { .self = PARTY_SUPERVISOR,
		.peer = p->cfg.spawn.party,
		.most_queued = 256,
		.on_records = on_records,
		.on_end = on_end,
		.arg = p };
	int pair[2];

	if (config_fd < 0 || channel_pair(pair) != ST_OK) {
		err_set(e, "no descriptors for a room: %s", strerror(errno));
		return ST_IO;
	}
	p->cfg.spawn.control = pair[1];
	p->cfg.spawn.config = config_fd;
	p->pid = spawn_room(&p->cfg.spawn, e);
	(void)close(pair[1]);
	if (p->pid < 0) {
		(void)close(pair[0]);
		return ST_IO;
	}
	cc.fd = pair[0];
	return channel_new(&p->control, p->cfg.loop, &cc, e);
}

static enum status
watch(struct process *p, struct err *e)
{
	struct event_base *base = loop_base(p->cfg.loop);

	p->pidfd = pidfd_open(p->pid, 0);
	if (p->pidfd < 0) {
		err_set(e, "a room cannot be watched: %s", strerror(errno));
		return ST_IO;
	}
	p->ended = event_new(base, p->pidfd, EV_READ | EV_PERSIST, on_ended, p);
	p->too_long = evtimer_new(base, on_too_long, p);
	if (p->ended == NULL || p->too_long == NULL ||
	    event_add(p->ended, NULL) != 0)
		return ST_NO_MEMORY;
	return ST_OK;
}

enum status
process_start(
    struct process **out, const struct process_config *cfg, struct err *e)
{
	struct process *p = calloc(1, sizeof(*p));
	enum status st = ST_NO_MEMORY;
	int fd;

	*out = NULL;
	if (p == NULL)
		return st;
	p->cfg = *cfg;
	p->pid = -1;
	p->pidfd = -1;
	fd = spawn_config(cfg->room_config, cfg->room_config_size);
	st = launch(p, fd, e);
	if (fd >= 0)
		(void)close(fd);
	if (st == ST_OK)
		st = watch(p, e);
	if (st != ST_OK) {
		process_free(p);
		return st;
	}
	*out = p;
	return ST_OK;
}

void
process_free(struct process *p)
{
	if (p == NULL)
		return;
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	if (p->ended != NULL)
		event_free(p->ended);
	if (p->too_long != NULL)
		event_free(p->too_long);
	if (p->pidfd >= 0)
		(void)close(p->pidfd);
	channel_free(p->control);
	free(p);
}

pid_t
process_pid(const struct process *p)
{
	return p->pid;
}

enum party
process_party(const struct process *p)
{
	return p->cfg.spawn.party;
}

bool
process_ready(const struct process *p)
{
	return p->ready;
}

void
process_drain(struct process *p, int64_t limit_ms)
{
	struct timeval limit = { limit_ms / 1000, limit_ms % 1000 * 1000 };
	struct msg_empty drain = { 0 };

	(void)event_add(p->too_long, &limit);
	if (p->draining)
		return;
	p->draining = true;
	if (channel_add(p->control, MSG_DRAIN, &drain) != ST_OK)
		process_kill(p);
}

bool
process_draining(const struct process *p)
{
	return p->draining;
}

void
process_kill(struct process *p)
{
	if (p->pid > 0)
		(void)kill(p->pid, SIGKILL);
}

struct channel *
process_control(struct process *p)
{
	return p->control;
}
