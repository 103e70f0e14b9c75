/*
 * A plan: one configuration, read whole, with what each room gets of it.
 *
 * Everything that a file could spoil is read here, so that a plan either is
 * complete or is refused, and a room that dies is started again from the same
 * bytes.  Holds secrets; plan_free() wipes them.
 */
#ifndef SUPERVISOR_PLAN_H
#define SUPERVISOR_PLAN_H

#include "config/rooms.h"
#include "message/message.h"

struct plan {
	struct config *config;
	struct edge_config edge;
	struct keeper_config keeper;
	struct asker_config asker;
	struct courier_config courier;
	struct desk_config desk;
};

/* Read the configuration at path and the files it names; the identity key is
 * made when it is missing and there is no store yet.  On ST_CONFIG *out is
 * NULL and faults holds one line per fault. */
MUST_USE enum status
plan_load(struct plan **out, const char *path, struct buf *faults);

/* NULL is fine. */
void plan_free(struct plan *p);

/* The struct of a room and its size. */
const void *plan_room(const struct plan *p, enum party room, size_t *size);

/* Can a running gateway change from one to the other?  If not, e says what
 * needs a restart. */
MUST_USE bool
plan_follows(const struct plan *was, const struct plan *now, struct err *e);

#endif
