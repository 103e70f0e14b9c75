#include "keeper/store_reader.h"

#include <stdlib.h>

#include "base/metrics.h"

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
take_row(void *arg, const struct store_row *row)
{
	const struct store_due due = { .row = *row };

	take_due(arg, &due);
}

static const char *
merchant_of(const struct store_read *read)
{
	return read->merchant[0] != '\0' ? read->merchant : NULL;
}

static struct store_query
query_of(const struct store_read *read)
{
	return (struct store_query){ .after_seq = read->after_seq,
		.merchant = merchant_of(read),
		.invoice_id =
		    read->invoice_id[0] != '\0' ? read->invoice_id : NULL,
		.limit = read->limit };
}

static enum status
page(struct store_reader *r, struct store_read *read)
{
	const struct store_query query = query_of(read);

	return r->cfg.driver->page(
	    r->cfg.store, &query, take_row, read, &read->more);
}

static enum status
get(struct store_reader *r, struct store_read *read)
{
	struct store_row row;
	enum status st = r->cfg.driver->get(
	    r->cfg.store, &read->id, merchant_of(read), &row);

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
	    r->cfg.store, &read->id, merchant_of(read), &held);

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
		    read->now_us, read->limit, take_due, read, &read->next_us);
	case STORE_READ_QUESTIONS:
		return r->cfg.driver->questions(r->cfg.store, read->merchant,
		    read->now_us, read->limit, take_due, read, &read->next_us);
	case STORE_READ_HOLDS:
		return holds(r, read);
	case STORE_READ_HOLD:
		return hold(r, read);
	case STORE_READ_TOTALS:
		return r->cfg.driver->totals(r->cfg.store, &read->totals);
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
