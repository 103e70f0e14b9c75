#include "keeper_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* Standard error as it was, while something else is in its place. */
static int standard_error = -1;

void
keeper_bench_send(struct guest *g, enum message type, const void *record)
{
	assert_int_equal(channel_add(g->channel, type, record), ST_OK);
}

void
keeper_bench_verdict(struct guest *asker, const struct msg_ask *m,
    enum reason r, const struct receipt *answered)
{
	struct msg_verdict v = {
		.n = m->n, .attempt = m->attempt, .reason = r
	};

	memcpy(v.merchant, m->receipt.merchant, sizeof(v.merchant));
	if (answered != NULL)
		v.answered = *answered;
	keeper_bench_send(asker, MSG_VERDICT, &v);
}

void
keeper_bench_settle(struct guest *g, const struct msg_delivery *m,
    uint32_t outcome, uint32_t http_status)
{
	const struct msg_settle s = { .seq = m->seq,
		.endpoint_id = m->endpoint_id,
		.attempt = m->attempt,
		.outcome = outcome,
		.http_status = http_status };

	keeper_bench_send(g, MSG_SETTLE, &s);
}

static void
take_row(struct guest *g, const struct msg_row *row)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = false;
	assert_true(g->n_rows < 1000);
	g->row[g->n_rows++] = *row;
}

static void
take_hold(struct guest *g, const struct msg_hold *hold)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = false;
	assert_true(g->n_rows < ARRAY_LEN(g->hold));
	g->hold[g->n_rows++] = *hold;
}

static void
take_delivery_row(struct guest *g, const struct msg_delivery_row *row)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = false;
	assert_true(g->n_rows < ARRAY_LEN(g->delivery_row));
	g->delivery_row[g->n_rows++] = *row;
}

static void
take_attempt(struct guest *g, const struct msg_attempt *attempt)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = false;
	assert_true(g->n_rows < ARRAY_LEN(g->attempt));
	g->attempt[g->n_rows++] = *attempt;
}

static void
take_token(struct guest *g, const struct msg_token *token)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = false;
	assert_true(g->n_rows < ARRAY_LEN(g->token));
	g->token[g->n_rows++] = *token;
}

/* false: it is none of them. */
static bool
take_row_of_any(struct guest *g, enum message type, const void *record)
{
	switch (type) {
	case MSG_ROW:
		take_row(g, record);
		return true;
	case MSG_HOLD:
		take_hold(g, record);
		return true;
	case MSG_DELIVERY_ROW:
		take_delivery_row(g, record);
		return true;
	case MSG_ATTEMPT:
		take_attempt(g, record);
		return true;
	case MSG_TOKEN:
		take_token(g, record);
		return true;
	case MSG_PAYMENT:
		assert_true(g->n_payments < ARRAY_LEN(g->payment));
		g->payment[g->n_payments++] =
		    *(const struct msg_payment *)record;
		return true;
	case MSG_NEWS:
		g->n_news++;
		g->news = *(const struct msg_news *)record;
		return true;
	default:
		return false;
	}
}

static void
take_end(struct guest *g, const struct msg_page_end *end)
{
	if (g->page_over)
		g->n_rows = 0;
	g->page_over = true;
	g->end = *end;
	g->pages_whole += end->status == ST_OK && g->n_rows == 1000;
	g->pages_refused += end->status == ST_BUSY && g->n_rows == 0;
}

static void
take_record(struct guest *g, enum message type, const void *record)
{
	if (take_row_of_any(g, type, record))
		return;
	switch (type) {
	case MSG_PUT_DONE:
		assert_true(g->n < KEEPER_BENCH_MOST);
		g->done[g->n] = *(const struct msg_put_done *)record;
		break;
	case MSG_DELIVERY:
		assert_true(g->n < KEEPER_BENCH_MOST);
		g->delivery[g->n] = *(const struct msg_delivery *)record;
		if (g->settles)
			keeper_bench_settle(g, record, OUTCOME_DELIVERED, 200);
		break;
	case MSG_ASK:
		assert_true(g->n < KEEPER_BENCH_MOST);
		g->ask[g->n] = *(const struct msg_ask *)record;
		if (g->pays)
			keeper_bench_verdict(g, record, REASON_PAID, NULL);
		break;
	case MSG_LOOKUP:
		assert_true(g->n_lookups < ARRAY_LEN(g->lookup));
		g->lookup[g->n_lookups++] = *(const struct msg_lookup *)record;
		break;
	case MSG_DONE:
		g->decided = *(const struct msg_done *)record;
		break;
	case MSG_REDELIVERED:
		g->redelivered = *(const struct msg_redelivered *)record;
		break;
	case MSG_MARKED:
		g->marked = *(const struct msg_marked *)record;
		break;
	case MSG_REVOKED:
		g->revoked = *(const struct msg_revoked *)record;
		break;
	case MSG_ERASED:
		g->erased = *(const struct msg_erased *)record;
		break;
	case MSG_PAGE_END:
		take_end(g, record);
		break;
	case MSG_HEALTH:
		g->health = *(const struct msg_health *)record;
		break;
	default:
		fail();
	}
	g->n++;
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct guest *g = arg;
	struct keeper_bench *b = g->bench;
	const unsigned char *record = records;

	assert_int_equal(fd, -1);
	for (size_t i = 0; i < count; i++, record += message_size(type))
		take_record(g, type, record);
	if (b->watched == g && g->n >= b->wanted)
		loop_stop(b->room.loop);
}

