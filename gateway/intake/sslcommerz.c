#include "intake/sslcommerz.h"

#include "base/secret.h"
#include "base/taint.h"

#define NAME_MAX_LEN 64

static const char password_name[] = "store_passwd";

static const struct {
	const char *field;
	const EVP_MD *(*kind)(void);
	size_t raw;
} digests[SSLCOMMERZ_DIGESTS] = {
	[SSLCOMMERZ_MD5] = { "verify_sign", EVP_md5, 16 },
	[SSLCOMMERZ_SHA256] = { "verify_sign_sha2", EVP_sha256, 32 },
};

static const char *const status_words[CALLBACK_STATUSES] = {
	[CALLBACK_VALID] = "VALID",
	[CALLBACK_VALIDATED] = "VALIDATED",
	[CALLBACK_FAILED] = "FAILED",
	[CALLBACK_CANCELLED] = "CANCELLED",
	[CALLBACK_UNATTEMPTED] = "UNATTEMPTED",
	[CALLBACK_EXPIRED] = "EXPIRED",
};

static const char *const invoice_fields[] = {
	[INVOICE_TRAN_ID] = "tran_id",
	[INVOICE_VALUE_A] = "value_a",
	[INVOICE_VALUE_B] = "value_b",
	[INVOICE_VALUE_C] = "value_c",
	[INVOICE_VALUE_D] = "value_d",
};

static enum status
refuse(enum refusal *why, enum refusal r)
{
	*why = r;
	return ST_BAD_INPUT;
}

enum status
sslcommerz_init(struct sslcommerz *s)
{
	*s = (struct sslcommerz){ 0 };
	for (size_t d = 0; d < SSLCOMMERZ_DIGESTS; d++) {
		s->ctx[d] = EVP_MD_CTX_new();
		if (s->ctx[d] == NULL || EVP_DigestInit_ex(s->ctx[d],
					     digests[d].kind(), NULL) != 1) {
			sslcommerz_fini(s);
			return ST_NO_MEMORY;
		}
	}
	return ST_OK;
}

void
sslcommerz_fini(struct sslcommerz *s)
{
	for (size_t d = 0; d < SSLCOMMERZ_DIGESTS; d++) {
		EVP_MD_CTX_free(s->ctx[d]);
		s->ctx[d] = NULL;
	}
}

const char *
sslcommerz_digest_field(enum sslcommerz_digest d)
{
	return digests[d].field;
}

/* ---- names */

