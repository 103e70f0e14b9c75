#include "keeper/erase.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"

#define SECOND_US INT64_C(1000000)

/* An attempt that is under way may still end, and nobody should hear of a
 * receipt after he heard that it is erased: the longest time-out and a bit. */
#define UNDER_WAY_US (31 * SECOND_US)

/* Who waits is told by then how far it came. */
#define PATIENCE_US (30 * SECOND_US)

#define MOST_JOBS   16
#define SEARCH_STEP (64 << 20)

/* The owner of our flushes. */
#define OURS UINT64_MAX

/* Leaves of the ledger that one read hashes. */
#define LEAVES 100000

enum state {
	BEFORE,	   /* the ledger's head has to be read */
	READING,   /* that is asked for */
	ERASING,   /* the store was asked */
	ERASED,	   /* the log has to be emptied */
	FLUSHING,  /* that is asked for */
	FLUSHED,   /* the files have to be searched */
	SEARCHING, /* that is asked for */
	SEARCHED,  /* the head has to be read again */
	HEADING,   /* that is asked for */
	OVER
};

struct erase_job {
	struct erase_job *next;
	uint64_t number;
	enum state state;
	uint64_t peer, tag;
	bool answered;
	int64_t deadline_us; /* monotonic */
	char by[CONFIG_NAME];
	struct erasure_ask ask;
	struct erasure_result found; /* the last batch */
	struct store_search search;  /* of it */
	struct msg_erased end;
};

/* ---- answers */

static void
answer(struct erase *e, struct erase_job *j, enum status st)
{
	struct peer *p = peers_find(e->peers, j->peer);

	if (j->answered)
		return;
	j->answered = true;
	j->end.tag = j->tag;
	j->end.at_us = (uint64_t)j->ask.at_us;
	j->end.status = (uint32_t)st;
	if (p != NULL)
		(void)peers_send(p, MSG_ERASED, &j->end);
}

/* Rows behind those that one answer may have are counted only. */
static void
send_rows(struct erase *e, const struct erase_job *j)
{
	struct peer *p = peers_find(e->peers, j->peer);
	bool first =
	    j->end.receipts + j->end.waiting + j->end.held == j->found.n;

	for (size_t i = 0; p != NULL && first && i < j->found.n; i++) {
		const struct store_life *one = &j->found.gone[i];
		const struct msg_payment m = { .tag = j->tag,
			.n = one->n,
			.life = one->life,
			.receipt = one->claimed };

		if (j->answered || !peers_send(p, MSG_PAYMENT, &m))
			return;
	}
}

static void
drop_over(struct erase *e)
{
	for (struct erase_job **at = &e->jobs; *at != NULL;) {
		struct erase_job *j = *at;

		if (j->state != OVER) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		secret_wipe(j, sizeof(*j));
		free(j);
	}
}

static void
finish(struct erase *e, struct erase_job *j, enum status st)
{
	answer(e, j, st);
	j->state = OVER;
}

/* ---- steps */

static void
start(struct erase *e, struct erase_job *j)
{
	j->state = ERASING;
	if (store_queue_erase(e->queue, &j->ask, j->number) != ST_OK)
		finish(e, j, ST_BUSY);
}

/* What the queue or the reader has no room for now is asked in a second. */
static void
go_on(struct erase *e, struct erase_job *j)
{
	const struct store_read root = {
		.kind = STORE_READ_ROOT, .tag = j->number, .limit = LEAVES
	};
	struct store_read search = { .kind = STORE_READ_SEARCH,
		.tag = j->number,
		.gone = j->found.gone,
		.n_gone = j->found.n,
		.limit = SEARCH_STEP,
		.search = j->search };

	if (j->state == ERASED &&
	    store_queue_flush(e->queue, OURS, j->number) == ST_OK)
		j->state = FLUSHING;
	else if (j->state == FLUSHED &&
		 store_reader_ask(e->reader, &search) == ST_OK)
		j->state = SEARCHING;
	else if ((j->state == BEFORE || j->state == SEARCHED) &&
		 store_reader_ask(e->reader, &root) == ST_OK)
		j->state = j->state == BEFORE ? READING : HEADING;
}

static void
say_residue(const struct erase_job *j)
{
	metrics_add(MET_ERASE_RESIDUE, (int64_t)j->search.hits);
	log_event(LOG_ERASE_RESIDUE, log_word(KEY_MERCHANT, j->ask.merchant),
	    log_num(KEY_COUNT, (int64_t)j->search.hits));
}

static void
searched(struct erase *e, struct erase_job *j)
{
	j->end.bytes += j->search.bytes;
	j->end.hits += j->search.hits;
	j->end.files = j->search.files;
	if (j->search.hits > 0)
		say_residue(j);
	j->search = (struct store_search){ 0 };
	if (j->found.more) {
		start(e, j);
		return;
	}
	j->state = SEARCHED;
	go_on(e, j);
}

/* What was read ahead of it is read again, so that nothing is begun. */
static void
take_back(struct erase *e)
{
	for (size_t i = 0; i < routes_count(e->routes); i++)
		offers_reread(e->deliveries, i);
	for (size_t i = 0; i < routes_merchants(e->routes); i++)
		offers_reread(e->questions, i);
}

static void
say_erased(const struct erase_job *j)
{
	metrics_add(MET_MOVE_CONFIRMED_ERASED, j->found.receipts);
	metrics_add(MET_MOVE_WAITING_ERASED, j->found.waiting);
	metrics_add(MET_MOVE_HELD_ERASED, j->found.held);
	log_event(LOG_ERASED, log_word(KEY_MERCHANT, j->ask.merchant),
	    log_num(KEY_COUNT, (int64_t)j->found.n), log_word(KEY_WHO, j->by));
}

