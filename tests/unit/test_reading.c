/*
 * Every recorded answer of fixtures/provider comes to what its expect.json
 * says, and nothing else of it is left in memory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "asker/reading.h"
#include "base/secret.h"
#include "fixtures.h"

#define FEWEST_CASES 150
#define CASE_BODY    (READING_BODY + 1024)
#define MAPPING	     (INT64_C(64) << 20) /* larger ones are nobody's heap */

struct suite {
	char root[256];
	json_t *merchants;
	struct reading *reading;
	struct merchant_rules shop; /* testbox */
	struct receipt claimed;	    /* of answer() */
};

static unsigned char body[CASE_BODY];

static void
says(enum reason got, const char *want)
{
	assert_string_equal(reason_word(got), want);
}

/* ---- one case */

static size_t
read_answer(const char *folder)
{
	char path[1024];
	struct dirent *d;
	DIR *dir = opendir(folder);

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, "answer.", 7) == 0)
			break;
	}
	if (d == NULL)
		fail_msg("%s has no answer", folder);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
	assert_int_equal(closedir(dir), 0);
	return fixtures_file(path, body, sizeof(body));
}

static void
run_question(struct suite *s, const json_t *expect,
    const struct merchant_rules *m, bool by_val_id, struct bytes answer)
{
	static const struct receipt none;
	const json_t *answered = json_object_get(expect, "answered");
	struct receipt claimed =
	    fixtures_receipt(json_object_get(expect, "claimed"), m->store_id);
	struct receipt want = none;
	struct reading_verdict v;

	memset(&v, 0xa5, sizeof(v));
	if (by_val_id)
		reading_by_val_id(s->reading, m, &claimed, answer, &v);
	else
		reading_by_tran_id(s->reading, m, &claimed, answer, &v);
	says(v.reason, fixtures_text(expect, "reason"));
	if (answered != NULL)
		want = fixtures_receipt(answered, m->store_id);
	assert_int_equal(v.is_answered, answered != NULL);
	assert_memory_equal(&v.answered, &want, sizeof(want));
	assert_null(json_object_get(expect, "found"));
}

static void
run_lookup(struct suite *s, const json_t *expect,
    const struct merchant_rules *m, struct bytes answer)
{
	static const struct intake_payment none;
	const json_t *want = json_object_get(expect, "found");
	struct intake_payment found[READING_FOUND];
	size_t n = 77;
	int64_t us = fixtures_micros(fixtures_text(expect, "received_at"));

	memset(found, 0xa5, sizeof(found));
	says(reading_lookup(s->reading, m, answer, us, found, &n),
	    fixtures_text(expect, "reason"));
	assert_true(json_is_array(want));
	assert_int_equal(n, json_array_size(want));
	for (size_t i = 0; i < READING_FOUND; i++) {
		const json_t *w = json_array_get(want, i);
		struct receipt r;

		if (i >= n) {
			assert_memory_equal(&found[i], &none, sizeof(none));
			continue;
		}
		r = fixtures_receipt(
		    json_object_get(w, "receipt"), m->store_id);
		says(found[i].reason, fixtures_text(w, "reason"));
		assert_memory_equal(&found[i].receipt, &r, sizeof(r));
	}
}

static void
run_case(struct suite *s, const char *name)
{
	char folder[600], path[700];
	struct edge_merchant m;
	unsigned char *exact;
	const char *by;
	json_t *expect;
	size_t len;

	print_message("%s\n", name);
	(void)snprintf(folder, sizeof(folder), "%s/%s", s->root, name);
	(void)snprintf(path, sizeof(path), "%s/about.md", folder);
	assert_true(fixtures_file(path, body, sizeof(body)) > 1);
	(void)snprintf(path, sizeof(path), "%s/expect.json", folder);
	expect = fixtures_json(path);
	m = fixtures_merchant(s->merchants, fixtures_text(expect, "merchant"));
	len = read_answer(folder);
	/* In memory of its own, so that reading beyond it is seen. */
	exact = malloc(len > 0 ? len : 1);
	assert_non_null(exact);
	memcpy(exact, body, len);
	by = fixtures_text(expect, "by");
	if (strcmp(by, "lookup") == 0)
		run_lookup(s, expect, &m.rules, bytes_make(exact, len));
	else if (strcmp(by, "val_id") == 0 || strcmp(by, "tran_id") == 0)
		run_question(
		    s, expect, &m.rules, *by == 'v', bytes_make(exact, len));
	else
		fail_msg("nobody asks by %s", by);
	free(exact);
	json_decref(expect);
}

