/*
 * From the bytes of a callback to a receipt: decode, verify, minimize.
 *
 * The one door between the wide world and the narrow one.  The decoded form
 * exists only inside intake_run() and is wiped before it returns; its type
 * (intake/form.h) cannot be named outside this folder.  The rules are those
 * that the README lists under "What is accepted".
 *
 * Pure: no I/O, no clock.  One intake object belongs to one thread.
 */
#ifndef INTAKE_INTAKE_H
#define INTAKE_INTAKE_H

#include "config/rooms.h"
#include "receipt/life.h"
#include "receipt/receipt.h"

struct intake;

enum refusal {
#define REFUSAL(name, word) REFUSAL_##name,
#include "base/refusal.def"
#undef REFUSAL
	REFUSALS
};

enum callback_status {
	CALLBACK_VALID,
	CALLBACK_VALIDATED,
	CALLBACK_FAILED,
	CALLBACK_CANCELLED,
	CALLBACK_UNATTEMPTED,
	CALLBACK_EXPIRED,
	CALLBACK_STATUSES
};

enum verdict {
	VERDICT_PAID,	  /* genuine, VALID or VALIDATED: receipt is filled */
	VERDICT_NOT_PAID, /* genuine, says something else: nothing to keep */
	VERDICT_REFUSED,  /* refusal says why */
	VERDICT_UNABLE,	  /* memory ran out, nothing was judged: try later */
};

struct intake_result {
	enum verdict verdict;
	enum refusal refusal;
	enum callback_status status; /* when not refused */
	unsigned fields;	/* how many the form held; 0 if refused early */
	struct receipt receipt; /* zero unless VERDICT_PAID */
	/* What the payment can be asked about by, where confirm is required;
	 * empty otherwise.  Wide: for the asker and nobody else, and the
	 * caller's to wipe. */
	char val_id[RECEIPT_INVOICE];
	/* Narrow where it is the invoice ID, and then empty. */
	char tran_id[RECEIPT_INVOICE];
};

/* A member of SSLCommerz's answer, as text; borrowed. */
struct intake_member {
	struct bytes name, value;
};

/* One payment as SSLCommerz tells it. */
struct intake_payment {
	/* PAID, RISK, UNPAID, PENDING, UNKNOWN; STORE for a paid one of
	 * another store; of one whose values cannot be kept GUARD, when its
	 * invoice ID has a shape that is not let through, else NONSENSE. */
	enum reason reason;
	/* Of PAID and RISK.  paid_at_us 0: it does not say when.  Of others the
	 * id alone, when they have a val_id, else zero. */
	struct receipt receipt;
};

/* identity_key: 32 bytes for the receipt ids; copied. */
MUST_USE enum status intake_new(
    struct intake **out, const unsigned char identity_key[32], struct err *e);
void intake_free(struct intake *in);

/*
 * Judge one callback for merchant m.  body is decoded in place and wiped,
 * all len bytes, before the call returns; so is everything derived from it
 * but *out.  received_us: wall clock.
 */
void intake_run(struct intake *in, const struct edge_merchant *m,
    unsigned char *body, size_t len, int64_t received_us,
    struct intake_result *out);

/*
 * The door for answers: of the n members of one payment, the receipt and
 * nothing else.  Members that are not needed may be any.  Values keep to the
 * grammars of callbacks; a store_id that is there has to be m's (else STORE
 * or, of one that is not paid, NONSENSE).  Nothing is compared with any
 * callback.  received_us: wall clock.  ST_NO_MEMORY: out is NONSENSE, its
 * receipt zero.
 */
MUST_USE enum status intake_answer(struct intake *in,
    const struct merchant_rules *m, const struct intake_member *members,
    size_t n, int64_t received_us, struct intake_payment *out);

/*
 * Put a form's digests right for the password digests of m, in place: each
 * verify_sign or verify_sign_sha2 that is right under `was` becomes right
 * under `now`; wrong ones stay as they are.  For replaying recorded
 * callbacks.  ST_BAD_INPUT when the form cannot be read; body is then
 * unchanged.
 */
MUST_USE enum status intake_resign(unsigned char *body, size_t len,
    const struct edge_merchant *was, const struct edge_merchant *now);

/* Is it for the shape of an invoice ID? */
bool intake_guarded(enum refusal r);

/* The fixed word of base/refusal.def. */
const char *refusal_word(enum refusal r);

#endif
