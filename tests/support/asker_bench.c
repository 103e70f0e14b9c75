#include "asker_bench.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "intake/identity.h"

#define KEY_BYTE 'i'

static const struct metrics_page *page;

/* ---- fixture */

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	fail_msg("nothing came for half a minute");
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct asker_bench *b = arg;

	(void)fd;
	(void)what;
	if (b->requests > 0 && http_stub_requested(b->stub) >= b->requests)
		loop_stop(b->loop);
}

static void
on_record(
    struct asker_bench *b, enum message type, const void *records, size_t i)
{
	switch (type) {
	case MSG_WINDOW:
		assert_true(b->n_windows < ASKER_BENCH_MOST);
		b->windows[b->n_windows++] =
		    ((const struct msg_window *)records)[i];
		break;
	case MSG_VERDICT:
		assert_true(b->n_verdicts < ASKER_BENCH_MOST);
		b->verdict_us[b->n_verdicts] = clock_mono_us();
		b->verdicts[b->n_verdicts++] =
		    ((const struct msg_verdict *)records)[i];
		break;
	case MSG_FOUND:
		assert_true(b->n_found < ASKER_BENCH_MOST);
		b->found[b->n_found++] = ((const struct msg_found *)records)[i];
		break;
	default:
		assert_int_equal(type, MSG_LOOKED_UP);
		assert_true(b->n_looked_up < ASKER_BENCH_MOST);
		b->looked_up[b->n_looked_up++] =
		    ((const struct msg_looked_up *)records)[i];
	}
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	struct asker_bench *b = arg;

	assert_int_equal(fd, -1);
	for (size_t i = 0; i < count; i++)
		on_record(b, type, records, i);
	if (b->wanted > 0 && b->n_verdicts + b->n_looked_up >= b->wanted)
		loop_stop(b->loop);
}

static void
on_end(void *arg, enum channel_end why)
{
	struct asker_bench *b = arg;

	(void)why;
	b->keeper_ended = true;
}

struct asker_merchant *
asker_bench_merchant(struct asker_bench *b, const char *store_id)
{
	struct asker_merchant *m = &b->cfg->merchants[b->cfg->n_merchants++];

	(void)snprintf(
	    m->rules.store_id, sizeof(m->rules.store_id), "%s", store_id);
	m->n_passwords = 1;
	(void)snprintf(m->password[0], sizeof(m->password[0]), "p&ss w=rd");
	return m;
}

struct asker_bench *
asker_bench_new(void)
{
	struct asker_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->cfg = calloc(1, sizeof(*b->cfg));
	assert_non_null(b->cfg);
	assert_int_equal(loop_new(&b->loop, NULL), ST_OK);
	b->stub = http_stub_start(NULL);
	memset(b->cfg->identity_key, KEY_BYTE, sizeof(b->cfg->identity_key));
	b->cfg->ask_rate = 10000;
	b->cfg->asks_in_flight = 4;
	b->cfg->ask_timeout_ms = 20000;
	b->cfg->n_providers = 1;
	http_stub_url(b->stub, "127.0.0.1", "", b->cfg->providers[0].url);
	(void)asker_bench_merchant(b, "testbox");
	return b;
}

void
asker_bench_start(struct asker_bench *b)
{
	static const struct timeval a_minute = { .tv_sec = 60 },
				    often = { .tv_usec = 1000 };
	struct channel_config cc = { .self = PARTY_KEEPER,
		.peer = PARTY_ASKER,
		.most_queued = 1024,
		.on_records = on_records,
		.on_end = on_end,
		.arg = b };
	struct err e;
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	cc.fd = pair[0];
	b->room = (struct room){ .loop = b->loop,
		.party = PARTY_ASKER,
		.keeper = pair[1],
		.exit_code = -1 };
	assert_int_equal(channel_new(&b->keeper, b->loop, &cc, &e), ST_OK);
	assert_int_equal(asker_start(&b->asker, &b->room, b->cfg, &e), ST_OK);
	b->guard = evtimer_new(loop_base(b->loop), on_guard, NULL);
	assert_int_equal(evtimer_add(b->guard, &a_minute), 0);
	b->look = event_new(loop_base(b->loop), -1, EV_PERSIST, on_look, b);
	assert_int_equal(event_add(b->look, &often), 0);
}

