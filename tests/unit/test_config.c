/* The configuration: what a good file gives, and what each fault is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "config/ini.h"
#include "config/parse.h"

#define DIGEST \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

#define TLS   "[tls]\ncertificate = tls.crt\nkey = tls.key\n"
#define SHOP  "[merchant shop]\npassword_file = shop.password\nconfirm = off\n"
#define SMALL TLS SHOP /* six lines */
#define LEAST TLS "[merchant shop]\npassword_file = shop.password\n"

/* ---- helpers */

struct read {
	struct config *c;
	struct buf faults;
	enum status st;
};

static struct read
parse(const char *text, size_t len, char *const *env)
{
	const struct config_source src = { .file = "f.conf",
		.folder = "/etc/paysieve",
		.text = bytes_make(text, len),
		.env = env };
	struct read r;

	buf_init(&r.faults, 64 * 1024);
	r.st = config_parse(&r.c, &src, &r.faults);
	return r;
}

static void
done(struct read *r)
{
	config_free(r->c);
	buf_fini(&r->faults);
}

static const char *
faults_of(const struct read *r)
{
	return r->faults.len == 0 ? "" : (const char *)r->faults.data;
}

static void
expect_good(const char *text, char *const *env)
{
	struct read r = parse(text, strlen(text), env);

	assert_string_equal(faults_of(&r), "");
	assert_int_equal(r.st, ST_OK);
	assert_non_null(r.c);
	done(&r);
}

/* All the faults of text are these. */
static void
expect_faults(const char *text, char *const *env, const char *faults)
{
	struct read r = parse(text, strlen(text), env);

	assert_string_equal(faults_of(&r), faults);
	assert_int_equal(r.st, ST_CONFIG);
	assert_null(r.c);
	done(&r);
}

/* ---- good files */

static void
a_small_file_gets_the_usual_values(void **state)
{
	struct read r = parse(SMALL, strlen(SMALL), NULL);

	(void)state;
	assert_int_equal(r.st, ST_OK);
	assert_string_equal(r.c->file, "f.conf");
	assert_string_equal(r.c->callbacks.text, "0.0.0.0:8443");
	assert_int_equal(ntohs(r.c->callbacks.u.in.sin_port), 8443);
	assert_int_equal(r.c->callbacks.u.in.sin_addr.s_addr, INADDR_ANY);
	assert_string_equal(r.c->api.text, "127.0.0.1:8444");
	assert_string_equal(r.c->admin.text, "127.0.0.1:8445");
	assert_string_equal(r.c->certificate, "/etc/paysieve/tls.crt");
	assert_string_equal(r.c->store_path, "/var/lib/paysieve/receipts.db");
	assert_string_equal(
	    r.c->identity_key_file, "/etc/paysieve/identity.key");
	assert_int_equal(r.c->keep_s, 400 * 86400);
	assert_in_range(r.c->limits.edges, 1, 16);
	assert_int_equal(r.c->limits.connections, 10000);
	assert_int_equal(r.c->limits.connections_per_address, 256);
	assert_int_equal(r.c->limits.handshake_ms, 10000);
	assert_int_equal(r.c->limits.head_ms, 10000);
	assert_int_equal(r.c->limits.body_ms, 10000);
	assert_int_equal(r.c->limits.idle_ms, 60000);
	assert_int_equal(r.c->limits.drain_ms, 30000);
	assert_int_equal(r.c->limits.api_rate, 60000);
	assert_int_equal(r.c->limits.waiters, 4096);
	assert_int_equal(r.c->limits.redeliver_rate, 100);
	assert_int_equal(r.c->keep_attempts_s, 30 * 86400);
	assert_int_equal(r.c->keep_stopped_s, 400 * 86400);
	assert_int_equal(r.c->keep_refused_s, 90 * 86400);
	assert_string_equal(r.c->api_client_ca_file, "");
	assert_int_equal(r.c->n_merchants, 1);
	assert_string_equal(r.c->merchants[0].store_id, "shop");
	assert_int_equal(r.c->merchants[0].confirm, CONFIRM_OFF);
	assert_int_equal(r.c->merchants[0].invoice_field, INVOICE_TRAN_ID);
	assert_int_equal(r.c->merchants[0].amount_field, AMOUNT_REQUESTED);
	assert_int_equal(r.c->merchants[0].invoice_guard, INVOICE_GUARD_ON);
	assert_false(r.c->merchants[0].md5_only);
	assert_int_equal(r.c->merchants[0].billings, 0);
	done(&r);
}

static void
payments_are_confirmed_unless_it_is_said_otherwise(void **state)
{
	struct read r = parse(LEAST, strlen(LEAST), NULL);
	const struct config_merchant *m;

	(void)state;
	assert_string_equal(faults_of(&r), "");
	m = &r.c->merchants[0];
	assert_int_equal(m->confirm, CONFIRM_REQUIRED);
	assert_int_equal(m->confirm_for_s, 7 * 86400);
	assert_int_equal(m->refuse_after_s, 600);
	assert_string_equal(
	    m->provider_url, "https://securepay.sslcommerz.com");
	assert_string_equal(m->provider_ca_file, "");
	assert_int_equal(r.c->limits.ask_rate, 50);
	assert_int_equal(r.c->limits.asks_in_flight, 16);
	assert_int_equal(r.c->limits.ask_ms, 15000);
	done(&r);
	expect_good(LEAST "confirm = required\n", NULL);
}

