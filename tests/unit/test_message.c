/* message/message.c: what may cross, and from whom to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "message/message.h"

struct packet {
	struct msg_header head;
	union {
		struct msg_empty empty;
		struct msg_peer peer;
		struct msg_put put;
		struct msg_put_done put_done;
		struct msg_window window;
		struct msg_delivery delivery;
		struct msg_settle settle;
		struct msg_page page;
		struct msg_get get;
		struct msg_row row;
		struct msg_page_end page_end;
		struct msg_probe probe;
		struct msg_health health;
		struct msg_hint hint;
		struct msg_withdraw withdraw;
		struct msg_ask ask;
		struct msg_verdict verdict;
		struct msg_lookup lookup;
		struct msg_found found;
		struct msg_looked_up looked_up;
		struct msg_holds holds;
		struct msg_hold hold;
		struct msg_decide decide;
		struct msg_check check;
		struct msg_done done;
		struct msg_deliveries deliveries;
		struct msg_delivery_row delivery_row;
		struct msg_attempts attempts;
		struct msg_attempt attempt;
		struct msg_redeliver redeliver;
		struct msg_redelivered redelivered;
		struct msg_erase erase;
		struct msg_payment payment;
		struct msg_legal legal;
		struct msg_erased erased;
		struct msg_resume resume;
		struct msg_news news;
		struct msg_mark mark;
		struct msg_marked marked;
		struct msg_token_used token_used;
		struct msg_tokens tokens;
		struct msg_token token;
		struct msg_revoke revoke;
		struct msg_revoked revoked;
		unsigned char bytes[512];
	} r;
};

#define AT UINT64_C(1764657047123456)

static struct receipt
sound_receipt(void)
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

/* What the asker and the readers of held payments say and hear. */
static struct packet
sound_question(enum message type)
{
	struct packet p = { .head = { .type = type, .count = 1 } };

	switch (type) {
	case MSG_HINT:
		p.r.hint = (struct msg_hint){ sound_receipt().id, "V1", "" };
		break;
	case MSG_WITHDRAW:
		p.r.withdraw = (struct msg_withdraw){ sound_receipt().id };
		break;
	case MSG_ASK:
		p.r.ask =
		    (struct msg_ask){ 4, 1, 0, sound_receipt(), "T-1", "" };
		break;
	case MSG_VERDICT:
		p.r.verdict = (struct msg_verdict){ 4, "testbox", "", 1,
			REASON_AMOUNT, 0, sound_receipt() };
		break;
	case MSG_LOOKUP:
		p.r.lookup = (struct msg_lookup){ 9, "testbox", "T-1", "" };
		break;
	case MSG_FOUND:
		p.r.found =
		    (struct msg_found){ 9, REASON_RISK, 0, sound_receipt() };
		break;
	case MSG_LOOKED_UP:
		p.r.looked_up = (struct msg_looked_up){ 9, REASON_UNKNOWN, 0 };
		break;
	case MSG_HOLDS:
		p.r.holds =
		    (struct msg_holds){ 1, 0, { { 0 } }, "testbox", "", 100 };
		break;
	case MSG_HOLD:
		p.r.hold = (struct msg_hold){ 1, 4, AT, REASON_SILENCE, 1,
			sound_receipt(), sound_receipt() };
		break;
	case MSG_DECIDE:
		p.r.decide = (struct msg_decide){ 1, sound_receipt().id,
			"testbox", "cli", "", 1 };
		break;
	case MSG_CHECK:
		p.r.check =
		    (struct msg_check){ 1, "testbox", "INV-1", "T-1", "" };
		break;
	case MSG_DONE:
		p.r.done = (struct msg_done){ 1, ST_EXISTS, LIFE_HELD };
		break;
	default:
		fail_msg("no such message");
	}
	return p;
}

static struct msg_which
sound_which(void)
{
	return (struct msg_which){ .merchant = "testbox",
		.endpoint = "main",
		.invoice_id = "INV-1",
		.id = sound_receipt().id,
		.from_us = AT,
		.to_us = AT + 1,
		.state = DELIVERY_EXHAUSTED };
}

/* What billing's side and its people say and hear of deliveries. */
static struct packet
sound_delivery(enum message type)
{
	struct packet p = { .head = { .type = type, .count = 1 } };

	switch (type) {
	case MSG_DELIVERIES:
		p.r.deliveries =
		    (struct msg_deliveries){ 1, 65537, sound_which(), 100, 0 };
		break;
	case MSG_DELIVERY_ROW:
		p.r.delivery_row = (struct msg_delivery_row){ 1, 65537, AT,
			DELIVERY_PENDING, 3, OUTCOME_STATUS, 503, "main", "",
			sound_receipt() };
		break;
	case MSG_ATTEMPTS:
		p.r.attempts = (struct msg_attempts){ 1, sound_receipt().id,
			"testbox", "main", "" };
		break;
	case MSG_ATTEMPT:
		p.r.attempt = (struct msg_attempt){ 1, AT, 1, OUTCOME_DELIVERED,
			200, 12, 2, 0 };
		break;
	case MSG_REDELIVER:
		p.r.redeliver = (struct msg_redeliver){ 1, 65537, sound_which(),
			1000, REDELIVER_DROP, "cli", "" };
		break;
	case MSG_REDELIVERED:
		p.r.redelivered = (struct msg_redelivered){ 1, 77, 65537, 1000,
			999, 1, ST_OK };
		break;
	case MSG_RESUME:
		p.r.resume = (struct msg_resume){ 1, "main", "" };
		break;
	case MSG_ERASE:
		p.r.erase = (struct msg_erase){ 1, "testbox", "INV-1", "cli",
			"", ERASE_DO };
		break;
	case MSG_LEGAL:
		p.r.legal = (struct msg_legal){ 1, "testbox", "INV-1", "", 1 };
		break;
	case MSG_PAYMENT:
		p.r.payment = (struct msg_payment){ 1, 7, LIFE_CONFIRMED, 0,
			sound_receipt() };
		break;
	case MSG_ERASED:
		p.r.erased =
		    (struct msg_erased){ 1, AT, 0, 4096, 0, ST_OK, RETAIN_FREE,
			    1, 0, 0, 2, 0, 1, { 3, { 7 } }, { 4, { 8 } } };
		break;
	default:
		fail_msg("no such message");
	}
	return p;
}

/* What pollers and their tokens are about. */
static struct packet
sound_poll(enum message type)
{
	struct packet p = { .head = { .type = type, .count = 1 } };

	switch (type) {
	case MSG_NEWS:
		p.r.news = (struct msg_news){ "testbox", "" };
		break;
	case MSG_MARK:
		p.r.mark = (struct msg_mark){ 1, 4, "testbox", "ledger", "",
			MARK_SET };
		break;
	case MSG_MARKED:
		p.r.marked = (struct msg_marked){ 1, 77, 4, AT, ST_EXISTS, 0 };
		break;
	case MSG_TOKEN_USED:
		p.r.token_used = (struct msg_token_used){ { 7 }, 20424, 0 };
		break;
	case MSG_TOKENS:
		p.r.tokens = (struct msg_tokens){ 1 };
		break;
	case MSG_TOKEN:
		p.r.token = (struct msg_token){ 1, { 7 }, AT, 20424, 0 };
		break;
	case MSG_REVOKE:
		p.r.revoke = (struct msg_revoke){ 1, { 7 } };
		break;
	case MSG_REVOKED:
		p.r.revoked = (struct msg_revoked){ { 7 } };
		break;
	default:
		fail_msg("no such message");
	}
	return p;
}

