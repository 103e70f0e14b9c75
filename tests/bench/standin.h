/*
 * Stand-ins for SSLCommerz and for billing, as small as can be, so that a
 * measurement of whole lives measures the gateway.
 *
 * SSLCommerz answers VALID about every payment of callback.h, by val_id and
 * by tran_id.  Each endpoint of billing, /0 and so forth, takes each payment
 * once: signature, id, invoice ID and amount are judged.
 */
#ifndef BENCH_STANDIN_H
#define BENCH_STANDIN_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#define STANDIN_ENDPOINTS 8

struct standin_config {
	const char *certificate, *key; /* PEM files */
	const char *secret;	       /* of billing's webhook, in hex */
	uint32_t payments;	       /* their numbers are below this */
	uint32_t endpoints;	       /* STANDIN_ENDPOINTS at most */
	/* The gateway is killed: what was taken may come again, and notices of
	 * erasures come, too. */
	bool again;
	/* A payment was delivered to all of them, for the first time. */
	void (*on_delivered)(uint32_t n);
};

/* Both listen from here on; their ports. */
void standin_start(struct event_base *base, const struct standin_config *cfg,
    int *provider_port, int *billing_port);

#endif
