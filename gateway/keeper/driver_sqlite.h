/*
 * What the files of the SQLite driver and its tests share.
 *
 * driver_sqlite_open.c makes and ends a handle: lock, file, schema.
 * driver_sqlite_memory.c is where SQLite gets its memory,
 * driver_sqlite.c is the vtable, receipts and what is due,
 * driver_sqlite_pages.c pages of receipts,
 * driver_sqlite_life.c the life of a payment, driver_sqlite_deliveries.c what
 * became of deliveries, driver_sqlite_erase.c receipts that go and the notices
 * of it, driver_sqlite_expire.c what goes for its age,
 * driver_sqlite_search.c whether they are gone from the files,
 * driver_sqlite_ledger.c the ledger, driver_sqlite_audit.c how it is
 * read, driver_sqlite_marks.c cursors and tokens,
 * driver_sqlite_rest.c what lies in the file beside the rows,
 * driver_sqlite_backfill.c how the log gets into the file,
 * driver_sqlite_copy.c a copy of it, and whether it agrees with itself,
 * driver_sqlite_raw.c the file's own pages, driver_sqlite_erased.c what an
 * older copy brings back,
 * driver_sqlite_sql.c the closed list of all SQL.
 */
#ifndef KEEPER_DRIVER_SQLITE_H
#define KEEPER_DRIVER_SQLITE_H

#include "keeper/erasures.h"
#include "keeper/store_driver.h"

struct backfill;
struct sqlite3;
struct sqlite3_stmt;

enum driver_sqlite_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_SNAPSHOT,
	SQL_EPOCH,
	SQL_ENDPOINT_NEW,
	SQL_ENDPOINT,
	SQL_ENDPOINTS,
	SQL_DISABLE,
	SQL_PUT,
	SQL_PUT_TAKEN,
	SQL_OWE,
	SQL_DELIVERED,
	SQL_OWED_IT,
	SQL_OWE_NO_MORE,
	SQL_FAILED,
	SQL_EXHAUSTED,
	SQL_ATTEMPT,
	SQL_ATTEMPT_GOOD,
	SQL_OWE_AGAIN,
	SQL_REVIVE_DELIVERED,
	SQL_FORGET_DELIVERED,
	SQL_REVIVE_STOPPED,
	SQL_FORGET_STOPPED,
	SQL_DROP,
	SQL_DROP_STOPPED,
	SQL_STANDS,
	SQL_MARK,
	SQL_MARKS,
	SQL_MARK_SET,
	SQL_UNMARK,
	SQL_TOKEN,
	SQL_TOKENS,
	SQL_SWEEP,
	SQL_SWEEPING,
	SQL_STOPPED,
	SQL_STOPPED_COUNT,
	SQL_FORGET_ATTEMPTS,
	SQL_SWEEP_REFUSED,
	SQL_REFUSED_COUNT,
	SQL_COUNTS,
	SQL_WAIT,
	SQL_WAIT_TAKEN,
	SQL_AGAIN,
	SQL_HOLD_IT,
	SQL_WAIT_NO_MORE,
	SQL_HOLD_NO_MORE,
	SQL_BURY,
	SQL_EXHUME,
	SQL_BURY_AGAIN,
	SQL_ERASED,
	SQL_TELL,
	SQL_ERASE_ATTEMPTS,
	SQL_ERASE_OWED,
	SQL_ERASE_DELIVERED,
	SQL_ERASE_EXHAUSTED,
	SQL_ERASE_DROPPED,
	SQL_ERASE,
	SQL_PAYMENTS,
	SQL_PAYMENTS_OPEN,
	SQL_LEGAL_HOLD,
	SQL_LEGAL_SET,
	SQL_LEGAL_FREE,
	SQL_LEGALS,
	SQL_EXPIRED,
	SQL_EXPIRED_OPEN,
	SQL_EXPIRING,
	SQL_EXPIRING_WAITING,
	SQL_EXPIRING_HELD,
	SQL_BUCKET_OPEN,
	SQL_BUCKET_ADD,
	SQL_BUCKET_NEW,
	SQL_BUCKET_CLOSE,
	SQL_BUCKETS,
	SQL_NOTICES,
	SQL_NOTICE_TAKEN,
	SQL_NOTICE_FAILED,
	SQL_LEAF,
	SQL_LEAF_NEXT,
	SQL_LEAF_OF,
	SQL_LEAF_LAST,
	SQL_LEAFLESS,
	SQL_LEAF_GIVE,
	SQL_LEAVES,
	SQL_HEAD,
	SQL_HEAD_LAST,
	SQL_HEADS,
	SQL_OPENING,
	SQL_OPENINGS,
	SQL_CHECK_FILE,
	SQL_LIFE,
	SQL_ENDED,
	SQL_PAGE,
	SQL_PAGE_MERCHANT,
	SQL_PAGE_INVOICE,
	SQL_PAGE_DESC,
	SQL_PAGE_MERCHANT_DESC,
	SQL_PAGE_INVOICE_DESC,
	SQL_UNDELIVERED,
	SQL_UNDELIVERED_DESC,
	SQL_GET,
	SQL_DUE,
	SQL_DUE_ORDERED,
	SQL_QUESTIONS,
	SQL_HOLDS,
	SQL_HOLDS_MERCHANT,
	SQL_HOLD,
	SQL_TOTALS,
	SQL_SEQS,
	SQL_SEQS_MERCHANT,
	SQL_SEQS_INVOICE,
	SQL_SEQS_ID,
	SQL_SEQS_PENDING,
	SQL_SEQS_STOPPED,
	SQL_SEQS_EXHAUSTED,
	SQL_RECEIPT,
	SQL_LINES,
	SQL_ATTEMPTS,
	SQL_STATEMENTS
};

