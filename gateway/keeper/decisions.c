#include "keeper/decisions.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "keeper/deliveries.h"

static struct msg_done
done(uint64_t tag, enum status st, enum life life)
{
	bool known =
	    st == ST_OK || st == ST_NOT_FOUND || st == ST_IO || st == ST_CONFIG;

	return (struct msg_done){ .tag = tag,
		.status = (uint32_t)(known ? st : ST_BUSY),
		.state = life };
}

bool
decisions_ask(
    const struct decisions *d, struct peer *p, const struct msg_decide *m)
{
	struct store_read ask = { .kind = STORE_READ_HOLD,
		.owner = p->id,
		.tag = m->tag,
		.id = m->id,
		.release = m->release == 1 };
	struct msg_done busy = done(m->tag, ST_BUSY, LIFE_ABSENT);

	memcpy(ask.merchant, m->merchant, sizeof(ask.merchant));
	memcpy(ask.by, m->by, sizeof(ask.by));
	return store_reader_ask(d->reader, &ask) == ST_OK ||
	       channel_add(p->channel, MSG_DONE, &busy) != ST_BUSY;
}

bool
decisions_is_read(const struct store_read *read)
{
	return read->kind == STORE_READ_HOLD && read->by[0] != '\0';
}

/* Without its merchant in the configuration nobody knows who is owed the
 * receipt, so that a release has to wait for it. */
static enum status
decide(const struct decisions *d, const struct store_read *read)
{
	const struct routes_merchant *merchant =
	    routes_find(d->routes, read->lives[0].claimed.merchant);
	const struct store_endpoints nobody = { 0 };

	if (merchant == NULL && read->release)
		return ST_CONFIG;
	return store_queue_decide(d->queue, &read->id, read->release, read->by,
	    clock_wall_us(), merchant != NULL ? &merchant->endpoints : &nobody,
	    read->owner, read->tag);
}

void
decisions_read_done(const struct decisions *d, const struct store_read *read)
{
	struct peer *p = peers_find(d->peers, read->owner);
	enum status st = read->status;
	struct msg_done m;

	if (p == NULL)
		return;
	if (st == ST_OK)
		st = decide(d, read);
	if (st == ST_OK)
		return;
	m = done(read->tag, st, LIFE_ABSENT);
	(void)peers_send(p, MSG_DONE, &m);
}

void
decisions_done(const struct decisions *d, const struct store_op *op)
{
	struct peer *p = peers_find(d->peers, op->owner);
	struct msg_done m = done(op->tag, op->status, op->life);
	char id[ID_TEXT];

	if (op->status == ST_OK) {
		id_format(&op->u.decide.id, id);
		log_event(op->u.decide.release ? LOG_RELEASED : LOG_REJECTED,
		    log_word(KEY_RECEIPT, id),
		    log_word(KEY_WHO, op->u.decide.by));
		if (op->u.decide.release)
			deliveries_owed(d->deliveries, &op->u.decide.endpoints);
	}
	if (p != NULL)
		(void)peers_send(p, MSG_DONE, &m);
}
