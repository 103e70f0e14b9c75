/*
 * The whole desk on loopback: its loop runs in a thread of its own; the test
 * is billing, the operator and the keeper in turn.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "desk/invoices.h"
#include "desk/cursor.h"
#include "desk/desk.h"
#include "net_world.h"

#define EPOCH	 UINT64_C(0xe90c)
#define WAITERS	 256
#define TOKEN	 "token-of-first"
#define OTHER	 "token-of-second"
#define ERASER	 "token-that-erases"
#define DECIDER	 "token-that-decides"
#define CHECKER	 "token-that-checks"
#define PATIENCE 10 /* seconds */

static struct desk *desk;
static struct room room;
static pthread_t thread;
static int orders[2]; /* 'd': drain, 's': stop; [1] is the desk's */
static struct event *on_orders;
static int keeper;
static uint16_t api_port, admin_port;
static SSL_CTX *client_tls;
static const struct metrics_page *page;

/* ---- the desk */

static void
obey(evutil_socket_t fd, short what, void *arg)
{
	char order = 0;

	(void)what;
	(void)arg;
	if (read(fd, &order, 1) != 1 || order == 's')
		loop_stop(room.loop);
	else
		room.on_drain(room.arg);
}

static void *
run(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void
order(char what)
{
	assert_int_equal(write(orders[0], &what, 1), 1);
}

static int
listening(uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 512), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static void
add_token(struct desk_config *cfg, const char *merchant, const char *token,
    unsigned scopes)
{
	struct config_token *t = &cfg->tokens[cfg->n_tokens++];

	(void)snprintf(t->name, sizeof(t->name), "%s", &token[6]);
	(void)snprintf(t->merchant, sizeof(t->merchant), "%s", merchant);
	t->scopes = scopes;
	assert_int_equal(secret_sha256(token, strlen(token), t->sha256), ST_OK);
}

static void
configure(struct desk_config *cfg)
{
	static struct identity id;

	if (id.key[0] == '\0')
		identity_make(&id, NULL, -60, 3600);
	memset(cfg, 0, sizeof(*cfg));
	memcpy(cfg->tls.certificate, id.certificate, sizeof(id.certificate));
	memcpy(cfg->tls.key, id.key, sizeof(id.key));
	cfg->limits = (struct config_limits){ .connections = 512,
		.handshake_ms = 10000,
		.head_ms = 10000,
		.body_ms = 10000,
		.idle_ms = 10000 };
	add_token(cfg, "first", TOKEN, SCOPE_READ);
	add_token(cfg, "second", OTHER, SCOPE_READ | SCOPE_ERASE);
	add_token(cfg, "first", ERASER, SCOPE_ERASE);
	add_token(cfg, "first", DECIDER, SCOPE_CONFIRM);
	add_token(cfg, "first", CHECKER, SCOPE_CHECK);
}

static int
set_up(void **state)
{
	static struct desk_config cfg;
	struct timeval patience = { .tv_sec = PATIENCE };
	struct err e = { "" };
	int pair[2];

	(void)state;
	configure(&cfg);
	assert_int_equal(channel_pair(pair), ST_OK);
	keeper = pair[1];
	assert_int_equal(setsockopt(keeper, SOL_SOCKET, SO_RCVTIMEO, &patience,
			     sizeof(patience)),
	    0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, orders), 0);
	memset(&room, 0, sizeof(room));
	room.party = PARTY_DESK;
	room.keeper = pair[0];
	room.control = room.listeners[0] = -1;
	room.listeners[1] = listening(&api_port);
	room.listeners[2] = listening(&admin_port);
	room.exit_code = -1;
	room.n_pages = 1;
	room.pages[0] = metrics_page_new();
	page = metrics_page_map(room.pages[0]);
	assert_int_equal(metrics_attach(room.pages[0]), ST_OK);
	assert_int_equal(loop_new(&room.loop, NULL), ST_OK);
	on_orders = event_new(
	    loop_base(room.loop), orders[1], EV_READ | EV_PERSIST, obey, NULL);
	assert_int_equal(event_add(on_orders, NULL), 0);
	assert_int_equal(desk_start(&desk, &room, &cfg, &e), ST_OK);
	assert_int_equal(pthread_create(&thread, NULL, run, room.loop), 0);
	client_tls = SSL_CTX_new(TLS_client_method());
	return 0;
}

/* The exit code, once the desk's loop has ended by itself. */
static int
wait_end(void)
{
	assert_int_equal(pthread_join(thread, NULL), 0);
	thread = 0;
	return room.exit_code;
}

static int
tear_down(void **state)
{
	(void)state;
	if (thread != 0) {
		order('s');
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	desk_free(desk);
	event_free(on_orders);
	loop_free(room.loop);
	SSL_CTX_free(client_tls);
	(void)close(room.listeners[1]);
	(void)close(room.listeners[2]);
	(void)close(orders[0]);
	(void)close(orders[1]);
	(void)close(keeper);
	return 0;
}

/* ---- billing and the operator */

struct peer {
	int fd;
	SSL *ssl; /* NULL: the admin listener */
};

struct got {
	int status;
	char *text; /* head and body */
	const char *body;
	size_t body_len;
};

static void
open_peer(struct peer *p, bool api)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(api ? api_port : admin_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	p->ssl = NULL;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			     sizeof(patience)),
	    0);
	assert_int_equal(connect(p->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	if (!api)
		return;
	p->ssl = SSL_new(client_tls);
	assert_int_equal(SSL_set_fd(p->ssl, p->fd), 1);
	assert_int_equal(SSL_connect(p->ssl), 1);
}

static void
close_peer(struct peer *p)
{
	SSL_free(p->ssl);
	(void)close(p->fd);
}

/* fields: further lines of the head. */
static void
request_with(struct peer *p, const char *method, const char *target,
    const char *token, const char *fields)
{
	char text[2048];
	int n = snprintf(text, sizeof(text),
	    "%s %s HTTP/1.1\r\nHost: h\r\n%s%s%s%s\r\n", method, target, fields,
	    token == NULL ? "" : "Authorization: Bearer ",
	    token == NULL ? "" : token, token == NULL ? "" : "\r\n");

	assert_true(n > 0 && (size_t)n < sizeof(text));
	if (p->ssl != NULL)
		assert_int_equal(SSL_write(p->ssl, text, n), n);
	else
		assert_int_equal(send(p->fd, text, (size_t)n, 0), n);
}

static void
request(
    struct peer *p, const char *method, const char *target, const char *token)
{
	request_with(p, method, target, token, "");
}

static void
post(struct peer *p, const char *target, const char *token)
{
	request_with(p, "POST", target, token, "Content-Length: 0\r\n");
}

static size_t
receive(struct peer *p, char *to, size_t cap)
{
	ssize_t n = p->ssl != NULL ? SSL_read(p->ssl, to, (int)cap)
				   : recv(p->fd, to, cap, 0);

	assert_true(n > 0);
	return (size_t)n;
}

/* The next answer, body and all; text is the caller's to free. */
static struct got
answer(struct peer *p, bool head_only)
{
	const size_t cap = 1024 * 1024;
	struct got g = { .text = calloc(1, cap) };
	size_t len = 0, want = 0;
	const char *end = NULL, *length;

	assert_non_null(g.text);
	while (end == NULL || len < want) {
		len += receive(p, g.text + len, cap - 1 - len);
		end = strstr(g.text, "\r\n\r\n");
		if (end == NULL)
			continue;
		g.body = end + 4;
		length = strstr(g.text, "Content-Length: ");
		if (length != NULL && length < end)
			g.body_len = strtoul(length + 16, NULL, 10);
		want = (size_t)(g.body - g.text) + (head_only ? 0 : g.body_len);
	}
	assert_int_equal(len, want);
	g.status = (int)strtol(g.text + 9, NULL, 10);
	return g;
}

static void
expect(struct peer *p, int status, const char *body)
{
	struct got g = answer(p, false);

	assert_int_equal(g.status, status);
	if (body != NULL)
		assert_string_equal(g.body, body);
	free(g.text);
}

static void
expect_problem(struct peer *p, int status, const char *type)
{
	struct got g = answer(p, false);

	assert_int_equal(g.status, status);
	assert_non_null(strstr(g.text, "application/problem+json\r\n"));
	assert_non_null(strstr(g.body, type));
	free(g.text);
}

/* ---- the keeper */

/* The one record of the next packet, which has to be of this type. */
static void
asked(enum message type, void *record)
{
	union {
		uint64_t align;
		unsigned char bytes[8192];
	} packet;
	ssize_t n;
	struct msg_header h;
	struct pollfd p = { .fd = keeper, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE * 1000), 1);
	n = recv(keeper, packet.bytes, sizeof(packet), 0);
	assert_true(n > 0);
	assert_true(
	    message_check(PARTY_DESK, PARTY_KEEPER, packet.bytes, (size_t)n));
	memcpy(&h, packet.bytes, sizeof(h));
	assert_int_equal(h.type, type);
	assert_int_equal(h.count, 1);
	memcpy(record, packet.bytes + sizeof(h), message_size(type));
}

