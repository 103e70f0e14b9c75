#include "keeper/offers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Read ahead of one place. */
#define AHEAD 512

/* The wall clock may be set forward, so that no wait is longer than this. */
#define LONGEST_WAIT_US (60 * INT64_C(1000000))

struct taker {
	struct taker *next; /* the older one */
	uint64_t id;
	struct channel *channel;
	uint32_t window[]; /* by place */
};

struct place {
	struct offers *offers;
	struct gate gate;
	struct event *timer;
	int64_t wake_us;  /* wall; when something gets due; INT64_MAX: never */
	size_t claimed;	  /* claims of it in the table, in any state */
	size_t over;	  /* those in CLAIM_OVER */
	size_t unwritten; /* those in CLAIM_SETTLING and CLAIM_UNSETTLED */
	bool stale;	  /* the store may hold more that is due */
	bool reading;
	bool outdated; /* what is being read has changed since */
	size_t ready_at, n_ready;
	struct claim **ready; /* AHEAD of them, made at first use */
};

struct offers {
	struct offers_config cfg;
	struct claims *claims;
	struct taker *takers;	 /* newest first */
	size_t unsettled;	 /* claims in CLAIM_UNSETTLED */
	int64_t now_us, mono_us; /* of due_now() when it was last asked */
	bool stopped;
	struct place places[]; /* kind->most_places */
};

/* The time by which things get due: the wall clock's, but where that was set
 * back it goes on, so that nothing owed waits until it has caught up. */
static int64_t
due_now(struct offers *o)
{
	int64_t mono_us = clock_mono_us(), wall_us = clock_wall_us();

	o->now_us += mono_us - o->mono_us;
	o->mono_us = mono_us;
	if (o->now_us < wall_us)
		o->now_us = wall_us;
	return o->now_us;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct place *pl = arg;

	(void)fd;
	(void)what;
	pl->wake_us = INT64_MAX;
	pl->stale = true;
	offers_pump(pl->offers);
}

enum status
offers_new(struct offers **out, const struct offers_config *cfg, struct err *e)
{
	size_t most = cfg->kind->most_places;
	struct offers *o = calloc(1, sizeof(*o) + most * sizeof(o->places[0]));

	*out = NULL;
	if (o == NULL)
		goto fail;
	o->cfg = *cfg;
	o->claims = claims_new();
	if (o->claims == NULL)
		goto fail;
	for (size_t i = 0; i < most; i++) {
		struct place *pl = &o->places[i];

		pl->offers = o;
		pl->wake_us = INT64_MAX;
		pl->stale = true; /* whatever was left by the last run */
		gate_init(&pl->gate, clock_mono_us());
		pl->timer =
		    event_new(loop_base(cfg->loop), -1, 0, on_timer, pl);
		if (pl->timer == NULL)
			goto fail;
	}
	*out = o;
	return ST_OK;
fail:
	err_set(e, "no memory for what is in flight");
	offers_free(o);
	return ST_NO_MEMORY;
}

void
offers_free(struct offers *o)
{
	if (o == NULL)
		return;
	while (o->takers != NULL) {
		struct taker *t = o->takers;

		o->takers = t->next;
		free(t);
	}
	for (size_t i = 0; i < o->cfg.kind->most_places; i++) {
		if (o->places[i].timer != NULL)
			event_free(o->places[i].timer);
		free(o->places[i].ready);
	}
	claims_free(o->claims);
	free(o);
}

const struct routes *
offers_routes(const struct offers *o)
{
	return o->cfg.routes;
}

static struct taker *
find_taker(struct offers *o, uint64_t id)
{
	struct taker *t = o->takers;

	while (t != NULL && t->id != id)
		t = t->next;
	return t;
}

/* Gates are as wide as the newest taker says. */
static void
use_newest(struct offers *o)
{
	const struct taker *t = o->takers;

	for (size_t i = 0; i < o->cfg.kind->most_places; i++)
		o->places[i].gate.window = t == NULL ? 0 : t->window[i];
}

enum status
offers_enter(struct offers *o, uint64_t id, struct channel *ch)
{
	struct taker *t = calloc(
	    1, sizeof(*t) + o->cfg.kind->most_places * sizeof(t->window[0]));

	if (t == NULL)
		return ST_NO_MEMORY;
	t->id = id;
	t->channel = ch;
	t->next = o->takers;
	o->takers = t;
	use_newest(o);
	return ST_OK;
}

struct sweep {
	struct offers *offers;
	uint64_t taker;
	size_t place;
};

static bool
was_sent_to(void *arg, struct claim *c)
{
	struct sweep *sweep = arg;
	struct place *pl = &sweep->offers->places[c->place];

	if (c->state != CLAIM_SENT || c->taker != sweep->taker)
		return false;
	pl->claimed--;
	pl->stale = true;
	gate_lost(&pl->gate);
	return true;
}

