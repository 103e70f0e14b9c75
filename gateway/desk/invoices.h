/*
 * POST /v1/invoices/<invoice_id>/check: is this invoice paid, although no
 * callback came?
 *
 * The keeper has SSLCommerz asked, which takes a minute at most.  Loop thread
 * only.
 */
#ifndef DESK_INVOICES_H
#define DESK_INVOICES_H

#include "desk/asks.h"
#include "desk/route.h"

#define INVOICES_CHECKS 64 /* that wait at once */

struct invoices;

MUST_USE enum status
invoices_new(struct invoices **out, struct asks *as, struct err *e);

/* Handler of a route; unit is the struct invoices. */
void invoices_check(void *unit, const struct route_request *r);

/* Nobody waits for SSLCommerz any more: who does is answered now. */
void invoices_drain(struct invoices *is);

/* Before the servers and asks go; what is under way is dropped.  NULL is
 * fine. */
void invoices_free(struct invoices *is);

#endif
