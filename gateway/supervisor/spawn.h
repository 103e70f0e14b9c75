/*
 * Starting a room: fork, descriptors in fixed places, exec of ourselves.
 *
 * The supervisor's side packs what a room gets into struct spawn; the room's
 * side (supervisor_room_main) finds the descriptors at the same places.
 */
#ifndef SUPERVISOR_SPAWN_H
#define SUPERVISOR_SPAWN_H

#include <sys/types.h>

#include "message/room.h"

/* Descriptors of a room's process. */
enum spawn_fd {
	SPAWN_CONTROL = 3, /* channel to the supervisor */
	SPAWN_CONFIG,	   /* memfd with the room's struct */
	SPAWN_METRICS,	   /* its own page */
	SPAWN_KEEPER,	   /* channel to the keeper; keeper: control socket */
	SPAWN_LISTENER,	   /* edge: callbacks; desk: api, then admin */
	SPAWN_LISTENER_2,
	SPAWN_PAGES /* desk: every slot's metrics page from here on */
};

struct spawn {
	enum party party;
	uint32_t slot;
	int control, config, metrics, keeper; /* borrowed */
	int listeners[2];		      /* -1: none */
	int n_pages;
	const int *pages;
};

/* The process id, or -1 with words in e. */
MUST_USE pid_t spawn_room(const struct spawn *s, struct err *e);

/* A memfd that holds a copy of size bytes at p, or -1. */
MUST_USE int spawn_config(const void *p, size_t size);

#endif
