#include "message/message_erase.h"

#include "message/field.h"

bool
message_erase_valid(enum party from, const struct msg_erase *m)
{
	return field_name(m->merchant, sizeof(m->merchant), false) &&
	       field_invoice(m->invoice_id, sizeof(m->invoice_id), false) &&
	       field_name(m->by, sizeof(m->by), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) && m->action <= ERASE_DO &&
	       (m->action != ERASE_SHOW || from == PARTY_COMMAND);
}

bool
message_payment_valid(const struct msg_payment *m)
{
	return m->n > 0 && m->n <= FIELD_SEQ_MAX && m->zero == 0 &&
	       (m->life == LIFE_CONFIRMED || m->life == LIFE_WAITING ||
		   m->life == LIFE_HELD) &&
	       receipt_valid(&m->receipt);
}

bool
message_erased_valid(const struct msg_erased *m)
{
	return m->at_us < FIELD_MICROS_MAX && m->until_us < FIELD_MICROS_MAX &&
	       m->why < RETAINS && m->legal_hold <= 1 && m->proved <= 1 &&
	       field_one_of(
		   m->status, 1UL << ST_OK | 1UL << ST_BUSY | 1UL << ST_IO);
}

bool
message_legal_valid(const struct msg_legal *m)
{
	return field_name(m->merchant, sizeof(m->merchant), false) &&
	       field_invoice(m->invoice_id, sizeof(m->invoice_id), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) && m->hold <= 1;
}
