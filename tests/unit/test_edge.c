/* edge/edge.c: an edge in this thread, TLS clients before it, the test as the
 * keeper behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "edge/edge.h"
#include "net_world.h"
#include "supervisor/listen.h"

#define PASSWORD "made-up-password"

struct bench {
	struct world net; /* its loop, clients and metrics; not its server */
	struct room room;
	struct edge *edge;
	struct channel *keeper;
	struct event *pause;
	bool keeper_ended;
	size_t n_puts;
	struct msg_put puts[64];
};

/* ---- callbacks */

struct field {
	const char *name, *value;
};

/* In the order in which names are hashed. */
static const struct field genuine[] = {
	{ "amount", "1150.00" },
	{ "card_issuer", "Invented Savings House" },
	{ "card_no", "544332XXXXXX7788" },
	{ "currency", "BDT" },
	{ "currency_amount", "1150.00" },
	{ "currency_type", "BDT" },
	{ "risk_level", "0" },
	{ "status", "VALID" },
	{ "store_id", "testbox" },
	{ "tran_date", "2025-12-02 12:30:45" },
	{ "tran_id", "INV-7" },
	{ "val_id", "2512021230457" },
	{ "value_a", "payer.person@mail.invalid" },
};

static const char *
value_of(const struct field *f, const char *status)
{
	return strcmp(f->name, "status") == 0 ? status : f->value;
}

static void
escape(struct buf *b, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == ' ')
			buf_append_text(b, "+");
		else
			buf_append(b, value, 1);
	}
}

