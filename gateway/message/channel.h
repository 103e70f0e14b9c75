/*
 * A channel: one end of a SOCK_SEQPACKET pair between two processes.
 *
 * Records that are added during a turn of the loop leave together when it
 * ends, in order.  What the socket does not take waits, up to a bound.  Every
 * packet received is checked before its handler sees it.
 *
 * Of records of the wide world (message_wide()) no copy stays in this process:
 * they are wiped here once they were sent, dropped or handled.
 *
 * Loop thread only.  Neither callback runs from inside a call of this unit;
 * channel_free() may be called from both.
 */
#ifndef MESSAGE_CHANNEL_H
#define MESSAGE_CHANNEL_H

#include "base/loop.h"
#include "message/message.h"

struct channel;

enum channel_end {
	CHANNEL_GONE,	  /* the peer closed, or its process died */
	CHANNEL_NONSENSE, /* it sent what it may not send */
};

struct channel_config {
	int fd; /* taken, also on failure */
	enum party self, peer;
	size_t most_queued; /* records that may wait to be sent */
	/* records of one packet; fd is a descriptor that came along, the
	 * handler's to close, or -1.  records is borrowed for the call. */
	void (*on_records)(void *arg, enum message type, const void *records,
	    size_t count, int fd);
	/* The channel is dead; free it.  Runs once. */
	void (*on_end)(void *arg, enum channel_end why);
	void *arg;
};

MUST_USE enum status channel_new(struct channel **out, struct loop *l,
    const struct channel_config *cfg, struct err *e);

/* Queue one record for the end of this turn.  ST_BUSY: the bound is reached;
 * nothing was queued.  ST_UNAVAILABLE: the channel is dead. */
MUST_USE enum status
channel_add(struct channel *c, enum message type, const void *record);

/* Send one record with a descriptor at once (borrowed: the caller still
 * closes it).  For the supervisor. */
MUST_USE enum status channel_send_fd(
    struct channel *c, enum message type, const void *record, int fd);

/* Records that wait to be sent. */
size_t channel_queued(const struct channel *c);

/* Close and release; on_end does not run.  NULL is fine. */
void channel_free(struct channel *c);

/* A pair of connected sockets, close-on-exec, or ST_IO. */
MUST_USE enum status channel_pair(int out[2]);

#endif
