/*
 * What is held on one invoice, for the person whom it is about: shown, or
 * erased.  Verbs of the command receipts.
 */
#ifndef COMMAND_INVOICE_H
#define COMMAND_INVOICE_H

#include "command/listing.h"

/* All that is held on the invoice of the query, as one JSON document; also
 * when that is nothing. */
listing_fn invoice_export;

/* Erase it, and print the certificate; l->own, a bool: only try. */
listing_fn invoice_erase;

#endif
