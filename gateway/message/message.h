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
#include "message/party.h"
#include "receipt/certificate.h"
#include "receipt/delivery.h"
#include "receipt/life.h"
#include "receipt/receipt.h"
#include "receipt/retain.h"

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

/* The payment of an earlier HINT was not new: if nobody else gave that val_id,
 * there is nothing to ask. */
struct msg_withdraw {
	struct receipt_id id;
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

/* Send this receipt to this endpoint; in the courier's hands until SETTLE.  Or,
 * with DELIVERY_NOTICE in seq, that it is erased: then of the receipt there are
 * id, merchant and, as received_at_us, when. */
struct msg_delivery {
	uint64_t seq;
	uint32_t endpoint_id; /* the store's; comes back as it is */
	uint32_t attempt;     /* 1 for the first */
	char endpoint[CONFIG_NAME];
	char pad[7];
	struct receipt receipt;
};

struct msg_settle {
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t attempt;
	uint32_t outcome;	/* enum outcome */
	uint32_t http_status;	/* 0 without an answer, else 100 to 599 */
	uint32_t retry_after_s; /* what the answer asks for, a day at most */
	uint32_t took_ms;
	uint32_t bytes; /* of the answer's body */
	uint32_t zero;
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

enum page_flag { PAGE_DESC = 1, PAGE_UNDELIVERED = 2 };

/* Which receipts.  No page looks at more than MESSAGE_SCAN of them, so that a
 * filter that few pass holds nobody up: it may then end with less than limit,
 * and more. */
#define MESSAGE_SCAN 20000

struct msg_page {
	uint64_t tag;
	uint64_t after_seq; /* exclusive; 0: from the start, or the end */
	uint64_t paid_from_us, paid_to_us; /* half-open; to 0: no end */
	char merchant[RECEIPT_MERCHANT];   /* empty: all (COMMAND only) */
	char invoice_id[RECEIPT_INVOICE];  /* empty: any */
	char currency[MONEY_CURRENCY];	   /* empty: any */
	char pad[2];
	uint32_t limit; /* 1 to 1000 */
	/* enum page_flag, or-ed.  UNDELIVERED: pending with, or exhausted for,
	 * at least one endpoint. */
	uint32_t flags;
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

/* The answer to PAGE, GET or any other that comes in rows is complete. */
struct msg_page_end {
	uint64_t tag;
	uint64_t epoch;	   /* of the store: a new one after a restore */
	uint64_t last_seq; /* where the next page begins: of what was looked at
			    * last; what was given when that was nothing */
	uint32_t more;	   /* 1: there may be rows behind it */
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

/* The answer to DECIDE, CHECK, RESUME and REVOKE.  ST_OK: it is on disk.
 * ST_NOT_FOUND: no such held payment; SSLCommerz knows no paid one.  ST_BUSY:
 * try later; ST_IO; ST_CONFIG: the merchant is not in the configuration that is
 * in force.  Of a check: ST_EXISTS: not decided, it is HELD, or pending with
 * SSLCommerz; ST_UNAVAILABLE: SSLCommerz did not answer; ST_BAD_INPUT: the
 * merchant's invoice ID is not tran_id, which is needed. */
struct msg_done {
	uint64_t tag;
	uint32_t status;
	uint32_t state; /* enum life of the payment, or ABSENT */
};

/* ---- deliveries, as people and billing see them */

/* Which deliveries; from_us and to_us: of the receipt's received_at, half-open,
 * to 0: no end. */
struct msg_which {
	char merchant[RECEIPT_MERCHANT];  /* empty: all (COMMAND only) */
	char endpoint[CONFIG_NAME];	  /* empty: any */
	char invoice_id[RECEIPT_INVOICE]; /* empty: any */
	char pad[5];
	struct receipt_id id; /* zero: any */
	uint64_t from_us, to_us;
	uint32_t state; /* enum delivery_state; DELIVERY_STATES: any */
	uint32_t zero;
};

/* Where a delivery stands among all: by receipt, then by endpoint. */
#define MESSAGE_POSITION(seq, endpoint_id) ((seq) << 16 | (endpoint_id))

/* List them, in the order of their positions; answered by DELIVERY_ROW and
 * PAGE_END, whose last_seq is a position.  MESSAGE_SCAN holds here too. */
struct msg_deliveries {
	uint64_t tag;
	uint64_t after; /* a position, exclusive; 0: from the start */
	struct msg_which which;
	uint32_t limit; /* 1 to 1000 */
	uint32_t zero;
};

struct msg_delivery_row {
	uint64_t tag;
	uint64_t position;
	uint64_t at_us; /* as in struct delivery, and so the rest */
	uint32_t state;
	uint32_t attempts;
	uint32_t outcome; /* OUTCOMES: none */
	uint32_t http_status;
	char endpoint[CONFIG_NAME];
	char pad[7];
	struct receipt receipt;
};

/* The attempt log of one delivery; answered by ATTEMPT, oldest first, and
 * PAGE_END: ST_NOT_FOUND when there is no such delivery. */
struct msg_attempts {
	uint64_t tag;
	struct receipt_id id;
	char merchant[RECEIPT_MERCHANT]; /* as in msg_which */
	char endpoint[CONFIG_NAME];
	char pad[6];
};

/* Of the newest attempts, this many are shown. */
#define MESSAGE_ATTEMPTS 100

struct msg_attempt {
	uint64_t tag;
	uint64_t at_us;
	uint32_t number;
	uint32_t outcome; /* enum outcome */
	uint32_t http_status;
	uint32_t took_ms;
	uint32_t bytes;
	uint32_t zero;
};

enum redeliver_action { REDELIVER_COUNT, REDELIVER_RETRY, REDELIVER_DROP };

/* Count, retry or drop deliveries, `limit` at most; as in msg_deliveries.
 * Retried ones get due one after the other, at the configured rate. */
struct msg_redeliver {
	uint64_t tag;
	uint64_t after;
	struct msg_which which;
	uint32_t limit;	      /* 1 to 1000 */
	uint32_t action;      /* enum redeliver_action */
	char by[CONFIG_NAME]; /* a token's name, or "cli" */
	char pad[7];
};

/* ST_OK: on disk.  ST_BUSY, ST_IO. */
struct msg_redelivered {
	uint64_t tag;
	uint64_t epoch;
	uint64_t last; /* as last_seq of msg_page_end */
	uint32_t matched;
	uint32_t changed; /* those whose state allowed it; of COUNT 0 */
	uint32_t more;
	uint32_t status;
};

/* Deliver to an endpoint again that had said 410; answered by DONE:
 * ST_NOT_FOUND, no such endpoint in the configuration. */
struct msg_resume {
	uint64_t tag;
	char endpoint[CONFIG_NAME];
	char pad[7];
};

/* ---- erasure */

enum erase_action {
	ERASE_SHOW, /* what is held; nothing changes */
	ERASE_TRY,  /* may it be erased, and what would go? */
	ERASE_DO
};

/* Forget all that is held on an invoice: receipts, what waits and what is
 * held.  Answered by PAYMENT, one for each that is or was there, MESSAGE_GONE
 * of them at most, and ERASED. */
struct msg_erase {
	uint64_t tag;
	char merchant[RECEIPT_MERCHANT];
	char invoice_id[RECEIPT_INVOICE];
	char by[CONFIG_NAME]; /* a token's name, or "cli" */
	char pad[1];
	uint32_t action; /* enum erase_action */
};

/* Hold an invoice, so that nothing of it is erased, or hold it no more;
 * answered by DONE: ST_EXISTS, it is held; ST_NOT_FOUND, it is not. */
struct msg_legal {
	uint64_t tag;
	char merchant[RECEIPT_MERCHANT];
	char invoice_id[RECEIPT_INVOICE];
	char pad[2];
	uint32_t hold; /* 1 or 0 */
};

#define MESSAGE_GONE 256

struct msg_payment {
	uint64_t tag;
	uint64_t n;    /* its seq, or its number among those that wait */
	uint32_t life; /* CONFIRMED, WAITING or HELD; what it was */
	uint32_t zero;
	struct receipt receipt; /* as claimed */
};

/*
 * ST_OK, and why FREE: so many are, or would be, gone; of DO it is on disk.
 * Otherwise why says what is in the way, and nothing has changed.  ST_BUSY,
 * ST_IO.  Of DO, proved: the store's files were searched for what is gone, and
 * `hits` copies were found; not proved: that could not be finished in time.
 * before, after: the ledger's head at the begin and at the end.
 */
struct msg_erased {
	uint64_t tag;
	uint64_t at_us;
	uint64_t until_us; /* as retain_judge() says */
	uint64_t bytes;	   /* searched */
	uint64_t hits;
	uint32_t status;
	uint32_t why; /* enum retain */
	uint32_t receipts, waiting, held;
	uint32_t files;	     /* searched */
	uint32_t legal_hold; /* 1: a person holds the invoice */
	uint32_t proved;
	struct certificate_head before, after;
};

/* ---- pollers */

/* A merchant has new receipts. */
struct msg_news {
	char merchant[RECEIPT_MERCHANT];
	char pad[7];
};

enum mark_action { MARK_GET, MARK_SET, MARK_FORGET };

/* A cursor that the gateway keeps for a poller, by name; answered by MARKED.
 * SET goes forward only. */
struct msg_mark {
	uint64_t tag;
	uint64_t seq; /* SET: the new one */
	char merchant[RECEIPT_MERCHANT];
	char name[CONFIG_NAME];
	char pad[2];
	uint32_t action; /* enum mark_action */
};

/* ST_OK; ST_NOT_FOUND: GET, FORGET of none; ST_EXISTS: SET, it stands further
 * on already, at seq; ST_BUSY (also: too many), ST_IO. */
struct msg_marked {
	uint64_t tag;
	uint64_t epoch;
	uint64_t seq;
	uint64_t at_us; /* of the last SET */
	uint32_t status;
	uint32_t zero;
};

/* ---- API tokens: by digest, so that a name may be used again */

/* A token was used on this day, which it had not been before. */
struct msg_token_used {
	unsigned char sha256[32];
	uint32_t day; /* since 1970-01-01, UTC */
	uint32_t zero;
};

/* All that the store knows of; answered by TOKEN and PAGE_END.  Of the desk:
 * before anything else, and the keeper tells it later ones by REVOKED. */
struct msg_tokens {
	uint64_t tag;
};

struct msg_token {
	uint64_t tag;
	unsigned char sha256[32];
	uint64_t revoked_at_us; /* 0: it is not */
	uint32_t day;		/* last used; 0: never */
	uint32_t zero;
};

/* Answered by DONE. */
struct msg_revoke {
	uint64_t tag;
	unsigned char sha256[32];
};

struct msg_revoked {
	unsigned char sha256[32];
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
	uint64_t exhausted; /* deliveries */
	uint32_t disabled;  /* endpoints that said 410 */
	uint32_t status;    /* ST_OK, ST_BUSY (disk full) or ST_IO */
};

/* The largest packet: header and records. */
#define MESSAGE_MAX (sizeof(struct msg_header) + 256 * sizeof(struct msg_ask))

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
