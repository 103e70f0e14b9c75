#include "fixtures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rfc3339.h"
#include "base/secret.h"

void
fixtures_root(char out[256], const char *kind)
{
	const char *root = getenv("PAYSIEVE_FIXTURES");

	(void)snprintf(
	    out, 256, "%s/%s", root == NULL ? "fixtures" : root, kind);
}

size_t
fixtures_file(const char *path, unsigned char *out, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		fail_msg("%s cannot be opened", path);
	n = fread(out, 1, cap, f);
	assert_true(n < cap);
	assert_int_equal(fclose(f), 0);
	return n;
}

json_t *
fixtures_json(const char *path)
{
	json_error_t e;
	json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &e);

	if (j == NULL)
		fail_msg("%s:%d: %s", path, e.line, e.text);
	return j;
}

json_t *
fixtures_merchants(void)
{
	char root[256], path[512];

	fixtures_root(root, "sslcommerz");
	(void)snprintf(path, sizeof(path), "%s/merchants.json", root);
	return fixtures_json(path);
}

void
fixtures_identity_key(const json_t *merchants, unsigned char key[32])
{
	assert_true(
	    secret_unhex(fixtures_text(merchants, "identity_key"), key, 32));
}

const char *
fixtures_text(const json_t *object, const char *member)
{
	const char *s = json_string_value(json_object_get(object, member));

	if (s == NULL)
		fail_msg("no text \"%s\"", member);
	return s;
}

int64_t
fixtures_micros(const char *stamp)
{
	struct civil c = { 0 };
	int us = 0, end = -1;

	if (strlen(stamp) == RFC3339_TEXT - 1)
		(void)sscanf(stamp, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &c.year,
		    &c.month, &c.day, &c.hour, &c.minute, &c.second, &us, &end);
	else
		(void)sscanf(stamp, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &c.year,
		    &c.month, &c.day, &c.hour, &c.minute, &c.second, &end);
	assert_int_equal(end, strlen(stamp));
	assert_true(civil_valid(&c));
	return civil_seconds(&c) * 1000000 + us;
}

struct receipt
fixtures_receipt(const json_t *json, const char *store_id)
{
	struct bytes currency = bytes_of(fixtures_text(json, "currency"));
	struct bytes invoice = bytes_of(fixtures_text(json, "invoice_id"));
	struct receipt r = { 0 };

	assert_true(id_parse(bytes_of(fixtures_text(json, "id")), &r.id));
	assert_int_equal(money_parse(bytes_of(fixtures_text(json, "amount")),
			     money_exponent(currency), &r.amount_minor),
	    ST_OK);
	assert_true(
	    receipt_text(r.currency, sizeof(r.currency), currency) &&
	    receipt_text(r.merchant, sizeof(r.merchant), bytes_of(store_id)) &&
	    receipt_text(r.invoice_id, sizeof(r.invoice_id), invoice));
	r.paid_at_us = fixtures_micros(fixtures_text(json, "paid_at"));
	r.received_at_us = fixtures_micros(fixtures_text(json, "received_at"));
	assert_true(receipt_valid(&r));
	return r;
}

static void
add_password(struct edge_merchant *m, const char *password)
{
	size_t n = m->n_passwords++;

	assert_true(n < ROOMS_PASSWORDS);
	assert_int_equal(
	    secret_md5_hex(password, strlen(password), m->md5[n]), ST_OK);
	assert_int_equal(
	    secret_sha256_hex(password, strlen(password), m->sha256[n]), ST_OK);
}

static size_t
word_index(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word, words[i]) == 0)
			return i;
	}
	fail_msg("unknown word \"%s\"", word);
	return n;
}

static struct edge_merchant
merchant_of(const json_t *row)
{
	static const char *const confirms[] = { "required", "off" };
	static const char *const invoices[] = { "tran_id", "value_a", "value_b",
		"value_c", "value_d" };
	static const char *const amounts[] = { "requested", "settled" };
	static const char *const guards[] = { "on", "off" };
	struct edge_merchant m = { 0 };
	json_t *password;
	size_t p;

	assert_true(receipt_text(m.rules.store_id, sizeof(m.rules.store_id),
	    bytes_of(fixtures_text(row, "store_id"))));
	json_array_foreach(json_object_get(row, "passwords"), p, password)
	    add_password(&m, json_string_value(password));
	if (m.n_passwords == 0)
		add_password(&m, fixtures_text(row, "password"));
	m.rules.confirm = (enum confirm)word_index(
	    fixtures_text(row, "confirm"), confirms, ARRAY_LEN(confirms));
	m.rules.invoice_field = (enum invoice_field)word_index(
	    fixtures_text(row, "invoice_field"), invoices, ARRAY_LEN(invoices));
	m.rules.amount_field = (enum amount_field)word_index(
	    fixtures_text(row, "amount_field"), amounts, ARRAY_LEN(amounts));
	if (json_object_get(row, "invoice_guard") != NULL)
		m.rules.invoice_guard = (enum invoice_guard)word_index(
		    fixtures_text(row, "invoice_guard"), guards,
		    ARRAY_LEN(guards));
	m.rules.md5_only = json_is_true(json_object_get(row, "md5_only"));
	return m;
}

struct edge_merchant
fixtures_merchant(const json_t *merchants, const char *store_id)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(merchants, "merchants"), i, row)
	{
		if (strcmp(fixtures_text(row, "store_id"), store_id) == 0)
			return merchant_of(row);
	}
	fail_msg("no merchant \"%s\"", store_id);
	return (struct edge_merchant){ 0 };
}
