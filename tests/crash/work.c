#include "work.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "driver_cases.h"
#include "keeper/store_driver.h"

static const struct store_driver *const driver = &store_driver_sqlite;

enum { PAYMENTS = 4096, DONE = 200 };

struct living {
	struct work *w;
	struct disk *disk;
	struct chance c;
	char path[300], backup[320];
	struct store *store;
	uint32_t endpoints[2], first;
	uint8_t asked[PAYMENTS], tried[PAYMENTS]; /* attempts so far */
	bool erases;
};

static void
must(enum status st, const char *what)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "power cuts: %s: %s\n", what, status_name(st));
	abort();
}

/* ---- all rows */

static void
mix(uint64_t *digest, const void *data, size_t n)
{
	const unsigned char *b = data;

	for (size_t i = 0; i < n; i++)
		*digest = (*digest ^ b[i]) * UINT64_C(0x100000001b3);
}

static void
mix_row(sqlite3_stmt *q, uint64_t *digest)
{
	for (int i = 0; i < sqlite3_column_count(q); i++) {
		int type = sqlite3_column_type(q, i);
		const void *data = sqlite3_column_blob(q, i);
		int n = sqlite3_column_bytes(q, i);

		mix(digest, &type, sizeof(type));
		mix(digest, &n, sizeof(n));
		if (n > 0)
			mix(digest, data, (size_t)n);
	}
}

static bool
mix_table(sqlite3 *db, const char *name, uint64_t *digest)
{
	char sql[200];
	sqlite3_stmt *q = NULL;
	int rc;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", name);
	rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
	mix(digest, name, strlen(name));
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		if (rc == SQLITE_ROW)
			mix_row(q, digest);
	}
	(void)sqlite3_finalize(q);
	return rc == SQLITE_DONE;
}

static bool
take_receipts(sqlite3 *db, struct work_rows *out)
{
	sqlite3_stmt *q = NULL;
	size_t cap = 0;
	int rc = sqlite3_prepare_v2(
	    db, "SELECT seq FROM receipt ORDER BY seq", -1, &q, NULL);

	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(q);
		if (rc != SQLITE_ROW)
			break;
		if (out->n == cap) {
			cap = 2 * cap + 64;
			out->receipts = realloc(
			    out->receipts, cap * sizeof(*out->receipts));
			assert(out->receipts != NULL);
		}
		out->receipts[out->n++] = (uint64_t)sqlite3_column_int64(q, 0);
	}
	(void)sqlite3_finalize(q);
	return rc == SQLITE_DONE;
}

static bool
read_all(sqlite3 *db, struct work_rows *out)
{
	sqlite3_stmt *q = NULL;
	bool good = true;
	int rc;

	if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
		return false;
	rc = sqlite3_prepare_v2(db,
	    "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name",
	    -1, &q, NULL);
	while (good && (rc == SQLITE_OK || rc == SQLITE_ROW)) {
		rc = sqlite3_step(q);
		if (rc == SQLITE_ROW)
			good = mix_table(db,
			    (const char *)sqlite3_column_text(q, 0),
			    &out->digest);
	}
	(void)sqlite3_finalize(q);
	return good && rc == SQLITE_DONE && take_receipts(db, out);
}

bool
work_read(const char *path, struct work_rows *out)
{
	sqlite3 *db = NULL;
	bool good;

	*out = (struct work_rows){ .digest = UINT64_C(0xcbf29ce484222325) };
	good = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) ==
		   SQLITE_OK &&
	       read_all(db, out);
	(void)sqlite3_close(db);
	return good;
}

/* ---- one payment */

static int64_t
now_us(const struct living *l)
{
	return driver_cases_received_us(l->w->next);
}

