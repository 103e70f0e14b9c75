/*
 * A payment's life, from its callback to its receipt.
 *
 * The allowed moves are one table (base/life.def); what an answer of
 * SSLCommerz makes of a payment is a pure function of the answer and of how
 * long it has been waited for.  Any thread.
 */
#ifndef RECEIPT_LIFE_H
#define RECEIPT_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "receipt/receipt.h"

enum life {
	LIFE_ABSENT,	/* never heard of */
	LIFE_WAITING,	/* stored; SSLCommerz has to confirm it */
	LIFE_HELD,	/* a person has to look at it */
	LIFE_CONFIRMED, /* a receipt */
	LIFE_REFUSED,	/* no payment; a tombstone stays */
	LIFE_ERASED, /* forgotten; a tombstone stays, and it does not return */
	LIVES
};

enum move {
#define MOVE(FROM, from, TO, to) MOVE_##FROM##_##TO,
#include "base/life.def"
#undef MOVE
	MOVES
};

enum life_answer {
	ANSWER_PAID,
	ANSWER_HELD,   /* paid, but not as it was claimed, or risky */
	ANSWER_DENIED, /* not paid, or not known */
	ANSWER_NONE,   /* no answer, or not yet */
	ANSWER_FAULT   /* the operator has to do something */
};

enum reason {
#define REASON(name, word, answer) REASON_##name,
#include "base/reason.def"
#undef REASON
	REASONS
};

/* Why a payment is erased.  Stored. */
enum erasure {
	ERASURE_REQUEST, /* somebody asked for it */
	ERASURE_AGE,	 /* kept long enough */
};

/* Denials before a payment is refused, whatever time has passed. */
#define LIFE_DENIALS 3

struct life_terms {
	int64_t confirm_for_us;	 /* without an answer for so long: held */
	int64_t refuse_after_us; /* denied for at least so long: refused */
};

/* Is this move allowed?  *out, unless NULL, is its number. */
MUST_USE bool life_move(enum life from, enum life to, enum move *out);

/* "waiting", ... */
const char *life_word(enum life l);

enum life_answer reason_answer(enum reason r);
const char *reason_word(enum reason r);

/*
 * Is `answered` the payment that `claimed` says it is?  REASON_PAID, or the
 * first that differs: PAYMENT (id), STORE, INVOICE, CURRENCY, AMOUNT.  Times
 * are not compared.
 */
enum reason
life_compare(const struct receipt *claimed, const struct receipt *answered);

/*
 * What a waiting payment becomes: WAITING (ask again), CONFIRMED, HELD or
 * REFUSED; *why is then r, or SILENCE.  waited_us: since its callback.
 * denied: denials so far, r included.
 */
enum life life_judge(enum reason r, int64_t waited_us, uint32_t denied,
    const struct life_terms *t, enum reason *why);

/*
 * What a payment becomes that a check found to be paid (r: PAID or a reason
 * to hold it): its present state or one that life_move() allows.  held_why:
 * of a held one.  Only silence is overcome by a check; what a person has to
 * decide stays his, and what is erased stays so.
 */
enum life life_check(enum life now, enum reason held_why, enum reason r);

#endif