static void
say(enum message type, const void *records, uint32_t count)
{
	static unsigned char packet[MESSAGE_MAX];
	struct msg_header h = { .type = type, .count = count };
	size_t len = sizeof(h) + count * message_size(type);
	struct pollfd p = { .fd = keeper, .events = POLLOUT };

	memcpy(packet, &h, sizeof(h));
	memcpy(packet + sizeof(h), records, len - sizeof(h));
	assert_true(message_check(PARTY_KEEPER, PARTY_DESK, packet, len));
	assert_int_equal(poll(&p, 1, PATIENCE * 1000), 1);
	assert_int_equal(send(keeper, packet, len, 0), len);
}

static struct msg_row
row(uint64_t tag, uint64_t seq, const char *merchant)
{
	struct msg_row m = { .tag = tag,
		.seq = seq,
		.receipt = { .id.b = { 1, 2, 3 },
		    .amount_minor = 115000,
		    .paid_at_us = INT64_C(1764657045000000),
		    .received_at_us = INT64_C(1764657047123456),
		    .currency = "BDT",
		    .invoice_id = "INV-1" } };

	assert_true(receipt_text(m.receipt.merchant, sizeof(m.receipt.merchant),
	    bytes_of(merchant)));
	return m;
}

#define ID "rcpt_aebagaaaaaaaaaaaaaaaaaaaaa"
#define RECEIPT                                                   \
	"{\"id\":\"" ID "\",\"invoice_id\":\"INV-1\",\"amount\":" \
	"\"1150.00\",\"currency\":\"BDT\",\"paid_at\":"           \
	"\"2025-12-02T06:30:45Z\",\"received_at\":"               \
	"\"2025-12-02T06:30:47.123456Z\"}"

static void
end_page(uint64_t tag, uint64_t last_seq, uint32_t more, enum status st)
{
	struct msg_page_end end = { .tag = tag,
		.epoch = EPOCH,
		.last_seq = last_seq,
		.more = more,
		.status = st };

	say(MSG_PAGE_END, &end, 1);
}

static const char *
cursor_of(enum cursor_list list, uint64_t epoch, uint64_t seq)
{
	static char text[CURSOR_TEXT];
	const struct cursor c = { epoch, seq };

	cursor_format(&c, list, text);
	return text;
}

static const char *
cursor(uint64_t epoch, uint64_t seq)
{
	return cursor_of(CURSOR_RECEIPTS, epoch, seq);
}

/* Ask with this query and a page's end for an answer. */
static void
expect_page(struct peer *p, const char *query, struct msg_page *m)
{
	char target[512];

	(void)snprintf(target, sizeof(target), "/v1/receipts%s", query);
	request(p, "GET", target, TOKEN);
	asked(MSG_PAGE, m);
}

static void
expect_empty(struct peer *p, uint64_t seq)
{
	char body[128];

	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[],\"next\":\"%s\",\"more\":false}",
	    cursor(EPOCH, seq));
	expect(p, 200, body);
}

/* ---- pages */

static void
a_page_carries_receipts_and_the_next_cursor(void **state)
{
	struct msg_page m;
	struct peer p;
	struct msg_row rows[2];
	char body[1024];

	(void)state;
	open_peer(&p, true);
	expect_page(&p, "", &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "");
	assert_true(m.after_seq == 0 && m.limit == 100);
	rows[0] = row(m.tag, 3, "first");
	rows[1] = row(m.tag, 9, "first");
	say(MSG_ROW, rows, 2);
	end_page(m.tag, 9, 1, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[" RECEIPT "," RECEIPT
	    "],\"next\":\"%s\",\"more\":true}",
	    cursor(EPOCH, 9));
	expect(&p, 200, body);
	close_peer(&p);
}

static void
parameters_reach_the_keeper(void **state)
{
	char query[256];
	struct msg_page m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	(void)snprintf(query, sizeof(query),
	    "?limit=1000&after=%s&invoice_id=A%%2fB+1", cursor(EPOCH, 42));
	expect_page(&p, query, &m);
	assert_true(m.after_seq == 42 && m.limit == 1000);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "A/B 1");
	end_page(m.tag, 42, 0, ST_OK);
	expect_empty(&p, 42);
	close_peer(&p);
}

static void
another_token_asks_for_another_merchant(void **state)
{
	struct msg_page m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/receipts", OTHER);
	asked(MSG_PAGE, &m);
	assert_string_equal(m.merchant, "second");
	end_page(m.tag, 0, 0, ST_OK);
	expect_empty(&p, 0);
	close_peer(&p);
}

static void
another_merchants_row_becomes_no_answer(void **state)
{
	struct msg_page m;
	struct peer p;
	struct msg_row wrong;

	(void)state;
	open_peer(&p, true);
	expect_page(&p, "", &m);
	wrong = row(m.tag, 1, "second");
	say(MSG_ROW, &wrong, 1);
	end_page(m.tag, 1, 0, ST_OK);
	expect_problem(&p, 500, "problem:internal");
	close_peer(&p);
}

