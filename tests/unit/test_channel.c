/* message/channel.c over real socket pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "message/channel.h"

struct end {
	struct loop *loop;
	struct channel *channel;
	size_t packets, records;
	uint64_t tags[8192];
	enum message types[8192];
	int fd;
	int ended; /* 1 + why */
	size_t stop_at;
};

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	const unsigned char *at = records;
	struct end *e = arg;

	e->packets++;
	for (size_t i = 0; i < count; i++) {
		memcpy(&e->tags[e->records], at, sizeof(uint64_t));
		e->types[e->records++] = type;
		at += message_size(type);
	}
	if (fd >= 0)
		e->fd = fd;
	if (e->records >= e->stop_at)
		loop_stop(e->loop);
}

static void
on_end(void *arg, enum channel_end why)
{
	struct end *e = arg;

	e->ended = 1 + (int)why;
	loop_stop(e->loop);
}

struct fixture {
	struct loop *loop;
	struct end a, b; /* a: desk, b: keeper */
};

static void
attach(
    struct fixture *f, struct end *e, int fd, enum party self, enum party peer)
{
	struct channel_config cc = { .fd = fd,
		.self = self,
		.peer = peer,
		.most_queued = 5000,
		.on_records = on_records,
		.on_end = on_end,
		.arg = e };

	e->loop = f->loop;
	e->fd = -1;
	e->stop_at = SIZE_MAX;
	assert_int_equal(channel_new(&e->channel, f->loop, &cc, NULL), ST_OK);
}

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int pair[2];

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop, NULL), ST_OK);
	assert_int_equal(channel_pair(pair), ST_OK);
	attach(f, &f->a, pair[0], PARTY_DESK, PARTY_KEEPER);
	attach(f, &f->b, pair[1], PARTY_KEEPER, PARTY_DESK);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	channel_free(f->a.channel);
	channel_free(f->b.channel);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void
probe(struct end *e, uint64_t tag)
{
	struct msg_probe m = { tag };

	assert_int_equal(channel_add(e->channel, MSG_PROBE, &m), ST_OK);
}

static void
get(struct end *e, uint64_t tag)
{
	struct msg_get m = { .tag = tag, .merchant = "testbox" };

	assert_int_equal(channel_add(e->channel, MSG_GET, &m), ST_OK);
}

static void
records_of_one_turn_leave_in_one_packet(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 16; i++)
		probe(&f->a, i);
	f->b.stop_at = 16;
	loop_run(f->loop);
	assert_int_equal(f->b.packets, 1);
	assert_int_equal(f->b.records, 16);
}

static void
order_holds_over_types_and_packets(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 1000; i++) {
		if (i % 7 == 3)
			get(&f->a, i);
		else
			probe(&f->a, i);
	}
	f->b.stop_at = 1000;
	loop_run(f->loop);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_int_equal(f->b.tags[i], i);
		assert_int_equal(
		    f->b.types[i], i % 7 == 3 ? MSG_GET : MSG_PROBE);
	}
}

/* More than a socket takes: the rest waits, and nothing is lost. */
static void
a_full_socket_delays_and_loses_nothing(void **state)
{
	struct fixture *f = *state;

	for (uint64_t i = 0; i < 5000; i++)
		get(&f->a, i);
	assert_int_equal(channel_queued(f->a.channel), 5000);
	f->b.stop_at = 5000;
	loop_run(f->loop);
	assert_int_equal(f->b.tags[4999], 4999);
	assert_int_equal(channel_queued(f->a.channel), 0);
}

static void
the_bound_is_busy_and_queues_nothing(void **state)
{
	struct fixture *f = *state;
	struct msg_probe m = { 1 };

	for (uint64_t i = 0; i < 5000; i++)
		probe(&f->a, i);
	assert_int_equal(channel_add(f->a.channel, MSG_PROBE, &m), ST_BUSY);
	assert_int_equal(channel_queued(f->a.channel), 5000);
}

static void
a_peer_that_closes_is_gone(void **state)
{
	struct fixture *f = *state;

	channel_free(f->a.channel);
	f->a.channel = NULL;
	loop_run(f->loop);
	assert_int_equal(f->b.ended, 1 + CHANNEL_GONE);
}

