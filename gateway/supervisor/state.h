/*
 * The supervisor's own state, shared by its files and by nobody else.
 */
#ifndef SUPERVISOR_STATE_H
#define SUPERVISOR_STATE_H

#include "supervisor/plan.h"
#include "supervisor/process.h"

#define EDGES_MAX     16
#define SLOTS_MAX     (EDGES_MAX + 4)
#define PROCESSES_MAX (4 * SLOTS_MAX)

enum state {
	STATE_STARTING, /* the keeper first, then the others */
	STATE_RUNNING,
	STATE_RELOADING,       /* new rooms beside the old ones */
	STATE_DRAINING,	       /* all but the keeper */
	STATE_DRAINING_KEEPER, /* it is the last */
	STATE_OVER
};

/* A place for one room; metrics and listeners outlive its processes. */
struct slot {
	struct supervisor *sup;
	enum party party;
	uint32_t index;
	int metrics;
	int listeners[2];
	struct process *current;
	struct process *next; /* during a reload: to take over */
	struct event *again;  /* restart timer */
	int64_t restart_ms;   /* until the next start; 0: never died */
	int64_t started_us;
};

struct supervisor {
	struct loop *loop;
	const char *path;
	struct plan *plan;
	struct plan *next_plan; /* during a reload */
	enum state state;
	int exit_code;
	bool reload_again;
	int control; /* listening control socket */
	char control_path[CONFIG_PATH];
	struct event *signals[3];
	struct event *deadline; /* of a reload or a drain */
	size_t n_slots;
	struct slot slots[SLOTS_MAX]; /* slots[0] is the keeper's */
	struct process *leaving[PROCESSES_MAX];
	size_t n_leaving;
	int pages[SLOTS_MAX + 1]; /* every slot's, and our own */
	int n_pages;
};

/* supervisor.c */

/* Leave the loop with this exit code; the first one counts. */
void supervisor_over(struct supervisor *s, int exit_code);

/* A new process for slot with what plan says, or NULL (logged). */
struct process *supervisor_start_room(
    struct supervisor *s, struct slot *slot, const struct plan *plan);

/* Every room is there: take up a SIGHUP that came meanwhile. */
void supervisor_running(struct supervisor *s);

/* Drain p beside its successor; NULL is fine. */
void supervisor_leave(struct supervisor *s, struct process *p);

/* Callbacks of events that setup.c makes. */
void supervisor_on_signal(evutil_socket_t sig, short what, void *arg);
void supervisor_on_deadline(evutil_socket_t fd, short what, void *arg);
void supervisor_on_again(evutil_socket_t fd, short what, void *arg);

/* reload.c: SIGHUP.  New rooms start beside the old ones and take over when
 * all are ready; if one does not start in time, the old ones stay. */
void reload_begin(struct supervisor *s);
void reload_commit(struct supervisor *s);
void reload_abort(struct supervisor *s);

/* introduce.c: slot's process was started, as current or as next: an edge and
 * the asker of one generation get a channel to each other, which replaces the
 * one they had. */
void introduce_room(struct supervisor *s, const struct slot *slot, bool next);

/* setup.c: sockets, pages, signals and the keeper's process; and all of it
 * away again.  s->plan is there. */
MUST_USE enum status setup_open(struct supervisor *s, struct err *e);
void setup_close(struct supervisor *s);

/* setup.c: descriptors, limits and masks of the process itself. */
void setup_process(void);

#endif
