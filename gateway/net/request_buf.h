/*
 * Where requests are read into: borrowed while bytes are there, wiped before
 * they are given back.
 *
 * Payer data lives here and nowhere else in clear.  The memory is hidden
 * (base/hidden.h), but for that of requests beyond some hundreds at the same
 * time, which is kept out of core files only.  It comes in two sizes: most
 * requests fit the small one.  A connection that waits has none.  Loop thread
 * only.
 */
#ifndef NET_REQUEST_BUF_H
#define NET_REQUEST_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/hidden.h"
#include "net/http_parser.h"

#define REQUEST_BUF_SMALL (8 * 1024) /* its bookkeeping included */

struct request_buf {
	struct request_buf *next; /* in the pool's list */
	size_t cap;		  /* of data */
	size_t len;		  /* bytes read and not done with */
	struct http_head head;	  /* of the request at data's start */
	unsigned char data[];
};

struct request_pool {
	struct hidden slots;
	struct {
		struct request_buf *free; /* slots that came back */
		unsigned char *fresh;	  /* the next one never used */
		size_t n_fresh;
		size_t size; /* of one buffer */
	} kind[2];
};

/* The large kind holds at least large bytes.  For set-up: maps memory. */
void request_pool_init(struct request_pool *p, size_t large);

/* Every buffer has been given back. */
void request_pool_fini(struct request_pool *p);

/* A small, empty one; NULL without memory. */
struct request_buf *request_buf_borrow(struct request_pool *p);

/* Make *b a large one with the same bytes and a head parsed anew; false, and
 * *b is as before, when it is one already or there is no memory. */
MUST_USE bool request_buf_grow(struct request_pool *p, struct request_buf **b);

/* The first n bytes are done with: the rest moves to the front, the bytes
 * behind it are wiped, the head starts over. */
void request_buf_consume(struct request_buf *b, size_t n);

/* Wipe it and give it back; NULL is fine. */
void request_buf_return(struct request_pool *p, struct request_buf *b);

#endif
