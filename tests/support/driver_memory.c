#include "driver_memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "driver_memory_content.h"

#define MOST_ENDPOINTS 63

struct book {
	struct book *next;
	char *path;
	uint64_t epoch;
	size_t n_endpoints;
	char *endpoints[MOST_ENDPOINTS];
	struct content now;
	bool written; /* a writer has it open */
};

struct store {
	struct book *book;
	enum store_mode mode;
	struct content next; /* of the transaction */
};

static struct book *books;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct book *
find_book(const char *path, bool create)
{
	struct book *b = books;

	while (b != NULL && strcmp(b->path, path) != 0)
		b = b->next;
	if (b != NULL || !create)
		return b;
	b = calloc(1, sizeof(*b));
	assert(b != NULL);
	b->path = strdup(path);
	assert(b->path != NULL);
	secret_random(&b->epoch, sizeof(b->epoch));
	b->epoch = b->epoch >> 1 | 1;
	b->next = books;
	books = b;
	return b;
}

static enum status
memory_open(
    struct store **out, const char *path, enum store_mode mode, struct err *e)
{
	struct store *s = calloc(1, sizeof(*s));
	enum status st = ST_OK;

	assert(s != NULL);
	(void)pthread_mutex_lock(&lock);
	s->mode = mode;
	s->book = find_book(path, mode == STORE_WRITE);
	if (s->book == NULL) {
		err_set(e, "there is no store yet");
		st = ST_NOT_FOUND;
	} else if (mode == STORE_WRITE && s->book->written) {
		err_set(e, "another writer has it");
		st = ST_CONFIG;
	} else if (mode == STORE_WRITE) {
		s->book->written = true;
	}
	(void)pthread_mutex_unlock(&lock);
	if (st != ST_OK) {
		free(s);
		s = NULL;
	}
	*out = s;
	return st;
}

static void
memory_abort(struct store *s)
{
	content_free(&s->next);
}

static void
memory_close(struct store *s)
{
	if (s == NULL)
		return;
	memory_abort(s);
	(void)pthread_mutex_lock(&lock);
	if (s->mode == STORE_WRITE)
		s->book->written = false;
	(void)pthread_mutex_unlock(&lock);
	free(s);
}

static enum status
memory_epoch(struct store *s, uint64_t *epoch)
{
	*epoch = s->book->epoch;
	return ST_OK;
}

static enum status
memory_endpoint(
    struct store *s, const char *name, uint32_t *id, int64_t *disabled_at_us)
{
	struct book *b = s->book;
	size_t i = 0;

