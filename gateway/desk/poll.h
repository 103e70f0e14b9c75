/*
 * Polls: whoever reads the list of receipts, as a page, an export, an event
 * stream or for their digest.
 *
 * Asking the keeper, then answered; or, when it may wait and nothing is
 * there, resting until the keeper has news of its merchant, asking again, and
 * so on.  Polls that rest at the same place for the same receipts share one
 * question and its answer.  A resting poll holds neither a thread nor a
 * snapshot nor a buffer.  Loop thread only.
 */
#ifndef DESK_POLL_H
#define DESK_POLL_H

#include "desk/call.h"
#include "desk/digest.h"

enum poll_kind { POLL_PAGE, POLL_EVENTS, POLL_EXPORT, POLL_DIGEST };

struct poll {
	struct call call;
	enum poll_kind kind;
	struct msg_page page;
	bool has_cursor;
	struct cursor cursor;	/* the one given; then the next */
	int64_t until_us;	/* a page: monotonic; how long it may rest */
	uint64_t left;		/* an export: receipts that it may still hold */
	char kept[CONFIG_NAME]; /* the name of a kept cursor, or empty */
	bool from_now;		/* begins at the end */
	/* Private. */
	struct poll *leader; /* whose answer will be this one's, too */
	struct digest *digest;
	int64_t again_us, beat_us;
	bool resting, waiter, news, started, blocked;
};

struct polls {
	struct calls calls; /* each a poll */
	struct event *tick; /* pending while there are waiters */
	int64_t most;	    /* waiters */
	int64_t waiters;
	bool draining;
};

MUST_USE enum status polls_init(struct polls *ps, struct loop *l,
    struct asks *as, int64_t most, struct err *e);
void polls_fini(struct polls *ps);

/* A zeroed poll to fill in; NULL: r is answered. */
struct poll *
poll_new(struct polls *ps, enum poll_kind kind, const struct route_request *r);

/* It is filled in: ask. */
void poll_start(struct poll *p);

/* This merchant has new receipts. */
void polls_news(struct polls *ps, const char *merchant);

/* There is room in the stream that answers id. */
void polls_room(struct polls *ps, exchange_id id);

/* Nobody rests any more. */
void polls_drain(struct polls *ps);

#endif
