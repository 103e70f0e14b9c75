/*
 * The rooms and commands that speak with the keeper, a channel each.
 *
 * A peer has a number that is never used again, so that an answer to one that
 * left finds nobody.  Loop thread.
 */
#ifndef KEEPER_PEERS_H
#define KEEPER_PEERS_H

#include <stdbool.h>

#include "message/channel.h"

/* Rows that may wait for one reader; a page that does not fit is refused. */
#define PEERS_ROWS 16384

struct peer {
	struct peer *next;
	struct peers *peers;
	uint64_t id; /* from 1 */
	enum party party;
	struct channel *channel;
};

struct peers;

struct peers_config {
	struct loop *loop;
	/* false: it makes no sense; the peer is ended. */
	bool (*on_records)(void *arg, struct peer *p, enum message type,
	    const void *records, size_t count);
	/* Its channel is still there, for the length of the call. */
	void (*on_gone)(void *arg, struct peer *p);
	void *arg;
};

/* NULL without memory. */
struct peers *peers_new(const struct peers_config *cfg);

/* Ends all, without on_gone.  NULL is fine. */
void peers_free(struct peers *ps);

/* fd is taken, also on failure (NULL). */
struct peer *peers_add(struct peers *ps, int fd, enum party party);

/* NULL: gone. */
struct peer *peers_find(struct peers *ps, uint64_t id);

/* The one that came last, or NULL. */
struct peer *peers_newest(struct peers *ps, enum party party);

/* Send, or end a peer that does not read what it asked for.  false: p is
 * gone. */
bool peers_send(struct peer *p, enum message type, const void *record);

/* End one that makes no sense.  Not from its on_records: return false. */
void peers_end(struct peer *p);

/* Call fn for each of a party; it ends none. */
void peers_each(struct peers *ps, enum party party,
    void (*fn)(void *arg, struct peer *p), void *arg);

size_t peers_count(const struct peers *ps, enum party party);

/* Records that wait to be sent, of all. */
size_t peers_queued(const struct peers *ps);

#endif
