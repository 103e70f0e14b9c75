/*
 * message/channel.c: of a hint no copy stays in the process once it was sent,
 * dropped or handled.
 *
 * The hints carry a random mark that stands here masked only; all memory that
 * this process can write to is looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "message/channel.h"

#define MARK  24
#define PIECE 8 /* so much of a mark counts as found */
#define EACH  (MARK / PIECE)
#define MASK  0xa5
#define MANY  5000 /* hints: the queue grows often and fills the socket */

/* Sanitizers map more address space than can be read. */
#define MAPPING_MOST ((size_t)64 * 1024 * 1024)

struct world {
	struct loop *loop;
	struct channel *edge, *asker;
	int bare; /* the asker's end where it has no channel, or -1 */
	struct loop_turn turn;
	size_t handled, stop_at, seen_marks;
	int ends;
	unsigned char mark[MARK]; /* masked */
};

/* ---- looking */

/* What is read into it is wiped before anything else is looked at. */
static unsigned char window[64 * 1024];

static bool
is_piece(const unsigned char *p, const unsigned char *masked)
{
	for (size_t i = 0; i < PIECE; i++) {
		if ((p[i] ^ MASK) != masked[i])
			return false;
	}
	return true;
}

static size_t
count_in(const unsigned char *p, size_t n, const unsigned char masked[MARK])
{
	size_t hits = 0;

	for (size_t i = 0; i + PIECE <= n; i++) {
		for (size_t at = 0; at < MARK; at += PIECE)
			hits += p[i] == (masked[at] ^ MASK) &&
				is_piece(p + i, masked + at);
	}
	return hits;
}

static size_t
count_mapping(
    int mem, uintptr_t from, uintptr_t to, const unsigned char masked[MARK])
{
	size_t hits = 0;

	for (uintptr_t at = from; at + PIECE <= to;) {
		size_t want =
		    to - at < sizeof(window) ? to - at : sizeof(window);
		ssize_t got = pread(mem, window, want, (off_t)at);

		if (got < PIECE)
			break;
		hits += count_in(window, (size_t)got, masked);
		secret_wipe(window, sizeof(window));
		at += (size_t)got - PIECE + 1;
	}
	return hits;
}

/* Pieces of the mark in this process. */
static size_t
pieces(const struct world *w)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	size_t hits = 0;
	char line[512];

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from, to;
		char access[8];

		assert_int_equal(
		    sscanf(line, "%lx-%lx %7s", &from, &to, access), 3);
		if (strncmp(access, "rw", 2) == 0 && to - from <= MAPPING_MOST)
			hits += count_mapping(mem, from, to, w->mark);
	}
	(void)close(mem);
	(void)fclose(maps);
	return hits;
}

/* ---- fixture */

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	const struct msg_hint *hints = records;
	struct world *w = arg;

	assert_int_equal(type, MSG_HINT);
	assert_int_equal(fd, -1);
	for (size_t i = 0; i < count; i++)
		w->seen_marks +=
		    is_piece((const unsigned char *)hints[i].val_id, w->mark);
	w->handled += count;
	if (w->handled >= w->stop_at)
		loop_stop(w->loop);
}

static void
on_end(void *arg, enum channel_end why)
{
	struct world *w = arg;

	(void)why;
	w->ends++;
	loop_stop(w->loop);
}

