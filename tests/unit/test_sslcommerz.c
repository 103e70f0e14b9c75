/* SSLCommerz's signature: published and invented vectors, and the rules that
 * make a digest mean something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/secret.h"
#include "intake/sslcommerz.h"

static struct form form;
static struct sslcommerz_list list;
static unsigned char body[FORM_BODY];

static void
read_form(const char *text)
{
	size_t len = strlen(text);
	enum refusal why;

	assert_true(len <= sizeof(body));
	memcpy(body, text, len);
	assert_int_equal(form_parse(&form, body, len, &why), ST_OK);
}

static void
read_list(const char *text)
{
	enum refusal why;

	read_form(text);
	assert_int_equal(sslcommerz_list(&form, &list, &why), ST_OK);
}

static void
refuses_list(const char *text, enum refusal expect)
{
	enum refusal why;

	read_form(text);
	assert_int_equal(sslcommerz_list(&form, &list, &why), ST_BAD_INPUT);
	assert_string_equal(refusal_word(why), refusal_word(expect));
}

/* ---- vectors */

static const char *
text_of(const json_t *v, const char *member)
{
	const char *s = json_string_value(json_object_get(v, member));

	assert_non_null(s);
	return s;
}

static void
digest_is(struct sslcommerz *s, const json_t *v, enum sslcommerz_digest d,
    const char *computed, const char *matches)
{
	const char *password = text_of(v, "store_passwd");
	char key[SECRET_SHA256_HEX], hex[SECRET_SHA256_HEX];
	enum status st =
	    d == SSLCOMMERZ_MD5
		? secret_md5_hex(password, strlen(password), key)
		: secret_sha256_hex(password, strlen(password), key);

	assert_int_equal(st, ST_OK);
	assert_int_equal(sslcommerz_sign(s, d, &form, &list, key, hex), ST_OK);
	/* What vector 02 calls computed is the wrong rule's digest. */
	if (json_is_true(json_object_get(v, matches)))
		assert_string_equal(hex, text_of(v, computed));
	assert_int_equal(json_is_true(json_object_get(v, matches)),
	    bytes_is(form_value(&form, sslcommerz_digest_field(d)), hex));
}

/* A callback as a whole: refused exactly when its verdict says so. */
static void
verdict_is(struct intake *in, const json_t *v)
{
	const char *password = text_of(v, "store_passwd");
	const char *verdict = text_of(v, "verdict");
	struct bytes store = form_value(&form, "store_id");
	struct edge_merchant m = { .n_passwords = 1,
		.rules.confirm = CONFIRM_OFF };
	struct intake_result r;
	size_t len = strlen(text_of(v, "body"));

	assert_true(
	    receipt_text(m.rules.store_id, sizeof(m.rules.store_id), store));
	assert_int_equal(
	    secret_md5_hex(password, strlen(password), m.md5[0]), ST_OK);
	assert_int_equal(
	    secret_sha256_hex(password, strlen(password), m.sha256[0]), ST_OK);
	memcpy(body, text_of(v, "body"), len);
	intake_run(in, &m, body, len, INT64_C(1770698580000000), &r);
	if (strcmp(verdict, "refuse") == 0)
		assert_int_equal(r.verdict, VERDICT_REFUSED);
	else if (strstr(verdict, "ambiguous") != NULL)
		assert_int_equal(r.refusal, REFUSAL_AMBIGUOUS);
	else
		assert_int_not_equal(r.verdict, VERDICT_REFUSED);
}

static void
every_vector_comes_out_as_stated(void **state)
{
	const char *root = getenv("PAYSIEVE_FIXTURES");
	static const unsigned char key[32];
	struct sslcommerz s;
	struct intake *in;
	char path[512];
	json_t *all, *v;
	size_t i, n = 0, signatures = 0;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/vectors/sslcommerz.json",
	    root == NULL ? "fixtures" : root);
	all = json_load_file(path, 0, NULL);
	assert_non_null(all);
	assert_int_equal(sslcommerz_init(&s), ST_OK);
	assert_int_equal(intake_new(&in, key, NULL), ST_OK);
	json_array_foreach(json_object_get(all, "vectors"), i, v)
	{
		enum refusal why;

		print_message("%s\n", text_of(v, "id"));
		read_form(text_of(v, "body"));
		if (sslcommerz_list(&form, &list, &why) == ST_OK) {
			digest_is(&s, v, SSLCOMMERZ_MD5, "computed_md5",
			    "matches_md5");
			digest_is(&s, v, SSLCOMMERZ_SHA256, "computed_sha256",
			    "matches_sha256");
			signatures++;
		}
		verdict_is(in, v);
		n++;
	}
	assert_int_equal(n, 17);
	assert_int_equal(signatures, 14); /* three have no list to read */
	intake_free(in);
	sslcommerz_fini(&s);
	json_decref(all);
}

