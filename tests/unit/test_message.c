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
		unsigned char bytes[512];
	} r;
};

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

/* One sound record of each type, as its usual sender would send it. */
static struct packet
sound(enum message type)
{
	struct packet p = { .head = { .type = type, .count = 1 } };

	switch (type) {
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
		p.r.put = (struct msg_put){ 9, sound_receipt() };
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
		p.r.settle =
		    (struct msg_settle){ 4, 1, 1, OUTCOME_DELIVERED, 204 };
		break;
	case MSG_PAGE:
		p.r.page =
		    (struct msg_page){ 1, 0, "testbox", "INV-1", "", 100 };
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
		p.r.health = (struct msg_health){ 1, 5, 2,
			UINT64_C(1764657047123456), 77, ST_OK, 0 };
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
		PARTY_KEEPER, PARTY_COURIER, PARTY_DESK, PARTY_COMMAND };
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
	/* READY and DRAIN: four rooms each; PAGE, GET, ROW, PAGE_END, PROBE
	 * and HEALTH: desk and command; seven messages have one way. */
	assert_int_equal(allowed, 2 * 4 + 6 * 2 + 7);
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
	    p_.r.window.endpoint[20] = 'x');
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
	REFUSED(MSG_HEALTH, PARTY_KEEPER, PARTY_DESK, p_.r.health.zero = 1);
}

static void
only_a_command_reads_over_all_merchants(void **state)
{
	struct packet page = sound(MSG_PAGE), get = sound(MSG_GET);

	(void)state;
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
		cmocka_unit_test(only_a_command_reads_over_all_merchants),
		cmocka_unit_test(no_zero_byte_of_a_receipt_is_unaccounted_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