static struct channel *
attach(struct world *w, int fd, enum party self, enum party peer)
{
	struct channel_config cc = { .fd = fd,
		.self = self,
		.peer = peer,
		.most_queued = 4 * MANY,
		.on_records = on_records,
		.on_end = on_end,
		.arg = w };
	struct channel *c;

	assert_int_equal(channel_new(&c, w->loop, &cc, NULL), ST_OK);
	return c;
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int pair[2], size = 64 * 1024;

	assert_non_null(w);
	assert_int_equal(loop_new(&w->loop, NULL), ST_OK);
	assert_int_equal(channel_pair(pair), ST_OK);
	assert_int_equal(
	    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	w->edge = attach(w, pair[0], PARTY_EDGE, PARTY_ASKER);
	w->bare = pair[1];
	w->stop_at = SIZE_MAX;
	/* Capitals, masked from the start. */
	secret_random(w->mark, sizeof(w->mark));
	for (size_t i = 0; i < sizeof(w->mark); i++)
		w->mark[i] = (unsigned char)(('A' + w->mark[i] % 26) ^ MASK);
	*state = w;
	return 0;
}

/* The other end gets a channel too. */
static void
with_asker(struct world *w)
{
	w->asker = attach(w, w->bare, PARTY_ASKER, PARTY_EDGE);
	w->bare = -1;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	channel_free(w->edge);
	channel_free(w->asker);
	if (w->bare >= 0)
		(void)close(w->bare);
	loop_free(w->loop);
	free(w);
	return 0;
}

/* ---- helpers */

static void
unmask(const struct world *w, char *out)
{
	for (size_t i = 0; i < MARK; i++)
		out[i] = (char)(w->mark[i] ^ MASK);
}

static void
hint(struct world *w, size_t n)
{
	struct msg_hint m = { .pad = "" };

	unmask(w, m.val_id);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(channel_add(w->edge, MSG_HINT, &m), ST_OK);
	secret_wipe(&m, sizeof(m));
}

static void
stop(void *arg)
{
	loop_stop(((struct world *)arg)->loop);
}

/* The edge sends what the socket takes; nothing else happens. */
static void
flush(struct world *w)
{
	w->turn = (struct loop_turn){ .fn = stop, .arg = w };
	loop_turn_add(w->loop, &w->turn);
	loop_run(w->loop);
	loop_turn_remove(w->loop, &w->turn);
}

static size_t
queued_pieces(const struct world *w)
{
	return channel_queued(w->edge) * EACH;
}

/* ---- cases */

static void
a_copy_is_found_wherever_it_stands(void **state)
{
	struct world *w = *state;
	char *heap = malloc(MARK), stack[MARK];

	assert_non_null(heap);
	assert_int_equal(pieces(w), 0);
	unmask(w, heap);
	assert_int_equal(pieces(w), EACH);
	unmask(w, stack);
	assert_int_equal(pieces(w), 2 * EACH);
	secret_wipe(heap, MARK);
	secret_wipe(stack, MARK);
	assert_int_equal(pieces(w), 0);
	free(heap);
}

static void
nothing_stays_of_what_was_sent_and_handled(void **state)
{
	struct world *w = *state;

	with_asker(w);
	hint(w, 300);
	w->stop_at = 300;
	loop_run(w->loop);
	assert_int_equal(w->handled, 300);
	assert_int_equal(w->seen_marks, 300);
	assert_int_equal(pieces(w), 0);
}

static void
a_queue_that_grows_leaves_nothing_behind(void **state)
{
	struct world *w = *state;

	hint(w, MANY);
	assert_int_equal(channel_queued(w->edge), MANY);
	assert_int_equal(pieces(w), queued_pieces(w));
}

/* Sent in part, then grown by so much that the rest moves to the front. */
static void
a_queue_that_moves_leaves_nothing_behind(void **state)
{
	struct world *w = *state;
	size_t left;

	hint(w, MANY);
	flush(w);
	left = channel_queued(w->edge);
	assert_in_range(left, 1, MANY - 1);
	assert_int_equal(pieces(w), queued_pieces(w));
	for (int i = 0; i < 8; i++) {
		hint(w, MANY / 5);
		assert_int_equal(pieces(w), queued_pieces(w));
	}
	with_asker(w);
	w->stop_at = MANY + 8 * (MANY / 5);
	loop_run(w->loop);
	assert_int_equal(w->seen_marks, w->stop_at);
	assert_int_equal(pieces(w), 0);
}

static void
nothing_stays_of_a_channel_that_was_freed(void **state)
{
	struct world *w = *state;

	hint(w, MANY);
	flush(w);
	assert_true(channel_queued(w->edge) > 0);
	channel_free(w->edge);
	w->edge = NULL;
	assert_int_equal(pieces(w), 0);
}

static void
nothing_stays_when_the_peer_cannot_be_sent_to(void **state)
{
	struct world *w = *state;

	hint(w, MANY);
	assert_int_equal(shutdown(w->bare, SHUT_RD), 0);
	loop_run(w->loop);
	assert_int_equal(w->ends, 1);
	assert_int_equal(pieces(w), 0);
}

static void
nothing_stays_when_the_peer_dies(void **state)
{
	struct world *w = *state;

	hint(w, MANY);
	flush(w);
	assert_true(channel_queued(w->edge) > 0);
	(void)close(w->bare);
	w->bare = -1;
	loop_run(w->loop);
	assert_int_equal(w->ends, 1);
	assert_int_equal(pieces(w), 0);
}

static void
nothing_stays_when_the_peer_makes_no_sense(void **state)
{
	struct world *w = *state;

	hint(w, MANY);
	flush(w);
	assert_true(channel_queued(w->edge) > 0);
	assert_int_equal(send(w->bare, "?", 1, 0), 1);
	loop_run(w->loop);
	assert_int_equal(w->ends, 1);
	assert_int_equal(channel_queued(w->edge), 0);
	assert_int_equal(pieces(w), 0);
}

/* One sound hint, then one that is not: neither is handed over. */
static void
nothing_stays_of_a_packet_that_makes_no_sense(void **state)
{
	struct world *w = *state;
	struct {
		struct msg_header h;
		struct msg_hint hint[2];
	} p = { { MSG_HINT, 2 }, { { .pad = "" } } };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	(void)close(w->bare);
	w->bare = pair[1];
	channel_free(w->edge);
	w->edge = NULL;
	w->asker = attach(w, pair[0], PARTY_ASKER, PARTY_EDGE);
	unmask(w, p.hint[0].val_id);
	assert_int_equal(send(w->bare, &p, sizeof(p), 0), sizeof(p));
	secret_wipe(&p, sizeof(p));
	loop_run(w->loop);
	assert_int_equal(w->ends, 1);
	assert_int_equal(w->handled, 0);
	assert_int_equal(pieces(w), 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

/* A call that the linker resolves late saves registers on the stack, and with
 * them pieces of what was just compared or copied. */
static void
bind_now(char *const *argv)
{
	if (getenv("LD_BIND_NOW") != NULL)
		return;
	if (setenv("LD_BIND_NOW", "1", 1) == 0)
		(void)execvp(argv[0], argv);
	perror("test_channel_wide");
	exit(1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_copy_is_found_wherever_it_stands),
		CASE(nothing_stays_of_what_was_sent_and_handled),
		CASE(a_queue_that_grows_leaves_nothing_behind),
		CASE(a_queue_that_moves_leaves_nothing_behind),
		CASE(nothing_stays_of_a_channel_that_was_freed),
		CASE(nothing_stays_when_the_peer_cannot_be_sent_to),
		CASE(nothing_stays_when_the_peer_dies),
		CASE(nothing_stays_when_the_peer_makes_no_sense),
		CASE(nothing_stays_of_a_packet_that_makes_no_sense),
	};

	(void)argc;
	bind_now(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