/* ---- what is hashed */

/* SHA-256 of canonical, with PW where the password's digest goes. */
static void
hashes(const char *text, const char *canonical)
{
	char hex[SECRET_SHA256_HEX], want[SECRET_SHA256_HEX];
	struct sslcommerz s;

	read_list(text);
	assert_int_equal(sslcommerz_init(&s), ST_OK);
	for (int i = 0; i < 2; i++) { /* the contexts are used again */
		assert_int_equal(sslcommerz_sign(&s, SSLCOMMERZ_SHA256, &form,
				     &list, "PW", hex),
		    ST_OK);
		assert_int_equal(
		    secret_sha256_hex(canonical, strlen(canonical), want),
		    ST_OK);
		assert_string_equal(hex, want);
	}
	sslcommerz_fini(&s);
}

static void
pairs_are_sorted_and_the_password_takes_its_place(void **state)
{
	(void)state;
	hashes("tran_id=T&b=2&a_b=1&ab=3&a=0&verify_key=tran_id,ab,a,b,a_b",
	    "a=0&a_b=1&ab=3&b=2&store_passwd=PW&tran_id=T");
	hashes("store_pass=1&store_passwe=2&verify_key=store_passwe,store_pass",
	    "store_pass=1&store_passwd=PW&store_passwe=2");
}

static void
the_password_can_stand_first_and_last(void **state)
{
	(void)state;
	hashes("z=1&verify_key=z", "store_passwd=PW&z=1");
	hashes("a=1&verify_key=a", "a=1&store_passwd=PW");
}

static void
trailing_ampersands_of_the_whole_are_stripped(void **state)
{
	(void)state;
	hashes("y=%26&z=1%26%26&verify_key=y,z", "store_passwd=PW&y=&&z=1");
	hashes("z=%26&verify_key=z", "store_passwd=PW&z=");
	hashes("a=1%26&verify_key=a", "a=1&&store_passwd=PW");
}

/* No callback comes to that: the buffer has room for it and a password. */
static void
what_does_not_fit_is_not_hashed_and_leaves_nothing(void **state)
{
	static const unsigned char none[FORM_BODY];
	char text[FORM_BODY + 1], password[256], hex[SECRET_SHA256_HEX];
	struct sslcommerz s;

	(void)state;
	memset(password, 'p', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	memset(text, 'v', FORM_BODY);
	text[FORM_BODY] = '\0';
	memcpy(text, "verify_key=a&a=", 15);
	read_list(text);
	assert_int_equal(sslcommerz_init(&s), ST_OK);
	assert_int_equal(
	    sslcommerz_sign(&s, SSLCOMMERZ_SHA256, &form, &list, password, hex),
	    ST_NO_MEMORY);
	assert_memory_equal(s.text, none, sizeof(none));
	password[SECRET_SHA256_HEX - 1] = '\0';
	assert_int_equal(
	    sslcommerz_sign(&s, SSLCOMMERZ_SHA256, &form, &list, password, hex),
	    ST_OK);
	sslcommerz_fini(&s);
}

static void
values_are_hashed_as_they_are(void **state)
{
	(void)state;
	hashes("z=+M%26T%3D%2541%E2%82%AC+&verify_key=z",
	    "store_passwd=PW&z= M&T=%41\xe2\x82\xac ");
}

/* ---- names and lists */

static void
names_keep_to_their_pattern(void **state)
{
	static const char *const bad[] = { "A=1", "1a=1", "_a=1", "a-b=1",
		"a.b=1", "a%5B%5D=1", "a+=1", "+a=1", "%C3%A9=1", "aB=1",
		"a%26b%3D=1",
		("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
		 "abcdefghijklm=1") };
	enum refusal why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		read_form(bad[i]);
		assert_int_equal(sslcommerz_names(&form, &why), ST_BAD_INPUT);
		assert_int_equal(why, REFUSAL_NAME);
	}
	read_form("a=1&z9_=2&abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwx"
		  "yzabcdefghijkl=3");
	assert_int_equal(sslcommerz_names(&form, &why), ST_OK);
}

