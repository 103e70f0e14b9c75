#include "naive.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/money.h"

enum { MOST = 64 };

struct pair {
	char *name, *value; /* NUL-terminated: rule 2 lets no NUL in */
};

struct form {
	int n;
	struct pair pairs[MOST];
};

static char *
grow(char *text, const char *more)
{
	size_t was = text == NULL ? 0 : strlen(text);

	text = realloc(text, was + strlen(more) + 1);
	if (text == NULL)
		abort();
	strcpy(text + was, more);
	return text;
}

/* ---- rule 2 */

/* The text of [at, end) without its escapes, or NULL. */
static char *
unescape(const unsigned char *at, const unsigned char *end)
{
	char *text = calloc(1, (size_t)(end - at) + 1), hex[3] = "";
	size_t n = 0;

	if (text == NULL)
		abort();
	for (; at < end; at++) {
		unsigned char c = *at == '+' ? ' ' : *at;

		if (c == '%') {
			if (end - at < 3 || !isxdigit(at[1]) ||
			    !isxdigit(at[2]))
				break;
			hex[0] = (char)at[1];
			hex[1] = (char)at[2];
			c = (unsigned char)strtol(hex, NULL, 16);
			at += 2;
		}
		if (c < 32 || c == 127)
			break;
		text[n++] = (char)c;
	}
	if (at == end)
		return text;
	free(text);
	return NULL;
}

/* By what each code point would be written as. */
static bool
is_utf8(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p != 0) {
		unsigned long point, least;
		int more;

		if (*p < 0x80)
			point = *p, more = 0, least = 0;
		else if (*p >> 5 == 6)
			point = *p & 31, more = 1, least = 0x80;
		else if (*p >> 4 == 14)
			point = *p & 15, more = 2, least = 0x800;
		else if (*p >> 3 == 30)
			point = *p & 7, more = 3, least = 0x10000;
		else
			return false;
		p++;
		while (more-- > 0) {
			if (*p >> 6 != 2)
				return false;
			point = point << 6 | (*p++ & 63);
		}
		if (point < least || point > 0x10ffff ||
		    (point >= 0xd800 && point <= 0xdfff))
			return false;
	}
	return true;
}

static const char *
value_of(const struct form *f, const char *name)
{
	for (int i = 0; i < f->n; i++) {
		if (strcmp(f->pairs[i].name, name) == 0)
			return f->pairs[i].value;
	}
	return NULL;
}

static bool
read_pair(struct form *f, const unsigned char *at, const unsigned char *end)
{
	const unsigned char *eq = memchr(at, '=', (size_t)(end - at));
	struct pair p;

	if (eq == NULL || f->n == MOST)
		return false;
	p.name = unescape(at, eq);
	p.value = unescape(eq + 1, end);
	if (p.name == NULL || p.value == NULL || p.name[0] == '\0' ||
	    !is_utf8(p.name) || !is_utf8(p.value) ||
	    value_of(f, p.name) != NULL) {
		free(p.name);
		free(p.value);
		return false;
	}
	f->pairs[f->n++] = p;
	return true;
}

static bool
read_form(struct form *f, const unsigned char *body, size_t len)
{
	const unsigned char *at = body, *end = body + len;

	if (len == 0 || len > 65536)
		return false;
	for (;;) {
		const unsigned char *stop =
		    at == end ? NULL : memchr(at, '&', (size_t)(end - at));

		if (!read_pair(f, at, stop == NULL ? end : stop))
			return false;
		if (stop == NULL)
			return true;
		at = stop + 1;
	}
}

/* ---- rules 4 to 6 */

static bool
is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return text[0] >= 'a' && text[0] <= 'z' && text[len] == '\0' &&
	       len <= 64;
}

static bool
is_listed(char *const *list, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

/* Names of verify_key into list, which points into text. */
static int
read_list(const struct form *f, char *text, char **list)
{
	int n = 0;

	for (char *at = text; at != NULL;) {
		char *name = at, *comma = strchr(at, ',');

		at = comma == NULL ? NULL : comma + 1;
		if (comma != NULL)
			*comma = '\0';
		if (n == MOST || !is_name(name) || is_listed(list, n, name) ||
		    value_of(f, name) == NULL ||
		    strcmp(name, "store_passwd") == 0 ||
		    strncmp(name, "verify_", 7) == 0)
			return -1;
		list[n++] = name;
	}
	return n;
}

static bool
is_paid(const char *status)
{
	return strcmp(status, "VALID") == 0 || strcmp(status, "VALIDATED") == 0;
}

static bool
is_covered(const struct form *f, const struct naive_merchant *m,
    char *const *list, int n)
{
	static const char *const always[] = { "amount", "currency", "status",
		"store_id", "tran_date", "tran_id" };
	const char *const there[] = { "currency_type", "currency_amount",
		"currency_rate", "risk_level", "bank_tran_id", "store_amount",
		m->invoice_field };

	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++) {
		if (!is_listed(list, n, always[i]))
			return false;
	}
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
		if (value_of(f, there[i]) != NULL &&
		    !is_listed(list, n, there[i]))
			return false;
	}
	return !is_paid(value_of(f, "status")) || is_listed(list, n, "val_id");
}