/* Put a raw packet into the keeper's end. */
static void
inject(struct fixture *f, const void *p, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int pair[2];

	channel_free(f->a.channel);
	f->a.channel = NULL;
	channel_free(f->b.channel);
	assert_int_equal(channel_pair(pair), ST_OK);
	attach(f, &f->b, pair[1], PARTY_KEEPER, PARTY_DESK);
	if (fd >= 0) {
		struct cmsghdr *h;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	}
	assert_int_equal(sendmsg(pair[0], &msg, 0), len);
	loop_run(f->loop);
	(void)close(pair[0]);
}

static void
nonsense_ends_the_channel(void **state)
{
	struct fixture *f = *state;
	struct {
		struct msg_header h;
		struct msg_page page;
	} p = { { MSG_PAGE, 1 }, { .limit = 0, .merchant = "testbox" } };

	inject(f, &p, sizeof(p), -1);
	assert_int_equal(f->b.ended, 1 + CHANNEL_NONSENSE);
	assert_int_equal(f->b.records, 0);
}

static void
a_message_from_the_wrong_party_ends_the_channel(void **state)
{
	struct fixture *f = *state;
	struct {
		struct msg_header h;
		struct msg_settle settle;
	} p = { { MSG_SETTLE, 1 }, { .seq = 1,
				       .endpoint_id = 1,
				       .attempt = 1,
				       .outcome = OUTCOME_STATUS,
				       .http_status = 500 } };

	inject(f, &p, sizeof(p), -1);
	assert_int_equal(f->b.ended, 1 + CHANNEL_NONSENSE);
}

static void
a_descriptor_from_a_room_ends_the_channel(void **state)
{
	struct fixture *f = *state;
	struct {
		struct msg_header h;
		struct msg_probe probe;
	} p = { { MSG_PROBE, 1 }, { 1 } };

	inject(f, &p, sizeof(p), STDERR_FILENO);
	assert_int_equal(f->b.ended, 1 + CHANNEL_NONSENSE);
	assert_int_equal(f->b.fd, -1);
}

static void
an_oversized_packet_ends_the_channel(void **state)
{
	static unsigned char big[MESSAGE_MAX + 64];
	struct msg_header h = { MSG_PROBE, 1 };

	memcpy(big, &h, sizeof(h));
	inject(*state, big, sizeof(big), -1);
	assert_int_equal(
	    ((struct fixture *)*state)->b.ended, 1 + CHANNEL_NONSENSE);
}

static void
the_supervisor_hands_over_descriptors(void **state)
{
	struct fixture *f = *state;
	struct msg_peer peer = { PARTY_EDGE, 1 };
	int pair[2];

	channel_free(f->a.channel);
	channel_free(f->b.channel);
	assert_int_equal(channel_pair(pair), ST_OK);
	attach(f, &f->a, pair[0], PARTY_SUPERVISOR, PARTY_KEEPER);
	attach(f, &f->b, pair[1], PARTY_KEEPER, PARTY_SUPERVISOR);
	assert_int_equal(
	    channel_send_fd(f->a.channel, MSG_PEER, &peer, STDERR_FILENO),
	    ST_OK);
	f->b.stop_at = 1;
	loop_run(f->loop);
	assert_true(f->b.fd > STDERR_FILENO);
	assert_int_equal(fcntl(f->b.fd, F_GETFD), FD_CLOEXEC);
	(void)close(f->b.fd);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(records_of_one_turn_leave_in_one_packet),
		CASE(order_holds_over_types_and_packets),
		CASE(a_full_socket_delays_and_loses_nothing),
		CASE(the_bound_is_busy_and_queues_nothing),
		CASE(a_peer_that_closes_is_gone),
		CASE(nonsense_ends_the_channel),
		CASE(a_message_from_the_wrong_party_ends_the_channel),
		CASE(a_descriptor_from_a_room_ends_the_channel),
		CASE(an_oversized_packet_ends_the_channel),
		CASE(the_supervisor_hands_over_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