static const char whole[] =
    "; a comment\n"
    "# another one; with a mark in it\n"
    "\n"
    "[listen]\n"
    "callbacks = [::1]:0 ; after a blank\n"
    "\tapi=127.0.0.1:9\t# after a tab\n"
    "admin = [::1]:65535\n" TLS "api_client_ca_file = clients.crt\n"
    "[store]\n"
    "url = sqlite:/data/a;b#c.db\n"
    "identity_key_file = /keys/id\n"
    "keep = 36h\n"
    "keep_attempts = 12h\n"
    "keep_stopped = 13h\n"
    "keep_refused = 14h\n"
    "[limits]\n"
    "api_rate = 8\n"
    "waiters = 9\n"
    "redeliver_rate = 10\n"
    "edges = 3\n"
    "idle_timeout = 1500ms\n"
    "drain_timeout = 2m\n"
    "ask_rate = 7\n"
    "asks_in_flight = 3\n"
    "ask_timeout = 60s\n"
    "[ merchant   Shop_2-x ]\n"
    "password_file = sub/p\n"
    "provider_url = http://localhost:81/x/\n"
    "provider_ca_file = trust/p.crt\n"
    "confirm = required\n"
    "confirm_for = 36h\n"
    "refuse_after = 0s\n"
    "invoice_field = value_c\n"
    "amount_field = settled\n"
    "invoice_guard = off\n"
    "md5_only = yes\n"
    "billing = second  main\n"
    "[billing main]\n"
    "url = https://billing.example/hooks\n"
    "secret_file = s\n"
    "timeout = 2s\n"
    "in_flight = 7\n"
    "rate = 5\n"
    "schedule = 1s  1500ms\t2m 7d\n"
    "order = invoice\n"
    "format = cloudevents-binary\n"
    "signing_key_file = sk\n"
    "certificate = us.crt\n"
    "key = us.key\n"
    "headers_file = more\n"
    "proxy = http://proxy.example:3128\n"
    "networks = 10.1.0.0/16 fd00:1::/32\n"
    "[billing second]\n"
    "url = http://127.9.9.9:8080/x?y=z\n"
    "secret_file = s2\n"
    "ca_file = ca.crt\n"
    "[token t]\n"
    "sha256 = " DIGEST "\n"
    "merchant = Shop_2-x\n"
    "scopes = read deliver confirm\n"
    "expires = 2028-02-29"; /* no newline at the end */

static void
a_whole_file_gives_every_value(void **state)
{
	struct read r = parse(whole, strlen(whole), NULL);
	const struct config_merchant *m;

	(void)state;
	assert_string_equal(faults_of(&r), "");
	assert_int_equal(r.c->callbacks.u.in6.sin6_family, AF_INET6);
	assert_int_equal(r.c->callbacks.len, sizeof(struct sockaddr_in6));
	assert_int_equal(r.c->callbacks.u.in6.sin6_port, 0);
	assert_string_equal(r.c->api.text, "127.0.0.1:9");
	assert_int_equal(ntohs(r.c->admin.u.in6.sin6_port), 65535);
	assert_string_equal(r.c->store_path, "/data/a;b#c.db");
	assert_string_equal(r.c->identity_key_file, "/keys/id");
	assert_int_equal(r.c->keep_s, 36 * 3600);
	assert_int_equal(r.c->keep_attempts_s, 12 * 3600);
	assert_int_equal(r.c->keep_stopped_s, 13 * 3600);
	assert_int_equal(r.c->keep_refused_s, 14 * 3600);
	assert_string_equal(
	    r.c->api_client_ca_file, "/etc/paysieve/clients.crt");
	assert_int_equal(r.c->limits.api_rate, 8);
	assert_int_equal(r.c->limits.waiters, 9);
	assert_int_equal(r.c->limits.redeliver_rate, 10);
	assert_int_equal(r.c->limits.edges, 3);
	assert_int_equal(r.c->limits.idle_ms, 1500);
	assert_int_equal(r.c->limits.drain_ms, 120000);
	assert_int_equal(r.c->limits.ask_rate, 7);
	assert_int_equal(r.c->limits.asks_in_flight, 3);
	assert_int_equal(r.c->limits.ask_ms, 60000);
	m = &r.c->merchants[0];
	assert_string_equal(m->store_id, "Shop_2-x");
	assert_string_equal(m->password_file, "/etc/paysieve/sub/p");
	assert_string_equal(m->provider_url, "http://localhost:81/x/");
	assert_string_equal(m->provider_ca_file, "/etc/paysieve/trust/p.crt");
	assert_int_equal(m->confirm, CONFIRM_REQUIRED);
	assert_int_equal(m->confirm_for_s, 36 * 3600);
	assert_int_equal(m->refuse_after_s, 0);
	assert_int_equal(m->invoice_field, INVOICE_VALUE_C);
	assert_int_equal(m->amount_field, AMOUNT_SETTLED);
	assert_int_equal(m->invoice_guard, INVOICE_GUARD_OFF);
	assert_true(m->md5_only);
	assert_int_equal(m->billings, 3);
	assert_int_equal(r.c->n_billings, 2);
	assert_string_equal(r.c->billings[0].name, "main");
	assert_string_equal(r.c->billings[0].ca_file, "");
	assert_int_equal(r.c->billings[0].timeout_ms, 2000);
	assert_int_equal(r.c->billings[0].in_flight, 7);
	assert_string_equal(r.c->billings[1].name, "second");
	assert_string_equal(r.c->billings[1].ca_file, "/etc/paysieve/ca.crt");
	assert_int_equal(r.c->billings[1].timeout_ms, 15000);
	assert_int_equal(r.c->billings[1].in_flight, 32);
	assert_int_equal(r.c->n_tokens, 1);
	assert_int_equal(r.c->tokens[0].sha256[1], 0x11);
	assert_string_equal(r.c->tokens[0].merchant, "Shop_2-x");
	assert_int_equal(
	    r.c->tokens[0].scopes, SCOPE_READ | SCOPE_DELIVER | SCOPE_CONFIRM);
	assert_true(r.c->tokens[0].expires_us == INT64_C(1835395200) * 1000000);
	done(&r);
}

