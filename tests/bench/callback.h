/*
 * Signed callbacks of made-up payments, made before the clock starts.
 *
 * Payment n, of the same fields as tests/support/callbacks.py: what is told
 * of it is a function of n, so that whoever sees it later can judge it.
 */
#ifndef BENCH_CALLBACK_H
#define BENCH_CALLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALLBACK_MERCHANT "testbox"
#define CALLBACK_PASSWORD "made-up-password-of-testbox"
#define CALLBACK_TEXT	  32

/* Requests, head and body, for payments first to first + n - 1, of so many
 * merchants in turn: CALLBACK_MERCHANT, and those whose names go on with 1 and
 * so forth.  All have one password. */
struct callbacks {
	uint32_t first, n;
	char **requests; /* each behind the one before, all in one block */
	size_t *lens;
	char *block;
};

void callbacks_make(
    struct callbacks *c, uint32_t first, uint32_t n, uint32_t merchants);
void callbacks_free(struct callbacks *c);

void callback_invoice(uint32_t n, char out[CALLBACK_TEXT]);
void callback_val_id(uint32_t n, char out[CALLBACK_TEXT]);
void callback_amount(uint32_t n, char out[CALLBACK_TEXT]);

/* n of an invoice ID that text begins with; false if it is none of ours. */
bool callback_number(const char *text, uint32_t *n);

#endif
