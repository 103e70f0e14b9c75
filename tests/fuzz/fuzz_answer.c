/*
 * Any bytes as an answer of SSLCommerz: what counts as paid has to look paid
 * to somebody else too.
 *
 * The second look parses the body anew, outside of the arena, and searches it
 * for an object that has everything the claim has.  The seeds are the
 * recorded answers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "asker/reading.h"

#define VAL_ID	 "2602101042100KzEkyVMXcsVpoeu"
#define TRAN_ID	 "INV-2026-000123"
#define STORE_ID "testbox"
#define AMOUNT	 1250.0
#define NOW_US	 INT64_C(1770698581123456)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reading *reading;
static const struct merchant_rules shop = { .store_id = STORE_ID };
static struct receipt claimed;

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* The claim is what the door itself makes of the payment. */
static void
set_up(void)
{
	static const unsigned char key[32] = { 1 };
	static const char paid[] =
	    "{\"element\":{\"status\":\"VALID\",\"val_id\":\"" VAL_ID
	    "\",\"tran_id\":\"" TRAN_ID "\",\"currency\":\"BDT\","
	    "\"amount\":1250,\"tran_date\":\"2026-02-10 10:42:25\"}}";
	struct intake_payment found[READING_FOUND];
	size_t n;

	require(reading_new(&reading, key, NULL) == ST_OK);
	require(reading_lookup(reading, &shop, bytes_of(paid), NOW_US, found,
		    &n) == REASON_PAID);
	require(n == 1);
	claimed = found[0].receipt;
}

/* ---- the second look */

static bool
is_text(const json_t *o, const char *name, const char *text)
{
	const char *have = json_string_value(json_object_get(o, name));

	return have != NULL && strcmp(have, text) == 0;
}

static bool
is_amount(const json_t *value)
{
	double v = json_is_string(value)
		       ? strtod(json_string_value(value), NULL)
		       : json_number_value(value);

	return v > AMOUNT - 1e-9 && v < AMOUNT + 1e-9;
}

static bool
looks_paid(const json_t *o)
{
	bool paid =
	    is_text(o, "status", "VALID") || is_text(o, "status", "VALIDATED");
	bool requested = is_text(o, "currency_type", "BDT") &&
			 is_amount(json_object_get(o, "currency_amount"));
	bool settled = is_text(o, "currency", "BDT") &&
		       is_amount(json_object_get(o, "amount"));

	return paid && is_text(o, "val_id", VAL_ID) &&
	       is_text(o, "tran_id", TRAN_ID) && (requested || settled);
}

/* j itself, its only element, or one of its attempts. */
static bool
some_looks_paid(const json_t *j)
{
	const json_t *element = json_object_get(j, "element"), *one;
	size_t i;

	if (looks_paid(j) || looks_paid(element) ||
	    looks_paid(json_array_get(j, 0)))
		return true;
	json_array_foreach(element, i, one)
	{
		if (looks_paid(one))
			return true;
	}
	return false;
}

/* ---- what has to hold */

static void
check(const struct reading_verdict *v, const json_t *j)
{
	static const struct receipt none;
	const struct receipt *a = &v->answered;
	bool done = is_text(j, "APIConnect", "DONE") ||
		    is_text(json_array_get(j, 0), "APIConnect", "DONE");

	require(v->reason < REASONS && v->reason != REASON_SILENCE);
	require(v->reason != REASON_PAID || some_looks_paid(j));
	require(reason_answer(v->reason) != ANSWER_DENIED || done);
	require(
	    v->is_answered ==
	    (v->reason == REASON_RISK || v->reason == REASON_INVOICE ||
		v->reason == REASON_CURRENCY || v->reason == REASON_AMOUNT));
	if (!v->is_answered) {
		require(memcmp(a, &none, sizeof(none)) == 0);
		return;
	}
	require(receipt_valid(a));
	require(memcmp(&a->id, &claimed.id, sizeof(a->id)) == 0);
	require(a->paid_at_us == claimed.paid_at_us);
	require(a->received_at_us == claimed.received_at_us);
	require(life_compare(&claimed, a) ==
		(v->reason == REASON_RISK ? REASON_PAID : v->reason));
}

static void
look_up(struct bytes body, const json_t *j)
{
	struct intake_payment found[READING_FOUND];
	enum reason why;
	size_t n;

	why = reading_lookup(reading, &shop, body, NOW_US, found, &n);
	require(n <= READING_FOUND && (n > 0) == (why == REASON_PAID));
	require(reason_answer(why) != ANSWER_DENIED ||
		is_text(j, "APIConnect", "DONE"));
	for (size_t i = 0; i < n; i++) {
		require(receipt_valid(&found[i].receipt));
		require(found[i].reason == REASON_PAID ||
			found[i].reason == REASON_RISK);
		if (life_compare(&claimed, &found[i].receipt) == REASON_PAID)
			require(some_looks_paid(j));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body = bytes_make(data, size);
	struct reading_verdict v;
	size_t mark;
	json_t *j;

	if (reading == NULL)
		set_up();
	mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	j = json_loadb((const char *)data + mark, size - mark,
	    JSON_REJECT_DUPLICATES, NULL);
	reading_by_val_id(reading, &shop, &claimed, body, &v);
	check(&v, j);
	reading_by_tran_id(reading, &shop, &claimed, body, &v);
	check(&v, j);
	look_up(body, j);
	json_decref(j);
	return 0;
}
