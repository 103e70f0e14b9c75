/*
 * The body of a webhook: schemas/event.schema.json.  Any thread.
 */
#ifndef COURIER_ENVELOPE_H
#define COURIER_ENVELOPE_H

#include "base/buf.h"
#include "receipt/receipt.h"

/* Append {"type":"payment.received","timestamp":...,"data":<receipt>}.  The
 * stamp is the receipt's received_at, so that every attempt sends the same
 * bytes. */
void envelope_write(const struct receipt *r, struct buf *out);

#endif