/* ---- rule 7 */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
hash(bool sha, const char *text, char hex[65])
{
	unsigned char raw[32];
	int len = sha ? 32 : 16;

	if (sha)
		SHA256((const unsigned char *)text, strlen(text), raw);
	else
		EVP_Digest(text, strlen(text), raw, NULL, EVP_md5(), NULL);
	for (int i = 0; i < len; i++)
		(void)sprintf(hex + 2 * i, "%02x", raw[i]);
}

static void
sign(const struct form *f, char *const *list, int n, bool sha,
    const char *password, char hex[65])
{
	char password_name[] = "store_passwd", *names[MOST + 1], secret[65];
	char *text = grow(NULL, "");
	size_t len;

	memcpy(names, list, (size_t)n * sizeof(*names));
	names[n] = password_name;
	qsort(names, (size_t)n + 1, sizeof(*names), by_name);
	hash(sha, password, secret);
	for (int i = 0; i <= n; i++) {
		const char *value = value_of(f, names[i]);

		text = grow(text, names[i]);
		text = grow(text, "=");
		text = grow(text,
		    strcmp(names[i], password_name) == 0 ? secret : value);
		text = grow(text, "&");
	}
	for (len = strlen(text); len > 0 && text[len - 1] == '&'; len--)
		text[len - 1] = '\0';
	hash(sha, text, hex);
	free(text);
}

static bool
is_signed(const struct form *f, const struct naive_merchant *m,
    char *const *list, int n)
{
	const char *md5 = value_of(f, "verify_sign");
	const char *sha = value_of(f, "verify_sign_sha2");

	if (sha == NULL && !(m->md5_only && md5 != NULL))
		return false;
	for (int i = 0; i < 2 && m->passwords[i] != NULL; i++) {
		char hex[65] = "";
		bool right = true;

		if (md5 != NULL) {
			sign(f, list, n, false, m->passwords[i], hex);
			right = right && strcmp(md5, hex) == 0;
		}
		if (sha != NULL) {
			sign(f, list, n, true, m->passwords[i], hex);
			right = right && strcmp(sha, hex) == 0;
		}
		if (right)
			return true;
	}
	return false;
}

/* ---- rule 8 */

static bool
holds_pair(const char *value)
{
	for (const char *at = value; (at = strchr(at, '&')) != NULL;) {
		char name[66] = "";
		const char *eq = strchr(++at, '=');

		if (eq == NULL || eq - at > 64)
			continue;
		memcpy(name, at, (size_t)(eq - at));
		if (is_name(name))
			return true;
	}
	return false;
}

static bool
is_ambiguous(const struct form *f, char *const *list, int n)
{
	const char *last = list[0], *value;

	for (int i = 0; i < n; i++) {
		if (holds_pair(value_of(f, list[i])))
			return true;
		if (strcmp(list[i], last) > 0)
			last = list[i];
	}
	value = value_of(f, last);
	return value[0] != '\0' && value[strlen(value) - 1] == '&';
}

/* ---- rule 10 */

static bool
is_text(const char *s)
{
	size_t len = s == NULL ? 0 : strlen(s);

	if (len < 1 || len > 64 || s[0] == ' ' || s[len - 1] == ' ')
		return false;
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._:/#@+- ") == len;
}

static bool
read_amount(const char *text, int exponent, int64_t *minor)
{
	size_t whole = strspn(text, "0123456789"), part = 0;

	if (whole < 1 || whole > 10)
		return false;
	if (text[whole] == '.') {
		part = strspn(text + whole + 1, "0123456789");
		if (part < 1 || part > 6)
			return false;
	}
	if (strlen(text) != whole + (part > 0 ? part + 1 : 0))
		return false;
	*minor = 0;
	for (size_t i = 0; i < whole; i++)
		*minor = *minor * 10 + (text[i] - '0');
	for (size_t i = 0; i < 6; i++) {
		int digit = i < part ? text[whole + 1 + i] - '0' : 0;

		if (i < (size_t)exponent)
			*minor = *minor * 10 + digit;
		else if (digit != 0)
			return false;
	}
	return *minor > 0;
}