static void
a_thousand_receipts_fit_one_page(void **state)
{
	static struct msg_row rows[250];
	struct msg_page m;
	struct peer p;
	struct got g;
	size_t count = 0;

	(void)state;
	open_peer(&p, true);
	expect_page(&p, "?limit=1000", &m);
	for (uint64_t i = 0; i < 250; i++) {
		rows[i] = row(m.tag, i + 1, "first");
		memset(rows[i].receipt.invoice_id, 'x', 64);
		rows[i].receipt.amount_minor = MONEY_MAX - 1;
	}
	for (int i = 0; i < 4; i++)
		say(MSG_ROW, rows, 250);
	end_page(m.tag, 1000, 0, ST_OK);
	g = answer(&p, false);
	assert_int_equal(g.status, 200);
	for (const char *at = g.body; (at = strstr(at, ID)) != NULL; at++)
		count++;
	assert_int_equal(count, 1000);
	free(g.text);
	close_peer(&p);
}

static void
a_bad_parameter_is_answered_400(void **state)
{
	static const char *const bad[] = { "limit=0", "limit=1001",
		"limit=", "limit=1&limit=1", "wait=61", "wait=-1",
		"after=", "after=x", "after=AQECAwQFBgcIAAAAAAAAACoG1phY",
		"cursor=1", "limit", "limit=%zz",
		"invoice_id=", "invoice_id=%00", "invoice_id=+a",
		"invoice_id=%c3%a9" };
	char target[128];
	struct peer p;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(
		    target, sizeof(target), "/v1/receipts?%s", bad[i]);
		request(&p, "GET", target, TOKEN);
		expect_problem(&p, 400, "problem:bad-parameter");
	}
	close_peer(&p);
}

static void
a_cursor_of_another_store_is_answered_410(void **state)
{
	char query[128];
	struct msg_page m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	(void)snprintf(
	    query, sizeof(query), "?wait=30&after=%s", cursor(EPOCH + 1, 42));
	expect_page(&p, query, &m);
	end_page(m.tag, 42, 0, ST_OK);
	expect_problem(&p, 410, "problem:cursor-expired");
	close_peer(&p);
}

static void
a_keeper_that_cannot_answer_means_503(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct msg_page m;
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		expect_page(&p, "", &m);
		end_page(m.tag, 0, 0, words[i]);
		g = answer(&p, false);
		assert_int_equal(g.status, 503);
		assert_non_null(strstr(g.text, "\r\nRetry-After: 1\r\n"));
		free(g.text);
	}
	close_peer(&p);
}

/* ---- waiting */

static void
a_waiting_poll_gets_a_receipt_that_comes_later(void **state)
{
	struct msg_page m, again;
	struct msg_row late;
	struct peer p;
	char body[512];

	(void)state;
	open_peer(&p, true);
	expect_page(&p, "?wait=60&invoice_id=INV-1&limit=7", &m);
	end_page(m.tag, 0, 0, ST_OK);
	asked(MSG_PAGE, &again);
	end_page(m.tag, 0, 0, ST_OK); /* too late, is not listened to */
	end_page(again.tag, 0, 0, ST_OK);
	assert_true(again.tag != m.tag);
	again.tag = m.tag;
	assert_memory_equal(&again, &m, sizeof(m));
	asked(MSG_PAGE, &again);
	late = row(again.tag, 5, "first");
	say(MSG_ROW, &late, 1);
	end_page(again.tag, 5, 0, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"receipts\":[" RECEIPT "],\"next\":\"%s\",\"more\":false}",
	    cursor(EPOCH, 5));
	expect(&p, 200, body);
	close_peer(&p);
}

/* Answer every question with an empty page until p has its answer. */
static void
keep_empty(struct peer *p)
{
	struct pollfd fds[2] = { { .fd = keeper, .events = POLLIN },
		{ .fd = p->fd, .events = POLLIN } };

	for (;;) {
		union {
			uint64_t align;
			unsigned char bytes[8192];
		} packet;
		const struct msg_page *m;
		struct msg_header h;
		ssize_t n;

		assert_true(poll(fds, 2, PATIENCE * 1000) > 0);
		if (fds[1].revents != 0)
			return;
		n = recv(keeper, packet.bytes, sizeof(packet), 0);
		assert_true(n > 0);
		memcpy(&h, packet.bytes, sizeof(h));
		assert_int_equal(h.type, MSG_PAGE);
		m = (const void *)(packet.bytes + sizeof(h));
		for (uint32_t i = 0; i < h.count; i++)
			end_page(m[i].tag, m[i].after_seq, 0, ST_OK);
	}
}

/* Throw away what TLS sends besides data, so that readable means answered. */
static void
settle(struct peer *p)
{
	request(p, "GET", "/v1/receipts", NULL);
	expect_problem(p, 401, "problem:unauthorized");
}

static void
a_waiting_poll_ends_empty_when_its_time_is_over(void **state)
{
	int64_t start_us = clock_mono_us(), took_us;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	settle(&p);
	request(&p, "GET", "/v1/receipts?wait=1", TOKEN);
	keep_empty(&p);
	took_us = clock_mono_us() - start_us;
	expect_empty(&p, 0);
	assert_true(took_us >= 1000000 && took_us < 5000000);
	close_peer(&p);
}

static void
too_many_waiting_polls_are_refused(void **state)
{
	static struct peer waiting[WAITERS];
	struct peer late;
	struct got g;

	(void)state;
	for (size_t i = 0; i < WAITERS; i++) {
		open_peer(&waiting[i], true);
		request(&waiting[i], "GET", "/v1/receipts?wait=60", TOKEN);
	}
	open_peer(&late, true);
	settle(&late);
	/* Any of them may be the one that finds no place. */
	request(&late, "GET", "/v1/receipts?wait=2", TOKEN);
	keep_empty(&late);
	g = answer(&late, false);
	assert_int_equal(g.status, 503);
	assert_non_null(strstr(g.text, "\r\nRetry-After: "));
	free(g.text);
	close_peer(&late);
	for (size_t i = 0; i < WAITERS; i++)
		close_peer(&waiting[i]);
}

/* ---- one receipt */

static void
one_receipt_is_shown(void **state)
{
	struct msg_get m;
	struct msg_row found;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/receipts/" ID, TOKEN);
	asked(MSG_GET, &m);
	assert_string_equal(m.merchant, "first");
	found = row(m.tag, 4, "first");
	assert_memory_equal(&m.id, &found.receipt.id, sizeof(m.id));
	say(MSG_ROW, &found, 1);
	end_page(m.tag, 4, 0, ST_OK);
	expect(&p, 200, RECEIPT);
	close_peer(&p);
}

static void
an_unknown_receipt_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/receipts/",
		"/v1/receipts/rcpt_x", "/v1/receipts/" ID "a",
		"/v1/receipts/" ID "/", "/v1/receipts/%72cpt_" };
	struct msg_get m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/receipts/" ID, TOKEN);
	asked(MSG_GET, &m);
	end_page(m.tag, 0, 0, ST_NOT_FOUND);
	expect_problem(&p, 404, "problem:not-found");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		request(&p, "GET", never[i], TOKEN);
		expect_problem(&p, 404, "problem:not-found");
	}
	close_peer(&p);
}