static void
found(struct erase *e, struct erase_job *j)
{
	j->end.why = j->found.why;
	j->end.until_us = (uint64_t)j->found.until_us;
	j->end.legal_hold = j->found.legal_hold;
	j->end.receipts += j->found.receipts;
	j->end.waiting += j->found.waiting;
	j->end.held += j->found.held;
	send_rows(e, j);
	if (j->ask.action != ERASE_DO || j->found.why != RETAIN_FREE) {
		finish(e, j, ST_OK);
		return;
	}
	if (j->found.n == 0) {
		j->state = SEARCHED;
		go_on(e, j);
		return;
	}
	say_erased(j);
	take_back(e);
	j->state = ERASED;
	go_on(e, j);
}

/* ---- from outside */

static struct erase_job *
find(const struct erase *e, uint64_t number)
{
	struct erase_job *j = e->jobs;

	while (j != NULL && j->number != number)
		j = j->next;
	return j;
}

static struct erase_job *
job_new(struct erase *e, const struct peer *p, const struct msg_erase *m)
{
	const struct routes_merchant *merchant =
	    routes_find(e->routes, m->merchant);
	struct erase_job *j;
	size_t n = 0;

	for (j = e->jobs; j != NULL; j = j->next)
		n++;
	j = n < MOST_JOBS ? calloc(1, sizeof(*j)) : NULL;
	if (j == NULL)
		return NULL;
	j->number = ++e->last;
	j->peer = p->id;
	j->tag = m->tag;
	j->deadline_us = clock_mono_us() + PATIENCE_US;
	memcpy(j->by, m->by, sizeof(j->by));
	memcpy(j->ask.merchant, m->merchant, sizeof(j->ask.merchant));
	memcpy(j->ask.invoice_id, m->invoice_id, sizeof(j->ask.invoice_id));
	j->ask.action = (enum erase_action)m->action;
	j->ask.at_us = clock_wall_us();
	j->ask.tell_at_us = j->ask.at_us;
	if (offers_under_way(e->deliveries, m->merchant, m->invoice_id))
		j->ask.tell_at_us += UNDER_WAY_US;
	if (merchant != NULL)
		j->ask.at_least_us = merchant->keep_at_least_us;
	j->next = e->jobs;
	e->jobs = j;
	return j;
}

bool
erase_ask(struct erase *e, struct peer *p, const struct msg_erase *m)
{
	const struct msg_erased busy = { .tag = m->tag, .status = ST_BUSY };
	struct erase_job *j = job_new(e, p, m);

	if (j == NULL)
		return channel_add(p->channel, MSG_ERASED, &busy) != ST_BUSY;
	if (j->ask.action == ERASE_DO) {
		j->state = BEFORE;
		go_on(e, j);
	} else {
		start(e, j);
	}
	drop_over(e);
	return true;
}

void
erase_done(struct erase *e, const struct store_op *op)
{
	struct erase_job *j = find(e, op->tag);

	if (j == NULL)
		return;
	j->found = *op->u.erase.out;
	if (op->status == ST_OK)
		found(e, j);
	else
		finish(e, j, op->status == ST_IO ? ST_IO : ST_BUSY);
	drop_over(e);
}

void
erase_flushed(struct erase *e, const struct store_op *op)
{
	struct erase_job *j = op->owner == OURS ? find(e, op->tag) : NULL;

	if (j == NULL)
		return;
	j->state = op->status == ST_OK ? FLUSHED : ERASED;
	/* A reader was in the way: in a second. */
	if (op->status == ST_OK)
		go_on(e, j);
	drop_over(e);
}

bool
erase_is_read(const struct store_read *read)
{
	return read->kind == STORE_READ_SEARCH || read->kind == STORE_READ_ROOT;
}

/* The head of the begin, or of the end; what cannot be read is read in a
 * second. */
static void
headed(struct erase *e, struct erase_job *j, const struct store_read *read)
{
	bool first = j->state == READING;
	struct certificate_head *h = first ? &j->end.before : &j->end.after;

	if (read->status != ST_OK || read->more) {
		j->state = first ? BEFORE : SEARCHED;
		if (read->status == ST_OK)
			go_on(e, j);
		return;
	}
	h->size = read->size;
	memcpy(h->root, read->root.b, sizeof(h->root));
	if (first) {
		start(e, j);
		return;
	}
	j->end.proved = 1;
	finish(e, j, ST_OK);
}

void
erase_read_done(struct erase *e, const struct store_read *read)
{
	struct erase_job *j = find(e, read->tag);

	if (j == NULL)
		return;
	if (read->kind == STORE_READ_ROOT) {
		headed(e, j, read);
		drop_over(e);
		return;
	}
	j->state = FLUSHED;
	if (read->status != ST_OK)
		return; /* in a second */
	j->search = read->search;
	if (j->search.at == 0)
		searched(e, j);
	else
		go_on(e, j);
	drop_over(e);
}

void
erase_tick(struct erase *e)
{
	int64_t now_us = clock_mono_us();

	for (struct erase_job *j = e->jobs; j != NULL; j = j->next) {
		go_on(e, j);
		if (j->deadline_us <= now_us && j->state > ERASING)
			answer(e, j, ST_OK);
	}
}

void
erase_end(struct erase *e)
{
	for (struct erase_job *j = e->jobs; j != NULL; j = j->next)
		j->state = OVER;
	drop_over(e);
}