/* ---- billings */

static void
a_whole_billing_gives_every_value(void **state)
{
	static const int64_t gaps[] = { 1000, 1500, 120000, 604800000 };
	static const unsigned char ten[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 1
	};
	static const unsigned char local[16] = { 0xfd, 0, 0, 1 };
	struct read r = parse(whole, strlen(whole), NULL);
	const struct config_billing *b;

	(void)state;
	assert_string_equal(faults_of(&r), "");
	b = &r.c->billings[0];
	assert_int_equal(b->rate, 5);
	assert_int_equal(b->schedule.n, 4);
	assert_memory_equal(b->schedule.gap_ms, gaps, sizeof(gaps));
	assert_int_equal(b->order, ORDER_INVOICE);
	assert_int_equal(b->format, FORMAT_CLOUDEVENTS_BINARY);
	assert_string_equal(b->signing_key_file, "/etc/paysieve/sk");
	assert_string_equal(b->certificate, "/etc/paysieve/us.crt");
	assert_string_equal(b->key, "/etc/paysieve/us.key");
	assert_string_equal(b->headers_file, "/etc/paysieve/more");
	assert_string_equal(b->proxy, "http://proxy.example:3128");
	assert_int_equal(b->networks.n, 2);
	assert_memory_equal(b->networks.list[0].address, ten, sizeof(ten));
	assert_int_equal(b->networks.list[0].bits, 112);
	assert_memory_equal(b->networks.list[1].address, local, sizeof(local));
	assert_int_equal(b->networks.list[1].bits, 32);
	done(&r);
}

/* Of a failed weekend nothing is lost: over 75 hours of attempts. */
static void
a_billing_is_tried_for_more_than_three_days(void **state)
{
	struct read r = parse(whole, strlen(whole), NULL);
	const struct config_billing *b = &r.c->billings[1];
	int64_t sum = 0;

	(void)state;
	assert_int_equal(b->schedule.n, 11);
	assert_int_equal(b->schedule.gap_ms[0], 5000);
	assert_int_equal(b->schedule.gap_ms[10], 24 * 3600000);
	for (size_t i = 0; i < b->schedule.n; i++)
		sum += b->schedule.gap_ms[i];
	assert_true(sum > 75 * INT64_C(3600000));
	assert_int_equal(b->order, ORDER_NONE);
	assert_int_equal(b->format, FORMAT_WEBHOOK);
	assert_int_equal(b->rate, 100000);
	assert_string_equal(b->signing_key_file, "");
	assert_string_equal(b->certificate, "");
	assert_string_equal(b->headers_file, "");
	assert_string_equal(b->proxy, "");
	assert_int_equal(b->networks.n, 0);
	done(&r);
}

#define BILLING "[billing b]\nurl = https://b.example\nsecret_file = s\n"

/* One billing whose key has this value. */
static struct read
parse_billing(const char *key, const char *value)
{
	char text[2048];

	(void)snprintf(
	    text, sizeof(text), "%s" BILLING "%s = %s\n", SMALL, key, value);
	return parse(text, strlen(text), NULL);
}

static void
a_schedule_has_1_to_24_gaps(void **state)
{
	struct buf text;
	struct read r;

	(void)state;
	buf_init(&text, 1024);
	for (int i = 0; i < CONFIG_GAPS; i++)
		buf_append_text(&text, "1s ");
	r = parse_billing("schedule", (const char *)text.data);
	assert_string_equal(faults_of(&r), "");
	assert_int_equal(r.c->billings[0].schedule.n, CONFIG_GAPS);
	done(&r);
	buf_append_text(&text, "1s");
	r = parse_billing("schedule", (const char *)text.data);
	assert_string_equal(
	    faults_of(&r), "f.conf:10: schedule: more than 24 gaps\n");
	done(&r);
	buf_fini(&text);
}

static const struct {
	const char *text;
	unsigned char last[4];
	uint32_t bits;
} networks[] = {
	{ "0.0.0.0/0", { 0, 0, 0, 0 }, 96 },
	{ "192.0.2.7/32", { 192, 0, 2, 7 }, 128 },
	{ "172.16.0.0/12", { 172, 16, 0, 0 }, 108 },
	{ "::1/128", { 0, 0, 0, 1 }, 128 },
	{ "::/0", { 0, 0, 0, 0 }, 0 },
};

static void
a_network_of_ipv4_is_one_of_mapped_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
		struct read r = parse_billing("networks", networks[i].text);
		const struct config_networks *n;

		assert_string_equal(faults_of(&r), "");
		n = &r.c->billings[0].networks;
		assert_int_equal(n->n, 1);
		assert_int_equal(n->list[0].bits, networks[i].bits);
		assert_memory_equal(
		    n->list[0].address + 12, networks[i].last, 4);
		assert_int_equal(n->list[0].address[11],
		    strchr(networks[i].text, ':') == NULL ? 0xff : 0);
		done(&r);
	}
}