/* The body of a callback with this status, rightly signed. */
static void
callback(struct buf *body, const char *status)
{
	char md5[SECRET_MD5_HEX], sha256[SECRET_SHA256_HEX];
	struct buf texts[2], names;

	assert_int_equal(
	    secret_md5_hex(PASSWORD, strlen(PASSWORD), md5), ST_OK);
	assert_int_equal(
	    secret_sha256_hex(PASSWORD, strlen(PASSWORD), sha256), ST_OK);
	buf_init(body, 65536);
	buf_init(&names, 65536);
	for (int d = 0; d < 2; d++) {
		buf_init(&texts[d], 65536);
		for (size_t i = 0; i < ARRAY_LEN(genuine); i++) {
			const struct field *f = &genuine[i];

			if (strcmp(f->name, "tran_date") == 0)
				buf_printf(&texts[d], "store_passwd=%s&",
				    d == 0 ? md5 : sha256);
			buf_printf(&texts[d], "%s=%s%s", f->name,
			    value_of(f, status),
			    i + 1 < ARRAY_LEN(genuine) ? "&" : "");
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(genuine); i++) {
		buf_printf(body, "%s=", genuine[i].name);
		escape(body, value_of(&genuine[i], status));
		buf_append_text(body, "&");
		buf_printf(&names, "%s%s", i > 0 ? "%2C" : "", genuine[i].name);
	}
	assert_int_equal(
	    secret_md5_hex(texts[0].data, texts[0].len, md5), ST_OK);
	assert_int_equal(
	    secret_sha256_hex(texts[1].data, texts[1].len, sha256), ST_OK);
	buf_printf(body, "verify_sign=%s&verify_sign_sha2=%s&verify_key=%s",
	    md5, sha256, (const char *)names.data);
	buf_fini(&texts[0]);
	buf_fini(&texts[1]);
	buf_fini(&names);
}

/* ---- the bench */

static void
on_put(void *arg, enum message type, const void *records, size_t count, int fd)
{
	const struct msg_put *puts = records;
	struct bench *b = arg;

	(void)fd;
	assert_int_equal(type, MSG_PUT);
	for (size_t i = 0; i < count; i++) {
		assert_true(b->n_puts < ARRAY_LEN(b->puts));
		b->puts[b->n_puts++] = puts[i];
	}
}

static void
on_keeper_end(void *arg, enum channel_end why)
{
	(void)why;
	((struct bench *)arg)->keeper_ended = true;
}

static void
on_pause(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(((struct bench *)arg)->net.loop);
}

/* world_turn() runs events only: let the ends of turns have their part. */
static void
turn(struct bench *b)
{
	world_turn(&b->net);
	event_active(b->pause, EV_TIMEOUT, 0);
	loop_run(b->net.loop);
}

static enum status
start_edge(struct bench *b, const char *key, struct err *e)
{
	static struct edge_config cfg;
	static struct identity id;
	enum status st;

	if (id.key[0] == '\0')
		identity_make(&id, NULL, -60, 3600);
	memset(&cfg, 0, sizeof(cfg));
	memcpy(cfg.tls.certificate, id.certificate, sizeof(id.certificate));
	memcpy(cfg.tls.key, key == NULL ? id.key : key,
	    key == NULL ? sizeof(id.key) : strlen(key));
	memset(cfg.identity_key, 9, sizeof(cfg.identity_key));
	cfg.limits = (struct config_limits){ .connections = 64,
		.handshake_ms = 10000,
		.head_ms = 10000,
		.body_ms = 10000,
		.idle_ms = 10000 };
	cfg.n_merchants = 2;
	memcpy(cfg.merchants[0].store_id, "other", 6);
	memcpy(cfg.merchants[1].store_id, "testbox", 8);
	for (int i = 0; i < 2; i++) {
		cfg.merchants[i].confirm = CONFIRM_OFF;
		assert_int_equal(
		    rooms_add_password(&cfg.merchants[i], bytes_of(PASSWORD)),
		    ST_OK);
	}
	st = edge_start(&b->edge, &b->room, &cfg, e);
	secret_wipe(&cfg, sizeof(cfg)); /* as its process does */
	return st;
}

static void
open_room(struct bench *b)
{
	struct config_address a = { .len = sizeof(a.u.in) };
	struct channel_config cc = { .self = PARTY_KEEPER,
		.peer = PARTY_EDGE,
		.most_queued = 64,
		.on_records = on_put,
		.on_end = on_keeper_end,
		.arg = b };
	int pair[2];

	a.u.in.sin_family = AF_INET;
	a.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(channel_pair(pair), ST_OK);
	b->room = (struct room){ .loop = b->net.loop,
		.party = PARTY_EDGE,
		.keeper = pair[0],
		.control = -1,
		.listeners = { listen_tcp(&a, false, NULL), -1, -1 },
		.exit_code = -1 };
	assert_true(b->room.listeners[0] >= 0);
	b->net.port = ntohs(a.u.in.sin_port);
	cc.fd = pair[1];
	assert_int_equal(
	    channel_new(&b->keeper, b->net.loop, &cc, NULL), ST_OK);
}

static int
set_up_bare(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	world_init(&b->net);
	world_start(&b->net, true);
	b->pause = event_new(loop_base(b->net.loop), -1, 0, on_pause, b);
	open_room(b);
	*state = b;
	return 0;
}

static int
set_up(void **state)
{
	struct bench *b;

	(void)set_up_bare(state);
	b = *state;
	assert_int_equal(start_edge(b, NULL, NULL), ST_OK);
	assert_ptr_equal(b->room.arg, b->edge);
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *b = *state;

	edge_free(b->edge);
	channel_free(b->keeper);
	assert_int_equal(world_count(&b->net, MET_CONN_OPEN_CALLBACKS), 0);
	(void)close(b->room.listeners[0]);
	event_free(b->pause);
	world_stop(&b->net);
	free(b);
	return 0;
}

static void
post(struct client *c, const struct buf *body)
{
	char head[256];

	(void)snprintf(head, sizeof(head),
	    "POST /ipn/testbox HTTP/1.1\r\nHost: x\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    body->len);
	client_text(c, head);
	client_send(c, body->data, body->len);
}

static void
post_paid(struct client *c)
{
	struct buf body;

	callback(&body, "VALID");
	post(c, &body);
	buf_fini(&body);
}

static void
until_puts(struct bench *b, size_t n)
{
	while (b->n_puts < n)
		turn(b);
	assert_int_equal(b->n_puts, n);
}

static void
done(struct bench *b, uint64_t tag, enum status st)
{
	struct msg_put_done m = { .tag = tag, .status = (uint32_t)st };

	assert_int_equal(channel_add(b->keeper, MSG_PUT_DONE, &m), ST_OK);
	turn(b);
}

/* ---- paid callbacks */

static void
a_paid_callback_becomes_a_receipt(void **state)
{
	struct bench *b = *state;
	const struct receipt *r = &b->puts[0].receipt;
	int64_t now = clock_wall_us();
	struct client c;

	client_open(&c, &b->net);
	post_paid(&c);
	until_puts(b, 1);
	assert_int_equal(r->amount_minor, 115000);
	assert_string_equal(r->currency, "BDT");
	assert_string_equal(r->merchant, "testbox");
	assert_string_equal(r->invoice_id, "INV-7");
	assert_int_equal(r->paid_at_us, INT64_C(1764657045000000));
	assert_true(r->received_at_us >= now - 10000000);
	assert_true(r->received_at_us <= clock_wall_us());
	client_close(&c);
}

static void
nothing_is_answered_before_it_is_on_disk(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	post_paid(&c);
	until_puts(b, 1);
	for (int i = 0; i < 20; i++) {
		turn(b);
		(void)client_poll(&c);
	}
	assert_int_equal(c.in.len, 0);
	assert_false(c.eof);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 0);
	done(b, b->puts[0].tag, ST_OK);
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 1);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_DUPLICATE), 0);
	assert_int_equal(
	    world_count(&b->net, MET_CALLBACK_FIELDS), ARRAY_LEN(genuine) + 3);
	client_close(&c);
}

