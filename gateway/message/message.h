/*
 * Every message that crosses between processes, and nothing else crosses.
 *
 * A packet is a header and 1 to n records of one fixed layout (message.def).
 * message_check() is asked of each packet on receipt: layout, direction and
 * the range of every member.  A peer that fails it is ended, not believed.
 * Padding is explicit and zero, so that no byte goes unchecked.  Any thread.
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "config/config.h"
#include "receipt/receipt.h"

/* Who speaks.  Bits, so that a set of them is a number. */
enum party {
	PARTY_SUPERVISOR = 1,
	PARTY_EDGE = 2,
	PARTY_KEEPER = 4,
	PARTY_COURIER = 8,
	PARTY_DESK = 16,
	PARTY_COMMAND = 32,
	PARTY_ANY_ROOM = PARTY_EDGE | PARTY_KEEPER | PARTY_COURIER | PARTY_DESK,
	PARTY_READER = PARTY_DESK | PARTY_COMMAND
};

enum message {
#define MESSAGE(name, from, to, record, most) MSG_##name,
#include "message/message.def"
#undef MESSAGE
	MESSAGES
};

struct msg_header {
	uint32_t type;	/* enum message */
	uint32_t count; /* records that follow */
};

struct msg_empty {
	uint64_t zero;
};

/* A room was started: the socket that comes along speaks for it. */
struct msg_peer {
	uint32_t party; /* EDGE, COURIER or DESK */
	uint32_t slot;
};

/* Store this receipt, with its deliveries. */
struct msg_put {
	uint64_t tag; /* the edge's; comes back as it is */
	struct receipt receipt;
};

/* ST_OK: on disk.  ST_EXISTS: it was.  ST_BUSY: the queue is full.
 * ST_IO: the store failed; it may or may not be there. */
struct msg_put_done {
	uint64_t tag;
	uint32_t status; /* one of these four */
	uint32_t zero;
};

/* How many deliveries to this endpoint the courier takes at once; replaces
 * what it said before. */
struct msg_window {
	char endpoint[CONFIG_NAME];
	char pad[3];
	uint32_t most; /* 1 to 1024 */
};

/* Send this receipt to this endpoint; in the courier's hands until SETTLE. */
struct msg_delivery {
	uint64_t seq;
	uint32_t endpoint_id; /* the store's; comes back as it is */
	uint32_t attempt;     /* 1 for the first */
	char endpoint[CONFIG_NAME];
	char pad[7];
	struct receipt receipt;
};

enum outcome { /* of one delivery attempt; a metric label each */
	OUTCOME_DELIVERED,
	OUTCOME_STATUS, /* an answer that is not 2xx */
	OUTCOME_DNS,
	OUTCOME_CONNECT,
	OUTCOME_TLS,
	OUTCOME_TIMEOUT,
	OUTCOME_IO, /* reset, cut off, an answer that is no HTTP */
	OUTCOMES
};

struct msg_settle {
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t attempt;
	uint32_t outcome;     /* enum outcome */
	uint32_t http_status; /* 0 without an answer, else 100 to 599 */
};

/* Which receipts, oldest first. */
struct msg_page {
	uint64_t tag;
	uint64_t after_seq;		  /* exclusive; 0: from the start */
	char merchant[RECEIPT_MERCHANT];  /* empty: all (COMMAND only) */
	char invoice_id[RECEIPT_INVOICE]; /* empty: any */
	char pad[2];
	uint32_t limit; /* 1 to 1000 */
};

struct msg_get {
	uint64_t tag;
	struct receipt_id id;
	char merchant[RECEIPT_MERCHANT]; /* as in msg_page */
	char pad[7];
};

/* One receipt of the answer to PAGE or GET, in order of seq. */
struct msg_row {
	uint64_t tag;
	uint64_t seq;
	struct receipt receipt;
};

/* The answer to PAGE or GET is complete. */
struct msg_page_end {
	uint64_t tag;
	uint64_t epoch;	   /* of the store: a new one after a restore */
	uint64_t last_seq; /* of the last row; after_seq when there was none */
	uint32_t more;	   /* 1: there is at least one row behind it */
	uint32_t status;   /* ST_OK, ST_NOT_FOUND (GET), ST_BUSY, ST_IO */
};

struct msg_probe {
	uint64_t tag;
};

struct msg_health {
	uint64_t tag;
	uint64_t receipts;
	uint64_t deliveries_pending;
	uint64_t oldest_pending_us; /* its received_at; 0: none pending */
	uint64_t epoch;
	uint32_t status; /* ST_OK, ST_BUSY (disk full) or ST_IO */
	uint32_t zero;
};

/* The largest packet: header and records. */
#define MESSAGE_MAX \
	(sizeof(struct msg_header) + 256 * sizeof(struct msg_delivery))

/* "edge", "keeper", ... */
const char *party_name(enum party p);

/* Size of one record of type, and how many a packet may hold. */
size_t message_size(enum message type);
size_t message_most(enum message type);

/*
 * Is this packet of len bytes one that `from` may send to `to`?  Checks the
 * header, the exact length and every record.  false: the peer is to be ended.
 * packet is aligned for any record.
 */
MUST_USE bool
message_check(enum party from, enum party to, const void *packet, size_t len);

/* The same for one record; callers use it on what they are about to send. */
MUST_USE bool
message_record_valid(enum party from, enum message type, const void *record);

#endif
