/*
 * Any bytes as a callback: the body is wiped, and what passes is a valid
 * receipt, the one that the slow reading of the rules (naive.h) makes of it;
 * what that refuses does not pass.
 *
 * Nobody guesses a digest, so each input runs a second time with the digests
 * put right where it has room for them; otherwise nothing behind the
 * signature would ever be reached.  The seeds are the recorded callbacks.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "intake/form.h"
#include "intake/sslcommerz.h"
#include "naive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char password[] = "made-up";
static struct intake *intake;
static struct sslcommerz signer;

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
set_up(void)
{
	static const unsigned char key[32] = { 1 };

	require(intake_new(&intake, key, NULL) == ST_OK);
	require(sslcommerz_init(&signer) == ST_OK);
}

/* In memory of its own, so that reading beyond size is seen. */
static unsigned char *
copy_of(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size > 0 ? size : 1);

	require(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* A shape that the guard does not let through is no matter of naive.h. */
static void
compare(const struct edge_merchant *m, const struct intake_result *r,
    enum naive_verdict v, const struct naive_receipt *n)
{
	if (r->verdict == VERDICT_REFUSED && intake_guarded(r->refusal))
		return;
	require((int)v == (int)r->verdict);
	if (v != NAIVE_PAID)
		return;
	require(strcmp(n->currency, r->receipt.currency) == 0 &&
		strcmp(n->invoice_id, r->receipt.invoice_id) == 0 &&
		n->amount_minor == r->receipt.amount_minor &&
		n->paid_at_us == r->receipt.paid_at_us);
	if (m->rules.confirm == CONFIRM_REQUIRED)
		require(strcmp(n->val_id, r->val_id) == 0);
}

static void
judge(const struct edge_merchant *m, unsigned char *body, size_t size)
{
	static const struct receipt none;
	struct naive_receipt n;
	enum naive_verdict v =
	    naive_judge(&(struct naive_merchant){ .store_id = m->rules.store_id,
			    .passwords = { password },
			    .invoice_field = sslcommerz_invoice_field(
				m->rules.invoice_field),
			    .settled = m->rules.amount_field == AMOUNT_SETTLED,
			    .md5_only = m->rules.md5_only,
			    .asked = m->rules.confirm == CONFIRM_REQUIRED },
		body, size, &n);
	struct intake_result r;

	intake_run(intake, m, body, size, INT64_C(1770698581123456), &r);
	for (size_t i = 0; i < size; i++)
		require(body[i] == 0);
	require(r.verdict <= VERDICT_REFUSED && r.refusal < REFUSALS);
	require(r.status < CALLBACK_STATUSES && r.fields <= FORM_FIELDS);
	compare(m, &r, v, &n);
	if (r.verdict == VERDICT_PAID)
		require(receipt_valid(&r.receipt) && sslcommerz_paid(r.status));
	else
		require(memcmp(&r.receipt, &none, sizeof(none)) == 0);
}

/* Overwrite what stands behind "name=" with the right digest. */
static void
put_digest(const struct form *f, const struct sslcommerz_list *l,
    const struct edge_merchant *m, enum sslcommerz_digest d,
    unsigned char *body, size_t size)
{
	const char *name = sslcommerz_digest_field(d);
	const char *key = d == SSLCOMMERZ_MD5 ? m->md5[0] : m->sha256[0];
	char hex[SECRET_SHA256_HEX], lead[32];
	unsigned char *at;
	size_t room;

	(void)snprintf(lead, sizeof(lead), "&%s=", name);
	at = memmem(body, size, lead, strlen(lead));
	if (at == NULL)
		return;
	at += strlen(lead);
	room = size - (size_t)(at - body);
	require(sslcommerz_sign(&signer, d, f, l, key, hex) == ST_OK);
	if (room >= strlen(hex))
		memcpy(at, hex, strlen(hex));
}

static void
signing_again_changes_nothing(
    const struct edge_merchant *m, unsigned char *body, size_t size)
{
	unsigned char *once = copy_of(body, size);
	enum status st = intake_resign(body, size, m, m);

	require(st == ST_OK || st == ST_BAD_INPUT);
	require(memcmp(once, body, size) == 0);
	free(once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct edge_merchant m = { .rules.store_id = "testbox",
		.n_passwords = 1,
		.rules.confirm = size % 3 == 0 ? CONFIRM_REQUIRED : CONFIRM_OFF,
		.rules.amount_field =
		    size % 7 == 0 ? AMOUNT_SETTLED : AMOUNT_REQUESTED,
		.rules.invoice_field = (enum invoice_field)(size % 5),
		.rules.md5_only = size % 2 == 0 };
	unsigned char *copy = copy_of(data, size), *body = copy_of(data, size);
	struct sslcommerz_list l;
	struct form f;
	enum refusal why;

	if (intake == NULL)
		set_up();
	require(secret_md5_hex(password, strlen(password), m.md5[0]) == ST_OK);
	require(secret_sha256_hex(password, strlen(password), m.sha256[0]) ==
		ST_OK);
	if (form_parse(&f, copy, size, &why) == ST_OK) {
		struct bytes store = form_value(&f, "store_id");

		if (receipt_merchant_valid(store))
			require(receipt_text(
			    m.rules.store_id, sizeof(m.rules.store_id), store));
		if (sslcommerz_list(&f, &l, &why) == ST_OK) {
			put_digest(&f, &l, &m, SSLCOMMERZ_MD5, body, size);
			put_digest(&f, &l, &m, SSLCOMMERZ_SHA256, body, size);
		}
	}
	signing_again_changes_nothing(&m, body, size);
	judge(&m, body, size);
	if (size > 0)
		memcpy(copy, data, size);
	judge(&m, copy, size);
	free(copy);
	free(body);
	return 0;
}
