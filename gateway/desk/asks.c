#include "desk/asks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "message/channel.h"

/* A poller waits longer than a probe, whose sender has a deadline too. */
#define ROWS_US	 INT64_C(5000000)
#define PROBE_US INT64_C(1000000)

/* How exact those are kept. */
#define TICK_US 100000

struct asks {
	struct channel *keeper;
	struct event *tick; /* pending while somebody waits */
	void (*on_end)(void *arg);
	void *arg;
	size_t waiting;
	uint64_t count; /* of all ever asked; makes tags differ */
	struct ask *slots[ASKS_MOST];
};

void
asks_prepare(struct ask *a,
    void (*on_done)(void *arg, const struct asks_answer *a), void *arg)
{
	memset(a, 0, sizeof(*a));
	a->on_done = on_done;
	a->arg = arg;
	buf_init(&a->json, ASKS_ROWS);
}

/* NULL: an answer that came too late, or to nobody. */
static struct ask *
find(const struct asks *as, uint64_t tag)
{
	struct ask *ask = as->slots[tag % ASKS_MOST];

	return ask != NULL && ask->tag == tag ? ask : NULL;
}

static void
forget(struct asks *as, struct ask *ask)
{
	if (ask->tag == 0)
		return;
	as->slots[ask->tag % ASKS_MOST] = NULL;
	ask->tag = 0;
	if (--as->waiting == 0)
		(void)event_del(as->tick);
}

static void
answer(struct asks *as, struct ask *ask, const struct asks_answer *a)
{
	forget(as, ask);
	ask->on_done(ask->arg, a);
}

/* A row that nobody asked for must not get out, whoever made the mistake. */
static void
take_row(struct asks *as, const struct msg_row *m)
{
	static const struct asks_answer wrong = { .st = ST_INTERNAL };
	struct ask *ask = find(as, m->tag);

	if (ask == NULL)
		return;
	if (ask->rows == ask->most ||
	    strcmp(ask->merchant, m->receipt.merchant) != 0) {
		answer(as, ask, &wrong);
		return;
	}
	if (ask->rows++ > 0)
		buf_append_text(&ask->json, ",");
	receipt_json(&m->receipt, &ask->json);
}

static void
take_end(struct asks *as, const struct msg_page_end *m)
{
	struct asks_answer a = { .st = (enum status)m->status, .end = *m };
	struct ask *ask = find(as, m->tag);

	if (ask == NULL)
		return;
	if (ask->type == MSG_PROBE)
		a.st = ST_INTERNAL;
	else if (buf_status(&ask->json) != ST_OK)
		a.st = ST_NO_MEMORY;
	answer(as, ask, &a);
}

static void
take_health(struct asks *as, const struct msg_health *m)
{
	struct asks_answer a = { .st = (enum status)m->status, .health = *m };
	struct ask *ask = find(as, m->tag);

	if (ask == NULL)
		return;
	if (ask->type != MSG_PROBE)
		a.st = ST_INTERNAL;
	answer(as, ask, &a);
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	const unsigned char *record = records;
	struct asks *as = arg;

	(void)fd;
	for (size_t i = 0; i < count; i++, record += message_size(type)) {
		if (type == MSG_ROW)
			take_row(as, (const void *)record);
		else if (type == MSG_PAGE_END)
			take_end(as, (const void *)record);
		else if (type == MSG_HEALTH)
			take_health(as, (const void *)record);
	}
}

static void
on_channel_end(void *arg, enum channel_end why)
{
	struct asks *as = arg;

	(void)why;
	as->on_end(as->arg);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	static const struct asks_answer silence = { .st = ST_UNAVAILABLE };
	int64_t now = clock_mono_us();
	struct asks *as = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < ASKS_MOST && as->waiting > 0; i++) {
		struct ask *ask = as->slots[i];

		if (ask != NULL && ask->deadline_us <= now)
			answer(as, ask, &silence);
	}
}

enum status
asks_new(struct asks **out, struct loop *l, int keeper,
    void (*on_end)(void *arg), void *arg, struct err *e)
{
	struct channel_config cc = { .fd = keeper,
		.self = PARTY_DESK,
		.peer = PARTY_KEEPER,
		.most_queued = ASKS_MOST,
		.on_records = on_records,
		.on_end = on_channel_end };
	struct asks *as = calloc(1, sizeof(*as));
	enum status st;

	*out = NULL;
	if (as == NULL) {
		(void)close(keeper);
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	as->on_end = on_end;
	as->arg = arg;
	cc.arg = as;
	st = channel_new(&as->keeper, l, &cc, e);
	if (st != ST_OK)
		goto fail;
	as->tick = event_new(loop_base(l), -1, EV_PERSIST, on_tick, as);
	if (as->tick == NULL) {
		err_set(e, "no memory");
		st = ST_NO_MEMORY;
		goto fail;
	}
	*out = as;
	return ST_OK;
fail:
	asks_free(as);
	return st;
}

void
asks_free(struct asks *as)
{
	if (as == NULL)
		return;
	for (size_t i = 0; i < ASKS_MOST; i++) {
		if (as->slots[i] != NULL)
			forget(as, as->slots[i]);
	}
	if (as->tick != NULL)
		event_free(as->tick);
	channel_free(as->keeper);
	free(as);
}

/* A slot for ask, and the tag that stands for it; 0 when all are taken. */
static uint64_t
take_slot(struct asks *as, struct ask *ask)
{
	assert(ask->tag == 0);
	for (uint64_t i = 0; i < ASKS_MOST; i++) {
		if (as->slots[i] != NULL)
			continue;
		as->slots[i] = ask;
		as->waiting++;
		ask->tag = ++as->count * ASKS_MOST + i;
		return ask->tag;
	}
	return 0;
}

static enum status
put(struct asks *as, struct ask *ask, enum message type, const void *record,
    int64_t patience_us)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	enum status st = channel_add(as->keeper, type, record);

	ask->type = type;
	ask->rows = 0;
	ask->deadline_us = clock_mono_us() + patience_us;
	if (st == ST_OK && as->waiting == 1 && event_add(as->tick, &tick) != 0)
		st = ST_NO_MEMORY;
	if (st != ST_OK)
		forget(as, ask);
	return st;
}

enum status
asks_page(struct asks *as, struct ask *ask, struct msg_page *m)
{
	m->tag = take_slot(as, ask);
	if (m->tag == 0)
		return ST_BUSY;
	ask->most = m->limit;
	memcpy(ask->merchant, m->merchant, sizeof(ask->merchant));
	return put(as, ask, MSG_PAGE, m, ROWS_US);
}

enum status
asks_get(struct asks *as, struct ask *ask, struct msg_get *m)
{
	m->tag = take_slot(as, ask);
	if (m->tag == 0)
		return ST_BUSY;
	ask->most = 1;
	memcpy(ask->merchant, m->merchant, sizeof(ask->merchant));
	return put(as, ask, MSG_GET, m, ROWS_US);
}

enum status
asks_probe(struct asks *as, struct ask *ask)
{
	struct msg_probe m = { .tag = take_slot(as, ask) };

	if (m.tag == 0)
		return ST_BUSY;
	ask->most = 0;
	return put(as, ask, MSG_PROBE, &m, PROBE_US);
}

void
asks_drop(struct asks *as, struct ask *ask)
{
	forget(as, ask);
	buf_fini(&ask->json);
}