static void
one_that_was_there_already_is_acknowledged_too(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	post_paid(&c);
	until_puts(b, 1);
	done(b, b->puts[0].tag, ST_EXISTS);
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&b->net, MET_CALLBACK_DUPLICATE), 1);
	client_close(&c);
}

static void
what_is_not_on_disk_is_503(void **state)
{
	static const enum status bad[] = { ST_BUSY, ST_IO };
	struct bench *b = *state;
	struct client c;
	struct answer a;

	client_open(&c, &b->net);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		post_paid(&c);
		until_puts(b, i + 1);
		done(b, b->puts[i].tag, bad[i]);
		client_answer(&c, &a, false);
		assert_int_equal(a.status, 503);
		assert_non_null(strstr(a.head, "\r\nRetry-After: 1\r\n"));
	}
	assert_int_equal(world_count(&b->net, MET_CALLBACK_BUSY), 2);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 0);
	client_close(&c);
}

static void
an_answer_that_nobody_asked_for_is_harmless(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	done(b, 0, ST_OK);
	done(b, UINT64_MAX, ST_OK);
	post_paid(&c);
	until_puts(b, 1);
	done(b, b->puts[0].tag, ST_OK);
	done(b, b->puts[0].tag, ST_IO);
	client_expect(&c, 200, "OK");
	post_paid(&c);
	until_puts(b, 2);
	done(b, b->puts[0].tag, ST_OK); /* of the first: says nothing */
	(void)client_poll(&c);
	assert_int_equal(c.in.len, 0);
	done(b, b->puts[1].tag, ST_OK);
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 2);
	client_close(&c);
}

