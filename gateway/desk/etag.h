/*
 * Entity tags (RFC 9110, 8.8.3): strong ones, of a body's bytes.  Pure.  Any
 * thread.
 */
#ifndef DESK_ETAG_H
#define DESK_ETAG_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/status.h"

#define ETAG_TEXT 35 /* 32 hex digits in quotes, and a NUL */

MUST_USE enum status etag_of(struct bytes body, char out[ETAG_TEXT]);

/* Does If-None-Match (13.1.2) name etag?  "*" names any. */
bool etag_listed(struct bytes field, const char etag[ETAG_TEXT]);

#endif
