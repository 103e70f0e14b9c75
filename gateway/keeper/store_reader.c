#include "keeper/store_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "message/message.h"

struct store_reader {
	struct store_reader_config cfg;
	struct worker *worker;
	size_t waiting;
};

static struct store_read *
read_of(struct job *job)
{
	return (struct store_read *)job;
}

static void
read_free(struct store_read *read)
{
	free(read->rows);
	free(read->lives);
	free(read->deliveries);
	free(read->attempts);
	free(read->tokens);
	free(read);
}

/* Room for one more of size bytes in *rows.  Without memory the whole read
 * fails, rather than to lack a row. */
static bool
grow(struct store_read *read, void **rows, size_t size)
{
	size_t cap = read->cap == 0 ? 16 : 2 * read->cap;
	void *more;

	if (read->n < read->cap)
		return true;
	more = realloc(*rows, cap * size);
	if (more == NULL) {
		read->status = ST_BUSY;
		return false;
	}
	*rows = more;
	read->cap = cap;
	return true;
}

static void
take_due(void *arg, const struct store_due *due)
{
	struct store_read *read = arg;
	void *rows = read->rows;

	if (!grow(read, &rows, sizeof(*read->rows)))
		return;
	read->rows = rows;
	read->rows[read->n++] = *due;
}

static void
take_life(void *arg, const struct store_life *life)
{
	struct store_read *read = arg;
	void *lives = read->lives;

	if (!grow(read, &lives, sizeof(*read->lives)))
		return;
	read->lives = lives;
	read->lives[read->n++] = *life;
}

static void
take_delivery(void *arg, const struct store_delivery *d)
{
	struct store_read *read = arg;
	void *rows = read->deliveries;

	if (!grow(read, &rows, sizeof(*read->deliveries)))
		return;
	read->deliveries = rows;
	read->deliveries[read->n++] = *d;
}

static void
take_attempt(void *arg, const struct delivery_attempt *a)
{
	struct store_read *read = arg;
	void *rows = read->attempts;

	if (!grow(read, &rows, sizeof(*read->attempts)))
		return;
	read->attempts = rows;
	read->attempts[read->n++] = *a;
}

static void
take_token(void *arg, const struct store_token *t)
{
	struct store_read *read = arg;
	void *rows = read->tokens;

	if (!grow(read, &rows, sizeof(*read->tokens)))
		return;
	read->tokens = rows;
	read->tokens[read->n++] = *t;
}