/* ---- held payments */

static struct msg_hold
hold(uint64_t tag, uint64_t n, const char *merchant)
{
	return (struct msg_hold){ .tag = tag,
		.n = n,
		.held_at_us = UINT64_C(1764657049020304),
		.reason = REASON_AMOUNT,
		.claimed = row(tag, n, merchant).receipt };
}

#define HELD(answered)                                            \
	"{\"id\":\"" ID "\",\"state\":\"held\",\"reason\":"       \
	"\"amount\",\"held_at\":\"2025-12-02T06:30:49.020304Z\"," \
	"\"claimed\":" RECEIPT ",\"answered\":" answered "}"

static void
a_page_of_held_payments_shows_what_both_sides_say(void **state)
{
	struct msg_holds m;
	struct msg_hold holds[2];
	struct peer p;
	char body[2048];

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/held", DECIDER);
	asked(MSG_HOLDS, &m);
	assert_string_equal(m.merchant, "first");
	assert_true(m.after == 0 && m.limit == 100);
	holds[0] = hold(m.tag, 3, "first");
	holds[1] = hold(m.tag, 8, "first");
	holds[1].is_answered = 1;
	holds[1].answered = holds[1].claimed;
	holds[1].answered.amount_minor = 1150;
	say(MSG_HOLD, holds, 2);
	end_page(m.tag, 8, 1, ST_OK);
	(void)snprintf(body, sizeof(body),
	    "{\"held\":[" HELD("null") "," HELD(
		"{\"invoice_id\":\"INV-1\",\"amount\":\"11.50\","
		"\"currency\":\"BDT\"}") "],\"next\":\"%s\",\"more\":true}",
	    cursor_of(CURSOR_HELD, EPOCH, 8));
	expect(&p, 200, body);
	close_peer(&p);
}

static void
the_next_page_of_held_payments_starts_behind_the_cursor(void **state)
{
	struct msg_holds m;
	struct peer p;
	char text[128];

	(void)state;
	open_peer(&p, true);
	(void)snprintf(text, sizeof(text), "/v1/held?limit=1000&after=%s",
	    cursor_of(CURSOR_HELD, EPOCH, 8));
	request(&p, "GET", text, DECIDER);
	asked(MSG_HOLDS, &m);
	assert_true(m.after == 8 && m.limit == 1000);
	end_page(m.tag, 8, 0, ST_OK);
	(void)snprintf(text, sizeof(text),
	    "{\"held\":[],\"next\":\"%s\",\"more\":false}",
	    cursor_of(CURSOR_HELD, EPOCH, 8));
	expect(&p, 200, text);
	(void)snprintf(text, sizeof(text), "/v1/held?after=%s",
	    cursor_of(CURSOR_HELD, EPOCH + 1, 8));
	request(&p, "GET", text, DECIDER);
	asked(MSG_HOLDS, &m);
	end_page(m.tag, 8, 0, ST_OK);
	expect_problem(&p, 410, "problem:cursor-expired");
	close_peer(&p);
}

static void
a_cursor_of_the_other_list_is_refused(void **state)
{
	char text[128];
	struct peer p;

	(void)state;
	open_peer(&p, true);
	(void)snprintf(
	    text, sizeof(text), "/v1/held?after=%s", cursor(EPOCH, 8));
	request(&p, "GET", text, DECIDER);
	expect_problem(&p, 400, "problem:bad-parameter");
	(void)snprintf(text, sizeof(text), "/v1/receipts?after=%s",
	    cursor_of(CURSOR_HELD, EPOCH, 8));
	request(&p, "GET", text, TOKEN);
	expect_problem(&p, 400, "problem:bad-parameter");
	close_peer(&p);
}

static void
a_thousand_held_payments_fit_one_page(void **state)
{
	static struct msg_hold holds[125];
	struct msg_holds m;
	struct peer p;
	struct got g;
	size_t count = 0;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/held?limit=1000", DECIDER);
	asked(MSG_HOLDS, &m);
	for (uint64_t i = 0; i < 125; i++) {
		holds[i] = hold(m.tag, i + 1, "first");
		holds[i].reason = REASON_INVOICE;
		memset(holds[i].claimed.invoice_id, 'x', 64);
		holds[i].claimed.amount_minor = MONEY_MAX - 1;
		holds[i].is_answered = 1;
		holds[i].answered = holds[i].claimed;
	}
	for (int i = 0; i < 8; i++)
		say(MSG_HOLD, holds, 125);
	end_page(m.tag, 125, 0, ST_OK);
	g = answer(&p, false);
	assert_int_equal(g.status, 200);
	for (const char *at = g.body; (at = strstr(at, "\"held_at\"")) != NULL;
	     at++)
		count++;
	assert_int_equal(count, 1000);
	free(g.text);
	close_peer(&p);
}

static void
one_held_payment_is_shown(void **state)
{
	struct msg_holds m;
	struct msg_hold found;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/held/" ID, DECIDER);
	asked(MSG_HOLDS, &m);
	assert_string_equal(m.merchant, "first");
	assert_int_equal(m.limit, 1);
	found = hold(m.tag, 4, "first");
	assert_memory_equal(&m.id, &found.claimed.id, sizeof(m.id));
	say(MSG_HOLD, &found, 1);
	end_page(m.tag, 4, 0, ST_OK);
	expect(&p, 200, HELD("null"));
	close_peer(&p);
}

static void
a_person_decides_under_the_name_of_the_token(void **state)
{
	static const struct {
		const char *target, *body;
		enum life to;
	} cases[] = {
		{ "/v1/held/" ID "/release",
		    "{\"id\":\"" ID "\",\"state\":\"confirmed\"}",
		    LIFE_CONFIRMED },
		{ "/v1/held/" ID "/reject",
		    "{\"id\":\"" ID "\",\"state\":\"refused\"}", LIFE_REFUSED },
	};
	struct msg_decide m;
	struct receipt_id id;
	struct peer p;

	(void)state;
	assert_true(id_parse(bytes_of(ID), &id));
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct msg_done done = { .state = cases[i].to };

		post(&p, cases[i].target, DECIDER);
		asked(MSG_DECIDE, &m);
		assert_string_equal(m.merchant, "first");
		assert_string_equal(m.by, &DECIDER[6]);
		assert_int_equal(m.release, cases[i].to == LIFE_CONFIRMED);
		assert_memory_equal(&m.id, &id, sizeof(id));
		done.tag = m.tag;
		say(MSG_DONE, &done, 1);
		expect(&p, 200, cases[i].body);
	}
	close_peer(&p);
}

