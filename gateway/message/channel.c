#include "message/channel.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "base/wiped.h"

/* Packets read in one turn, so that one busy peer does not starve others. */
#define READS_A_TURN 128

/* Records on their way out stand packed in one ring of bytes; `run` says how
 * many of one type follow each other. */
struct run {
	enum message type;
	uint32_t count;
};

struct channel {
	struct loop *loop;
	struct channel_config cfg;
	struct event *readable;
	struct event *writable; /* pending only while the socket is full */
	struct loop_turn turn;
	bool turning;
	bool dead;
	bool waiting; /* writable is pending */
	bool wide;    /* data may hold records that have to be wiped */
	size_t queued;
	/* FIFO of queued records: data holds their bytes, runs their types. */
	unsigned char *data;
	size_t data_at, data_len, data_cap;
	struct run *runs;
	size_t runs_at, runs_len, runs_cap;
};

/* One packet at a time is read, checked and handed over. */
static _Thread_local union {
	uint64_t align;
	unsigned char bytes[MESSAGE_MAX];
} inbox;

enum status
channel_pair(int out[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, out) != 0)
		return ST_IO;
	for (int i = 0; i < 2; i++) {
		int size = 1024 * 1024; /* the kernel caps what it allows */

		(void)setsockopt(
		    out[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	return ST_OK;
}

static void
drop(struct channel *c)
{
	if (c->wide)
		secret_wipe(c->data, c->data_len);
	c->runs_at = c->runs_len = 0;
	c->data_at = c->data_len = c->queued = 0;
}

static void
end(struct channel *c, enum channel_end why)
{
	if (c->dead)
		return;
	c->dead = true;
	drop(c);
	(void)event_del(c->readable);
	(void)event_del(c->writable);
	if (why == CHANNEL_NONSENSE) {
		metrics_add(MET_ROOM_NONSENSE, 1);
		log_event(
		    LOG_NONSENSE, log_word(KEY_ROOM, party_name(c->cfg.peer)));
	}
	c->cfg.on_end(c->cfg.arg, why);
}

/* The descriptor that came with a packet; a second one is closed. */
static int
passed_fd(struct msghdr *msg)
{
	int fd = -1;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(msg); h != NULL;
	     h = CMSG_NXTHDR(msg, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int got;

			memcpy(
			    &got, CMSG_DATA(h) + i * sizeof(int), sizeof(got));
			if (fd >= 0)
				(void)close(got);
			else
				fd = got;
		}
	}
	return fd;
}

/* Only the supervisor may hand over descriptors. */
static bool
packet_sound(
    const struct channel *c, const struct msghdr *msg, size_t len, int fd)
{
	if ((msg->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return false;
	if (fd >= 0 && c->cfg.peer != PARTY_SUPERVISOR)
		return false;
	return message_check(c->cfg.peer, c->cfg.self, inbox.bytes, len);
}

/* A sound packet of len bytes is handed over; c may be freed then. */
static void
hand_over(struct channel *c, size_t len, int fd)
{
	struct msg_header h;

	memcpy(&h, inbox.bytes, sizeof(h));
	c->cfg.on_records(
	    c->cfg.arg, h.type, inbox.bytes + sizeof(h), h.count, fd);
	if (message_wide(h.type))
		secret_wipe(inbox.bytes, len);
}

/* false: nothing more to read, or c is dead or freed. */
static bool
read_packet(struct channel *c)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { inbox.bytes, sizeof(inbox.bytes) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	ssize_t n;
	int fd;

	n = recvmsg(c->cfg.fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	/* A peer that left packets unread: said once, what it sent follows. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return false;
	if (n <= 0) {
		end(c, CHANNEL_GONE);
		return false;
	}
	fd = passed_fd(&msg);
	if (!packet_sound(c, &msg, (size_t)n, fd)) {
		if (fd >= 0)
			(void)close(fd);
		/* Whatever it was. */
		secret_wipe(inbox.bytes, (size_t)n);
		end(c, CHANNEL_NONSENSE);
		return false;
	}
	hand_over(c, (size_t)n, fd);
	return true;
}

static _Thread_local struct channel *reading; /* NULL when it was freed */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;

	(void)fd;
	(void)what;
	reading = c;
	for (int i = 0; i < READS_A_TURN; i++) {
		if (!read_packet(c) || reading == NULL)
			break;
	}
	reading = NULL;
}

/* 1: sent.  0: the socket is full.  -1: the peer is gone. */
static int
send_packet(struct channel *c, struct iovec *iov, size_t n)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n };

	for (;;) {
		if (sendmsg(c->cfg.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 1;
		if (errno == EINTR)
			continue;
		return errno == EAGAIN || errno == ENOBUFS ? 0 : -1;
	}
}

static void
pop(struct channel *c, struct run *run, uint32_t count, size_t size)
{
	if (message_wide(run->type))
		secret_wipe(c->data + c->data_at, count * size);
	run->count -= count;
	c->data_at += count * size;
	c->queued -= count;
	if (run->count == 0)
		c->runs_at++;
	if (c->runs_at == c->runs_len) {
		c->runs_at = c->runs_len = 0;
		c->data_at = c->data_len = 0;
	}
}

static void
flush(struct channel *c)
{
	while (!c->dead && c->runs_at < c->runs_len) {
		struct run *run = &c->runs[c->runs_at];
		size_t size = message_size(run->type);
		size_t most = message_most(run->type);
		uint32_t count =
		    run->count < most ? run->count : (uint32_t)most;
		struct msg_header h = { .type = run->type, .count = count };
		struct iovec iov[2] = { { &h, sizeof(h) },
			{ c->data + c->data_at, count * size } };
		int sent = send_packet(c, iov, 2);

		if (sent > 0) {
			pop(c, run, count, size);
			continue;
		}
		if (sent == 0) {
			c->waiting = true;
			(void)event_add(c->writable, NULL);
		} else {
			/* The reading side reports the end, from the loop,
			 * whatever it was that failed. */
			(void)shutdown(c->cfg.fd, SHUT_RDWR);
			drop(c);
		}
		return;
	}
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;

	(void)fd;
	(void)what;
	c->waiting = false;
	flush(c);
}

static void
on_turn(void *arg)
{
	struct channel *c = arg;

	if (!c->waiting && c->runs_len > 0)
		flush(c);
}

enum status
channel_new(struct channel **out, struct loop *l,
    const struct channel_config *cfg, struct err *e)
{
	struct channel *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL)
		goto fail;
	c->loop = l;
	c->cfg = *cfg;
	c->readable = event_new(
	    loop_base(l), cfg->fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable =
	    event_new(loop_base(l), cfg->fd, EV_WRITE, on_writable, c);
	if (c->readable == NULL || c->writable == NULL ||
	    event_add(c->readable, NULL) != 0)
		goto fail;
	c->turn = (struct loop_turn){ .fn = on_turn, .arg = c };
	loop_turn_add(l, &c->turn);
	c->turning = true;
	*out = c;
	return ST_OK;
fail:
	err_set(e, "a channel cannot be made");
	if (c == NULL)
		(void)close(cfg->fd);
	channel_free(c);
	return ST_NO_MEMORY;
}

/* What is queued moves to the front of data. */
static void
close_up(struct channel *c)
{
	size_t len = c->data_len - c->data_at;

	memmove(c->data, c->data + c->data_at, len);
	if (c->wide)
		secret_wipe(c->data + len, c->data_at);
	c->data_len = len;
	c->data_at = 0;
}

static bool
room_for_bytes(struct channel *c, size_t size)
{
	size_t cap = c->data_cap == 0 ? 8192 : c->data_cap;
	unsigned char *data;

	if (c->data_len + size <= c->data_cap)
		return true;
	if (c->data_at > 0 && c->data_len - c->data_at + size <= c->data_cap) {
		close_up(c);
		return true;
	}
	while (cap < c->data_len + size)
		cap *= 2;
	data = wiped_realloc(c->data, cap);
	if (data == NULL)
		return false;
	c->data = data;
	c->data_cap = cap;
	return true;
}

static bool
room_for_run(struct channel *c)
{
	size_t cap = c->runs_cap == 0 ? 16 : c->runs_cap;
	struct run *runs;

	if (c->runs_len < c->runs_cap)
		return true;
	if (c->runs_at > 0) {
		memmove(c->runs, c->runs + c->runs_at,
		    (c->runs_len - c->runs_at) * sizeof(*runs));
		c->runs_len -= c->runs_at;
		c->runs_at = 0;
		return true;
	}
	runs = wiped_realloc(c->runs, 2 * cap * sizeof(*runs));
	if (runs == NULL)
		return false;
	c->runs = runs;
	c->runs_cap = 2 * cap;
	return true;
}

enum status
channel_add(struct channel *c, enum message type, const void *record)
{
	size_t size = message_size(type);

	assert(message_record_valid(c->cfg.self, type, record));
	if (c->dead)
		return ST_UNAVAILABLE;
	if (c->queued >= c->cfg.most_queued)
		return ST_BUSY;
	if (!room_for_bytes(c, size))
		return ST_NO_MEMORY;
	if (c->runs_len == c->runs_at ||
	    c->runs[c->runs_len - 1].type != type) {
		if (!room_for_run(c))
			return ST_NO_MEMORY;
		c->runs[c->runs_len++] = (struct run){ .type = type };
	}
	c->runs[c->runs_len - 1].count++;
	c->wide |= message_wide(type);
	memcpy(c->data + c->data_len, record, size);
	c->data_len += size;
	c->queued++;
	return ST_OK;
}

enum status
channel_send_fd(
    struct channel *c, enum message type, const void *record, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msg_header h = { .type = type, .count = 1 };
	unsigned char copy[64];
	struct iovec iov[2] = { { &h, sizeof(h) },
		{ copy, message_size(type) } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *ch = CMSG_FIRSTHDR(&msg);

	assert(message_size(type) <= sizeof(copy));
	memcpy(copy, record, message_size(type));
	ch->cmsg_level = SOL_SOCKET;
	ch->cmsg_type = SCM_RIGHTS;
	ch->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(ch), &fd, sizeof(fd));
	if (c->dead ||
	    sendmsg(c->cfg.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return ST_UNAVAILABLE;
	return ST_OK;
}

size_t
channel_queued(const struct channel *c)
{
	return c->queued;
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	if (reading == c)
		reading = NULL;
	if (c->turning)
		loop_turn_remove(c->loop, &c->turn);
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	(void)close(c->cfg.fd);
	drop(c);
	free(c->data);
	free(c->runs);
	free(c);
}