static void
each_client_gets_its_own_answer(void **state)
{
	struct bench *b = *state;
	struct client c[3];

	for (int i = 0; i < 3; i++) {
		client_open(&c[i], &b->net);
		post_paid(&c[i]);
		until_puts(b, (size_t)i + 1);
	}
	done(b, b->puts[2].tag, ST_OK);
	done(b, b->puts[0].tag, ST_BUSY);
	client_expect(&c[2], 200, "OK");
	client_expect(&c[0], 503, NULL);
	(void)client_poll(&c[1]);
	assert_int_equal(c[1].in.len, 0);
	done(b, b->puts[1].tag, ST_EXISTS);
	client_expect(&c[1], 200, "OK");
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

static void
a_client_that_left_is_no_trouble(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	post_paid(&c);
	until_puts(b, 1);
	client_close(&c);
	while (world_count(&b->net, MET_CONN_OPEN_CALLBACKS) > 0)
		turn(b);
	done(b, b->puts[0].tag, ST_OK);
	turn(b);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_PAID), 1);
}

/* ---- what is not stored */

static void
one_that_is_not_paid_is_acknowledged_and_forgotten(void **state)
{
	struct bench *b = *state;
	struct client c;
	struct buf body;

	callback(&body, "FAILED");
	client_open(&c, &b->net);
	post(&c, &body);
	client_expect(&c, 200, "OK");
	for (int i = 0; i < 5; i++)
		turn(b);
	assert_int_equal(b->n_puts, 0);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_NOT_PAID), 1);
	client_close(&c);
	buf_fini(&body);
}

/* Replace the first `was` in the body by `now`, of the same length. */
static void
spoil(struct buf *body, const char *was, const char *now)
{
	unsigned char *at = memmem(body->data, body->len, was, strlen(was));

	assert_non_null(at);
	memcpy(at, now, strlen(was));
}

static void
each_refusal_is_counted_and_answered(void **state)
{
	static const struct {
		const char *was, *now;
		int status;
		enum metric counted;
	} cases[] = {
		{ "=1150.00", "=1150.01", 403, MET_CALLBACK_REFUSED_DIGEST },
		{ "testbox", "restbox", 403, MET_CALLBACK_REFUSED_MERCHANT },
		{ "&val_id=", "&amount=", 400, MET_CALLBACK_REFUSED_DUPLICATE },
		{ "=1150.00", "=1%zz.00", 400, MET_CALLBACK_REFUSED_FORM },
		{ "=1150.00", "=1%00.00", 400, MET_CALLBACK_REFUSED_CONTROL },
		{ "=1150.00", "=1%ff.00", 400, MET_CALLBACK_REFUSED_UTF8 },
		{ "card_no", "Card_no", 403, MET_CALLBACK_REFUSED_NAME },
		{ "verify_key", "verify_kay", 403,
		    MET_CALLBACK_REFUSED_KEY_LIST },
		{ "verify_sign_sha2", "verify_sign_sha3", 403,
		    MET_CALLBACK_REFUSED_NO_DIGEST },
	};
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf body;

		callback(&body, "VALID");
		spoil(&body, cases[i].was, cases[i].now);
		post(&c, &body);
		client_expect(&c, cases[i].status, NULL);
		assert_int_equal(world_count(&b->net, cases[i].counted), 1);
		buf_fini(&body);
	}
	turn(b);
	assert_int_equal(b->n_puts, 0);
	client_close(&c);
}

