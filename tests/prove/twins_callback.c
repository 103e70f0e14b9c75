#include "twins_callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/secret.h"

#define MOST_FIELDS 60
#define VALUE	    1024

struct field {
	char name[32];
	char value[VALUE];
	bool is_signed;
};

/* What both sides have, and the field that it is in. */
struct kept {
	enum twins_kind kind;
	bool asked; /* currency_type and currency_amount are there */
	char amount[24], invoice[40], val_id[40], date[20];
	const char *currency, *status;
};

struct side {
	uint64_t random;
	unsigned escapes; /* of 8 bytes that need none */
	size_t n;
	struct field fields[MOST_FIELDS];
};

/* ---- numbers (splitmix64) */

static uint64_t
next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned
below(uint64_t *state, unsigned n)
{
	return (unsigned)(next(state) % n);
}

/* ---- what is kept */

static void
keep(struct kept *k, uint64_t *random, uint64_t n)
{
	static const char *const paid[] = { "VALID", "VALIDATED" };
	static const char *const unpaid[] = { "FAILED", "CANCELLED", "EXPIRED",
		"UNATTEMPTED" };
	static const char *const currencies[] = { "BDT", "USD", "EUR" };
	unsigned kind = below(random, 100);

	k->kind = kind < 70   ? TWINS_PAID
		  : kind < 80 ? TWINS_NOT_PAID
			      : (enum twins_kind)(kind % TWINS_REFUSALS);
	k->asked = below(random, 2) == 0;
	k->currency = currencies[below(random, 3)];
	k->status = k->kind == TWINS_NOT_PAID ? unpaid[below(random, 4)]
					      : paid[below(random, 2)];
	(void)snprintf(k->amount, sizeof(k->amount), "%u.%02u",
	    1 + below(random, 500000), below(random, 100));
	/* Some payments come again. */
	if (below(random, 16) == 0)
		n -= n > 0;
	(void)snprintf(
	    k->invoice, sizeof(k->invoice), "INV-%llu", (unsigned long long)n);
	(void)snprintf(
	    k->val_id, sizeof(k->val_id), "2512%lluV", (unsigned long long)n);
	(void)snprintf(k->date, sizeof(k->date),
	    "2025-%02u-%02u %02u:%02u:%02u", 1 + below(random, 12),
	    1 + below(random, 28), below(random, 24), below(random, 60),
	    below(random, 60));
	if (k->kind == TWINS_AMOUNT)
		(void)snprintf(k->amount, sizeof(k->amount), "12,00");
	else if (k->kind == TWINS_DATE)
		(void)snprintf(k->date, sizeof(k->date), "2025-13-02 00:00:00");
	else if (k->kind == TWINS_CARD)
		(void)snprintf(
		    k->invoice, sizeof(k->invoice), "4111111111111111");
	else if (k->kind == TWINS_STATUS)
		k->status = "PERHAPS";
}

/* ---- what is not */

/* Text of any length; "& " can be no boundary and is no end. */
static void
text(uint64_t *random, char out[VALUE])
{
	static const char *const pieces[] = { "0", "1", "2", "3", "4", "5", "6",
		"7", "8", "9", "X", "a", "b", "z", " ", "+", "=", "%", "@", ",",
		"& ", "/", "\"", "\\", "\xe0\xa6\xac", "\xc3\xa9" };
	size_t want =
	    below(random, 8) == 0 ? below(random, 400) : below(random, 40);
	size_t len = 0;

	while (len < want) {
		const char *p = pieces[below(random, ARRAY_LEN(pieces))];

		memcpy(out + len, p, strlen(p));
		len += strlen(p);
	}
	out[len] = '\0';
}

static struct field *
find(struct side *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->fields[i].name, name) == 0)
			return &s->fields[i];
	}
	return NULL;
}

static struct field *
add(struct side *s, const char *name, const char *value, bool is_signed)
{
	struct field *f = find(s, name);

	if (f != NULL)
		return f;
	if (s->n == MOST_FIELDS)
		abort();
	f = &s->fields[s->n++];
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	(void)snprintf(f->value, sizeof(f->value), "%s", value);
	f->is_signed = is_signed;
	return f;
}