static int
is_case(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void
every_recorded_answer_comes_to_what_is_expected(void **state)
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

/* ---- sizes */

/* An answer of about len bytes: paid, with filler in value_a. */
static struct bytes
answer(size_t filler)
{
	int n = snprintf((char *)body, sizeof(body),
	    "{\"status\":\"VALID\",\"val_id\":\"V1\",\"tran_id\":\"INV-1\","
	    "\"currency\":\"BDT\",\"amount\":\"10.00\",\"value_a\":\"%*s\"}",
	    (int)filler, "");

	assert_true(n > 0 && (size_t)n < sizeof(body));
	return bytes_make(body, (size_t)n);
}

static enum reason
ask(struct suite *s, struct bytes b)
{
	struct reading_verdict v;

	reading_by_val_id(s->reading, &s->shop, &s->claimed, b, &v);
	return v.reason;
}

static void
an_answer_may_be_as_long_as_is_read_and_not_longer(void **state)
{
	struct suite *s = *state;
	size_t bare = answer(0).len;

	says(ask(s, answer(READING_BODY - bare)), "paid");
	says(ask(s, answer(READING_BODY - bare + 1)), "nonsense");
}

/* So many members that the arena is full: no crash, no answer. */
static void
more_members_than_there_is_memory_for_are_nonsense(void **state)
{
	struct suite *s = *state;
	struct bytes b = answer(0);
	size_t at = b.len - 1;
	char name[16];

	for (unsigned i = 0; at + 32 < READING_BODY; i++) {
		int n = snprintf(name, sizeof(name), ",\"%x\":1.5", i);

		memcpy(body + at, name, (size_t)n);
		at += (size_t)n;
	}
	body[at++] = '}';
	says(ask(s, bytes_make(body, at)), "nonsense");
	says(ask(s, answer(0)), "paid");
}

/* A paid attempt, a comma behind it. */
static size_t
put_attempt(unsigned char *at, size_t left, unsigned i)
{
	int n = snprintf((char *)at, left,
	    "{\"val_id\":\"X%u\",\"status\":\"VALID\",\"tran_id\":\"INV-1\","
	    "\"currency\":\"BDT\",\"amount\":\"10.00\"",
	    i);
	size_t len = (size_t)n;

	for (unsigned member = 0; member < 30; member++) {
		n = snprintf((char *)at + len, left - len,
		    ",\"member_%u\":\"made up value\"", member);
		len += (size_t)n;
	}
	assert_true(len + 2 < left);
	memcpy(at + len, "},", 2);
	return len + 2;
}

/* Attempts of as many members as SSLCommerz's, until no more are read. */
static void
a_long_answer_of_many_attempts_is_read(void **state)
{
	static const char first[] = "{\"APIConnect\":\"DONE\",\"element\":[";
	static const char last[] =
	    "{\"val_id\":\"V1\",\"status\":\"PENDING\"}]}";
	struct suite *s = *state;
	struct reading_verdict v;
	size_t at = strlen(first);

	memcpy(body, first, at);
	for (unsigned i = 0; at + 1024 < READING_BODY; i++)
		at += put_attempt(body + at, sizeof(body) - at, i);
	memcpy(body + at, last, strlen(last));
	reading_by_tran_id(s->reading, &s->shop, &s->claimed,
	    bytes_make(body, at + strlen(last)), &v);
	says(v.reason, "pending");
}

/* ---- what is left */

/* Is text anywhere in the memory that this process can write to, but for the
 * stack?  Read through the kernel, which knows nothing of ASan's zones. */
static bool
is_left(struct bytes text)
{
	static unsigned char chunk[1 << 16];
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	bool left = false;
	char line[512];

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (!left && fgets(line, sizeof(line), maps) != NULL) {
		char *dash;
		int64_t from = strtoll(line, &dash, 16);
		int64_t to = strtoll(dash + 1, NULL, 16);

		bool stack = (int64_t)(uintptr_t)line >= from &&
			     (int64_t)(uintptr_t)line < to;

		if (strstr(line, " rw-p ") == NULL || stack ||
		    to - from > MAPPING)
			continue;
		/* Chunks overlap by more than the text. */
		for (; !left && from < to; from += (1 << 16) - 256) {
			ssize_t n = pread(mem, chunk, sizeof(chunk), from);

			left = n > 0 && memmem(chunk, (size_t)n, text.ptr,
					    text.len) != NULL;
		}
	}
	memset(chunk, 0, sizeof(chunk));
	assert_int_equal(close(mem), 0);
	assert_int_equal(fclose(maps), 0);
	return left;
}

/* A text that stands nowhere but on the stack of the caller. */
static struct bytes
canary(char out[32])
{
	for (size_t i = 0; i < 32; i++)
		out[i] = (char)('A' + (i * 7 + 3) % 23);
	return bytes_make(out, 32);
}

/* By what a verdict is made of, and by what is dropped. */
static size_t
wide_answer(const char *status)
{
	char text[32];
	int n;

	(void)canary(text);
	n = snprintf((char *)body, sizeof(body),
	    "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":2,\"element\":["
	    "{\"status\":\"%s\",\"val_id\":\"V1\",\"tran_id\":\"INV-1\","
	    "\"currency\":\"BDT\",\"amount\":10.00,\"card_no\":\"%.32s\"},"
	    "{\"status\":\"FAILED\",\"val_id\":\"%.32s\",\"%.32s\":0}]%s",
	    status, text, text, text, *status == 'X' ? "" : "}");
	assert_true(n > 0 && (size_t)n < sizeof(body));
	secret_wipe(text, sizeof(text));
	return (size_t)n;
}

static void
nothing_of_an_answer_stays_in_memory(void **state)
{
	static const char *const statuses[] = { "VALID", "INVALID", "X" };
	static const char *const verdicts[] = { "paid", "unknown", "nonsense" };
	struct intake_payment found[READING_FOUND];
	struct suite *s = *state;
	struct reading_verdict v;
	char text[32];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		size_t len = wide_answer(statuses[i]);
		struct bytes b = bytes_make(body, len);

		assert_true(is_left(canary(text))); /* it can be seen */
		reading_by_tran_id(s->reading, &s->shop, &s->claimed, b, &v);
		says(v.reason, verdicts[i]);
		(void)reading_lookup(s->reading, &s->shop, b,
		    s->claimed.received_at_us, found, &n);
		(void)ask(s, b);
		secret_wipe(body, sizeof(body));
		assert_false(is_left(canary(text)));
	}
}

