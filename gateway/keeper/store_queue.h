/*
 * Group commit: the one way to write to the store.
 *
 * The writer thread takes everything that gathered while the last commit was
 * on its way, applies it in one transaction and commits.  No timer.  Puts are
 * bounded; settles and answers are by what is in flight.  A record that the
 * store's own checks refuse does not take the others of its batch with it.
 * After ST_IO everything is answered ST_IO and the driver is not asked again.
 *
 * Loop thread.  Each operation is answered once, in order, through on_done,
 * never from inside the call that started it and never after
 * store_queue_free().
 */
#ifndef KEEPER_STORE_QUEUE_H
#define KEEPER_STORE_QUEUE_H

#include "base/loop.h"
#include "config/config.h"
#include "keeper/erasure.h"
#include "keeper/store_driver.h"
#include "keeper/worker.h"

struct store_queue;

enum store_op_kind {
	STORE_OP_PUT,
	STORE_OP_SETTLE,
	STORE_OP_ENDPOINT,
	STORE_OP_AGAIN,	    /* a question was not decided */
	STORE_OP_MOVE,	    /* it was: WAITING to something else */
	STORE_OP_FOUND,	    /* a check found this payment */
	STORE_OP_DECIDE,    /* a person decided a held one */
	STORE_OP_REDELIVER, /* a person's word on some deliveries */
	STORE_OP_DISABLE,
	STORE_OP_MARK,
	STORE_OP_UNMARK,
	STORE_OP_TOKEN,
	STORE_OP_SWEEP,
	STORE_OP_ERASE,
	STORE_OP_LEGAL,
	STORE_OP_EXPIRE,
	STORE_OP_HEAD, /* of the ledger */
	/* Behind the commit of their batch. */
	STORE_OP_FLUSH,
	STORE_OP_SCRUB
};

/* What the deliveries of a receipt are for. */
struct store_endpoints {
	size_t n;
	uint32_t ids[CONFIG_BILLINGS];
};

struct store_op {
	struct job job;
	enum store_op_kind kind;
	/* ST_OK: on disk.  Put: ST_EXISTS; settle, again, move, decide:
	 * ST_NOT_FOUND.  Found: ST_EXISTS, nothing changed.  Mark: ST_EXISTS,
	 * ST_UNAVAILABLE; unmark, disable: ST_NOT_FOUND.  Redeliver: ST_OK,
	 * however many there were.  Flush, scrub: ST_BUSY, of itself alone.
	 * ST_BAD_INPUT: the store refuses this record.
	 * ST_BUSY: no room; not applied.  ST_IO: the store failed. */
	enum status status;
	enum status commit;  /* how the transaction around it ended */
	uint64_t owner, tag; /* the caller's own */
	/* Once answered.  Moves are counted by the queue, once they are on
	 * disk. */
	bool has_moved;
	enum move moved; /* when has_moved */
	enum life life;	 /* found, decide: how the payment stands now */
	enum reason why; /* found: to be held for, or PAID */
	union {
		struct {
			struct receipt receipt;
			struct store_endpoints endpoints;
			bool wait; /* for confirmation; no deliveries */
			char tran_id[RECEIPT_INVOICE];
		} put;
		struct store_again again;
		struct store_queue_move {
			enum life to;
			uint64_t n;
			struct receipt receipt; /* as claimed */
			enum reason reason;
			bool is_answered;
			struct receipt answered;
			int64_t at_us;
			struct store_endpoints endpoints;
		} move;
		struct {
			struct receipt receipt; /* as SSLCommerz says it */
			enum reason reason;	/* PAID or RISK */
			struct store_endpoints endpoints;
		} found;
		struct {
			struct receipt_id id;
			char by[CONFIG_NAME];		 /* the caller's own */
			char merchant[RECEIPT_MERCHANT]; /* the answer: whose */
			bool release;
			int64_t at_us;
			struct store_endpoints endpoints;
		} decide;
		struct store_settle settle;
		struct {
			char name[CONFIG_NAME];
			uint32_t id; /* the answer, and this: */
			int64_t disabled_at_us;
		} endpoint;
		struct {
			struct store_redeliver *items; /* the queue's, until
							* answered */
			size_t n;
			uint32_t changed; /* the answer: by how many */
		} redeliver;
		struct {
			uint32_t endpoint_id;
			int64_t at_us; /* 0: deliver to it again */
		} disable;
		struct store_mark mark; /* the answer: where it stands */
		struct {
			char merchant[RECEIPT_MERCHANT];
			char name[CONFIG_NAME];
		} unmark;
		struct store_token token;
		struct {
			uint64_t pages, most; /* looked at; the answer: now */
			uint64_t scrubbed;    /* the answer, and: */
			bool done;
		} scrub;
		struct {
			char merchant[RECEIPT_MERCHANT];
			char invoice_id[RECEIPT_INVOICE];
			int64_t at_us; /* 0: no more */
		} legal;
		struct {
			char merchant[RECEIPT_MERCHANT];
			/* and the answer; of the merchant above */
			struct store_expire what;
		} expire;
		struct {
			struct erasure_ask ask;
			struct erasure_result
			    *out; /* the answer; the queue's */
		} erase;
		struct {
			enum store_sweep what;
			int64_t before_us;
			size_t most, n; /* n: the answer */
		} sweep;
		struct {
			int64_t before_us, at_us;
			size_t most;
			bool more; /* the answer */
		} head;
	} u;
};