static void
sixteen_networks_are_possible_and_no_more(void **state)
{
	struct buf text;
	struct read r;

	(void)state;
	buf_init(&text, 1024);
	for (int i = 0; i < CONFIG_NETWORKS; i++)
		buf_append_text(&text, "10.0.0.0/8 ");
	r = parse_billing("networks", (const char *)text.data);
	assert_string_equal(faults_of(&r), "");
	assert_int_equal(r.c->billings[0].networks.n, CONFIG_NETWORKS);
	done(&r);
	buf_append_text(&text, "10.0.0.0/8");
	r = parse_billing("networks", (const char *)text.data);
	assert_string_equal(
	    faults_of(&r), "f.conf:10: networks: more than 16 networks\n");
	done(&r);
	buf_fini(&text);
}

/* What is refused as the value of a key of a billing. */
static const struct {
	const char *key, *values[16], *words;
} bad_billing[] = {
	{ "schedule", { "", " " }, "needs at least one gap" },
	{ "schedule", { "5s, 10s", "5", "5s soon", "-5s", "5 s" },
	    "not a duration, such as 500ms, 10s, 5m, 2h or 400d" },
	{ "schedule", { "5s 999ms", "0s", "604800001ms", "5s 8d" },
	    "not between 1000ms and 604800000ms" },
	{ "order", { "", "Invoice", "none invoice" },
	    "neither none nor invoice" },
	{ "format", { "", "cloudevent", "cloudevents binary", "json" },
	    "none of webhook cloudevents cloudevents-binary" },
	{ "proxy",
	    { "https://p.example:1", "p.example:3128", "http://p.example",
		"http://p.example:0", "http://p.example:65536",
		"http://p.example:", "http://:3128", "http://",
		"http://p.example:3128/", "http://p.example:3128?x",
		"http://p.example:3128#x", "http://me:secret@p.example:3128",
		"http://p example:3128", "socks5://p.example:1080",
		"http://[::1:3128" },
	    "not http://host:port" },
	{ "networks",
	    { "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "/8",
		"10.0.0/8", "10.0.0.0/08", "10.0.0.0/8,192.168.0.0/16",
		"::1/129", "fe80::1%lo/64", "[::1]/128", "b.example/32",
		"10.0.0.0/8 x" },
	    "holds what is no network, such as 10.0.0.0/8 or fd00::/8" },
	{ "networks",
	    { "10.0.0.1/8", "10.0.0.0/8 192.0.2.1/24", "fd00::1/8", "1.0.0.0/0",
		"::1/127" },
	    "holds a network with bits behind its prefix" },
	{ "rate", { "0", "100001" }, "not between 1 and 100000" },
};

static void
every_fault_of_a_billing_has_its_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_billing); i++) {
		const char *const *value = bad_billing[i].values;

		for (; *value != NULL; value++) {
			struct read r =
			    parse_billing(bad_billing[i].key, *value);
			char want[256];

			(void)snprintf(want, sizeof(want),
			    "f.conf:10: %s: %s\n", bad_billing[i].key,
			    bad_billing[i].words);
			assert_string_equal(faults_of(&r), want);
			done(&r);
		}
	}
}

static void
a_proxy_may_be_an_address(void **state)
{
	static const char *const good[] = { "http://[2001:db8::1]:3128",
		"http://192.0.2.1:1", "http://p:65535" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct read r = parse_billing("proxy", good[i]);

		assert_string_equal(faults_of(&r), "");
		assert_string_equal(r.c->billings[0].proxy, good[i]);
		done(&r);
	}
}

/* ---- the day on which a token ends */

#define TOKEN                                                        \
	"[token t]\nsha256 = " DIGEST "\nmerchant = shop\nscopes = " \
	"read\nexpires = "

static void
a_token_expires_on_a_day_or_never(void **state)
{
	static const struct {
		const char *day;
		int64_t us;
	} good[] = { { "never", INT64_MAX }, { "1970-01-02", 86400000000 },
		{ "2026-12-01", INT64_C(1796083200000000) },
		{ "9999-12-31", INT64_C(253402214400000000) } };
	char text[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct read r;

		(void)snprintf(
		    text, sizeof(text), SMALL TOKEN "%s\n", good[i].day);
		r = parse(text, strlen(text), NULL);
		assert_string_equal(faults_of(&r), "");
		assert_true(r.c->tokens[0].expires_us == good[i].us);
		done(&r);
	}
	(void)snprintf(text, sizeof(text), "%s%.*s", SMALL,
	    (int)(strlen(TOKEN) - strlen("expires = ")), TOKEN);
	{
		struct read r = parse(text, strlen(text), NULL);

		assert_string_equal(faults_of(&r), "");
		assert_true(r.c->tokens[0].expires_us == INT64_MAX);
		done(&r);
	}
}

static void
a_day_that_is_none_is_refused(void **state)
{
	static const char *const no_day[] = { "2026-02-29", "2026-13-01",
		"2026-00-10", "2026-04-31", "2026-04-00", "1969-12-31",
		"0000-01-01" };
	static const char *const no_form[] = { "", "Never", "2026-4-1",
		"2026/04/01", "20260401", "2026-04-01T00:00:00Z", "2026-04-1x",
		"+026-04-01", "tomorrow", "30d" };
	char text[512], want[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_day) + ARRAY_LEN(no_form); i++) {
		bool form = i >= ARRAY_LEN(no_day);

		(void)snprintf(text, sizeof(text), SMALL TOKEN "%s\n",
		    form ? no_form[i - ARRAY_LEN(no_day)] : no_day[i]);
		(void)snprintf(want, sizeof(want), "f.conf:11: expires: %s\n",
		    form ? "neither YYYY-MM-DD nor never" : "no such day");
		expect_faults(text, NULL, want);
	}
}

/* ---- faults: of a small file with these lines behind it, from line 7 */

