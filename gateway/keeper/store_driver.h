/*
 * The contract of a store driver.
 *
 * A driver is blocking, simple and without policy: queueing, batching,
 * threads, retries and metrics live once, above it.  A handle belongs to one
 * thread at a time.  Writing: begin, any number of put, wait, settle, again,
 * find, move and what else says so, then commit or abort.  A failed commit
 * leaves nothing applied that a reader can see, or everything; the handle is
 * good for nothing but close() after ST_IO.
 *
 * Implementations: driver_sqlite.c here, driver_memory.c in tests/support.
 * tests/contract/ holds them to this page.
 */
#ifndef KEEPER_STORE_DRIVER_H
#define KEEPER_STORE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "receipt/delivery.h"
#include "receipt/ledger.h"
#include "receipt/life.h"
#include "receipt/receipt.h"

struct store;

enum store_mode {
	STORE_WRITE, /* the one writer: locks, creates, migrates, syncs */
	STORE_READ   /* short snapshots beside the writer, or without one */
};

struct store_row {
	uint64_t seq; /* from 1, given in commit order, never used again */
	struct receipt receipt;
};

/* A delivery or a question that is due. */
struct store_due {
	struct store_row row; /* question: seq is the waiting payment's n */
	uint32_t attempt;     /* of the attempt to make: 1 for the first */
	/* Delivery only: is it a notice?  Then of the receipt there are id,
	 * merchant and, as received_at_us, when it was erased.  And the
	 * schedule's start, and how many of its attempts have failed. */
	bool erased;
	int64_t first_us;
	uint32_t failed;
	/* Question only. */
	uint32_t denied;	       /* denials so far */
	char tran_id[RECEIPT_INVOICE]; /* to ask by, as it was given to wait */
};

/* A waiting payment was asked about and goes on waiting. */
struct store_again {
	uint64_t n;
	uint32_t attempt; /* the one that was made */
	uint32_t denied;  /* from now on */
	int64_t next_us;
};

/* How a payment stands. */
struct store_life {
	enum life life;
	uint64_t n;	    /* of a waiting or held one; a receipt's seq */
	enum reason reason; /* held: why */
	int64_t held_at_us;
	/* Held: answered is what SSLCommerz says: the invoice ID, currency and
	 * amount; the rest of it is the claimed one's. */
	bool is_answered;
	struct receipt claimed, answered;
};

/* One move of a payment's life; life_move() allows it. */
struct store_move {
	enum life from, to;
	uint64_t n; /* from WAITING or HELD; from CONFIRMED: its seq */
	/* The payment: what becomes the receipt, or is held.  From WAITING and
	 * HELD to REFUSED, and to ERASED, the id alone counts. */
	struct receipt receipt;
	/* To HELD: why, and what SSLCommerz says of it, if it does. */
	enum reason reason;
	const struct receipt *answered;
	int64_t at_us;
	/* To CONFIRMED: who is owed it, from at_us on. */
	const uint32_t *endpoint_ids;
	size_t n_endpoints;
	/* To ERASED: why; and from CONFIRMED: when those who have the receipt,
	 * or are owed it, get a notice; 0: they get none. */
	enum erasure why;
	int64_t tell_at_us;
};

/* An attempt of a pending delivery has ended. */
struct store_settle {
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t attempt;
	enum delivery_state to; /* DELIVERED, PENDING or EXHAUSTED */
	enum outcome outcome;
	uint32_t http_status; /* 0 without an answer */
	uint32_t took_ms, bytes;
	int64_t now_us, next_us; /* next_us: PENDING: when to try again */
};

/* A person's word on one delivery. */
struct store_redeliver {
	uint64_t seq;
	uint32_t endpoint_id;
	enum delivery_state
	    to; /* PENDING, due at at_us; or DROPPED, at at_us */
	int64_t at_us;
};

/* Which receipts, or which held payments. */
struct store_query {
	uint64_t after_seq;   /* exclusive; 0: from the start, or the end */
	const char *merchant; /* NULL: all */
	size_t limit;
	/* Of receipts only. */
	const char *invoice_id;		  /* NULL: any */
	const char *currency;		  /* NULL: any */
	int64_t paid_from_us, paid_to_us; /* half-open; to 0: no end */
	bool desc;			  /* the newest first */
	bool undelivered; /* with a delivery pending or exhausted */
	size_t scan;	  /* rows looked at, at most; 0: as many as it takes */
};

