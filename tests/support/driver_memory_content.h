/*
 * What a store of the memory driver holds.  The functions do what struct
 * store_driver says of their namesakes; memory never runs out.
 */
#ifndef DRIVER_MEMORY_CONTENT_H
#define DRIVER_MEMORY_CONTENT_H

#include "keeper/store_driver.h"

struct delivery {
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t attempts;
	int64_t next_us;
	bool delivered;
};

struct waiting {
	struct store_life life;
	uint32_t attempts, denied;
	int64_t next_us;
	char tran_id[RECEIPT_INVOICE];
};

/* What one commit replaces by the next. */
struct content {
	uint64_t last_seq, last_n;
	struct store_row *rows;
	size_t n_rows;
	struct delivery *deliveries;
	size_t n_deliveries;
	struct waiting *waiting; /* waiting or held, in order of n */
	size_t n_waiting;
	struct receipt_id *tombstones;
	size_t n_tombstones;
};

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
enum status content_settle(struct content *c, const struct store_settle *d);

void content_page(const struct content *c, const struct store_query *q,
    store_row_fn *fn, void *arg, bool *more);
enum status content_get(const struct content *c, const struct receipt_id *id,
    const char *merchant, struct store_row *out);
void content_due(const struct content *c, uint32_t endpoint_id, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us);
void
content_questions(const struct content *c, const char *merchant, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us);
void content_holds(const struct content *c, const struct store_query *q,
    store_life_fn *fn, void *arg, bool *more);
enum status content_hold(const struct content *c, const struct receipt_id *id,
    const char *merchant, struct store_life *out);
void content_totals(const struct content *c, struct store_totals *out);

#endif
