/*
 * DELETE /v1/invoices/<invoice_id>: forget all that is held on an invoice, and
 * the certificate of it.  Loop thread.
 */
#ifndef DESK_ERASURES_H
#define DESK_ERASURES_H

#include "desk/asks.h"
#include "desk/route.h"

struct erasures;

MUST_USE enum status
erasures_new(struct erasures **out, struct asks *as, struct err *e);
void erasures_free(struct erasures *es); /* NULL is fine */

/* dry_run=true: nothing changes. */
void erasures_delete(void *unit, const struct route_request *r);

#endif
