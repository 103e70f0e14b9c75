#include "driver_memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define MOST_ENDPOINTS 64

struct delivery {
	uint64_t seq;
	uint32_t endpoint_id;
	uint32_t attempts;
	int64_t next_us;
	bool delivered;
};

/* What one commit replaces by the next. */
struct content {
	struct store_row *rows;
	size_t n_rows;
	struct delivery *deliveries;
	size_t n_deliveries;
};

struct book {
	struct book *next;
	char *path;
	uint64_t epoch, last_seq;
	size_t n_endpoints;
	char *endpoints[MOST_ENDPOINTS];
	struct content now;
	bool written; /* a writer has it open */
};

struct store {
	struct book *book;
	enum store_mode mode;
	struct content next; /* of the transaction */
	uint64_t next_seq;
};

static struct book *books;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *
copy(const void *p, size_t n)
{
	void *q = malloc(n + 1);

	assert(q != NULL);
	if (n > 0)
		memcpy(q, p, n);
	return q;
}

static void
content_free(struct content *c)
{
	free(c->rows);
	free(c->deliveries);
	memset(c, 0, sizeof(*c));
}

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
	b->path = copy(path, strlen(path) + 1);
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
memory_endpoint(struct store *s, const char *name, uint32_t *id)
{
	struct book *b = s->book;
	size_t i = 0;

	(void)pthread_mutex_lock(&lock);
	while (i < b->n_endpoints && strcmp(b->endpoints[i], name) != 0)
		i++;
	if (i == b->n_endpoints) {
		assert(b->n_endpoints < MOST_ENDPOINTS);
		b->endpoints[b->n_endpoints++] = copy(name, strlen(name) + 1);
	}
	(void)pthread_mutex_unlock(&lock);
	*id = (uint32_t)i + 1;
	return ST_OK;
}

static enum status
memory_begin(struct store *s)
{
	const struct content *now = &s->book->now;

	content_free(&s->next);
	s->next = *now;
	s->next.rows = copy(now->rows, now->n_rows * sizeof(*now->rows));
	s->next.deliveries =
	    copy(now->deliveries, now->n_deliveries * sizeof(*now->deliveries));
	s->next_seq = s->book->last_seq;
	return ST_OK;
}

static void
add_delivery(struct store *s, uint64_t seq, uint32_t endpoint, int64_t at)
{
	struct content *c = &s->next;

	c->deliveries = realloc(
	    c->deliveries, (c->n_deliveries + 1) * sizeof(*c->deliveries));
	assert(c->deliveries != NULL);
	c->deliveries[c->n_deliveries++] = (struct delivery){
		.seq = seq, .endpoint_id = endpoint, .next_us = at
	};
}

static enum status
memory_put(struct store *s, const struct receipt *r,
    const uint32_t *endpoint_ids, size_t n_endpoints)
{
	struct content *c = &s->next;

	for (size_t i = 0; i < c->n_rows; i++) {
		if (memcmp(&c->rows[i].receipt.id, &r->id, sizeof(r->id)) == 0)
			return ST_EXISTS;
	}
	if (!receipt_valid(r))
		return ST_BAD_INPUT;
	c->rows = realloc(c->rows, (c->n_rows + 1) * sizeof(*c->rows));
	assert(c->rows != NULL);
	c->rows[c->n_rows++] =
	    (struct store_row){ .seq = ++s->next_seq, .receipt = *r };
	for (size_t i = 0; i < n_endpoints; i++)
		add_delivery(
		    s, s->next_seq, endpoint_ids[i], r->received_at_us);
	return ST_OK;
}

static enum status
memory_settle(struct store *s, const struct store_settle *d)
{
	for (size_t i = 0; i < s->next.n_deliveries; i++) {
		struct delivery *v = &s->next.deliveries[i];

		if (v->seq != d->seq || v->endpoint_id != d->endpoint_id ||
		    v->delivered || v->attempts + 1 != d->attempt)
			continue;
		v->delivered = d->delivered;
		v->attempts++;
		v->next_us = d->next_us;
		return ST_OK;
	}
	return ST_NOT_FOUND;
}

