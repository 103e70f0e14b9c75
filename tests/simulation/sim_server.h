/*
 * net/server.h without sockets: requests come from the simulation as they
 * would stand on the wire, heads are parsed by the real parser, and answers
 * take a while, or are lost.
 */
#ifndef SIMULATION_SIM_SERVER_H
#define SIMULATION_SIM_SERVER_H

#include "base/bytes.h"

/* Listening sockets, as rooms are told them. */
enum { SIM_CALLBACKS = 1000, SIM_API = 1100, SIM_ADMIN = 1200 };

/* status 0: no answer; nobody listens, the room died, or it was lost.  Runs
 * once.  body is borrowed for the call, and ends with a NUL. */
typedef void sim_answered_fn(void *arg, int status, const char *body);

/* Send head (with its empty line) and body to who listens at listener. */
void sim_request(int listener, const char *head, struct bytes body,
    sim_answered_fn *fn, void *arg);

#endif
