/*
 * One question to SSLCommerz, from the keeper's record to what the answer
 * comes to.
 *
 * A question about a payment goes by its val_id, when a hint has it, else by
 * tran_id; a lookup asks for all payments of a tran_id.  Loop thread only.
 */
#ifndef ASKER_QUESTION_H
#define ASKER_QUESTION_H

#include "asker/hints.h"
#include "asker/lockout.h"
#include "asker/reading.h"
#include "client/client.h"
#include "message/message.h"

struct merchant;

struct question {
	struct question *next, **prev; /* in one list */
	struct merchant *merchant;
	bool is_lookup;
	bool by_val_id; /* this time */
	bool probe;	/* of the breaker */
	struct lockout_key key;
	uint64_t n; /* the waiting payment's number; the lookup's tag */
	uint32_t attempt;
	struct receipt claimed; /* not a lookup's */
	char tran_id[RECEIPT_INVOICE];
	int64_t until_us; /* a lookup waits no longer */
};

/* What an answer, or its absence, comes to. */
struct finding {
	enum reason reason;
	bool is_answered; /* answered is what SSLCommerz says of the payment */
	struct receipt answered;
	size_t n_found; /* of a lookup */
	struct intake_payment found[READING_FOUND];
};

/* A list of questions, first come first. */
struct question_list {
	struct question *first, **last;
};

void question_list_init(struct question_list *l);
void question_append(struct question_list *l, struct question *q);
void question_prepend(struct question_list *l, struct question *q);
void question_remove(struct question_list *l, struct question *q);

/* NULL without memory; question_free() by the caller. */
struct question *question_of_ask(struct merchant *m, const struct msg_ask *ask);
struct question *question_of_lookup(
    struct merchant *m, const struct msg_lookup *lookup, int64_t until_us);

/* A tran_id is wide where the invoice ID is another field: wiped. */
void question_free(struct question *q);

/* Append the target to ask for; out holds a password then. */
void question_target(struct question *q, const char *store_id,
    const char *password, struct hints *hints, int64_t now_us, struct buf *out);

/* What r comes to. */
void question_read(const struct question *q, const struct merchant_rules *m,
    struct reading *reading, const struct client_result *r,
    struct finding *out);

#endif
