#include "intake/intake.h"

#include <assert.h>
#include <stdlib.h>

#include "base/secret.h"
#include "base/taint.h"
#include "intake/form.h"
#include "intake/identity.h"
#include "intake/minimize.h"
#include "intake/sslcommerz.h"

struct intake {
	struct sslcommerz sslcommerz;
	struct identity identity;
	struct form form; /* all zero but during a call */
};

enum status
intake_new(
    struct intake **out, const unsigned char identity_key[32], struct err *e)
{
	struct intake *in = calloc(1, sizeof(*in));

	*out = NULL;
	if (in == NULL || sslcommerz_init(&in->sslcommerz) != ST_OK ||
	    identity_init(&in->identity, identity_key) != ST_OK) {
		intake_free(in);
		err_set(e, "no memory for the digests");
		return ST_NO_MEMORY;
	}
	*out = in;
	return ST_OK;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	sslcommerz_fini(&in->sslcommerz);
	identity_fini(&in->identity);
	free(in);
}

/* ---- judging one callback */

static enum status
refuse(enum refusal *why, enum refusal r)
{
	*why = r;
	return ST_BAD_INPUT;
}

/* What receipts are made of, and what a decision rests on. */
static bool
is_needed(struct bytes name, const struct merchant_rules *m)
{
	static const char *const needed[] = { "status", "store_id", "val_id",
		"tran_id", "tran_date", "currency", "amount", "currency_type",
		"currency_amount" };

	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (bytes_is(name, needed[i]))
			return true;
	}
	return bytes_is(name, sslcommerz_invoice_field(m->invoice_field));
}

static void
taint_values(const struct form *f, const struct merchant_rules *m)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct form_field *field = &f->fields[i];

		if (!is_needed(field->name, m))
			TAINT_DROPPED(field->value.ptr, field->value.len);
	}
}

/* Only what is needed stays in the form: nobody can look up the rest, or see
 * what names and lengths it had. */
static void
narrow(struct form *f, const struct merchant_rules *m)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct bytes name = f->fields[i].name;

		if (is_needed(name, m))
			f->fields[n++] = f->fields[i];
		else
			TAINT_DROPPED(name.ptr, name.len);
	}
	TAINT_DROPPED(&f->fields[n], (f->n - n) * sizeof(f->fields[0]));
	f->n = n;
}

/* Everything that does not look at what the callback says.  f holds what is
 * needed afterwards. */
static enum status
authenticate(
    struct intake *in, const struct edge_merchant *m, enum refusal *why)
{
	struct form *f = &in->form;
	struct sslcommerz_list l;
	bool ambiguous;
	enum status st;

	if (!bytes_is(form_value(f, "store_id"), m->rules.store_id))
		return refuse(why, REFUSAL_MERCHANT);
	st = sslcommerz_names(f, why);
	if (st == ST_OK)
		st = sslcommerz_list(f, &l, why);
	if (st == ST_OK)
		st = sslcommerz_covers(f, &l, m, why);
	if (st != ST_OK)
		return st;
	/* The last rule about the form of values. */
	ambiguous = sslcommerz_ambiguous(f, &l);
	taint_values(f, &m->rules);
	st = sslcommerz_verify(&in->sslcommerz, f, &l, m, why);
	narrow(f, &m->rules);
	/* Where the provider is asked back, a doubtful callback is as good a
	 * hint as any; where not, nothing else would catch a splice. */
	if (st == ST_OK && m->rules.confirm == CONFIRM_OFF && ambiguous)
		st = refuse(why, REFUSAL_AMBIGUOUS);
	return st;
}

/* What SSLCommerz can be asked by. */
static void
take_question(const struct form *f, const struct merchant_rules *m,
    struct intake_result *out)
{
	bool fits = true;

	if (m->confirm != CONFIRM_REQUIRED)
		return;
	fits = receipt_text(
	    out->val_id, sizeof(out->val_id), form_value(f, "val_id"));
	if (fits && m->invoice_field != INVOICE_TRAN_ID)
		fits = receipt_text(out->tran_id, sizeof(out->tran_id),
		    form_value(f, "tran_id"));
	assert(fits); /* their grammar has a length */
}

