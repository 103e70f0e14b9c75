#include "edge_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor/listen.h"

#define PASSWORD "made-up-password"

/* ---- callbacks */

struct field {
	const char *name, *value;
};

/* In the order in which names are hashed. */
static const struct field genuine[EDGE_BENCH_FIELDS] = {
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
	{ "value_b", "ORDER-9" },
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
void
edge_bench_callback(struct buf *body, const char *status)
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
	struct edge_bench *b = arg;

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
	(void)arg;
	(void)why;
}

static void
on_hint(void *arg, enum message type, const void *records, size_t count, int fd)
{
	const struct msg_hint *hints = records;
	struct edge_bench *b = arg;

	(void)fd;
	if (type == MSG_WITHDRAW) {
		const struct msg_withdraw *gone = records;

		b->n_withdrawn += count;
		b->withdrawn = gone[count - 1].id;
		return;
	}
	assert_int_equal(type, MSG_HINT);
	for (size_t i = 0; i < count; i++) {
		assert_true(b->n_hints < ARRAY_LEN(b->hints));
		b->hints[b->n_hints++] = hints[i];
	}
}

static void
on_asker_end(void *arg, enum channel_end why)
{
	struct edge_bench *b = arg;

	assert_int_equal(why, CHANNEL_GONE);
	b->asker_left = true;
}

void
edge_bench_introduce(struct edge_bench *b)
{
	struct msg_peer peer = { .party = PARTY_ASKER };
	struct channel_config cc = { .self = PARTY_ASKER,
		.peer = PARTY_EDGE,
		.most_queued = 64,
		.on_records = on_hint,
		.on_end = on_asker_end,
		.arg = b };
	int pair[2];

	assert_int_equal(channel_pair(pair), ST_OK);
	cc.fd = pair[1];
	assert_int_equal(channel_new(&b->asker, b->net.loop, &cc, NULL), ST_OK);
	b->room.on_message(b->room.arg, MSG_PEER, &peer, pair[0]);
}

static void
on_pause(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	loop_stop(((struct edge_bench *)arg)->net.loop);
}

/* world_turn() runs events only: let the ends of turns have their part. */
void
edge_bench_turn(struct edge_bench *b)
{
	world_turn(&b->net);
	event_active(b->pause, EV_TIMEOUT, 0);
	loop_run(b->net.loop);
}

enum status
edge_bench_start(struct edge_bench *b, const char *key, struct err *e)
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
	memcpy(cfg.merchants[0].rules.store_id, "other", 6);
	memcpy(cfg.merchants[1].rules.store_id, "testbox", 8);
	for (int i = 0; i < 2; i++) {
		cfg.merchants[i].rules.confirm = b->confirm;
		cfg.merchants[i].rules.invoice_field = b->invoice_field;
		assert_int_equal(
		    rooms_add_password(&cfg.merchants[i], bytes_of(PASSWORD)),
		    ST_OK);
	}
	st = edge_start(&b->edge, &b->room, &cfg, e);
	secret_wipe(&cfg, sizeof(cfg)); /* as its process does */
	return st;
}

static void
open_room(struct edge_bench *b)
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

int
edge_bench_set_up_bare(void **state)
{
	struct edge_bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->confirm = CONFIRM_OFF;
	world_init(&b->net);
	world_start(&b->net, true);
	b->pause = event_new(loop_base(b->net.loop), -1, 0, on_pause, b);
	open_room(b);
	*state = b;
	return 0;
}

static int
set_up(void **state, enum confirm confirm)
{
	struct edge_bench *b;

	(void)edge_bench_set_up_bare(state);
	b = *state;
	b->confirm = confirm;
	assert_int_equal(edge_bench_start(b, NULL, NULL), ST_OK);
	assert_ptr_equal(b->room.arg, b->edge);
	return 0;
}

int
edge_bench_set_up(void **state)
{
	return set_up(state, CONFIRM_OFF);
}

int
edge_bench_set_up_required(void **state)
{
	return set_up(state, CONFIRM_REQUIRED);
}

int
edge_bench_tear_down(void **state)
{
	struct edge_bench *b = *state;

	edge_free(b->edge);
	channel_free(b->keeper);
	channel_free(b->asker);
	assert_int_equal(world_count(&b->net, MET_CONN_OPEN_CALLBACKS), 0);
	(void)close(b->room.listeners[0]);
	event_free(b->pause);
	world_stop(&b->net);
	free(b);
	return 0;
}

void
edge_bench_post(struct client *c, const struct buf *body)
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

void
edge_bench_post_paid(struct client *c)
{
	struct buf body;

	edge_bench_callback(&body, "VALID");
	edge_bench_post(c, &body);
	buf_fini(&body);
}

void
edge_bench_until_puts(struct edge_bench *b, size_t n)
{
	while (b->n_puts < n)
		edge_bench_turn(b);
	assert_int_equal(b->n_puts, n);
}

void
edge_bench_until_hints(struct edge_bench *b, size_t n)
{
	while (b->n_hints < n)
		edge_bench_turn(b);
	assert_int_equal(b->n_hints, n);
}

void
edge_bench_done(struct edge_bench *b, uint64_t tag, enum status st)
{
	struct msg_put_done m = { .tag = tag, .status = (uint32_t)st };

	assert_int_equal(channel_add(b->keeper, MSG_PUT_DONE, &m), ST_OK);
	edge_bench_turn(b);
}
