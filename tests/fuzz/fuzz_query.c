/*
 * Any bytes as a query of the API, as a cursor, and as values: what is read is
 * written again as it was, and nothing has two readings.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/cursor.h"
#include "desk/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* A cursor is of one list, and is its own only spelling. */
static void
check_cursor(struct bytes text)
{
	static const enum cursor_list lists[] = { CURSOR_RECEIPTS, CURSOR_HELD,
		CURSOR_RECEIPTS_DESC, CURSOR_DELIVERIES };
	unsigned taken = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		char again[CURSOR_TEXT];
		struct cursor c;

		if (!cursor_parse(text, lists[i], &c))
			continue;
		taken++;
		require(c.seq <= INT64_MAX);
		cursor_format(&c, lists[i], again);
		require(bytes_is(text, again));
	}
	require(taken <= 1);
}

/* Whatever was formatted is read back, and by no other list. */
static void
check_round(const uint8_t *data, size_t size)
{
	struct cursor c = { 0 }, back = { 0 };
	char text[CURSOR_TEXT];

	if (size < 16)
		return;
	memcpy(&c.epoch, data, 8);
	memcpy(&c.seq, data + 8, 8);
	c.seq &= INT64_MAX;
	cursor_format(&c, CURSOR_HELD, text);
	require(cursor_parse(bytes_of(text), CURSOR_HELD, &back));
	require(back.epoch == c.epoch && back.seq == c.seq);
	require(!cursor_parse(bytes_of(text), CURSOR_RECEIPTS, &back));
}

static void
check_values(struct bytes v)
{
	char currency[MONEY_CURRENCY], again[16];
	uint64_t at;
	uint32_t n;
	bool yes;

	if (query_number(v, 1, 1000, &n)) {
		(void)snprintf(again, sizeof(again), "%" PRIu32, n);
		require(n >= 1 && n <= 1000 && bytes_is(v, again));
	}
	if (query_time(v, &at))
		require(at <= UINT64_C(4133980800000000));
	if (query_currency(v, currency))
		require(bytes_is(v, currency) && currency[3] == '\0');
	if (query_bool(v, &yes))
		require(bytes_is(v, yes ? "true" : "false"));
}

/* Written with every byte escaped it is the same query. */
static void
check_spelled_out(const struct query_param *params, size_t n)
{
	struct query_param again[] = { { .name = "after" }, { .name = "limit" },
		{ .name = "invoice_id" } };
	char text[3 * HTTP_TARGET_MAX + 64];
	struct query_text room;
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (params[i].value.ptr == NULL)
			continue;
		len += (size_t)sprintf(
		    text + len, "%s%s=", len > 0 ? "&" : "", params[i].name);
		for (size_t k = 0; k < params[i].value.len; k++)
			len += (size_t)sprintf(
			    text + len, "%%%02X", params[i].value.ptr[k]);
	}
	if (len > HTTP_TARGET_MAX)
		return;
	require(query_parse(
	    bytes_make((unsigned char *)text, len), again, n, &room));
	for (size_t i = 0; i < n; i++)
		require(bytes_equal(params[i].value, again[i].value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct query_param params[] = { { .name = "after" },
		{ .name = "limit" }, { .name = "invoice_id" } };
	struct query_text room, segment;
	unsigned char *copy;
	struct bytes raw, out;

	if (size > HTTP_TARGET_MAX)
		return 0;
	copy = malloc(size > 0 ? size : 1);
	require(copy != NULL);
	memcpy(copy, data, size);
	raw = bytes_make(copy, size);
	check_cursor(raw);
	check_round(data, size);
	check_values(raw);
	if (query_parse(raw, params, ARRAY_LEN(params), &room)) {
		for (size_t i = 0; i < ARRAY_LEN(params); i++) {
			if (params[i].value.ptr == NULL)
				continue;
			check_cursor(params[i].value);
			check_values(params[i].value);
		}
		check_spelled_out(params, ARRAY_LEN(params));
	}
	if (query_segment(raw, &out, &segment)) {
		require(out.len <= size);
		for (size_t i = 0; i < out.len; i++)
			require(out.ptr[i] >= 0x20 && out.ptr[i] != 0x7f);
	}
	free(copy);
	return 0;
}
