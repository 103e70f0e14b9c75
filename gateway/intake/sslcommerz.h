/*
 * SSLCommerz's signature, its field names and its status words.
 *
 * verify_key lists the signed names, but the sender chooses it and nothing
 * signs it, and pairs are joined without escaping.  So a digest counts only
 * together with the rules here: names of one pattern, each once, all that
 * matters among the signed ones, and no value that could hide a boundary.
 *
 * Functions that judge give ST_OK, ST_BAD_INPUT with *why, or ST_NO_MEMORY.
 * Pure but for the digest contexts; one object belongs to one thread.
 */
#ifndef INTAKE_SSLCOMMERZ_H
#define INTAKE_SSLCOMMERZ_H

#include <openssl/evp.h>

#include "intake/form.h"

enum sslcommerz_digest {
	SSLCOMMERZ_MD5,
	SSLCOMMERZ_SHA256,
	SSLCOMMERZ_DIGESTS
};

struct sslcommerz {
	EVP_MD_CTX *ctx[SSLCOMMERZ_DIGESTS];
	/* What is hashed; all zero but during a call. */
	unsigned char text[FORM_BODY + 128];
};

/* The signed fields of one form, in the order in which they are hashed. */
struct sslcommerz_list {
	size_t n;
	unsigned char order[FORM_FIELDS]; /* indices into form.fields */
	size_t password_at;		  /* it is hashed before order[this] */
	size_t stripped; /* '&' at the end of the last that are not hashed */
	bool is_signed[FORM_FIELDS]; /* by index into form.fields */
};

/* ST_NO_MEMORY: nothing is held.  Otherwise sslcommerz_fini() by the caller. */
MUST_USE enum status sslcommerz_init(struct sslcommerz *s);
void sslcommerz_fini(struct sslcommerz *s);

/* Name of the field that carries a digest: "verify_sign", ... */
const char *sslcommerz_digest_field(enum sslcommerz_digest d);

/* Does every name of the form keep to [a-z][a-z0-9_]{0,63}?  Refusal: NAME. */
MUST_USE enum status sslcommerz_names(const struct form *f, enum refusal *why);

/*
 * Read verify_key.  Refusals: NAME for a name outside the pattern; KEY_LIST
 * when there is none, or it has a name twice, one that the form lacks,
 * store_passwd or verify_*.  *out holds indices only.
 */
MUST_USE enum status sslcommerz_list(
    const struct form *f, struct sslcommerz_list *out, enum refusal *why);

/* Is everything signed that m's receipts are made of and that the decision
 * rests on?  Refusal: UNSIGNED. */
MUST_USE enum status
sslcommerz_covers(const struct form *f, const struct sslcommerz_list *l,
    const struct edge_merchant *m, enum refusal *why);

/* The digest of the listed fields and a password, given as the hex of its
 * own digest of the same kind.  hex is the caller's to wipe. */
MUST_USE enum status
sslcommerz_sign(struct sslcommerz *s, enum sslcommerz_digest d,
    const struct form *f, const struct sslcommerz_list *l, const char *password,
    char hex[SECRET_SHA256_HEX]);

/* Are all digests that the form carries right under one password of m, and
 * are they enough?  Refusals: NO_DIGEST, DIGEST. */
MUST_USE enum status sslcommerz_verify(struct sslcommerz *s,
    const struct form *f, const struct sslcommerz_list *l,
    const struct edge_merchant *m, enum refusal *why);

/* Could the same digest belong to other fields?  True when a signed value
 * holds "&name=" or the last one ends in '&', which the sender strips. */
bool
sslcommerz_ambiguous(const struct form *f, const struct sslcommerz_list *l);

/* false when word is none that is known. */
MUST_USE bool sslcommerz_status(struct bytes word, enum callback_status *out);

/* What the status word of an answer comes to: PAID, UNPAID, PENDING or
 * UNKNOWN; NONSENSE for one that is none. */
enum reason sslcommerz_answer(struct bytes word);

/* Does the status say that money came? */
bool sslcommerz_paid(enum callback_status st);

/* Name of the field that holds the invoice ID: "tran_id", "value_a", ... */
const char *sslcommerz_invoice_field(enum invoice_field which);

#endif
