/*
 * Offers: which due delivery goes to the courier, and when.
 *
 * An endpoint's due deliveries are read ahead a few hundred at a time and
 * sent as far as the courier's window is open.  A delivery stays claimed
 * until its settling has been committed; what a courier holds when it ends is
 * read again.  Of several couriers (one drains during a reload) the newest
 * gets what is new.  Loop thread.
 */
#ifndef KEEPER_OFFERS_H
#define KEEPER_OFFERS_H

#include <stdbool.h>

#include "keeper/routes.h"
#include "keeper/store_queue.h"
#include "keeper/store_reader.h"
#include "message/channel.h"

struct offers;

struct offers_config {
	struct loop *loop;
	const struct routes *routes;
	struct store_queue *queue;
	struct store_reader *reader;
};

MUST_USE enum status
offers_new(struct offers **out, const struct offers_config *cfg, struct err *e);

/* NULL is fine. */
void offers_free(struct offers *o);

/* A courier came, with id; its channel is borrowed until it is gone. */
MUST_USE enum status
offers_courier(struct offers *o, uint64_t id, struct channel *ch);
void offers_courier_gone(struct offers *o, uint64_t id);

/* Its messages.  false: they make no sense; end it. */
MUST_USE bool
offers_window(struct offers *o, uint64_t courier, const struct msg_window *m);
MUST_USE bool
offers_settle(struct offers *o, uint64_t courier, const struct msg_settle *m);

/* The store answered: a put with deliveries, a settle, a due read. */
void offers_put_done(struct offers *o, const struct store_op *op);
void offers_settle_done(struct offers *o, const struct store_op *op);
void offers_read_done(struct offers *o, const struct store_read *read);

/* Give out what can be given out: after a batch, and every second, when what
 * had to wait for room is tried again. */
void offers_pump(struct offers *o);
void offers_tick(struct offers *o);

/* Give out nothing any more. */
void offers_stop(struct offers *o);

#endif