static void
note_erased(struct living *l, const struct receipt_id *id, uint64_t seq)
{
	struct work *w = l->w;

	if (w->n_erased == w->cap_erased) {
		w->cap_erased = 2 * w->cap_erased + 64;
		w->erased =
		    realloc(w->erased, w->cap_erased * sizeof(*w->erased));
		assert(w->erased != NULL);
	}
	w->erased[w->n_erased++] =
	    (struct work_erased){ .id = *id, .seq = seq, .step = w->n };
	l->erases = true;
}

static void
move(struct living *l, const struct receipt *r, const struct store_life *now,
    enum life to)
{
	const struct store_move m = { .from = now->life,
		.to = to,
		.n = now->n,
		.receipt = *r,
		.reason = REASON_RISK,
		.at_us = now_us(l),
		.endpoint_ids = l->endpoints,
		.n_endpoints = 2,
		.why = ERASURE_REQUEST,
		.tell_at_us = now_us(l) };

	must(driver->move(l->store, &m), "move");
	if (to == LIFE_ERASED)
		note_erased(
		    l, &r->id, now->life == LIFE_CONFIRMED ? now->n : 0);
}

static void
settle(struct living *l, uint32_t i, uint64_t seq)
{
	bool good = chance_of_hundred(&l->c, 70);
	const struct store_settle d = { .seq = seq,
		.endpoint_id = l->endpoints[0],
		.attempt = l->tried[i] + 1u,
		.to = good ? DELIVERY_DELIVERED : DELIVERY_PENDING,
		.outcome = good ? OUTCOME_DELIVERED : OUTCOME_STATUS,
		.http_status = good ? 200 : 500,
		.now_us = now_us(l),
		.next_us = now_us(l) + 1000000 };

	if (l->tried[i] == DONE)
		return;
	must(driver->settle(l->store, &d), "settle");
	l->tried[i] = good ? DONE : (uint8_t)(l->tried[i] + 1);
}

static void
of_waiting(struct living *l, uint32_t i, const struct receipt *r,
    const struct store_life *now)
{
	static const enum life to[] = { LIFE_CONFIRMED, LIFE_CONFIRMED,
		LIFE_CONFIRMED, LIFE_HELD, LIFE_REFUSED, LIFE_ERASED };
	size_t which = chance_below(&l->c, 8);
	const struct store_again a = { .n = now->n,
		.attempt = l->asked[i] + 1u,
		.next_us = now_us(l) + 1000000 };

	if (which < sizeof(to) / sizeof(to[0])) {
		move(l, r, now, to[which]);
		return;
	}
	must(driver->again(l->store, &a), "again");
	l->asked[i]++;
}

static void
touch(struct living *l, uint32_t n)
{
	struct receipt r = driver_cases_receipt(n, "testbox");
	uint32_t i = n - l->first;
	struct store_life now;

	must(driver->find(l->store, &r.id, &now), "find");
	switch (now.life) {
	case LIFE_ABSENT:
		if (chance_of_hundred(&l->c, 50))
			must(driver->put(l->store, &r, l->endpoints, 2), "put");
		else
			must(driver->wait(l->store, &r, ""), "wait");
		break;
	case LIFE_WAITING:
		of_waiting(l, i, &r, &now);
		break;
	case LIFE_HELD:
		move(l, &r, &now,
		    chance_of_hundred(&l->c, 70) ? LIFE_CONFIRMED
						 : LIFE_ERASED);
		break;
	case LIFE_CONFIRMED:
		if (chance_of_hundred(&l->c, 80))
			settle(l, i, now.n);
		else
			move(l, &r, &now, LIFE_ERASED);
		break;
	default: /* a callback that comes again */
		assert(driver->put(l->store, &r, NULL, 0) == ST_EXISTS);
		break;
	}
}

/* ---- transactions */

static void
payments(struct living *l)
{
	uint32_t n = (uint32_t)chance_below(&l->c, 6) + 1;
	uint32_t known = l->w->next - l->first;

	while (n-- > 0) {
		uint32_t which = l->w->next;

		if (known > 0 && chance_of_hundred(&l->c, 55))
			which = l->first + (uint32_t)chance_below(&l->c, known);
		else
			l->w->next++;
		assert(which - l->first < PAYMENTS);
		touch(l, which);
	}
}