/* One sound record of each type, as its usual sender would send it. */
static struct packet
sound(enum message type)
{
	struct packet p = { .head = { .type = type, .count = 1 } };

	switch (type) {
	case MSG_HINT:
	case MSG_WITHDRAW:
	case MSG_ASK:
	case MSG_VERDICT:
	case MSG_LOOKUP:
	case MSG_FOUND:
	case MSG_LOOKED_UP:
	case MSG_HOLDS:
	case MSG_HOLD:
	case MSG_DECIDE:
	case MSG_CHECK:
	case MSG_DONE:
		return sound_question(type);
	case MSG_DELIVERIES:
	case MSG_DELIVERY_ROW:
	case MSG_ATTEMPTS:
	case MSG_ATTEMPT:
	case MSG_REDELIVER:
	case MSG_REDELIVERED:
	case MSG_ERASE:
	case MSG_LEGAL:
	case MSG_PAYMENT:
	case MSG_ERASED:
	case MSG_RESUME:
		return sound_delivery(type);
	case MSG_NEWS:
	case MSG_MARK:
	case MSG_MARKED:
	case MSG_TOKEN_USED:
	case MSG_TOKENS:
	case MSG_TOKEN:
	case MSG_REVOKE:
	case MSG_REVOKED:
		return sound_poll(type);
	case MSG_READY:
	case MSG_DRAIN:
	case MSG_CONFIGURE:
	case MSG_PROBE:
	case MESSAGES:
		break;
	case MSG_PEER:
		p.r.peer = (struct msg_peer){ PARTY_EDGE, 3 };
		break;
	case MSG_PUT:
		p.r.put = (struct msg_put){ 9, sound_receipt(), "T-1", "" };
		break;
	case MSG_PUT_DONE:
		p.r.put_done = (struct msg_put_done){ 9, ST_EXISTS, 0 };
		break;
	case MSG_WINDOW:
		p.r.window = (struct msg_window){ "main", "", 32 };
		break;
	case MSG_DELIVERY:
		p.r.delivery = (struct msg_delivery){ 4, 1, 1, "main", "",
			sound_receipt() };
		break;
	case MSG_SETTLE:
		p.r.settle = (struct msg_settle){ 4, 1, 1, OUTCOME_DELIVERED,
			204, 86400, 12, 2, 0 };
		break;
	case MSG_PAGE:
		p.r.page = (struct msg_page){ 1, 0, AT, AT + 1, "testbox",
			"INV-1", "BDT", "", 100, PAGE_DESC | PAGE_UNDELIVERED };
		break;
	case MSG_GET:
		p.r.get = (struct msg_get){ .tag = 1, .merchant = "testbox" };
		break;
	case MSG_ROW:
		p.r.row = (struct msg_row){ 1, 4, sound_receipt() };
		break;
	case MSG_PAGE_END:
		p.r.page_end = (struct msg_page_end){ 1, 77, 4, 1, ST_OK };
		break;
	case MSG_HEALTH:
		p.r.health = (struct msg_health){ 1, 5, 2, AT, 3, AT, 1, 77, 2,
			1, ST_OK };
		break;
	}
	return p;
}

static const struct {
	enum message type;
	enum party from, to;
} usual[] = {
	{ MSG_READY, PARTY_EDGE, PARTY_SUPERVISOR },
	{ MSG_DRAIN, PARTY_SUPERVISOR, PARTY_DESK },
	{ MSG_PEER, PARTY_SUPERVISOR, PARTY_KEEPER },
	{ MSG_CONFIGURE, PARTY_SUPERVISOR, PARTY_KEEPER },
	{ MSG_PUT, PARTY_EDGE, PARTY_KEEPER },
	{ MSG_PUT_DONE, PARTY_KEEPER, PARTY_EDGE },
	{ MSG_WINDOW, PARTY_COURIER, PARTY_KEEPER },
	{ MSG_DELIVERY, PARTY_KEEPER, PARTY_COURIER },
	{ MSG_SETTLE, PARTY_COURIER, PARTY_KEEPER },
	{ MSG_PAGE, PARTY_DESK, PARTY_KEEPER },
	{ MSG_GET, PARTY_DESK, PARTY_KEEPER },
	{ MSG_ROW, PARTY_KEEPER, PARTY_DESK },
	{ MSG_PAGE_END, PARTY_KEEPER, PARTY_COMMAND },
	{ MSG_PROBE, PARTY_DESK, PARTY_KEEPER },
	{ MSG_HEALTH, PARTY_KEEPER, PARTY_DESK },
	{ MSG_HINT, PARTY_EDGE, PARTY_ASKER },
	{ MSG_WITHDRAW, PARTY_EDGE, PARTY_ASKER },
	{ MSG_ASK, PARTY_KEEPER, PARTY_ASKER },
	{ MSG_VERDICT, PARTY_ASKER, PARTY_KEEPER },
	{ MSG_LOOKUP, PARTY_KEEPER, PARTY_ASKER },
	{ MSG_FOUND, PARTY_ASKER, PARTY_KEEPER },
	{ MSG_LOOKED_UP, PARTY_ASKER, PARTY_KEEPER },
	{ MSG_HOLDS, PARTY_DESK, PARTY_KEEPER },
	{ MSG_HOLD, PARTY_KEEPER, PARTY_DESK },
	{ MSG_DECIDE, PARTY_COMMAND, PARTY_KEEPER },
	{ MSG_CHECK, PARTY_DESK, PARTY_KEEPER },
	{ MSG_DONE, PARTY_KEEPER, PARTY_COMMAND },
	{ MSG_DELIVERIES, PARTY_DESK, PARTY_KEEPER },
	{ MSG_DELIVERY_ROW, PARTY_KEEPER, PARTY_DESK },
	{ MSG_ATTEMPTS, PARTY_COMMAND, PARTY_KEEPER },
	{ MSG_ATTEMPT, PARTY_KEEPER, PARTY_COMMAND },
	{ MSG_REDELIVER, PARTY_DESK, PARTY_KEEPER },
	{ MSG_REDELIVERED, PARTY_KEEPER, PARTY_DESK },
	{ MSG_ERASE, PARTY_DESK, PARTY_KEEPER },
	{ MSG_PAYMENT, PARTY_KEEPER, PARTY_COMMAND },
	{ MSG_LEGAL, PARTY_COMMAND, PARTY_KEEPER },
	{ MSG_ERASED, PARTY_KEEPER, PARTY_DESK },
	{ MSG_RESUME, PARTY_COMMAND, PARTY_KEEPER },
	{ MSG_NEWS, PARTY_KEEPER, PARTY_DESK },
	{ MSG_MARK, PARTY_DESK, PARTY_KEEPER },
	{ MSG_MARKED, PARTY_KEEPER, PARTY_DESK },
	{ MSG_TOKEN_USED, PARTY_DESK, PARTY_KEEPER },
	{ MSG_TOKENS, PARTY_DESK, PARTY_KEEPER },
	{ MSG_TOKEN, PARTY_KEEPER, PARTY_COMMAND },
	{ MSG_REVOKE, PARTY_COMMAND, PARTY_KEEPER },
	{ MSG_REVOKED, PARTY_KEEPER, PARTY_DESK },
};

