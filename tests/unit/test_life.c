/* receipt/life.c: the moves of a payment and what answers make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "receipt/life.h"

#define SECOND INT64_C(1000000)

static const struct life_terms terms = { .confirm_for_us = 600 * SECOND,
	.refuse_after_us = 60 * SECOND };

/* ---- moves */

/* From the row to the column, in the order of enum life. */
static const char *const allowed[LIVES] = {
	[LIFE_ABSENT] = " WHC  ",
	[LIFE_WAITING] = "  HCRE",
	[LIFE_HELD] = "   CRE",
	[LIFE_CONFIRMED] = "     E",
	[LIFE_REFUSED] = "  HC  ",
	[LIFE_ERASED] = "      ",
};

static void
exactly_the_moves_of_the_table_are_allowed(void **state)
{
	size_t n = 0;

	(void)state;
	for (int from = 0; from < LIVES; from++) {
		for (int to = 0; to < LIVES; to++) {
			bool may =
			    life_move((enum life)from, (enum life)to, NULL);

			assert_int_equal(may, allowed[from][to] != ' ');
			n += may;
		}
	}
	assert_int_equal(n, MOVES);
}

static void
each_move_has_its_number(void **state)
{
	(void)state;
#define MOVE(FROM, from, TO, to)                                     \
	do {                                                         \
		enum move m_ = MOVES;                                \
		assert_true(life_move(LIFE_##FROM, LIFE_##TO, &m_)); \
		assert_int_equal(m_, MOVE_##FROM##_##TO);            \
	} while (0);
#include "base/life.def"
#undef MOVE
}

static void
a_move_that_is_refused_gives_no_number(void **state)
{
	enum move m = MOVES;

	(void)state;
	assert_false(life_move(LIFE_CONFIRMED, LIFE_HELD, &m));
	assert_int_equal(m, MOVES);
}

static void
words_are_those_of_the_tables(void **state)
{
	(void)state;
#define MOVE(FROM, from, TO, to)                           \
	assert_string_equal(life_word(LIFE_##FROM), from); \
	assert_string_equal(life_word(LIFE_##TO), to);
#include "base/life.def"
#undef MOVE
#define REASON(name, word, answer)                             \
	assert_string_equal(reason_word(REASON_##name), word); \
	assert_int_equal(reason_answer(REASON_##name), ANSWER_##answer);
#include "base/reason.def"
#undef REASON
}

static void
no_two_reasons_share_a_word(void **state)
{
	(void)state;
	for (int a = 0; a < REASONS; a++) {
		for (int b = 0; b < a; b++)
			assert_string_not_equal(reason_word((enum reason)a),
			    reason_word((enum reason)b));
	}
}

/* ---- comparing */

static struct receipt
sound(void)
{
	struct receipt r = { .amount_minor = 115000,
		.paid_at_us = INT64_C(1764657045000000),
		.received_at_us = INT64_C(1764657047123456),
		.currency = "BDT",
		.merchant = "testbox",
		.invoice_id = "INV-1" };

	memset(r.id.b, 7, sizeof(r.id.b));
	return r;
}

static void
the_first_difference_is_the_reason(void **state)
{
	struct receipt claimed = sound(), answered = sound();

	(void)state;
	assert_int_equal(life_compare(&claimed, &answered), REASON_PAID);
	answered.amount_minor--;
	assert_int_equal(life_compare(&claimed, &answered), REASON_AMOUNT);
	answered.currency[2] = 'X';
	assert_int_equal(life_compare(&claimed, &answered), REASON_CURRENCY);
	answered.invoice_id[4] = '2';
	assert_int_equal(life_compare(&claimed, &answered), REASON_INVOICE);
	answered.merchant[6] = 'y';
	assert_int_equal(life_compare(&claimed, &answered), REASON_STORE);
	answered.id.b[15] ^= 1;
	assert_int_equal(life_compare(&claimed, &answered), REASON_PAYMENT);
}

static void
a_text_that_goes_on_differs(void **state)
{
	struct receipt claimed = sound(), answered = sound();

	(void)state;
	answered.invoice_id[5] = '0';
	assert_int_equal(life_compare(&claimed, &answered), REASON_INVOICE);
	answered = sound();
	answered.merchant[7] = '2';
	assert_int_equal(life_compare(&claimed, &answered), REASON_STORE);
}

static void
times_are_not_compared(void **state)
{
	struct receipt claimed = sound(), answered = sound();

	(void)state;
	answered.paid_at_us += SECOND;
	answered.received_at_us += SECOND;
	assert_int_equal(life_compare(&claimed, &answered), REASON_PAID);
}

/* ---- judging a waiting payment */

static void
expect(enum reason r, int64_t waited_us, uint32_t denied, enum life to,
    enum reason why)
{
	enum reason got = REASONS;

	assert_int_equal(life_judge(r, waited_us, denied, &terms, &got), to);
	assert_int_equal(got, why);
	assert_true(to == LIFE_WAITING || life_move(LIFE_WAITING, to, NULL));
}

/* At every time that matters and beyond, whatever was denied before. */
static const int64_t times[] = { -SECOND, 0, 60 * SECOND - 1, 60 * SECOND,
	600 * SECOND - 1, 600 * SECOND, INT64_MAX };

static void
what_an_answer_decides_it_decides_at_any_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		for (int n = 0; n < REASONS; n++) {
			enum reason r = (enum reason)n;

			if (reason_answer(r) == ANSWER_PAID)
				expect(r, times[i], 9, LIFE_CONFIRMED, r);
			if (reason_answer(r) == ANSWER_HELD)
				expect(r, times[i], 9, LIFE_HELD, r);
			if (reason_answer(r) == ANSWER_FAULT)
				expect(r, times[i], 9, LIFE_WAITING, r);
		}
	}
}

static void
silence_holds_from_confirm_for_on(void **state)
{
	(void)state;
	for (int n = 0; n < REASONS; n++) {
		enum reason r = (enum reason)n;

		if (reason_answer(r) != ANSWER_NONE)
			continue;
		for (uint32_t denied = 0; denied < 5; denied++) {
			expect(r, 0, denied, LIFE_WAITING, r);
			expect(r, 600 * SECOND - 1, denied, LIFE_WAITING, r);
			expect(
			    r, 600 * SECOND, denied, LIFE_HELD, REASON_SILENCE);
			expect(r, INT64_MAX, denied, LIFE_HELD, REASON_SILENCE);
		}
	}
}

static void
three_denials_over_refuse_after_refuse(void **state)
{
	(void)state;
	for (int n = 0; n < REASONS; n++) {
		enum reason r = (enum reason)n;

		if (reason_answer(r) != ANSWER_DENIED)
			continue;
		expect(r, INT64_MAX, 1, LIFE_WAITING, r);
		expect(r, INT64_MAX, LIFE_DENIALS - 1, LIFE_WAITING, r);
		expect(r, 60 * SECOND - 1, LIFE_DENIALS, LIFE_WAITING, r);
		expect(r, 60 * SECOND - 1, UINT32_MAX, LIFE_WAITING, r);
		expect(r, 60 * SECOND, LIFE_DENIALS, LIFE_REFUSED, r);
		expect(r, INT64_MAX, UINT32_MAX, LIFE_REFUSED, r);
	}
}

static void
a_refusal_at_once_still_takes_three_denials(void **state)
{
	const struct life_terms soon = { .confirm_for_us = SECOND };
	enum reason why;

	(void)state;
	assert_int_equal(
	    life_judge(REASON_UNKNOWN, 0, 2, &soon, &why), LIFE_WAITING);
	assert_int_equal(
	    life_judge(REASON_UNKNOWN, 0, 3, &soon, &why), LIFE_REFUSED);
}

/* ---- judging what a check found */

static void
found(enum life now, enum reason held_why, enum reason r, enum life to)
{
	assert_int_equal(life_check(now, held_why, r), to);
	assert_true(to == now || life_move(now, to, NULL));
}

static void
a_check_confirms_what_nobody_has_to_decide(void **state)
{
	(void)state;
	found(LIFE_ABSENT, REASON_PAID, REASON_PAID, LIFE_CONFIRMED);
	found(LIFE_WAITING, REASON_PAID, REASON_PAID, LIFE_CONFIRMED);
	found(LIFE_REFUSED, REASON_PAID, REASON_PAID, LIFE_CONFIRMED);
	found(LIFE_CONFIRMED, REASON_PAID, REASON_PAID, LIFE_CONFIRMED);
}

static void
a_check_brings_nothing_back_that_is_erased(void **state)
{
	(void)state;
	for (int n = 0; n < REASONS; n++) {
		enum reason r = (enum reason)n;

		if (reason_answer(r) == ANSWER_PAID ||
		    reason_answer(r) == ANSWER_HELD)
			found(LIFE_ERASED, REASON_PAID, r, LIFE_ERASED);
	}
}

static void
a_check_holds_what_differs(void **state)
{
	(void)state;
	for (int n = 0; n < REASONS; n++) {
		enum reason r = (enum reason)n;

		if (reason_answer(r) != ANSWER_HELD)
			continue;
		found(LIFE_ABSENT, REASON_PAID, r, LIFE_HELD);
		found(LIFE_WAITING, REASON_PAID, r, LIFE_HELD);
		found(LIFE_REFUSED, REASON_PAID, r, LIFE_HELD);
		found(LIFE_HELD, REASON_SILENCE, r, LIFE_HELD);
		found(LIFE_CONFIRMED, REASON_PAID, r, LIFE_CONFIRMED);
	}
}

static void
a_check_overcomes_silence_alone(void **state)
{
	(void)state;
	for (int n = 0; n < REASONS; n++) {
		enum reason why = (enum reason)n;

		if (reason_answer(why) != ANSWER_HELD)
			continue;
		found(LIFE_HELD, why, REASON_PAID,
		    why == REASON_SILENCE ? LIFE_CONFIRMED : LIFE_HELD);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_moves_of_the_table_are_allowed),
		cmocka_unit_test(each_move_has_its_number),
		cmocka_unit_test(a_move_that_is_refused_gives_no_number),
		cmocka_unit_test(words_are_those_of_the_tables),
		cmocka_unit_test(no_two_reasons_share_a_word),
		cmocka_unit_test(the_first_difference_is_the_reason),
		cmocka_unit_test(a_text_that_goes_on_differs),
		cmocka_unit_test(times_are_not_compared),
		cmocka_unit_test(what_an_answer_decides_it_decides_at_any_time),
		cmocka_unit_test(silence_holds_from_confirm_for_on),
		cmocka_unit_test(three_denials_over_refuse_after_refuse),
		cmocka_unit_test(a_refusal_at_once_still_takes_three_denials),
		cmocka_unit_test(a_check_confirms_what_nobody_has_to_decide),
		cmocka_unit_test(a_check_brings_nothing_back_that_is_erased),
		cmocka_unit_test(a_check_holds_what_differs),
		cmocka_unit_test(a_check_overcomes_silence_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