static bool
name_start(unsigned char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
name_byte(unsigned char c)
{
	return name_start(c) || (c >= '0' && c <= '9') || c == '_';
}

/* How many bytes at the start of text could be a name: 0 to its limit + 1. */
static size_t
name_length(struct bytes text)
{
	size_t n = 0;

	if (text.len == 0 || !name_start(text.ptr[0]))
		return 0;
	while (n < text.len && n <= NAME_MAX_LEN && name_byte(text.ptr[n]))
		n++;
	return n;
}

static bool
name_valid(struct bytes name)
{
	return name.len > 0 && name.len <= NAME_MAX_LEN &&
	       name_length(name) == name.len;
}

/* Ascending by bytes, a prefix first. */
static bool
name_before(struct bytes a, struct bytes b)
{
	int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return order < 0 || (order == 0 && a.len < b.len);
}

enum status
sslcommerz_names(const struct form *f, enum refusal *why)
{
	for (size_t i = 0; i < f->n; i++) {
		if (!name_valid(f->fields[i].name))
			return refuse(why, REFUSAL_NAME);
	}
	return ST_OK;
}

/* ---- verify_key */

/* Names that are never signed, so whoever lists them is up to something. */
static bool
reserved(struct bytes name)
{
	static const char prefix[] = "verify_";
	size_t len = sizeof(prefix) - 1;

	return bytes_is(name, password_name) ||
	       (name.len >= len && memcmp(name.ptr, prefix, len) == 0);
}

static enum status
add_signed(const struct form *f, struct bytes name, struct sslcommerz_list *l,
    enum refusal *why)
{
	const struct form_field *field;
	size_t index, at = l->n;

	if (!name_valid(name))
		return refuse(why, REFUSAL_NAME);
	field = form_find(f, name);
	if (reserved(name) || field == NULL)
		return refuse(why, REFUSAL_KEY_LIST);
	index = (size_t)(field - f->fields);
	if (l->is_signed[index])
		return refuse(why, REFUSAL_KEY_LIST);
	l->is_signed[index] = true;
	/* Genuine lists come sorted, so this rarely moves anything. */
	while (at > 0 && name_before(name, f->fields[l->order[at - 1]].name)) {
		l->order[at] = l->order[at - 1];
		at--;
	}
	l->order[at] = (unsigned char)index;
	l->n++;
	if (name_before(name, bytes_of(password_name)))
		l->password_at++;
	return ST_OK;
}

/* The sender strips the end of the whole text: '=' ends the search. */
static size_t
stripped(const struct form *f, const struct sslcommerz_list *l)
{
	struct bytes last = form_pair(&f->fields[l->order[l->n - 1]]);
	size_t n = 0;

	if (l->password_at == l->n) /* the password is the end */
		return 0;
	while (last.ptr[last.len - 1 - n] == '&')
		n++;
	return n;
}

enum status
sslcommerz_list(
    const struct form *f, struct sslcommerz_list *out, enum refusal *why)
{
	struct bytes rest = form_value(f, "verify_key");

	*out = (struct sslcommerz_list){ 0 };
	if (rest.len == 0)
		return refuse(why, REFUSAL_KEY_LIST);
	for (;;) {
		const unsigned char *comma = memchr(rest.ptr, ',', rest.len);
		size_t len =
		    comma == NULL ? rest.len : (size_t)(comma - rest.ptr);

		if (add_signed(f, bytes_make(rest.ptr, len), out, why) != ST_OK)
			return ST_BAD_INPUT;
		if (comma == NULL)
			break;
		rest = bytes_make(comma + 1, rest.len - len - 1);
	}
	out->stripped = stripped(f, out);
	return ST_OK;
}

/* ---- coverage */

static bool
is_signed(const struct form *f, const struct sslcommerz_list *l,
    const struct form_field *field)
{
	return field != NULL && l->is_signed[field - f->fields];
}

enum status
sslcommerz_covers(const struct form *f, const struct sslcommerz_list *l,
    const struct edge_merchant *m, enum refusal *why)
{
	static const char *const always[] = { "amount", "currency", "status",
		"store_id", "tran_date", "tran_id" };
	const char *const carried[] = { "currency_type", "currency_amount",
		"currency_rate", "risk_level", "bank_tran_id", "store_amount",
		sslcommerz_invoice_field(m->rules.invoice_field) };
	enum callback_status st;

	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		if (!is_signed(f, l, form_find(f, bytes_of(always[i]))))
			return refuse(why, REFUSAL_UNSIGNED);
	}
	if (sslcommerz_status(form_value(f, "status"), &st) &&
	    sslcommerz_paid(st) &&
	    !is_signed(f, l, form_find(f, bytes_of("val_id"))))
		return refuse(why, REFUSAL_UNSIGNED);
	for (size_t i = 0; i < ARRAY_LEN(carried); i++) {
		const struct form_field *field =
		    form_find(f, bytes_of(carried[i]));

		if (field != NULL && !is_signed(f, l, field))
			return refuse(why, REFUSAL_UNSIGNED);
	}
	return ST_OK;
}

/* ---- digests */

/* The canonical string on its way. */
struct canonical {
	unsigned char *at, *end;
	bool full;
};

static void
put(struct canonical *c, struct bytes text)
{
	if (text.len > (size_t)(c->end - c->at)) {
		c->full = true;
		return;
	}
	memcpy(c->at, text.ptr, text.len);
	c->at += text.len;
}

static void
put_pair(struct canonical *c, const unsigned char *start, struct bytes pair)
{
	if (c->at != start)
		put(c, bytes_make("&", 1));
	put(c, pair);
}

/* Put together first: a digest takes one long text much faster than a hundred
 * short ones.  Its length, 0 when it does not fit. */
static size_t
canonical(struct sslcommerz *s, const struct form *f,
    const struct sslcommerz_list *l, const char *password)
{
	struct canonical c = { .at = s->text,
		.end = s->text + sizeof(s->text) };

	for (size_t i = 0;; i++) {
		struct bytes pair;

		if (i == l->password_at) {
			put_pair(&c, s->text, bytes_of(password_name));
			put(&c, bytes_make("=", 1));
			put(&c, bytes_of(password));
		}
		if (i == l->n)
			break;
		pair = form_pair(&f->fields[l->order[i]]);
		if (i + 1 == l->n)
			pair.len -= l->stripped;
		put_pair(&c, s->text, pair);
	}
	return c.full ? 0 : (size_t)(c.at - s->text);
}