static size_t
length(enum message type, size_t count)
{
	return sizeof(struct msg_header) + count * message_size(type);
}

static bool
passes(const struct packet *p, enum party from, enum party to)
{
	return message_check(from, to, p, length(p->head.type, 1));
}

static void
every_sound_message_passes_in_its_direction(void **state)
{
	(void)state;
	assert_int_equal(ARRAY_LEN(usual), MESSAGES);
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		struct packet p = sound(usual[i].type);

		assert_true(passes(&p, usual[i].from, usual[i].to));
	}
}

static void
no_message_passes_in_another_direction(void **state)
{
	static const enum party all[] = { PARTY_SUPERVISOR, PARTY_EDGE,
		PARTY_KEEPER, PARTY_COURIER, PARTY_DESK, PARTY_COMMAND,
		PARTY_ASKER };
	size_t allowed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		struct packet p = sound(usual[i].type);

		for (size_t a = 0; a < ARRAY_LEN(all); a++) {
			for (size_t b = 0; b < ARRAY_LEN(all); b++)
				allowed += passes(&p, all[a], all[b]);
		}
		assert_false(passes(&p, usual[i].to, usual[i].from));
	}
	/* READY and DRAIN: five rooms each; PEER: keeper, edge and asker;
	 * PAGE, GET, ROW, PAGE_END, PROBE, HEALTH, HOLDS, HOLD, DECIDE, CHECK,
	 * DONE, DELIVERIES, DELIVERY_ROW, ATTEMPTS, ATTEMPT, REDELIVER,
	 * REDELIVERED, TOKENS, TOKEN, ERASE, PAYMENT and ERASED: desk and
	 * command; WINDOW: courier and asker; twenty messages have one way.
	 */
	assert_int_equal(allowed, 2 * 5 + 3 + 22 * 2 + 2 + 20);
}

static void
a_packet_of_another_length_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		struct packet p = sound(usual[i].type);
		size_t right = length(usual[i].type, 1);

		for (size_t len = 0; len <= sizeof(p); len++)
			assert_int_equal(
			    message_check(usual[i].from, usual[i].to, &p, len),
			    len == right);
	}
}

static void
a_count_outside_its_range_is_refused(void **state)
{
	static unsigned char big[MESSAGE_MAX * 2];
	struct packet p = sound(MSG_PUT);
	struct msg_header h = { .type = MSG_PUT };

	(void)state;
	p.head.count = 0;
	assert_false(message_check(
	    PARTY_EDGE, PARTY_KEEPER, &p, sizeof(struct msg_header)));
	for (uint32_t n = 0; n <= 257; n++)
		memcpy(big + length(MSG_PUT, n), &p.r.put, sizeof(p.r.put));
	for (h.count = 1; h.count <= 257; h.count++) {
		memcpy(big, &h, sizeof(h));
		assert_int_equal(message_check(PARTY_EDGE, PARTY_KEEPER, big,
				     length(MSG_PUT, h.count)),
		    h.count <= 256);
	}
	h.type = MESSAGES;
	h.count = 1;
	memcpy(big, &h, sizeof(h));
	assert_false(
	    message_check(PARTY_EDGE, PARTY_KEEPER, big, length(MSG_PUT, 1)));
}

#define REFUSED(type_, from_, to_, change)             \
	do {                                           \
		struct packet p_ = sound(type_);       \
		assert_true(passes(&p_, from_, to_));  \
		change;                                \
		assert_false(passes(&p_, from_, to_)); \
	} while (0)

#define PUT_REFUSED(change) REFUSED(MSG_PUT, PARTY_EDGE, PARTY_KEEPER, change)

static void
a_receipt_outside_the_narrow_world_is_refused(void **state)
{
	(void)state;
	PUT_REFUSED(p_.r.put.receipt.amount_minor = 0);
	PUT_REFUSED(p_.r.put.receipt.amount_minor = -1);
	PUT_REFUSED(p_.r.put.receipt.amount_minor = MONEY_MAX);
	PUT_REFUSED(p_.r.put.receipt.paid_at_us = 0);
	PUT_REFUSED(p_.r.put.receipt.received_at_us = INT64_MAX);
	PUT_REFUSED(p_.r.put.receipt.currency[0] = 'b');
	PUT_REFUSED(p_.r.put.receipt.currency[3] = 'X');
	PUT_REFUSED(p_.r.put.receipt.merchant[0] = '\0');
	PUT_REFUSED(p_.r.put.receipt.merchant[0] = '.');
	PUT_REFUSED(p_.r.put.receipt.invoice_id[0] = '\0');
	PUT_REFUSED(p_.r.put.receipt.invoice_id[0] = '<');
	PUT_REFUSED(memset(p_.r.put.receipt.invoice_id, 'A', RECEIPT_INVOICE));
	PUT_REFUSED(p_.r.put.receipt.pad[1] = 1);
}

/* A captured edge could try to smuggle sixteen digits behind a terminator. */
static void
bytes_behind_a_terminator_are_refused(void **state)
{
	(void)state;
	PUT_REFUSED(
	    memcpy(p_.r.put.receipt.invoice_id + 20, "4111111111111111", 16));
	PUT_REFUSED(
	    memcpy(p_.r.put.receipt.merchant + 10, "4111111111111111", 16));
	REFUSED(MSG_WINDOW, PARTY_COURIER, PARTY_KEEPER,
	    p_.r.window.name[20] = 'x');
	REFUSED(
	    MSG_PAGE, PARTY_DESK, PARTY_KEEPER, p_.r.page.invoice_id[60] = 'x');
}