static const struct {
	const char *lines;
	const char *faults;
} bad[] = {
	{ "[nonsense]\nkey = 1\n", "f.conf:7: unknown section\n" },
	{ "[merchant]\n", "f.conf:7: this section needs a name\n" },
	{ "[store x]\n", "f.conf:7: this section takes no name\n" },
	{ "[tls]\n", "f.conf:7: section stated twice\n" },
	{ "[merchant shop]\n", "f.conf:7: section stated twice\n" },
	{ "[store\nkeep = 1x\n",
	    "f.conf:7: not a section; write [section] or [section name], the "
	    "name in 1 to 32 of A-Z a-z 0-9 _ -\n" },
	{ "[merchant a.b]\n",
	    "f.conf:7: not a section; write [section] or [section name], the "
	    "name in 1 to 32 of A-Z a-z 0-9 _ -\n" },
	{ "colour = red\n", "f.conf:7: unknown key\n" },
	{ "confirm = off\n", "f.conf:7: confirm: stated twice\n" },
	{ "confirm\n", "f.conf:7: neither a [section] nor key = value\n" },
	{ "Confirm = off\n",
	    "f.conf:7: neither a [section] nor key = value\n" },
	{ "a\001b = 1\n", "f.conf:7: control byte in the line (lines end in "
			  "LF alone)\n" },
	{ "md5_only = no\r\n",
	    "f.conf:7: control byte in the line (lines end in LF alone)\n" },
	{ "md5_only = maybe\n", "f.conf:7: md5_only: neither yes nor no\n" },
	{ "md5_only =\n", "f.conf:7: md5_only: neither yes nor no\n" },
	{ "invoice_field = value_e\n",
	    "f.conf:7: invoice_field: none of tran_id value_a value_b value_c "
	    "value_d\n" },
	{ "invoice_guard = no\n",
	    "f.conf:7: invoice_guard: neither on nor off\n" },
	{ "amount_field = both\n",
	    "f.conf:7: amount_field: neither requested nor settled\n" },
	{ "billing = main\n", "f.conf:7: billing: names a [billing ...] that "
			      "is not there\n" },
	{ "provider_url = http://example.com\n",
	    "f.conf:7: provider_url: http is for loopback only; use https\n" },
	{ "provider_url = ftp://example.com\n",
	    "f.conf:7: provider_url: not an https URL\n" },
	{ "provider_url = https://me:secret@example.com/\n",
	    "f.conf:7: provider_url: a URL with a user or password in it\n" },
	{ "provider_url = https://example.com/#here\n",
	    "f.conf:7: provider_url: a URL with a fragment\n" },
	{ "provider_url = https://exam ple.com\n",
	    "f.conf:7: provider_url: holds a character that no URL may "
	    "hold\n" },
	{ "provider_url = https://example.com:0\n",
	    "f.conf:7: provider_url: a URL whose host or port is not "
	    "valid\n" },
	{ "provider_url = https://:81\n",
	    "f.conf:7: provider_url: a URL whose host or port is not "
	    "valid\n" },
	{ "provider_url = http://127.0.0.1.example.com\n",
	    "f.conf:7: provider_url: http is for loopback only; use https\n" },
	{ "[listen]\napi = localhost:1\n",
	    "f.conf:8: api: not an address: host:port, the host as IPv4 or "
	    "[IPv6]\n" },
	{ "[listen]\napi = 127.0.0.1\n",
	    "f.conf:8: api: not an address: host:port, the host as IPv4 or "
	    "[IPv6]\n" },
	{ "[listen]\napi = ::1:80\n",
	    "f.conf:8: api: not an address: host:port, the host as IPv4 or "
	    "[IPv6]\n" },
	{ "[listen]\napi = 127.0.0.1:65536\n",
	    "f.conf:8: api: not an address: host:port, the host as IPv4 or "
	    "[IPv6]\n" },
	{ "[listen]\nadmin = 0.0.0.0:1\n",
	    "f.conf:8: admin: has to be a loopback address\n" },
	{ "[listen]\nadmin = [::]:1\n",
	    "f.conf:8: admin: has to be a loopback address\n" },
	{ "[listen]\napi = 10.0.0.1:8443\n",
	    "f.conf:8: api: the same address as callbacks\n" },
	{ "[listen]\nadmin = 127.0.0.1:8444\n",
	    "f.conf:8: admin: the same address as callbacks or api\n" },
	{ "[store]\nurl = postgres://x\n", "f.conf:8: url: not sqlite:PATH\n" },
	{ "[store]\nkeep = 400\n",
	    "f.conf:8: keep: not a duration, such as 500ms, 10s, 5m, 2h or "
	    "400d\n" },
	{ "[store]\nkeep = 1500ms\n",
	    "f.conf:8: keep: not in whole seconds\n" },
	{ "[store]\nkeep = 0d\n",
	    "f.conf:8: keep: not between 1s and 3153600000s\n" },
	{ "[store]\nkeep = 99999999999d\n",
	    "f.conf:8: keep: not a duration, such as 500ms, 10s, 5m, 2h or "
	    "400d\n" },
	{ "[limits]\nedges = 17\n", "f.conf:8: edges: not between 1 and 16\n" },
	{ "[limits]\nedges = -1\n", "f.conf:8: edges: not a whole number\n" },
	{ "[limits]\nconnections = 1e3\n",
	    "f.conf:8: connections: not a whole number\n" },
	{ "[limits]\nhead_timeout = 1h\n",
	    "f.conf:8: head_timeout: not between 100ms and 600000ms\n" },
	{ "[billing b]\nurl = https://b.example\n",
	    "f.conf:7: secret_file: needed in section [billing ...], but not "
	    "stated\n" },
	{ "[billing b]\nurl = https://b.example\nsecret_file = s\ntimeout = "
	  "31s\nin_flight = 0\n",
	    "f.conf:10: timeout: not between 1000ms and 30000ms\n"
	    "f.conf:11: in_flight: not between 1 and 1024\n" },
	{ "[token t]\nsha256 = 00\nmerchant = other\nscopes = write\n",
	    "f.conf:8: sha256: not 64 hex digits\n"
	    "f.conf:9: merchant: names a [merchant ...] that is not there\n"
	    "f.conf:10: scopes: knows only read, erase, check, deliver and "
	    "confirm\n" },
	{ "[token t]\nsha256 = " DIGEST "\nmerchant = shop\nscopes =\n",
	    "f.conf:10: scopes: needs at least one scope\n" },
	{ "[token a]\nsha256 = " DIGEST "\nmerchant = shop\nscopes = read\n"
	  "[token b]\nsha256 = " DIGEST "\nmerchant = shop\nscopes = erase\n",
	    "f.conf:12: sha256: the digest of another token\n" },
	{ "[merchant b]\nconfirm = yes\npassword_file = b\n",
	    "f.conf:8: confirm: neither required nor off\n" },
	{ "provider_url = https://example.com/base?store=1\n",
	    "f.conf:7: provider_url: a URL with a query; paths are put behind "
	    "this one\n" },
	{ "provider_ca_file =\nconfirm_for = 0s\nrefuse_after = 8d\n",
	    "f.conf:8: confirm_for: not between 1s and 31536000s\n"
	    "f.conf:9: refuse_after: not between 0s and 604800s\n" },
	{ "confirm_for = 366d\nrefuse_after = 500ms\n",
	    "f.conf:7: confirm_for: not between 1s and 31536000s\n"
	    "f.conf:8: refuse_after: not in whole seconds\n" },
	{ "[limits]\nask_rate = 0\nasks_in_flight = 0\nask_timeout = 999ms\n",
	    "f.conf:8: ask_rate: not between 1 and 100000\n"
	    "f.conf:9: asks_in_flight: not between 1 and 1024\n"
	    "f.conf:10: ask_timeout: not between 1000ms and 60000ms\n" },
	{ BILLING "certificate = c\n",
	    "f.conf:10: certificate: certificate and key go together\n" },
	{ BILLING "key = k\n",
	    "f.conf:10: key: certificate and key go together\n" },
	{ "[billing b]\nurl = http://localhost/x\nsecret_file = s\n"
	  "proxy = http://p.example:3128\n",
	    "f.conf:10: proxy: is for https only\n" },
	{ "[limits]\napi_rate = 0\nwaiters = 100001\nredeliver_rate = 0\n",
	    "f.conf:8: api_rate: not between 1 and 6000000\n"
	    "f.conf:9: waiters: not between 1 and 100000\n"
	    "f.conf:10: redeliver_rate: not between 1 and 100000\n" },
	{ "[limits]\nask_rate = 100001\nasks_in_flight = 1025\n"
	  "ask_timeout = 61s\n",
	    "f.conf:8: ask_rate: not between 1 and 100000\n"
	    "f.conf:9: asks_in_flight: not between 1 and 1024\n"
	    "f.conf:10: ask_timeout: not between 1000ms and 60000ms\n" },
};

