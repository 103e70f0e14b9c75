#include <unistd.h>

#include "supervisor/state.h"

static struct process *
process_in(const struct slot *slot, bool next)
{
	return next ? slot->next : slot->current;
}

/* The asker first: an edge that it cannot hear keeps what it has.  Whatever
 * fails here is no fault of the gateway's: payments are asked about by tran_id
 * then. */
static void
introduce(const struct slot *edge, const struct slot *asker, bool next)
{
	struct process *e = process_in(edge, next);
	struct process *a = process_in(asker, next);
	struct msg_peer to_asker = { .party = PARTY_EDGE, .slot = edge->index };
	struct msg_peer to_edge = { .party = PARTY_ASKER,
		.slot = asker->index };
	enum status st;
	int pair[2];

	if (e == NULL || a == NULL || channel_pair(pair) != ST_OK)
		return;
	st = channel_send_fd(process_control(a), MSG_PEER, &to_asker, pair[0]);
	if (st == ST_OK)
		st = channel_send_fd(
		    process_control(e), MSG_PEER, &to_edge, pair[1]);
	(void)st;
	(void)close(pair[0]);
	(void)close(pair[1]);
}

void
introduce_room(struct supervisor *s, const struct slot *slot, bool next)
{
	for (size_t i = 0; i < s->n_slots; i++) {
		const struct slot *other = &s->slots[i];

		if (slot->party == PARTY_EDGE && other->party == PARTY_ASKER)
			introduce(slot, other, next);
		else if (slot->party == PARTY_ASKER &&
			 other->party == PARTY_EDGE)
			introduce(other, slot, next);
	}
}