/* Which deliveries, by position (MESSAGE_POSITION of message.h): seq << 16 |
 * endpoint id.  received_at is the receipt's. */
struct store_which {
	uint64_t after;		     /* exclusive */
	const char *merchant;	     /* NULL: all */
	const char *invoice_id;	     /* NULL: any */
	const struct receipt_id *id; /* NULL: any */
	uint32_t endpoint_id;	     /* 0: any */
	enum delivery_state state;   /* DELIVERY_STATES: any */
	int64_t from_us, to_us;	     /* of received_at, half-open; to 0 */
	size_t limit, scan;	     /* as above */
};

struct store_delivery {
	uint64_t seq;
	uint32_t endpoint_id;
	struct delivery delivery; /* endpoint filled in */
};

struct store_mark {
	char merchant[RECEIPT_MERCHANT];
	char name[DELIVERY_ENDPOINT];
	uint64_t seq;
	int64_t at_us;
};

struct store_token {
	unsigned char sha256[32];
	uint32_t day;	       /* last used, since 1970-01-01; 0: never */
	int64_t revoked_at_us; /* 0: it is not */
};

/* Endpoints that a store numbers: positions have room for no more. */
#define STORE_ENDPOINTS 65535

/* Marks that one merchant may leave. */
#define STORE_MARKS 100

/* The ledger, as it is stored.  damaged: what is stored cannot be right,
 * whatever it belongs to; what can be read of it is there. */
struct store_leaf {
	uint64_t n;
	bool damaged, is_erasure;
	struct ledger_hash hash;
	struct ledger_erasure erasure; /* its hash: that of leaf `of` */
};

/* A receipt and what opens its leaf. */
struct store_opening {
	struct store_row row;
	bool damaged;
	uint64_t leaf; /* STORE_NO_LEAF: it has none */
	struct ledger_salt salt;
	struct ledger_hash hash; /* of that leaf */
};

#define STORE_NO_LEAF UINT64_MAX

struct store_head {
	int64_t at_us;
	bool damaged;
	struct ledger_tree tree;
};

/* What of a merchant was received before before_us, and is not held by a
 * person: receipts, what waits and what is held. */
struct store_expire {
	const char *merchant;
	int64_t before_us, at_us;
	size_t most; /* receipts, and of the others together */
	bool totals; /* add the receipts to the merchant's totals */
	/* The answer. */
	size_t receipts, waiting, held;
	int64_t oldest_us; /* its received_at_us; 0: none */
};

/* What is forgotten after a term of its own, whosever it is. */
enum store_sweep {
	STORE_SWEEP_ATTEMPTS, /* of deliveries */
	/* Deliveries that are tried no more, EXHAUSTED or DROPPED so long ago,
	 * and their attempts; not of an invoice that a person holds. */
	STORE_SWEEP_STOPPED,
	STORE_SWEEP_REFUSED, /* tombstones of REFUSED payments */
	STORE_SWEEPS
};

/* So many receipts are in a total at least: fewer would tell of one. */
#define STORE_BUCKET 10

/* A total that is written, and never again: of receipts paid on these days
 * (UTC, since 1970-01-01). */
struct store_bucket {
	char merchant[RECEIPT_MERCHANT];
	char currency[MONEY_CURRENCY];
	uint32_t first_day, last_day;
	uint64_t receipts;
	int64_t amount_minor;
};

struct store_legal {
	char merchant[RECEIPT_MERCHANT];
	char invoice_id[RECEIPT_INVOICE];
	int64_t at_us;
};

/* How a search of the store's files goes; zero at first. */
struct store_search {
	uint64_t at; /* where it goes on; 0: it is done */
	uint64_t bytes, hits;
	uint32_t files;
};

struct store_totals {
	uint64_t receipts;
	uint64_t deliveries_pending;
	int64_t oldest_pending_us; /* its received_at_us; 0: none */
	uint64_t waiting;
	int64_t oldest_waiting_us; /* likewise */
	uint64_t held;
	uint64_t exhausted; /* deliveries */
	uint64_t notices;   /* not delivered yet */
};

/* Pages that one look can name. */
#define STORE_LOOK 64

