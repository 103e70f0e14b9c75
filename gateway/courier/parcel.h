/*
 * What one attempt sends: header lines and a body, signed.
 *
 * Formats: the event of a webhook, and CloudEvents 1.0 in structured and in
 * binary mode; `data` is the very text of receipt_json() in each.  The
 * webhook-* headers after Standard Webhooks 1.0 go with all of them, with a
 * v1 signature for each secret and a v1a one for each signing key.
 *
 * Pure but for the random id of a ping.  Any thread.
 */
#ifndef COURIER_PARCEL_H
#define COURIER_PARCEL_H

#include "base/buf.h"
#include "config/rooms.h"

#define PARCEL_HEADERS 80 /* lines at most */

struct parcel {
	struct buf text; /* the header lines, each with a NUL */
	struct buf body;
	size_t n;
	const char *headers[PARCEL_HEADERS]; /* in text */
};

void parcel_init(struct parcel *e);
void parcel_fini(struct parcel *e); /* wipes */

/*
 * Fill e, from an earlier use or init, with the event of receipt r, which
 * stands at seq in the store, sent at now_s.  ST_NO_MEMORY,
 * ST_INTERNAL.
 */
MUST_USE enum status
parcel_receipt(struct parcel *e, const struct event_rules *rules,
    const struct receipt *r, uint64_t seq, int64_t now_s);

/*
 * The same with the event that a receipt was erased at r->received_at_us;
 * only its id and merchant are looked at.  "receipt.erased", whose data is the
 * id alone; its own id is that of the receipt with "erased_" for "rcpt_".
 */
MUST_USE enum status parcel_erased(struct parcel *e,
    const struct event_rules *rules, const struct receipt *r, int64_t now_s);

/* The same with a ping, whose id begins with "ping_". */
MUST_USE enum status
parcel_ping(struct parcel *e, const struct event_rules *rules, int64_t now_s);

#endif
