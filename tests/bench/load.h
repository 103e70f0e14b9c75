/*
 * What the modes of the load generator share: options, the clock, the result.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdint.h>

#include "histogram.h"
#include "wire.h"

/* From the words NAME=VALUE of the command line. */
struct options {
	int port, api_port;
	uint32_t count;	      /* callbacks, receipts or connections */
	uint32_t connections; /* at once */
	uint32_t first;	      /* the first payment's number */
	uint32_t rate;	      /* a second; 0: as fast as answers come */
	uint32_t fresh;	      /* 1: a connection for each */
	uint32_t window;      /* lives that are not over, at once */
	uint32_t seconds;     /* at most; the bound of everything */
	uint32_t merchants;   /* whose the payments are, in turn */
	uint32_t endpoints;   /* that each payment is delivered to */
	const char *token, *certificate, *key, *secret;
};

/* What is told at the end, as JSON. */
struct result {
	uint64_t done;	/* answered as they should be */
	uint64_t wrong; /* answers, and ends of connections */
	uint64_t fulls; /* handshakes that resumed nothing */
	double seconds;
	char fault[96]; /* the first of wrong */
	struct histogram us;
};

extern struct options options;
extern struct result result;

int64_t now_us(void);

/* Count what is not as it should be; the words are fixed or a status line. */
void wrong(const char *words, size_t len);

/* The time, from which on this process's own processor time counts too. */
int64_t load_begin(void);

/* Run the loop until load_stop(), or for options.seconds, which is wrong. */
void load_run(struct event_base *base);
void load_stop(struct event_base *base);

/* A connection is made: TLS 1.3, an ECDSA certificate, nothing resumed. */
void load_shaken(struct wire *w);

struct sockaddr_in load_address(int port);

/* ---- the modes; the result's members are theirs to fill */

void post_run(struct event_base *base);	 /* callbacks */
void poll_run(struct event_base *base);	 /* pages of receipts */
void idle_run(struct event_base *base);	 /* connections that only are */
void life_run(struct event_base *base);	 /* callbacks, questions, deliveries */
void storm_run(struct event_base *base); /* callbacks, through kills */

#endif
