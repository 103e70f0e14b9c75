#include "keeper/guarded.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "receipt/guard.h"

#define SECOND_US INT64_C(1000000)
#define DAY_US	  (86400 * SECOND_US)

static bool
say(const struct routes_merchant *m, const char *what)
{
	metrics_add(MET_INVOICE_GUARDED_KEEPER, 1);
	log_event(LOG_INVOICE_GUARDED, log_word(KEY_MERCHANT, m->store_id),
	    log_word(KEY_REASON, what));
	return false;
}

static enum guard_shape
shape_of(const struct routes_merchant *m, const char *text)
{
	return m->guards ? guard_shape(bytes_of(text)) : GUARD_NONE;
}

bool
guarded_text(const struct routes_merchant *m, const char *text)
{
	return shape_of(m, text) == GUARD_NONE;
}

/* A keyed digest has so many digits in a row once in 10^13. */
static bool
is_digits(const struct receipt_id *id)
{
	size_t n = 0;

	for (size_t i = 0; i < ID_BYTES && n < 10; i++)
		n = id->b[i] >= '0' && id->b[i] <= '9' ? n + 1 : 0;
	return n == 10;
}

/* Now, it may look like one by chance: the microseconds of 2040 do. */
static bool
is_card_time(int64_t us)
{
	int64_t now_us = clock_wall_us();
	char text[24];

	if (us > now_us - DAY_US && us < now_us + DAY_US)
		return false;
	(void)snprintf(text, sizeof(text), "%" PRId64, us);
	return guard_shape(bytes_of(text)) == GUARD_CARD;
}

bool
guarded_receipt(const struct routes_merchant *m, const struct receipt *r)
{
	enum guard_shape s = shape_of(m, r->invoice_id);

	return s == GUARD_NONE || say(m, guard_word(s));
}

static bool
are_numbers_sound(const struct routes_merchant *m, const struct receipt *r)
{
	if (is_digits(&r->id))
		return say(m, "id");
	if (r->paid_at_us % SECOND_US != 0 || is_card_time(r->received_at_us))
		return say(m, "time");
	return true;
}

enum status
guarded_put(const struct routes_merchant *m, const struct msg_put *put)
{
	enum guard_shape s = shape_of(m, put->tran_id);

	if (!are_numbers_sound(m, &put->receipt))
		return ST_BAD_INPUT;
	if (s == GUARD_NONE && guarded_receipt(m, &put->receipt))
		return ST_OK;
	if (s != GUARD_NONE)
		(void)say(m, guard_word(s));
	return m->guard_settled ? ST_BAD_INPUT : ST_BUSY;
}
