#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver_cases.h"
#include "keeper/erasures.h"
#include "keeper/store_driver.h"

static const struct store_driver *const driver = &store_driver_sqlite;

/* The last transaction that was acknowledged; false: the store was not even
 * open. */
static bool
last_told(const struct work *w, size_t cut, size_t *step)
{
	bool found = false;

	for (size_t i = 0; i < w->n && w->steps[i].told <= cut; i++) {
		*step = i;
		found = true;
	}
	return found;
}

/* ---- rows */

static bool
erased_next(const struct work *w, size_t step, uint64_t seq)
{
	for (size_t i = 0; i < w->n_erased; i++) {
		if (w->erased[i].step == step && w->erased[i].seq == seq)
			return true;
	}
	return false;
}

/* A transaction that erases was cut behind the list of what is erased: of
 * it that alone was done again. */
static bool
only_erased(const struct work *w, size_t step, const struct work_rows *rows)
{
	const struct work_rows *before = &w->steps[step].rows;
	size_t j = 0;

	if (step + 1 >= w->n || !w->steps[step + 1].erases)
		return false;
	for (size_t i = 0; i < before->n; i++) {
		if (j < rows->n && rows->receipts[j] == before->receipts[i])
			j++;
		else if (!erased_next(w, step + 1, before->receipts[i]))
			return false;
	}
	return j == rows->n;
}

static const char *
judge_rows(const char *path, const struct work *w, size_t step)
{
	struct work_rows rows;
	const char *wrong = NULL;

	if (!work_read(path, &rows))
		wrong = "its rows cannot be read";
	else if (rows.digest != w->steps[step].rows.digest &&
		 (step + 1 == w->n ||
		     rows.digest != w->steps[step + 1].rows.digest) &&
		 !only_erased(w, step, &rows))
		wrong = "its rows are not those that were acknowledged";
	free(rows.receipts);
	return wrong;
}

/* ---- what was erased */

static bool
is_listed(const struct erasures *list, const struct receipt_id *id)
{
	struct erasures_one one;
	size_t n = 1;

	for (uint64_t i = 0; n == 1; i++) {
		if (erasures_read(list, i, &one, 1, &n) == ST_OK && n == 1 &&
		    one.at_us != 0 && memcmp(&one.id, id, sizeof(*id)) == 0)
			return true;
	}
	return false;
}

static const char *
judge_erased(
    struct store *s, const char *path, const struct work *w, size_t step)
{
	struct erasures list;
	struct err e;
	const char *wrong = NULL;

	if (erasures_open(&list, path, &e) != ST_OK)
		wrong = "the list of what is erased cannot be read";
	for (size_t i = 0; i < w->n_erased && wrong == NULL; i++) {
		const struct work_erased *x = &w->erased[i];
		struct store_row row;

		if (x->step > step)
			break;
		if (driver->get(s, &x->id, NULL, &row) != ST_NOT_FOUND)
			wrong = "what was erased is there";
		else if (!is_listed(&list, &x->id))
			wrong = "what was erased is not in the list";
	}
	erasures_close(&list);
	return wrong;
}

/* ---- the ledger */

struct books {
	struct store_head heads[64];
	size_t n, next;
	struct ledger_tree tree;
	bool wrong;
};

static void
take_head(void *arg, const struct store_head *h)
{
	struct books *b = arg;

	if (b->n == 64)
		return;
	b->wrong = b->wrong || h->damaged;
	b->heads[b->n++] = *h;
}

static void
take_leaf(void *arg, const struct store_leaf *leaf)
{
	struct books *b = arg;
	struct ledger_hash hash = leaf->hash;

	b->wrong = b->wrong || leaf->damaged || leaf->n != b->tree.size;
	ledger_append(&b->tree, &hash);
	while (b->next < b->n && b->heads[b->next].tree.size == b->tree.size) {
		struct ledger_hash then, now;

		if (ledger_root(&b->heads[b->next++].tree, &then) != ST_OK ||
		    ledger_root(&b->tree, &now) != ST_OK ||
		    memcmp(&then, &now, sizeof(now)) != 0)
			b->wrong = true;
	}
}

static void
take_opening(void *arg, const struct store_opening *o)
{
	struct books *b = arg;
	struct ledger_hash hash;

	if (o->damaged || o->leaf == STORE_NO_LEAF ||
	    ledger_receipt(&o->salt, o->row.seq, &o->row.receipt, &hash) !=
		ST_OK ||
	    memcmp(&hash, &o->hash, sizeof(hash)) != 0)
		b->wrong = true;
}

static void
take_fault(void *arg, const char *words)
{
	struct books *b = arg;

	(void)words;
	b->wrong = true;
}

static const char *
judge_ledger(struct store *s)
{
	struct books *b = calloc(1, sizeof(*b));
	struct store_audit a = { .head = take_head,
		.leaf = take_leaf,
		.opening = take_opening,
		.fault = take_fault,
		.arg = b };
	bool good = b != NULL && driver->audit(s, &a) == ST_OK && !b->wrong &&
		    b->next == b->n;

	free(b);
	return good ? NULL : "its ledger does not verify";
}

/* ---- the store */

static const char *
judge_use(struct store *s, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");

	if (driver->begin(s) != ST_OK || driver->put(s, &r, NULL, 0) != ST_OK ||
	    driver->commit(s) != ST_OK || driver->flush(s) != ST_OK)
		return "it takes no payment";
	return NULL;
}

const char *
judge_store(const char *folder, const struct work *w, size_t cut)
{
	struct store_check found;
	struct store *s = NULL;
	struct err e = { "" };
	char path[300];
	const char *wrong = NULL;
	size_t step = 0;

	(void)snprintf(path, sizeof(path), "%s/" WORK_STORE, folder);
	if (driver->open(&s, path, STORE_WRITE, &e) != ST_OK)
		return "it does not open";
	if (driver->check(s, &found) != ST_OK || found.faults > 0)
		wrong = "the file is damaged";
	else if (found.returned > 0)
		wrong = "what was erased came back";
	if (wrong == NULL && last_told(w, cut, &step)) {
		wrong = judge_rows(path, w, step);
		if (wrong == NULL)
			wrong = judge_erased(s, path, w, step);
	}
	if (wrong == NULL)
		wrong = judge_ledger(s);
	if (wrong == NULL)
		wrong = judge_use(s, 900000);
	driver->close(s);
	return wrong;
}