extern const char *const driver_sqlite_sql_text[SQL_STATEMENTS];

/* Another program that looks into the file gets this long to finish. */
#define DRIVER_SQLITE_BUSY_MS 2000

struct store {
	struct sqlite3 *db;
	struct sqlite3_stmt *statements[SQL_STATEMENTS]; /* made at first use */
	int lock;      /* the writer's, -1 in a reader */
	bool failed;   /* the disk failed: nothing more is written */
	int wal_pages; /* in the log after the last commit */
	/* Pages that changed since they were last looked at, a bit each; the
	 * first `noted` frames of the log are in it. */
	struct {
		unsigned char *map;
		size_t bytes;
		int noted;
		unsigned char log[8]; /* of that log: SQLite's salts */
	} changed;
	struct backfill *backfill; /* the writer's */
	bool copying;		   /* it was started */
	/* Of this transaction: what the counts change by. */
	int64_t stored, owed, waits, holds, exhausted, told;
	int64_t next_leaf; /* of this transaction; -1: not known */
	/* Of the leaves that were looked at for a head. */
	bool has_tree;
	struct ledger_tree tree;
	struct erasures erasures; /* the writer's */
	uint64_t kept_size;	  /* of the last head kept, and its time */
	int64_t kept_at_us;
};

enum status driver_sqlite_open(
    struct store **out, const char *path, enum store_mode mode, struct err *e);
void driver_sqlite_close(struct store *s);

/* Before anything else of SQLite; once does. */
void driver_sqlite_memory(void);

/* What a result code asks of the caller; remembers that the disk failed. */
enum status driver_sqlite_status(struct store *s, int rc);

/* Copy the log into the database, synced.  ST_OK also when that has to wait:
 * for a reader, or for room.  *copied: so many pages of the log are there. */
enum status driver_sqlite_checkpoint(struct store *s, int mode, int *copied);

/* The statement, made at first use, or NULL; *rc says why. */
struct sqlite3_stmt *
driver_sqlite_statement(struct store *s, enum driver_sqlite_sql which, int *rc);

/* Run a statement that gives no rows, or of which one is enough. */
enum status driver_sqlite_run(struct store *s, struct sqlite3_stmt *q);

/* The members of r as parameters 1 to 7, borrowed. */
void driver_sqlite_bind(struct sqlite3_stmt *q, const struct receipt *r);

