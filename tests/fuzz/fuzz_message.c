/*
 * Any bytes from any room to any other: what is let through is of its layout,
 * in its direction, and as good record by record as it is in one packet.
 *
 * The first four bytes choose who speaks to whom, the message and the count;
 * the rest are records, zeros where it ends.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum party parties[] = { PARTY_SUPERVISOR, PARTY_EDGE,
	PARTY_KEEPER, PARTY_COURIER, PARTY_DESK, PARTY_COMMAND, PARTY_ASKER };

/* By message.def alone. */
static const struct {
	unsigned from, to;
	size_t size, most;
} table[MESSAGES] = {
#define MESSAGE(name, who, whom, record, n) \
	[MSG_##name] = { PARTY_##who, PARTY_##whom, sizeof(struct record), n },
#include "message/message.def"
#undef MESSAGE
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* In memory of its own, so that reading beyond len is seen. */
static bool
passes(enum party from, enum party to, const void *packet, size_t len)
{
	void *copy = malloc(len > 0 ? len : 1);
	bool ok;

	require(copy != NULL);
	memcpy(copy, packet, len);
	ok = message_check(from, to, copy, len);
	free(copy);
	return ok;
}

static void
check_accepted(enum party from, enum party to, struct msg_header *h, size_t len)
{
	const unsigned char *records = (const unsigned char *)(h + 1);
	size_t size = table[h->type].size;

	require(
	    (from & table[h->type].from) != 0 && (to & table[h->type].to) != 0);
	require(h->count >= 1 && h->count <= table[h->type].most &&
		h->count <= message_most(h->type));
	require(len == sizeof(*h) + h->count * size);
	for (size_t i = 0; i < h->count; i++) {
		void *one = malloc(size);

		require(one != NULL);
		memcpy(one, records + i * size, size);
		require(message_record_valid(from, h->type, one));
		free(one);
	}
	if (h->type == MSG_PUT)
		require(receipt_valid(
		    &((const struct msg_put *)(const void *)records)->receipt));
}

/* Nobody else may say it, and no other frame holds it. */
static void
check_frame(enum party from, enum party to, struct msg_header *h, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(parties); i++) {
		if ((parties[i] & table[h->type].from) == 0)
			require(!passes(parties[i], to, h, len));
		if ((parties[i] & table[h->type].to) == 0)
			require(!passes(from, parties[i], h, len));
	}
	require(!passes(from, to, h, len - 1));
	h->count++;
	require(!passes(from, to, h, len));
	h->count = 0;
	require(!passes(from, to, h, len));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static union {
		struct msg_header head;
		unsigned char bytes[MESSAGE_MAX + 1];
		uint64_t aligned;
	} packet;
	enum party from, to;
	size_t len;

	if (size < 4)
		return 0;
	from = parties[data[0] % ARRAY_LEN(parties)];
	to = parties[data[1] % ARRAY_LEN(parties)];
	memset(&packet, 0, sizeof(packet));
	packet.head.type = data[2]; /* one that is none, too */
	packet.head.count = data[3] & 3;
	len = sizeof(packet.head) +
	      packet.head.count * (packet.head.type < MESSAGES
					  ? table[packet.head.type].size
					  : 16);
	data += 4;
	size -= 4;
	if (size > len - sizeof(packet.head))
		size = len - sizeof(packet.head);
	memcpy(packet.bytes + sizeof(packet.head), data, size);
	if (!passes(from, to, &packet, len))
		return 0;
	require(packet.head.type < MESSAGES);
	check_accepted(from, to, &packet.head, len);
	check_frame(from, to, &packet.head, len);
	return 0;
}
