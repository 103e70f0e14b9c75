#include "keeper/peers.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"

/* More than the answers to all that an edge can have waiting, or than all
 * windows of a courier or asker. */
#define MOST_QUEUED 65536

/* For what ends a page, beside its rows. */
#define MOST_ENDS 1024

struct peers {
	struct peers_config cfg;
	struct peer *first;
	uint64_t last_id;
};

struct peers *
peers_new(const struct peers_config *cfg)
{
	struct peers *ps = calloc(1, sizeof(*ps));

	if (ps != NULL)
		ps->cfg = *cfg;
	return ps;
}

static void
release(struct peer *p)
{
	struct peer **at = &p->peers->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	channel_free(p->channel);
	free(p);
}

void
peers_free(struct peers *ps)
{
	if (ps == NULL)
		return;
	while (ps->first != NULL)
		release(ps->first);
	free(ps);
}

static void
leave(struct peer *p)
{
	p->peers->cfg.on_gone(p->peers->cfg.arg, p);
	release(p);
}

void
peers_end(struct peer *p)
{
	metrics_add(MET_ROOM_NONSENSE, 1);
	log_event(LOG_NONSENSE, log_word(KEY_ROOM, party_name(p->party)));
	leave(p);
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct peer *p = arg;

	(void)fd; /* a channel takes descriptors from the supervisor only */
	if (!p->peers->cfg.on_records(
		p->peers->cfg.arg, p, type, records, count))
		peers_end(p);
}

static void
on_end(void *arg, enum channel_end why)
{
	(void)why; /* said by the channel */
	leave(arg);
}

struct peer *
peers_add(struct peers *ps, int fd, enum party party)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct channel_config cc = { .fd = fd,
		.self = PARTY_KEEPER,
		.peer = party,
		.most_queued = (party & PARTY_READER) != 0
				   ? PEERS_ROWS + MOST_ENDS
				   : MOST_QUEUED,
		.on_records = on_records,
		.on_end = on_end,
		.arg = p };

	if (p == NULL) {
		(void)close(fd);
		return NULL;
	}
	if (channel_new(&p->channel, ps->cfg.loop, &cc, NULL) != ST_OK) {
		free(p);
		return NULL;
	}
	p->peers = ps;
	p->party = party;
	p->id = ++ps->last_id;
	p->next = ps->first;
	ps->first = p;
	return p;
}

struct peer *
peers_find(struct peers *ps, uint64_t id)
{
	struct peer *p = ps->first;

	while (p != NULL && p->id != id)
		p = p->next;
	return p;
}

struct peer *
peers_newest(struct peers *ps, enum party party)
{
	struct peer *p = ps->first;

	while (p != NULL && p->party != party)
		p = p->next;
	return p;
}

bool
peers_send(struct peer *p, enum message type, const void *record)
{
	/* A dead channel reports itself from the loop. */
	if (channel_add(p->channel, type, record) != ST_BUSY)
		return true;
	peers_end(p);
	return false;
}

void
peers_each(struct peers *ps, enum party party,
    void (*fn)(void *arg, struct peer *p), void *arg)
{
	for (struct peer *p = ps->first; p != NULL; p = p->next) {
		if (p->party == party)
			fn(arg, p);
	}
}

size_t
peers_count(const struct peers *ps, enum party party)
{
	size_t n = 0;

	for (const struct peer *p = ps->first; p != NULL; p = p->next)
		n += p->party == party;
	return n;
}

size_t
peers_queued(const struct peers *ps)
{
	size_t n = 0;

	for (const struct peer *p = ps->first; p != NULL; p = p->next)
		n += channel_queued(p->channel);
	return n;
}
