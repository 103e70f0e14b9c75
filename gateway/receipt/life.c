#include "receipt/life.h"

#include <assert.h>
#include <string.h>

static const struct {
	enum life from, to;
} moves[MOVES] = {
#define MOVE(FROM, from, TO, to) \
	[MOVE_##FROM##_##TO] = { LIFE_##FROM, LIFE_##TO },
#include "base/life.def"
#undef MOVE
};

static const struct {
	const char *word;
	enum life_answer answer;
} reasons[REASONS] = {
#define REASON(name, word, answer) [REASON_##name] = { word, ANSWER_##answer },
#include "base/reason.def"
#undef REASON
};

/* Of held payments they are stored. */
_Static_assert(REASON_RISK == 1 && REASON_PAYMENT == 2 && REASON_STORE == 3 &&
		   REASON_INVOICE == 4 && REASON_CURRENCY == 5 &&
		   REASON_AMOUNT == 6 && REASON_SILENCE == 7,
    "the number of a reason has changed");

bool
life_move(enum life from, enum life to, enum move *out)
{
	for (int i = 0; i < MOVES; i++) {
		if (moves[i].from != from || moves[i].to != to)
			continue;
		if (out != NULL)
			*out = (enum move)i;
		return true;
	}
	return false;
}

const char *
life_word(enum life l)
{
	static const char *const words[LIVES] = {
		[LIFE_ABSENT] = "absent",
		[LIFE_WAITING] = "waiting",
		[LIFE_HELD] = "held",
		[LIFE_CONFIRMED] = "confirmed",
		[LIFE_REFUSED] = "refused",
		[LIFE_ERASED] = "erased",
	};

	return words[l];
}

enum life_answer
reason_answer(enum reason r)
{
	return reasons[r].answer;
}

const char *
reason_word(enum reason r)
{
	return reasons[r].word;
}

enum reason
life_compare(const struct receipt *claimed, const struct receipt *answered)
{
	/* Texts are padded, so that equal ones are equal bytes. */
	if (memcmp(&claimed->id, &answered->id, sizeof(claimed->id)) != 0)
		return REASON_PAYMENT;
	if (memcmp(claimed->merchant, answered->merchant,
		sizeof(claimed->merchant)) != 0)
		return REASON_STORE;
	if (memcmp(claimed->invoice_id, answered->invoice_id,
		sizeof(claimed->invoice_id)) != 0)
		return REASON_INVOICE;
	if (memcmp(claimed->currency, answered->currency,
		sizeof(claimed->currency)) != 0)
		return REASON_CURRENCY;
	if (claimed->amount_minor != answered->amount_minor)
		return REASON_AMOUNT;
	return REASON_PAID;
}

enum life
life_judge(enum reason r, int64_t waited_us, uint32_t denied,
    const struct life_terms *t, enum reason *why)
{
	*why = r;
	switch (reason_answer(r)) {
	case ANSWER_PAID:
		return LIFE_CONFIRMED;
	case ANSWER_HELD:
		return LIFE_HELD;
	case ANSWER_DENIED:
		/* What is denied at first may only not have arrived yet. */
		if (denied >= LIFE_DENIALS && waited_us >= t->refuse_after_us)
			return LIFE_REFUSED;
		return LIFE_WAITING;
	case ANSWER_NONE:
		if (waited_us < t->confirm_for_us)
			return LIFE_WAITING;
		*why = REASON_SILENCE;
		return LIFE_HELD;
	case ANSWER_FAULT:
		break; /* says something of us, nothing of the payment */
	}
	return LIFE_WAITING;
}

enum life
life_check(enum life now, enum reason held_why, enum reason r)
{
	enum life_answer answer = reason_answer(r);

	assert(answer == ANSWER_PAID || answer == ANSWER_HELD);
	if (now == LIFE_CONFIRMED || now == LIFE_ERASED)
		return now;
	if (now == LIFE_HELD && held_why != REASON_SILENCE)
		return LIFE_HELD;
	return answer == ANSWER_PAID ? LIFE_CONFIRMED : LIFE_HELD;
}
