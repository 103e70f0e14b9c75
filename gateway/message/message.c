#include "message/message.h"

#include <string.h>

/* Receivers depend on it: no layout may hold bytes that nobody sets. */
_Static_assert(sizeof(struct receipt) == 144, "receipt has padding");
_Static_assert(sizeof(struct msg_put) == 152, "msg_put has padding");
_Static_assert(sizeof(struct msg_put_done) == 16, "msg_put_done");
_Static_assert(sizeof(struct msg_window) == 40, "msg_window has padding");
_Static_assert(sizeof(struct msg_delivery) == 200, "msg_delivery");
_Static_assert(sizeof(struct msg_settle) == 24, "msg_settle has padding");
_Static_assert(sizeof(struct msg_page) == 120, "msg_page has padding");
_Static_assert(sizeof(struct msg_get) == 64, "msg_get has padding");
_Static_assert(sizeof(struct msg_row) == 160, "msg_row has padding");
_Static_assert(sizeof(struct msg_page_end) == 32, "msg_page_end");
_Static_assert(sizeof(struct msg_health) == 48, "msg_health has padding");

#define MICROS_MAX INT64_C(4102444800000000) /* 2100 */
#define SEQ_MAX	   INT64_MAX

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

const char *
party_name(enum party p)
{
	switch (p) {
	case PARTY_SUPERVISOR:
		return "supervisor";
	case PARTY_EDGE:
		return "edge";
	case PARTY_KEEPER:
		return "keeper";
	case PARTY_COURIER:
		return "courier";
	case PARTY_DESK:
		return "desk";
	case PARTY_COMMAND:
		return "command";
	case PARTY_ANY_ROOM:
	case PARTY_READER:
		break;
	}
	return "nobody";
}

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

static bool
zeros(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\0')
			return false;
	}
	return true;
}

/* A name in a padded field: 1 to cap - 1 characters, or none if that is
 * allowed, zeros behind. */
static bool
name_valid(const char *field, size_t cap, bool may_be_empty)
{
	size_t len = strnlen(field, cap);

	if (!zeros(field + len, cap - len))
		return false;
	if (len == 0)
		return may_be_empty;
	return receipt_merchant_valid(bytes_make(field, len));
}

static bool
invoice_valid(const char *field, size_t cap)
{
	size_t len = strnlen(field, cap);

	return zeros(field + len, cap - len) &&
	       (len == 0 || receipt_invoice_valid(bytes_make(field, len)));
}

static bool
one_of(uint32_t status, unsigned long set)
{
	return status < ST_STATUSES && (set >> status & 1) != 0;
}

static bool
peer_valid(const struct msg_peer *m)
{
	return (m->party == PARTY_EDGE || m->party == PARTY_COURIER ||
		   m->party == PARTY_DESK) &&
	       m->slot < 1024;
}

static bool
put_done_valid(const struct msg_put_done *m)
{
	return m->zero == 0 &&
	       one_of(m->status, 1UL << ST_OK | 1UL << ST_EXISTS |
				     1UL << ST_BUSY | 1UL << ST_IO);
}

static bool
window_valid(const struct msg_window *m)
{
	return name_valid(m->endpoint, sizeof(m->endpoint), false) &&
	       zeros(m->pad, sizeof(m->pad)) && m->most >= 1 && m->most <= 1024;
}

static bool
delivery_valid(const struct msg_delivery *m)
{
	return m->seq > 0 && m->seq <= SEQ_MAX && m->attempt > 0 &&
	       name_valid(m->endpoint, sizeof(m->endpoint), false) &&
	       zeros(m->pad, sizeof(m->pad)) && receipt_valid(&m->receipt);
}

static bool
settle_valid(const struct msg_settle *m)
{
	bool answered =
	    m->outcome == OUTCOME_DELIVERED || m->outcome == OUTCOME_STATUS;

	if (m->seq == 0 || m->seq > SEQ_MAX || m->attempt == 0 ||
	    m->outcome >= OUTCOMES)
		return false;
	if (!answered)
		return m->http_status == 0;
	return m->http_status >= 100 && m->http_status <= 599;
}

static bool
page_valid(enum party from, const struct msg_page *m)
{
	return m->after_seq <= SEQ_MAX && m->limit >= 1 && m->limit <= 1000 &&
	       name_valid(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       invoice_valid(m->invoice_id, sizeof(m->invoice_id)) &&
	       zeros(m->pad, sizeof(m->pad));
}

static bool
get_valid(enum party from, const struct msg_get *m)
{
	return name_valid(
		   m->merchant, sizeof(m->merchant), from == PARTY_COMMAND) &&
	       zeros(m->pad, sizeof(m->pad));
}

static bool
page_end_valid(const struct msg_page_end *m)
{
	return m->more <= 1 && m->last_seq <= SEQ_MAX &&
	       one_of(m->status, 1UL << ST_OK | 1UL << ST_NOT_FOUND |
				     1UL << ST_BUSY | 1UL << ST_IO);
}

static bool
health_valid(const struct msg_health *m)
{
	return m->zero == 0 && m->oldest_pending_us < MICROS_MAX &&
	       one_of(m->status, 1UL << ST_OK | 1UL << ST_BUSY | 1UL << ST_IO);
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
		return receipt_valid(
		    &((const struct msg_put *)record)->receipt);
	case MSG_PUT_DONE:
		return put_done_valid(record);
	case MSG_WINDOW:
		return window_valid(record);
	case MSG_DELIVERY:
		return delivery_valid(record);
	case MSG_SETTLE:
		return settle_valid(record);
	case MSG_PAGE:
		return page_valid(from, record);
	case MSG_GET:
		return get_valid(from, record);
	case MSG_ROW:
		return ((const struct msg_row *)record)->seq > 0 &&
		       receipt_valid(
			   &((const struct msg_row *)record)->receipt);
	case MSG_PAGE_END:
		return page_end_valid(record);
	case MSG_PROBE:
		return true;
	case MSG_HEALTH:
		return health_valid(record);
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