static bool
read_date(const char *text, int64_t *us)
{
	struct tm tm = { 0 }, again;
	char written[64];
	time_t t;

	if (strlen(text) != 19 ||
	    sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d", &tm.tm_year, &tm.tm_mon,
		&tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return false;
	(void)snprintf(written, sizeof(written),
	    "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year, tm.tm_mon, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (strcmp(written, text) != 0)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	t = timegm(&again);
	if (again.tm_year != tm.tm_year || again.tm_mon != tm.tm_mon ||
	    again.tm_mday != tm.tm_mday || again.tm_hour != tm.tm_hour ||
	    again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return false;
	/* Bangladesh's one summer time. */
	t -= tm.tm_year == 109 && strncmp(text + 5, "06-20", 5) >= 0 ? 7 * 3600
								     : 6 * 3600;
	*us = (int64_t)t * 1000000;
	/* A receipt is of this century. */
	return t >= 946684800 && t < 4102444800;
}

static bool
read_receipt(const struct form *f, const struct naive_merchant *m,
    struct naive_receipt *out)
{
	const char *currency = value_of(f, "currency_type");
	const char *amount = value_of(f, "currency_amount");
	const char *invoice = value_of(f, m->invoice_field);
	int exponent;

	currency = currency == NULL ? "" : currency;
	amount = amount == NULL ? "" : amount;
	if (m->settled || (currency[0] == '\0' && amount[0] == '\0')) {
		currency = value_of(f, "currency");
		amount = value_of(f, "amount");
	}
	exponent = money_exponent(bytes_of(currency));
	if (exponent < 0 || !read_amount(amount, exponent, &out->amount_minor))
		return false;
	if (!read_date(value_of(f, "tran_date"), &out->paid_at_us) ||
	    !is_text(value_of(f, "tran_id")) || !is_text(invoice) ||
	    !is_text(value_of(f, "val_id")))
		return false;
	(void)snprintf(out->currency, sizeof(out->currency), "%s", currency);
	(void)snprintf(out->invoice_id, sizeof(out->invoice_id), "%s", invoice);
	(void)snprintf(
	    out->val_id, sizeof(out->val_id), "%s", value_of(f, "val_id"));
	return true;
}

/* ---- all of it */

static bool
is_genuine(const struct form *f, const struct naive_merchant *m)
{
	const char *store = value_of(f, "store_id");
	const char *key = value_of(f, "verify_key");
	char *list[MOST], *text;
	bool ok;
	int n;

	if (store == NULL || strcmp(store, m->store_id) != 0 || key == NULL ||
	    key[0] == '\0')
		return false;
	for (int i = 0; i < f->n; i++) {
		if (!is_name(f->pairs[i].name))
			return false;
	}
	text = grow(NULL, key);
	n = read_list(f, text, list);
	ok = n > 0 && is_covered(f, m, list, n) && is_signed(f, m, list, n) &&
	     (m->asked || !is_ambiguous(f, list, n));
	free(text);
	return ok;
}

static enum naive_verdict
judge(const struct form *f, const struct naive_merchant *m,
    struct naive_receipt *out)
{
	static const char *const unpaid[] = { "FAILED", "CANCELLED",
		"UNATTEMPTED", "EXPIRED" };
	const char *status;

	if (!is_genuine(f, m))
		return NAIVE_REFUSED;
	status = value_of(f, "status");
	for (int i = 0; i < 4; i++) {
		if (strcmp(status, unpaid[i]) == 0)
			return NAIVE_NOT_PAID;
	}
	return is_paid(status) && read_receipt(f, m, out) ? NAIVE_PAID
							  : NAIVE_REFUSED;
}

enum naive_verdict
naive_judge(const struct naive_merchant *m, const unsigned char *body,
    size_t len, struct naive_receipt *out)
{
	struct form f = { 0 };
	enum naive_verdict v = NAIVE_REFUSED;

	memset(out, 0, sizeof(*out));
	if (read_form(&f, body, len))
		v = judge(&f, m, out);
	if (v != NAIVE_PAID)
		memset(out, 0, sizeof(*out));
	for (int i = 0; i < f.n; i++) {
		free(f.pairs[i].name);
		free(f.pairs[i].value);
	}
	return v;
}