static void
every_fault_has_its_line_and_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[2048];

		(void)snprintf(text, sizeof(text), "%s%s", SMALL, bad[i].lines);
		expect_faults(text, NULL, bad[i].faults);
	}
}

static void
faults_of_all_kinds_come_at_once(void **state)
{
	(void)state;
	expect_faults("key = 1\n[limits]\nedges = x\nfoo = 1\n[merchant a]\n",
	    NULL,
	    "f.conf:1: a key before any section\n"
	    "f.conf:4: unknown key\n"
	    "f.conf: certificate: needed in section [tls], but not stated\n"
	    "f.conf: key: needed in section [tls], but not stated\n"
	    "f.conf:3: edges: not a whole number\n"
	    "f.conf:5: password_file: needed in section [merchant ...], but "
	    "not stated\n");
}

static void
a_file_without_a_merchant_is_refused(void **state)
{
	(void)state;
	expect_faults(TLS, NULL, "f.conf: no [merchant ...] section\n");
}

static void
no_value_is_ever_repeated(void **state)
{
	static const char text[] =
	    SMALL "billing = canary\nprovider_url = canary\n"
		  "md5_only = canary\ncanary = canary\ncanary\n"
		  "[billing canary]\nschedule = canary\norder = canary\n"
		  "format = canary\nproxy = canary\nnetworks = canary/8\n"
		  "networks = 10.0.0.0/8 canary\n"
		  "[canary]\n[store canary]\n[can.ary]\n[store]\n"
		  "keep = canary\nurl = canary\n[listen]\napi = canary\n"
		  "admin = canary\n[limits]\nedges = canary\n[token canary]\n"
		  "sha256 = canary\nmerchant = canary\nscopes = canary\n"
		  "expires = canary\n";
	struct read r = parse(text, strlen(text), NULL);

	(void)state;
	assert_int_equal(r.st, ST_CONFIG);
	assert_null(strstr(faults_of(&r), "canary"));
	done(&r);
}

static void
a_line_may_have_1024_bytes_and_no_more(void **state)
{
	char text[2200];
	size_t n = strlen(SMALL);

	(void)state;
	memcpy(text, SMALL, n);
	text[n] = ';';
	memset(text + n + 1, 'x', INI_LINE);
	text[n + INI_LINE] = '\n';
	text[n + INI_LINE + 1] = '\0';
	expect_good(text, NULL);
	text[n + INI_LINE] = 'x';
	text[n + INI_LINE + 1] = '\n';
	text[n + INI_LINE + 2] = '\0';
	expect_faults(text, NULL, "f.conf:7: line longer than 1024 bytes\n");
}