static void
retention(struct living *l)
{
	struct store_expire e = { .merchant = "testbox",
		.at_us = now_us(l),
		.most = 5,
		.totals = true };
	uint32_t old = (l->w->next - l->first) / 6;
	size_t n;

	e.before_us = driver_cases_received_us(l->first + old);
	must(driver->expire(l->store, &e), "expire");
	must(driver->sweep(l->store, STORE_SWEEP_ATTEMPTS, e.before_us, 5, &n),
	    "sweep");
}

static void
head(struct living *l)
{
	bool more;

	must(driver->keep_head(l->store, INT64_MAX, now_us(l), 1000, &more),
	    "keep_head");
}

static void
told(struct living *l)
{
	struct work *w = l->w;
	struct work_step step = { .told = disk_length(l->disk),
		.erases = l->erases };

	if (w->n == w->cap) {
		w->cap = 2 * w->cap + 64;
		w->steps = realloc(w->steps, w->cap * sizeof(*w->steps));
		assert(w->steps != NULL);
	}
	if (!work_read(l->path, &step.rows))
		must(ST_CORRUPT, "what was just written");
	w->steps[w->n++] = step;
	l->erases = false;
}

static void
transaction(struct living *l)
{
	uint64_t kind = chance_below(&l->c, 20);

	must(driver->begin(l->store), "begin");
	if (kind == 0)
		retention(l);
	else if (kind == 1)
		head(l);
	else
		payments(l);
	must(driver->commit(l->store), "commit");
	told(l);
}

/* ---- a life */

static void
open_store(struct living *l)
{
	static const char *const names[] = { "main", "backup" };
	struct err e = { "" };
	int64_t disabled;

	must(driver->open(&l->store, l->path, STORE_WRITE, &e), e.text);
	for (size_t i = 0; i < 2; i++)
		must(driver->endpoint(
			 l->store, names[i], &l->endpoints[i], &disabled),
		    "endpoint");
}

/* As a backup is made: into a file of its own, which then goes elsewhere. */
static void
back_up(struct living *l)
{
	FILE *made = fopen(l->backup, "w");

	assert(made != NULL && fclose(made) == 0);
	must(driver->copy(l->store, l->backup, NULL, NULL), "copy");
	assert(unlink(l->backup) == 0);
}

static void
besides(struct living *l)
{
	uint64_t kind = chance_below(&l->c, 100);
	enum status st;

	if (kind < 12) {
		st = driver->flush(l->store);
		if (st != ST_BUSY)
			must(st, "flush");
	} else if (kind == 12) {
		driver->close(l->store);
		open_store(l);
	} else if (kind == 13) {
		back_up(l);
	}
}

struct disk *
work_live(struct work *w, const char *folder, size_t steps, uint32_t first,
    enum disk_lie lie, struct chance c)
{
	struct living *l = calloc(1, sizeof(*l));
	struct disk *disk;

	assert(l != NULL);
	*w = (struct work){ .next = first };
	l->w = w;
	l->c = c;
	l->first = first;
	(void)snprintf(l->path, sizeof(l->path), "%s/" WORK_STORE, folder);
	(void)snprintf(l->backup, sizeof(l->backup), "%s-copy", l->path);
	disk = l->disk = disk_record(folder, WORK_STORE, lie, c);
	open_store(l);
	told(l);
	for (size_t i = 0; i < steps; i++) {
		transaction(l);
		besides(l);
	}
	if (chance_of_hundred(&l->c, 50)) {
		driver->close(l->store);
		l->store = NULL;
	}
	disk_stop(disk);
	driver->close(l->store);
	w->copies = disk_copied(disk);
	free(l);
	return disk;
}

void
work_free(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->steps[i].rows.receipts);
	free(w->steps);
	free(w->erased);
}
