#include "desk_bench.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "net_world.h"

#define ANSWER_MAX (2 * 1024 * 1024)

struct desk_bench bench;

/* ---- the desk */

/* 'd': drain, 's': stop. */
static void
obey(evutil_socket_t fd, short what, void *arg)
{
	char order = 0;

	(void)what;
	(void)arg;
	if (read(fd, &order, 1) != 1 || order == 's')
		loop_stop(bench.room.loop);
	else
		bench.room.on_drain(bench.room.arg);
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
	assert_int_equal(write(bench.orders[0], &what, 1), 1);
}

void
desk_bench_drain(void)
{
	order('d');
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
	t->expires_us = INT64_MAX;
	assert_int_equal(secret_sha256(token, strlen(token), t->sha256), ST_OK);
}

void
desk_bench_configure(struct desk_config *cfg)
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
		.idle_ms = 10000,
		.api_rate = 10000,
		.waiters = 256 };
	add_token(cfg, "first", TOKEN, SCOPE_READ);
	add_token(cfg, "second", OTHER, SCOPE_READ | SCOPE_ERASE);
	add_token(cfg, "first", ERASER, SCOPE_ERASE);
	add_token(cfg, "first", DECIDER, SCOPE_CONFIRM);
	add_token(cfg, "first", CHECKER, SCOPE_CHECK);
	add_token(cfg, "first", DELIVERER, SCOPE_DELIVER);
}

static void
open_room(struct room *room, int channel)
{
	memset(room, 0, sizeof(*room));
	room->party = PARTY_DESK;
	room->keeper = channel;
	room->control = room->listeners[0] = -1;
	room->listeners[1] = listening(&bench.api_port);
	room->listeners[2] = listening(&bench.admin_port);
	room->exit_code = -1;
	room->n_pages = 1;
	room->pages[0] = metrics_page_new();
	bench.page = metrics_page_map(room->pages[0]);
	assert_int_equal(metrics_attach(room->pages[0]), ST_OK);
	assert_int_equal(loop_new(&room->loop, NULL), ST_OK);
}

void
desk_bench_start(void)
{
	struct timeval patience = { .tv_sec = BENCH_PATIENCE };
	struct room *room = &bench.room;
	struct err e = { "" };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	bench.keeper = pair[1];
	assert_int_equal(setsockopt(bench.keeper, SOL_SOCKET, SO_RCVTIMEO,
			     &patience, sizeof(patience)),
	    0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, bench.orders),
	    0);
	open_room(room, pair[0]);
	bench.on_orders = event_new(loop_base(room->loop), bench.orders[1],
	    EV_READ | EV_PERSIST, obey, NULL);
	assert_int_equal(event_add(bench.on_orders, NULL), 0);
	assert_int_equal(desk_start(&bench.desk, room, &bench.cfg, &e), ST_OK);
	assert_int_equal(
	    pthread_create(&bench.thread, NULL, run, room->loop), 0);
	bench.client_tls = SSL_CTX_new(TLS_client_method());
}

void
desk_bench_open(void)
{
	struct msg_tokens m;

	bench_asked(MSG_TOKENS, &m);
	bench_end_page(m.tag, 0, 0, ST_OK);
}

int
desk_bench_set_up(void **state)
{
	(void)state;
	desk_bench_configure(&bench.cfg);
	desk_bench_start();
	desk_bench_open();
	return 0;
}

int
desk_bench_wait_end(void)
{
	assert_int_equal(pthread_join(bench.thread, NULL), 0);
	bench.thread = 0;
	return bench.room.exit_code;
}

int
desk_bench_tear_down(void **state)
{
	(void)state;
	if (bench.thread != 0) {
		order('s');
		(void)desk_bench_wait_end();
	}
	desk_free(bench.desk);
	event_free(bench.on_orders);
	loop_free(bench.room.loop);
	SSL_CTX_free(bench.client_tls);
	(void)close(bench.room.listeners[1]);
	(void)close(bench.room.listeners[2]);
	(void)close(bench.orders[0]);
	(void)close(bench.orders[1]);
	(void)close(bench.keeper);
	return 0;
}

/* ---- billing and the operator */

void
caller_connect(struct caller *c, bool api)
{
	struct timeval patience = { .tv_sec = BENCH_PATIENCE };
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(api ? bench.api_port : bench.admin_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	c->ssl = NULL;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			     sizeof(patience)),
	    0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&in, sizeof(in)), 0);
}

void
caller_open(struct caller *c, bool api)
{
	caller_connect(c, api);
	if (api)
		caller_secure(c);
}

void
caller_secure(struct caller *c)
{
	c->ssl = SSL_new(bench.client_tls);
	assert_int_equal(SSL_set_fd(c->ssl, c->fd), 1);
	assert_int_equal(SSL_connect(c->ssl), 1);
}

void
caller_close(struct caller *c)
{
	SSL_free(c->ssl);
	(void)close(c->fd);
}