static void
members_outside_their_range_are_refused(void **state)
{
	(void)state;
	REFUSED(MSG_READY, PARTY_EDGE, PARTY_SUPERVISOR, p_.r.empty.zero = 1);
	REFUSED(MSG_PEER, PARTY_SUPERVISOR, PARTY_KEEPER,
	    p_.r.peer.party = PARTY_COMMAND);
	REFUSED(
	    MSG_PEER, PARTY_SUPERVISOR, PARTY_KEEPER, p_.r.peer.slot = 1024);
	REFUSED(MSG_PUT_DONE, PARTY_KEEPER, PARTY_EDGE,
	    p_.r.put_done.status = ST_NOT_FOUND);
	REFUSED(MSG_PUT_DONE, PARTY_KEEPER, PARTY_EDGE,
	    p_.r.put_done.status = 1u << 31);
	REFUSED(MSG_PUT_DONE, PARTY_KEEPER, PARTY_EDGE, p_.r.put_done.zero = 1);
	REFUSED(MSG_WINDOW, PARTY_COURIER, PARTY_KEEPER, p_.r.window.most = 0);
	REFUSED(
	    MSG_WINDOW, PARTY_COURIER, PARTY_KEEPER, p_.r.window.most = 1025);
	REFUSED(
	    MSG_WINDOW, PARTY_COURIER, PARTY_KEEPER, p_.r.window.pad[0] = 1);
	REFUSED(
	    MSG_DELIVERY, PARTY_KEEPER, PARTY_COURIER, p_.r.delivery.seq = 0);
	REFUSED(MSG_DELIVERY, PARTY_KEEPER, PARTY_COURIER,
	    p_.r.delivery.attempt = 0);
	REFUSED(MSG_SETTLE, PARTY_COURIER, PARTY_KEEPER,
	    p_.r.settle.outcome = OUTCOMES);
	REFUSED(MSG_SETTLE, PARTY_COURIER, PARTY_KEEPER,
	    p_.r.settle.http_status = 0);
	REFUSED(MSG_SETTLE, PARTY_COURIER, PARTY_KEEPER,
	    p_.r.settle.outcome = OUTCOME_DNS);
	REFUSED(MSG_PAGE, PARTY_DESK, PARTY_KEEPER, p_.r.page.limit = 0);
	REFUSED(MSG_PAGE, PARTY_DESK, PARTY_KEEPER, p_.r.page.limit = 1001);
	REFUSED(MSG_ROW, PARTY_KEEPER, PARTY_DESK, p_.r.row.seq = 0);
	REFUSED(MSG_PAGE_END, PARTY_KEEPER, PARTY_DESK, p_.r.page_end.more = 2);
	REFUSED(MSG_PAGE_END, PARTY_KEEPER, PARTY_DESK,
	    p_.r.page_end.status = ST_EXISTS);
	REFUSED(MSG_HEALTH, PARTY_KEEPER, PARTY_DESK,
	    p_.r.health.status = ST_EXISTS);
	REFUSED(MSG_HEALTH, PARTY_KEEPER, PARTY_DESK,
	    p_.r.health.oldest_waiting_us = UINT64_MAX);
	REFUSED(MSG_ROW, PARTY_KEEPER, PARTY_DESK,
	    p_.r.row.seq = (uint64_t)INT64_MAX + 1);
	REFUSED(MSG_ROW, PARTY_KEEPER, PARTY_DESK,
	    p_.r.row.receipt.amount_minor = 0);
	REFUSED(MSG_HEALTH, PARTY_KEEPER, PARTY_DESK,
	    p_.r.health.oldest_pending_us = UINT64_MAX);
}

#define HINT_REFUSED(change) REFUSED(MSG_HINT, PARTY_EDGE, PARTY_ASKER, change)
#define ASK_REFUSED(change)  REFUSED(MSG_ASK, PARTY_KEEPER, PARTY_ASKER, change)

static void
a_question_has_its_grammar(void **state)
{
	(void)state;
	PUT_REFUSED(p_.r.put.tran_id[0] = '<');
	PUT_REFUSED(p_.r.put.tran_id[40] = 'x');
	PUT_REFUSED(p_.r.put.pad[6] = 1);
	HINT_REFUSED(memset(p_.r.hint.val_id, 0, RECEIPT_INVOICE));
	HINT_REFUSED(p_.r.hint.val_id[1] = '&');
	HINT_REFUSED(p_.r.hint.val_id[1] = ' ');
	HINT_REFUSED(p_.r.hint.val_id[40] = 'x');
	HINT_REFUSED(p_.r.hint.pad[6] = 1);
	ASK_REFUSED(p_.r.ask.n = 0);
	ASK_REFUSED(p_.r.ask.n = (uint64_t)INT64_MAX + 1);
	ASK_REFUSED(p_.r.ask.attempt = 0);
	ASK_REFUSED(p_.r.ask.zero = 1);
	ASK_REFUSED(p_.r.ask.receipt.amount_minor = 0);
	ASK_REFUSED(p_.r.ask.tran_id[0] = '?');
	ASK_REFUSED(p_.r.ask.tran_id[40] = 'x');
	ASK_REFUSED(p_.r.ask.pad[0] = 1);
	REFUSED(MSG_LOOKUP, PARTY_KEEPER, PARTY_ASKER,
	    memset(p_.r.lookup.merchant, 0, RECEIPT_MERCHANT));
	REFUSED(MSG_LOOKUP, PARTY_KEEPER, PARTY_ASKER,
	    memset(p_.r.lookup.tran_id, 0, RECEIPT_INVOICE));
	REFUSED(MSG_LOOKUP, PARTY_KEEPER, PARTY_ASKER,
	    p_.r.lookup.tran_id[0] = '"');
	REFUSED(MSG_LOOKUP, PARTY_KEEPER, PARTY_ASKER, p_.r.lookup.pad[0] = 1);
}

#define VERDICT_REFUSED(change) \
	REFUSED(MSG_VERDICT, PARTY_ASKER, PARTY_KEEPER, change)
#define FOUND_REFUSED(change) \
	REFUSED(MSG_FOUND, PARTY_ASKER, PARTY_KEEPER, change)

static void
an_answer_has_its_grammar(void **state)
{
	(void)state;
	VERDICT_REFUSED(p_.r.verdict.n = 0);
	VERDICT_REFUSED(p_.r.verdict.n = (uint64_t)INT64_MAX + 1);
	VERDICT_REFUSED(p_.r.verdict.attempt = 0);
	VERDICT_REFUSED(p_.r.verdict.zero = 1);
	VERDICT_REFUSED(p_.r.verdict.pad[2] = 1);
	VERDICT_REFUSED(p_.r.verdict.reason = REASON_SILENCE);
	VERDICT_REFUSED(p_.r.verdict.reason = REASONS);
	VERDICT_REFUSED(memset(p_.r.verdict.merchant, 0, RECEIPT_MERCHANT));
	VERDICT_REFUSED(p_.r.verdict.merchant[7] = '2');
	VERDICT_REFUSED(p_.r.verdict.answered.merchant[7] = '2');
	VERDICT_REFUSED(p_.r.verdict.answered.amount_minor = 0);
	FOUND_REFUSED(p_.r.found.reason = REASON_AMOUNT);
	FOUND_REFUSED(p_.r.found.reason = REASONS);
	FOUND_REFUSED(p_.r.found.zero = 1);
	FOUND_REFUSED(p_.r.found.receipt.currency[0] = 'b');
	REFUSED(MSG_LOOKED_UP, PARTY_ASKER, PARTY_KEEPER,
	    p_.r.looked_up.reason = REASON_SILENCE);
	REFUSED(MSG_LOOKED_UP, PARTY_ASKER, PARTY_KEEPER,
	    p_.r.looked_up.reason = REASONS);
	REFUSED(
	    MSG_LOOKED_UP, PARTY_ASKER, PARTY_KEEPER, p_.r.looked_up.zero = 1);
}

/* Of every reason: alone, and with what SSLCommerz says of the payment. */
static void
only_an_answer_to_hold_says_what_was_answered(void **state)
{
	(void)state;
	for (uint32_t r = 0; r < REASONS; r++) {
		struct packet p = sound(MSG_VERDICT);

		p.r.verdict.reason = r;
		assert_int_equal(passes(&p, PARTY_ASKER, PARTY_KEEPER),
		    reason_answer(r) == ANSWER_HELD && r != REASON_SILENCE);
		memset(&p.r.verdict.answered, 0, sizeof(struct receipt));
		assert_int_equal(
		    passes(&p, PARTY_ASKER, PARTY_KEEPER), r != REASON_SILENCE);
	}
}

