/*
 * client/client.h without sockets: what rooms ask of the world arrives at the
 * simulated provider and billings, and their answers after a while.
 */
#ifndef SIMULATION_SIM_CLIENT_H
#define SIMULATION_SIM_CLIENT_H

#include "client/client.h"

/* What a peer of the world does with a request. */
struct sim_answer {
	enum client_end end; /* TIMEOUT: took_us is not looked at */
	int status;
	int64_t took_us;
	int64_t retry_after_s; /* -1: none */
	char body[2048];
};

/* A request arrives, which was sent at sent_us. */
void billing_post(const char *url, const char *const *headers, size_t n,
    struct bytes body, int64_t sent_us, struct sim_answer *out);
void provider_get(struct bytes target, struct sim_answer *out);

#endif