void
asker_bench_free(struct asker_bench *b)
{
	asker_free(b->asker);
	channel_free(b->keeper);
	http_stub_stop(b->stub);
	if (b->guard != NULL)
		event_free(b->guard);
	if (b->look != NULL)
		event_free(b->look);
	loop_free(b->loop);
	free(b->cfg);
	free(b);
}

int
asker_bench_metrics(void **state)
{
	int fd = metrics_page_new();

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	page = metrics_page_map(fd);
	if (fd < 0 || page == NULL || metrics_attach(fd) != ST_OK)
		return -1;
	return close(fd);
}

int64_t
asker_bench_cell(enum metric m)
{
	return page->cell[m];
}

/* ---- edges and the keeper */

static void
no_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	(void)arg;
	(void)type;
	(void)records;
	(void)count;
	(void)fd;
	fail_msg("an asker has nothing to say to an edge");
}

static void
no_end(void *arg, enum channel_end why)
{
	(void)arg;
	(void)why;
}

struct channel *
asker_bench_edge(struct asker_bench *b)
{
	struct msg_peer peer = { .party = PARTY_EDGE };
	struct channel_config cc = { .self = PARTY_EDGE,
		.peer = PARTY_ASKER,
		.most_queued = 1024,
		.on_records = no_records,
		.on_end = no_end };
	struct channel *edge;
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	b->room.on_message(b->room.arg, MSG_PEER, &peer, pair[0]);
	cc.fd = pair[1];
	assert_int_equal(channel_new(&edge, b->loop, &cc, NULL), ST_OK);
	return edge;
}

static void
val_id_of(uint64_t n, char out[RECEIPT_INVOICE])
{
	memset(out, 0, RECEIPT_INVOICE);
	(void)snprintf(out, RECEIPT_INVOICE, "VAL%llu", (unsigned long long)n);
}

struct receipt
asker_bench_claim(const char *merchant, uint64_t n)
{
	struct receipt r = { .amount_minor = 115000,
		.paid_at_us = INT64_C(1764657045000000),
		.received_at_us = INT64_C(1764657047123456),
		.currency = "BDT" };
	unsigned char key[IDENTITY_KEY];
	char val_id[RECEIPT_INVOICE];
	struct identity identity;

	(void)snprintf(r.merchant, sizeof(r.merchant), "%s", merchant);
	(void)snprintf(r.invoice_id, sizeof(r.invoice_id), "INV-%llu",
	    (unsigned long long)n);
	val_id_of(n, val_id);
	memset(key, KEY_BYTE, sizeof(key));
	assert_int_equal(identity_init(&identity, key), ST_OK);
	assert_int_equal(
	    identity_of(&identity, bytes_of(merchant), bytes_of(val_id), &r.id),
	    ST_OK);
	identity_fini(&identity);
	return r;
}

void
asker_bench_hint(struct channel *edge, const char *merchant, uint64_t n)
{
	struct msg_hint m = { .id = asker_bench_claim(merchant, n).id };

	val_id_of(n, m.val_id);
	assert_int_equal(channel_add(edge, MSG_HINT, &m), ST_OK);
}

void
asker_bench_ask(struct asker_bench *b, const char *merchant, uint64_t n)
{
	struct msg_ask m = {
		.n = n, .attempt = 1, .receipt = asker_bench_claim(merchant, n)
	};

	assert_int_equal(channel_add(b->keeper, MSG_ASK, &m), ST_OK);
}

void
asker_bench_look_up(struct asker_bench *b, const char *merchant, uint64_t n)
{
	struct msg_lookup m = { .tag = n };

	(void)snprintf(m.merchant, sizeof(m.merchant), "%s", merchant);
	(void)snprintf(
	    m.tran_id, sizeof(m.tran_id), "INV-%llu", (unsigned long long)n);
	assert_int_equal(channel_add(b->keeper, MSG_LOOKUP, &m), ST_OK);
}

/* ---- running */

