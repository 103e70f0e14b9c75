#include "desk/poll.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "desk/poll_begin.h"
#include "desk/poll_text.h"

#define SECOND_US INT64_C(1000000)
#define TICK_US	  100000
#define BEAT_US	  (15 * SECOND_US) /* between comments of a silent stream */

/* News can be lost when the keeper has much to say. */
#define AGAIN_US (30 * SECOND_US)
#define SPREAD	 (5 * SECOND_US)

/* The keeper could not answer a shared question. */
#define SOON_US SECOND_US

#define LINK_MOST 1024

static void on_answer(void *arg, const struct asks_answer *a);
static void on_row(void *arg, enum message type, const void *record);

/* ---- life */

static void
on_end(struct call *c)
{
	struct poll *p = (struct poll *)c;
	struct polls *ps = c->owner->unit;

	free(p->digest);
	if (!p->waiter)
		return;
	metrics_set(MET_POLLS_WAITING, --ps->waiters);
	if (ps->waiters == 0)
		(void)event_del(ps->tick);
}

struct poll *
poll_new(struct polls *ps, enum poll_kind kind, const struct route_request *r)
{
	struct poll *p = call_new(&ps->calls, sizeof(*p), r, on_answer);

	if (p == NULL)
		return NULL;
	p->kind = kind;
	p->left = UINT64_MAX;
	p->page.limit = kind == POLL_PAGE ? CALL_ROWS : CALL_ROWS_MOST;
	memcpy(p->page.merchant, r->merchant, sizeof(p->page.merchant));
	if (kind != POLL_PAGE)
		p->call.ask.on_row = on_row;
	return p;
}

/* The client is gone, or cannot be told any more. */
static void
drop(struct poll *p)
{
	server_stream_cut(p->call.server, p->call.id);
	call_release(&p->call);
}

static void
fail(struct poll *p, enum status st)
{
	if (p->started)
		drop(p);
	else
		call_fail_page(&p->call, st);
}

static void
ask(struct poll *p)
{
	struct buf *json = &p->call.ask.json;

	p->resting = p->news = p->blocked = false;
	p->page.after_seq = p->cursor.seq;
	if (p->left < p->page.limit)
		p->page.limit = (uint32_t)p->left;
	buf_reset(json);
	if (p->kind == POLL_PAGE)
		buf_append_text(json, "{\"receipts\":[");
	call_ask(&p->call, MSG_PAGE, &p->page);
}

/* ---- rows */

static void
on_row(void *arg, enum message type, const void *record)
{
	struct poll *p = arg;
	const struct msg_row *m = record;

	(void)type;
	switch (p->kind) {
	case POLL_EVENTS:
		poll_text_event(&m->receipt,
		    &(struct cursor){ .epoch = p->cursor.epoch, .seq = m->seq },
		    &p->call.ask.json);
		break;
	case POLL_EXPORT:
		receipt_json(&m->receipt, &p->call.ask.json);
		buf_append_text(&p->call.ask.json, "\n");
		break;
	case POLL_DIGEST:
		if (digest_add(p->digest, &m->receipt) != ST_OK)
			p->call.ask.json.failed = ST_INTERNAL;
		break;
	case POLL_PAGE:
		break;
	}
}

/* ---- resting */

static void
rest(struct poll *p, int64_t again_us)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	struct polls *ps = p->call.owner->unit;

	if (!p->waiter &&
	    (ps->waiters == ps->most ||
		(ps->waiters == 0 && event_add(ps->tick, &tick) != 0))) {
		fail(p, ST_BUSY);
		return;
	}
	if (!p->waiter)
		metrics_set(MET_POLLS_WAITING, ++ps->waiters);
	p->waiter = true;
	p->resting = true;
	p->leader = NULL;
	p->again_us = again_us;
	buf_fini(&p->call.ask.json);
	buf_init(&p->call.ask.json, ASKS_ROWS);
}

/* Whoever rests long asks by itself, not all in the same moment. */
static void
rest_long(struct poll *p)
{
	int64_t spread = (int64_t)(p->call.id % 64) * (SPREAD / 64);

	rest(p, clock_mono_us() + AGAIN_US + spread);
}

/* The same receipts from the same place, in the same form? */
static bool
same_question(const struct poll *p, const struct poll *q)
{
	struct msg_page a = p->page, b = q->page;

	a.tag = b.tag = 0;
	a.after_seq = p->cursor.seq;
	b.after_seq = q->cursor.seq;
	return p->kind == q->kind && memcmp(&a, &b, sizeof(a)) == 0;
}

/* Ask, or wait for the answer of one that asks the same. */
static void
wake(struct poll *p)
{
	struct call *c;

	LIST_FOREACH(c, &p->call.owner->list, link)
	{
		struct poll *q = (struct poll *)c;

		if (q == p || q->resting || q->leader != NULL || !q->waiter ||
		    q->blocked || q->call.ask.tag == 0 || !same_question(p, q))
			continue;
		p->resting = p->news = false;
		p->leader = q;
		return;
	}
	ask(p);
}