static void
a_nul_byte_is_refused(void **state)
{
	static const char text[] = SMALL "md5_only = no\0\n";
	struct read r = parse(text, sizeof(text) - 1, NULL);

	(void)state;
	assert_string_equal(faults_of(&r),
	    "f.conf:7: control byte in the line (lines end in LF alone)\n");
	done(&r);
}

static void
sections_beyond_the_limit_are_refused(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 65536);
	buf_append_text(&text, SMALL);
	for (int i = 0; i <= CONFIG_BILLINGS; i++)
		buf_printf(&text,
		    "[billing b%d]\nurl = https://b.example\nsecret_file = s\n",
		    i);
	expect_faults((const char *)text.data, NULL,
	    "f.conf:103: too many sections of this kind\n");
	buf_fini(&text);
}

static void
a_flood_of_faults_is_cut(void **state)
{
	struct buf text;
	struct read r;
	size_t lines = 0;

	(void)state;
	buf_init(&text, 65536);
	for (int i = 0; i < 500; i++)
		buf_append_text(&text, "x\n");
	r = parse((const char *)text.data, text.len, NULL);
	for (const char *at = faults_of(&r); *at != '\0'; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 101);
	assert_non_null(
	    strstr(faults_of(&r), "f.conf: further faults are not shown\n"));
	done(&r);
	buf_fini(&text);
}

static void
a_path_too_long_is_refused(void **state)
{
	char text[1024];

	(void)state;
	(void)snprintf(
	    text, sizeof(text), "%s[store]\nurl = sqlite:/%0200d\n", SMALL, 0);
	expect_faults(text, NULL,
	    "f.conf:8: url: the path is too long for the control socket that "
	    "stands beside the store (98 bytes)\n");
	(void)snprintf(text, sizeof(text),
	    "%s[store]\nidentity_key_file = "
	    "/%0600d\n",
	    SMALL, 0);
	expect_faults(text, NULL,
	    "f.conf:8: identity_key_file: the file's path is longer than 511 "
	    "bytes\n");
}

/* ---- environment */

static void
the_environment_comes_before_the_file(void **state)
{
	static const char text[] = SMALL "[merchant my-shop]\n"
					 "password_file = p\n"
					 "md5_only = no\n";
	char *const env[] = { (char[]){ "HOME=/root" },
		(char[]){ "PAYSIEVE_CONFIG=/somewhere" },
		(char[]){ "PAYSIEVE_LISTEN_API=127.0.0.1:77" },
		(char[]){ "PAYSIEVE_LIMITS_CONNECTIONS_PER_ADDRESS=5" },
		(char[]){ "PAYSIEVE_MERCHANT_MY_SHOP_CONFIRM=off" },
		(char[]){ "PAYSIEVE_MERCHANT_MY_SHOP_MD5_ONLY=yes" }, NULL };
	struct read r = parse(text, strlen(text), env);

	(void)state;
	assert_string_equal(faults_of(&r), "");
	assert_string_equal(r.c->api.text, "127.0.0.1:77");
	assert_int_equal(r.c->limits.connections_per_address, 5);
	assert_int_equal(r.c->merchants[1].confirm, CONFIRM_OFF);
	assert_true(r.c->merchants[1].md5_only);
	assert_false(r.c->merchants[0].md5_only);
	done(&r);
}

static void
a_faulty_variable_is_named_without_its_value(void **state)
{
	char *const env[] = { (char[]){ "PAYSIEVE_LISTEN_API=canary" },
		(char[]){ "PAYSIEVE_STORE_KEEP=1\n2" },
		(char[]){ "PAYSIEVE_STOR_KEEP=1d" },
		(char[]){ "PAYSIEVE_canary=1d" },
		(char[]){ "PAYSIEVE_MERCHANT_OTHER_CONFIRM=off" }, NULL };

	(void)state;
	expect_faults(SMALL, env,
	    "environment: PAYSIEVE_STORE_KEEP: holds a control byte or more "
	    "than 1024 bytes\n"
	    "environment: PAYSIEVE_STOR_KEEP: no such key or section\n"
	    "environment: PAYSIEVE_...: no such key or section\n"
	    "environment: PAYSIEVE_MERCHANT_OTHER_CONFIRM: no such key or "
	    "section\n"
	    "environment: PAYSIEVE_LISTEN_API: not an address: host:port, the "
	    "host as IPv4 or [IPv6]\n");
}

static void
a_variable_that_fits_two_sections_is_refused(void **state)
{
	static const char text[] =
	    SMALL "[merchant a-b]\npassword_file = p\nconfirm = off\n"
		  "[merchant a_b]\npassword_file = p\nconfirm = off\n";
	char *const env[] = { (char[]){ "PAYSIEVE_MERCHANT_A_B_MD5_ONLY=yes" },
		NULL };

	(void)state;
	expect_good(text, NULL);
	expect_faults(text, env,
	    "environment: PAYSIEVE_MERCHANT_A_B_MD5_ONLY: could mean more "
	    "than one key\n");
}

/* ---- config_load(): a folder with the files of SMALL */

