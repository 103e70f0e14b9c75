/*
 * What is asked for: targets of requests to SSLCommerz's two APIs.
 *
 * They hold a password: the caller gives a buffer that is wiped, and keeps it
 * out of every log.  Values are percent-encoded, all but the unreserved
 * characters of RFC 3986.  Any thread.
 */
#ifndef ASKER_URL_H
#define ASKER_URL_H

#include "base/buf.h"

#define URL_MOST 2048 /* what the longest of all values need */

/* Append the question about one payment; see buf_status(). */
void url_by_val_id(struct buf *out, const char *store_id, const char *password,
    const char *val_id);

/* Append the question about all attempts to pay one tran_id. */
void url_by_tran_id(struct buf *out, const char *store_id, const char *password,
    const char *tran_id);

#endif
