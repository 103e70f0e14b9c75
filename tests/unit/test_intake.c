/* One callback as a whole, and signing a recorded one again. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/secret.h"
#include "intake/intake.h"

#define RECEIVED_US INT64_C(1770698581123456)
#define PASSWORD    "kasturi-Mohona#77" /* of testbox, in the fixtures */
#define DIGEST	    "&verify_sign_sha2="

struct world {
	struct intake *intake;
	unsigned char *body; /* exactly len bytes: ASan sees one more */
	size_t len;
	struct intake_result result;
};

static struct edge_merchant
shop(const char *password)
{
	struct edge_merchant m = { .rules = { .store_id = "testbox",
				       .confirm = CONFIRM_OFF },
		.n_passwords = 1 };

	assert_int_equal(
	    secret_md5_hex(password, strlen(password), m.md5[0]), ST_OK);
	assert_int_equal(
	    secret_sha256_hex(password, strlen(password), m.sha256[0]), ST_OK);
	return m;
}

static void
set_body(struct world *w, const void *text, size_t len)
{
	free(w->body);
	w->body = malloc(len > 0 ? len : 1);
	assert_non_null(w->body);
	memcpy(w->body, text, len);
	w->len = len;
}

static void
recorded(struct world *w, const char *name)
{
	const char *root = getenv("PAYSIEVE_FIXTURES");
	char path[512], text[4096];
	FILE *f;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/sslcommerz/%s/request.form",
	    root == NULL ? "fixtures" : root, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	len = fread(text, 1, sizeof(text), f);
	assert_true(len > 0 && len < sizeof(text));
	(void)fclose(f);
	set_body(w, text, len);
}

/* Put text in place of the first occurrence of what. */
static void
change(struct world *w, const char *what, const char *text)
{
	char changed[8192];
	unsigned char *at = memmem(w->body, w->len, what, strlen(what));
	size_t before, after;

	assert_non_null(at);
	before = (size_t)(at - w->body);
	after = w->len - before - strlen(what);
	assert_true(before + strlen(text) + after <= sizeof(changed));
	memcpy(changed, w->body, before);
	memcpy(changed + before, text, strlen(text));
	memcpy(changed + before + strlen(text), at + strlen(what), after);
	set_body(w, changed, before + strlen(text) + after);
}

static void
run(struct world *w, const struct edge_merchant *m)
{
	intake_run(w->intake, m, w->body, w->len, RECEIVED_US, &w->result);
	for (size_t i = 0; i < w->len; i++)
		assert_int_equal(w->body[i], 0);
}

static void
is_refused(struct world *w, enum refusal expect)
{
	struct edge_merchant m = shop(PASSWORD);

	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_REFUSED);
	assert_string_equal(
	    refusal_word(w->result.refusal), refusal_word(expect));
}

/* ---- one callback */

static void
a_paid_callback_becomes_a_receipt(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);

	recorded(w, "valid-new-set");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_PAID);
	assert_int_equal(w->result.status, CALLBACK_VALID);
	assert_int_equal(w->result.fields, 30);
	assert_true(receipt_valid(&w->result.receipt));
	assert_string_equal(w->result.receipt.invoice_id, "INV-2026-000123");
	assert_int_equal(w->result.receipt.received_at_us, RECEIVED_US);
}

static void
a_failed_payment_leaves_no_receipt(void **state)
{
	static const struct receipt none;
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);

	recorded(w, "failed");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_NOT_PAID);
	assert_int_equal(w->result.status, CALLBACK_FAILED);
	assert_memory_equal(&w->result.receipt, &none, sizeof(none));
}

