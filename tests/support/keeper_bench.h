/*
 * A keeper whole, on a real store, and its guests: the other ends of its
 * channels, with what came over them.  For the tests of keeper/.
 */
#ifndef SUPPORT_KEEPER_BENCH_H
#define SUPPORT_KEEPER_BENCH_H

#include "base/clock.h"
#include "driver_cases.h"
#include "keeper/keeper.h"
#include "keeper/store_driver.h"
#include "message/channel.h"

#define KEEPER_BENCH_MOST 4096

/* Look again and again, each time with a turn or more of the loop, for half a
 * minute. */
#define KEEPER_BENCH_AWAIT(condition)                                      \
	for (int64_t until_us = clock_mono_us() + 30000000; !(condition);) \
	assert_true(clock_mono_us() < until_us)

struct keeper_bench {
	char path[300];
	struct keeper_config config;
	struct room room;
	struct keeper *keeper;
	struct event *limit;
	bool late;
	struct guest *watched; /* stop the loop at so many records of its */
	size_t wanted;
	bool wanted_end;
};

struct guest {
	struct keeper_bench *bench;
	struct channel *channel;
	bool ended;
	bool settles; /* a courier that delivers whatever it gets */
	bool pays;    /* an asker that finds everything to be paid */
	size_t n;     /* records, of any type, but rows of pages and news */
	int fd;
	size_t n_rows; /* of the last page, of whatever type */
	size_t pages_whole, pages_refused;
	bool page_over;
	struct msg_put_done done[KEEPER_BENCH_MOST];
	struct msg_delivery delivery[KEEPER_BENCH_MOST];
	struct msg_ask ask[KEEPER_BENCH_MOST];
	struct msg_row row[1024];
	struct msg_hold hold[64];
	struct msg_page_end end;
	struct msg_health health;
	struct msg_lookup lookup[64]; /* by their order */
	size_t n_lookups;
	struct msg_done decided; /* the last one */
	struct msg_delivery_row delivery_row[64];
	struct msg_attempt attempt[MESSAGE_ATTEMPTS];
	struct msg_token token[64];
	struct msg_redelivered redelivered; /* the last ones */
	struct msg_marked marked;
	struct msg_revoked revoked;
	struct msg_erased erased;
	size_t n_payments; /* of all answers */
	struct msg_payment payment[64];
	size_t n_news;
	struct msg_news news;
};

/* cmocka fixtures: merchant testbox, confirm off or required, whose receipts
 * main is owed. */
int keeper_bench_set_up(void **state);
int keeper_bench_set_up_required(void **state);
int keeper_bench_tear_down(void **state);

/* The same configuration for a merchant and a billing of these names. */
void keeper_bench_config(struct keeper_config *c, const char *path,
    const char *merchant, const char *billing);

/* Hand a running keeper another one. */
void
keeper_bench_configure(struct keeper_bench *b, const struct keeper_config *c);

void keeper_bench_start(struct keeper_bench *b, int control);
void keeper_bench_stop(struct keeper_bench *b);

/* Until something stops the loop; it fails after half a minute. */
void keeper_bench_run(struct keeper_bench *b);

/* Until g has had n records in all, and no more. */
void keeper_bench_until(struct guest *g, size_t n);
void keeper_bench_until_ended(struct guest *g);

/* A room comes; a peer at the other end of fd; it leaves. */
struct guest *keeper_bench_enter(struct keeper_bench *b, enum party party);
struct guest *
keeper_bench_guest(struct keeper_bench *b, int fd, enum party party);
void keeper_bench_leave(struct guest *g);

/* Send one record. */
void keeper_bench_send(struct guest *g, enum message type, const void *record);

void keeper_bench_put(struct guest *edge, uint32_t n, const char *merchant);

/* Payments from..to of testbox, put and acknowledged. */
void keeper_bench_store(struct keeper_bench *b, uint32_t from, uint32_t to);

void keeper_bench_window(struct guest *g, const char *name, uint32_t most);
void keeper_bench_settle(struct guest *courier, const struct msg_delivery *m,
    uint32_t outcome, uint32_t http_status);

/* Answer a question; answered NULL: nothing is said. */
void keeper_bench_verdict(struct guest *asker, const struct msg_ask *m,
    enum reason r, const struct receipt *answered);

struct msg_health keeper_bench_probe(struct keeper_bench *b);

/* A page, whole: n_rows of row. */
void keeper_bench_page(
    struct guest *g, const char *merchant, uint64_t after, uint32_t limit);

/* What is logged in between: catch it, then look for a text in it. */
void keeper_bench_log_catch(void);
bool keeper_bench_log_has(const char *text);
void keeper_bench_log_await(struct keeper_bench *b, const char *text);
/* Let it go to standard error again. */
void keeper_bench_log_release(void);

#endif