/* Run q, whose bindings go with that; ST_NOT_FOUND when it found nothing to
 * change. */
enum status driver_sqlite_run_one(struct store *s, struct sqlite3_stmt *q);

/* Insert a receipt and owe its deliveries from due_us on.  Answers as put. */
/* SQL_..._TAKEN: ST_EXISTS when a payment of that id is elsewhere in its life;
 * else ST_OK. */
enum status driver_sqlite_taken(
    struct store *s, enum driver_sqlite_sql which, const struct receipt_id *id);
enum status driver_sqlite_receipt(struct store *s, const struct receipt *r,
    int64_t due_us, const uint32_t *endpoint_ids, size_t n_endpoints);

/* A member's text from a column; false when it does not fit. */
bool
driver_sqlite_text(struct sqlite3_stmt *q, int column, char *field, size_t cap);

/* Columns 0 to 7: a number and a receipt.  What is read is checked like what
 * comes in: a file can have been damaged, or written by hand. */
bool driver_sqlite_row(struct sqlite3_stmt *q, struct store_row *row);

/* The receipt of a number that another row names. */
enum status
driver_sqlite_at(struct store *s, int64_t seq, struct store_row *row);

/* A receipt's end, m->n and the id saying which; the tombstone is not its
 * matter.  ST_NOT_FOUND: there is none. */
enum status driver_sqlite_erase(struct store *s, const struct store_move *m);

/* Notices that are due, as due; *n: how many. */
enum status
driver_sqlite_notices(struct store *s, uint32_t endpoint_id, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us, size_t *n);

/* settle, of a notice. */
enum status
driver_sqlite_notice_settle(struct store *s, const struct store_settle *d);

enum status driver_sqlite_root(struct store *s, size_t most, uint64_t *size,
    struct ledger_hash *root, bool *more);
enum status driver_sqlite_payments(struct store *s, const char *merchant,
    const char *invoice_id, size_t limit, store_life_fn *fn, void *arg,
    bool *more, bool *legal_hold);
enum status driver_sqlite_search(struct store *s, const struct store_life *gone,
    size_t n, size_t most, struct store_search *out);

enum status driver_sqlite_legal(struct store *s, const char *merchant,
    const char *invoice_id, int64_t at_us);
enum status
driver_sqlite_legals(struct store *s, store_legal_fn *fn, void *arg);
enum status driver_sqlite_expire(struct store *s, struct store_expire *e);
enum status driver_sqlite_expiring(struct store *s, struct store_expire *e);
enum status
driver_sqlite_buckets(struct store *s, store_bucket_fn *fn, void *arg);

/* A row of the columns of LIFE; false: it cannot be. */
bool driver_sqlite_life(struct sqlite3_stmt *q, struct store_life *out);
/* The same of a receipt's row. */
bool driver_sqlite_receipt_life(struct sqlite3_stmt *q, struct store_life *out);

/* What q gives, with its parameter 1 bound: columns as in SQL_DUE and
 * SQL_QUESTIONS.  Otherwise as due. */
enum status driver_sqlite_dues(struct store *s, struct sqlite3_stmt *q,
    bool delivery, int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
    int64_t *next_us);

/* Open the list of what was erased, and erase it again where the store has it
 * by now: an older copy was put back.  fresh:
 * there was no store, or one that knew no such list. */
enum status driver_sqlite_erase_again(
    struct store *s, const char *path, bool fresh, struct err *e);

/* The file is damaged: nothing more is written.  ST_IO. */
enum status driver_sqlite_damaged(struct store *s);

/* These do what struct store_driver says. */
enum status driver_sqlite_life_wait(
    struct store *s, const struct receipt *r, const char *tran_id);
enum status
driver_sqlite_life_again(struct store *s, const struct store_again *a);
enum status driver_sqlite_life_find(
    struct store *s, const struct receipt_id *id, struct store_life *out);
enum status
driver_sqlite_life_move(struct store *s, const struct store_move *m);
enum status driver_sqlite_life_questions(struct store *s, const char *merchant,
    int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
    int64_t *next_us);