/* Two faults at a time: what is checked first is what is said. */
static void
checks_run_in_their_order(void **state)
{
	struct world *w = *state;

	recorded(w, "valid-new-set");
	change(w, "store_id=testbox", "store_id=other&Capital=1");
	is_refused(w, REFUSAL_MERCHANT);
	recorded(w, "valid-new-set");
	change(w, "&verify_key=", "&Capital=1&verify_kay=");
	is_refused(w, REFUSAL_NAME);
	recorded(w, "valid-new-set");
	change(w, "verify_key=amount%2C", "verify_key=value_a%2C");
	is_refused(w, REFUSAL_KEY_LIST); /* value_a twice, amount unsigned */
	recorded(w, "valid-new-set");
	change(w, "verify_key=amount%2C", "verify_key=");
	change(w, DIGEST, "&verify_no=");
	is_refused(w, REFUSAL_UNSIGNED); /* and MD5 alone */
	recorded(w, "valid-new-set");
	change(w, DIGEST, "&verify_no=");
	change(w, "status=VALID", "status=WRONG");
	is_refused(w, REFUSAL_NO_DIGEST);
	recorded(w, "valid-new-set");
	change(w, "status=VALID", "status=WRONG");
	change(w, "value_a=", "value_a=x%26y%3D");
	is_refused(w, REFUSAL_DIGEST);
}

static void
a_body_of_any_size_is_wiped(void **state)
{
	static unsigned char big[64 * 1024 + 100];
	struct world *w = *state;

	memset(big, 'x', sizeof(big));
	set_body(w, big, sizeof(big));
	is_refused(w, REFUSAL_TOO_LARGE);
	assert_int_equal(w->result.fields, 0);
	set_body(w, "", 0);
	is_refused(w, REFUSAL_FORM);
	set_body(w, "store_id=testbox&x=%zz&card_no=418117XXXXXX0042", 47);
	is_refused(w, REFUSAL_FORM);
}

/* The object itself: no view into the body, so no address of one. */
/* proves: R3 R10 */
static void
nothing_of_a_callback_stays_in_the_object(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);
	size_t size = malloc_usable_size(w->intake);
	unsigned char *before = malloc(size);

	assert_non_null(before);
	memcpy(before, w->intake, size);
	recorded(w, "valid-new-set");
	run(w, &m);
	assert_memory_equal(before, w->intake, size);
	recorded(w, "splice-promoted-text");
	run(w, &m);
	assert_memory_equal(before, w->intake, size);
	free(before);
}

static void
a_result_says_nothing_of_the_one_before(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);
	struct intake_result first;

	recorded(w, "failed");
	run(w, &m);
	first = w->result;
	recorded(w, "valid-new-set");
	run(w, &m);
	recorded(w, "failed");
	run(w, &m);
	assert_memory_equal(&first, &w->result, sizeof(first));
}

static void
a_merchant_without_passwords_accepts_nothing(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);

	m.n_passwords = 0;
	recorded(w, "valid-new-set");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_REFUSED);
	assert_int_equal(w->result.refusal, REFUSAL_DIGEST);
}

static void
every_refusal_has_a_word(void **state)
{
	(void)state;
	for (unsigned r = 0; r < REFUSALS; r++)
		assert_true(strlen(refusal_word((enum refusal)r)) > 0);
	assert_string_equal(refusal_word(REFUSAL_TOO_LARGE), "too_large");
	assert_string_equal(refusal_word(REFUSAL_VAL_ID), "val_id");
	assert_string_equal(refusal_word(REFUSALS), "unknown");
}

/* ---- what a payment is asked about by */

static struct edge_merchant
confirming_shop(enum invoice_field invoice)
{
	struct edge_merchant m = shop(PASSWORD);

	m.rules.confirm = CONFIRM_REQUIRED;
	m.rules.invoice_field = invoice;
	return m;
}

static void
has_questions(const struct world *w, const char *val_id, const char *tran_id)
{
	char want[RECEIPT_INVOICE];

	assert_true(receipt_text(want, sizeof(want), bytes_of(val_id)));
	assert_memory_equal(w->result.val_id, want, sizeof(want));
	assert_true(receipt_text(want, sizeof(want), bytes_of(tran_id)));
	assert_memory_equal(w->result.tran_id, want, sizeof(want));
}