static void
a_verdict_names_a_merchant_also_without_an_answer(void **state)
{
	struct packet p = sound(MSG_VERDICT);

	(void)state;
	memset(&p.r.verdict.answered, 0, sizeof(struct receipt));
	assert_true(passes(&p, PARTY_ASKER, PARTY_KEEPER));
	p.r.verdict.merchant[30] = 'x';
	assert_false(passes(&p, PARTY_ASKER, PARTY_KEEPER));
	memset(p.r.verdict.merchant, 0, RECEIPT_MERCHANT);
	assert_false(passes(&p, PARTY_ASKER, PARTY_KEEPER));
}

static void
a_check_finds_what_is_paid_or_risky(void **state)
{
	(void)state;
	for (uint32_t r = 0; r < REASONS; r++) {
		struct packet p = sound(MSG_FOUND), q = sound(MSG_LOOKED_UP);

		p.r.found.reason = r;
		assert_int_equal(passes(&p, PARTY_ASKER, PARTY_KEEPER),
		    r == REASON_PAID || r == REASON_RISK);
		q.r.looked_up.reason = r;
		assert_int_equal(
		    passes(&q, PARTY_ASKER, PARTY_KEEPER), r != REASON_SILENCE);
	}
}

#define HOLD_REFUSED(change) REFUSED(MSG_HOLD, PARTY_KEEPER, PARTY_DESK, change)
#define HOLDS_REFUSED(change) \
	REFUSED(MSG_HOLDS, PARTY_DESK, PARTY_KEEPER, change)
#define DECIDE_REFUSED(change) \
	REFUSED(MSG_DECIDE, PARTY_DESK, PARTY_KEEPER, change)
#define CHECK_REFUSED(change) \
	REFUSED(MSG_CHECK, PARTY_DESK, PARTY_KEEPER, change)

static void
what_is_said_of_held_payments_has_its_grammar(void **state)
{
	(void)state;
	HOLDS_REFUSED(p_.r.holds.after = (uint64_t)INT64_MAX + 1);
	HOLDS_REFUSED(p_.r.holds.limit = 0);
	HOLDS_REFUSED(p_.r.holds.limit = 1001);
	HOLDS_REFUSED(p_.r.holds.pad[0] = 1);
	HOLD_REFUSED(p_.r.hold.n = 0);
	HOLD_REFUSED(p_.r.hold.n = (uint64_t)INT64_MAX + 1);
	HOLD_REFUSED(p_.r.hold.held_at_us = 0);
	HOLD_REFUSED(p_.r.hold.held_at_us = UINT64_MAX);
	HOLD_REFUSED(p_.r.hold.reason = REASON_PAID);
	HOLD_REFUSED(p_.r.hold.reason = REASON_UNKNOWN);
	HOLD_REFUSED(p_.r.hold.reason = REASONS);
	HOLD_REFUSED(p_.r.hold.is_answered = 0);
	HOLD_REFUSED(p_.r.hold.is_answered = 2);
	HOLD_REFUSED(p_.r.hold.claimed.amount_minor = 0);
	HOLD_REFUSED(p_.r.hold.answered.amount_minor = 0);
	HOLD_REFUSED(memset(&p_.r.hold.answered, 0, sizeof(struct receipt)));
	DECIDE_REFUSED(memset(p_.r.decide.by, 0, CONFIG_NAME));
	DECIDE_REFUSED(p_.r.decide.by[0] = ' ');
	DECIDE_REFUSED(p_.r.decide.by[30] = 'x');
	DECIDE_REFUSED(p_.r.decide.pad[1] = 1);
	DECIDE_REFUSED(p_.r.decide.release = 2);
	CHECK_REFUSED(memset(p_.r.check.merchant, 0, RECEIPT_MERCHANT));
	CHECK_REFUSED(memset(p_.r.check.invoice_id, 0, RECEIPT_INVOICE));
	CHECK_REFUSED(p_.r.check.invoice_id[60] = 'x');
	CHECK_REFUSED(p_.r.check.tran_id[0] = '%');
	CHECK_REFUSED(p_.r.check.pad[4] = 1);
	REFUSED(MSG_DONE, PARTY_KEEPER, PARTY_DESK, p_.r.done.state = LIVES);
	REFUSED(MSG_DONE, PARTY_KEEPER, PARTY_DESK,
	    p_.r.done.status = ST_NO_MEMORY);
	REFUSED(
	    MSG_DONE, PARTY_KEEPER, PARTY_DESK, p_.r.done.status = 1u << 31);
}

#define PAGE_REFUSED(change) REFUSED(MSG_PAGE, PARTY_DESK, PARTY_KEEPER, change)

static void
a_page_of_receipts_has_its_grammar(void **state)
{
	(void)state;
	PAGE_REFUSED(p_.r.page.after_seq = (uint64_t)INT64_MAX + 1);
	PAGE_REFUSED(p_.r.page.flags = 4);
	PAGE_REFUSED(p_.r.page.paid_from_us = UINT64_MAX);
	PAGE_REFUSED(p_.r.page.paid_to_us = UINT64_MAX);
	PAGE_REFUSED(p_.r.page.currency[0] = 'b');
	PAGE_REFUSED(p_.r.page.currency[2] = '\0');
	PAGE_REFUSED(p_.r.page.currency[3] = 'X');
	PAGE_REFUSED(memcpy(p_.r.page.currency, "XXX", 3));
	PAGE_REFUSED(p_.r.page.currency[0] = '\0');
	PAGE_REFUSED(p_.r.page.pad[1] = 1);
	PAGE_REFUSED(p_.r.page.invoice_id[0] = '<');
}

/* An attempt without an answer has no status, one with an answer has. */
static void
only_an_answer_has_a_status(void **state)
{
	(void)state;
	for (uint32_t o = 0; o <= OUTCOMES + 1; o++) {
		bool answer = o == OUTCOME_DELIVERED || o == OUTCOME_STATUS;
		bool none = o < OUTCOMES && !answer;
		struct packet s = sound(MSG_SETTLE), a = sound(MSG_ATTEMPT);
		struct packet r = sound(MSG_DELIVERY_ROW);

		s.r.settle.outcome = o;
		a.r.attempt.outcome = o;
		r.r.delivery_row.outcome = o;
		assert_int_equal(
		    passes(&s, PARTY_COURIER, PARTY_KEEPER), answer);
		assert_int_equal(passes(&a, PARTY_KEEPER, PARTY_DESK), answer);
		assert_int_equal(passes(&r, PARTY_KEEPER, PARTY_DESK), answer);
		s.r.settle.http_status = 0;
		a.r.attempt.http_status = 0;
		r.r.delivery_row.http_status = 0;
		assert_int_equal(passes(&s, PARTY_COURIER, PARTY_KEEPER), none);
		assert_int_equal(passes(&a, PARTY_KEEPER, PARTY_DESK), none);
		/* none was made yet */
		assert_int_equal(passes(&r, PARTY_KEEPER, PARTY_DESK),
		    none || o == OUTCOMES);
	}
}

#define SETTLE_REFUSED(change) \
	REFUSED(MSG_SETTLE, PARTY_COURIER, PARTY_KEEPER, change)