static void
what_the_head_tells_is_answered_from_it(void **state)
{
#define FORM  "application/x-www-form-urlencoded"
#define TYPE  "Content-Type: " FORM "\r\n"
#define EMPTY "Content-Length: 0\r\n"
	static const struct {
		const char *line, *fields;
		int status;
	} cases[] = {
		{ "POST /", TYPE EMPTY, 404 },
		{ "POST /ipn", TYPE EMPTY, 404 },
		{ "POST /ipn/", TYPE EMPTY, 404 },
		{ "POST /ipn/testbo", TYPE EMPTY, 404 },
		{ "POST /ipn/testboxx", TYPE EMPTY, 404 },
		{ "POST /ipn/testbox/", TYPE EMPTY, 404 },
		{ "POST /ipn/TESTBOX", TYPE EMPTY, 404 },
		{ "POST /IPN/testbox", TYPE EMPTY, 404 },
		{ "GET /ipn/nobody", "", 404 },
		{ "GET /ipn/testbox", "", 405 },
		{ "OPTIONS /ipn/testbox", "", 405 },
		{ "PUT /ipn/testbox", EMPTY, 405 },
		{ "DELETE /ipn/testbox", "", 405 },
		{ "POST /ipn/testbox?", TYPE EMPTY, 400 },
		{ "POST /ipn/testbox?a=b", TYPE EMPTY, 400 },
		{ "POST /ipn/testbox", EMPTY, 415 },
		{ "POST /ipn/testbox",
		    "Content-Type: application/json\r\n" EMPTY, 415 },
		{ "POST /ipn/testbox", "Content-Type: " FORM "2\r\n" EMPTY,
		    415 },
		{ "POST /ipn/testbox", "Content-Type: ;" FORM "\r\n" EMPTY,
		    415 },
		/* These come as far as the form, which is empty. */
		{ "POST /ipn/testbox", TYPE EMPTY, 403 },
		{ "POST /ipn/other", TYPE EMPTY, 403 },
		{ "POST /ipn/testbox",
		    "Content-Type: Application/X-WWW-Form-URLencoded; "
		    "charset=UTF-8\r\n" EMPTY,
		    403 },
		{ "POST /ipn/testbox",
		    "Content-Type: " FORM "\t; charset=UTF-8\r\n" EMPTY, 403 },
	};
	struct bench *b = *state;
	char text[512];
	struct answer a;
	struct client c;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		client_open(&c, &b->net);
		(void)snprintf(text, sizeof(text),
		    "%s HTTP/1.1\r\nHost: x\r\n%s\r\n", cases[i].line,
		    cases[i].fields);
		client_text(&c, text);
		client_answer(&c, &a, false);
		if (a.status != cases[i].status)
			print_error("case %zu: %s\n", i, cases[i].line);
		assert_int_equal(a.status, cases[i].status);
		if (a.status == 405)
			assert_non_null(strstr(a.head, "\r\nAllow: POST\r\n"));
		client_close(&c);
	}
	assert_int_equal(
	    world_count(&b->net, MET_CALLBACK_UNKNOWN_MERCHANT), 9);
	assert_int_equal(b->n_puts, 0);
}

static void
head_is_answered_without_a_body(void **state)
{
	struct bench *b = *state;
	struct client c;
	struct answer a;

	client_open(&c, &b->net);
	client_text(&c, "HEAD /ipn/testbox HTTP/1.1\r\nHost: x\r\n\r\n");
	client_answer(&c, &a, true);
	assert_int_equal(a.status, 405);
	assert_int_equal(c.in.len, 0);
	client_close(&c);
}

/* ---- the log */

static size_t
lines_with(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)) != NULL; text += strlen(word))
		n++;
	return n;
}

static void
the_log_is_bounded_and_names_no_payer(void **state)
{
	static char log[65536];
	struct bench *b = *state;
	int64_t start = clock_mono_us() / 1000000, seconds;
	int pipes[2], before = dup(STDERR_FILENO);
	struct client c;
	struct buf body;
	ssize_t n;

	assert_int_equal(pipe2(pipes, O_NONBLOCK), 0);
	assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
	client_open(&c, &b->net);
	for (int i = 0; i < 40; i++) {
		callback(&body, "VALID");
		spoil(&body, "=1150.00", "=1150.01");
		post(&c, &body);
		client_expect(&c, 403, NULL);
		buf_fini(&body);
	}
	post_paid(&c);
	until_puts(b, 1);
	done(b, b->puts[0].tag, ST_OK);
	client_expect(&c, 200, "OK");
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	n = read(pipes[0], log, sizeof(log) - 1);
	seconds = clock_mono_us() / 1000000 - start + 1;
	assert_true(n > 0);
	log[n] = '\0';
	assert_in_range(lines_with(log, "\"callback_refused\""), 10,
	    10 * (uintmax_t)seconds);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_REFUSED_DIGEST), 40);
	assert_int_equal(lines_with(log, "\"outcome\":\"paid\""), 1);
	assert_null(strstr(log, "INV-7"));
	assert_null(strstr(log, "payer.person"));
	assert_null(strstr(log, "544332"));
	assert_null(strstr(log, "1150.0"));
	client_close(&c);
	(void)close(before);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* ---- life */