static void
verify_key_names_present_fields_once_and_never_its_own(void **state)
{
	(void)state;
	refuses_list("a=1", REFUSAL_KEY_LIST);
	refuses_list("a=1&verify_key=", REFUSAL_KEY_LIST);
	refuses_list("a=1&verify_key=a,b", REFUSAL_KEY_LIST);
	refuses_list("a=1&verify_key=a,a", REFUSAL_KEY_LIST);
	refuses_list("a=1&b=2&verify_key=a,b,a", REFUSAL_KEY_LIST);
	refuses_list("a=1&verify_key=a,verify_key", REFUSAL_KEY_LIST);
	refuses_list("a=1&verify_x=1&verify_key=a,verify_x", REFUSAL_KEY_LIST);
	refuses_list(
	    "store_passwd=1&verify_key=store_passwd", REFUSAL_KEY_LIST);
	read_list("a=1&verifying=1&store_passwd_=2&verify_key=a,verifying,"
		  "store_passwd_");
	assert_int_equal(list.n, 3);
}

static void
names_in_verify_key_keep_to_the_pattern(void **state)
{
	(void)state;
	refuses_list("a=1&verify_key=,a", REFUSAL_NAME);
	refuses_list("a=1&verify_key=a,", REFUSAL_NAME);
	refuses_list("a=1&b=1&verify_key=a,,b", REFUSAL_NAME);
	refuses_list("a=1&b=1&verify_key=a,+b", REFUSAL_NAME);
	refuses_list("a=1&verify_key=A", REFUSAL_NAME);
}

/* ---- coverage */

static const char *const covered[] = { "amount", "currency", "status",
	"store_id", "tran_date", "tran_id", "val_id", "currency_type",
	"currency_amount", "currency_rate", "risk_level", "bank_tran_id",
	"store_amount", "value_b" };

/* All fields above, of which number `but` is not signed or, if absent is
 * true, not there. */
static void
build(size_t but, bool absent, const char *status)
{
	char text[1024], key[512] = "";
	size_t n = 0, k = 0;

	for (size_t i = 0; i < ARRAY_LEN(covered); i++) {
		const char *value =
		    strcmp(covered[i], "status") == 0 ? status : "1";

		if (i != but || !absent)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s=%s&", covered[i], value);
		if (i != but)
			k += (size_t)snprintf(key + k, sizeof(key) - k, "%s%s",
			    k > 0 ? "," : "", covered[i]);
	}
	(void)snprintf(text + n, sizeof(text) - n, "verify_key=%s", key);
	read_list(text);
}

static bool
covers(enum invoice_field invoice)
{
	struct edge_merchant m = { .rules.invoice_field = invoice };
	enum refusal why = REFUSALS;
	enum status st = sslcommerz_covers(&form, &list, &m, &why);

	assert_int_equal(why, st == ST_OK ? REFUSALS : REFUSAL_UNSIGNED);
	return st == ST_OK;
}

static void
every_field_that_matters_has_to_be_signed(void **state)
{
	(void)state;
	build(ARRAY_LEN(covered), false, "VALID");
	assert_true(covers(INVOICE_VALUE_B));
	for (size_t i = 0; i < ARRAY_LEN(covered); i++) {
		build(i, false, "VALID");
		assert_false(covers(INVOICE_VALUE_B));
	}
	build(ARRAY_LEN(covered) - 1, false, "VALID");
	assert_true(covers(INVOICE_TRAN_ID)); /* value_b is dropped then */
}

static void
the_mandatory_fields_have_to_be_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(covered); i++) {
		build(i, true, "VALIDATED");
		assert_int_equal(covers(INVOICE_VALUE_B), i > 6);
	}
}