static void
take_row(void *arg, const struct store_row *row)
{
	const struct store_due due = { .row = *row };

	take_due(arg, &due);
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static struct store_query
query_of(const struct store_read *read)
{
	return (struct store_query){ .after_seq = read->after_seq,
		.merchant = or_null(read->merchant),
		.limit = read->limit,
		.invoice_id = or_null(read->invoice_id),
		.currency = or_null(read->currency),
		.paid_from_us = read->from_us,
		.paid_to_us = read->to_us,
		.desc = read->desc,
		.undelivered = read->undelivered,
		.scan = MESSAGE_SCAN };
}

static enum status
deliveries(struct store_reader *r, struct store_read *read)
{
	static const struct receipt_id any;
	const struct store_which w = { .after = read->after_seq,
		.merchant = or_null(read->merchant),
		.invoice_id = or_null(read->invoice_id),
		.id = memcmp(&read->id, &any, sizeof(any)) != 0 ? &read->id
								: NULL,
		.endpoint_id = read->endpoint_id,
		.state = read->state,
		.from_us = read->from_us,
		.to_us = read->to_us,
		.limit = read->limit,
		.scan = MESSAGE_SCAN };

	return r->cfg.driver->deliveries(
	    r->cfg.store, &w, take_delivery, read, &read->last, &read->more);
}

static enum status
page(struct store_reader *r, struct store_read *read)
{
	const struct store_query query = query_of(read);

	return r->cfg.driver->page(
	    r->cfg.store, &query, take_row, read, &read->last, &read->more);
}

static enum status
get(struct store_reader *r, struct store_read *read)
{
	struct store_row row;
	enum status st = r->cfg.driver->get(
	    r->cfg.store, &read->id, or_null(read->merchant), &row);

	if (st == ST_OK)
		take_row(read, &row);
	return st;
}

static enum status
holds(struct store_reader *r, struct store_read *read)
{
	const struct store_query query = query_of(read);

	return r->cfg.driver->holds(
	    r->cfg.store, &query, take_life, read, &read->more);
}

static enum status
hold(struct store_reader *r, struct store_read *read)
{
	struct store_life held;
	enum status st = r->cfg.driver->hold(
	    r->cfg.store, &read->id, or_null(read->merchant), &held);

	if (st == ST_OK)
		take_life(read, &held);
	return st;
}

static enum status
ask_driver(struct store_reader *r, struct store_read *read)
{
	switch (read->kind) {
	case STORE_READ_PAGE:
		return page(r, read);
	case STORE_READ_GET:
		return get(r, read);
	case STORE_READ_DUE:
		return r->cfg.driver->due(r->cfg.store, read->endpoint_id,
		    read->ordered, read->now_us, read->limit, take_due, read,
		    &read->next_us);
	case STORE_READ_QUESTIONS:
		return r->cfg.driver->questions(r->cfg.store, read->merchant,
		    read->now_us, read->limit, take_due, read, &read->next_us);
	case STORE_READ_HOLDS:
		return holds(r, read);
	case STORE_READ_HOLD:
		return hold(r, read);
	case STORE_READ_TOTALS:
		return r->cfg.driver->totals(r->cfg.store, &read->totals);
	case STORE_READ_DELIVERIES:
		return deliveries(r, read);
	case STORE_READ_ATTEMPTS:
		return r->cfg.driver->attempts(r->cfg.store, &read->id,
		    read->name, or_null(read->merchant), read->limit,
		    take_attempt, read);
	case STORE_READ_MARK:
		memcpy(read->mark.merchant, read->merchant,
		    sizeof(read->mark.merchant));
		memcpy(read->mark.name, read->name, sizeof(read->mark.name));
		return r->cfg.driver->marked(r->cfg.store, &read->mark);
	case STORE_READ_TOKENS:
		return r->cfg.driver->tokens(r->cfg.store, take_token, read);
	case STORE_READ_ROOT:
		return r->cfg.driver->root(r->cfg.store, read->limit,
		    &read->size, &read->root, &read->more);
	case STORE_READ_SEARCH:
		return r->cfg.driver->search(r->cfg.store, read->gone,
		    read->n_gone, read->limit, &read->search);
	}
	return ST_INTERNAL;
}

/* Worker thread. */
static void
run(void *arg, struct job *jobs)
{
	struct store_reader *r = arg;

	for (struct job *j = jobs; j != NULL; j = j->next) {
		struct store_read *read = read_of(j);
		enum status st = ask_driver(r, read);

		if (st == ST_NO_MEMORY)
			st = ST_BUSY;
		else if (st != ST_OK && st != ST_NOT_FOUND && st != ST_BUSY)
			st = ST_IO;
		if (st != ST_OK)
			read->status = st;
		if (read->status == ST_IO)
			metrics_add(MET_STORE_ERRORS, 1);
		if (read->status != ST_OK)
			read->n = 0;
	}
}

static void
on_done(void *arg, struct job *jobs)
{
	struct store_reader *r = arg;

	while (jobs != NULL) {
		struct store_read *read = read_of(jobs);

		jobs = jobs->next;
		r->waiting--;
		r->cfg.on_done(r->cfg.arg, read);
		read_free(read);
	}
}

enum status
store_reader_new(struct store_reader **out,
    const struct store_reader_config *cfg, struct err *e)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	struct worker_config wc = { .loop = cfg->loop,
		.most = 1, /* nobody waits for a neighbour's page */
		.run = run,
		.done = on_done,
		.arg = r };
	enum status st;

	*out = NULL;
	if (r == NULL) {
		err_set(e, "no memory for the reader");
		return ST_NO_MEMORY;
	}
	r->cfg = *cfg;
	st = worker_new(&r->worker, &wc, e);
	if (st == ST_OK)
		*out = r;
	else
		free(r);
	return st;
}

enum status
store_reader_ask(struct store_reader *r, const struct store_read *ask)
{
	struct store_read *read;

	if (r->waiting >= r->cfg.most)
		return ST_BUSY;
	read = malloc(sizeof(*read));
	if (read == NULL)
		return ST_NO_MEMORY;
	*read = *ask;
	read->status = ST_OK;
	read->rows = NULL;
	read->lives = NULL;
	read->deliveries = NULL;
	read->attempts = NULL;
	read->tokens = NULL;
	read->last = read->after_seq;
	read->n = read->cap = 0;
	read->more = false;
	read->next_us = INT64_MAX;
	read->totals = (struct store_totals){ 0 };
	r->waiting++;
	worker_submit(r->worker, &read->job);
	return ST_OK;
}

void
store_reader_free(struct store_reader *r)
{
	struct job *left;

	if (r == NULL)
		return;
	left = worker_stop(r->worker);
	while (left != NULL) {
		struct job *job = left;

		left = left->next;
		read_free(read_of(job));
	}
	free(r);
}
