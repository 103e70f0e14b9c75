/*
 * A client on its own loop, aimed at a stub on loopback.  A guard fails the
 * test when nothing ends within half a minute.
 */
#ifndef SUPPORT_CLIENT_WORLD_H
#define SUPPORT_CLIENT_WORLD_H

#include "client/client.h"
#include "http_stub.h"

#define CLIENT_WORLD_TARGETS 8

struct client_world {
	struct loop *loop;
	struct client *client;
	struct http_stub *stub;
	/* all used, until the end */
	struct client_target *targets[CLIENT_WORLD_TARGETS];
	struct client_target *target; /* the one aimed at */
	size_t n_targets, n_done, n_wanted;
	struct client_result last; /* its body.ptr is NULL */
	char body[1024];	   /* the last one's, NUL-terminated */
	struct event *guard;
};

/* names: as of http_stub_start(). */
struct client_world *client_world_new(const char *names);
void client_world_free(struct client_world *w);

/* What is sent next goes there; to the stub's /hooks, or to any URL. */
void
client_world_aim(struct client_world *w, const char *host, int64_t timeout_ms);
void client_world_aim_at(struct client_world *w, const char *url,
    const char *ca, int64_t timeout_ms);
void client_world_aim_with(
    struct client_world *w, const struct client_target_config *cfg);

/* A client_done_fn whose arg is the world: keeps the result and stops the loop
 * once as many are done as are wanted. */
void client_world_done(void *arg, const struct client_result *r);

/* What the stub says from now on. */
void client_world_say(
    struct client_world *w, const char *bytes, enum http_stub_then then);

/* Run the loop until the stub has read n requests in all. */
void client_world_run_until_requested(struct client_world *w, size_t n);

#endif