static void
only_a_paid_callback_needs_val_id_signed(void **state)
{
	(void)state;
	build(6, false, "FAILED");
	assert_true(covers(INVOICE_TRAN_ID));
	build(6, false, "VALIDATED");
	assert_false(covers(INVOICE_TRAN_ID));
}

/* ---- ambiguity */

static bool
ambiguous(const char *text)
{
	read_list(text);
	return sslcommerz_ambiguous(&form, &list);
}

static void
a_value_that_could_hold_a_boundary_is_ambiguous(void **state)
{
	(void)state;
	assert_true(ambiguous("a=x%26b%3D1&z=1&verify_key=a,z"));
	assert_true(ambiguous("a=1&z=x%26b%3D&verify_key=a,z"));
	assert_true(ambiguous("a=%26b_2%3D&z=1&verify_key=a,z"));
	assert_true(ambiguous("a=%26%26b%3D&z=1&verify_key=a,z"));
	assert_true(ambiguous("a=M%26T+%26c%3D&z=1&verify_key=a,z"));
}

static void
other_ampersands_are_harmless(void **state)
{
	static const char *const fine[] = { "M%26T+BANK", "a%3Db", "%26%3D",
		"%26B%3D1", "%261%3D", "%26_a%3D", "%26a+b%3D1", "%26a", "%26",
		"x%26", "%26a.b%3D", "b%3D1%26" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text),
		    "a=%s&z=1&y=x%%26b%%3D1&verify_key=z,a", fine[i]);
		assert_false(ambiguous(text)); /* y is not signed */
	}
}

static void
a_trailing_ampersand_matters_in_the_last_signed_value_only(void **state)
{
	(void)state;
	assert_true(ambiguous("a=1&z=x%26&verify_key=a,z"));
	assert_true(ambiguous("z=x%26&a=1&verify_key=z,a"));
	assert_false(ambiguous("a=x%26&z=1&verify_key=a,z"));
	assert_false(ambiguous("a=1&z=x%26&verify_key=a"));
	assert_false(ambiguous("a=1&z=&verify_key=a,z"));
}

/* ---- words */

static void
statuses_are_exact_words(void **state)
{
	static const char *const words[CALLBACK_STATUSES] = { "VALID",
		"VALIDATED", "FAILED", "CANCELLED", "UNATTEMPTED", "EXPIRED" };
	static const char *const bad[] = { "", "valid", "VALID ", "VALI",
		"PENDING", "INVALID_TRANSACTION" };
	enum callback_status st;

	(void)state;
	for (unsigned i = 0; i < CALLBACK_STATUSES; i++) {
		assert_true(sslcommerz_status(bytes_of(words[i]), &st));
		assert_int_equal(st, i);
		assert_int_equal(sslcommerz_paid(st), i < 2);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(sslcommerz_status(bytes_of(bad[i]), &st));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_comes_out_as_stated),
		cmocka_unit_test(
		    pairs_are_sorted_and_the_password_takes_its_place),
		cmocka_unit_test(the_password_can_stand_first_and_last),
		cmocka_unit_test(trailing_ampersands_of_the_whole_are_stripped),
		cmocka_unit_test(
		    what_does_not_fit_is_not_hashed_and_leaves_nothing),
		cmocka_unit_test(values_are_hashed_as_they_are),
		cmocka_unit_test(names_keep_to_their_pattern),
		cmocka_unit_test(
		    verify_key_names_present_fields_once_and_never_its_own),
		cmocka_unit_test(names_in_verify_key_keep_to_the_pattern),
		cmocka_unit_test(every_field_that_matters_has_to_be_signed),
		cmocka_unit_test(the_mandatory_fields_have_to_be_there),
		cmocka_unit_test(only_a_paid_callback_needs_val_id_signed),
		cmocka_unit_test(
		    a_value_that_could_hold_a_boundary_is_ambiguous),
		cmocka_unit_test(other_ampersands_are_harmless),
		cmocka_unit_test(
		    a_trailing_ampersand_matters_in_the_last_signed_value_only),
		cmocka_unit_test(statuses_are_exact_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
