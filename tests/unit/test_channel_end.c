/* message/channel.c: how channels end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "message/channel.h"

struct end {
	struct loop *loop;
	struct channel *channel;
	bool free_in_records;
	size_t records;
	int ends;
};

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct end *e = arg;

	(void)type;
	(void)records;
	(void)fd;
	e->records += count;
	if (e->free_in_records) {
		channel_free(e->channel);
		e->channel = NULL;
		loop_stop(e->loop);
	}
}

/* Freed where its end is told, as owners do. */
static void
on_end(void *arg, enum channel_end why)
{
	struct end *e = arg;

	(void)why;
	e->ends++;
	channel_free(e->channel);
	e->channel = NULL;
	loop_stop(e->loop);
}

/* A keeper's end of a pair; the desk's end is a bare socket. */
static int
open_keeper(struct end *e)
{
	struct channel_config cc = { .self = PARTY_KEEPER,
		.peer = PARTY_DESK,
		.most_queued = 4096,
		.on_records = on_records,
		.on_end = on_end,
		.arg = e };
	int pair[2];

	memset(e, 0, sizeof(*e));
	assert_int_equal(loop_new(&e->loop, NULL), ST_OK);
	assert_int_equal(channel_pair(pair), ST_OK);
	cc.fd = pair[0];
	assert_int_equal(channel_new(&e->channel, e->loop, &cc, NULL), ST_OK);
	return pair[1];
}

static void
say(int fd, uint64_t tag)
{
	struct {
		struct msg_header h;
		struct msg_probe probe;
	} p = { { MSG_PROBE, 1 }, { tag } };

	assert_int_equal(send(fd, &p, sizeof(p), 0), sizeof(p));
}

static void
fill(struct end *e, size_t n)
{
	struct msg_health m = { .status = ST_OK };

	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    channel_add(e->channel, MSG_HEALTH, &m), ST_OK);
}

static void
what_a_peer_sent_before_it_closed_arrives_first(void **state)
{
	struct end e;
	int fd = open_keeper(&e);

	(void)state;
	for (uint64_t i = 0; i < 40; i++)
		say(fd, i);
	(void)close(fd);
	loop_run(e.loop);
	assert_int_equal(e.records, 40);
	assert_int_equal(e.ends, 1);
	loop_free(e.loop);
}

static void
a_peer_that_closes_on_a_full_queue_is_told_once(void **state)
{
	struct end e;
	int fd = open_keeper(&e);

	(void)state;
	fill(&e, 4096);
	(void)close(fd);
	loop_run(e.loop);
	assert_int_equal(e.ends, 1);
	loop_free(e.loop);
}

/* Half-closed: nothing can be sent, and no end of file says so. */
static void
a_channel_that_cannot_send_ends(void **state)
{
	struct end e;
	int fd = open_keeper(&e);

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	fill(&e, 1);
	loop_run(e.loop);
	assert_int_equal(e.ends, 1);
	(void)close(fd);
	loop_free(e.loop);
}

static void
it_may_be_freed_while_its_records_are_handled(void **state)
{
	struct end e;
	int fd = open_keeper(&e);

	(void)state;
	e.free_in_records = true;
	for (uint64_t i = 0; i < 5; i++)
		say(fd, i);
	fill(&e, 10);
	loop_run(e.loop);
	assert_int_equal(e.records, 1);
	assert_int_equal(e.ends, 0);
	(void)close(fd);
	loop_free(e.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_a_peer_sent_before_it_closed_arrives_first),
		cmocka_unit_test(
		    a_peer_that_closes_on_a_full_queue_is_told_once),
		cmocka_unit_test(a_channel_that_cannot_send_ends),
		cmocka_unit_test(it_may_be_freed_while_its_records_are_handled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
