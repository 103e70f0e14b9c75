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
#include "receipt/life.h"
#include "receipt/receipt.h"

/* Who speaks.  Bits, so that a set of them is a number. */
enum party {
	PARTY_SUPERVISOR = 1,
	PARTY_EDGE = 2,
	PARTY_KEEPER = 4,
	PARTY_COURIER = 8,
	PARTY_DESK = 16,
	PARTY_COMMAND = 32,
	PARTY_ASKER = 64,
	PARTY_ANY_ROOM = PARTY_EDGE | PARTY_KEEPER | PARTY_ASKER |
			 PARTY_COURIER | PARTY_DESK,
	PARTY_MEETING = PARTY_EDGE | PARTY_KEEPER | PARTY_ASKER,
	PARTY_OFFERED = PARTY_ASKER | PARTY_COURIER,
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

/* A room was started: the socket that comes along speaks for it.  The keeper
 * hears of every other room, the asker of edges, an edge of the asker. */
struct msg_peer {
	uint32_t party; /* EDGE, ASKER, COURIER or DESK */
	uint32_t slot;
};

/* Store this payment: as waiting, or as a receipt with its deliveries where
 * the merchant's confirm is off.  Which of them is for the keeper to know. */
struct msg_put {
	uint64_t tag; /* the edge's; comes back as it is */
	struct receipt receipt;
	char tran_id[RECEIPT_INVOICE]; /* empty: it is the invoice ID */
	char pad[7];
};

/* Between the two rooms of the wide world: what to ask SSLCommerz by.  Kept in
 * memory until the payment is decided, or forgotten. */
struct msg_hint {
	struct receipt_id id;
	char val_id[RECEIPT_INVOICE];
	char pad[7];
};

/* ST_OK: on disk.  ST_EXISTS: it was.  ST_BUSY: the queue is full.
 * ST_IO: the store failed; it may or may not be there. */
struct msg_put_done {
	uint64_t tag;
	uint32_t status; /* one of these four */
	uint32_t zero;
};

/* How many at once: deliveries to this endpoint, of the courier; questions
 * about this merchant's payments, of the asker.  Replaces what was said
 * before. */
struct msg_window {
	char name[CONFIG_NAME];
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

/* Is this payment paid?  In the asker's hands until VERDICT. */
struct msg_ask {
	uint64_t n;	  /* the store's number of the waiting payment */
	uint32_t attempt; /* 1 for the first */
	uint32_t zero;
	struct receipt receipt; /* as its callback claims */
	char tran_id[RECEIPT_INVOICE];
	char pad[7];
};

struct msg_verdict {
	uint64_t n;
	char merchant[RECEIPT_MERCHANT];
	char pad[3];
	uint32_t attempt;
	uint32_t reason; /* enum reason, but SILENCE */
	uint32_t zero;
	/* Of HELD answers that are about this payment: what SSLCommerz says of
	 * it.  Else zero. */
	struct receipt answered;
};

/* Which payments of this tran_id does SSLCommerz know? */
struct msg_lookup {
	uint64_t tag; /* the keeper's */
	char merchant[RECEIPT_MERCHANT];
	char tran_id[RECEIPT_INVOICE];
	char pad[6];
};

/* One of them that is paid: REASON_PAID, or RISK. */
struct msg_found {
	uint64_t tag;
	uint32_t reason;
	uint32_t zero;
	struct receipt receipt; /* received_at is the time of the answer */
};

/* That was all.  reason: PAID when there was one; else why not. */
struct msg_looked_up {
	uint64_t tag;
	uint32_t reason; /* enum reason, but SILENCE */
	uint32_t zero;
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

/* Which held payments, in the order in which their callbacks came; answered
 * by HOLD and PAGE_END. */
struct msg_holds {
	uint64_t tag;
	uint64_t after;			 /* exclusive; 0: from the start */
	struct receipt_id id;		 /* one only; zero: all */
	char merchant[RECEIPT_MERCHANT]; /* empty: all (COMMAND only) */
	char pad[3];
	uint32_t limit; /* 1 to 1000 */
};

struct msg_hold {
	uint64_t tag;
	uint64_t n;
	uint64_t held_at_us;
	uint32_t reason;	 /* of ANSWER_HELD */
	uint32_t is_answered;	 /* 1: answered is what SSLCommerz says */
	struct receipt claimed;	 /* by the callback */
	struct receipt answered; /* zero unless is_answered */
};

/* A person's word on a held payment, and whose: a token's name, or "cli". */
struct msg_decide {
	uint64_t tag;
	struct receipt_id id;
	char merchant[RECEIPT_MERCHANT]; /* as in msg_holds */
	char by[CONFIG_NAME];
	char pad[2];
	uint32_t release; /* 1: it is paid; 0: it is not */
};

/* Ask SSLCommerz about an invoice whose callback may be lost. */
struct msg_check {
	uint64_t tag;
	char merchant[RECEIPT_MERCHANT];
	char invoice_id[RECEIPT_INVOICE];
	char tran_id[RECEIPT_INVOICE]; /* empty: the invoice ID */
	char pad[5];
};

/* The answer to DECIDE and CHECK.  ST_OK: it is on disk.  ST_NOT_FOUND: no
 * such held payment; SSLCommerz knows no paid one.  ST_BUSY: try later;
 * ST_IO; ST_CONFIG: the merchant is not in the configuration that is in
 * force.  Of a check: ST_EXISTS: not decided, it is HELD, or pending with
 * SSLCommerz; ST_UNAVAILABLE: SSLCommerz did not answer; ST_BAD_INPUT: the
 * merchant's invoice ID is not tran_id, which is needed. */
struct msg_done {
	uint64_t tag;
	uint32_t status;
	uint32_t state; /* enum life of the payment, or ABSENT */
};

struct msg_probe {
	uint64_t tag;
};

struct msg_health {
	uint64_t tag;
	uint64_t receipts;
	uint64_t deliveries_pending;
	uint64_t oldest_pending_us; /* its received_at; 0: none pending */
	uint64_t waiting;
	uint64_t oldest_waiting_us; /* likewise */
	uint64_t held;
	uint64_t epoch;
	uint32_t status; /* ST_OK, ST_BUSY (disk full) or ST_IO */
	uint32_t zero;
};

/* The largest packet: header and records. */
#define MESSAGE_MAX (sizeof(struct msg_header) + 256 * sizeof(struct msg_ask))

/* "edge", "keeper", ... */
const char *party_name(enum party p);

/* Size of one record of type, and how many a packet may hold. */
size_t message_size(enum message type);
size_t message_most(enum message type);

/* Do its records hold data of the wide world?  No copy of them may stay in
 * memory once they were sent or handled. */
bool message_wide(enum message type);

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