static void
a_payment_to_be_confirmed_says_by_what_to_ask(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = confirming_shop(INVOICE_TRAN_ID);

	recorded(w, "valid-new-set");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_PAID);
	has_questions(w, "2602101042100KzEkyVMXcsVpoeu", "");
	m = confirming_shop(INVOICE_VALUE_A);
	recorded(w, "valid-new-set");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_PAID);
	assert_string_equal(w->result.receipt.invoice_id, "payer-note-Anwara");
	has_questions(w, "2602101042100KzEkyVMXcsVpoeu", "INV-2026-000123");
}

static void
nothing_else_says_by_what_to_ask(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);

	m.rules.invoice_field = INVOICE_VALUE_A;
	recorded(w, "valid-new-set");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_PAID);
	has_questions(w, "", "");
	m = confirming_shop(INVOICE_VALUE_A);
	recorded(w, "failed");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_NOT_PAID);
	has_questions(w, "", "");
	m = confirming_shop(INVOICE_VALUE_D); /* which is empty */
	recorded(w, "valid-new-set");
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_REFUSED);
	has_questions(w, "", "");
}

/* ---- one payment of an answer */

#define MEMBERS 16

struct answer {
	size_t n;
	struct intake_member members[MEMBERS];
};

/* Put value in place of the member of that name, or behind all. */
static void
put(struct answer *a, const char *name, const char *value)
{
	size_t i = 0;

	while (i < a->n && !bytes_is(a->members[i].name, name))
		i++;
	assert_true(i < MEMBERS);
	a->members[i] =
	    (struct intake_member){ bytes_of(name), bytes_of(value) };
	a->n += i == a->n;
}

static struct answer
paid_answer(void)
{
	struct answer a = { 0 };

	put(&a, "status", "VALID");
	put(&a, "val_id", "V1");
	put(&a, "tran_id", "INV-1");
	put(&a, "amount", "1062.5");
	put(&a, "currency", "BDT");
	put(&a, "currency_type", "USD");
	put(&a, "currency_amount", "12.5");
	put(&a, "tran_date", "2026-02-10 10:42:25");
	put(&a, "risk_level", "0");
	put(&a, "card_no", "418117XXXXXX0042");
	return a;
}

static enum reason
answers(struct world *w, const struct answer *a, struct intake_payment *out)
{
	struct edge_merchant m = shop(PASSWORD);

	memset(out, 0xa5, sizeof(*out));
	assert_int_equal(intake_answer(w->intake, &m.rules, a->members, a->n,
			     RECEIVED_US, out),
	    ST_OK);
	return out->reason;
}

static void
answers_with(struct world *w, const char *name, const char *value,
    enum reason expect, bool with_id)
{
	static const struct receipt none;
	struct answer a = paid_answer();
	struct intake_payment p;
	struct receipt rest;

	put(&a, name, value);
	assert_string_equal(
	    reason_word(answers(w, &a, &p)), reason_word(expect));
	if (expect == REASON_PAID || expect == REASON_RISK) {
		assert_true(receipt_valid(&p.receipt));
		return;
	}
	rest = p.receipt;
	memset(&rest.id, 0, sizeof(rest.id));
	assert_memory_equal(&rest, &none, sizeof(none));
	assert_int_equal(
	    memcmp(&p.receipt.id, &none.id, sizeof(none.id)) != 0, with_id);
}

/* The callback of the same payment makes the same receipt. */
static void
an_answer_makes_the_receipt_that_its_callback_makes(void **state)
{
	static const char form[] =
	    "status=VALID&store_id=testbox&val_id=V1&tran_id=INV-1&"
	    "amount=1062.50&currency=BDT&currency_type=USD&"
	    "currency_amount=12.50&tran_date=2026-02-10+10%3A42%3A25&"
	    "verify_sign_sha2="
	    "d23953fbcdd25e15cca1c745c66944ca972242266241b231649e3a1964e95036&"
	    "verify_key=amount,currency,currency_amount,currency_type,status,"
	    "store_id,tran_date,tran_id,val_id";
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);
	struct answer a = paid_answer();
	struct intake_payment p;

	set_body(w, form, strlen(form));
	run(w, &m);
	assert_int_equal(w->result.verdict, VERDICT_PAID);
	assert_int_equal(answers(w, &a, &p), REASON_PAID);
	assert_memory_equal(&p.receipt, &w->result.receipt, sizeof(p.receipt));
}

