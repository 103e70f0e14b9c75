/*
 * From accept to the end of the handshake: a proxy's header, the turn, TLS;
 * private to net/.
 *
 * The costly part of a handshake begins when its first bytes are there, in a
 * later turn of the loop and behind its other work, so that whoever has a
 * connection is served before; a few begin in one turn, and addresses take
 * turns.  Of those that are under way each group of addresses has a part; who
 * has taken a second there makes room for another of the group.  When there
 * are too many in all the oldest goes: one that is meant takes as long as its
 * bytes travel.  Loop thread only.
 */
#ifndef NET_WELCOME_H
#define NET_WELCOME_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

struct conn;
struct server;

/* Groups of addresses, by a secret digest. */
#define WELCOME_SHELVES 256

enum welcome_step {
	WELCOME_HEADER, /* the proxy has to say for whom it comes */
	WELCOME_SILENT, /* no byte of TLS has come */
	WELCOME_QUEUED, /* one has: its turn will be */
	WELCOME_BEGUN
};

TAILQ_HEAD(welcome_list, conn);

struct welcome {
	struct event turn;
	uint64_t seed;
	unsigned next; /* the shelf whose turn it is */
	int64_t n_queued, n_begun;
	struct welcome_list begun; /* the oldest first */
	struct welcome_shelf {
		struct welcome_list queue;
		int64_t n_begun;
	} shelves[WELCOME_SHELVES];
};

void welcome_init(struct server *s);
void welcome_fini(struct server *s);

/* c was accepted and entered PHASE_HANDSHAKE; or goes on without. */
void welcome_start(struct conn *c, bool proxied);

/* c, in PHASE_HANDSHAKE, can be read or written. */
void welcome_ready(struct conn *c);

/* c leaves PHASE_HANDSHAKE. */
void welcome_leave(struct conn *c);

#endif