	(void)pthread_mutex_lock(&lock);
	while (i < b->n_endpoints && strcmp(b->endpoints[i], name) != 0)
		i++;
	if (i == b->n_endpoints) {
		assert(b->n_endpoints < MOST_ENDPOINTS);
		b->endpoints[b->n_endpoints] = strdup(name);
		assert(b->endpoints[b->n_endpoints] != NULL);
		b->n_endpoints++;
	}
	*id = (uint32_t)i + 1;
	*disabled_at_us = b->now.disabled[*id];
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_begin(struct store *s)
{
	content_free(&s->next);
	content_copy(&s->next, &s->book->now);
	return ST_OK;
}

static enum status
memory_put(struct store *s, const struct receipt *r,
    const uint32_t *endpoint_ids, size_t n_endpoints)
{
	return content_put(
	    &s->next, r, r->received_at_us, endpoint_ids, n_endpoints);
}

static enum status
memory_wait(struct store *s, const struct receipt *r, const char *tran_id)
{
	return content_wait(&s->next, r, tran_id);
}

static enum status
memory_again(struct store *s, const struct store_again *a)
{
	return content_again(&s->next, a);
}

static enum status
memory_find(
    struct store *s, const struct receipt_id *id, struct store_life *out)
{
	content_find(&s->next, id, out);
	return ST_OK;
}

static enum status
memory_move(struct store *s, const struct store_move *m)
{
	return content_move(&s->next, m);
}

static enum status
memory_settle(struct store *s, const struct store_settle *d)
{
	return content_settle(&s->next, d);
}

static enum status
memory_redeliver(struct store *s, const struct store_redeliver *r)
{
	return content_redeliver(&s->next, r);
}

static enum status
memory_disable(struct store *s, uint32_t endpoint_id, int64_t at_us)
{
	if (endpoint_id == 0 || endpoint_id > s->book->n_endpoints)
		return ST_NOT_FOUND;
	s->next.disabled[endpoint_id] = at_us;
	return ST_OK;
}

static enum status
memory_mark(struct store *s, struct store_mark *m)
{
	return content_mark(&s->next, m);
}

static enum status
memory_unmark(struct store *s, const char *merchant, const char *name)
{
	return content_unmark(&s->next, merchant, name);
}

static enum status
memory_token(struct store *s, const struct store_token *t)
{
	content_token(&s->next, t);
	return ST_OK;
}

static enum status
memory_sweep(struct store *s, enum store_sweep what, int64_t before_us,
    size_t most, size_t *n)
{
	*n = content_sweep(&s->next, what, before_us, most);
	return ST_OK;
}

static enum status
memory_sweeping(
    struct store *s, enum store_sweep what, int64_t before_us, size_t *n)
{
	(void)pthread_mutex_lock(&lock);
	*n = content_sweeping(&s->book->now, what, before_us);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_commit(struct store *s)
{
	(void)pthread_mutex_lock(&lock);
	content_free(&s->book->now);
	s->book->now = s->next;
	memset(&s->next, 0, sizeof(s->next));
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_flush(struct store *s)
{
	(void)s;
	return ST_OK;
}

static enum status
memory_look(struct store *s, uint64_t most, struct store_look *l)
{
	(void)s;
	(void)most;
	l->done = true;
	return ST_OK;
}

static enum status
memory_scrub(struct store *s, const struct store_look *l, uint64_t *n)
{
	(void)s;
	(void)l;
	*n = 0;
	return ST_OK;
}

static enum status
memory_check(struct store *s, struct store_check *out)
{
	(void)s;
	*out = (struct store_check){ .overwrites = true };
	return ST_OK;
}

static enum status
memory_copy(
    struct store *s, const char *path, store_progress_fn *tell, void *arg)
{
	struct book *b;

	(void)tell;
	(void)arg;
	(void)pthread_mutex_lock(&lock);
	b = find_book(path, true);
	content_copy(&b->now, &s->book->now);
	for (size_t i = 0; i < s->book->n_endpoints; i++) {
		b->endpoints[i] = strdup(s->book->endpoints[i]);
		assert(b->endpoints[i] != NULL);
	}
	b->n_endpoints = s->book->n_endpoints;
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_page(struct store *s, const struct store_query *q, store_row_fn *fn,
    void *arg, uint64_t *last, bool *more)
{
	(void)pthread_mutex_lock(&lock);
	content_page(&s->book->now, q, fn, arg, last, more);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_get(struct store *s, const struct receipt_id *id, const char *merchant,
    struct store_row *out)
{
	enum status st;

	(void)pthread_mutex_lock(&lock);
	st = content_get(&s->book->now, id, merchant, out);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static enum status
memory_due(struct store *s, uint32_t endpoint_id, bool ordered, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	(void)pthread_mutex_lock(&lock);
	content_due(&s->book->now, endpoint_id, ordered, now_us, limit, fn, arg,
	    next_us);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_questions(struct store *s, const char *merchant, int64_t now_us,
    size_t limit, store_due_fn *fn, void *arg, int64_t *next_us)
{
	(void)pthread_mutex_lock(&lock);
	content_questions(
	    &s->book->now, merchant, now_us, limit, fn, arg, next_us);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_holds(struct store *s, const struct store_query *q, store_life_fn *fn,
    void *arg, bool *more)
{
	(void)pthread_mutex_lock(&lock);
	content_holds(&s->book->now, q, fn, arg, more);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_hold(struct store *s, const struct receipt_id *id, const char *merchant,
    struct store_life *out)
{
	enum status st;

	(void)pthread_mutex_lock(&lock);
	st = content_hold(&s->book->now, id, merchant, out);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static enum status
memory_payments(struct store *s, const char *merchant, const char *invoice_id,
    size_t limit, store_life_fn *fn, void *arg, bool *more, bool *legal_hold)
{
	(void)pthread_mutex_lock(&lock);
	content_payments(s->next.rows != NULL ? &s->next : &s->book->now,
	    merchant, invoice_id, limit, fn, arg, more);
	(void)pthread_mutex_unlock(&lock);
	*legal_hold =
	    content_is_held(s->next.rows != NULL ? &s->next : &s->book->now,
		merchant, invoice_id);
	return ST_OK;
}

static enum status
memory_root(struct store *s, size_t most, uint64_t *size,
    struct ledger_hash *root, bool *more)
{
	struct ledger_tree tree = { 0 };

	(void)most;
	*more = false;
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < s->book->now.n_leaves; i++)
		ledger_append(&tree, &s->book->now.leaves[i].hash);
	(void)pthread_mutex_unlock(&lock);
	*size = tree.size;
	return ledger_root(&tree, root);
}

static enum status
memory_legal(struct store *s, const char *merchant, const char *invoice_id,
    int64_t at_us)
{
	return content_legal(&s->next, merchant, invoice_id, at_us);
}

static enum status
memory_expire(struct store *s, struct store_expire *e)
{
	return content_expire(&s->next, e);
}

static enum status
memory_expiring(struct store *s, struct store_expire *e)
{
	(void)pthread_mutex_lock(&lock);
	content_expiring(&s->book->now, e);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_buckets(struct store *s, store_bucket_fn *fn, void *arg)
{
	const struct content *c = &s->book->now;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < c->n_totals; i++) {
		if (!c->totals[i].is_open)
			fn(arg, &c->totals[i].bucket);
	}
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_legals(struct store *s, store_legal_fn *fn, void *arg)
{
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < s->book->now.n_legals; i++)
		fn(arg, &s->book->now.legals[i]);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

/* There are no files. */
static enum status
memory_search(struct store *s, const struct store_life *gone, size_t n,
    size_t most, struct store_search *out)
{
	(void)s;
	(void)gone;
	(void)n;
	(void)most;
	out->at = 0;
	return ST_OK;
}

static enum status
memory_totals(struct store *s, struct store_totals *out)
{
	(void)pthread_mutex_lock(&lock);
	content_totals(&s->book->now, out);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_deliveries(struct store *s, const struct store_which *w,
    store_delivery_fn *fn, void *arg, uint64_t *last, bool *more)
{
	(void)pthread_mutex_lock(&lock);
	content_deliveries(
	    &s->book->now, s->book->endpoints, w, fn, arg, last, more);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_attempts(struct store *s, const struct receipt_id *id,
    const char *endpoint, const char *merchant, size_t most,
    store_attempt_fn *fn, void *arg)
{
	enum status st;

	(void)pthread_mutex_lock(&lock);
	st = content_attempts(&s->book->now, s->book->endpoints,
	    s->book->n_endpoints, id, endpoint, merchant, most, fn, arg);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static enum status
memory_marked(struct store *s, struct store_mark *out)
{
	enum status st;

	(void)pthread_mutex_lock(&lock);
	st = content_marked(&s->book->now, out);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static enum status
memory_tokens(struct store *s, store_token_fn *fn, void *arg)
{
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < s->book->now.n_tokens; i++)
		fn(arg, &s->book->now.tokens[i]);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static enum status
memory_keep_head(
    struct store *s, int64_t before_us, int64_t at_us, size_t most, bool *more)
{
	(void)most;
	content_keep_head(&s->next, before_us, at_us);
	*more = false;
	return ST_OK;
}

static enum status
memory_opening(
    struct store *s, const struct receipt_id *id, struct store_opening *out)
{
	enum status st;

	(void)pthread_mutex_lock(&lock);
	st = content_opening(&s->book->now, id, out);
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static enum status
memory_audit(struct store *s, struct store_audit *a)
{
	(void)pthread_mutex_lock(&lock);
	content_audit(&s->book->now, a);
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

void
driver_memory_forget(void)
{
	while (books != NULL) {
		struct book *b = books;

		books = b->next;
		for (size_t i = 0; i < b->n_endpoints; i++)
			free(b->endpoints[i]);
		content_free(&b->now);
		free(b->path);
		free(b);
	}
}

const struct store_driver store_driver_memory = {
	.name = "memory",
	.open = memory_open,
	.close = memory_close,
	.epoch = memory_epoch,
	.endpoint = memory_endpoint,
	.begin = memory_begin,
	.put = memory_put,
	.wait = memory_wait,
	.again = memory_again,
	.find = memory_find,
	.move = memory_move,
	.settle = memory_settle,
	.redeliver = memory_redeliver,
	.disable = memory_disable,
	.mark = memory_mark,
	.unmark = memory_unmark,
	.token = memory_token,
	.sweep = memory_sweep,
	.legal = memory_legal,
	.expire = memory_expire,
	.keep_head = memory_keep_head,
	.commit = memory_commit,
	.abort = memory_abort,
	.flush = memory_flush,
	.look = memory_look,
	.scrub = memory_scrub,
	.check = memory_check,
	.copy = memory_copy,
	.page = memory_page,
	.get = memory_get,
	.due = memory_due,
	.questions = memory_questions,
	.holds = memory_holds,
	.hold = memory_hold,
	.expiring = memory_expiring,
	.sweeping = memory_sweeping,
	.buckets = memory_buckets,
	.legals = memory_legals,
	.root = memory_root,
	.payments = memory_payments,
	.search = memory_search,
	.totals = memory_totals,
	.deliveries = memory_deliveries,
	.attempts = memory_attempts,
	.marked = memory_marked,
	.tokens = memory_tokens,
	.opening = memory_opening,
	.audit = memory_audit,
};
