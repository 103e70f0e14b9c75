/*
 * An edge in this thread, for the tests of edge/: TLS clients before it
 * (net_world.h), the test as the keeper and the asker behind it.
 */
#ifndef SUPPORT_EDGE_BENCH_H
#define SUPPORT_EDGE_BENCH_H

#include "edge/edge.h"
#include "net_world.h"

#define EDGE_BENCH_FIELDS 14 /* of a callback, without its signature */

struct edge_bench {
	struct world net; /* its loop, clients and metrics; not its server */
	struct room room;
	struct edge *edge;
	enum confirm confirm; /* of both merchants, when it is started */
	enum invoice_field invoice_field;
	struct channel *keeper;
	struct channel *asker; /* NULL: never introduced, or it is freed */
	bool asker_left;       /* the edge closed it */
	struct event *pause;
	size_t n_puts, n_hints, n_withdrawn;
	struct receipt_id withdrawn; /* the last one */
	struct msg_put puts[64];
	struct msg_hint hints[64];
};

/* cmocka fixtures: with the edge running, confirm off or required, and
 * without. */
int edge_bench_set_up(void **state);
int edge_bench_set_up_required(void **state);
int edge_bench_set_up_bare(void **state);
int edge_bench_tear_down(void **state);

/* For merchants other and testbox; key NULL: the right one. */
enum status
edge_bench_start(struct edge_bench *b, const char *key, struct err *e);

/* Introduce an asker; the one before stays the test's to free. */
void edge_bench_introduce(struct edge_bench *b);

/* One turn of the loop, with what belongs to its end. */
void edge_bench_turn(struct edge_bench *b);

/* The body of a callback of testbox with this status, rightly signed. */
void edge_bench_callback(struct buf *body, const char *status);

/* Post a body to testbox; post a paid callback. */
void edge_bench_post(struct client *c, const struct buf *body);
void edge_bench_post_paid(struct client *c);

/* Turn until the keeper, the asker has n records; have the keeper answer
 * one. */
void edge_bench_until_puts(struct edge_bench *b, size_t n);
void edge_bench_until_hints(struct edge_bench *b, size_t n);
void edge_bench_done(struct edge_bench *b, uint64_t tag, enum status st);

#endif