void
polls_news(struct polls *ps, const char *merchant)
{
	struct call *c, *next;

	for (c = LIST_FIRST(&ps->calls.list); c != NULL; c = next) {
		struct poll *p = (struct poll *)c;

		next = LIST_NEXT(c, link);
		if (strcmp(p->page.merchant, merchant) != 0)
			continue;
		p->news = true; /* what is being read may be older */
		if (p->resting)
			wake(p);
	}
}

/* ---- answers */

static void
reply_page(struct poll *p, bool more)
{
	bool desc = (p->page.flags & PAGE_DESC) != 0;
	struct buf link;

	buf_init(&link, LINK_MOST);
	if (more)
		poll_text_link(&p->page, &p->cursor, &link);
	call_reply_page(&p->call, desc ? CURSOR_RECEIPTS_DESC : CURSOR_RECEIPTS,
	    &p->cursor, more,
	    more && buf_status(&link) == ST_OK ? (const char *)link.data
					       : NULL);
	buf_fini(&link);
}

/* A page that ends by itself, not because receipts came. */
static void
reply_empty(struct poll *p)
{
	struct buf *json = &p->call.ask.json;

	buf_reset(json);
	buf_append_text(json, "{\"receipts\":[");
	reply_page(p, false);
}

static void
take_page(struct poll *p, size_t rows, bool more)
{
	const struct polls *ps = p->call.owner->unit;
	bool waits = clock_mono_us() < p->until_us && !ps->draining;

	if (rows > 0 || (!more && !waits))
		reply_page(p, more);
	else if (!more && !p->news)
		rest_long(p);
	else
		ask(p);
}

/* The head of a stream, before its first piece. */
static bool
begin(struct poll *p, const char *content_type)
{
	const struct server_reply head = { .status = 200,
		.content_type = content_type,
		.head_only = p->call.head_only };

	if (p->started)
		return true;
	p->started = true;
	server_stream(p->call.server, p->call.id, &head);
	if (!p->call.head_only)
		return true;
	call_release(&p->call);
	return false;
}

/* What is the matter with a stream after a piece: go on, or stop for now. */
static void
go_on(struct poll *p)
{
	if (server_stream_room(p->call.server, p->call.id) > 0)
		ask(p);
	else
		p->blocked = true; /* polls_room() goes on */
}

static void
take_events(struct poll *p, struct bytes text, bool more)
{
	const struct polls *ps = p->call.owner->unit;
	struct server *s = p->call.server;
	bool first = !p->started;

	if (!begin(p, "text/event-stream"))
		return;
	p->beat_us = clock_mono_us() + BEAT_US;
	if ((first && !server_stream_add(
			  s, p->call.id, bytes_of("retry: 2000\n\n"))) ||
	    !server_stream_add(s, p->call.id, text)) {
		drop(p);
		return;
	}
	if (ps->draining) {
		server_stream_end(s, p->call.id);
		call_release(&p->call);
	} else if (more || p->news) {
		go_on(p);
	} else {
		rest_long(p);
	}
}

static void
end_export(struct poll *p, bool more)
{
	struct buf *line = &p->call.ask.json;

	buf_reset(line);
	poll_text_end(&p->cursor, more, line);
	if (!server_stream_add(p->call.server, p->call.id, buf_bytes(line))) {
		drop(p);
		return;
	}
	server_stream_end(p->call.server, p->call.id);
	call_release(&p->call);
}

static void
take_export(struct poll *p, struct bytes text, size_t rows, bool more)
{
	if (!begin(p, "application/x-ndjson"))
		return;
	if (!server_stream_add(p->call.server, p->call.id, text)) {
		drop(p);
		return;
	}
	if (p->left != UINT64_MAX)
		p->left -= rows;
	if (more && p->left > 0)
		go_on(p);
	else
		end_export(p, more);
}

static void
take_digest(struct poll *p, bool more)
{
	char text[CURSOR_TEXT];

	if (more) {
		ask(p);
		return;
	}
	cursor_format(&p->cursor, CURSOR_RECEIPTS, text);
	digest_json(p->digest, text, &p->call.ask.json);
	call_reply(&p->call, 200, NULL);
}

/* Rows came, `rows` of them, as text. */
static void
take(struct poll *p, struct bytes text, size_t rows, bool more)
{
	switch (p->kind) {
	case POLL_PAGE:
		take_page(p, rows, more);
		break;
	case POLL_EVENTS:
		take_events(p, text, more);
		break;
	case POLL_EXPORT:
		take_export(p, text, rows, more);
		break;
	case POLL_DIGEST:
		take_digest(p, more);
		break;
	}
}

