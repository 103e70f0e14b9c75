/* supervisor/introduce.c: edges and asker get channels to each other, seen with
 * an asker of the test's own. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message/message.h"
#include "served.h"
#include "supervisor/spawn.h"

/* ---- the asker's side */

static void
say(int to, const void *packet, size_t len)
{
	if (send(to, packet, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(90);
}

/* Wait for a packet of the supervisor's; its type, and what came along. */
static uint32_t
hear(struct msg_peer *peer, int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct pollfd readable = { .fd = SPAWN_CONTROL, .events = POLLIN };
	struct msg_header h = { 0, 0 };
	struct iovec iov[2] = { { &h, sizeof(h) }, { peer, sizeof(*peer) } };
	struct msghdr msg = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *came;

	if (poll(&readable, 1, -1) != 1 || recvmsg(SPAWN_CONTROL, &msg, 0) <= 0)
		_exit(91);
	came = CMSG_FIRSTHDR(&msg);
	*fd = -1;
	if (came != NULL)
		memcpy(fd, CMSG_DATA(came), sizeof(*fd));
	return h.type;
}

/* Tells whom it meets, and talks to them: that an edge calls it nonsense
 * proves that it has the other end. */
static int
asker_main(void)
{
	struct {
		struct msg_header h;
		struct msg_empty ready;
	} p = { { MSG_READY, 1 }, { 0 } };
	struct msg_peer peer;
	uint32_t type;
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	say(SPAWN_CONTROL, &p, sizeof(p));
	while ((type = hear(&peer, &fd)) != MSG_DRAIN) {
		if (type != MSG_PEER || peer.party != PARTY_EDGE || fd < 0)
			return 92;
		(void)dprintf(STDERR_FILENO,
		    "{\"event\":\"met\",\"slot\":%u,\"pid\":%d}\n", peer.slot,
		    (int)getpid());
		say(fd, &p, sizeof(p));
	}
	return 0;
}

/* ---- the test's side */

/* Until so many edges and askers have met: both sides say so. */
static void
until_met(struct served *w, int n)
{
	served_until_times(w, n, "\"event\":\"met\"");
	served_until_times(w, n, "\"event\":\"nonsense\"");
}

/* The asker's process in the n-th of these meetings. */
static pid_t
asker_met(const struct served *w, int n)
{
	const char *at = w->text;
	int pid = 0;

	for (int i = 0; i < n; i++) {
		at = strstr(at, "\"event\":\"met\"");
		assert_non_null(at);
		at = strstr(at, "\"pid\":");
		assert_non_null(at);
		pid = (int)strtol(at + 6, NULL, 10);
	}
	assert_true(pid > 0);
	return pid;
}

static void
each_edge_meets_the_asker(void **state)
{
	struct served *w = *state;

	w->edges = 3;
	served_configure(w, "");
	served_start(w);
	until_met(w, 3);
	for (int i = 0; i < 3; i++) {
		char word[32];

		(void)snprintf(word, sizeof(word), "\"met\",\"slot\":%d,", i);
		served_until_times(w, 1, word);
	}
	served_until(w, "started");
	served_stop(w);
	assert_null(strstr(w->text, "room_died"));
}

static void
an_asker_that_died_is_started_and_introduced_again(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	for (int i = 1; i <= 3; i++) {
		until_met(w, i);
		if (i > 1)
			assert_int_not_equal(
			    asker_met(w, i), asker_met(w, i - 1));
		served_kill(w, "asker");
		served_until_times(w, i, "\"event\":\"room_died\"");
	}
	until_met(w, 4);
	served_stop(w);
}

static void
an_edge_that_died_is_introduced_again(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	until_met(w, 1);
	served_kill(w, "edge");
	until_met(w, 2);
	assert_int_equal(asker_met(w, 2), asker_met(w, 1));
	served_stop(w);
}

static void
a_reload_introduces_the_new_to_each_other(void **state)
{
	struct served *w = *state;

	served_start(w);
	served_until(w, "started");
	until_met(w, 1);
	served_signal(w, SIGHUP);
	served_until(w, "reloaded");
	until_met(w, 2);
	assert_int_not_equal(asker_met(w, 2), asker_met(w, 1));
	/* The old ones may still be leaving. */
	assert_int_equal(kill(asker_met(w, 2), SIGKILL), 0);
	until_met(w, 3);
	served_stop(w);
}

static void
a_reload_that_fails_leaves_the_old_together(void **state)
{
	struct served *w = *state;
	char word[32];

	served_start(w);
	served_until(w, "started");
	until_met(w, 1);
	(void)snprintf(
	    word, sizeof(word), "\"slot\":0,\"pid\":%d}", (int)asker_met(w, 1));
	folder_put(w->folder, "broken", "desk");
	served_signal(w, SIGHUP);
	served_until(w, "reload_refused");
	served_until_times(w, 1, word);
	served_kill(w, "edge");
	served_until_times(w, 2, word);
	served_stop(w);
}

#define CASE(fn) \
	cmocka_unit_test_setup_teardown(fn, served_set_up, served_tear_down)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(each_edge_meets_the_asker),
		CASE(an_asker_that_died_is_started_and_introduced_again),
		CASE(an_edge_that_died_is_introduced_again),
		CASE(a_reload_introduces_the_new_to_each_other),
		CASE(a_reload_that_fails_leaves_the_old_together),
	};
	int code;

	if (served_role(argc, argv, asker_main, &code))
		return code;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