static void
a_drain_waits_for_what_is_with_the_keeper(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	post_paid(&c);
	until_puts(b, 1);
	b->room.on_drain(b->room.arg);
	for (int i = 0; i < 20; i++)
		turn(b);
	assert_int_equal(b->room.exit_code, -1);
	done(b, b->puts[0].tag, ST_OK);
	client_expect(&c, 200, "OK");
	client_close(&c);
	while (b->room.exit_code == -1)
		turn(b);
	assert_int_equal(b->room.exit_code, 0);
}

static void
an_idle_edge_drains_at_once(void **state)
{
	struct bench *b = *state;

	b->room.on_drain(b->room.arg);
	turn(b);
	assert_int_equal(b->room.exit_code, 0);
}

static void
without_the_keeper_nothing_is_acknowledged(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	post_paid(&c);
	until_puts(b, 1);
	channel_free(b->keeper);
	b->keeper = NULL;
	while (b->room.exit_code == -1)
		turn(b);
	assert_int_equal(b->room.exit_code, 1);
	edge_free(b->edge); /* as its process does next */
	b->edge = NULL;
	client_expect_end(&c);
	client_close(&c);
}

static void
a_callback_behind_a_dead_keeper_is_503(void **state)
{
	struct bench *b = *state;
	struct client c;

	client_open(&c, &b->net);
	channel_free(b->keeper);
	b->keeper = NULL;
	while (b->room.exit_code == -1)
		turn(b);
	post_paid(&c);
	client_expect(&c, 503, NULL);
	assert_int_equal(world_count(&b->net, MET_CALLBACK_BUSY), 1);
	client_close(&c);
}

static void
a_certificate_that_is_none_is_said(void **state)
{
	struct bench *b = *state;
	struct err e = { "" };

	assert_int_equal(start_edge(b, "no key at all", &e), ST_CONFIG);
	assert_null(b->edge);
	assert_string_not_equal(e.text, "");
	assert_null(strstr(e.text, "no key at all"));
	(void)close(b->room.keeper); /* nobody took it */
}

static void
nothing_can_be_freed(void **state)
{
	(void)state;
	edge_free(NULL);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_paid_callback_becomes_a_receipt),
		CASE(nothing_is_answered_before_it_is_on_disk),
		CASE(one_that_was_there_already_is_acknowledged_too),
		CASE(what_is_not_on_disk_is_503),
		CASE(an_answer_that_nobody_asked_for_is_harmless),
		CASE(each_client_gets_its_own_answer),
		CASE(a_client_that_left_is_no_trouble),
		CASE(one_that_is_not_paid_is_acknowledged_and_forgotten),
		CASE(each_refusal_is_counted_and_answered),
		CASE(what_the_head_tells_is_answered_from_it),
		CASE(head_is_answered_without_a_body),
		CASE(the_log_is_bounded_and_names_no_payer),
		CASE(a_drain_waits_for_what_is_with_the_keeper),
		CASE(an_idle_edge_drains_at_once),
		CASE(without_the_keeper_nothing_is_acknowledged),
		CASE(a_callback_behind_a_dead_keeper_is_503),
		cmocka_unit_test_setup_teardown(
		    a_certificate_that_is_none_is_said, set_up_bare, tear_down),
		cmocka_unit_test(nothing_can_be_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