static void
what_an_attempt_came_to_has_its_grammar(void **state)
{
	(void)state;
	SETTLE_REFUSED(p_.r.settle.seq = 0);
	SETTLE_REFUSED(p_.r.settle.seq = (uint64_t)INT64_MAX + 1);
	SETTLE_REFUSED(p_.r.settle.attempt = 0);
	SETTLE_REFUSED(p_.r.settle.http_status = 99);
	SETTLE_REFUSED(p_.r.settle.http_status = 600);
	SETTLE_REFUSED(p_.r.settle.retry_after_s = 86401);
	SETTLE_REFUSED(p_.r.settle.zero = 1);
}

#define LIST_REFUSED(change) \
	REFUSED(MSG_DELIVERIES, PARTY_DESK, PARTY_KEEPER, change)
#define DELIVERY_REFUSED(change) \
	REFUSED(MSG_DELIVERY_ROW, PARTY_KEEPER, PARTY_DESK, change)
#define ATTEMPTS_REFUSED(change) \
	REFUSED(MSG_ATTEMPTS, PARTY_DESK, PARTY_KEEPER, change)
#define ATTEMPT_REFUSED(change) \
	REFUSED(MSG_ATTEMPT, PARTY_KEEPER, PARTY_DESK, change)

static void
a_list_of_deliveries_has_its_grammar(void **state)
{
	(void)state;
	LIST_REFUSED(p_.r.deliveries.after = (uint64_t)INT64_MAX + 1);
	LIST_REFUSED(p_.r.deliveries.limit = 0);
	LIST_REFUSED(p_.r.deliveries.limit = 1001);
	LIST_REFUSED(p_.r.deliveries.zero = 1);
	LIST_REFUSED(p_.r.deliveries.which.merchant[20] = 'x');
	LIST_REFUSED(p_.r.deliveries.which.endpoint[0] = '/');
	LIST_REFUSED(p_.r.deliveries.which.endpoint[20] = 'x');
	LIST_REFUSED(p_.r.deliveries.which.invoice_id[40] = 'x');
	LIST_REFUSED(p_.r.deliveries.which.pad[4] = 1);
	LIST_REFUSED(p_.r.deliveries.which.from_us = UINT64_MAX);
	LIST_REFUSED(p_.r.deliveries.which.to_us = UINT64_MAX);
	LIST_REFUSED(p_.r.deliveries.which.state = DELIVERY_STATES + 1);
	LIST_REFUSED(p_.r.deliveries.which.zero = 1);
	DELIVERY_REFUSED(p_.r.delivery_row.position = 0);
	DELIVERY_REFUSED(p_.r.delivery_row.position = (uint64_t)INT64_MAX + 1);
	DELIVERY_REFUSED(p_.r.delivery_row.at_us = UINT64_MAX);
	DELIVERY_REFUSED(p_.r.delivery_row.state = DELIVERY_STATES);
	DELIVERY_REFUSED(p_.r.delivery_row.http_status = 99);
	DELIVERY_REFUSED(p_.r.delivery_row.http_status = 600);
	DELIVERY_REFUSED(memset(p_.r.delivery_row.endpoint, 0, CONFIG_NAME));
	DELIVERY_REFUSED(p_.r.delivery_row.pad[6] = 1);
	DELIVERY_REFUSED(p_.r.delivery_row.receipt.amount_minor = 0);
	ATTEMPTS_REFUSED(memset(p_.r.attempts.endpoint, 0, CONFIG_NAME));
	ATTEMPTS_REFUSED(p_.r.attempts.endpoint[30] = 'x');
	ATTEMPTS_REFUSED(p_.r.attempts.pad[5] = 1);
	ATTEMPT_REFUSED(p_.r.attempt.at_us = UINT64_MAX);
	ATTEMPT_REFUSED(p_.r.attempt.number = 0);
	ATTEMPT_REFUSED(p_.r.attempt.http_status = 600);
	ATTEMPT_REFUSED(p_.r.attempt.zero = 1);
}

#define REDELIVER_REFUSED(change) \
	REFUSED(MSG_REDELIVER, PARTY_DESK, PARTY_KEEPER, change)
#define REDELIVERED_REFUSED(change) \
	REFUSED(MSG_REDELIVERED, PARTY_KEEPER, PARTY_DESK, change)

static void
an_action_on_deliveries_has_its_grammar(void **state)
{
	(void)state;
	REDELIVER_REFUSED(p_.r.redeliver.after = (uint64_t)INT64_MAX + 1);
	REDELIVER_REFUSED(p_.r.redeliver.limit = 0);
	REDELIVER_REFUSED(p_.r.redeliver.limit = 1001);
	REDELIVER_REFUSED(p_.r.redeliver.action = REDELIVER_DROP + 1);
	REDELIVER_REFUSED(memset(p_.r.redeliver.by, 0, CONFIG_NAME));
	REDELIVER_REFUSED(p_.r.redeliver.by[0] = ' ');
	REDELIVER_REFUSED(p_.r.redeliver.pad[6] = 1);
	REDELIVER_REFUSED(p_.r.redeliver.which.state = DELIVERY_STATES + 1);
	REDELIVERED_REFUSED(p_.r.redelivered.last = (uint64_t)INT64_MAX + 1);
	REDELIVERED_REFUSED(p_.r.redelivered.matched = 1001);
	REDELIVERED_REFUSED(p_.r.redelivered.changed = 1001);
	REDELIVERED_REFUSED(p_.r.redelivered.matched = 998);
	REDELIVERED_REFUSED(p_.r.redelivered.more = 2);
	REDELIVERED_REFUSED(p_.r.redelivered.status = ST_NOT_FOUND);
	REFUSED(MSG_RESUME, PARTY_COMMAND, PARTY_KEEPER,
	    memset(p_.r.resume.endpoint, 0, CONFIG_NAME));
	REFUSED(MSG_RESUME, PARTY_COMMAND, PARTY_KEEPER,
	    p_.r.resume.endpoint[10] = 'x');
	REFUSED(
	    MSG_RESUME, PARTY_COMMAND, PARTY_KEEPER, p_.r.resume.pad[0] = 1);
}

#define ERASE_REFUSED(change) \
	REFUSED(MSG_ERASE, PARTY_DESK, PARTY_KEEPER, change)
#define LEGAL_REFUSED(change) \
	REFUSED(MSG_LEGAL, PARTY_COMMAND, PARTY_KEEPER, change)
#define PAYMENT_REFUSED(change) \
	REFUSED(MSG_PAYMENT, PARTY_KEEPER, PARTY_DESK, change)
#define ERASED_REFUSED(change) \
	REFUSED(MSG_ERASED, PARTY_KEEPER, PARTY_DESK, change)

