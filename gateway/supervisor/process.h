/*
 * One running room: its process, its control channel, its end.
 *
 * Loop thread only.  on_ready and on_exit run from the loop; on_exit is the
 * last, and the process is to be freed in it or later.
 */
#ifndef SUPERVISOR_PROCESS_H
#define SUPERVISOR_PROCESS_H

#include "supervisor/spawn.h"

struct process;

struct process_config {
	struct loop *loop;
	struct spawn spawn;	 /* control and config are filled in here */
	const void *room_config; /* borrowed for the call */
	size_t room_config_size;
	void (*on_ready)(void *arg, struct process *p);
	/* exit_code: as the process gave it; 128 + signal when killed. */
	void (*on_exit)(void *arg, struct process *p, int exit_code);
	void *arg;
};

MUST_USE enum status process_start(
    struct process **out, const struct process_config *cfg, struct err *e);

/* A live process is killed.  NULL is fine. */
void process_free(struct process *p);

pid_t process_pid(const struct process *p);
enum party process_party(const struct process *p);
bool process_ready(const struct process *p);

/* Ask it to finish what it has and to exit, also before it is ready; killed
 * when that takes longer than limit_ms from the last call. */
void process_drain(struct process *p, int64_t limit_ms);
bool process_draining(const struct process *p);

void process_kill(struct process *p);

/* Its control channel, for PEER and CONFIGURE. */
struct channel *process_control(struct process *p);

#endif