/* Another merchant's too: the keeper is asked for the token's alone. */
static void
what_is_not_held_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/held/rcpt_x/release",
		"/v1/held/" ID "a/reject", "/v1/held//release",
		"/v1/held/" ID "/", "/v1/held/" ID "/release/",
		"/v1/held/" ID "/keep", "/v1/held/" ID "/x/release" };
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct msg_decide decide;
	struct msg_holds m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/held/" ID, DECIDER);
	asked(MSG_HOLDS, &m);
	end_page(m.tag, 0, 0, ST_OK);
	expect_problem(&p, 404, "problem:not-found");
	request(&p, "GET", "/v1/held/" ID, DECIDER);
	asked(MSG_HOLDS, &m);
	end_page(m.tag, 0, 0, ST_NOT_FOUND);
	expect_problem(&p, 404, "problem:not-found");
	post(&p, "/v1/held/" ID "/release", DECIDER);
	asked(MSG_DECIDE, &decide);
	done.tag = decide.tag;
	say(MSG_DONE, &done, 1);
	expect_problem(&p, 404, "problem:not-found");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		post(&p, never[i], DECIDER);
		expect_problem(&p, 404, "problem:not-found");
	}
	close_peer(&p);
}

static void
another_merchants_held_payment_becomes_no_answer(void **state)
{
	struct msg_holds m;
	struct msg_hold wrong;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/held/" ID, DECIDER);
	asked(MSG_HOLDS, &m);
	wrong = hold(m.tag, 4, "second");
	say(MSG_HOLD, &wrong, 1);
	end_page(m.tag, 4, 0, ST_OK);
	expect_problem(&p, 500, "problem:internal");
	close_peer(&p);
}

static void
a_decision_that_is_not_on_disk_is_answered_503(void **state)
{
	static const enum status words[] = { ST_BUSY, ST_IO };
	struct msg_decide m;
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct msg_done done = { .status = words[i],
			.state = LIFE_HELD };

		post(&p, "/v1/held/" ID "/release", DECIDER);
		asked(MSG_DECIDE, &m);
		done.tag = m.tag;
		say(MSG_DONE, &done, 1);
		g = answer(&p, false);
		assert_int_equal(g.status, 503);
		assert_non_null(strstr(g.text, "\r\nRetry-After: 1\r\n"));
		free(g.text);
	}
	close_peer(&p);
}

/* ---- checks */

/* Ask to check INV-1, and the keeper says this. */
static void
check(struct peer *p, enum status said, enum life state)
{
	struct msg_done done = { .status = said, .state = state };
	struct msg_check m;

	post(p, "/v1/invoices/INV-1/check", CHECKER);
	asked(MSG_CHECK, &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "INV-1");
	assert_string_equal(m.tran_id, "");
	done.tag = m.tag;
	say(MSG_DONE, &done, 1);
}

static void
a_check_that_finds_the_payment_shows_its_receipts(void **state)
{
	struct msg_page m;
	struct msg_row found;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	check(&p, ST_OK, LIFE_CONFIRMED);
	asked(MSG_PAGE, &m);
	assert_string_equal(m.merchant, "first");
	assert_string_equal(m.invoice_id, "INV-1");
	assert_true(m.after_seq == 0 && m.limit == 100);
	found = row(m.tag, 4, "first");
	say(MSG_ROW, &found, 1);
	end_page(m.tag, 4, 0, ST_OK);
	expect(&p, 200,
	    "{\"invoice_id\":\"INV-1\",\"state\":\"confirmed\","
	    "\"receipts\":[" RECEIPT "]}");
	close_peer(&p);
}

static void
a_check_that_finds_another_invoices_payment_is_answered_404(void **state)
{
	struct msg_page m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	check(&p, ST_OK, LIFE_CONFIRMED);
	asked(MSG_PAGE, &m);
	end_page(m.tag, 0, 0, ST_OK);
	expect_problem(&p, 404, "problem:no-payment");
	close_peer(&p);
}

static void
a_check_without_a_decision_is_answered_202(void **state)
{
	static const struct {
		enum life state;
		const char *body;
	} cases[] = {
		{ LIFE_ABSENT,
		    "{\"invoice_id\":\"INV-1\",\"state\":\"waiting\"}" },
		{ LIFE_HELD, "{\"invoice_id\":\"INV-1\",\"state\":\"held\"}" },
	};
	struct msg_page m;
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check(&p, ST_EXISTS, cases[i].state);
		expect(&p, 202, cases[i].body);
	}
	check(&p, ST_UNAVAILABLE, LIFE_ABSENT);
	asked(MSG_PAGE, &m); /* there may be a receipt all the same */
	end_page(m.tag, 0, 0, ST_OK);
	g = answer(&p, false);
	assert_int_equal(g.status, 202);
	assert_non_null(strstr(g.text, "\r\nRetry-After: 30\r\n"));
	assert_string_equal(
	    g.body, "{\"invoice_id\":\"INV-1\",\"state\":\"unanswered\"}");
	free(g.text);
	close_peer(&p);
}

static void
a_check_that_fails_says_what_to_do(void **state)
{
	static const struct {
		enum status said;
		int status;
		const char *type, *field;
	} cases[] = {
		{ ST_NOT_FOUND, 404, "problem:no-payment", "" },
		{ ST_BAD_INPUT, 400, "problem:tran-id-needed", "" },
		{ ST_BUSY, 429, "problem:too-many-requests",
		    "\r\nRetry-After: 1\r\n" },
		{ ST_IO, 503, "problem:unavailable", "\r\nRetry-After: 1\r\n" },
		{ ST_CONFIG, 503, "problem:unavailable",
		    "\r\nRetry-After: 1\r\n" },
	};
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check(&p, cases[i].said, LIFE_ABSENT);
		g = answer(&p, false);
		assert_int_equal(g.status, cases[i].status);
		assert_non_null(strstr(g.body, cases[i].type));
		assert_non_null(strstr(g.text, cases[i].field));
		free(g.text);
	}
	close_peer(&p);
}

static void
the_invoice_id_is_percent_encoded(void **state)
{
	static const struct {
		const char *target, *invoice, *tran_id;
	} cases[] = {
		{ "/v1/invoices/A%2fB%20%23+1/check", "A/B #+1", "" },
		{ "/v1/invoices/%41%3a%40./check?tran_id=T%2B1+x", "A:@.",
		    "T+1 x" },
		{ "/v1/invoices/check/check?tran_id=check", "check", "check" },
	};
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct msg_check m;
	struct peer p;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		post(&p, cases[i].target, CHECKER);
		asked(MSG_CHECK, &m);
		assert_string_equal(m.invoice_id, cases[i].invoice);
		assert_string_equal(m.tran_id, cases[i].tran_id);
		done.tag = m.tag;
		say(MSG_DONE, &done, 1);
		expect_problem(&p, 404, "problem:no-payment");
	}
	close_peer(&p);
}