static void
add_dropped(struct side *s)
{
	/* The first ones have to be signed where they are there. */
	static const char *const names[] = { "currency_rate", "risk_level",
		"bank_tran_id", "store_amount", "card_type", "card_no",
		"card_issuer", "card_brand", "card_issuer_country", "error",
		"card_issuer_country_code", "base_fair", "risk_title",
		"value_a", "value_b", "value_c", "value_d", "cus_name",
		"cus_email", "cus_phone", "cvv" };
	char value[VALUE], name[32];
	unsigned extras = below(&s->random, 12);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (below(&s->random, 4) == 0)
			continue;
		text(&s->random, value);
		(void)add(
		    s, names[i], value, i < 4 || below(&s->random, 4) != 0);
	}
	for (unsigned i = 0; i < extras; i++) {
		(void)snprintf(name, sizeof(name), "x%u_%u", i,
		    below(&s->random, 1u << below(&s->random, 30)));
		text(&s->random, value);
		(void)add(s, name, value, below(&s->random, 2) == 0);
	}
	/* Each side has a card number, and no two the same. */
	(void)snprintf(value, sizeof(value), "%016llu",
	    (unsigned long long)(next(&s->random) % 10000000000000000));
	(void)snprintf(add(s, "card_no", "", true)->value, VALUE, "%s", value);
}

static void
add_kept(struct side *s, const struct kept *k, const char *invoice_name)
{
	char settled[VALUE];

	(void)add(s, invoice_name, k->invoice, true);
	(void)add(s, "tran_id", "T-1", true);
	(void)add(s, "val_id", k->val_id, true);
	(void)add(s, "tran_date", k->date, true);
	(void)add(s, "status", k->status, true);
	(void)add(s, "store_id",
	    k->kind == TWINS_STRANGER ? "another" : "testbox", true);
	if (!k->asked) {
		(void)add(s, "currency", k->currency, true);
		(void)add(s, "amount", k->amount, true);
		return;
	}
	(void)add(s, "currency_type", k->currency, true);
	(void)add(s, "currency_amount", k->amount, true);
	/* What is settled then is not kept. */
	text(&s->random, settled);
	(void)add(s, "currency", settled, true);
	text(&s->random, settled);
	(void)add(s, "amount", settled, true);
}

/* ---- signing */

static int
by_name(const void *a, const void *b)
{
	const struct field *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void
sign(struct side *s, const char *password, bool md5, char *out)
{
	const struct field *order[MOST_FIELDS + 1];
	struct field secret = { .name = "store_passwd" };
	enum status st;
	struct buf b;
	size_t n = 0;

	buf_init(&b, 65536);
	(void)snprintf(secret.value, VALUE, "%s", password);
	for (size_t i = 0; i < s->n; i++) {
		if (s->fields[i].is_signed)
			order[n++] = &s->fields[i];
	}
	order[n++] = &secret;
	qsort(order, n, sizeof(*order), by_name);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s=%s", i > 0 ? "&" : "", order[i]->name,
		    order[i]->value);
	st = md5 ? secret_md5_hex(b.data, b.len, out)
		 : secret_sha256_hex(b.data, b.len, out);
	if (st != ST_OK || buf_status(&b) != ST_OK)
		abort();
	buf_fini(&b);
}

static void
shuffle(struct side *s)
{
	for (size_t i = s->n; i > 1; i--) {
		size_t j = below(&s->random, (unsigned)i);
		struct field f = s->fields[j];

		s->fields[j] = s->fields[i - 1];
		s->fields[i - 1] = f;
	}
}