enum status driver_sqlite_life_holds(struct store *s,
    const struct store_query *query, store_life_fn *fn, void *arg, bool *more);
enum status driver_sqlite_life_hold(struct store *s,
    const struct receipt_id *id, const char *merchant, struct store_life *out);
enum status driver_sqlite_page(struct store *s, const struct store_query *query,
    store_row_fn *fn, void *arg, uint64_t *last, bool *more);
enum status driver_sqlite_settle(struct store *s, const struct store_settle *d);
enum status
driver_sqlite_redeliver(struct store *s, const struct store_redeliver *r);
enum status driver_sqlite_sweep(struct store *s, enum store_sweep what,
    int64_t before_us, size_t most, size_t *n);
enum status driver_sqlite_sweeping(
    struct store *s, enum store_sweep what, int64_t before_us, size_t *n);
enum status
driver_sqlite_deliveries(struct store *s, const struct store_which *w,
    store_delivery_fn *fn, void *arg, uint64_t *last, bool *more);
enum status driver_sqlite_attempts(struct store *s, const struct receipt_id *id,
    const char *endpoint, const char *merchant, size_t most,
    store_attempt_fn *fn, void *arg);
enum status driver_sqlite_mark(struct store *s, struct store_mark *m);
enum status
driver_sqlite_unmark(struct store *s, const char *merchant, const char *name);
enum status driver_sqlite_marked(struct store *s, struct store_mark *out);
enum status driver_sqlite_token(struct store *s, const struct store_token *t);
enum status
driver_sqlite_tokens(struct store *s, store_token_fn *fn, void *arg);
enum status driver_sqlite_begin(struct store *s);
enum status driver_sqlite_commit(struct store *s);
void driver_sqlite_abort(struct store *s);
enum status driver_sqlite_epoch(struct store *s, uint64_t *epoch);
enum status driver_sqlite_check(struct store *s, struct store_check *out);
enum status driver_sqlite_copy(
    struct store *s, const char *path, store_progress_fn *tell, void *arg);
enum status driver_sqlite_flush(struct store *s);
/* The whole of it at once, as far as it goes: before the end. */
void driver_sqlite_flush_all(struct store *s);
/* After a commit: see that the log does not get long.  ST_IO: the commit is
 * safe, but nothing may be acknowledged after a sync that failed. */
enum status driver_sqlite_copy_log(struct store *s);
/* What is in the log changed; before the log is copied. */
void driver_sqlite_note(struct store *s);
enum status
driver_sqlite_look(struct store *s, uint64_t most, struct store_look *l);
enum status
driver_sqlite_scrub(struct store *s, const struct store_look *l, uint64_t *n);

/* The number of the next leaf, in a transaction. */
enum status driver_sqlite_leaf_next(struct store *s, int64_t *n);

/* The leaf of the receipt that was just stored with that number. */
enum status driver_sqlite_leaf_receipt(struct store *s, uint64_t seq,
    const struct receipt *r, const struct ledger_salt *salt);

/* The leaf that says that the receipt of m is erased; it is still there. */
enum status
driver_sqlite_leaf_erased(struct store *s, const struct store_move *m);

/* Leaves for receipts of before there was a ledger. */
enum status driver_sqlite_leaf_all(struct store *s);

/* A hash from a column; false: it is none. */
bool
driver_sqlite_hash(struct sqlite3_stmt *q, int column, struct ledger_hash *out);

/* The columns of SQL_LEAVES and of SQL_HEADS. */
void driver_sqlite_leaf_row(struct sqlite3_stmt *q, struct store_leaf *out);
enum status
driver_sqlite_head_row(struct sqlite3_stmt *q, struct store_head *out);

/* These do what struct store_driver says. */
enum status driver_sqlite_keep_head(
    struct store *s, int64_t before_us, int64_t at_us, size_t most, bool *more);
enum status driver_sqlite_opening(
    struct store *s, const struct receipt_id *id, struct store_opening *out);
enum status driver_sqlite_audit(struct store *s, struct store_audit *a);

#endif
