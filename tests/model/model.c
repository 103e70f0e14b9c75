/*
 * Every life that a payment can have, by the functions that decide it and by
 * the table of moves (base/life.def), and every way in which commits and a
 * poller's pages can follow each other.  Breadth first, until nothing is new.
 *
 * model [unsettled]: the control moves the cursor to the highest number given
 * instead of the last one seen, and has to be caught.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "receipt/life.h"

/* ---- a payment's life */

#define DENIALS	   (LIFE_DENIALS + 1) /* so many are told apart */
#define LIVES_MOST 4096

struct payment {
	enum life life;
	enum reason why; /* of a held one */
	uint32_t denied;
	bool late;	/* waited for as long as terms say */
	bool confirmed; /* SSLCommerz has said so, or a person */
	bool was_erased;
};

static struct payment lives[LIVES_MOST];
static size_t n_lives;
static bool moved[MOVES];

static const struct life_terms terms = { .confirm_for_us = 2,
	.refuse_after_us = 2 };

static void
fail(const char *words, const struct payment *p)
{
	(void)printf("a payment that is %s: %s\n", life_word(p->life), words);
	exit(1);
}

/* What may never be. */
static void
judge(const struct payment *p)
{
	if (p->was_erased && p->life != LIFE_ERASED)
		fail("it was erased", p);
	if (p->life == LIFE_CONFIRMED && !p->confirmed)
		fail("nobody has confirmed it", p);
	if (p->life == LIFE_REFUSED && p->confirmed && p->denied == 0)
		fail("nobody has denied it", p);
}

static bool
same(const struct payment *a, const struct payment *b)
{
	return a->life == b->life && a->why == b->why &&
	       a->denied == b->denied && a->late == b->late &&
	       a->confirmed == b->confirmed && a->was_erased == b->was_erased;
}

static void
reach(const struct payment *p)
{
	for (size_t i = 0; i < n_lives; i++) {
		if (same(&lives[i], p))
			return;
	}
	judge(p);
	assert(n_lives < LIVES_MOST);
	lives[n_lives++] = *p;
}

/* p becomes `to`, if the table allows that. */
static void
go(struct payment p, enum life to, enum reason why, bool must)
{
	enum move m;

	if (p.life != to) {
		if (!life_move(p.life, to, &m)) {
			if (must)
				fail("what was decided is not allowed", &p);
			return;
		}
		moved[m] = true;
	}
	p.life = to;
	p.why = to == LIFE_HELD ? why : REASON_PAID;
	p.was_erased |= to == LIFE_ERASED;
	reach(&p);
}

static void
answer(struct payment p, enum reason r)
{
	enum life_answer a = reason_answer(r);
	enum reason why;
	enum life to;

	if (a == ANSWER_DENIED && p.denied < DENIALS)
		p.denied++;
	p.confirmed |= a == ANSWER_PAID;
	to = life_judge(r, p.late ? 3 : 1, p.denied, &terms, &why);
	go(p, to, why, true);
}

static void
check(struct payment p, enum reason r)
{
	enum life to = life_check(p.life, p.why, r);

	p.confirmed |= reason_answer(r) == ANSWER_PAID;
	go(p, to, to == p.life ? p.why : r, true);
}

static void
decide(struct payment p)
{
	struct payment released = p;

	released.confirmed = true;
	go(released, LIFE_CONFIRMED, REASON_PAID, true);
	p.denied = DENIALS;
	go(p, LIFE_REFUSED, REASON_PAID, true);
}

/* All that can happen next. */
static void
step(struct payment p)
{
	struct payment later = p;

	later.late = true;
	reach(&later);
	if (p.life == LIFE_ABSENT) {
		go(p, LIFE_WAITING, REASON_PAID, true);
		p.confirmed = true; /* where nobody has to be asked */
		go(p, LIFE_CONFIRMED, REASON_PAID, true);
		p.confirmed = false;
	}
	for (int r = 0; r < REASONS; r++) {
		enum life_answer a = reason_answer((enum reason)r);

		if (p.life == LIFE_WAITING && r != REASON_SILENCE)
			answer(p, (enum reason)r);
		if (a == ANSWER_PAID ||
		    (a == ANSWER_HELD && r != REASON_SILENCE))
			check(p, (enum reason)r);
	}
	if (p.life == LIFE_HELD)
		decide(p);
	go(p, LIFE_ERASED, REASON_PAID, false);
}

/* Where SSLCommerz stays silent a payment that waits is held in the end: no
 * state is one that nothing leads out of. */
static void
ends(const struct payment *p)
{
	enum reason why;

	if (p->life == LIFE_WAITING &&
	    life_judge(REASON_TIMEOUT, terms.confirm_for_us, p->denied, &terms,
		&why) == LIFE_WAITING)
		fail("it waits for ever", p);
}

static void
explore_lives(void)
{
	const struct payment first = { .life = LIFE_ABSENT };

	reach(&first);
	for (size_t i = 0; i < n_lives; i++)
		step(lives[i]);
	for (size_t i = 0; i < n_lives; i++)
		ends(&lives[i]);
	for (int m = 0; m < MOVES; m++) {
		if (!moved[m]) {
			(void)printf("move %d of the table never happens\n", m);
			exit(1);
		}
	}
	(void)printf(
	    "a payment's life: %zu states, all %d moves of the table\n",
	    n_lives, (int)MOVES);
}

/* ---- a cursor */

#define ROWS	4
#define CURSORS 100000

/* Numbers are given in a transaction; what is committed can be seen. */
struct poll {
	unsigned char given, committed; /* so many rows */
	unsigned char cursor, seen;	/* seen: bits, by row */
};

static struct poll polls[CURSORS];
static size_t n_polls;

static void
reach_poll(struct poll p)
{
	for (size_t i = 0; i < n_polls; i++) {
		if (memcmp(&polls[i], &p, sizeof(p)) == 0)
			return;
	}
	for (unsigned row = 0; row < p.cursor; row++) {
		if ((p.seen >> row & 1) == 0) {
			(void)printf(
			    "a gap: the cursor has passed row %u\n", row + 1);
			exit(1);
		}
	}
	assert(n_polls < CURSORS);
	polls[n_polls++] = p;
}

static void
step_poll(struct poll p, bool unsettled)
{
	struct poll q;

	if (p.given < ROWS) {
		q = p;
		q.given++;
		reach_poll(q);
	}
	q = p;
	q.committed = p.given;
	reach_poll(q);
	q.given = q.committed = p.committed; /* aborted, or a crash */
	reach_poll(q);
	for (unsigned limit = 1; limit <= ROWS; limit++) {
		q = p;
		while (q.cursor < p.committed && q.cursor < p.cursor + limit) {
			q.seen |= (unsigned char)(1U << q.cursor);
			q.cursor++;
		}
		if (unsettled && q.cursor == p.committed)
			q.cursor = p.given;
		reach_poll(q);
	}
	q = p;
	q.cursor = 0; /* it begins anew */
	reach_poll(q);
}

static void
explore_polls(bool unsettled)
{
	reach_poll((struct poll){ 0 });
	for (size_t i = 0; i < n_polls; i++)
		step_poll(polls[i], unsettled);
	(void)printf("commits and a cursor: %zu states, no gap\n", n_polls);
}

int
main(int argc, char **argv)
{
	explore_lives();
	explore_polls(argc > 1 && strcmp(argv[1], "unsettled") == 0);
	return 0;
}
