#include "keeper/erasure.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

struct judging {
	const struct erasure_ask *ask;
	struct erasure_result *out;
};

/* The longest term of all counts, also of those that are not listed. */
static void
take(void *arg, const struct store_life *one)
{
	struct judging *j = arg;
	int64_t until_us;
	enum retain why = retain_judge(one->claimed.received_at_us,
	    j->ask->at_least_us, false, j->ask->at_us, &until_us);

	if (why != RETAIN_FREE)
		j->out->why = why;
	if (until_us > j->out->until_us)
		j->out->until_us = until_us;
	if (j->out->n == MESSAGE_GONE) {
		j->out->more = true;
		return;
	}
	j->out->gone[j->out->n++] = *one;
	j->out->receipts += one->life == LIFE_CONFIRMED;
	j->out->waiting += one->life == LIFE_WAITING;
	j->out->held += one->life == LIFE_HELD;
}

static enum status
erase_one(const struct store_driver *d, struct store *s,
    const struct erasure_ask *ask, const struct store_life *one)
{
	const struct store_move m = { .from = one->life,
		.to = LIFE_ERASED,
		.n = one->n,
		.receipt = one->claimed,
		.at_us = ask->at_us,
		.why = ERASURE_REQUEST,
		.tell_at_us =
		    one->life == LIFE_CONFIRMED ? ask->tell_at_us : 0 };
	enum status st = d->move(s, &m);

	/* It was there a moment ago, in this transaction. */
	return st == ST_NOT_FOUND ? ST_INTERNAL : st;
}

enum status
erasure_apply(const struct store_driver *d, struct store *s,
    const struct erasure_ask *ask, struct erasure_result *out)
{
	struct judging j = { .ask = ask, .out = out };
	bool more;
	enum status st;

	memset(out, 0, sizeof(*out));
	st = d->payments(s, ask->merchant, ask->invoice_id, INT32_MAX, take, &j,
	    &more, &out->legal_hold);
	if (st != ST_OK)
		return st;
	if (out->legal_hold) {
		out->why = RETAIN_HOLD;
		out->until_us = 0;
	}
	if (out->why != RETAIN_FREE || ask->action != ERASE_DO)
		return ST_OK;
	for (size_t i = 0; i < out->n && st == ST_OK; i++)
		st = erase_one(d, s, ask, &out->gone[i]);
	return st;
}

/* ---- alone with the store */

static enum status
prove(const struct store_driver *d, struct store *s,
    const struct erasure_result *r, struct msg_erased *end)
{
	struct store_search search = { 0 };
	enum status st = r->n > 0 ? d->flush(s) : ST_OK;

	while (st == ST_OK && r->n > 0) {
		st = d->search(s, r->gone, r->n, SIZE_MAX, &search);
		if (search.at == 0)
			break;
	}
	end->bytes += search.bytes;
	end->hits += search.hits;
	if (search.files > 0)
		end->files = search.files;
	return st;
}

static enum status
head(
    const struct store_driver *d, struct store *s, struct certificate_head *out)
{
	struct ledger_hash root;
	bool more = true;
	enum status st = d->root(s, SIZE_MAX - 1, &out->size, &root, &more);

	if (st == ST_OK)
		memcpy(out->root, root.b, sizeof(out->root));
	return st;
}

static enum status
run_batch(const struct store_driver *d, struct store *s,
    const struct erasure_ask *ask, struct erasure_result *r)
{
	enum status st = d->begin(s);

	if (st != ST_OK)
		return st;
	st = erasure_apply(d, s, ask, r);
	if (st == ST_OK)
		return d->commit(s);
	d->abort(s);
	return st;
}

enum status
erasure_run(const struct store_driver *d, struct store *s,
    const struct erasure_ask *ask, store_life_fn *fn, void *arg,
    struct msg_erased *end)
{
	struct erasure_result *r = calloc(1, sizeof(*r));
	enum status st = r == NULL ? ST_NO_MEMORY : ST_OK;
	bool again = true;

	*end = (struct msg_erased){ .at_us = (uint64_t)ask->at_us };
	if (st == ST_OK)
		st = head(d, s, &end->before);
	while (st == ST_OK && again) {
		st = run_batch(d, s, ask, r);
		if (st != ST_OK)
			break;
		for (size_t i = 0; i < r->n; i++)
			fn(arg, &r->gone[i]);
		end->why = r->why;
		end->until_us = (uint64_t)r->until_us;
		end->legal_hold = r->legal_hold;
		end->receipts += r->receipts;
		end->waiting += r->waiting;
		end->held += r->held;
		again = ask->action == ERASE_DO && r->why == RETAIN_FREE;
		if (!again)
			break;
		st = prove(d, s, r, end);
		end->proved = st == ST_OK;
		again = r->more;
	}
	if (st == ST_OK)
		st = head(d, s, &end->after);
	if (r != NULL)
		secret_wipe(r, sizeof(*r));
	free(r);
	return st;
}