static void
what_erasure_is_about_has_its_grammar(void **state)
{
	(void)state;
	ERASE_REFUSED(memset(p_.r.erase.merchant, 0, RECEIPT_MERCHANT));
	ERASE_REFUSED(memset(p_.r.erase.invoice_id, 0, RECEIPT_INVOICE));
	ERASE_REFUSED(p_.r.erase.invoice_id[0] = ' ');
	ERASE_REFUSED(p_.r.erase.invoice_id[20] = 'x');
	ERASE_REFUSED(memset(p_.r.erase.by, 0, CONFIG_NAME));
	ERASE_REFUSED(p_.r.erase.pad[0] = 1);
	ERASE_REFUSED(p_.r.erase.action = ERASE_DO + 1);
	/* What is held is for people; billing has its own lists. */
	ERASE_REFUSED(p_.r.erase.action = ERASE_SHOW);
	LEGAL_REFUSED(memset(p_.r.legal.merchant, 0, RECEIPT_MERCHANT));
	LEGAL_REFUSED(memset(p_.r.legal.invoice_id, 0, RECEIPT_INVOICE));
	LEGAL_REFUSED(p_.r.legal.pad[1] = 1);
	LEGAL_REFUSED(p_.r.legal.hold = 2);
	PAYMENT_REFUSED(p_.r.payment.n = 0);
	PAYMENT_REFUSED(p_.r.payment.life = LIFE_ERASED);
	PAYMENT_REFUSED(p_.r.payment.life = LIFE_ABSENT);
	PAYMENT_REFUSED(p_.r.payment.zero = 1);
	PAYMENT_REFUSED(p_.r.payment.receipt.amount_minor = 0);
	ERASED_REFUSED(p_.r.erased.at_us = UINT64_MAX);
	ERASED_REFUSED(p_.r.erased.until_us = UINT64_MAX);
	ERASED_REFUSED(p_.r.erased.status = ST_EXISTS);
	ERASED_REFUSED(p_.r.erased.why = RETAINS);
	ERASED_REFUSED(p_.r.erased.legal_hold = 2);
	ERASED_REFUSED(p_.r.erased.proved = 2);
}

static void
a_notice_says_an_id_and_nothing_else(void **state)
{
	struct packet p = sound(MSG_DELIVERY);
	struct receipt r = p.r.delivery.receipt;

	(void)state;
	p.r.delivery.seq |= DELIVERY_NOTICE;
	assert_false(passes(&p, PARTY_KEEPER, PARTY_COURIER));
	memset(&p.r.delivery.receipt, 0, sizeof(r));
	p.r.delivery.receipt.id = r.id;
	p.r.delivery.receipt.received_at_us = r.received_at_us;
	memcpy(p.r.delivery.receipt.merchant, r.merchant, sizeof(r.merchant));
	assert_true(passes(&p, PARTY_KEEPER, PARTY_COURIER));
	p.r.delivery.receipt.amount_minor = 1;
	assert_false(passes(&p, PARTY_KEEPER, PARTY_COURIER));
	p.r.delivery.receipt.amount_minor = 0;
	p.r.delivery.receipt.invoice_id[0] = 'x';
	assert_false(passes(&p, PARTY_KEEPER, PARTY_COURIER));
	p.r.delivery.receipt.invoice_id[0] = '\0';
	p.r.delivery.receipt.received_at_us = 0;
	assert_false(passes(&p, PARTY_KEEPER, PARTY_COURIER));
}

#define MARK_REFUSED(change) REFUSED(MSG_MARK, PARTY_DESK, PARTY_KEEPER, change)
#define MARKED_REFUSED(change) \
	REFUSED(MSG_MARKED, PARTY_KEEPER, PARTY_DESK, change)

static void
what_pollers_and_tokens_are_about_has_its_grammar(void **state)
{
	(void)state;
	REFUSED(MSG_NEWS, PARTY_KEEPER, PARTY_DESK,
	    memset(p_.r.news.merchant, 0, CONFIG_NAME));
	REFUSED(MSG_NEWS, PARTY_KEEPER, PARTY_DESK, p_.r.news.pad[6] = 1);
	MARK_REFUSED(p_.r.mark.seq = (uint64_t)INT64_MAX + 1);
	MARK_REFUSED(memset(p_.r.mark.merchant, 0, RECEIPT_MERCHANT));
	MARK_REFUSED(memset(p_.r.mark.name, 0, CONFIG_NAME));
	MARK_REFUSED(p_.r.mark.name[0] = '.');
	MARK_REFUSED(p_.r.mark.name[20] = 'x');
	MARK_REFUSED(p_.r.mark.pad[1] = 1);
	MARK_REFUSED(p_.r.mark.action = MARK_FORGET + 1);
	MARKED_REFUSED(p_.r.marked.seq = (uint64_t)INT64_MAX + 1);
	MARKED_REFUSED(p_.r.marked.at_us = UINT64_MAX);
	MARKED_REFUSED(p_.r.marked.status = ST_UNAVAILABLE);
	MARKED_REFUSED(p_.r.marked.zero = 1);
	REFUSED(
	    MSG_TOKEN_USED, PARTY_DESK, PARTY_KEEPER, p_.r.token_used.day = 0);
	REFUSED(MSG_TOKEN_USED, PARTY_DESK, PARTY_KEEPER,
	    p_.r.token_used.day = 47482); /* 2100 */
	REFUSED(
	    MSG_TOKEN_USED, PARTY_DESK, PARTY_KEEPER, p_.r.token_used.zero = 1);
	REFUSED(MSG_TOKEN, PARTY_KEEPER, PARTY_DESK, p_.r.token.day = 47482);
	REFUSED(MSG_TOKEN, PARTY_KEEPER, PARTY_DESK,
	    p_.r.token.revoked_at_us = UINT64_MAX);
	REFUSED(MSG_TOKEN, PARTY_KEEPER, PARTY_DESK, p_.r.token.zero = 1);
}

static void
a_filter_that_leaves_all_open_passes(void **state)
{
	struct packet list = sound(MSG_DELIVERIES), page = sound(MSG_PAGE);

	(void)state;
	list.r.deliveries.which =
	    (struct msg_which){ .merchant = "m", .state = DELIVERY_STATES };
	assert_true(passes(&list, PARTY_DESK, PARTY_KEEPER));
	page.r.page = (struct msg_page){ .merchant = "m", .limit = 1 };
	assert_true(passes(&page, PARTY_DESK, PARTY_KEEPER));
}

static void
what_may_be_empty_passes_empty(void **state)
{
	struct packet put = sound(MSG_PUT), ask = sound(MSG_ASK);
	struct packet check = sound(MSG_CHECK), hold = sound(MSG_HOLD);

	(void)state;
	memset(put.r.put.tran_id, 0, RECEIPT_INVOICE);
	assert_true(passes(&put, PARTY_EDGE, PARTY_KEEPER));
	memset(ask.r.ask.tran_id, 0, RECEIPT_INVOICE);
	assert_true(passes(&ask, PARTY_KEEPER, PARTY_ASKER));
	memset(check.r.check.tran_id, 0, RECEIPT_INVOICE);
	assert_true(passes(&check, PARTY_DESK, PARTY_KEEPER));
	hold.r.hold.is_answered = 0;
	memset(&hold.r.hold.answered, 0, sizeof(struct receipt));
	assert_true(passes(&hold, PARTY_KEEPER, PARTY_DESK));
}