enum status
sslcommerz_sign(struct sslcommerz *s, enum sslcommerz_digest d,
    const struct form *f, const struct sslcommerz_list *l, const char *password,
    char hex[SECRET_SHA256_HEX])
{
	EVP_MD_CTX *ctx = s->ctx[d];
	unsigned char raw[SECRET_SHA256];
	size_t len = canonical(s, f, l, password);
	bool ok;

	/* NULL: the kind it has.  Here and not at the end, so that a failure
	 * is made good by the next call.  What the last one left are bytes of a
	 * digest: a finished context has cleared its block. */
	ok = len > 0 && EVP_DigestInit_ex(ctx, NULL, NULL) == 1 &&
	     EVP_DigestUpdate(ctx, s->text, len) == 1 &&
	     EVP_DigestFinal_ex(ctx, raw, NULL) == 1;
	/* Also what a text that did not fit has left. */
	secret_wipe(s->text, len > 0 ? len : sizeof(s->text));
	if (ok)
		secret_hex(raw, digests[d].raw, hex);
	secret_wipe(raw, sizeof(raw));
	return ok ? ST_OK : ST_NO_MEMORY;
}

/* Is the digest that field claims right?  A form without it: *right stays. */
static enum status
check(struct sslcommerz *s, enum sslcommerz_digest d, const struct form *f,
    const struct sslcommerz_list *l, const char *password, bool *right)
{
	const struct form_field *claim =
	    form_find(f, bytes_of(digests[d].field));
	char hex[SECRET_SHA256_HEX];
	enum status st;
	bool same;

	if (claim == NULL)
		return ST_OK;
	st = sslcommerz_sign(s, d, f, l, password, hex);
	if (st == ST_OK) {
		same = claim->value.len == 2 * digests[d].raw &&
		       secret_equal(claim->value.ptr, hex, 2 * digests[d].raw);
		TAINT_VERDICT(&same, sizeof(same));
		*right = *right && same;
	}
	secret_wipe(hex, sizeof(hex));
	return st;
}

enum status
sslcommerz_verify(struct sslcommerz *s, const struct form *f,
    const struct sslcommerz_list *l, const struct edge_merchant *m,
    enum refusal *why)
{
	bool md5 =
	    form_find(f, bytes_of(digests[SSLCOMMERZ_MD5].field)) != NULL;
	bool sha256 =
	    form_find(f, bytes_of(digests[SSLCOMMERZ_SHA256].field)) != NULL;

	if (!sha256 && !(md5 && m->rules.md5_only))
		return refuse(why, REFUSAL_NO_DIGEST);
	for (size_t p = 0; p < m->n_passwords; p++) {
		bool right = true;

		if (check(s, SSLCOMMERZ_MD5, f, l, m->md5[p], &right) !=
			ST_OK ||
		    check(s, SSLCOMMERZ_SHA256, f, l, m->sha256[p], &right) !=
			ST_OK)
			return ST_NO_MEMORY;
		if (right)
			return ST_OK;
	}
	return refuse(why, REFUSAL_DIGEST);
}

/* ---- ambiguity */

static bool
holds_boundary(struct bytes value)
{
	const unsigned char *end = value.ptr + value.len, *at = value.ptr;

	while ((at = memchr(at, '&', (size_t)(end - at))) != NULL) {
		size_t n;

		at++;
		n = name_length(bytes_make(at, (size_t)(end - at)));
		if (n > 0 && n <= NAME_MAX_LEN && at + n < end && at[n] == '=')
			return true;
	}
	return false;
}

bool
sslcommerz_ambiguous(const struct form *f, const struct sslcommerz_list *l)
{
	struct bytes last = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		last = f->fields[l->order[i]].value;
		if (holds_boundary(last))
			return true;
	}
	return last.len > 0 && last.ptr[last.len - 1] == '&';
}

/* ---- words */

bool
sslcommerz_status(struct bytes word, enum callback_status *out)
{
	for (unsigned i = 0; i < CALLBACK_STATUSES; i++) {
		if (bytes_is(word, status_words[i])) {
			*out = (enum callback_status)i;
			return true;
		}
	}
	return false;
}

enum reason
sslcommerz_answer(struct bytes word)
{
	static const struct {
		const char *word;
		enum reason reason;
	} words[] = { { "VALID", REASON_PAID }, { "VALIDATED", REASON_PAID },
		{ "FAILED", REASON_UNPAID }, { "CANCELLED", REASON_UNPAID },
		{ "UNATTEMPTED", REASON_UNPAID }, { "EXPIRED", REASON_UNPAID },
		{ "PENDING", REASON_PENDING }, { "PROCESSING", REASON_PENDING },
		{ "INVALID", REASON_UNKNOWN },
		{ "INVALID_TRANSACTION", REASON_UNKNOWN } };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (bytes_is(word, words[i].word))
			return words[i].reason;
	}
	return REASON_NONSENSE;
}

bool
sslcommerz_paid(enum callback_status st)
{
	return st == CALLBACK_VALID || st == CALLBACK_VALIDATED;
}

const char *
sslcommerz_invoice_field(enum invoice_field which)
{
	return invoice_fields[which];
}