static void
on_end(void *arg, enum channel_end why)
{
	struct guest *g = arg;

	assert_int_equal(why, CHANNEL_GONE);
	g->ended = true;
	if (g->bench->watched == g && g->bench->wanted_end)
		loop_stop(g->bench->room.loop);
}

static void
on_limit(evutil_socket_t fd, short what, void *arg)
{
	struct keeper_bench *b = arg;

	(void)fd;
	(void)what;
	b->late = true;
	loop_stop(b->room.loop);
}

void
keeper_bench_run(struct keeper_bench *b)
{
	const struct timeval limit = { 60, 0 };

	assert_int_equal(event_add(b->limit, &limit), 0);
	loop_run(b->room.loop);
	(void)event_del(b->limit);
	assert_false(b->late);
}

/* Until g has had n records in all. */
void
keeper_bench_until(struct guest *g, size_t n)
{
	struct keeper_bench *b = g->bench;

	b->watched = g;
	b->wanted = n;
	b->wanted_end = false;
	if (g->n < n)
		keeper_bench_run(b);
	assert_int_equal(g->n, n);
}

void
keeper_bench_until_ended(struct guest *g)
{
	g->bench->watched = g;
	g->bench->wanted = SIZE_MAX;
	g->bench->wanted_end = true;
	if (!g->ended)
		keeper_bench_run(g->bench);
	assert_true(g->ended);
}

struct guest *
keeper_bench_guest(struct keeper_bench *b, int fd, enum party party)
{
	struct guest *g = calloc(1, sizeof(*g));
	const struct channel_config cc = { .fd = fd,
		.self = party,
		.peer = PARTY_KEEPER,
		.most_queued = KEEPER_BENCH_MOST,
		.on_records = on_records,
		.on_end = on_end,
		.arg = g };

	assert_non_null(g);
	g->bench = b;
	g->fd = fd;
	assert_int_equal(
	    channel_new(&g->channel, b->room.loop, &cc, NULL), ST_OK);
	return g;
}

struct guest *
keeper_bench_enter(struct keeper_bench *b, enum party party)
{
	const struct msg_peer m = { .party = party };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	b->room.on_message(b->room.arg, MSG_PEER, &m, pair[0]);
	return keeper_bench_guest(b, pair[1], party);
}

void
keeper_bench_leave(struct guest *g)
{
	channel_free(g->channel);
	free(g);
}

void
keeper_bench_config(struct keeper_config *c, const char *path,
    const char *merchant, const char *billing)
{
	memset(c, 0, sizeof(*c));
	(void)snprintf(c->store_path, sizeof(c->store_path), "%s", path);
	c->keep_attempts_s = c->keep_stopped_s = c->keep_refused_s = 86400;
	c->redeliver_rate = 100;
	c->n_merchants = 1;
	c->n_billings = 1;
	(void)snprintf(c->merchants[0].store_id,
	    sizeof(c->merchants[0].store_id), "%s", merchant);
	c->merchants[0].billings = 1;
	c->merchants[0].confirm = CONFIRM_OFF;
	c->merchants[0].by_tran_id = true;
	c->merchants[0].confirm_for_s = 7 * 86400;
	c->merchants[0].refuse_after_s = 600;
	c->merchants[0].keep_s = 86400 * 400;
	(void)snprintf(
	    c->billings[0].name, sizeof(c->billings[0].name), "%s", billing);
	c->billings[0].rate = 100000;
	c->billings[0].schedule.n = 2;
	c->billings[0].schedule.gap_ms[0] = 5000;
	c->billings[0].schedule.gap_ms[1] = 30000;
}