static void
each_status_word_has_its_meaning(void **state)
{
	struct world *w = *state;

	answers_with(w, "status", "VALIDATED", REASON_PAID, true);
	answers_with(w, "status", "FAILED", REASON_UNPAID, true);
	answers_with(w, "status", "CANCELLED", REASON_UNPAID, true);
	answers_with(w, "status", "UNATTEMPTED", REASON_UNPAID, true);
	answers_with(w, "status", "EXPIRED", REASON_UNPAID, true);
	answers_with(w, "status", "PENDING", REASON_PENDING, true);
	answers_with(w, "status", "PROCESSING", REASON_PENDING, true);
	answers_with(w, "status", "INVALID", REASON_UNKNOWN, true);
	answers_with(w, "status", "INVALID_TRANSACTION", REASON_UNKNOWN, true);
	answers_with(w, "status", "valid", REASON_NONSENSE, true);
	answers_with(w, "status", "", REASON_NONSENSE, true);
}

static void
what_of_a_paid_one_cannot_be_kept_is_nonsense(void **state)
{
	struct world *w = *state;

	answers_with(w, "currency_type", "TAKA", REASON_NONSENSE, true);
	answers_with(w, "currency_amount", "0", REASON_NONSENSE, true);
	answers_with(w, "currency_amount", "12.505", REASON_NONSENSE, true);
	answers_with(w, "tran_id", "<b>", REASON_NONSENSE, true);
	answers_with(w, "val_id", "", REASON_NONSENSE, false);
	answers_with(w, "val_id", "V?", REASON_NONSENSE, false);
}

static void
any_level_but_zero_is_a_risk(void **state)
{
	struct world *w = *state;

	answers_with(w, "risk_level", "", REASON_PAID, true);
	answers_with(w, "risk_level", "1", REASON_RISK, true);
	answers_with(w, "risk_level", "2", REASON_RISK, true);
	answers_with(w, "risk_level", "00", REASON_RISK, true);
	answers_with(w, "risk_level", "Safe", REASON_RISK, true);
}

static void
an_answer_about_another_store_is_never_ours(void **state)
{
	struct world *w = *state;
	struct answer a = paid_answer();
	struct intake_payment p;

	answers_with(w, "store_id", "testbox", REASON_PAID, true);
	answers_with(w, "store_id", "", REASON_PAID, true);
	answers_with(w, "store_id", "other", REASON_STORE, true);
	put(&a, "store_id", "other");
	put(&a, "status", "FAILED");
	assert_int_equal(answers(w, &a, &p), REASON_NONSENSE);
}

static void
an_answer_needs_no_date(void **state)
{
	static const char *const dates[] = { "", "soon", "2026-02-30 10:42:25",
		"1999-02-10 10:42:25" };
	struct world *w = *state;
	struct answer a = paid_answer();
	struct intake_payment p;

	assert_int_equal(answers(w, &a, &p), REASON_PAID);
	assert_int_equal(p.receipt.paid_at_us, INT64_C(1770698545000000));
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		put(&a, "tran_date", dates[i]);
		assert_int_equal(answers(w, &a, &p), REASON_PAID);
		assert_int_equal(p.receipt.paid_at_us, 0);
		assert_int_equal(p.receipt.amount_minor, 1250);
	}
}

static void
a_member_that_is_there_twice_is_nonsense_if_it_is_needed(void **state)
{
	struct world *w = *state;
	struct answer a = paid_answer();
	struct intake_payment p;

	a.members[a.n] = a.members[a.n - 1]; /* card_no */
	a.n++;
	assert_int_equal(answers(w, &a, &p), REASON_PAID);
	a.members[a.n] = a.members[0];
	a.n++;
	assert_int_equal(answers(w, &a, &p), REASON_NONSENSE);
}

