#include "callback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/secret.h"

#define INVOICE	     "BENCH-"
#define DIGITS	     9
#define MOST_REQUEST ((size_t)3072)

/* By name, as they are signed.  NULL: of the payment. */
static const struct field {
	const char *name, *value;
} fields[] = {
	{ "amount", NULL },
	{ "bank_tran_id", NULL },
	{ "base_fair", "0.00" },
	{ "card_brand", "MASTERCARD" },
	{ "card_issuer", "Invented Savings House Ltd" },
	{ "card_issuer_country", "Bangladesh" },
	{ "card_issuer_country_code", "BD" },
	{ "card_no", "544332XXXXXX7788" },
	{ "card_sub_brand", "Platinumish" },
	{ "card_type", "MASTER-Invented Savings" },
	{ "currency", "BDT" },
	{ "currency_amount", NULL },
	{ "currency_rate", "1.0000" },
	{ "currency_type", "BDT" },
	{ "error", "" },
	{ "risk_level", "0" },
	{ "risk_title", "Safe" },
	{ "status", "VALID" },
	{ "store_amount", "1121.25" },
	{ "store_id", NULL },
	{ "store_passwd", NULL }, /* signed, never sent */
	{ "tran_date", "2025-12-02 12:30:45" },
	{ "tran_id", NULL },
	{ "val_id", NULL },
	{ "value_a", "payer.person@mail.invalid" },
	{ "value_b", "+8801700998877" },
	{ "value_c", "77 Nowhere Road, Dhaka" },
	{ "value_d", "" },
};

struct text {
	char data[MOST_REQUEST];
	size_t len;
};

/* ---- what is told of payment n */

void
callback_invoice(uint32_t n, char out[CALLBACK_TEXT])
{
	(void)snprintf(out, CALLBACK_TEXT, INVOICE "%0*u", DIGITS, n);
}

void
callback_val_id(uint32_t n, char out[CALLBACK_TEXT])
{
	(void)snprintf(
	    out, CALLBACK_TEXT, "251202123045" INVOICE "%0*u", DIGITS, n);
}

void
callback_amount(uint32_t n, char out[CALLBACK_TEXT])
{
	(void)snprintf(
	    out, CALLBACK_TEXT, "%u.%02u", 100 + n % 9000, n / 9000 % 100);
}

bool
callback_number(const char *text, uint32_t *n)
{
	*n = 0;
	if (strncmp(text, INVOICE, sizeof(INVOICE) - 1) != 0)
		return false;
	text += sizeof(INVOICE) - 1;
	for (int i = 0; i < DIGITS; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*n = *n * 10 + (uint32_t)(text[i] - '0');
	}
	return true;
}

/* ---- the form */

static void
add(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if (t->len + len >= sizeof(t->data))
		abort();
	memcpy(t->data + t->len, s, len);
	t->len += len;
}

static void
add_encoded(struct text *t, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		char coded[4] = { *s, '\0', '\0', '\0' };

		if (c == ' ') {
			coded[0] = '+';
		} else if (strchr("@+,:", c) != NULL) {
			coded[0] = '%';
			coded[1] = hex[c >> 4];
			coded[2] = hex[c & 15];
		}
		add(t, coded);
	}
}

/* What is the same of all payments of a load. */
struct world {
	uint32_t merchants;
	char md5[SECRET_MD5_HEX], sha256[SECRET_SHA256_HEX]; /* the password */
};

static void
merchant_of(const struct world *w, uint32_t n, char out[CALLBACK_TEXT])
{
	uint32_t i = n % w->merchants;

	(void)snprintf(out, CALLBACK_TEXT, CALLBACK_MERCHANT);
	if (i > 0)
		(void)snprintf(out, CALLBACK_TEXT, CALLBACK_MERCHANT "%u", i);
}

static const char *
value_of(const struct world *w, const struct field *f, uint32_t n,
    const char *password, char out[CALLBACK_TEXT])
{
	if (f->value != NULL)
		return f->value;
	if (strcmp(f->name, "store_passwd") == 0)
		return password;
	if (strcmp(f->name, "store_id") == 0)
		merchant_of(w, n, out);
	else if (strcmp(f->name, "tran_id") == 0)
		callback_invoice(n, out);
	else if (strcmp(f->name, "val_id") == 0)
		callback_val_id(n, out);
	else if (strcmp(f->name, "bank_tran_id") == 0)
		(void)snprintf(out, CALLBACK_TEXT, "2512021231QWBANK%u", n);
	else
		callback_amount(n, out);
	return out;
}

/* What is signed, under one digest of the password. */
static void
canonical(
    const struct world *w, uint32_t n, const char *password, struct text *out)
{
	char value[CALLBACK_TEXT];

	out->len = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (i > 0)
			add(out, "&");
		add(out, fields[i].name);
		add(out, "=");
		add(out, value_of(w, &fields[i], n, password, value));
	}
}

static void
make_body(const struct world *w, uint32_t n, struct text *out)
{
	char md5[SECRET_MD5_HEX], sha256[SECRET_SHA256_HEX];
	char value[CALLBACK_TEXT];
	struct text c;
	bool first = true;

	canonical(w, n, w->md5, &c);
	if (secret_md5_hex(c.data, c.len, md5) != ST_OK)
		abort();
	canonical(w, n, w->sha256, &c);
	if (secret_sha256_hex(c.data, c.len, sha256) != ST_OK)
		abort();
	out->len = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].name, "store_passwd") == 0)
			continue;
		add(out, fields[i].name);
		add(out, "=");
		add_encoded(out, value_of(w, &fields[i], n, NULL, value));
		add(out, "&");
	}
	add(out, "verify_sign=");
	add(out, md5);
	add(out, "&verify_sign_sha2=");
	add(out, sha256);
	add(out, "&verify_key=");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].name, "store_passwd") == 0)
			continue;
		add(out, first ? "" : "%2C");
		add(out, fields[i].name);
		first = false;
	}
}

/* ---- requests */

static size_t
make_request(const struct world *w, uint32_t n, char *out)
{
	char merchant[CALLBACK_TEXT];
	struct text body;
	int head;

	make_body(w, n, &body);
	merchant_of(w, n, merchant);
	head = snprintf(out, MOST_REQUEST,
	    "POST /ipn/%s HTTP/1.1\r\n"
	    "Host: localhost\r\n"
	    "User-Agent: SSLCOMMERZ\r\n"
	    "Accept: */*\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    merchant, body.len);
	if (head < 0 || (size_t)head + body.len > MOST_REQUEST)
		abort();
	memcpy(out + head, body.data, body.len);
	return (size_t)head + body.len;
}

void
callbacks_make(
    struct callbacks *c, uint32_t first, uint32_t n, uint32_t merchants)
{
	const char *password = CALLBACK_PASSWORD;
	size_t len = strlen(password), used = 0;
	struct world w = { .merchants = merchants };

	if (secret_md5_hex(password, len, w.md5) != ST_OK ||
	    secret_sha256_hex(password, len, w.sha256) != ST_OK)
		abort();
	c->first = first;
	c->n = n;
	c->requests = calloc(n + 1u, sizeof(*c->requests));
	c->lens = calloc(n + 1u, sizeof(*c->lens));
	c->block = malloc((n + 1u) * MOST_REQUEST);
	if (c->requests == NULL || c->lens == NULL || c->block == NULL)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		c->requests[i] = c->block + used;
		c->lens[i] = make_request(&w, first + i, c->requests[i]);
		used += c->lens[i];
	}
}

void
callbacks_free(struct callbacks *c)
{
	free(c->requests);
	free(c->lens);
	free(c->block);
}
