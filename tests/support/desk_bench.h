/*
 * The whole desk on loopback, in a thread of its own, for the tests of desk/:
 * the test is billing, the operator and the keeper in turn.
 */
#ifndef SUPPORT_DESK_BENCH_H
#define SUPPORT_DESK_BENCH_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/metrics.h"
#include "desk/cursor.h"
#include "desk/desk.h"

#define BENCH_EPOCH    UINT64_C(0xe90c)
#define BENCH_PATIENCE 60 /* seconds */

/* Tokens, named by what is behind their first six letters. */
#define TOKEN	  "token-of-first"
#define OTHER	  "token-of-second"
#define ERASER	  "token-that-erases"
#define DECIDER	  "token-that-decides"
#define CHECKER	  "token-that-checks"
#define DELIVERER "token-that-delivers"

struct desk_bench {
	struct desk_config cfg; /* changeable before desk_bench_start() */
	struct desk *desk;
	struct room room;
	pthread_t thread;
	int keeper; /* the other end of the desk's channel */
	uint16_t api_port, admin_port;
	SSL_CTX *client_tls;
	const struct metrics_page *page;
	int orders[2];
	struct event *on_orders;
};

extern struct desk_bench bench;

/* cmocka fixtures: a desk that takes tokens. */
int desk_bench_set_up(void **state);
int desk_bench_tear_down(void **state);

/* The same in steps: a configuration with the tokens above; the desk runs and
 * asks which of them are revoked; that is answered: none. */
void desk_bench_configure(struct desk_config *cfg);
void desk_bench_start(void);
void desk_bench_open(void);

void desk_bench_drain(void);
/* The exit code, once the desk's loop has ended by itself. */
int desk_bench_wait_end(void);

/* ---- billing and the operator */

struct caller {
	int fd;
	SSL *ssl; /* NULL: the admin listener */
};

struct got {
	int status;
	char *text; /* head and body; the caller's to free */
	const char *body;
	size_t body_len;
};

void caller_open(struct caller *c, bool api);
/* The same in steps, to the API: the connection, and TLS over it. */
void caller_connect(struct caller *c, bool api);
void caller_secure(struct caller *c);
void caller_close(struct caller *c);

/* fields: further lines of the head. */
void caller_request_with(struct caller *c, const char *method,
    const char *target, const char *token, const char *fields);
void caller_request(struct caller *c, const char *method, const char *target,
    const char *token);
void caller_post(struct caller *c, const char *target, const char *token);

/* The next answer, body and all. */
struct got caller_answer(struct caller *c, bool head_only);
/* The next answer has this status, and the body when it is not NULL. */
void caller_expect(struct caller *c, int status, const char *body);
void caller_expect_problem(struct caller *c, int status, const char *type);

/* The value of a field of the answer's head, good until the next call; NULL:
 * it has none. */
const char *got_field(const struct got *g, const char *name);

/* ---- the keeper */

/* The one record of the next packet, which has to be of this type; uses of
 * tokens are passed over unless they are asked for. */
void bench_asked(enum message type, void *record);
/* What the next packet is about. */
enum message bench_next(void);
/* Nothing was asked by now, where the desk has answered the caller. */
void bench_asked_nothing(void);
void bench_say(enum message type, const void *records, uint32_t count);
void
bench_end_page(uint64_t tag, uint64_t last_seq, uint32_t more, enum status st);

struct msg_row bench_row(uint64_t tag, uint64_t seq, const char *merchant);

/* The receipt of bench_row(). */
#define ID "rcpt_aebagaaaaaaaaaaaaaaaaaaaaa"
#define RECEIPT                                                   \
	"{\"id\":\"" ID "\",\"invoice_id\":\"INV-1\",\"amount\":" \
	"\"1150.00\",\"currency\":\"BDT\",\"paid_at\":"           \
	"\"2025-12-02T06:30:45Z\",\"received_at\":"               \
	"\"2025-12-02T06:30:47.123456Z\"}"

/* Good until the next call. */
const char *bench_cursor(enum cursor_list list, uint64_t epoch, uint64_t seq);

#endif
