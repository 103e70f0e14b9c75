/*
 * A new configuration for a running keeper: what it names is numbered by the
 * store, then it is in force, then its rooms are let in.  Loop thread.
 */
#ifndef KEEPER_RECONFIGURE_H
#define KEEPER_RECONFIGURE_H

#include "keeper/routes.h"
#include "keeper/store_queue.h"
#include "message/room.h"

struct reconfigure {
	struct routes *routes;
	struct store_queue *queue;
	/* The store numbered an endpoint: since when it is disabled, or 0. */
	void (*named)(void *arg, const char *name, int64_t disabled_at_us);
	/* Let this room in; takes fd. */
	void (*admit)(void *arg, enum party party, int fd);
	void *arg;
	/* Its own, zero at first. */
	bool pending; /* endpoints are being numbered */
	bool naming;  /* one of them is with the store */
	size_t n_newcomers;
	struct {
		enum party party;
		int fd;
	} newcomers[ROOM_FDS]; /* of the configuration to come */
};

/* The new struct keeper_config is in fd, the caller's.  What cannot be used
 * is said, and the old configuration stays. */
void reconfigure_take(struct reconfigure *rc, int fd);

/* A room came: it is let in now, or with its configuration.  fd is taken. */
void reconfigure_newcomer(struct reconfigure *rc, enum party party, int fd);

/* The store answered about a name. */
void reconfigure_named(struct reconfigure *rc, const struct store_op *op);

/* Go on with it, if there is one. */
void reconfigure_go_on(struct reconfigure *rc);

/* Close what was not let in. */
void reconfigure_end(struct reconfigure *rc);

#endif