static void
every_status_of_done_passes_and_no_other(void **state)
{
	static const enum status set[] = { ST_OK, ST_NOT_FOUND, ST_BUSY, ST_IO,
		ST_EXISTS, ST_UNAVAILABLE, ST_BAD_INPUT, ST_CONFIG };
	struct packet p = sound(MSG_DONE);
	size_t n = 0;

	(void)state;
	for (uint32_t st = 0; st < 64; st++) {
		p.r.done.status = st;
		n += passes(&p, PARTY_KEEPER, PARTY_DESK);
	}
	assert_int_equal(n, ARRAY_LEN(set));
	for (size_t i = 0; i < ARRAY_LEN(set); i++) {
		p.r.done.status = set[i];
		assert_true(passes(&p, PARTY_KEEPER, PARTY_DESK));
	}
}

static void
rooms_that_meet_are_edges_askers_couriers_and_desks(void **state)
{
	static const enum party met[] = { PARTY_EDGE, PARTY_ASKER,
		PARTY_COURIER, PARTY_DESK };
	struct packet p = sound(MSG_PEER);
	size_t n = 0;

	(void)state;
	for (uint32_t party = 0; party < 1024; party++) {
		p.r.peer.party = party;
		n += passes(&p, PARTY_SUPERVISOR, PARTY_ASKER);
	}
	assert_int_equal(n, ARRAY_LEN(met));
	for (size_t i = 0; i < ARRAY_LEN(met); i++) {
		p.r.peer.party = met[i];
		assert_true(passes(&p, PARTY_SUPERVISOR, PARTY_EDGE));
	}
}

static void
hints_alone_are_of_the_wide_world(void **state)
{
	(void)state;
	for (int type = 0; type < MESSAGES; type++)
		assert_int_equal(
		    message_wide((enum message)type), type == MSG_HINT);
}

static void
the_largest_packet_is_message_max(void **state)
{
	size_t most = 0;

	(void)state;
	for (int type = 0; type < MESSAGES; type++) {
		size_t n = length(
		    (enum message)type, message_most((enum message)type));

		most = n > most ? n : most;
	}
	assert_int_equal(most, MESSAGE_MAX);
}

static void
parties_have_names_and_sets_of_them_have_none(void **state)
{
	(void)state;
	assert_string_equal(party_name(PARTY_ASKER), "asker");
	assert_string_equal(party_name(PARTY_KEEPER), "keeper");
	assert_string_equal(party_name(PARTY_MEETING), "nobody");
	assert_string_equal(party_name(PARTY_OFFERED), "nobody");
}

static char *
merchant_of(struct packet *p)
{
	switch (p->head.type) {
	case MSG_DELIVERIES:
		return p->r.deliveries.which.merchant;
	case MSG_REDELIVER:
		return p->r.redeliver.which.merchant;
	default:
		return p->r.attempts.merchant;
	}
}

static void
only_a_command_reads_over_all_merchants(void **state)
{
	static const enum message of_deliveries[] = { MSG_DELIVERIES,
		MSG_REDELIVER, MSG_ATTEMPTS };
	struct packet page = sound(MSG_PAGE), get = sound(MSG_GET);
	struct packet holds = sound(MSG_HOLDS), decide = sound(MSG_DECIDE);

	(void)state;
	memset(holds.r.holds.merchant, 0, RECEIPT_MERCHANT);
	memset(decide.r.decide.merchant, 0, RECEIPT_MERCHANT);
	assert_false(passes(&holds, PARTY_DESK, PARTY_KEEPER));
	assert_false(passes(&decide, PARTY_DESK, PARTY_KEEPER));
	assert_true(passes(&holds, PARTY_COMMAND, PARTY_KEEPER));
	assert_true(passes(&decide, PARTY_COMMAND, PARTY_KEEPER));
	for (size_t i = 0; i < ARRAY_LEN(of_deliveries); i++) {
		struct packet p = sound(of_deliveries[i]);

		memset(merchant_of(&p), 0, RECEIPT_MERCHANT);
		assert_false(passes(&p, PARTY_DESK, PARTY_KEEPER));
		assert_true(passes(&p, PARTY_COMMAND, PARTY_KEEPER));
	}
	memset(page.r.page.merchant, 0, RECEIPT_MERCHANT);
	memset(get.r.get.merchant, 0, RECEIPT_MERCHANT);
	assert_false(passes(&page, PARTY_DESK, PARTY_KEEPER));
	assert_false(passes(&get, PARTY_DESK, PARTY_KEEPER));
	assert_true(passes(&page, PARTY_COMMAND, PARTY_KEEPER));
	assert_true(passes(&get, PARTY_COMMAND, PARTY_KEEPER));
}

/* No byte of a PUT is free: flipping any bit of a zero byte is seen. */
static void
no_zero_byte_of_a_receipt_is_unaccounted_for(void **state)
{
	struct packet p = sound(MSG_PUT);
	unsigned char *r = (unsigned char *)&p.r.put.receipt;
	size_t from = offsetof(struct receipt, currency);

	(void)state;
	for (size_t i = from; i < sizeof(struct receipt); i++) {
		if (r[i] != 0)
			continue;
		/* The byte right behind a text may lengthen it. */
		if (i > from && r[i - 1] != 0)
			continue;
		r[i] = '7';
		assert_false(passes(&p, PARTY_EDGE, PARTY_KEEPER));
		r[i] = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sound_message_passes_in_its_direction),
		cmocka_unit_test(no_message_passes_in_another_direction),
		cmocka_unit_test(a_packet_of_another_length_is_refused),
		cmocka_unit_test(a_count_outside_its_range_is_refused),
		cmocka_unit_test(a_receipt_outside_the_narrow_world_is_refused),
		cmocka_unit_test(bytes_behind_a_terminator_are_refused),
		cmocka_unit_test(members_outside_their_range_are_refused),
		cmocka_unit_test(a_question_has_its_grammar),
		cmocka_unit_test(an_answer_has_its_grammar),
		cmocka_unit_test(only_an_answer_to_hold_says_what_was_answered),
		cmocka_unit_test(
		    a_verdict_names_a_merchant_also_without_an_answer),
		cmocka_unit_test(a_check_finds_what_is_paid_or_risky),
		cmocka_unit_test(what_is_said_of_held_payments_has_its_grammar),
		cmocka_unit_test(a_page_of_receipts_has_its_grammar),
		cmocka_unit_test(only_an_answer_has_a_status),
		cmocka_unit_test(what_an_attempt_came_to_has_its_grammar),
		cmocka_unit_test(a_list_of_deliveries_has_its_grammar),
		cmocka_unit_test(an_action_on_deliveries_has_its_grammar),
		cmocka_unit_test(
		    what_pollers_and_tokens_are_about_has_its_grammar),
		cmocka_unit_test(what_erasure_is_about_has_its_grammar),
		cmocka_unit_test(a_notice_says_an_id_and_nothing_else),
		cmocka_unit_test(a_filter_that_leaves_all_open_passes),
		cmocka_unit_test(what_may_be_empty_passes_empty),
		cmocka_unit_test(every_status_of_done_passes_and_no_other),
		cmocka_unit_test(
		    rooms_that_meet_are_edges_askers_couriers_and_desks),
		cmocka_unit_test(hints_alone_are_of_the_wide_world),
		cmocka_unit_test(the_largest_packet_is_message_max),
		cmocka_unit_test(parties_have_names_and_sets_of_them_have_none),
		cmocka_unit_test(only_a_command_reads_over_all_merchants),
		cmocka_unit_test(no_zero_byte_of_a_receipt_is_unaccounted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
