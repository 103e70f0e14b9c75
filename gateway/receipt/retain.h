/*
 * Whether a payment may be erased now.  Pure; any thread.
 */
#ifndef RECEIPT_RETAIN_H
#define RECEIPT_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

enum retain {
	RETAIN_FREE, /* it may go */
	RETAIN_TERM, /* the merchant has to keep it longer */
	RETAIN_HOLD, /* a person holds its invoice, without an end */
	RETAINS
};

/* "free", "keep_at_least", "legal_hold" */
const char *retain_word(enum retain r);

/*
 * A payment received at received_at_us, to be kept for at_least_us.  *until_us:
 * of TERM, from when on it may go; else 0.  A hold outdoes a term.
 */
enum retain retain_judge(int64_t received_at_us, int64_t at_least_us,
    bool legal_hold, int64_t now_us, int64_t *until_us);

#endif
