/* naive.c: the slow reading of the rules comes to what was recorded, so that
 * the fuzzer of callbacks may be judged by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fixtures.h"
#include "naive.h"

#define CASE_BODY (128 * 1024)

static const char *
text_or(const json_t *object, const char *member, const char *otherwise)
{
	const json_t *text = json_object_get(object, member);

	return text == NULL ? otherwise : json_string_value(text);
}

static const json_t *
options_of(const json_t *merchants, const char *store_id)
{
	const json_t *all = json_object_get(merchants, "merchants"), *one;
	size_t i;

	json_array_foreach(all, i, one)
	{
		if (strcmp(fixtures_text(one, "store_id"), store_id) == 0)
			return one;
	}
	fail_msg("no such merchant");
	return NULL;
}

static struct naive_merchant
merchant(const json_t *merchants, const char *store_id)
{
	const json_t *one = options_of(merchants, store_id);
	const json_t *two = json_object_get(one, "passwords");
	struct naive_merchant m = { .store_id = store_id,
		.invoice_field = fixtures_text(one, "invoice_field"),
		.md5_only = json_is_true(json_object_get(one, "md5_only")) };

	m.settled = strcmp(fixtures_text(one, "amount_field"), "settled") == 0;
	m.asked = strcmp(fixtures_text(one, "confirm"), "required") == 0;
	m.passwords[0] = two == NULL
			     ? fixtures_text(one, "password")
			     : json_string_value(json_array_get(two, 0));
	if (two != NULL)
		m.passwords[1] = json_string_value(json_array_get(two, 1));
	return m;
}

static void
compare(
    const json_t *expect, enum naive_verdict v, const struct naive_receipt *r)
{
	static const char *const verdicts[] = { "paid", "not_paid", "refused" };
	const json_t *receipt = json_object_get(expect, "receipt");

	/* Not in it: the shape of an invoice ID. */
	if (strncmp(text_or(expect, "reason", ""), "invoice_", 8) == 0 &&
	    strcmp(text_or(expect, "reason", ""), "invoice_id") != 0)
		return;
	assert_string_equal(fixtures_text(expect, "verdict"), verdicts[v]);
	if (v != NAIVE_PAID)
		return;
	assert_string_equal(fixtures_text(receipt, "currency"), r->currency);
	assert_string_equal(
	    fixtures_text(receipt, "invoice_id"), r->invoice_id);
	assert_int_equal(
	    fixtures_micros(fixtures_text(receipt, "paid_at")), r->paid_at_us);
}

static int
is_case(const struct dirent *d)
{
	return d->d_name[0] != '.' && strcmp(d->d_name, "merchants.json") != 0;
}

static void
run_case(const json_t *merchants, const char *root, const char *name)
{
	static unsigned char body[CASE_BODY];
	struct naive_merchant m;
	struct naive_receipt r;
	char path[1024];
	json_t *expect;
	size_t len;

	print_message("%s\n", name);
	(void)snprintf(path, sizeof(path), "%s/%s/expect.json", root, name);
	expect = fixtures_json(path);
	(void)snprintf(path, sizeof(path), "%s/%s/request.form", root, name);
	len = fixtures_file(path, body, sizeof(body));
	m = merchant(merchants, fixtures_text(expect, "merchant"));
	compare(expect, naive_judge(&m, body, len, &r), &r);
	json_decref(expect);
}

/* proves: R27 */
static void
the_slow_reading_judges_every_recorded_callback_likewise(void **state)
{
	json_t *merchants = fixtures_merchants();
	struct dirent **names;
	char root[256];
	int n;

	(void)state;
	fixtures_root(root, "sslcommerz");
	n = scandir(root, &names, is_case, alphasort);
	assert_true(n > 200);
	for (int i = 0; i < n; i++) {
		run_case(merchants, root, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	json_decref(merchants);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_slow_reading_judges_every_recorded_callback_likewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
