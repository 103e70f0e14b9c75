/*
 * Every recorded callback of fixtures/sslcommerz comes out as its
 * expect.json says, and of what it was nothing else is left.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/secret.h"
#include "fixtures.h"
#include "intake/intake.h"

#define FEWEST_CASES 50
#define RUN	     6 /* bytes of a dropped value that must not survive */
#define CASE_BODY    (128 * 1024)
#define CASE_FIELDS  128

struct suite {
	char root[256];
	json_t *merchants;
	struct intake *intake;
};

/* ---- what must not survive */

struct pair {
	char name[128];
	struct bytes value;
};

/* A second, tolerant decoder, so that this does not rest on the first. */
static size_t
decode(unsigned char *body, size_t len, struct pair *pairs, size_t cap)
{
	unsigned char *at = body, *end = body + len;
	size_t n = 0;

	while (at < end && n < cap) {
		unsigned char *stop = memchr(at, '&', (size_t)(end - at));
		unsigned char *out = at, *start = at, *eq;

		if (stop == NULL)
			stop = end;
		while (at < stop) {
			char digits[3] = { 0 };
			unsigned char byte = 0;

			if (*at == '%' && stop - at > 2) {
				memcpy(digits, at + 1, 2);
				if (secret_unhex(digits, &byte, 1)) {
					*out++ = byte;
					at += 3;
					continue;
				}
			}
			*out++ = *at == '+' ? ' ' : *at;
			at++;
		}
		eq = memchr(start, '=', (size_t)(out - start));
		if (eq == NULL)
			eq = start;
		(void)snprintf(pairs[n].name, sizeof(pairs[n].name), "%.*s",
		    (int)(eq - start), (const char *)start);
		if (eq < out && *eq == '=')
			eq++;
		pairs[n++].value = bytes_make(eq, (size_t)(out - eq));
		at = stop + 1;
	}
	return n;
}

static bool
holds(struct bytes where, struct bytes what)
{
	return memmem(where.ptr, where.len, what.ptr, what.len) != NULL;
}

static bool
is_kept(const struct edge_merchant *m, const struct pair *pairs, size_t n,
    const char *name)
{
	static const char *const invoices[] = { "tran_id", "value_a", "value_b",
		"value_c", "value_d" };
	bool requested = false;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(pairs[i].name, "currency_type") == 0 ||
		    strcmp(pairs[i].name, "currency_amount") == 0)
			requested = requested || pairs[i].value.len > 0;
	}
	requested = requested && m->rules.amount_field == AMOUNT_REQUESTED;
	/* What the payment is asked about by. */
	if (m->rules.confirm == CONFIRM_REQUIRED &&
	    (strcmp(name, "val_id") == 0 || strcmp(name, "tran_id") == 0))
		return true;
	return strcmp(name, invoices[m->rules.invoice_field]) == 0 ||
	       strcmp(name, "tran_date") == 0 ||
	       strcmp(name, requested ? "currency_type" : "currency") == 0 ||
	       strcmp(name, requested ? "currency_amount" : "amount") == 0;
}

/* No run of RUN bytes of a dropped value in left, but for runs that are
 * part of a kept value or of the store id, or NULs and nothing else. */
static void
nothing_of_the_rest_is_in(struct bytes left, const struct edge_merchant *m,
    const struct pair *pairs, size_t n, bool paid)
{
	for (size_t i = 0; i < n; i++) {
		if (paid && is_kept(m, pairs, n, pairs[i].name))
			continue;
		for (size_t at = 0; at + RUN <= pairs[i].value.len; at++) {
			struct bytes run =
			    bytes_make(pairs[i].value.ptr + at, RUN);
			static const char zeros[RUN];
			bool kept =
			    memcmp(run.ptr, zeros, RUN) == 0 ||
			    (paid && holds(bytes_of(m->rules.store_id), run));

			for (size_t k = 0; paid && !kept && k < n; k++)
				kept = is_kept(m, pairs, n, pairs[k].name) &&
				       holds(pairs[k].value, run);
			if (!kept && holds(left, run))
				fail_msg("a run of %s survived", pairs[i].name);
		}
	}
}

/* ---- one case */

static int
http_of(const struct intake_result *r)
{
	if (r->verdict != VERDICT_REFUSED)
		return 200;
	switch (r->refusal) {
	case REFUSAL_TOO_LARGE:
		return 413;
	case REFUSAL_FORM:
	case REFUSAL_CONTROL:
	case REFUSAL_UTF8:
	case REFUSAL_DUPLICATE:
		return 400;
	default:
		return 403;
	}
}

