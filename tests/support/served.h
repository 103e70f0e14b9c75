/*
 * A whole gateway for the tests of supervisor/: the test starts itself again
 * as the supervisor and as its rooms, the real ones, and reads their log.
 */
#ifndef SUPPORT_SERVED_H
#define SUPPORT_SERVED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <cmocka.h>

#include "folder.h"

#define SERVED_BROKEN 78 /* exit code of a room that ends */

struct served {
	char folder[40];
	int edges;
	pid_t pid;
	int log; /* the gateway's standard error */
	size_t len, seen;
	char text[65536];
};

/* To be called first in main(): true when this process is the gateway or one
 * of its rooms, which has then ended with *code.  A room that the file
 * `broken` names ends before it is ready.  asker: takes the place of the real
 * one; NULL: the real one. */
bool served_role(int argc, char **argv, int (*asker)(void), int *code);

/* cmocka fixtures: a folder with a configuration of one edge. */
int served_set_up(void **state);
int served_tear_down(void **state);

/* Write the configuration anew, with more behind its merchant. */
void served_configure(const struct served *w, const char *more);

/* Remove the file `broken`. */
void served_mend(const struct served *w);

void served_start(struct served *w);
void served_signal(const struct served *w, int sig);

/* SIGKILL a room; there is one of its kind. */
void served_kill(const struct served *w, const char *room);

/* Until the log, from where the last call found its word, has this event. */
void served_until(struct served *w, const char *event);

/* Until the whole log has this text n times; more of them fail. */
void served_until_times(struct served *w, int n, const char *text);

/* Wait for its end. */
int served_exit_code(struct served *w);

/* SIGTERM, and that it ends well. */
void served_stop(struct served *w);

#endif
