/*
 * What every room has: a loop, a channel to the supervisor, its inherited
 * descriptors, and one way to start, drain and end.
 *
 * A room's process runs <room>_start() (before the sandbox closes: open what
 * has to be opened), then the sandbox, then READY, then the loop.  It exits
 * at once when the supervisor is gone.  Loop thread only.
 */
#ifndef MESSAGE_ROOM_H
#define MESSAGE_ROOM_H

#include "base/loop.h"
#include "message/channel.h"

#define ROOM_FDS 80

struct room {
	struct loop *loop;
	enum party party;
	uint32_t slot;
	int keeper;  /* channel to the keeper, as a socket; -1 in the keeper */
	int control; /* keeper: listening control socket; else -1 */
	int listeners[3]; /* edge: callbacks; desk: api, admin; -1 elsewhere */
	int n_pages;	  /* desk: metrics pages of all slots */
	int pages[ROOM_FDS];
	/* Set by <room>_start(). */
	void (*on_drain)(void *arg); /* finish, then room_done() */
	void (*on_message)(void *arg, enum message type, const void *record,
	    int fd); /* keeper: PEER, CONFIGURE; edge, asker: PEER; fd is its
			to close */
	void *arg;
	int exit_code; /* of the process; 0 after a drain */
};

/* The room's work is over: leave the loop and exit with code. */
void room_done(struct room *r, int code);

#endif
