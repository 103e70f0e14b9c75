/*
 * The control socket: lets command lines in.  Loop thread.
 */
#ifndef KEEPER_CONTROL_H
#define KEEPER_CONTROL_H

#include "keeper/peers.h"

struct control;

/* Accept on fd, a listening socket that stays the caller's. */
MUST_USE enum status control_new(struct control **out, struct loop *l, int fd,
    struct peers *peers, struct err *e);

/* Accept again, should it have paused for lack of descriptors; every second.
 */
void control_tick(struct control *c);

/* NULL is fine. */
void control_free(struct control *c);

#endif
