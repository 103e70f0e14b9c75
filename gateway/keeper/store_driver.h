/*
 * The contract of a store driver.
 *
 * A driver is blocking, simple and without policy: queueing, batching,
 * threads, retries and metrics live once, above it.  A handle belongs to one
 * thread at a time.  Writing: begin, any number of put, wait, settle, again,
 * find and move, then commit or abort.  A failed commit leaves nothing applied
 * that a reader can see, or everything; the handle is good for nothing but
 * close() after ST_IO.
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
	uint64_t n;	    /* of a waiting or held one */
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
	uint64_t n; /* from WAITING or HELD */
	/* The payment: what becomes the receipt, or is held.  From WAITING and
	 * HELD to REFUSED the id alone counts. */
	struct receipt receipt;
	/* To HELD: why, and what SSLCommerz says of it, if it does. */
	enum reason reason;
	const struct receipt *answered;
	int64_t at_us;
	/* To CONFIRMED: who is owed it, from at_us on. */
	const uint32_t *endpoint_ids;
	size_t n_endpoints;
};

struct store_settle {
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t attempt;
	bool delivered;
	uint32_t outcome;     /* enum outcome of message.h, kept as a number */
	uint32_t http_status; /* 0 without an answer */
	int64_t now_us,
	    next_us; /* next_us: when to try again, unless delivered */
};

struct store_query {
	uint64_t after_seq;	/* exclusive */
	const char *merchant;	/* NULL: all */
	const char *invoice_id; /* NULL: any */
	size_t limit;
};

struct store_totals {
	uint64_t receipts;
	uint64_t deliveries_pending;
	int64_t oldest_pending_us; /* its received_at_us; 0: none */
	uint64_t waiting;
	int64_t oldest_waiting_us; /* likewise */
	uint64_t held;
};

/* One row at a time, in order of seq; borrowed for the call. */
typedef void store_row_fn(void *arg, const struct store_row *row);
typedef void store_due_fn(void *arg, const struct store_due *due);
typedef void store_life_fn(void *arg, const struct store_life *held);

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

	/* The number of the endpoint called name, given at first use.
	 * Writer only, outside begin and commit. */
	enum status (*endpoint)(
	    struct store *s, const char *name, uint32_t *id);

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
	/* ST_NOT_FOUND: it is not, or no longer, where the move begins. */
	enum status (*move)(struct store *s, const struct store_move *m);
	/* ST_NOT_FOUND: no such pending delivery with this attempt number. */
	enum status (*settle)(struct store *s, const struct store_settle *d);
	/* ST_OK: on disk.  ST_BUSY: no room, or locked; nothing was applied and
	 * the store can be used again.  ST_IO: end the process. */
	enum status (*commit)(struct store *s);
	void (*abort)(struct store *s);

	/* *more: there is at least one further row.  The snapshot is closed
	 * when the call returns. */
	enum status (*page)(struct store *s, const struct store_query *q,
	    store_row_fn *fn, void *arg, bool *more);
	/* merchant NULL: any.  ST_NOT_FOUND also when it is another's. */
	enum status (*get)(struct store *s, const struct receipt_id *id,
	    const char *merchant, struct store_row *out);
	/* Pending deliveries of one endpoint with next_us <= now_us, the most
	 * overdue first, limit at most; *next_us: when the earliest of the
	 * others is due, INT64_MAX if there is none. */
	enum status (*due)(struct store *s, uint32_t endpoint_id,
	    int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
	    int64_t *next_us);
	/* The same for questions about a merchant's waiting payments; held
	 * ones are not asked about. */
	enum status (*questions)(struct store *s, const char *merchant,
	    int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
	    int64_t *next_us);
	/* Held payments in order of n, as page does; invoice_id is not looked
	 * at. */
	enum status (*holds)(struct store *s, const struct store_query *q,
	    store_life_fn *fn, void *arg, bool *more);
	/* One held payment, as get does. */
	enum status (*hold)(struct store *s, const struct receipt_id *id,
	    const char *merchant, struct store_life *out);
	enum status (*totals)(struct store *s, struct store_totals *out);
};

/* The driver for a scheme, or NULL. */
const struct store_driver *store_driver_find(const char *scheme);

extern const struct store_driver store_driver_sqlite;

#endif