/* A look through the store's file for what deleted rows have left. */
struct store_look {
	uint64_t pages;	  /* looked at so far; 0 to begin with */
	bool done;	  /* at the end of the file */
	uint64_t stained; /* pages with bytes that belong to nothing and are not
			   * zero */
	uint64_t bytes;	  /* so many of them */
	uint64_t log;	  /* bytes in the log now, which nobody looks into */
	size_t n;	  /* the first stained ones: */
	uint32_t named[STORE_LOOK];
};

/* Whether a store agrees with itself. */
struct store_check {
	uint64_t faults;   /* of the file's structure, rows or references */
	uint64_t returned; /* payments that are erased, and there */
	bool overwrites;   /* what this handle deletes */
};

/* How far something is that takes its time. */
typedef void store_progress_fn(void *arg, uint64_t done, uint64_t of_about);

/* One row at a time, in order of seq; borrowed for the call. */
typedef void store_row_fn(void *arg, const struct store_row *row);
typedef void store_due_fn(void *arg, const struct store_due *due);
typedef void store_life_fn(void *arg, const struct store_life *held);
typedef void store_delivery_fn(void *arg, const struct store_delivery *d);
typedef void store_attempt_fn(void *arg, const struct delivery_attempt *a);
typedef void store_bucket_fn(void *arg, const struct store_bucket *b);
typedef void store_legal_fn(void *arg, const struct store_legal *l);
typedef void store_token_fn(void *arg, const struct store_token *t);
typedef void store_leaf_fn(void *arg, const struct store_leaf *leaf);
typedef void store_opening_fn(void *arg, const struct store_opening *o);
typedef void store_head_fn(void *arg, const struct store_head *h);

/* What to look at; NULL: not at that.  In this order, of one snapshot. */
struct store_audit {
	store_head_fn *head;	   /* by size */
	store_leaf_fn *leaf;	   /* by number */
	uint64_t from;		   /* the first of them */
	store_opening_fn *opening; /* every receipt, by seq */
	/* The store is damaged: words for a person; a pass over leaves or
	 * receipts may have ended early.  Checks the whole file. */
	void (*fault)(void *arg, const char *words);
	void *arg;
	uint64_t receipts; /* the answer: so many the store thinks to have */
};

struct store_driver {
	const char *name; /* "sqlite": the scheme of the store's URL */

	/* STORE_WRITE: ST_CONFIG when another process holds the store, the
	 * schema is newer than this program, or the path cannot be used.
	 * STORE_READ: ST_NOT_FOUND when there is no store. */
	enum status (*open)(struct store **out, const char *path,
	    enum store_mode mode, struct err *e);
	void (*close)(struct store *s); /* NULL is fine */

	/* A random number made with the store; a restored one gets a new one.
	 */
	enum status (*epoch)(struct store *s, uint64_t *epoch);

	/* The number of the endpoint called name, given at first use, and since
	 * when it is disabled (0: it is not).  ST_BAD_INPUT: that would be
	 * more than STORE_ENDPOINTS.  Writer only, outside begin and commit. */
	enum status (*endpoint)(struct store *s, const char *name, uint32_t *id,
	    int64_t *disabled_at_us);

