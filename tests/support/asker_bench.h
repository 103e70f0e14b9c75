/*
 * An asker in this thread, for its tests: the test as the keeper and as an
 * edge over socket pairs, a stub as SSLCommerz.  All data is made up.
 */
#ifndef SUPPORT_ASKER_BENCH_H
#define SUPPORT_ASKER_BENCH_H

#include "asker/asker.h"
#include "base/metrics.h"
#include "http_stub.h"
#include "message/channel.h"

#define ASKER_BENCH_MOST    256
#define ASKER_BENCH_ANSWER  2048
#define ASKER_BENCH_BY_VAL  "validationserverAPI.php?val_id="
#define ASKER_BENCH_BY_TRAN "merchantTransIDvalidationAPI.php?tran_id="

struct asker_bench {
	struct loop *loop;
	struct room room;
	struct asker *asker;
	struct asker_config *cfg; /* changeable before asker_bench_start() */
	struct http_stub *stub;
	struct channel *keeper; /* NULL: gone */
	struct event *guard, *look;
	size_t wanted, requests; /* what the loop runs for */
	bool keeper_ended;
	size_t n_windows, n_verdicts, n_found, n_looked_up;
	struct msg_window windows[ASKER_BENCH_MOST];
	struct msg_verdict verdicts[ASKER_BENCH_MOST];
	struct msg_found found[ASKER_BENCH_MOST];
	struct msg_looked_up looked_up[ASKER_BENCH_MOST];
	int64_t verdict_us[ASKER_BENCH_MOST]; /* when it came */
};

/* One provider, at the stub; merchant testbox with password p&ss w=rd; 4 in
 * flight, 10,000 a second. */
struct asker_bench *asker_bench_new(void);
struct asker_merchant *
asker_bench_merchant(struct asker_bench *b, const char *store_id);
void asker_bench_start(struct asker_bench *b);
void asker_bench_free(struct asker_bench *b);

/* cmocka's group set-up: metrics for asker_bench_cell(). */
int asker_bench_metrics(void **state);
int64_t asker_bench_cell(enum metric m);

/* A new edge's channel, the test's end of it. */
struct channel *asker_bench_edge(struct asker_bench *b);

/* Payment number n of a merchant: 1150.00 BDT for invoice INV-<n>, val_id
 * VAL<n>, id accordingly. */
struct receipt asker_bench_claim(const char *merchant, uint64_t n);
void asker_bench_hint(struct channel *edge, const char *merchant, uint64_t n);
void asker_bench_ask(struct asker_bench *b, const char *merchant, uint64_t n);
void
asker_bench_look_up(struct asker_bench *b, const char *merchant, uint64_t n);

/* Run until so many more verdicts and ends of lookups came than there are;
 * until the stub had so many requests in all; until the room is over. */
void asker_bench_until_told(struct asker_bench *b, size_t n);
void asker_bench_until_requested(struct asker_bench *b, size_t n);
void asker_bench_until_over(struct asker_bench *b, int code);

/* Run for at least so long. */
void asker_bench_run_for(struct asker_bench *b, int64_t ms);

/* Verdict i is about payment n and says so. */
void asker_bench_expect(
    const struct asker_bench *b, size_t i, uint64_t n, enum reason reason);
void asker_bench_expect_lookup(
    const struct asker_bench *b, size_t i, uint64_t n, enum reason reason);

/* An answer with this status line's end and these headers, each with its line
 * end, and body; how SSLCommerz tells of payment n, to a question by val_id
 * and by tran_id. */
void asker_bench_http(char out[ASKER_BENCH_ANSWER], const char *status,
    const char *headers, const char *body);
void asker_bench_paid(char out[ASKER_BENCH_ANSWER], uint64_t n);
void asker_bench_paid_list(char out[ASKER_BENCH_ANSWER], uint64_t n);

/* What the stub says to all, and to requests that hold text. */
void asker_bench_say(struct asker_bench *b, const char *bytes);
void
asker_bench_say_to(struct asker_bench *b, const char *text, const char *bytes);

/* Does request i hold text? */
bool asker_bench_requested(struct asker_bench *b, size_t i, const char *text);

#endif