static void
write_file(const char *folder, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	char *folder = strdup("/tmp/paysieve-config-XXXXXX");

	if (folder == NULL || mkdtemp(folder) == NULL)
		return -1;
	write_file(folder, "tls.crt", "x");
	write_file(folder, "tls.key", "x");
	write_file(folder, "shop.password", "x");
	write_file(folder, "f.conf", SMALL "[store]\nurl = sqlite:r.db\n");
	*state = folder;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "tls.crt", "tls.key",
		"shop.password", "f.conf" };
	char path[512];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s",
		    (const char *)*state, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(*state);
	free(*state);
	return 0;
}

static enum status
load(const char *path, struct config **c, struct buf *faults)
{
	buf_init(faults, 4096);
	return config_load(c, path, faults);
}

static void
relative_names_start_at_the_file(void **state)
{
	char path[256], want[256], socket[256];
	struct config *c;
	struct buf faults;

	(void)snprintf(path, sizeof(path), "%s/f.conf", (char *)*state);
	assert_int_equal(load(path, &c, &faults), ST_OK);
	(void)snprintf(want, sizeof(want), "%s/tls.key", (char *)*state);
	assert_string_equal(c->key, want);
	(void)snprintf(want, sizeof(want), "%s/r.db", (char *)*state);
	assert_string_equal(c->store_path, want);
	assert_int_equal(config_control_path(c, socket, sizeof(socket)), ST_OK);
	(void)snprintf(want, sizeof(want), "%s/r.db-control", (char *)*state);
	assert_string_equal(socket, want);
	assert_int_equal(config_control_path(c, socket, 12), ST_CONFIG);
	config_free(c);
	buf_fini(&faults);
}

static void
the_process_environment_is_read(void **state)
{
	char path[256];
	struct config *c;
	struct buf faults;

	(void)snprintf(path, sizeof(path), "%s/f.conf", (char *)*state);
	assert_int_equal(setenv("PAYSIEVE_LIMITS_EDGES", "7", 1), 0);
	assert_int_equal(load(path, &c, &faults), ST_OK);
	assert_int_equal(c->limits.edges, 7);
	assert_int_equal(unsetenv("PAYSIEVE_LIMITS_EDGES"), 0);
	config_free(c);
	buf_fini(&faults);
}

static void
files_that_are_named_have_to_exist(void **state)
{
	char path[256], want[600];
	struct config *c;
	struct buf faults;

	(void)snprintf(path, sizeof(path), "%s/tls.key", (char *)*state);
	assert_int_equal(unlink(path), 0);
	(void)snprintf(path, sizeof(path), "%s/f.conf", (char *)*state);
	assert_int_equal(load(path, &c, &faults), ST_CONFIG);
	(void)snprintf(want, sizeof(want),
	    "%s:3: key: the file it names: No such file or directory\n", path);
	assert_string_equal((const char *)faults.data, want);
	buf_fini(&faults);
}

static void
a_file_that_is_not_there_is_a_fault(void **state)
{
	char path[256];
	struct config *c;
	struct buf faults;

	(void)snprintf(path, sizeof(path), "%s/none", (char *)*state);
	assert_int_equal(load(path, &c, &faults), ST_CONFIG);
	assert_non_null(
	    strstr((const char *)faults.data, ": No such file or directory"));
	assert_null(c);
	buf_fini(&faults);
	assert_int_equal(load(*state, &c, &faults), ST_CONFIG);
	assert_non_null(strstr((const char *)faults.data, ": Is a directory"));
	buf_fini(&faults);
}

static void
a_file_of_more_than_256_kib_is_refused(void **state)
{
	char path[256];
	struct config *c;
	struct buf faults;

	(void)snprintf(path, sizeof(path), "%s/f.conf", (char *)*state);
	assert_int_equal(truncate(path, INI_FILE + 1), 0);
	assert_int_equal(load(path, &c, &faults), ST_CONFIG);
	assert_non_null(
	    strstr((const char *)faults.data, ": longer than 256 KiB\n"));
	buf_fini(&faults);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_file_gets_the_usual_values),
		cmocka_unit_test(
		    payments_are_confirmed_unless_it_is_said_otherwise),
		cmocka_unit_test(a_whole_file_gives_every_value),
		cmocka_unit_test(a_whole_billing_gives_every_value),
		cmocka_unit_test(a_billing_is_tried_for_more_than_three_days),
		cmocka_unit_test(a_schedule_has_1_to_24_gaps),
		cmocka_unit_test(a_network_of_ipv4_is_one_of_mapped_addresses),
		cmocka_unit_test(sixteen_networks_are_possible_and_no_more),
		cmocka_unit_test(every_fault_of_a_billing_has_its_words),
		cmocka_unit_test(a_proxy_may_be_an_address),
		cmocka_unit_test(a_token_expires_on_a_day_or_never),
		cmocka_unit_test(a_day_that_is_none_is_refused),
		cmocka_unit_test(every_fault_has_its_line_and_words),
		cmocka_unit_test(faults_of_all_kinds_come_at_once),
		cmocka_unit_test(a_file_without_a_merchant_is_refused),
		cmocka_unit_test(no_value_is_ever_repeated),
		cmocka_unit_test(a_line_may_have_1024_bytes_and_no_more),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(sections_beyond_the_limit_are_refused),
		cmocka_unit_test(a_flood_of_faults_is_cut),
		cmocka_unit_test(a_path_too_long_is_refused),
		cmocka_unit_test(the_environment_comes_before_the_file),
		cmocka_unit_test(a_faulty_variable_is_named_without_its_value),
		cmocka_unit_test(a_variable_that_fits_two_sections_is_refused),
		cmocka_unit_test_setup_teardown(
		    relative_names_start_at_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_process_environment_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    files_that_are_named_have_to_exist, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_file_that_is_not_there_is_a_fault, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_file_of_more_than_256_kib_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