static void
what_cannot_be_an_invoice_id_is_answered_404(void **state)
{
	static const char *const never[] = { "/v1/invoices//check",
		"/v1/invoices/A/B/check", "/v1/invoices/%/check",
		"/v1/invoices/%2/check", "/v1/invoices/A%00/check",
		"/v1/invoices/%20A/check", "/v1/invoices/%c3%a9/check",
		"/v1/invoices/A%0a/check", "/v1/invoices/%22/check",
		"/v1/invoices/A/check/", "/v1/invoices/A" };
	char target[128];
	struct peer p;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		post(&p, never[i], CHECKER);
		expect_problem(&p, 404, "problem:not-found");
	}
	(void)snprintf(target, sizeof(target), "/v1/invoices/%065d/check", 1);
	post(&p, target, CHECKER);
	expect_problem(&p, 404, "problem:not-found");
	close_peer(&p);
}

static void
a_bad_tran_id_is_answered_400(void **state)
{
	static const char *const bad[] = { "tran_id=", "tran_id=%00",
		"tran_id=a&tran_id=a", "val_id=a", "tran_id", "tran_id=%22" };
	char target[128];
	struct peer p;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(
		    target, sizeof(target), "/v1/invoices/A/check?%s", bad[i]);
		post(&p, target, CHECKER);
		expect_problem(&p, 400, "problem:bad-parameter");
	}
	close_peer(&p);
}

static void
too_many_checks_at_once_are_refused(void **state)
{
	static struct peer waiting[INVOICES_CHECKS];
	struct msg_check m;
	struct msg_done done = { .status = ST_NOT_FOUND };
	struct peer late;
	struct got g;

	(void)state;
	for (size_t i = 0; i < INVOICES_CHECKS; i++) {
		open_peer(&waiting[i], true);
		post(&waiting[i], "/v1/invoices/A/check", CHECKER);
		asked(MSG_CHECK, &m);
	}
	open_peer(&late, true);
	post(&late, "/v1/invoices/A/check", CHECKER);
	g = answer(&late, false);
	assert_int_equal(g.status, 429);
	assert_non_null(strstr(g.text, "\r\nRetry-After: 1\r\n"));
	free(g.text);
	/* One that ends makes room. */
	done.tag = m.tag;
	say(MSG_DONE, &done, 1);
	expect_problem(
	    &waiting[INVOICES_CHECKS - 1], 404, "problem:no-payment");
	post(&late, "/v1/invoices/A/check", CHECKER);
	asked(MSG_CHECK, &m);
	close_peer(&late);
	for (size_t i = 0; i < INVOICES_CHECKS; i++)
		close_peer(&waiting[i]);
}

/* ---- who may, and how */

static void
without_a_token_nobody_is_asked(void **state)
{
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	request(&p, "GET", "/v1/receipts", NULL);
	g = answer(&p, false);
	assert_int_equal(g.status, 401);
	assert_non_null(strstr(
	    g.text, "\r\nWWW-Authenticate: Bearer realm=\"paysieve\"\r\n"));
	free(g.text);
	request(&p, "GET", "/v1/receipts/" ID, "wrong");
	g = answer(&p, false);
	assert_int_equal(g.status, 401);
	assert_non_null(strstr(g.text, ", error=\"invalid_token\"\r\n"));
	free(g.text);
	request(&p, "GET", "/v1/receipts", ERASER);
	g = answer(&p, false);
	assert_int_equal(g.status, 403);
	assert_non_null(strstr(g.text, ", error=\"insufficient_scope\"\r\n"));
	free(g.text);
	assert_int_equal(page->cell[MET_API_UNAUTHORIZED], 3);
	close_peer(&p);
}

static void
each_scope_opens_its_own_routes(void **state)
{
	static const struct {
		const char *method, *target, *token;
	} cases[] = {
		{ "GET", "/v1/held", TOKEN },
		{ "GET", "/v1/held/" ID, CHECKER },
		{ "POST", "/v1/held/" ID "/release", TOKEN },
		{ "POST", "/v1/held/" ID "/reject", CHECKER },
		{ "POST", "/v1/invoices/A/check", DECIDER },
		{ "GET", "/v1/receipts", DECIDER },
	};
	struct peer p;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		request_with(&p, cases[i].method, cases[i].target,
		    cases[i].token, "Content-Length: 0\r\n");
		expect_problem(&p, 403, "problem:insufficient-scope");
		request_with(&p, cases[i].method, cases[i].target, NULL,
		    "Content-Length: 0\r\n");
		expect_problem(&p, 401, "problem:unauthorized");
	}
	close_peer(&p);
}

static void
a_request_to_do_something_has_no_body(void **state)
{
	struct peer p;

	(void)state;
	open_peer(&p, true);
	request(&p, "POST", "/v1/held/" ID "/release", DECIDER);
	expect_problem(&p, 411, "problem:length-required");
	close_peer(&p);
	open_peer(&p, true);
	request_with(&p, "POST", "/v1/held/" ID "/release", DECIDER,
	    "Content-Length: 1\r\n");
	expect_problem(&p, 413, "problem:body-too-large");
	close_peer(&p);
	open_peer(&p, true);
	post(&p, "/v1/held/" ID "/release?by=me", DECIDER);
	expect_problem(&p, 400, "problem:query-not-allowed");
	request(&p, "GET", "/v1/held?invoice_id=A", DECIDER);
	expect_problem(&p, 400, "problem:bad-parameter");
	request(&p, "GET", "/v1/held?limit=1001", DECIDER);
	expect_problem(&p, 400, "problem:bad-parameter");
	close_peer(&p);
}

static void
each_route_tells_its_methods(void **state)
{
	static const struct {
		const char *target, *allow;
		int head_status;
	} cases[] = {
		{ "/v1/held", "\r\nAllow: GET, HEAD, OPTIONS\r\n", 0 },
		{ "/v1/held/" ID, "\r\nAllow: GET, HEAD, OPTIONS\r\n", 0 },
		{ "/v1/held/" ID "/release", "\r\nAllow: POST, OPTIONS\r\n",
		    405 },
		{ "/v1/held/" ID "/reject", "\r\nAllow: POST, OPTIONS\r\n",
		    405 },
		{ "/v1/invoices/A%2fB/check", "\r\nAllow: POST, OPTIONS\r\n",
		    405 },
	};
	struct msg_holds m;
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		request(&p, "OPTIONS", cases[i].target, NULL);
		g = answer(&p, false);
		assert_int_equal(g.status, 204);
		assert_non_null(strstr(g.text, cases[i].allow));
		free(g.text);
		request(&p, "DELETE", cases[i].target, NULL);
		g = answer(&p, false);
		assert_int_equal(g.status, 405);
		assert_non_null(strstr(g.text, cases[i].allow));
		free(g.text);
		request(&p, "HEAD", cases[i].target, DECIDER);
		if (cases[i].head_status == 0) {
			asked(MSG_HOLDS, &m);
			end_page(m.tag, 0, 0, ST_NOT_FOUND);
		}
		g = answer(&p, true);
		assert_true(cases[i].head_status == 0 ||
			    g.status == cases[i].head_status);
		free(g.text);
	}
	request(&p, "HEAD", "/v1/held", DECIDER);
	asked(MSG_HOLDS, &m);
	end_page(m.tag, 0, 0, ST_OK);
	g = answer(&p, true);
	assert_int_equal(g.status, 200);
	assert_true(g.body_len > 0);
	free(g.text);
	close_peer(&p);
}

