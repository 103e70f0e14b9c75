/*
 * What a store of the memory driver holds.  The functions do what struct
 * store_driver says of their namesakes; memory never runs out.
 */
#ifndef DRIVER_MEMORY_CONTENT_H
#define DRIVER_MEMORY_CONTENT_H

#include "keeper/store_driver.h"

struct owed {
	uint64_t seq;
	uint32_t endpoint_id;
	enum delivery_state state;
	uint32_t attempts, before;
	int64_t first_us, at_us; /* at_us: due, or since when */
	enum outcome outcome;
	uint32_t http_status, took_ms, bytes;
};

struct tried {
	uint64_t seq;
	uint32_t endpoint_id;
	struct delivery_attempt attempt;
};

struct waiting {
	struct store_life life;
	uint32_t attempts, denied;
	int64_t next_us;
	char tran_id[RECEIPT_INVOICE];
};

struct tombstone {
	struct receipt_id id;
	enum life life; /* REFUSED or ERASED */
	int64_t at_us;
};

struct notice {
	struct store_due due;
	uint32_t endpoint_id;
	int64_t next_us;
};

/* What opens a receipt's leaf. */
struct opener {
	uint64_t seq, leaf;
	struct ledger_salt salt;
};

struct total {
	struct store_bucket bucket;
	bool is_open;
};

/* What one commit replaces by the next. */
struct content {
	uint64_t last_seq, last_n;
	struct store_row *rows;
	size_t n_rows;
	struct owed *deliveries; /* in any state */
	size_t n_deliveries;
	struct tried *tries;
	size_t n_tries;
	struct store_mark *marks;
	size_t n_marks;
	struct store_token *tokens;
	size_t n_tokens;
	int64_t disabled[64];	 /* by endpoint id */
	struct waiting *waiting; /* waiting or held, in order of n */
	size_t n_waiting;
	struct tombstone *tombstones;
	size_t n_tombstones;
	uint64_t last_notice;
	struct notice *notices;
	size_t n_notices;
	struct store_legal *legals;
	size_t n_legals;
	struct total *totals;
	size_t n_totals;
	struct store_leaf *leaves;
	size_t n_leaves;
	struct opener *openers; /* of the receipts there are, in order */
	size_t n_openers;
	struct store_head *heads;
	size_t n_heads;
};

/* A new last element of *list, zero; the list without its element i. */
void *content_append(void *list, size_t *n, size_t size);
void content_take_out(void *list, size_t *n, size_t size, size_t i);

/* NULL: there is none. */
const struct store_row *content_row(const struct content *c, uint64_t seq);

void content_copy(struct content *to, const struct content *from);
void content_free(struct content *c);

enum status content_put(struct content *c, const struct receipt *r,
    int64_t due_us, const uint32_t *endpoint_ids, size_t n_endpoints);
enum status
content_wait(struct content *c, const struct receipt *r, const char *tran_id);
enum status content_again(struct content *c, const struct store_again *a);
void content_find(const struct content *c, const struct receipt_id *id,
    struct store_life *out);
enum status content_move(struct content *c, const struct store_move *m);
/* A receipt's end and, when they are told, the notices of it. */
enum status content_erase(struct content *c, const struct store_move *m);
/* Leaves: of a receipt just stored, of one that goes. */
void content_leaf(struct content *c, uint64_t seq, const struct receipt *r);
void content_leaf_erased(struct content *c, const struct store_move *m);
void content_keep_head(struct content *c, int64_t before_us, int64_t at_us);
enum status content_opening(const struct content *c,
    const struct receipt_id *id, struct store_opening *out);
void content_audit(const struct content *c, struct store_audit *a);
enum status
content_notice_settle(struct content *c, const struct store_settle *d);
enum status content_settle(struct content *c, const struct store_settle *d);
enum status
content_redeliver(struct content *c, const struct store_redeliver *r);
size_t content_sweep(
    struct content *c, enum store_sweep what, int64_t before_us, size_t most);
size_t content_sweeping(
    const struct content *c, enum store_sweep what, int64_t before_us);
enum status content_mark(struct content *c, struct store_mark *m);
enum status
content_unmark(struct content *c, const char *merchant, const char *name);
enum status content_marked(const struct content *c, struct store_mark *out);
void content_token(struct content *c, const struct store_token *t);
/* names: of endpoints, by their id less one. */
void content_deliveries(const struct content *c, char *const *names,
    const struct store_which *w, store_delivery_fn *fn, void *arg,
    uint64_t *last, bool *more);
enum status content_attempts(const struct content *c, char *const *names,
    size_t n_names, const struct receipt_id *id, const char *endpoint,
    const char *merchant, size_t most, store_attempt_fn *fn, void *arg);

void content_page(const struct content *c, const struct store_query *q,
    store_row_fn *fn, void *arg, uint64_t *last, bool *more);
enum status content_get(const struct content *c, const struct receipt_id *id,
    const char *merchant, struct store_row *out);
void content_due(const struct content *c, uint32_t endpoint_id, bool ordered,
    int64_t now_us, size_t limit, store_due_fn *fn, void *arg,
    int64_t *next_us);
void
content_questions(const struct content *c, const char *merchant, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us);
void content_holds(const struct content *c, const struct store_query *q,
    store_life_fn *fn, void *arg, bool *more);
enum status content_hold(const struct content *c, const struct receipt_id *id,
    const char *merchant, struct store_life *out);
enum status content_legal(struct content *c, const char *merchant,
    const char *invoice_id, int64_t at_us);
bool content_is_held(
    const struct content *c, const char *merchant, const char *invoice_id);
enum status content_expire(struct content *c, struct store_expire *e);
void content_expiring(const struct content *c, struct store_expire *e);
void content_payments(const struct content *c, const char *merchant,
    const char *invoice_id, size_t limit, store_life_fn *fn, void *arg,
    bool *more);
void content_totals(const struct content *c, struct store_totals *out);

#endif