	enum status (*begin)(struct store *s);
	/* One receipt, and a delivery due at once for each of the endpoints.
	 * ST_EXISTS: the id is known, as a receipt, waiting, held or refused;
	 * nothing changed.  ST_BAD_INPUT: the store's own checks refuse it.
	 * After that, ST_BUSY or ST_IO, of all that write, only abort makes
	 * sense. */
	enum status (*put)(struct store *s, const struct receipt *r,
	    const uint32_t *endpoint_ids, size_t n_endpoints);
	/* One waiting payment, due to be asked about at its received_at_us.
	 * tran_id: what to ask by where it is not the invoice ID, else "".
	 * Answers as put. */
	enum status (*wait)(
	    struct store *s, const struct receipt *r, const char *tran_id);
	/* ST_NOT_FOUND: n does not wait, or not with this attempt to come. */
	enum status (*again)(struct store *s, const struct store_again *a);
	/* How the payment of this id stands.  Never ST_NOT_FOUND: an unknown
	 * one is LIFE_ABSENT, and out otherwise zero. */
	enum status (*find)(struct store *s, const struct receipt_id *id,
	    struct store_life *out);
	/* ST_NOT_FOUND: it is not, or no longer, where the move begins.  To
	 * ERASED: the receipt or waiting row, its deliveries and their attempts
	 * are gone; a tombstone stays, and a receipt's leaf, which the ledger
	 * then has an erasure of.  To CONFIRMED, as put: it gets a leaf. */
	enum status (*move)(struct store *s, const struct store_move *m);
	/* ST_NOT_FOUND: no such pending delivery or notice with this attempt
	 * number.  A delivered notice is gone; none is ever EXHAUSTED. */
	enum status (*settle)(struct store *s, const struct store_settle *d);
	/* In a transaction.  To PENDING: due at at_us, its schedule starting
	 * there; attempts go on counting, and the good attempt of a delivered
	 * one joins the log.  ST_NOT_FOUND: no such delivery;
	 * ST_EXISTS: delivery_move() forbids it. */
	enum status (*redeliver)(
	    struct store *s, const struct store_redeliver *r);
	/* In a transaction: at_us 0: deliver to it again. */
	enum status (*disable)(
	    struct store *s, uint32_t endpoint_id, int64_t at_us);
	/* In a transaction.  ST_EXISTS: it stands further on, at m->seq then;
	 * ST_UNAVAILABLE: that would be more than STORE_MARKS. */
	enum status (*mark)(struct store *s, struct store_mark *m);
	/* In a transaction.  ST_NOT_FOUND: there is none. */
	enum status (*unmark)(
	    struct store *s, const char *merchant, const char *name);
	/* In a transaction: the later of the days stays, and the first
	 * revocation; 0 changes nothing. */
	enum status (*token)(struct store *s, const struct store_token *t);
	/* In a transaction: forget what is of before before_us, the oldest
	 * first, `most` at most; *n: so many were forgotten. */
	enum status (*sweep)(struct store *s, enum store_sweep what,
	    int64_t before_us, size_t most, size_t *n);
	/* In a transaction: look at `most` leaves at most that were not looked
	 * at yet; *more: there are others.  Behind the last one, keep a head as
	 * of at_us, unless the last head has the same leaves or is of before_us
	 * or later. */
	enum status (*keep_head)(struct store *s, int64_t before_us,
	    int64_t at_us, size_t most, bool *more);
	/* In a transaction: hold an invoice from at_us on, so that nothing of
	 * it is erased; at_us 0: no more.  ST_EXISTS: it is held; ST_NOT_FOUND:
	 * it is not. */
	enum status (*legal)(struct store *s, const char *merchant,
	    const char *invoice_id, int64_t at_us);
	/* In a transaction: what has been kept long enough moves to ERASED,
	 * why AGE, without a notice; see struct store_expire. */
	enum status (*expire)(struct store *s, struct store_expire *e);
	/* ST_OK: on disk.  ST_BUSY: no room, or locked; nothing was applied and
	 * the store can be used again.  ST_IO: end the process. */
	enum status (*commit)(struct store *s);
	void (*abort)(struct store *s);
	/* Writer, outside begin and commit: copy the log into the store's file
	 * and empty it, and overwrite what deleted rows have left in the pages
	 * that changed, so that they are in neither.  ST_BUSY: a reader is in
	 * the way, there is no room, or more to overwrite than is done at a
	 * time; nothing is lost, try again. */
	enum status (*flush)(struct store *s);
	/* Look at `most` further pages, or till the end.  Beside a writer a
	 * page that is just being written can look stained.  ST_BUSY: try
	 * again. */
	enum status (*look)(
	    struct store *s, uint64_t most, struct store_look *l);
	/* Writer, outside begin and commit: flush, and overwrite what l names,
	 * where it is so.  *n: stained pages that were.  Nothing else changes.
	 * ST_BUSY as flush. */
	enum status (*scrub)(
	    struct store *s, const struct store_look *l, uint64_t *n);
	/* All of it is read. */
	enum status (*check)(struct store *s, struct store_check *out);
	/* Copy it to path, a file that is there and empty: the rows alone,
	 * without what deleted ones have left, checked, synced, and with an
	 * epoch of its own.  ST_BUSY: no room; ST_CORRUPT: the copy does not
	 * agree with itself. */
	enum status (*copy)(struct store *s, const char *path,
	    store_progress_fn *tell, void *arg);