static enum status
judge(struct intake *in, const struct edge_merchant *m, unsigned char *body,
    size_t len, int64_t received_us, struct intake_result *out)
{
	enum status st = form_parse(&in->form, body, len, &out->refusal);

	if (st != ST_OK)
		return st;
	out->fields = (unsigned)in->form.n;
	st = authenticate(in, m, &out->refusal);
	if (st != ST_OK)
		return st;
	if (!sslcommerz_status(form_value(&in->form, "status"), &out->status))
		return refuse(&out->refusal, REFUSAL_STATUS);
	if (!sslcommerz_paid(out->status)) {
		out->verdict = VERDICT_NOT_PAID;
		return ST_OK;
	}
	out->verdict = VERDICT_PAID;
	st = minimize_receipt(&in->form, &m->rules, received_us, &in->identity,
	    &out->receipt, &out->refusal);
	if (st == ST_OK)
		take_question(&in->form, &m->rules, out);
	return st;
}

void
intake_run(struct intake *in, const struct edge_merchant *m,
    unsigned char *body, size_t len, int64_t received_us,
    struct intake_result *out)
{
	enum status st;

	memset(out, 0, sizeof(*out));
	st = judge(in, m, body, len, received_us, out);
	if (st == ST_BAD_INPUT)
		out->verdict = VERDICT_REFUSED;
	else if (st != ST_OK)
		out->verdict = VERDICT_UNABLE;
	form_wipe(&in->form);
	secret_wipe(body, len);
}

bool
intake_guarded(enum refusal r)
{
	return r >= REFUSAL_INVOICE_CARD && r <= REFUSAL_INVOICE_PHONE;
}

const char *
refusal_word(enum refusal r)
{
	static const char *const words[REFUSALS] = {
#define REFUSAL(name, word) [REFUSAL_##name] = word,
#include "base/refusal.def"
#undef REFUSAL
	};

	return r < REFUSALS ? words[r] : "unknown";
}

/* ---- judging one payment of an answer */

/* The members that are needed, as the form of a callback.  false when one of
 * them is there twice; so there are never more than a form holds. */
static bool
gather(struct form *f, const struct merchant_rules *m,
    const struct intake_member *members, size_t n)
{
	f->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_needed(members[i].name, m) &&
		    !bytes_is(members[i].name, "risk_level")) {
			TAINT_DROPPED(
			    members[i].value.ptr, members[i].value.len);
			TAINT_DROPPED(members[i].name.ptr, members[i].name.len);
			continue;
		}
		if (form_find(f, members[i].name) != NULL)
			return false;
		f->fields[f->n++] =
		    (struct form_field){ .name = members[i].name,
			    .value = members[i].value };
	}
	return true;
}

static enum reason
say(const struct form *f, const struct merchant_rules *m)
{
	enum reason r = sslcommerz_answer(form_value(f, "status"));
	struct bytes store = form_value(f, "store_id");
	struct bytes risk = form_value(f, "risk_level");

	if (store.len > 0 && !bytes_is(store, m->store_id))
		return r == REASON_PAID ? REASON_STORE : REASON_NONSENSE;
	if (r == REASON_PAID && risk.len > 0 && !bytes_is(risk, "0"))
		return REASON_RISK;
	return r;
}

enum status
intake_answer(struct intake *in, const struct merchant_rules *m,
    const struct intake_member *members, size_t n, int64_t received_us,
    struct intake_payment *out)
{
	const struct form *f = &in->form;
	enum refusal why = REFUSALS;
	enum status st = ST_OK;

