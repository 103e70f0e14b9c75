/*
 * Sending cases to a gateway, some at once, on a loop of its own.
 */
#ifndef COMMAND_REPLAY_SEND_H
#define COMMAND_REPLAY_SEND_H

#include "command/replay_case.h"

struct replay_send_config {
	const char *url;    /* https://host:port, without a path */
	const char *ca_pem; /* to trust; "": the system's store */
	size_t jobs;	    /* requests at once */
	bool progress;	    /* a line on standard error, written over */
};

/* POST each case to URL/ipn/<merchant>; fills got and sent.  Returns when all
 * have ended, with words in e when it cannot begin. */
MUST_USE enum status replay_send(struct replay_cases *all,
    const struct replay_send_config *cfg, struct err *e);

#endif
