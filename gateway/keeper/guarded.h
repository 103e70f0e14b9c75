/*
 * The keeper's own look at what a room of the wide world would have it store:
 * it does not believe that the room has looked.  Loop thread.
 */
#ifndef KEEPER_GUARDED_H
#define KEEPER_GUARDED_H

#include "keeper/routes.h"
#include "message/message.h"

/*
 * May this be stored?  With its guard on, a merchant's invoice IDs and
 * tran_ids have none of guard.h's shapes.  false, said in log and metrics: no;
 * and where m's guard_settled is true no sound room sends it: end the peer.
 */
MUST_USE bool
guarded_receipt(const struct routes_merchant *m, const struct receipt *r);

/*
 * The same of a payment from an edge.  ST_BUSY: it is not to be stored.
 * ST_BAD_INPUT: nor would a sound edge have sent it.  That is so, whatever the
 * guard, of an id with a text of digits in it, a time of payment that is not
 * in whole seconds, as SSLCommerz tells it, and a time of receipt that is a
 * card number written as one.
 */
MUST_USE enum status
guarded_put(const struct routes_merchant *m, const struct msg_put *put);

/* May a text be an invoice ID of m?  Nothing is said. */
MUST_USE bool guarded_text(const struct routes_merchant *m, const char *text);

#endif