/* ---- the object */

static void
what_a_verdict_is_made_of_is_compared_with_the_claim_alone(void **state)
{
	struct suite *s = *state;
	struct receipt claimed = s->claimed;
	struct reading_verdict v;
	struct bytes b = answer(0);

	says(ask(s, b), "paid");
	claimed.amount_minor++;
	reading_by_val_id(s->reading, &s->shop, &claimed, b, &v);
	says(v.reason, "amount");
	assert_true(v.is_answered);
	claimed.amount_minor--;
	assert_memory_equal(&v.answered, &claimed, sizeof(claimed));
	claimed.id.b[0] ^= 1;
	reading_by_val_id(s->reading, &s->shop, &claimed, b, &v);
	says(v.reason, "payment");
	assert_false(v.is_answered);
}

/* Others in this process keep the allocator that they had. */
static void
jansson_has_its_own_memory_outside_of_a_reading(void **state)
{
	struct suite *s = *state;
	json_t *mine = json_pack("{s:s}", "kept", "over a reading");
	json_malloc_t was, now;
	json_free_t was_free, now_free;

	json_get_alloc_funcs(&was, &was_free);
	says(ask(s, answer(0)), "paid");
	json_get_alloc_funcs(&now, &now_free);
	assert_true(was == now && was_free == now_free);
	assert_string_equal(fixtures_text(mine, "kept"), "over a reading");
	json_decref(mine);
}

static int
set_up(void **state)
{
	static struct suite s;
	unsigned char key[32];
	json_t *claim;

	fixtures_root(s.root, "provider");
	s.merchants = fixtures_merchants();
	fixtures_identity_key(s.merchants, key);
	s.shop = fixtures_merchant(s.merchants, "testbox").rules;
	claim = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "id",
	    "rcpt_azrjmq4ycvb3lf3xmuchxe4qvm", "invoice_id", "INV-1", "amount",
	    "10.00", "currency", "BDT", "paid_at", "2026-02-10T04:42:25Z",
	    "received_at", "2026-02-10T04:43:01.123456Z");
	s.claimed = fixtures_receipt(claim, "testbox");
	json_decref(claim);
	*state = &s;
	return reading_new(&s.reading, key, NULL) == ST_OK ? 0 : 1;
}

static int
tear_down(void **state)
{
	struct suite *s = *state;

	reading_free(s->reading);
	reading_free(NULL);
	json_decref(s->merchants);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_recorded_answer_comes_to_what_is_expected),
		cmocka_unit_test(
		    an_answer_may_be_as_long_as_is_read_and_not_longer),
		cmocka_unit_test(
		    more_members_than_there_is_memory_for_are_nonsense),
		cmocka_unit_test(a_long_answer_of_many_attempts_is_read),
		cmocka_unit_test(nothing_of_an_answer_stays_in_memory),
		cmocka_unit_test(
		    what_a_verdict_is_made_of_is_compared_with_the_claim_alone),
		cmocka_unit_test(
		    jansson_has_its_own_memory_outside_of_a_reading),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
