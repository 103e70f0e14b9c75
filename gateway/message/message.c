#include "message/message.h"

#include <string.h>

#include "message/field.h"
#include "message/message_erase.h"

/* Receivers depend on it: no layout may hold bytes that nobody sets. */
#define LAYOUT(record, size) \
	_Static_assert(sizeof(struct record) == (size), #record " has gaps")
LAYOUT(receipt, 144);
LAYOUT(msg_empty, 8);
LAYOUT(msg_peer, 8);
LAYOUT(msg_put, 224);
LAYOUT(msg_put_done, 16);
LAYOUT(msg_hint, 88);
LAYOUT(msg_withdraw, 16);
LAYOUT(msg_window, 40);
LAYOUT(msg_delivery, 200);
LAYOUT(msg_settle, 40);
LAYOUT(msg_ask, 232);
LAYOUT(msg_verdict, 200);
LAYOUT(msg_lookup, 112);
LAYOUT(msg_found, 160);
LAYOUT(msg_looked_up, 16);
LAYOUT(msg_page, 144);
LAYOUT(msg_get, 64);
LAYOUT(msg_row, 160);
LAYOUT(msg_page_end, 32);
LAYOUT(msg_probe, 8);
LAYOUT(msg_health, 80);
LAYOUT(msg_holds, 72);
LAYOUT(msg_hold, 320);
LAYOUT(msg_decide, 96);
LAYOUT(msg_check, 176);
LAYOUT(msg_done, 16);
LAYOUT(msg_which, 176);
LAYOUT(msg_deliveries, 200);
LAYOUT(msg_delivery_row, 224);
LAYOUT(msg_attempts, 96);
LAYOUT(msg_attempt, 40);
LAYOUT(msg_redeliver, 240);
LAYOUT(msg_redelivered, 40);
LAYOUT(msg_erase, 144);
LAYOUT(msg_legal, 112);
LAYOUT(msg_payment, 168);
LAYOUT(msg_erased, 152);
LAYOUT(msg_resume, 48);
LAYOUT(msg_news, 40);
LAYOUT(msg_mark, 88);
LAYOUT(msg_marked, 40);
LAYOUT(msg_token_used, 40);
LAYOUT(msg_tokens, 8);
LAYOUT(msg_token, 56);
LAYOUT(msg_revoke, 40);
LAYOUT(msg_revoked, 32);

#define MESSAGE(name, from, to, record, most)                             \
	_Static_assert(                                                   \
	    sizeof(struct msg_header) + (most) * sizeof(struct record) <= \
		MESSAGE_MAX,                                              \
	    #name " is larger than MESSAGE_MAX");
#include "message/message.def"
#undef MESSAGE

#define DAY_S	 86400
#define DAYS_MAX 47482 /* 2100 */

static const struct {
	unsigned from, to;
	size_t size;
	size_t most;
} table[MESSAGES] = {
#define MESSAGE(name, from, to, record, most) \
	[MSG_##                               \
	    name] = { PARTY_##from, PARTY_##to, sizeof(struct record), most },
#include "message/message.def"
#undef MESSAGE
};

size_t
message_size(enum message type)
{
	return table[type].size;
}

size_t
message_most(enum message type)
{
	return table[type].most;
}

bool
message_wide(enum message type)
{
	return type == MSG_HINT;
}

static bool
peer_valid(const struct msg_peer *m)
{
	return (m->party == PARTY_EDGE || m->party == PARTY_ASKER ||
		   m->party == PARTY_COURIER || m->party == PARTY_DESK) &&
	       m->slot < 1024;
}

static bool
put_valid(const struct msg_put *m)
{
	return receipt_valid(&m->receipt) &&
	       field_invoice(m->tran_id, sizeof(m->tran_id), true) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
put_done_valid(const struct msg_put_done *m)
{
	return m->zero == 0 &&
	       field_one_of(m->status, 1UL << ST_OK | 1UL << ST_EXISTS |
					   1UL << ST_BUSY | 1UL << ST_IO);
}

static bool
hint_valid(const struct msg_hint *m)
{
	return field_invoice(m->val_id, sizeof(m->val_id), false) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
window_valid(const struct msg_window *m)
{
	return field_name(m->name, sizeof(m->name), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) && m->most >= 1 &&
	       m->most <= 1024;
}

/* What a notice says of the receipt that is erased. */
static bool
notice_valid(const struct receipt *r)
{
	struct receipt rest = *r;

	memset(&rest.id, 0, sizeof(rest.id));
	memset(rest.merchant, 0, sizeof(rest.merchant));
	rest.received_at_us = 0;
	return field_zeros(&rest, sizeof(rest)) &&
	       field_name(r->merchant, sizeof(r->merchant), false) &&
	       r->received_at_us > 0 && r->received_at_us < FIELD_MICROS_MAX;
}

static bool
delivery_valid(const struct msg_delivery *m)
{
	return m->seq > 0 && m->seq <= FIELD_SEQ_MAX && m->attempt > 0 &&
	       field_name(m->endpoint, sizeof(m->endpoint), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) &&
	       ((m->seq & DELIVERY_NOTICE) != 0 ? notice_valid(&m->receipt)
						: receipt_valid(&m->receipt));
}

/* Is this what an attempt can come to? */
static bool
end_valid(uint32_t outcome, uint32_t http_status)
{
	if (outcome >= OUTCOMES)
		return false;
	if (outcome != OUTCOME_DELIVERED && outcome != OUTCOME_STATUS)
		return http_status == 0;
	return http_status >= 100 && http_status <= 599;
}

static bool
settle_valid(const struct msg_settle *m)
{
	return m->seq > 0 && m->seq <= FIELD_SEQ_MAX && m->attempt > 0 &&
	       end_valid(m->outcome, m->http_status) &&
	       m->retry_after_s <= DAY_S && m->zero == 0;
}

static bool
ask_valid(const struct msg_ask *m)
{
	return m->n > 0 && m->n <= FIELD_SEQ_MAX && m->attempt > 0 &&
	       m->zero == 0 && receipt_valid(&m->receipt) &&
	       field_invoice(m->tran_id, sizeof(m->tran_id), true) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
held_reason(uint32_t reason)
{
	return reason < REASONS && reason_answer(reason) == ANSWER_HELD;
}

/* What an asker may give: silence is for the keeper to find. */
static bool
given_reason(uint32_t reason)
{
	return reason < REASONS && reason != REASON_SILENCE;
}

static bool
verdict_valid(const struct msg_verdict *m)
{
	if (m->n == 0 || m->n > FIELD_SEQ_MAX || m->attempt == 0 ||
	    m->zero != 0 ||
	    !field_name(m->merchant, sizeof(m->merchant), false) ||
	    !field_zeros(m->pad, sizeof(m->pad)) || !given_reason(m->reason))
		return false;
	if (field_zeros(&m->answered, sizeof(m->answered)))
		return true;
	return held_reason(m->reason) && receipt_valid(&m->answered) &&
	       memcmp(m->answered.merchant, m->merchant, sizeof(m->merchant)) ==
		   0;
}

static bool
lookup_valid(const struct msg_lookup *m)
{
	return field_name(m->merchant, sizeof(m->merchant), false) &&
	       field_invoice(m->tran_id, sizeof(m->tran_id), false) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
found_valid(const struct msg_found *m)
{
	return (m->reason == REASON_PAID || m->reason == REASON_RISK) &&
	       m->zero == 0 && receipt_valid(&m->receipt);
}

static bool
looked_up_valid(const struct msg_looked_up *m)
{
	return given_reason(m->reason) && m->zero == 0;
}

/* Half-open, and open at its end when that is 0. */
static bool
span_valid(uint64_t from_us, uint64_t to_us)
{
	return from_us < FIELD_MICROS_MAX && to_us <= FIELD_MICROS_MAX;
}

static bool
currency_valid(const char *field)
{
	if (field_zeros(field, MONEY_CURRENCY))
		return true;
	return field[3] == '\0' && money_exponent(bytes_make(field, 3)) >= 0;
}

static bool
page_valid(enum party from, const struct msg_page *m)
{
	return m->after_seq <= FIELD_SEQ_MAX && m->limit >= 1 &&
	       m->limit <= 1000 && m->flags <= (PAGE_DESC | PAGE_UNDELIVERED) &&
	       span_valid(m->paid_from_us, m->paid_to_us) &&
	       field_name(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       field_invoice(m->invoice_id, sizeof(m->invoice_id), true) &&
	       currency_valid(m->currency) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
get_valid(enum party from, const struct msg_get *m)
{
	return field_name(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
row_valid(const struct msg_row *m)
{
	return m->seq > 0 && m->seq <= FIELD_SEQ_MAX &&
	       receipt_valid(&m->receipt);
}

static bool
page_end_valid(const struct msg_page_end *m)
{
	return m->more <= 1 && m->last_seq <= FIELD_SEQ_MAX &&
	       field_one_of(m->status, 1UL << ST_OK | 1UL << ST_NOT_FOUND |
					   1UL << ST_BUSY | 1UL << ST_IO);
}

static bool
health_valid(const struct msg_health *m)
{
	return m->oldest_pending_us < FIELD_MICROS_MAX &&
	       m->oldest_waiting_us < FIELD_MICROS_MAX &&
	       field_one_of(
		   m->status, 1UL << ST_OK | 1UL << ST_BUSY | 1UL << ST_IO);
}

static bool
holds_valid(enum party from, const struct msg_holds *m)
{
	return m->after <= FIELD_SEQ_MAX && m->limit >= 1 && m->limit <= 1000 &&
	       field_name(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
hold_valid(const struct msg_hold *m)
{
	if (m->n == 0 || m->n > FIELD_SEQ_MAX || m->held_at_us == 0 ||
	    m->held_at_us >= FIELD_MICROS_MAX || !held_reason(m->reason) ||
	    !receipt_valid(&m->claimed))
		return false;
	if (m->is_answered == 0)
		return field_zeros(&m->answered, sizeof(m->answered));
	return m->is_answered == 1 && receipt_valid(&m->answered);
}

static bool
decide_valid(enum party from, const struct msg_decide *m)
{
	return field_name(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       field_name(m->by, sizeof(m->by), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) && m->release <= 1;
}

static bool
check_valid(const struct msg_check *m)
{
	return field_name(m->merchant, sizeof(m->merchant), false) &&
	       field_invoice(m->invoice_id, sizeof(m->invoice_id), false) &&
	       field_invoice(m->tran_id, sizeof(m->tran_id), true) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
done_valid(const struct msg_done *m)
{
	return m->state < LIVES &&
	       field_one_of(m->status,
		   1UL << ST_OK | 1UL << ST_NOT_FOUND | 1UL << ST_BUSY |
		       1UL << ST_IO | 1UL << ST_EXISTS | 1UL << ST_UNAVAILABLE |
		       1UL << ST_BAD_INPUT | 1UL << ST_CONFIG);
}

static bool
which_valid(enum party from, const struct msg_which *w)
{
	return field_name(
		   w->merchant, sizeof(w->merchant), from == PARTY_COMMAND) &&
	       field_name(w->endpoint, sizeof(w->endpoint), true) &&
	       field_invoice(w->invoice_id, sizeof(w->invoice_id), true) &&
	       field_zeros(w->pad, sizeof(w->pad)) && w->zero == 0 &&
	       span_valid(w->from_us, w->to_us) && w->state <= DELIVERY_STATES;
}

static bool
deliveries_valid(enum party from, const struct msg_deliveries *m)
{
	return m->after <= FIELD_SEQ_MAX && m->limit >= 1 && m->limit <= 1000 &&
	       m->zero == 0 && which_valid(from, &m->which);
}

static bool
delivery_row_valid(const struct msg_delivery_row *m)
{
	return m->position > 0 && m->position <= FIELD_SEQ_MAX &&
	       m->at_us < FIELD_MICROS_MAX && m->state < DELIVERY_STATES &&
	       ((m->outcome == OUTCOMES && m->http_status == 0) ||
		   end_valid(m->outcome, m->http_status)) &&
	       field_name(m->endpoint, sizeof(m->endpoint), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) &&
	       receipt_valid(&m->receipt);
}

static bool
attempts_valid(enum party from, const struct msg_attempts *m)
{
	return field_name(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       field_name(m->endpoint, sizeof(m->endpoint), false) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
attempt_valid(const struct msg_attempt *m)
{
	return m->at_us < FIELD_MICROS_MAX && m->number > 0 &&
	       end_valid(m->outcome, m->http_status) && m->zero == 0;
}

static bool
redeliver_valid(enum party from, const struct msg_redeliver *m)
{
	return m->after <= FIELD_SEQ_MAX && m->limit >= 1 && m->limit <= 1000 &&
	       m->action <= REDELIVER_DROP && which_valid(from, &m->which) &&
	       field_name(m->by, sizeof(m->by), false) &&
	       field_zeros(m->pad, sizeof(m->pad));
}

static bool
redelivered_valid(const struct msg_redelivered *m)
{
	return m->last <= FIELD_SEQ_MAX && m->matched <= 1000 &&
	       m->changed <= m->matched && m->more <= 1 &&
	       field_one_of(
		   m->status, 1UL << ST_OK | 1UL << ST_BUSY | 1UL << ST_IO);
}

static bool
mark_valid(const struct msg_mark *m)
{
	return m->seq <= FIELD_SEQ_MAX &&
	       field_name(m->merchant, sizeof(m->merchant), false) &&
	       field_name(m->name, sizeof(m->name), false) &&
	       field_zeros(m->pad, sizeof(m->pad)) && m->action <= MARK_FORGET;
}

static bool
marked_valid(const struct msg_marked *m)
{
	return m->seq <= FIELD_SEQ_MAX && m->at_us < FIELD_MICROS_MAX &&
	       m->zero == 0 &&
	       field_one_of(m->status, 1UL << ST_OK | 1UL << ST_NOT_FOUND |
					   1UL << ST_EXISTS | 1UL << ST_BUSY |
					   1UL << ST_IO);
}

static bool
padded_name_valid(const char name[CONFIG_NAME], const char pad[7])
{
	return field_name(name, CONFIG_NAME, false) && field_zeros(pad, 7);
}

static bool
resume_valid(const struct msg_resume *m)
{
	return padded_name_valid(m->endpoint, m->pad);
}

static bool
news_valid(const struct msg_news *m)
{
	return padded_name_valid(m->merchant, m->pad);
}

static bool
token_used_valid(const struct msg_token_used *m)
{
	return m->day > 0 && m->day < DAYS_MAX && m->zero == 0;
}

static bool
token_valid(const struct msg_token *m)
{
	return m->revoked_at_us < FIELD_MICROS_MAX && m->day < DAYS_MAX &&
	       m->zero == 0;
}

bool
message_record_valid(enum party from, enum message type, const void *record)
{
	switch (type) {
	case MSG_READY:
	case MSG_DRAIN:
	case MSG_CONFIGURE:
		return ((const struct msg_empty *)record)->zero == 0;
	case MSG_PEER:
		return peer_valid(record);
	case MSG_PUT:
		return put_valid(record);
	case MSG_PUT_DONE:
		return put_done_valid(record);
	case MSG_HINT:
		return hint_valid(record);
	case MSG_WITHDRAW:
		return true; /* any id may be one */
	case MSG_WINDOW:
		return window_valid(record);
	case MSG_DELIVERY:
		return delivery_valid(record);
	case MSG_SETTLE:
		return settle_valid(record);
	case MSG_ASK:
		return ask_valid(record);
	case MSG_VERDICT:
		return verdict_valid(record);
	case MSG_LOOKUP:
		return lookup_valid(record);
	case MSG_FOUND:
		return found_valid(record);
	case MSG_LOOKED_UP:
		return looked_up_valid(record);
	case MSG_PAGE:
		return page_valid(from, record);
	case MSG_GET:
		return get_valid(from, record);
	case MSG_ROW:
		return row_valid(record);
	case MSG_PAGE_END:
		return page_end_valid(record);
	case MSG_PROBE:
	case MSG_TOKENS:
	case MSG_REVOKE:
	case MSG_REVOKED:
		return true; /* any bytes are a tag or a digest */
	case MSG_HEALTH:
		return health_valid(record);
	case MSG_HOLDS:
		return holds_valid(from, record);
	case MSG_HOLD:
		return hold_valid(record);
	case MSG_DECIDE:
		return decide_valid(from, record);
	case MSG_CHECK:
		return check_valid(record);
	case MSG_DONE:
		return done_valid(record);
	case MSG_DELIVERIES:
		return deliveries_valid(from, record);
	case MSG_DELIVERY_ROW:
		return delivery_row_valid(record);
	case MSG_ATTEMPTS:
		return attempts_valid(from, record);
	case MSG_ATTEMPT:
		return attempt_valid(record);
	case MSG_REDELIVER:
		return redeliver_valid(from, record);
	case MSG_REDELIVERED:
		return redelivered_valid(record);
	case MSG_ERASE:
		return message_erase_valid(from, record);
	case MSG_LEGAL:
		return message_legal_valid(record);
	case MSG_PAYMENT:
		return message_payment_valid(record);
	case MSG_ERASED:
		return message_erased_valid(record);
	case MSG_RESUME:
		return resume_valid(record);
	case MSG_NEWS:
		return news_valid(record);
	case MSG_MARK:
		return mark_valid(record);
	case MSG_MARKED:
		return marked_valid(record);
	case MSG_TOKEN_USED:
		return token_used_valid(record);
	case MSG_TOKEN:
		return token_valid(record);
	case MESSAGES:
		break;
	}
	return false;
}

bool
message_check(enum party from, enum party to, const void *packet, size_t len)
{
	const struct msg_header *h = packet;
	const unsigned char *record;

	if (len < sizeof(*h) || h->type >= MESSAGES)
		return false;
	if ((table[h->type].from & from) == 0 || (table[h->type].to & to) == 0)
		return false;
	if (h->count == 0 || h->count > table[h->type].most ||
	    len - sizeof(*h) != h->count * table[h->type].size)
		return false;
	record = (const unsigned char *)packet + sizeof(*h);
	for (uint32_t i = 0; i < h->count; i++) {
		if (!message_record_valid(from, h->type, record))
			return false;
		record += table[h->type].size;
	}
	return true;
}