void
caller_request_with(struct caller *c, const char *method, const char *target,
    const char *token, const char *fields)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
	    "%s %s HTTP/1.1\r\nHost: h\r\n%s%s%s%s\r\n", method, target, fields,
	    token == NULL ? "" : "Authorization: Bearer ",
	    token == NULL ? "" : token, token == NULL ? "" : "\r\n");

	assert_true(n > 0 && (size_t)n < sizeof(text));
	if (c->ssl != NULL)
		assert_int_equal(SSL_write(c->ssl, text, n), n);
	else
		assert_int_equal(send(c->fd, text, (size_t)n, 0), n);
}

void
caller_request(
    struct caller *c, const char *method, const char *target, const char *token)
{
	caller_request_with(c, method, target, token, "");
}

void
caller_post(struct caller *c, const char *target, const char *token)
{
	caller_request_with(c, "POST", target, token, "Content-Length: 0\r\n");
}

static size_t
receive(struct caller *c, char *to, size_t cap)
{
	ssize_t n = c->ssl != NULL ? SSL_read(c->ssl, to, (int)cap)
				   : recv(c->fd, to, cap, 0);

	assert_true(n > 0);
	return (size_t)n;
}

struct got
caller_answer(struct caller *c, bool head_only)
{
	struct got g = { .text = calloc(1, ANSWER_MAX) };
	size_t len = 0, want = 0;
	const char *end = NULL, *length;

	assert_non_null(g.text);
	while (end == NULL || len < want) {
		len += receive(c, g.text + len, ANSWER_MAX - 1 - len);
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

const char *
got_field(const struct got *g, const char *name)
{
	static char value[1024];
	size_t len = strlen(name);

	for (const char *at = strstr(g->text, "\r\n"); at + 2 < g->body;
	     at = strstr(at + 2, "\r\n")) {
		if (strncasecmp(at + 2, name, len) != 0 || at[2 + len] != ':')
			continue;
		at += len + 4;
		len = strcspn(at, "\r");
		assert_true(len < sizeof(value));
		memcpy(value, at, len);
		value[len] = '\0';
		return value;
	}
	return NULL;
}

void
caller_expect(struct caller *c, int status, const char *body)
{
	struct got g = caller_answer(c, false);

	assert_int_equal(g.status, status);
	if (body != NULL)
		assert_string_equal(g.body, body);
	free(g.text);
}

void
caller_expect_problem(struct caller *c, int status, const char *type)
{
	struct got g = caller_answer(c, false);

	assert_int_equal(g.status, status);
	assert_string_equal(
	    got_field(&g, "content-type"), "application/problem+json");
	assert_non_null(strstr(g.body, type));
	free(g.text);
}

/* ---- the keeper */

static bool
ready(short events, int patience_ms)
{
	struct pollfd p = { .fd = bench.keeper, .events = events };

	return poll(&p, 1, patience_ms) == 1;
}

void
bench_asked(enum message type, void *record)
{
	union {
		uint64_t align;
		unsigned char bytes[8192];
	} packet;
	struct msg_header h;
	ssize_t n;

	do {
		assert_true(ready(POLLIN, BENCH_PATIENCE * 1000));
		n = recv(bench.keeper, packet.bytes, sizeof(packet), 0);
		assert_true(n > 0);
		assert_true(message_check(
		    PARTY_DESK, PARTY_KEEPER, packet.bytes, (size_t)n));
		memcpy(&h, packet.bytes, sizeof(h));
	} while (h.type == MSG_TOKEN_USED && type != MSG_TOKEN_USED);
	assert_int_equal(h.type, type);
	assert_int_equal(h.count, 1);
	memcpy(record, packet.bytes + sizeof(h), message_size(type));
}

enum message
bench_next(void)
{
	struct msg_header h;

	assert_true(ready(POLLIN, BENCH_PATIENCE * 1000));
	assert_int_equal(
	    recv(bench.keeper, &h, sizeof(h), MSG_PEEK), sizeof(h));
	return (enum message)h.type;
}

void
bench_asked_nothing(void)
{
	struct msg_token_used used;

	while (ready(POLLIN, 0))
		bench_asked(MSG_TOKEN_USED, &used);
}

void
bench_say(enum message type, const void *records, uint32_t count)
{
	static unsigned char packet[MESSAGE_MAX];
	struct msg_header h = { .type = type, .count = count };
	size_t len = sizeof(h) + count * message_size(type);

	memcpy(packet, &h, sizeof(h));
	memcpy(packet + sizeof(h), records, len - sizeof(h));
	assert_true(message_check(PARTY_KEEPER, PARTY_DESK, packet, len));
	assert_true(ready(POLLOUT, BENCH_PATIENCE * 1000));
	assert_int_equal(send(bench.keeper, packet, len, 0), len);
}

void
bench_end_page(uint64_t tag, uint64_t last_seq, uint32_t more, enum status st)
{
	struct msg_page_end end = { .tag = tag,
		.epoch = BENCH_EPOCH,
		.last_seq = last_seq,
		.more = more,
		.status = st };

	bench_say(MSG_PAGE_END, &end, 1);
}

struct msg_row
bench_row(uint64_t tag, uint64_t seq, const char *merchant)
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

const char *
bench_cursor(enum cursor_list list, uint64_t epoch, uint64_t seq)
{
	static char text[CURSOR_TEXT];
	const struct cursor c = { epoch, seq };

	cursor_format(&c, list, text);
	return text;
}