void
asker_bench_until_told(struct asker_bench *b, size_t n)
{
	b->wanted = b->n_verdicts + b->n_looked_up + n;
	loop_run(b->loop);
	b->wanted = 0;
	assert_int_equal(b->room.exit_code, -1);
}

void
asker_bench_until_requested(struct asker_bench *b, size_t n)
{
	b->requests = n;
	loop_run(b->loop);
	b->requests = 0;
	assert_int_equal(b->room.exit_code, -1);
}

void
asker_bench_until_over(struct asker_bench *b, int code)
{
	loop_run(b->loop);
	assert_int_equal(b->room.exit_code, code);
}

static void
on_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(arg);
}

void
asker_bench_run_for(struct asker_bench *b, int64_t ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct event *over = evtimer_new(loop_base(b->loop), on_over, b->loop);

	assert_int_equal(evtimer_add(over, &tv), 0);
	loop_run(b->loop);
	event_free(over);
	assert_int_equal(b->room.exit_code, -1);
}

void
asker_bench_expect(
    const struct asker_bench *b, size_t i, uint64_t n, enum reason reason)
{
	assert_true(i < b->n_verdicts);
	assert_int_equal(b->verdicts[i].n, n);
	assert_string_equal(
	    reason_word(b->verdicts[i].reason), reason_word(reason));
	assert_int_equal(b->verdicts[i].attempt, 1);
}

void
asker_bench_expect_lookup(
    const struct asker_bench *b, size_t i, uint64_t n, enum reason reason)
{
	assert_true(i < b->n_looked_up);
	assert_int_equal(b->looked_up[i].tag, n);
	assert_string_equal(
	    reason_word(b->looked_up[i].reason), reason_word(reason));
}

/* ---- SSLCommerz */

void
asker_bench_http(char out[ASKER_BENCH_ANSWER], const char *status,
    const char *headers, const char *body)
{
	int n = snprintf(out, ASKER_BENCH_ANSWER,
	    "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, headers,
	    strlen(body), body);

	assert_in_range(n, 1, ASKER_BENCH_ANSWER - 1);
}

static void
tell(char *out, size_t cap, uint64_t n)
{
	int len = snprintf(out, cap,
	    "{\"status\":\"VALID\",\"tran_date\":\"2025-12-02 12:30:45\","
	    "\"tran_id\":\"INV-%llu\",\"val_id\":\"VAL%llu\","
	    "\"amount\":\"1150.00\",\"store_amount\":\"1121.25\","
	    "\"currency\":\"BDT\",\"card_type\":\"MADEUP-Bank\","
	    "\"currency_type\":\"BDT\",\"currency_amount\":\"1150.00\","
	    "\"currency_rate\":\"1.0000\",\"risk_level\":\"0\","
	    "\"APIConnect\":\"DONE\"}",
	    (unsigned long long)n, (unsigned long long)n);

	assert_in_range(len, 1, cap - 1);
}

void
asker_bench_paid(char out[ASKER_BENCH_ANSWER], uint64_t n)
{
	char body[1024];

	tell(body, sizeof(body), n);
	asker_bench_http(out, "200 OK", "", body);
}

void
asker_bench_paid_list(char out[ASKER_BENCH_ANSWER], uint64_t n)
{
	char one[1024], body[1536];

	tell(one, sizeof(one), n);
	(void)snprintf(body, sizeof(body),
	    "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":1,"
	    "\"element\":[%s]}",
	    one);
	asker_bench_http(out, "200 OK", "", body);
}

void
asker_bench_say(struct asker_bench *b, const char *bytes)
{
	struct http_stub_answer a = { .bytes = bytes, .then = HTTP_STUB_KEEP };

	http_stub_say(b->stub, &a);
}

void
asker_bench_say_to(struct asker_bench *b, const char *text, const char *bytes)
{
	struct http_stub_answer a = { .bytes = bytes, .then = HTTP_STUB_KEEP };

	http_stub_say_to(b->stub, text, &a);
}

bool
asker_bench_requested(struct asker_bench *b, size_t i, const char *text)
{
	const char *request = http_stub_request(b->stub, i);

	assert_non_null(request);
	return strstr(request, text) != NULL;
}