void
keeper_bench_start(struct keeper_bench *b, int control)
{
	struct err e = { "" };

	memset(&b->room, 0, sizeof(b->room));
	b->room.party = PARTY_KEEPER;
	b->room.control = control;
	assert_int_equal(loop_new(&b->room.loop, &e), ST_OK);
	b->limit = event_new(loop_base(b->room.loop), -1, 0, on_limit, b);
	assert_non_null(b->limit);
	assert_int_equal(
	    keeper_start(&b->keeper, &b->room, &b->config, &e), ST_OK);
}

void
keeper_bench_stop(struct keeper_bench *b)
{
	keeper_free(b->keeper);
	event_free(b->limit);
	loop_free(b->room.loop);
	b->keeper = NULL;
}

static int
set_up(void **state, enum confirm confirm)
{
	struct keeper_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	driver_cases_folder(b->path, sizeof(b->path));
	keeper_bench_config(&b->config, b->path, "testbox", "main");
	b->config.merchants[0].confirm = confirm;
	keeper_bench_start(b, -1);
	*state = b;
	return 0;
}

int
keeper_bench_set_up(void **state)
{
	return set_up(state, CONFIRM_OFF);
}

int
keeper_bench_set_up_required(void **state)
{
	return set_up(state, CONFIRM_REQUIRED);
}

int
keeper_bench_tear_down(void **state)
{
	struct keeper_bench *b = *state;

	if (standard_error >= 0)
		keeper_bench_log_release();
	keeper_bench_stop(b);
	driver_cases_remove(b->path);
	free(b);
	return 0;
}

void
keeper_bench_put(struct guest *edge, uint32_t n, const char *merchant)
{
	const struct msg_put m = { .tag = n,
		.receipt = driver_cases_receipt(n, merchant) };

	assert_int_equal(channel_add(edge->channel, MSG_PUT, &m), ST_OK);
}

/* Receipts from..to, stored. */
void
keeper_bench_store(struct keeper_bench *b, uint32_t from, uint32_t to)
{
	struct guest *edge = keeper_bench_enter(b, PARTY_EDGE);

	for (uint32_t n = from; n <= to; n++)
		keeper_bench_put(edge, n, "testbox");
	keeper_bench_until(edge, to - from + 1);
	keeper_bench_leave(edge);
}

void
keeper_bench_window(struct guest *courier, const char *endpoint, uint32_t most)
{
	struct msg_window m = { .most = most };

	(void)snprintf(m.name, sizeof(m.name), "%s", endpoint);
	assert_int_equal(channel_add(courier->channel, MSG_WINDOW, &m), ST_OK);
}

struct msg_health
keeper_bench_probe(struct keeper_bench *b)
{
	const struct msg_probe m = { .tag = 5 };
	struct guest *desk = keeper_bench_enter(b, PARTY_DESK);
	struct msg_health health;

	assert_int_equal(channel_add(desk->channel, MSG_PROBE, &m), ST_OK);
	keeper_bench_until(desk, 1);
	health = desk->health;
	assert_int_equal(health.tag, 5);
	keeper_bench_leave(desk);
	return health;
}

void
keeper_bench_page(
    struct guest *g, const char *merchant, uint64_t after, uint32_t limit)
{
	struct msg_page m = { .tag = 9, .after_seq = after, .limit = limit };

	(void)snprintf(m.merchant, sizeof(m.merchant), "%s", merchant);
	assert_int_equal(channel_add(g->channel, MSG_PAGE, &m), ST_OK);
	keeper_bench_until(g, g->n + 1);
}

void
keeper_bench_configure(struct keeper_bench *b, const struct keeper_config *c)
{
	const struct msg_empty none = { 0 };
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, c, sizeof(*c)), sizeof(*c));
	b->room.on_message(b->room.arg, MSG_CONFIGURE, &none, fd);
}

void
keeper_bench_log_catch(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	standard_error = dup(STDERR_FILENO);
	assert_true(fd >= 0 && standard_error >= 0);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	(void)close(fd);
}

bool
keeper_bench_log_has(const char *text)
{
	static char log[65536];
	ssize_t n = pread(STDERR_FILENO, log, sizeof(log) - 1, 0);

	assert_true(n >= 0);
	log[n] = '\0';
	return strstr(log, text) != NULL;
}

void
keeper_bench_log_await(struct keeper_bench *b, const char *text)
{
	for (int looks = 0; !keeper_bench_log_has(text); looks++) {
		assert_true(looks < 20000);
		(void)keeper_bench_probe(b);
	}
}

void
keeper_bench_log_release(void)
{
	assert_int_equal(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
	(void)close(standard_error);
	standard_error = -1;
}
