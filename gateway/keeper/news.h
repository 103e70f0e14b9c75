/*
 * Which merchants have new receipts, told to every desk after the batch that
 * stored them.  Loop thread.
 */
#ifndef KEEPER_NEWS_H
#define KEEPER_NEWS_H

#include "keeper/peers.h"
#include "keeper/routes.h"
#include "keeper/store_queue.h"

struct news {
	struct peers *peers;
	const struct routes *routes;
	/* Its own, zero at first: by place of the merchant. */
	bool any;
	bool fresh[ROUTES_MERCHANTS];
};

/* The store answered; if op made a receipt, its merchant has news. */
void news_take(struct news *n, const struct store_op *op);

/* The batch is over: tell the desks. */
void news_tell(struct news *n);

#endif