static void
an_answer_may_have_more_members_than_a_form(void **state)
{
	static struct intake_member members[1000];
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);
	struct answer a = paid_answer();
	struct intake_payment p;

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		members[i] = a.members[a.n - 1];
	memcpy(members + ARRAY_LEN(members) - a.n, a.members,
	    a.n * sizeof(*members));
	assert_int_equal(intake_answer(w->intake, &m.rules, members,
			     ARRAY_LEN(members), RECEIVED_US, &p),
	    ST_OK);
	assert_int_equal(p.reason, REASON_PAID);
	assert_int_equal(
	    intake_answer(w->intake, &m.rules, NULL, 0, RECEIVED_US, &p),
	    ST_OK);
	assert_int_equal(p.reason, REASON_NONSENSE);
}

static void
nothing_of_an_answer_stays_in_the_object(void **state)
{
	struct world *w = *state;
	size_t size = malloc_usable_size(w->intake);
	unsigned char *before = malloc(size);
	struct answer a = paid_answer();
	struct intake_payment p;

	assert_non_null(before);
	memcpy(before, w->intake, size);
	assert_int_equal(answers(w, &a, &p), REASON_PAID);
	assert_memory_equal(before, w->intake, size);
	put(&a, "tran_id", "");
	assert_int_equal(answers(w, &a, &p), REASON_NONSENSE);
	assert_memory_equal(before, w->intake, size);
	free(before);
}

/* ---- signing again */

static void
resigned(struct world *w, const char *was, const char *now)
{
	struct edge_merchant from = shop(was), to = shop(now);

	assert_int_equal(intake_resign(w->body, w->len, &from, &to), ST_OK);
}

static void
runs_under(struct world *w, const char *password, enum verdict expect)
{
	struct edge_merchant m = shop(password);

	run(w, &m);
	assert_int_equal(w->result.verdict, expect);
}

static void
a_genuine_callback_is_genuine_under_the_new_password(void **state)
{
	struct world *w = *state;
	char once[4096];
	size_t len;

	recorded(w, "valid-new-set");
	len = w->len;
	memcpy(once, w->body, len);
	resigned(w, PASSWORD, "another-password");
	assert_memory_not_equal(w->body, once, len);
	resigned(w, "another-password", PASSWORD);
	assert_memory_equal(w->body, once, len);
	resigned(w, PASSWORD, "another-password");
	runs_under(w, "another-password", VERDICT_PAID);
}

static void
any_of_two_old_passwords_will_do(void **state)
{
	struct world *w = *state;
	struct edge_merchant was = shop("another-password"), right, now;

	right = shop(PASSWORD);
	was.n_passwords = 2;
	memcpy(was.md5[1], right.md5[0], sizeof(was.md5[1]));
	memcpy(was.sha256[1], right.sha256[0], sizeof(was.sha256[1]));
	now = shop("a-third-one");
	recorded(w, "valid-new-set");
	assert_int_equal(intake_resign(w->body, w->len, &was, &now), ST_OK);
	runs_under(w, "a-third-one", VERDICT_PAID);
}

static void
what_was_wrong_stays_wrong(void **state)
{
	struct world *w = *state;
	char once[4096];

	recorded(w, "valid-new-set");
	memcpy(once, w->body, w->len);
	resigned(w, "not-the-password", "another-password");
	assert_memory_equal(w->body, once, w->len);
	recorded(w, "digest-md5-wrong");
	resigned(w, PASSWORD, "another-password");
	assert_non_null(memmem(w->body, w->len,
	    "&verify_sign=00000000000000000000000000000000&", 46));
	runs_under(w, "another-password", VERDICT_REFUSED);
	recorded(w, "digest-upper-case");
	resigned(w, PASSWORD, "another-password");
	runs_under(w, "another-password", VERDICT_REFUSED);
	recorded(w, "verify-key-missing");
	memcpy(once, w->body, w->len);
	resigned(w, PASSWORD, "another-password");
	assert_memory_equal(w->body, once, w->len);
}