	/* *more: there may be further rows; certainly not when it is false.
	 * *last: of the row looked at last, given or not; q->after_seq when
	 * there was none.  The snapshot is closed when the call returns. */
	enum status (*page)(struct store *s, const struct store_query *q,
	    store_row_fn *fn, void *arg, uint64_t *last, bool *more);
	/* merchant NULL: any.  ST_NOT_FOUND also when it is another's. */
	enum status (*get)(struct store *s, const struct receipt_id *id,
	    const char *merchant, struct store_row *out);
	/* Pending deliveries of one endpoint with next_us <= now_us, and
	 * notices; of each the most overdue first; limit at most; *next_us:
	 * when the earliest of the others is due, INT64_MAX if there is none.
	 * ordered: of one invoice (of one merchant) only the pending one with
	 * the lowest seq. */
	enum status (*due)(struct store *s, uint32_t endpoint_id, bool ordered,
	    int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
	    int64_t *next_us);
	/* The same for questions about a merchant's waiting payments; held
	 * ones are not asked about. */
	enum status (*questions)(struct store *s, const char *merchant,
	    int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
	    int64_t *next_us);
	/* Held payments in order of n, as page does; of q what is of receipts
	 * only is not looked at. */
	enum status (*holds)(struct store *s, const struct store_query *q,
	    store_life_fn *fn, void *arg, bool *more);
	/* One held payment, as get does. */
	enum status (*hold)(struct store *s, const struct receipt_id *id,
	    const char *merchant, struct store_life *out);
	/* How many payments of a merchant expire() would take, and the oldest
	 * of them; at_us, most and totals are not looked at. */
	enum status (*expiring)(struct store *s, struct store_expire *e);
	/* How many sweep() would forget. */
	enum status (*sweeping)(struct store *s, enum store_sweep what,
	    int64_t before_us, size_t *n);
	/* Totals of what was deidentified, in the order in which they were
	 * written; and the invoices that are held. */
	enum status (*buckets)(struct store *s, store_bucket_fn *fn, void *arg);
	enum status (*legals)(struct store *s, store_legal_fn *fn, void *arg);
	/* Not in a transaction: size and root of the ledger as it is stored.
	 * *more: after `most` leaves there are others; ask again. */
	enum status (*root)(struct store *s, size_t most, uint64_t *size,
	    struct ledger_hash *root, bool *more);
	/* All payments of one invoice of a merchant that are there, receipts
	 * first, limit at most: life and what goes with it.  *legal_hold: a
	 * person holds the invoice. */
	enum status (*payments)(struct store *s, const char *merchant,
	    const char *invoice_id, size_t limit, store_life_fn *fn, void *arg,
	    bool *more, bool *legal_hold);
	/* Look for what stood in the store's files of these n payments, in the
	 * bytes of the files themselves.  out->at goes back in until it is 0;
	 * each call looks at about `most` bytes and adds to the others. */
	enum status (*search)(struct store *s, const struct store_life *gone,
	    size_t n, size_t most, struct store_search *out);
	enum status (*totals)(struct store *s, struct store_totals *out);
	/* In order of position; *last: a position; otherwise as page. */
	enum status (*deliveries)(struct store *s, const struct store_which *w,
	    store_delivery_fn *fn, void *arg, uint64_t *last, bool *more);
	/* The attempts of one delivery, oldest first, of the newest `most`.
	 * ST_NOT_FOUND: no such delivery; merchant NULL: of any. */
	enum status (*attempts)(struct store *s, const struct receipt_id *id,
	    const char *endpoint, const char *merchant, size_t most,
	    store_attempt_fn *fn, void *arg);
	/* ST_NOT_FOUND: there is none; of out merchant and name are given. */
	enum status (*marked)(struct store *s, struct store_mark *out);
	enum status (*tokens)(struct store *s, store_token_fn *fn, void *arg);
	/* A receipt and its leaf: ST_NOT_FOUND: there is none. */
	enum status (*opening)(struct store *s, const struct receipt_id *id,
	    struct store_opening *out);
	enum status (*audit)(struct store *s, struct store_audit *a);
};

/* The driver for a scheme, or NULL. */
const struct store_driver *store_driver_find(const char *scheme);

extern const struct store_driver store_driver_sqlite;

#endif