void
offers_leave(struct offers *o, uint64_t id)
{
	struct sweep sweep = { .offers = o, .taker = id };
	struct taker **at = &o->takers;

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	if (*at != NULL) {
		struct taker *t = *at;

		*at = t->next;
		free(t);
		use_newest(o);
	}
	claims_sweep(o->claims, was_sent_to, &sweep);
	offers_pump(o);
}

bool
offers_window(struct offers *o, uint64_t taker, const struct msg_window *m)
{
	struct taker *t = find_taker(o, taker);
	size_t place = o->cfg.kind->place_of(o->cfg.routes, m->name);

	if (t == NULL || place == o->cfg.kind->places(o->cfg.routes))
		return false;
	t->window[place] = m->most;
	if (t == o->takers)
		o->places[place].gate.window = m->most;
	return true;
}

static void
set_timer(struct place *pl, int64_t at_us)
{
	int64_t wait_us = at_us - due_now(pl->offers);
	struct timeval tv;

	if (at_us >= pl->wake_us)
		return;
	pl->wake_us = at_us;
	if (wait_us < 0)
		wait_us = 0;
	if (wait_us > LONGEST_WAIT_US)
		wait_us = LONGEST_WAIT_US;
	tv.tv_sec = wait_us / 1000000;
	tv.tv_usec = wait_us % 1000000;
	(void)event_add(pl->timer, &tv);
}

struct claim *
offers_held(struct offers *o, uint64_t taker, uint64_t seq,
    uint32_t endpoint_id, uint32_t attempt)
{
	struct claim *c = claims_find(o->claims, seq, endpoint_id);

	if (c == NULL || c->state != CLAIM_SENT || c->taker != taker ||
	    c->due.attempt != attempt)
		return NULL;
	return c;
}

int64_t
offers_next_us(struct offers *o, const struct claim *c, int64_t wait_us)
{
	const struct offers_kind *kind = o->cfg.kind;
	int64_t first_us;
	uint32_t failed;

	kind->history(c, &first_us, &failed);
	if (wait_us < kind->shortest_gap_us)
		wait_us = kind->shortest_gap_us;
	return backoff_next_us(kind->backoff(o->cfg.routes, c->place), first_us,
	    failed, due_now(o) + wait_us, c->due.row.seq);
}

struct gate *
offers_gate(struct offers *o, size_t place)
{
	return &o->places[place].gate;
}

static void
set_unsettled(struct offers *o, struct claim *c)
{
	c->state = CLAIM_UNSETTLED;
	o->unsettled++;
}

void
offers_write(struct offers *o, struct claim *c)
{
	if (c->state == CLAIM_SENT)
		o->places[c->place].unwritten++;
	c->state = CLAIM_SETTLING;
	if (o->cfg.kind->write(o->cfg.routes, o->cfg.queue, c) != ST_OK)
		set_unsettled(o, c); /* it waits for the next tick */
}

struct claim *
offers_find(struct offers *o, uint64_t seq, uint32_t endpoint_id)
{
	return claims_find(o->claims, seq, endpoint_id);
}

void
offers_written(
    struct offers *o, struct claim *c, enum status st, int64_t next_us)
{
	struct place *pl;

	assert(c != NULL && c->state == CLAIM_SETTLING);
	if (st == ST_BUSY || st == ST_BAD_INPUT) {
		set_unsettled(o, c);
		return;
	}
	if (st == ST_IO)
		return;
	pl = &o->places[c->place];
	pl->unwritten--;
	if (next_us != INT64_MAX)
		set_timer(pl, next_us);
	if (pl->reading) {
		c->state = CLAIM_OVER;
		pl->over++;
	} else {
		claims_remove(o->claims, c);
		pl->claimed--;
	}
}

void
offers_due(struct offers *o, size_t place)
{
	(void)due_now(o); /* it is stamped by the clock as it is */
	o->places[place].stale = true;
}

void
offers_wake(struct offers *o, size_t place, int64_t at_us)
{
	set_timer(&o->places[place], at_us);
}

void
offers_disable(struct offers *o, uint32_t endpoint_id, int64_t at_us)
{
	(void)!store_queue_disable(o->cfg.queue, endpoint_id, at_us, 0, 0);
}

void
offers_reread(struct offers *o, size_t place)
{
	struct place *pl = &o->places[place];

	while (pl->ready_at < pl->n_ready) {
		claims_remove(o->claims, pl->ready[pl->ready_at++]);
		pl->claimed--;
	}
	pl->outdated = pl->reading;
	pl->stale = true;
}

struct invoice {
	const char *merchant, *invoice_id;
	bool under_way;
};

static bool
look_at(void *arg, struct claim *c)
{
	const struct receipt *r = &c->due.row.receipt;
	struct invoice *i = arg;

	i->under_way =
	    i->under_way ||
	    (c->state == CLAIM_SENT && strcmp(r->merchant, i->merchant) == 0 &&
		strcmp(r->invoice_id, i->invoice_id) == 0);
	return false;
}