static void
a_splice_stays_a_splice(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop("another-password");

	recorded(w, "splice-promoted-text");
	resigned(w, PASSWORD, "another-password");
	run(w, &m);
	assert_int_equal(w->result.refusal, REFUSAL_AMBIGUOUS);
}

static void
escaped_digits_are_replaced_in_their_place(void **state)
{
	struct world *w = *state;
	unsigned char *at;
	char digit[2] = { 0 }, escape[4];

	recorded(w, "valid-new-set");
	at = memmem(w->body, w->len, DIGEST, strlen(DIGEST));
	assert_non_null(at);
	digit[0] = (char)at[strlen(DIGEST)];
	(void)snprintf(escape, sizeof(escape), "%%%02X", (unsigned)digit[0]);
	{
		char what[64], text[64];

		(void)snprintf(what, sizeof(what), DIGEST "%s", digit);
		(void)snprintf(text, sizeof(text), DIGEST "%s", escape);
		change(w, what, text);
	}
	resigned(w, PASSWORD, "another-password");
	runs_under(w, "another-password", VERDICT_PAID);
}

static void
a_form_that_cannot_be_read_stays_as_it_is(void **state)
{
	struct world *w = *state;
	struct edge_merchant m = shop(PASSWORD);
	static const char bad[] = "a=1&b=%zz";

	set_body(w, bad, strlen(bad));
	assert_int_equal(intake_resign(w->body, w->len, &m, &m), ST_BAD_INPUT);
	assert_memory_equal(w->body, bad, strlen(bad));
	set_body(w, "", 0);
	assert_int_equal(intake_resign(w->body, w->len, &m, &m), ST_BAD_INPUT);
}

static int
set_up(void **state)
{
	static const unsigned char key[32] = { 42 };
	static struct world w;

	*state = &w;
	return intake_new(&w.intake, key, NULL) == ST_OK ? 0 : 1;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	intake_free(w->intake);
	intake_free(NULL);
	free(w->body);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_paid_callback_becomes_a_receipt),
		cmocka_unit_test(a_failed_payment_leaves_no_receipt),
		cmocka_unit_test(checks_run_in_their_order),
		cmocka_unit_test(a_body_of_any_size_is_wiped),
		cmocka_unit_test(nothing_of_a_callback_stays_in_the_object),
		cmocka_unit_test(a_result_says_nothing_of_the_one_before),
		cmocka_unit_test(a_merchant_without_passwords_accepts_nothing),
		cmocka_unit_test(every_refusal_has_a_word),
		cmocka_unit_test(a_payment_to_be_confirmed_says_by_what_to_ask),
		cmocka_unit_test(nothing_else_says_by_what_to_ask),
		cmocka_unit_test(
		    an_answer_makes_the_receipt_that_its_callback_makes),
		cmocka_unit_test(each_status_word_has_its_meaning),
		cmocka_unit_test(what_of_a_paid_one_cannot_be_kept_is_nonsense),
		cmocka_unit_test(any_level_but_zero_is_a_risk),
		cmocka_unit_test(an_answer_about_another_store_is_never_ours),
		cmocka_unit_test(an_answer_needs_no_date),
		cmocka_unit_test(
		    a_member_that_is_there_twice_is_nonsense_if_it_is_needed),
		cmocka_unit_test(an_answer_may_have_more_members_than_a_form),
		cmocka_unit_test(nothing_of_an_answer_stays_in_the_object),
		cmocka_unit_test(
		    a_genuine_callback_is_genuine_under_the_new_password),
		cmocka_unit_test(any_of_two_old_passwords_will_do),
		cmocka_unit_test(what_was_wrong_stays_wrong),
		cmocka_unit_test(a_splice_stays_a_splice),
		cmocka_unit_test(escaped_digits_are_replaced_in_their_place),
		cmocka_unit_test(a_form_that_cannot_be_read_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