static void
compare_receipt(
    const json_t *expect, const struct intake_result *r, struct buf *json)
{
	json_t *want = json_object_get(expect, "receipt"), *got;

	if (r->verdict != VERDICT_PAID) {
		static const struct receipt none;

		assert_null(want);
		assert_memory_equal(&r->receipt, &none, sizeof(none));
		return;
	}
	assert_true(receipt_valid(&r->receipt));
	receipt_json(&r->receipt, json);
	assert_int_equal(buf_status(json), ST_OK);
	got = json_loadb(
	    (const char *)json->data, json->len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(got);
	if (!json_equal(want, got))
		fail_msg("the receipt differs: %s", (const char *)json->data);
	json_decref(got);
}

static void
compare(const json_t *expect, const struct intake_result *r)
{
	static const char *const verdicts[] = { "paid", "not_paid", "refused",
		"unable" };
	const json_t *reason = json_object_get(expect, "reason");

	if (r->verdict == VERDICT_REFUSED)
		assert_string_equal(
		    reason == NULL ? "" : json_string_value(reason),
		    refusal_word(r->refusal));
	else
		assert_null(reason);
	assert_string_equal(
	    fixtures_text(expect, "verdict"), verdicts[r->verdict]);
	assert_int_equal(
	    json_integer_value(json_object_get(expect, "http")), http_of(r));
}

static void
run_case(struct suite *s, const char *name)
{
	static unsigned char body[CASE_BODY], again[CASE_BODY];
	static struct pair pairs[CASE_FIELDS];
	char path[1024];
	struct edge_merchant m;
	struct intake_result r;
	struct buf json;
	json_t *expect;
	size_t len, n;

	print_message("%s\n", name);
	buf_init(&json, 4096);
	(void)snprintf(path, sizeof(path), "%s/%s/expect.json", s->root, name);
	expect = fixtures_json(path);
	(void)snprintf(path, sizeof(path), "%s/%s/about.md", s->root, name);
	assert_true(fixtures_file(path, body, sizeof(body)) > 1);
	(void)snprintf(path, sizeof(path), "%s/%s/request.form", s->root, name);
	len = fixtures_file(path, body, sizeof(body) - 1);
	memcpy(again, body, len);
	body[len] = 0xa5; /* the byte behind is not the form's */
	m = fixtures_merchant(s->merchants, fixtures_text(expect, "merchant"));

	intake_run(s->intake, &m, body, len,
	    fixtures_micros(fixtures_text(expect, "received_at")), &r);
	compare(expect, &r);
	compare_receipt(expect, &r, &json);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(body[i], 0);
	assert_int_equal(body[len], 0xa5);
	n = decode(again, len, pairs, CASE_FIELDS);
	nothing_of_the_rest_is_in(
	    bytes_make(&r, sizeof(r)), &m, pairs, n, r.verdict == VERDICT_PAID);
	buf_fini(&json);
	json_decref(expect);
}

static int
is_case(const struct dirent *d)
{
	return d->d_name[0] != '.' && strcmp(d->d_name, "merchants.json") != 0;
}

/* proves: R27 */
static void
every_recorded_callback_comes_out_as_expected(void **state)
{
	struct suite *s = *state;
	struct dirent **names;
	int n = scandir(s->root, &names, is_case, alphasort);

	assert_true(n >= FEWEST_CASES);
	for (int i = 0; i < n; i++) {
		run_case(s, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static void
every_reason_to_refuse_has_a_case(void **state)
{
	struct suite *s = *state;
	bool seen[REFUSALS] = { false };
	struct dirent **names;
	int n = scandir(s->root, &names, is_case, alphasort);

	for (int i = 0; i < n; i++) {
		char path[1024];
		json_t *expect, *reason;

		(void)snprintf(path, sizeof(path), "%s/%s/expect.json", s->root,
		    names[i]->d_name);
		expect = fixtures_json(path);
		reason = json_object_get(expect, "reason");
		for (unsigned r = 0; reason != NULL && r < REFUSALS; r++)
			seen[r] =
			    seen[r] || strcmp(json_string_value(reason),
					   refusal_word((enum refusal)r)) == 0;
		json_decref(expect);
		free(names[i]);
	}
	free(names);
	for (unsigned r = 0; r < REFUSALS; r++) {
		if (!seen[r])
			fail_msg(
			    "no case of %s", refusal_word((enum refusal)r));
	}
}

static int
set_up(void **state)
{
	static struct suite s;
	unsigned char key[32];

	fixtures_root(s.root, "sslcommerz");
	s.merchants = fixtures_merchants();
	fixtures_identity_key(s.merchants, key);
	*state = &s;
	return intake_new(&s.intake, key, NULL) == ST_OK ? 0 : 1;
}

static int
tear_down(void **state)
{
	struct suite *s = *state;

	intake_free(s->intake);
	json_decref(s->merchants);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_callback_comes_out_as_expected),
		cmocka_unit_test(every_reason_to_refuse_has_a_case),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