	memset(out, 0, sizeof(*out));
	out->reason = REASON_NONSENSE;
	if (!gather(&in->form, m, members, n))
		goto out;
	out->reason = say(f, m);
	if (out->reason == REASON_PAID || out->reason == REASON_RISK)
		st = minimize_answer(
		    f, m, received_us, &in->identity, &out->receipt, &why);
	else
		st = minimize_id(f, m, &in->identity, &out->receipt.id);
	if (st == ST_OK)
		goto out;
	out->reason = intake_guarded(why) ? REASON_GUARD : REASON_NONSENSE;
	if (st == ST_BAD_INPUT)
		st = minimize_id(f, m, &in->identity, &out->receipt.id);
out:
	form_wipe(&in->form);
	return st;
}

/* ---- signing a recorded callback again */

struct resign {
	struct sslcommerz sslcommerz;
	struct form form; /* of a copy; in the order of the body */
	struct sslcommerz_list list;
	const struct edge_merchant *was, *now;
};

static const char *
password(const struct edge_merchant *m, enum sslcommerz_digest d, size_t p)
{
	return d == SSLCOMMERZ_MD5 ? m->md5[p] : m->sha256[p];
}

/* Write hex over the value of the body's field number `index`, byte for byte
 * or, where the sender has escaped a digit, escape for escape. */
static void
overwrite(unsigned char *body, size_t len, size_t index, const char *hex)
{
	const unsigned char *end = body + len;
	unsigned char *at = body;

	for (; index > 0; index--)
		at = (unsigned char *)memchr(at, '&', (size_t)(end - at)) + 1;
	at = (unsigned char *)memchr(at, '=', (size_t)(end - at)) + 1;
	for (; *hex != '\0'; hex++) {
		char code[3];

		if (*at != '%') {
			*at++ = (unsigned char)*hex;
			continue;
		}
		secret_hex((const unsigned char *)hex, 1, code);
		memcpy(at + 1, code, 2);
		at += 3;
	}
}

static enum status
resign(
    struct resign *r, enum sslcommerz_digest d, unsigned char *body, size_t len)
{
	const struct form_field *claim =
	    form_find(&r->form, bytes_of(sslcommerz_digest_field(d)));
	char hex[SECRET_SHA256_HEX] = "";
	enum status st = ST_OK;
	bool right = false;

	if (claim == NULL)
		return ST_OK;
	for (size_t p = 0; !right && p < r->was->n_passwords; p++) {
		st = sslcommerz_sign(&r->sslcommerz, d, &r->form, &r->list,
		    password(r->was, d, p), hex);
		if (st != ST_OK)
			goto out;
		right = bytes_is(claim->value, hex);
	}
	if (right) {
		st = sslcommerz_sign(&r->sslcommerz, d, &r->form, &r->list,
		    password(r->now, d, 0), hex);
		if (st == ST_OK)
			overwrite(
			    body, len, (size_t)(claim - r->form.fields), hex);
	}
out:
	secret_wipe(hex, sizeof(hex));
	return st;
}

enum status
intake_resign(unsigned char *body, size_t len, const struct edge_merchant *was,
    const struct edge_merchant *now)
{
	struct resign *r = calloc(1, sizeof(*r));
	unsigned char *copy = malloc(len > 0 ? len : 1);
	enum status st = ST_NO_MEMORY;
	enum refusal why;

	if (r == NULL || copy == NULL ||
	    sslcommerz_init(&r->sslcommerz) != ST_OK)
		goto out;
	r->was = was;
	r->now = now;
	if (len > 0)
		memcpy(copy, body, len);
	st = form_parse(&r->form, copy, len, &why);
	if (st != ST_OK)
		goto out;
	/* Under a list that cannot be read no digest is right. */
	if (sslcommerz_list(&r->form, &r->list, &why) != ST_OK)
		goto out;
	for (unsigned d = 0; st == ST_OK && d < SSLCOMMERZ_DIGESTS; d++)
		st = resign(r, (enum sslcommerz_digest)d, body, len);
out:
	if (r != NULL) {
		sslcommerz_fini(&r->sslcommerz);
		form_wipe(&r->form);
	}
	free(r);
	if (copy != NULL)
		secret_wipe(copy, len);
	free(copy);
	return st;
}
