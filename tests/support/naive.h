/*
 * The rules of what is accepted once more: slow, obvious, and written from
 * README's "What is accepted" instead of the gateway's code.
 *
 * Every value is copied, every name is searched for, the text that is signed
 * is put together and hashed in one piece.  What this refuses the gateway must
 * not take, and the other way round.  Rule 11, the shape of invoice IDs, is
 * not in it.  Any thread.
 */
#ifndef SUPPORT_NAIVE_H
#define SUPPORT_NAIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum naive_verdict { NAIVE_PAID, NAIVE_NOT_PAID, NAIVE_REFUSED };

struct naive_merchant {
	const char *store_id;
	const char *passwords[2]; /* as they are; the second may be NULL */
	const char *invoice_field;
	bool settled;	      /* amount_field */
	bool md5_only, asked; /* asked: confirm = required */
};

struct naive_receipt {
	char currency[4], invoice_id[65], val_id[65];
	int64_t amount_minor, paid_at_us;
};

/* out is zero unless it is paid. */
enum naive_verdict naive_judge(const struct naive_merchant *m,
    const unsigned char *body, size_t len, struct naive_receipt *out);

#endif
