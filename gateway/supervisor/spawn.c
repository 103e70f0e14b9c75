#include "supervisor/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NOTHING = -1 };

int
spawn_config(const void *p, size_t size)
{
	int fd = memfd_create("room", MFD_CLOEXEC);
	const char *at = p;

	if (fd < 0)
		return -1;
	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			(void)close(fd);
			return -1;
		}
		at += n;
		size -= (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Put list[i] at descriptor SPAWN_CONTROL + i and close all that is above. */
static int
arrange(int *list, int n)
{
	/* Out of the way first: one may stand in another's place. */
	for (int i = 0; i < n; i++) {
		if (list[i] == NOTHING)
			continue;
		list[i] = fcntl(list[i], F_DUPFD, SPAWN_CONTROL + n);
		if (list[i] < 0)
			return -1;
	}
	for (int i = 0; i < n; i++) {
		(void)close(SPAWN_CONTROL + i);
		if (list[i] != NOTHING && dup2(list[i], SPAWN_CONTROL + i) < 0)
			return -1;
	}
	return close_range((unsigned)(SPAWN_CONTROL + n), ~0U, 0);
}

/* A room has no use for the gateway's own variables. */
static void
forget_environment(void)
{
	char **to = environ;

	for (char **at = environ; *at != NULL; at++) {
		if (strncmp(*at, "PAYSIEVE_", 9) != 0)
			*to++ = *at;
	}
	*to = NULL;
}

/* Rooms that see payer data leave as little of it behind as can be.  Bound
 * late, a library's calls have their registers, and what these hold of a copy,
 * saved on the stack by the linker. */
static void
set_environment(enum party party)
{
	forget_environment();
	if (party != PARTY_EDGE && party != PARTY_ASKER)
		return;
	(void)setenv("LD_BIND_NOW", "1", 1);
}

/* What a service manager or a terminal sends to the whole group is not for
 * rooms.  Before exec() the supervisor's handlers would even tell it that the
 * signal came twice. */
static void
ignore_signals(void)
{
	static const int list[] = { SIGHUP, SIGINT, SIGTERM };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		(void)signal(list[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
become_room(const struct spawn *s, int *list, int n)
{
	char party[16], slot[16], program[] = "paysieve";
	char room[] = "--room";
	char *argv[] = { program, room, party, slot, NULL };

	(void)snprintf(party, sizeof(party), "%s", party_name(s->party));
	(void)snprintf(slot, sizeof(slot), "%u", s->slot);
	ignore_signals();
	set_environment(s->party);
	if (arrange(list, n) != 0)
		_exit(71);
	(void)execv("/proc/self/exe", argv);
	_exit(71);
}

pid_t
spawn_room(const struct spawn *s, struct err *e)
{
	int list[SPAWN_PAGES - SPAWN_CONTROL + ROOM_FDS] = { s->control,
		s->config, s->metrics, s->keeper, s->listeners[0],
		s->listeners[1] };
	int n = SPAWN_PAGES - SPAWN_CONTROL;
	sigset_t all, before;
	pid_t pid;

	for (int i = 0; i < s->n_pages; i++)
		list[n++] = s->pages[i];
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become_room(s, list, n);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		err_set(e, "a process cannot be made: %s", strerror(errno));
	return pid;
}