static enum status
memory_commit(struct store *s)
{
	(void)pthread_mutex_lock(&lock);
	content_free(&s->book->now);
	s->book->now = s->next;
	s->book->last_seq = s->next_seq;
	memset(&s->next, 0, sizeof(s->next));
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static bool
asked_for(const struct store_query *q, const struct store_row *row)
{
	return row->seq > q->after_seq &&
	       (q->merchant == NULL ||
		   strcmp(q->merchant, row->receipt.merchant) == 0) &&
	       (q->invoice_id == NULL ||
		   strcmp(q->invoice_id, row->receipt.invoice_id) == 0);
}

static enum status
memory_page(struct store *s, const struct store_query *q, store_row_fn *fn,
    void *arg, bool *more)
{
	const struct content *c = &s->book->now;
	size_t n = 0;

	*more = false;
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < c->n_rows && !*more; i++) {
		if (!asked_for(q, &c->rows[i]))
			continue;
		if (n++ == q->limit)
			*more = true;
		else
			fn(arg, &c->rows[i]);
	}
	(void)pthread_mutex_unlock(&lock);
	return ST_OK;
}

static const struct store_row *
row_of(const struct content *c, uint64_t seq)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		if (c->rows[i].seq == seq)
			return &c->rows[i];
	}
	return NULL;
}

static enum status
memory_get(struct store *s, const struct receipt_id *id, const char *merchant,
    struct store_row *out)
{
	const struct content *c = &s->book->now;
	enum status st = ST_NOT_FOUND;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < c->n_rows && st != ST_OK; i++) {
		const struct receipt *r = &c->rows[i].receipt;

		if (memcmp(&r->id, id, sizeof(*id)) != 0 ||
		    (merchant != NULL && strcmp(r->merchant, merchant) != 0))
			continue;
		*out = c->rows[i];
		st = ST_OK;
	}
	(void)pthread_mutex_unlock(&lock);
	return st;
}

static int
by_time(const void *a, const void *b)
{
	const struct delivery *x = a, *y = b;

	if (x->next_us != y->next_us)
		return x->next_us < y->next_us ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static enum status
memory_due(struct store *s, uint32_t endpoint_id, int64_t now_us, size_t limit,
    store_due_fn *fn, void *arg, int64_t *next_us)
{
	const struct content *c = &s->book->now;
	struct delivery *all;
	size_t n = 0;

	*next_us = INT64_MAX;
	(void)pthread_mutex_lock(&lock);
	all = copy(c->deliveries, c->n_deliveries * sizeof(*all));
	for (size_t i = 0; i < c->n_deliveries; i++) {
		if (!all[i].delivered && all[i].endpoint_id == endpoint_id)
			all[n++] = all[i];
	}
	if (n > 0)
		qsort(all, n, sizeof(*all), by_time);
	for (size_t i = 0; i < n; i++) {
		struct store_due due = { .row = *row_of(c, all[i].seq),
			.attempt = all[i].attempts + 1 };

		if (i == limit || all[i].next_us > now_us) {
			*next_us = all[i].next_us;
			break;
		}
		fn(arg, &due);
	}
	(void)pthread_mutex_unlock(&lock);
	free(all);
	return ST_OK;
}

static enum status
memory_totals(struct store *s, struct store_totals *out)
{
	const struct content *c = &s->book->now;
	uint64_t oldest = 0;

	memset(out, 0, sizeof(*out));
	(void)pthread_mutex_lock(&lock);
	out->receipts = c->n_rows;
	for (size_t i = 0; i < c->n_deliveries; i++) {
		if (c->deliveries[i].delivered)
			continue;
		out->deliveries_pending++;
		if (oldest == 0 || c->deliveries[i].seq < oldest)
			oldest = c->deliveries[i].seq;
	}
	if (oldest != 0)
		out->oldest_pending_us =
		    row_of(c, oldest)->receipt.received_at_us;
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
	.settle = memory_settle,
	.commit = memory_commit,
	.abort = memory_abort,
	.page = memory_page,
	.get = memory_get,
	.due = memory_due,
	.totals = memory_totals,
};