static void
add_signature(struct side *s, enum twins_kind kind)
{
	char md5[SECRET_MD5_HEX], sha256[SECRET_SHA256_HEX];
	char sign_md5[SECRET_MD5_HEX], sign_sha256[SECRET_SHA256_HEX];
	char list[4096] = "";
	size_t at = 0;

	if (secret_md5_hex(TWINS_PASSWORD, strlen(TWINS_PASSWORD), md5) !=
		ST_OK ||
	    secret_sha256_hex(TWINS_PASSWORD, strlen(TWINS_PASSWORD), sha256) !=
		ST_OK)
		abort();
	if (kind == TWINS_FORGED)
		sha256[0] = 'x';
	sign(s, md5, true, sign_md5);
	sign(s, sha256, false, sign_sha256);
	for (size_t i = 0; i < s->n; i++) {
		if (s->fields[i].is_signed)
			at += (size_t)snprintf(list + at, sizeof(list) - at,
			    "%s%s", at > 0 ? "," : "", s->fields[i].name);
	}
	if (below(&s->random, 2) == 0)
		(void)add(s, "verify_sign", sign_md5, false);
	(void)add(s, "verify_sign_sha2", sign_sha256, false);
	if (kind != TWINS_NO_LIST) {
		struct field *f = add(s, "verify_key", "", false);

		if (at >= sizeof(f->value))
			abort();
		memcpy(f->value, list, at + 1);
	}
}

/* ---- encoding */

static bool
is_plain(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.' ||
	       c == ',' || c == ':' || c == '/';
}

static void
encode(struct side *s, const char *value, struct buf *out)
{
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == ' ' && below(&s->random, 2) == 0)
			buf_append_text(out, "+");
		else if (is_plain(c) && below(&s->random, 8) >= s->escapes)
			buf_append(out, value, 1);
		else
			buf_printf(out,
			    below(&s->random, 2) == 0 ? "%%%02X" : "%%%02x", c);
	}
}

static void
make_head(struct side *s, struct buf *head, size_t body_len)
{
	char value[VALUE];
	unsigned extras = below(&s->random, 6);

	buf_printf(head, "POST /ipn/testbox HTTP/1.1\r\nHost: h%u\r\n",
	    below(&s->random, 100000));
	for (unsigned i = 0; i < extras; i++) {
		size_t len = below(&s->random, 60);

		for (size_t j = 0; j < len; j++)
			value[j] = (char)('!' + below(&s->random, 94));
		value[len] = '\0';
		buf_printf(head, "%s-%u: %s\r\n",
		    i == 0 ? "User-Agent" : "X-Some", i, value);
	}
	buf_printf(head, "%s: application/x-www-form-urlencoded%s\r\n",
	    below(&s->random, 2) == 0 ? "Content-Type" : "content-type",
	    below(&s->random, 2) == 0 ? "" : "; charset=UTF-8");
	buf_printf(head, "Content-Length: %zu\r\n\r\n", body_len);
}

void
twins_make(struct twins_callback *c, uint64_t seed, uint64_t n, int side,
    enum invoice_field invoice_field)
{
	uint64_t common = seed ^ (n + 1) * UINT64_C(0xd1342543de82ef95);
	struct side *s = calloc(1, sizeof(*s));
	struct kept k;

	if (s == NULL)
		abort();
	keep(&k, &common, n);
	s->random = next(&common) + (uint64_t)side;
	(void)next(&s->random);
	s->escapes = below(&s->random, 9);
	add_kept(
	    s, &k, invoice_field == INVOICE_VALUE_B ? "value_b" : "tran_id");
	add_dropped(s);
	if (k.kind == TWINS_UNSIGNED)
		find(s, "tran_date")->is_signed = false;
	shuffle(s);
	add_signature(s, k.kind);
	shuffle(s);
	c->kind = k.kind;
	buf_init(&c->head, 8192);
	buf_init(&c->body, 65536);
	for (size_t i = 0; i < s->n; i++) {
		buf_printf(
		    &c->body, "%s%s=", i > 0 ? "&" : "", s->fields[i].name);
		encode(s, s->fields[i].value, &c->body);
		if (k.kind == TWINS_CONTROL && i + 1 == s->n)
			buf_append_text(&c->body, "%07");
	}
	make_head(s, &c->head, c->body.len);
	c->cut = below(&s->random, (unsigned)c->body.len);
	if (buf_status(&c->body) != ST_OK || buf_status(&c->head) != ST_OK)
		abort();
	free(s);
}

void
twins_unmake(struct twins_callback *c)
{
	buf_fini(&c->head);
	buf_fini(&c->body);
}