/* What its leader was answered. */
static void
follow(struct poll *p, const struct poll *leader, const struct asks_answer *a)
{
	struct bytes text = buf_bytes(&leader->call.ask.json);
	size_t rows = leader->call.ask.rows;

	p->leader = NULL;
	if (a->st != ST_OK) {
		rest(p, clock_mono_us() + SOON_US);
		return;
	}
	p->cursor = leader->cursor;
	p->news = p->news || leader->news;
	if (p->kind == POLL_PAGE)
		buf_append(&p->call.ask.json, text.ptr, text.len);
	take(p, text, rows, a->end.more != 0);
}

static void
tell_followers(struct poll *p, const struct asks_answer *a)
{
	struct call *c, *next;

	for (c = LIST_FIRST(&p->call.owner->list); c != NULL; c = next) {
		struct poll *f = (struct poll *)c;

		next = LIST_NEXT(c, link);
		if (f->leader == p)
			follow(f, p, a);
	}
}

static void
on_page(struct poll *p, const struct asks_answer *a)
{
	if (a->st == ST_OK && p->has_cursor &&
	    p->cursor.epoch != a->end.epoch) {
		call_refuse(&p->call, PROBLEM_CURSOR_EPOCH, NULL);
		return;
	}
	if (a->st == ST_OK) {
		p->has_cursor = true;
		p->cursor.epoch = a->end.epoch;
		p->cursor.seq = a->end.last_seq;
	}
	tell_followers(p, a);
	if (a->st == ST_OK)
		take(p, buf_bytes(&p->call.ask.json), p->call.ask.rows,
		    a->end.more != 0);
	else
		fail(p, a->st);
}

/* Ask where to begin, or from there on. */
static void
go(struct poll *p)
{
	if (poll_begin_needed(p))
		poll_begin_ask(p);
	else
		ask(p);
}

static void
on_answer(void *arg, const struct asks_answer *a)
{
	struct poll *p = arg;

	if (!poll_begin_needed(p))
		on_page(p, a);
	else if (poll_begin_take(p, a))
		go(p);
	else
		call_fail_page(&p->call, a->st);
}

void
poll_start(struct poll *p)
{
	bool streams = p->kind == POLL_EVENTS || p->kind == POLL_EXPORT;

	if (streams && p->call.head_only) {
		(void)begin(p, p->kind == POLL_EVENTS ? "text/event-stream"
						      : "application/x-ndjson");
		return;
	}
	if (p->kind == POLL_DIGEST) {
		p->digest = calloc(1, sizeof(*p->digest));
		if (p->digest == NULL) {
			call_fail(&p->call, ST_NO_MEMORY);
			return;
		}
	}
	go(p);
}

/* ---- time */

static void
look_at(struct poll *p, int64_t now_us)
{
	bool gone = !server_waits(p->call.server, p->call.id);

	if (p->kind == POLL_PAGE && (gone || now_us >= p->until_us)) {
		reply_empty(p);
	} else if (gone) {
		drop(p);
	} else if (p->kind == POLL_EVENTS && now_us >= p->beat_us) {
		p->beat_us = now_us + BEAT_US;
		if (!server_stream_add(
			p->call.server, p->call.id, bytes_of(":\n\n")))
			drop(p);
	} else if (now_us >= p->again_us) {
		wake(p);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	int64_t now_us = clock_mono_us();
	struct polls *ps = arg;
	struct call *c, *next;

	(void)fd;
	(void)what;
	for (c = LIST_FIRST(&ps->calls.list); c != NULL; c = next) {
		struct poll *p = (struct poll *)c;

		next = LIST_NEXT(c, link);
		if (p->resting)
			look_at(p, now_us);
		else if (p->blocked &&
			 !server_waits(p->call.server, p->call.id))
			drop(p);
	}
}

void
polls_room(struct polls *ps, exchange_id id)
{
	struct call *c;

	LIST_FOREACH(c, &ps->calls.list, link)
	{
		struct poll *p = (struct poll *)c;

		if (c->id == id && p->blocked) {
			ask(p);
			return;
		}
	}
}

void
polls_drain(struct polls *ps)
{
	struct call *c, *next;

	ps->draining = true;
	for (c = LIST_FIRST(&ps->calls.list); c != NULL; c = next) {
		struct poll *p = (struct poll *)c;

		next = LIST_NEXT(c, link);
		if (!p->resting)
			continue;
		if (p->kind == POLL_PAGE) {
			reply_empty(p);
		} else {
			server_stream_end(p->call.server, p->call.id);
			call_release(&p->call);
		}
	}
}

enum status
polls_init(struct polls *ps, struct loop *l, struct asks *as, int64_t most,
    struct err *e)
{
	calls_init(&ps->calls, ps, as);
	ps->calls.on_end = on_end;
	ps->most = most;
	ps->tick = event_new(loop_base(l), -1, EV_PERSIST, on_tick, ps);
	if (ps->tick != NULL)
		return ST_OK;
	err_set(e, "no memory");
	return ST_NO_MEMORY;
}

void
polls_fini(struct polls *ps)
{
	calls_fini(&ps->calls);
	if (ps->tick != NULL)
		event_free(ps->tick);
}