struct store_queue_config {
	struct loop *loop;
	const struct store_driver *driver;
	struct store *store; /* STORE_WRITE; the queue's until it is freed */
	size_t most;	     /* puts that may wait */
	void (*on_done)(void *arg, const struct store_op *op);
	/* A batch has been answered. */
	void (*on_batch)(void *arg);
	void *arg;
};

MUST_USE enum status store_queue_new(struct store_queue **out,
    const struct store_queue_config *cfg, struct err *e);

/* ST_BUSY: the queue is full; nothing was queued.  ST_NO_MEMORY likewise. */
MUST_USE enum status
store_queue_put(struct store_queue *q, const struct receipt *r,
    const struct store_endpoints *endpoints, uint64_t owner, uint64_t tag);
/* As put, but waiting for confirmation. */
MUST_USE enum status store_queue_wait(struct store_queue *q,
    const struct receipt *r, const char *tran_id, uint64_t owner, uint64_t tag);
MUST_USE enum status
store_queue_settle(struct store_queue *q, const struct store_settle *d);
MUST_USE enum status
store_queue_again(struct store_queue *q, const struct store_again *a);
MUST_USE enum status
store_queue_move(struct store_queue *q, const struct store_queue_move *m);
MUST_USE enum status store_queue_found(struct store_queue *q,
    const struct receipt *r, enum reason reason,
    const struct store_endpoints *endpoints, uint64_t owner, uint64_t tag);
MUST_USE enum status store_queue_decide(struct store_queue *q,
    const struct receipt_id *id, bool release, const char *by, int64_t at_us,
    const struct store_endpoints *endpoints, uint64_t owner, uint64_t tag);
MUST_USE enum status
store_queue_endpoint(struct store_queue *q, const char *name);
/* The n items are copied. */
MUST_USE enum status store_queue_redeliver(struct store_queue *q,
    const struct store_redeliver *items, size_t n, uint64_t owner,
    uint64_t tag);
MUST_USE enum status store_queue_disable(struct store_queue *q,
    uint32_t endpoint_id, int64_t at_us, uint64_t owner, uint64_t tag);
MUST_USE enum status store_queue_mark(struct store_queue *q,
    const struct store_mark *m, uint64_t owner, uint64_t tag);
MUST_USE enum status store_queue_unmark(struct store_queue *q,
    const char *merchant, const char *name, uint64_t owner, uint64_t tag);
MUST_USE enum status store_queue_token(struct store_queue *q,
    const struct store_token *t, uint64_t owner, uint64_t tag);
/* LEGAL or EXPIRE; op is copied, and zero but for kind, owner, tag and u. */
MUST_USE enum status
store_queue_do(struct store_queue *q, const struct store_op *op);
MUST_USE enum status store_queue_erase(
    struct store_queue *q, const struct erasure_ask *ask, uint64_t tag);
/* The driver's sweep, with its arguments. */
MUST_USE enum status store_queue_sweep(struct store_queue *q,
    enum store_sweep what, int64_t before_us, size_t most);
/* The driver's keep_head, with its arguments. */
MUST_USE enum status store_queue_head(
    struct store_queue *q, int64_t before_us, int64_t at_us, size_t most);
/* What was deleted by then is not in the log any more once this is ST_OK. */
MUST_USE enum status
store_queue_flush(struct store_queue *q, uint64_t owner, uint64_t tag);
/* Look at `most` pages of the store's file behind the first `pages`, and
 * overwrite what deleted rows have left there. */
MUST_USE enum status
store_queue_scrub(struct store_queue *q, uint64_t pages, uint64_t most);

/* Operations without an answer yet. */
size_t store_queue_waiting(const struct store_queue *q);

/* ST_OK, ST_BUSY (no room at the last commit) or ST_IO. */
enum status store_queue_health(const struct store_queue *q);

/* Waits for a commit on its way; what is unanswered stays so.  NULL is fine.
 */
void store_queue_free(struct store_queue *q);

#endif