static void
head_gets_the_head_of_get(void **state)
{
	struct msg_page m;
	struct peer p;
	struct got g;

	(void)state;
	open_peer(&p, true);
	request(&p, "HEAD", "/v1/receipts", TOKEN);
	asked(MSG_PAGE, &m);
	end_page(m.tag, 0, 0, ST_OK);
	g = answer(&p, true);
	assert_int_equal(g.status, 200);
	assert_int_equal(g.body_len,
	    strlen("{\"receipts\":[],\"next\":\"\",\"more\":false}") +
		CURSOR_TEXT - 1);
	free(g.text);
	request(&p, "HEAD", "/v1/nothing", TOKEN);
	g = answer(&p, true);
	assert_int_equal(g.status, 404);
	free(g.text);
	close_peer(&p);
}

static void
other_methods_are_told_which_ones_there_are(void **state)
{
	static const char *const methods[] = { "OPTIONS", "POST", "DELETE",
		"PUT" };
	struct peer p;
	struct got g;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		open_peer(&p, true);
		request(&p, methods[i], "/v1/receipts?x", NULL);
		g = answer(&p, false);
		/* A POST without a length is refused for that. */
		if (strcmp(methods[i], "POST") != 0) {
			assert_int_equal(g.status, i == 0 ? 204 : 405);
			assert_non_null(strstr(
			    g.text, "\r\nAllow: GET, HEAD, OPTIONS\r\n"));
		}
		free(g.text);
		close_peer(&p);
	}
}

static void
nothing_stands_at_other_addresses(void **state)
{
	static const char *const none[] = { "/", "/v1", "/v1/receipt",
		"/v1/receiptsx", "/v2/receipts", "/metrics", "/readyz" };
	struct peer p;

	(void)state;
	open_peer(&p, true);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		request(&p, "GET", none[i], TOKEN);
		expect_problem(&p, 404, "problem:not-found");
		request(&p, "OPTIONS", none[i], TOKEN);
		expect_problem(&p, 404, "problem:not-found");
	}
	request(&p, "GET", "/v1/receipts/" ID "?x=1", TOKEN);
	expect_problem(&p, 400, "problem:query-not-allowed");
	close_peer(&p);
}

/* ---- the operator */

static void
the_process_is_live_without_a_keeper(void **state)
{
	struct peer p;

	(void)state;
	open_peer(&p, false);
	request(&p, "GET", "/livez", NULL);
	expect(&p, 200, "ok\n");
	request(&p, "GET", "/v1/receipts", TOKEN);
	expect_problem(&p, 404, "problem:not-found");
	request(&p, "GET", "/livez?verbose", NULL);
	expect_problem(&p, 400, "problem:query-not-allowed");
	request(&p, "DELETE", "/livez", NULL);
	expect_problem(&p, 405, "problem:method-not-allowed");
	close_peer(&p);
}

static void
readiness_is_the_keepers_word(void **state)
{
	static const struct {
		enum status said;
		int status;
		const char *body;
	} cases[] = {
		{ ST_OK, 200,
		    "{\"status\":\"ready\",\"store\":\"ok\",\"receipts\":12,"
		    "\"deliveries_pending\":3,\"waiting\":0,\"held\":2,"
		    "\"provider\":\"ok\"}\n" },
		{ ST_BUSY, 503,
		    "{\"status\":\"not ready\",\"store\":\"full\"}\n" },
		{ ST_IO, 503,
		    "{\"status\":\"not ready\",\"store\":\"failed\"}\n" },
	};
	struct msg_probe m;
	struct peer p;

	(void)state;
	open_peer(&p, false);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct msg_health health = { .receipts = 12,
			.deliveries_pending = 3,
			.held = 2,
			.epoch = EPOCH,
			.status = cases[i].said };

		request(&p, "GET", "/readyz", NULL);
		asked(MSG_PROBE, &m);
		health.tag = m.tag;
		say(MSG_HEALTH, &health, 1);
		expect(&p, cases[i].status, cases[i].body);
	}
	close_peer(&p);
}

/* The answer to /readyz when the keeper says this much. */
static void
expect_ready(struct peer *p, const struct msg_health *said, const char *detail)
{
	struct msg_health health = *said;
	struct msg_probe m;
	struct got g;

	request(p, "GET", "/readyz", NULL);
	asked(MSG_PROBE, &m);
	health.tag = m.tag;
	say(MSG_HEALTH, &health, 1);
	g = answer(p, false);
	assert_int_equal(g.status, 200);
	assert_non_null(strstr(g.body, detail));
	free(g.text);
}

static void
readiness_tells_how_sslcommerz_does_and_does_not_depend_on_it(void **state)
{
	const struct msg_health waiting = { .waiting = 7,
		.oldest_waiting_us = UINT64_C(1764657047123456) };
	const struct msg_health none = { .status = ST_OK };
	struct peer p;

	(void)state;
	open_peer(&p, false);
	expect_ready(&p, &waiting,
	    ",\"waiting\":7,\"held\":0,"
	    "\"oldest_waiting\":\"2025-12-02T06:30:47.123456Z\","
	    "\"provider\":\"ok\"}");
	metrics_set(MET_PROVIDERS_AWAY, 1);
	expect_ready(&p, &none, ",\"provider\":\"away\"}");
	metrics_set(MET_MERCHANTS_LOCKED_OUT, 1);
	expect_ready(&p, &none, ",\"provider\":\"locked_out\"}");
	metrics_set(MET_PROVIDERS_AWAY, 0);
	metrics_set(MET_MERCHANTS_LOCKED_OUT, 0);
	expect_ready(&p, &none, ",\"provider\":\"ok\"}");
	close_peer(&p);
}

static void
a_silent_keeper_is_noticed(void **state)
{
	int64_t start_us = clock_mono_us(), took_us;
	struct msg_page m;
	struct msg_probe probe;
	struct msg_decide decide;
	struct peer p, person, operator;

	(void)state;
	open_peer(&p, true);
	open_peer(&person, true);
	open_peer(&operator, false);
	expect_page(&p, "", &m);
	post(&person, "/v1/held/" ID "/release", DECIDER);
	asked(MSG_DECIDE, &decide);
	request(&operator, "GET", "/readyz", NULL);
	asked(MSG_PROBE, &probe);
	expect(&operator, 503,
	    "{\"status\":\"not ready\",\"store\":\"silent\"}\n");
	took_us = clock_mono_us() - start_us;
	assert_true(took_us >= 1000000 && took_us < 4000000);
	expect_problem(&p, 503, "problem:unavailable");
	took_us = clock_mono_us() - start_us;
	assert_true(took_us >= 5000000 && took_us < 8000000);
	expect_problem(&person, 503, "problem:unavailable");
	close_peer(&p);
	close_peer(&person);
	close_peer(&operator);
}

