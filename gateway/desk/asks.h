/*
 * Questions to the keeper, and the table of those that wait for an answer.
 *
 * A question is answered through its on_done: exactly once, never from inside
 * the call that asked, and never after asks_drop() or asks_free().  The keeper
 * that stays silent is an answer too.  Loop thread only.
 */
#ifndef DESK_ASKS_H
#define DESK_ASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/loop.h"
#include "message/message.h"

#define ASKS_MOST 1024 /* that wait at once */

/* Rows as JSON: 1000 held payments of at most 640 bytes, and what stands
 * around them. */
#define ASKS_ROWS (1024 * 640 + 1024)

struct asks;
struct asks_kind;

/* What came back; borrowed for the call of on_done. */
struct asks_answer {
	/* The keeper's word, as its message has it.  Ours: ST_UNAVAILABLE, it
	 * was silent; ST_INTERNAL, its rows are not what was asked for;
	 * ST_NO_MEMORY. */
	enum status st;
	bool silent; /* the keeper was; all below is zero then */
	/* What the answer ended with. */
	struct msg_page_end end;	    /* of what comes in rows */
	struct msg_health health;	    /* PROBE */
	struct msg_done done;		    /* DECIDE, CHECK */
	struct msg_redelivered redelivered; /* REDELIVER */
	struct msg_marked marked;	    /* MARK */
	struct msg_erased erased;	    /* ERASE */
};

/* One question, embedded by its owner, who sets on_done and arg.  Rows are
 * appended to json, with commas between, behind what the owner put there;
 * unless on_row is set, which then gets each record, checked to be one that
 * was asked for. */
struct ask {
	void (*on_done)(void *arg, const struct asks_answer *a);
	void (*on_row)(void *arg, enum message type, const void *record);
	void *arg;
	struct buf json;
	size_t rows;
	/* Private. */
	uint64_t tag; /* 0: not waiting */
	int64_t deadline_us;
	const struct asks_kind *kind;
	size_t most; /* rows */
	char merchant[RECEIPT_MERCHANT];
};

/* What the keeper says unasked; all from the loop. */
struct asks_hooks {
	/* It is gone or talks nonsense; runs once. */
	void (*on_end)(void *arg);
	/* This merchant has new receipts. */
	void (*on_news)(void *arg, const char *merchant);
	/* The token of this digest is revoked. */
	void (*on_revoked)(void *arg, const unsigned char sha256[32]);
	void *arg;
};

/* keeper is the channel's socket: taken, also on failure. */
MUST_USE enum status asks_new(struct asks **out, struct loop *l, int keeper,
    const struct asks_hooks *hooks, struct err *e);

/* Tell the keeper that a token was used on this day; it is lost when the
 * channel is full. */
void asks_token_used(struct asks *as, const struct msg_token_used *m);

/* Questions that still wait are dropped.  NULL is fine. */
void asks_free(struct asks *as);

/* Set up one question; asks nothing yet. */
void asks_prepare(struct ask *a,
    void (*on_done)(void *arg, const struct asks_answer *a), void *arg);

/*
 * Ask: m is a record of this type, whose tag is filled in here; PAGE, GET,
 * HOLDS, PROBE, DECIDE, CHECK, DELIVERIES, ATTEMPTS, REDELIVER, MARK, TOKENS or
 * ERASE.  Only CHECK and ERASE may take longer than seconds.
 * ask stays where it is until it is answered or dropped; it may be used again
 * then.  ST_BUSY: too many wait; ST_UNAVAILABLE: the keeper is gone; on_done
 * will not run then.
 */
MUST_USE enum status
asks_put(struct asks *as, struct ask *ask, enum message type, void *m);

/* Forget it, waiting or not, and release its json. */
void asks_drop(struct asks *as, struct ask *ask);

#endif