bool
offers_under_way(struct offers *o, const char *merchant, const char *invoice_id)
{
	struct invoice i = { .merchant = merchant, .invoice_id = invoice_id };

	claims_sweep(o->claims, look_at, &i);
	return i.under_way;
}

static bool
is_over(void *arg, struct claim *c)
{
	struct sweep *sweep = arg;

	if (c->state != CLAIM_OVER || c->place != sweep->place)
		return false;
	sweep->offers->places[c->place].claimed--;
	sweep->offers->places[c->place].over--;
	return true;
}

static void
take_ready(struct offers *o, size_t place, uint32_t endpoint_id,
    const struct store_due *due)
{
	struct place *pl = &o->places[place];
	struct claim claim = { .due = *due,
		.endpoint_id = endpoint_id,
		.place = place,
		.state = CLAIM_READY };
	struct claim *c;

	if (claims_find(o->claims, due->row.seq, endpoint_id) != NULL)
		return;
	c = pl->n_ready < AHEAD ? claims_add(o->claims, &claim) : NULL;
	if (c == NULL) {
		pl->stale = true;
		return;
	}
	pl->claimed++;
	pl->ready[pl->n_ready++] = c;
}

void
offers_read_done(struct offers *o, const struct store_read *read)
{
	struct sweep sweep = { .offers = o, .place = (size_t)read->owner };
	struct place *pl = &o->places[sweep.place];

	pl->reading = false;
	pl->ready_at = pl->n_ready = 0;
	for (size_t i = 0; i < read->n && !pl->outdated; i++)
		take_ready(o, sweep.place, read->endpoint_id, &read->rows[i]);
	if (pl->over > 0)
		claims_sweep(o->claims, is_over, &sweep);
	if (read->status != ST_OK) {
		pl->stale = true; /* the tick tries again */
		return;
	}
	if (read->n == read->limit || pl->outdated)
		pl->stale = true;
	else if (read->next_us != INT64_MAX)
		set_timer(pl, read->next_us);
	offers_pump(o);
}

static void
read_due(struct offers *o, size_t place)
{
	struct place *pl = &o->places[place];
	struct store_read ask = { .owner = place,
		.now_us = due_now(o),
		.limit = pl->claimed + AHEAD };

	if (!o->cfg.kind->ask(o->cfg.routes, place, &ask))
		return;
	if (pl->ready == NULL)
		pl->ready = calloc(AHEAD, sizeof(struct claim *));
	if (pl->ready == NULL || store_reader_ask(o->cfg.reader, &ask) != ST_OK)
		return;
	pl->reading = true;
	pl->stale = pl->outdated = false;
}

/* The gate opens by the monotonic clock. */
static void
set_gate_timer(struct place *pl, int64_t wake_us)
{
	if (wake_us != INT64_MAX)
		set_timer(pl, due_now(pl->offers) + wake_us - clock_mono_us());
}

/* false: the channel takes nothing now. */
static bool
send_one(struct offers *o, struct taker *to, size_t place)
{
	struct place *pl = &o->places[place];
	struct claim *c = pl->ready[pl->ready_at];
	union offers_record record;

	memset(&record, 0, sizeof(record));
	o->cfg.kind->record(o->cfg.routes, c, &record);
	if (channel_add(to->channel, o->cfg.kind->message, &record) != ST_OK)
		return false;
	c->state = CLAIM_SENT;
	c->taker = to->id;
	gate_sent(&pl->gate, clock_mono_us());
	pl->ready_at++;
	return true;
}

static void
pump_place(struct offers *o, struct taker *to, size_t place)
{
	struct place *pl = &o->places[place];
	int64_t wake_us;

	pl->gate.rate = o->cfg.kind->rate(o->cfg.routes, place);
	for (;;) {
		bool ready = pl->ready_at < pl->n_ready;

		if (!ready && (!pl->stale || pl->reading))
			return;
		/* What is not on disk yet may have to be sent again. */
		if (pl->gate.in_flight + pl->unwritten >= pl->gate.window)
			return;
		if (!gate_may(&pl->gate, clock_mono_us(), &wake_us)) {
			set_gate_timer(pl, wake_us);
			return;
		}
		if (!ready) {
			read_due(o, place);
			return;
		}
		if (!send_one(o, to, place))
			return;
	}
}

void
offers_pump(struct offers *o)
{
	if (o->stopped || o->takers == NULL)
		return;
	for (size_t i = 0; i < o->cfg.kind->places(o->cfg.routes); i++)
		pump_place(o, o->takers, i);
}

static bool
write_again(void *arg, struct claim *c)
{
	struct offers *o = arg;

	if (c->state == CLAIM_UNSETTLED) {
		o->unsettled--;
		offers_write(o, c);
	}
	return false;
}

void
offers_tick(struct offers *o)
{
	if (o->unsettled > 0)
		claims_sweep(o->claims, write_again, o);
	offers_pump(o);
}

void
offers_stop(struct offers *o)
{
	o->stopped = true;
}