static void
metrics_are_shown(void **state)
{
	struct peer p;
	struct got g;

	(void)state;
	metrics_add(MET_COMMITS, 4711);
	open_peer(&p, false);
	request(&p, "GET", "/metrics", NULL);
	g = answer(&p, false);
	assert_int_equal(g.status, 200);
	assert_non_null(
	    strstr(g.text, "Content-Type: text/plain; version=0.0.4"));
	assert_non_null(
	    strstr(g.body, "\npaysieve_store_commits_total 4711\n"));
	assert_non_null(strstr(
	    g.body, "\npaysieve_certificate_expiry_timestamp_seconds 1"));
	free(g.text);
	close_peer(&p);
}

/* ---- the end */

static void
a_drain_lets_nobody_wait_and_finishes_the_rest(void **state)
{
	struct peer waiting, asking, checking, operator;
	struct msg_check check;
	struct msg_page m;
	struct msg_probe probe;
	struct msg_health health = { .status = ST_OK };

	(void)state;
	open_peer(&waiting, true);
	open_peer(&asking, true);
	open_peer(&operator, false);
	expect_page(&waiting, "?wait=60", &m);
	end_page(m.tag, 0, 0, ST_OK);
	asked(MSG_PAGE, &m); /* so it rests, or will after this answer */
	end_page(m.tag, 0, 0, ST_OK);
	request(&operator, "GET", "/readyz", NULL);
	asked(MSG_PROBE, &probe);
	open_peer(&checking, true);
	post(&checking, "/v1/invoices/A/check", CHECKER);
	asked(MSG_CHECK, &check);
	expect_page(&asking, "?wait=60", &m);
	order('d');
	expect_empty(&waiting, 0);
	expect(
	    &checking, 202, "{\"invoice_id\":\"A\",\"state\":\"unanswered\"}");
	health.tag = probe.tag;
	say(MSG_HEALTH, &health, 1);
	expect(&operator, 503, NULL);
	end_page(m.tag, 0, 0, ST_OK);
	expect_empty(&asking, 0);
	assert_int_equal(wait_end(), 0);
	assert_int_equal(page->cell[MET_CERT_NOT_AFTER_US], 0);
	close_peer(&waiting);
	close_peer(&asking);
	close_peer(&checking);
	close_peer(&operator);
}

static void
without_the_keeper_the_desk_ends(void **state)
{
	(void)state;
	assert_int_equal(shutdown(keeper, SHUT_RDWR), 0);
	assert_int_equal(wait_end(), 1);
}

static void
it_can_be_freed_with_questions_under_way(void **state)
{
	struct msg_page m;
	struct msg_get get;
	struct msg_probe probe;
	struct msg_decide decide;
	struct msg_check check;
	struct peer a, b, c, d, e;

	(void)state;
	open_peer(&a, true);
	open_peer(&b, true);
	open_peer(&c, false);
	expect_page(&a, "?wait=60", &m);
	request(&b, "GET", "/v1/receipts/" ID, TOKEN);
	asked(MSG_GET, &get);
	request(&c, "GET", "/readyz", NULL);
	asked(MSG_PROBE, &probe);
	open_peer(&d, true);
	post(&d, "/v1/held/" ID "/reject", DECIDER);
	asked(MSG_DECIDE, &decide);
	open_peer(&e, true);
	post(&e, "/v1/invoices/A/check", CHECKER);
	asked(MSG_CHECK, &check);
	close_peer(&a);
	close_peer(&b);
	close_peer(&c);
	close_peer(&d);
	close_peer(&e);
}

static void
a_key_that_does_not_fit_stops_the_start(void **state)
{
	static struct desk_config cfg;
	static struct identity other;
	struct room r = { .party = PARTY_DESK };
	struct desk *d;
	struct err e = { "" };
	int pair[2];

	(void)state;
	configure(&cfg);
	identity_make(&other, NULL, -60, 3600);
	memcpy(cfg.tls.key, other.key, sizeof(other.key));
	assert_int_equal(channel_pair(pair), ST_OK);
	assert_int_equal(loop_new(&r.loop, NULL), ST_OK);
	r.keeper = pair[0];
	assert_int_equal(desk_start(&d, &r, &cfg, &e), ST_CONFIG);
	assert_null(d);
	assert_true(e.text[0] != '\0');
	loop_free(r.loop);
	(void)close(pair[1]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_page_carries_receipts_and_the_next_cursor),
		CASE(parameters_reach_the_keeper),
		CASE(another_token_asks_for_another_merchant),
		CASE(another_merchants_row_becomes_no_answer),
		CASE(a_thousand_receipts_fit_one_page),
		CASE(a_bad_parameter_is_answered_400),
		CASE(a_cursor_of_another_store_is_answered_410),
		CASE(a_keeper_that_cannot_answer_means_503),
		CASE(a_waiting_poll_gets_a_receipt_that_comes_later),
		CASE(a_waiting_poll_ends_empty_when_its_time_is_over),
		CASE(too_many_waiting_polls_are_refused),
		CASE(one_receipt_is_shown),
		CASE(an_unknown_receipt_is_answered_404),
		CASE(a_page_of_held_payments_shows_what_both_sides_say),
		CASE(the_next_page_of_held_payments_starts_behind_the_cursor),
		CASE(a_cursor_of_the_other_list_is_refused),
		CASE(a_thousand_held_payments_fit_one_page),
		CASE(one_held_payment_is_shown),
		CASE(a_person_decides_under_the_name_of_the_token),
		CASE(what_is_not_held_is_answered_404),
		CASE(another_merchants_held_payment_becomes_no_answer),
		CASE(a_decision_that_is_not_on_disk_is_answered_503),
		CASE(a_check_that_finds_the_payment_shows_its_receipts),
		CASE(
		    a_check_that_finds_another_invoices_payment_is_answered_404),
		CASE(a_check_without_a_decision_is_answered_202),
		CASE(a_check_that_fails_says_what_to_do),
		CASE(the_invoice_id_is_percent_encoded),
		CASE(what_cannot_be_an_invoice_id_is_answered_404),
		CASE(a_bad_tran_id_is_answered_400),
		CASE(too_many_checks_at_once_are_refused),
		CASE(without_a_token_nobody_is_asked),
		CASE(each_scope_opens_its_own_routes),
		CASE(a_request_to_do_something_has_no_body),
		CASE(each_route_tells_its_methods),
		CASE(head_gets_the_head_of_get),
		CASE(other_methods_are_told_which_ones_there_are),
		CASE(nothing_stands_at_other_addresses),
		CASE(the_process_is_live_without_a_keeper),
		CASE(readiness_is_the_keepers_word),
		CASE(
		    readiness_tells_how_sslcommerz_does_and_does_not_depend_on_it),
		CASE(a_silent_keeper_is_noticed),
		CASE(metrics_are_shown),
		CASE(a_drain_lets_nobody_wait_and_finishes_the_rest),
		CASE(without_the_keeper_the_desk_ends),
		CASE(it_can_be_freed_with_questions_under_way),
		cmocka_unit_test(a_key_that_does_not_fit_stops_the_start),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
