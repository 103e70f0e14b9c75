#include "keeper/news.h"

#include <string.h>

static void
take(struct news *n, const char *merchant)
{
	size_t place = routes_place_of_merchant(n->routes, merchant);

	if (place == routes_merchants(n->routes))
		return; /* of a configuration that is gone: the pollers ask */
	n->fresh[place] = n->any = true;
}

void
news_take(struct news *n, const struct store_op *op)
{
	if (op->status != ST_OK)
		return;
	switch (op->kind) {
	case STORE_OP_PUT:
		if (!op->u.put.wait)
			take(n, op->u.put.receipt.merchant);
		break;
	case STORE_OP_MOVE:
		if (op->u.move.to == LIFE_CONFIRMED)
			take(n, op->u.move.receipt.merchant);
		break;
	case STORE_OP_FOUND:
		if (op->life == LIFE_CONFIRMED)
			take(n, op->u.found.receipt.merchant);
		break;
	case STORE_OP_DECIDE:
		if (op->u.decide.release)
			take(n, op->u.decide.merchant);
		break;
	default:
		break;
	}
}

static void
tell(void *arg, struct peer *p)
{
	const struct news *n = arg;

	for (size_t i = 0; i < routes_merchants(n->routes); i++) {
		struct msg_news m = { .merchant = "" };

		if (!n->fresh[i])
			continue;
		memcpy(m.merchant, routes_merchant(n->routes, i)->store_id,
		    sizeof(m.merchant));
		/* A desk that reads nothing asks by itself after a while. */
		(void)!channel_add(p->channel, MSG_NEWS, &m);
	}
}

void
news_tell(struct news *n)
{
	if (!n->any)
		return;
	peers_each(n->peers, PARTY_DESK, tell, n);
	memset(n->fresh, 0, sizeof(n->fresh));
	n->any = false;
}
