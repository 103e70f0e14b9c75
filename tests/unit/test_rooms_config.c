/* What each room gets to know, and the files that it comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/rooms.h"
#include "config/whsec.h"

#define CERTIFICATE \
	"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
#define IDENTITY \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"

/* bytes 0x20 to 0x3f, and 24 zero bytes */
#define SECRET	"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
#define SECRET2 "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* RFC 8032, 7.1, test 1: the seed, and with its public key behind it. */
#define SIGNER "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
#define SIGNER_PAIR                                                      \
	"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/" \
	"tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
/* 32 zero bytes */
#define SIGNER2 "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const unsigned char ticket[ROOMS_TICKET] = { 7, 8, 9 };

struct world {
	char folder[64];
	struct config *c;
	struct edge_config *edge;
	struct courier_config *courier;
	struct desk_config *desk;
	struct keeper_config *keeper;
	struct asker_config *asker;
	struct err e;
};

/* ---- fixture */

static void
path_of(const struct world *w, const char *name, char out[CONFIG_PATH])
{
	(void)snprintf(out, CONFIG_PATH, "%s/%s", w->folder, name);
}

static void
write_bytes(
    const struct world *w, const char *name, const char *text, size_t len)
{
	char path[CONFIG_PATH];
	FILE *f;

	path_of(w, name, path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
write_file(const struct world *w, const char *name, const char *text)
{
	write_bytes(w, name, text, strlen(text));
}

static void
set_mode(const struct world *w, const char *name, mode_t mode)
{
	char path[CONFIG_PATH];

	path_of(w, name, path);
	assert_int_equal(chmod(path, mode), 0);
}

static struct config *
make_config(const struct world *w)
{
	struct config *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	(void)snprintf(c->file, sizeof(c->file), "f.conf");
	path_of(w, "tls.crt", c->certificate);
	path_of(w, "tls.key", c->key);
	path_of(w, "identity.key", c->identity_key_file);
	path_of(w, "r.db", c->store_path);
	c->keep_s = 99;
	c->keep_attempts_s = 88;
	c->keep_stopped_s = 89;
	c->keep_refused_s = 90;
	c->limits.redeliver_rate = 77;
	c->limits.head_ms = 1234;
	c->limits.ask_rate = 50;
	c->limits.asks_in_flight = 16;
	c->limits.ask_ms = 15000;
	c->n_merchants = 2;
	strncpy(c->merchants[0].store_id, "shop", CONFIG_NAME - 1);
	strncpy(c->merchants[1].store_id, "other", CONFIG_NAME - 1);
	for (size_t i = 0; i < 2; i++) {
		c->merchants[i].confirm = CONFIRM_OFF;
		c->merchants[i].confirm_for_s = 70;
		c->merchants[i].refuse_after_s = 8;
		path_of(w, "password", c->merchants[i].password_file);
		strncpy(c->merchants[i].provider_url, "https://pay.example",
		    CONFIG_URL - 1);
	}
	c->merchants[0].confirm = CONFIRM_REQUIRED;
	c->merchants[1].billings = 1;
	c->merchants[1].invoice_field = INVOICE_VALUE_B;
	c->merchants[1].invoice_guard = INVOICE_GUARD_OFF;
	c->merchants[1].md5_only = true;
	c->n_billings = 1;
	strncpy(c->billings[0].name, "main", CONFIG_NAME - 1);
	strncpy(c->billings[0].url, "https://b.example", CONFIG_URL - 1);
	path_of(w, "billing.secret", c->billings[0].secret_file);
	path_of(w, "ca.crt", c->billings[0].ca_file);
	c->billings[0].timeout_ms = 15000;
	c->billings[0].in_flight = 32;
	c->billings[0].rate = 9;
	c->billings[0].schedule.n = 2;
	c->billings[0].schedule.gap_ms[1] = 4000;
	c->billings[0].order = ORDER_INVOICE;
	c->billings[0].format = FORMAT_CLOUDEVENTS;
	c->n_tokens = 1;
	strncpy(c->tokens[0].name, "t", CONFIG_NAME - 1);
	c->tokens[0].sha256[31] = 5;
	strncpy(c->tokens[0].merchant, "shop", CONFIG_NAME - 1);
	c->tokens[0].scopes = SCOPE_READ;
	c->tokens[0].expires_us = 123;
	return c;
}

/* Rooms start from a memory full of other things. */
static void *
stale(size_t n)
{
	void *p = malloc(n);

	assert_non_null(p);
	memset(p, 0xa5, n);
	return p;
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -1;
	(void)snprintf(
	    w->folder, sizeof(w->folder), "/tmp/paysieve-rooms-XXXXXX");
	if (mkdtemp(w->folder) == NULL)
		return -1;
	write_file(w, "tls.crt", CERTIFICATE);
	write_file(w, "tls.key", KEY);
	write_file(w, "ca.crt", CERTIFICATE);
	write_file(w, "identity.key", IDENTITY);
	write_file(w, "password", "testbox\n");
	write_file(w, "billing.secret", SECRET "\n" SECRET2 "\n");
	w->c = make_config(w);
	w->edge = stale(sizeof(*w->edge));
	w->courier = stale(sizeof(*w->courier));
	w->desk = stale(sizeof(*w->desk));
	w->keeper = stale(sizeof(*w->keeper));
	w->asker = stale(sizeof(*w->asker));
	*state = w;
	return 0;
}

static size_t
remove_files(const char *folder)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	assert_non_null(dir);
	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		if (d->d_name[0] == '.')
			continue;
		assert_int_equal(unlinkat(dirfd(dir), d->d_name, 0), 0);
		n++;
	}
	(void)closedir(dir);
	return n;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	(void)remove_files(w->folder);
	(void)rmdir(w->folder);
	free(w->c);
	free(w->edge);
	free(w->courier);
	free(w->desk);
	free(w->keeper);
	free(w->asker);
	free(w);
	return 0;
}

/* ---- helpers */

static bool
is_zero(const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++) {
		if (b[i] != 0)
			return false;
	}
	return true;
}

static enum status
edge(struct world *w, bool create)
{
	return rooms_edge(w->c, create, ticket, w->edge, &w->e);
}

/* The edge is refused with these words behind the file's name, and nothing
 * is left in it. */
static void
expect_edge_refused(struct world *w, const char *name, const char *words)
{
	char want[1024];

	assert_int_equal(edge(w, true), ST_CONFIG);
	(void)snprintf(want, sizeof(want), "%s/%s: %s", w->folder, name, words);
	assert_string_equal(w->e.text, want);
	assert_true(is_zero(w->edge, sizeof(*w->edge)));
}

/* ---- what rooms get */

static void
the_edge_gets_digests_and_no_password(void **state)
{
	struct world *w = *state;
	const struct edge_merchant *m = &w->edge->merchants[1];

	assert_int_equal(edge(w, false), ST_OK);
	assert_string_equal(w->edge->tls.certificate,
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----");
	assert_memory_equal(w->edge->tls.ticket, ticket, ROOMS_TICKET);
	assert_int_equal(w->edge->identity_key[1], 0x11);
	assert_int_equal(w->edge->limits.head_ms, 1234);
	assert_int_equal(w->edge->n_merchants, 2);
	assert_string_equal(m->rules.store_id, "other");
	assert_int_equal(m->n_passwords, 1);
	assert_string_equal(m->md5[0], "657e3a67772f5d0a73c73df116be5411");
	assert_int_equal(strlen(m->sha256[0]), 64);
	assert_int_equal(m->rules.confirm, CONFIRM_OFF);
	assert_int_equal(m->rules.invoice_field, INVOICE_VALUE_B);
	assert_int_equal(m->rules.invoice_guard, INVOICE_GUARD_OFF);
	assert_true(m->rules.md5_only);
	assert_null(memmem(w->edge, sizeof(*w->edge), "testbox", 7));
}

static void
two_passwords_may_be_valid_at_once(void **state)
{
	struct world *w = *state;

	write_file(w, "password", "one\ntwo words");
	assert_int_equal(edge(w, false), ST_OK);
	assert_int_equal(w->edge->merchants[0].n_passwords, 2);
	assert_string_not_equal(
	    w->edge->merchants[0].md5[0], w->edge->merchants[0].md5[1]);
}

static void
the_courier_gets_decoded_secrets(void **state)
{
	struct world *w = *state;
	const struct courier_billing *b = &w->courier->billings[0];

	assert_int_equal(rooms_courier(w->c, w->courier, &w->e), ST_OK);
	assert_int_equal(w->courier->n_billings, 1);
	assert_string_equal(b->name, "main");
	assert_string_equal(b->url, "https://b.example");
	assert_int_equal(b->event.n_secrets, 2);
	assert_int_equal(b->event.secret_len[0], 32);
	for (int i = 0; i < 32; i++)
		assert_int_equal(b->event.secret[0][i], 0x20 + i);
	assert_int_equal(b->event.secret_len[1], 24);
	assert_non_null(strstr(b->ca, "CERTIFICATE"));
	assert_int_equal(b->timeout_ms, 15000);
	assert_int_equal(b->in_flight, 32);
	assert_int_equal(b->event.format, FORMAT_CLOUDEVENTS);
	/* What is not configured is not there. */
	assert_int_equal(b->event.n_signing_keys, 0);
	assert_string_equal(b->event.headers, "");
	assert_string_equal(b->certificate, "");
	assert_string_equal(b->key, "");
	assert_string_equal(b->proxy, "");
	assert_int_equal(b->networks.n, 0);
}

static enum status
courier(struct world *w)
{
	return rooms_courier(w->c, w->courier, &w->e);
}

/* The courier is refused with these words behind the file's name, and nothing
 * is left in it. */
static void
expect_courier_refused(struct world *w, const char *name, const char *words)
{
	char want[1024];

	assert_int_equal(courier(w), ST_CONFIG);
	(void)snprintf(want, sizeof(want), "%s/%s: %s", w->folder, name, words);
	assert_string_equal(w->e.text, want);
	assert_true(is_zero(w->courier, sizeof(*w->courier)));
}

static void
the_courier_gets_all_that_a_billing_asks_for(void **state)
{
	struct world *w = *state;
	struct config_billing *from = &w->c->billings[0];
	const struct courier_billing *b = &w->courier->billings[0];

	path_of(w, "us.crt", from->certificate);
	path_of(w, "us.key", from->key);
	path_of(w, "more", from->headers_file);
	write_file(w, "us.crt", CERTIFICATE CERTIFICATE);
	write_file(w, "us.key", KEY);
	write_file(w, "more", "Authorization: Bearer x y\nX-Shop: 7");
	strncpy(from->proxy, "http://p.example:1", CONFIG_URL - 1);
	from->networks.n = 1;
	from->networks.list[0] = (struct network){ { 0xfd }, 8 };
	assert_int_equal(courier(w), ST_OK);
	assert_string_equal(
	    b->event.headers, "Authorization: Bearer x y\nX-Shop: 7\n");
	assert_non_null(strstr(b->certificate, "BEGIN CERTIFICATE"));
	assert_non_null(strstr(b->key, "BEGIN PRIVATE KEY"));
	assert_string_equal(b->proxy, "http://p.example:1");
	assert_int_equal(b->networks.n, 1);
	assert_int_equal(b->networks.list[0].bits, 8);
	assert_int_equal(b->networks.list[0].address[0], 0xfd);
}

/* ---- signing keys */

static const unsigned char signer_seed[ED25519_SEED] = { 0x9d, 0x61, 0xb1, 0x9d,
	0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
	0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03,
	0x1c, 0xae, 0x7f, 0x60 };
static const unsigned char signer_public[ED25519_PUBLIC] = { 0xd7, 0x5a, 0x98,
	0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
	0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a,
	0x68, 0xf7, 0x07, 0x51, 0x1a };

static void
sign_with(struct world *w, const char *lines)
{
	path_of(w, "signers", w->c->billings[0].signing_key_file);
	write_file(w, "signers", lines);
}

static void
the_courier_gets_seeds_and_the_desk_what_verifies(void **state)
{
	struct world *w = *state;
	const struct event_rules *r = &w->courier->billings[0].event;

	sign_with(w, SIGNER "\n" SIGNER2 "\n");
	assert_int_equal(courier(w), ST_OK);
	assert_int_equal(r->n_signing_keys, 2);
	assert_memory_equal(r->signing_key[0], signer_seed, ED25519_SEED);
	assert_true(is_zero(r->signing_key[1], ED25519_SEED));
	assert_int_equal(rooms_desk(w->c, ticket, w->desk, &w->e), ST_OK);
	assert_int_equal(w->desk->n_public_keys, 2);
	assert_memory_equal(
	    w->desk->public_keys[0], signer_public, ED25519_PUBLIC);
	assert_null(
	    memmem(w->desk, sizeof(*w->desk), signer_seed, ED25519_SEED));
}

static void
a_seed_may_come_with_its_public_key(void **state)
{
	struct world *w = *state;
	const struct event_rules *r = &w->courier->billings[0].event;

	sign_with(w, SIGNER_PAIR);
	assert_int_equal(courier(w), ST_OK);
	assert_int_equal(r->n_signing_keys, 1);
	assert_memory_equal(r->signing_key[0], signer_seed, ED25519_SEED);
}

static void
billings_that_sign_alike_show_one_public_key(void **state)
{
	struct world *w = *state;

	sign_with(w, SIGNER "\n" SIGNER2);
	w->c->n_billings = 3;
	w->c->billings[1] = w->c->billings[0];
	w->c->billings[2] = w->c->billings[0];
	path_of(w, "signers3", w->c->billings[2].signing_key_file);
	write_file(w, "signers3", SIGNER_PAIR);
	w->c->billings[1].signing_key_file[0] = '\0';
	assert_int_equal(rooms_desk(w->c, ticket, w->desk, &w->e), ST_OK);
	assert_int_equal(w->desk->n_public_keys, 2);
}

static void
a_signing_key_has_to_be_a_seed_that_fits(void **state)
{
	static const char *const bad[] = { "whsk_",
		"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=",
		SECRET, /* another prefix */
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyufw==", /* 31 */
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",  /* bare */
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2C=", /* bits */
		/* 63 bytes, and another's public key */
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/"
		"tPJZAc6DuFy89qmIyWvAhpo9wdR",
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/"
		"tPJZAc6DuFy89qmIyWvAhpo9wdRGw==",
		SIGNER "\n\n" SIGNER2, SIGNER " ",
		SIGNER "\n" SIGNER "\n" SIGNER "\n" SIGNER "\n" SIGNER };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		sign_with(w, bad[i]);
		expect_courier_refused(w, "signers",
		    "not 1 to 4 lines with whsk_ and the base64 of an Ed25519 "
		    "seed (32 bytes), or of it and its public key, each");
		assert_int_equal(
		    rooms_desk(w->c, ticket, w->desk, &w->e), ST_CONFIG);
		assert_true(is_zero(w->desk, sizeof(*w->desk)));
	}
	sign_with(w, SIGNER);
	set_mode(w, "signers", 0604);
	expect_courier_refused(w, "signers", "others may read it; chmod 600");
}

static void
a_refused_signing_key_leaves_nothing_behind(void **state)
{
	unsigned char out[ED25519_SEED];

	(void)state;
	memset(out, 0xa5, sizeof(out));
	assert_false(whsk_decode(bytes_of(SECRET), out));
	assert_true(is_zero(out, sizeof(out)));
	assert_true(whsk_decode(bytes_of(SIGNER_PAIR), out));
	assert_memory_equal(out, signer_seed, sizeof(out));
}

/* ---- further headers */

#define HEADERS_WORDS                                                   \
	"not 1 to 64 lines of Name: value, or a name that the gateway " \
	"sends itself"

static void
header_lines_are_names_and_visible_values(void **state)
{
	static const char *const bad[] = { "Authorization", ": x",
		"A:", "A: ", "A:x", "A:  x", "A: x ", "A : x", "A B: x",
		" A: x", "A(: x", "\"A\": x", "A\xc3\xa9: x", "A: caf\xc3\xa9",
		"A: x\ty", "A: x\r", "A: x\r\nB: y", "A: x\n\nB: y",
		"A: x\n B: y", "A: x\x7f", "\nA: x", "# A: x" };
	static const char *const good[] = { "A: x", "!#$%&'*+-.^_`|~09aZ: x",
		"A: x y: z", "A: :", "Authorization: Basic Zm9v\nB: y\n" };
	struct world *w = *state;

	path_of(w, "more", w->c->billings[0].headers_file);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(w, "more", bad[i]);
		expect_courier_refused(w, "more", HEADERS_WORDS);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		write_file(w, "more", good[i]);
		assert_int_equal(courier(w), ST_OK);
	}
	write_bytes(w, "more", "A\0B: x", 6);
	expect_courier_refused(w, "more", "holds a NUL byte");
	write_file(w, "more", "\n");
	expect_courier_refused(w, "more", "empty");
}

static void
what_the_gateway_sends_itself_cannot_be_set(void **state)
{
	static const char *const ours[] = { "Host", "content-length",
		"Content-Type", "CONTENT-ENCODING", "Content-Digest",
		"Transfer-Encoding", "Connection", "Keep-Alive", "Expect", "TE",
		"Trailer", "Upgrade", "User-Agent", "Accept",
		"Proxy-Connection", "webhook-id", "Webhook-Signature",
		"webhook-timestamp", "webhook-else", "ce-id", "CE-Anything" };
	static const char *const free_names[] = { "Authorization", "Hosts",
		"X-Content-Type", "webhooks", "cell", "X-Api-Key",
		"Accept-Language", "traceparent" };
	struct world *w = *state;
	char line[64];

	path_of(w, "more", w->c->billings[0].headers_file);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		(void)snprintf(line, sizeof(line), "A: x\n%s: x\n", ours[i]);
		write_file(w, "more", line);
		expect_courier_refused(w, "more", HEADERS_WORDS);
	}
	for (size_t i = 0; i < ARRAY_LEN(free_names); i++) {
		(void)snprintf(line, sizeof(line), "%s: x\n", free_names[i]);
		write_file(w, "more", line);
		assert_int_equal(courier(w), ST_OK);
	}
}

/* So many that the parcel has room for them besides its own. */
static void
there_are_64_header_lines_and_4094_bytes_at_most(void **state)
{
	struct world *w = *state;
	const char *headers = w->courier->billings[0].event.headers;
	struct buf text;

	buf_init(&text, 8192);
	path_of(w, "more", w->c->billings[0].headers_file);
	for (int i = 0; i < ROOMS_HEADER_LINES; i++)
		buf_printf(&text, "X-%d: y\n", i);
	write_bytes(w, "more", (const char *)text.data, text.len);
	assert_int_equal(courier(w), ST_OK);
	assert_string_equal(headers, (const char *)text.data);
	buf_append_text(&text, "X: y\n");
	write_bytes(w, "more", (const char *)text.data, text.len);
	expect_courier_refused(w, "more", HEADERS_WORDS);

	buf_reset(&text);
	buf_printf(&text, "A: %04091d", 7);
	assert_int_equal(text.len, ROOMS_HEADERS - 2);
	write_bytes(w, "more", (const char *)text.data, text.len);
	assert_int_equal(courier(w), ST_OK);
	assert_int_equal(strlen(headers), ROOMS_HEADERS - 1);
	buf_append_text(&text, "7");
	write_bytes(w, "more", (const char *)text.data, text.len);
	expect_courier_refused(w, "more", "longer than 4094 bytes");
	buf_fini(&text);
}

static void
headers_may_hold_a_password_and_are_private(void **state)
{
	struct world *w = *state;

	path_of(w, "more", w->c->billings[0].headers_file);
	write_file(w, "more", "A: canary\n");
	set_mode(w, "more", 0604);
	expect_courier_refused(w, "more", "others may read it; chmod 600");
	write_file(w, "more", "A: canary \n");
	assert_int_equal(courier(w), ST_CONFIG);
	assert_null(strstr(w->e.text, "canary"));
}

static void
our_certificate_and_key_have_to_be_pem(void **state)
{
	struct world *w = *state;
	struct config_billing *b = &w->c->billings[0];

	path_of(w, "us.crt", b->certificate);
	path_of(w, "us.key", b->key);
	write_file(w, "us.crt", KEY);
	write_file(w, "us.key", KEY);
	expect_courier_refused(w, "us.crt", "holds no PEM certificate");
	write_file(w, "us.crt", CERTIFICATE);
	write_file(w, "us.key", CERTIFICATE);
	expect_courier_refused(w, "us.key", "holds no PEM private key");
	write_file(w, "us.key", KEY);
	set_mode(w, "us.key", 0604);
	expect_courier_refused(w, "us.key", "others may read it; chmod 600");
	set_mode(w, "us.key", 0600);
	set_mode(w, "us.crt", 0644); /* public */
	assert_int_equal(courier(w), ST_OK);
}

static void
the_keeper_and_the_desk_get_their_part(void **state)
{
	struct world *w = *state;

	assert_int_equal(rooms_keeper(w->c, w->keeper, &w->e), ST_OK);
	assert_string_equal(w->keeper->store_path, w->c->store_path);
	assert_int_equal(w->keeper->merchants[0].keep_s, 99);
	assert_string_equal(w->keeper->merchants[1].store_id, "other");
	assert_int_equal(w->keeper->merchants[1].billings, 1);
	assert_int_equal(w->keeper->merchants[0].confirm, CONFIRM_REQUIRED);
	assert_int_equal(w->keeper->merchants[1].confirm, CONFIRM_OFF);
	assert_true(w->keeper->merchants[0].by_tran_id);
	assert_false(w->keeper->merchants[1].by_tran_id);
	assert_int_equal(
	    w->keeper->merchants[0].invoice_guard, INVOICE_GUARD_ON);
	assert_int_equal(
	    w->keeper->merchants[1].invoice_guard, INVOICE_GUARD_OFF);
	assert_int_equal(w->keeper->merchants[1].confirm_for_s, 70);
	assert_int_equal(w->keeper->merchants[1].refuse_after_s, 8);
	assert_int_equal(w->keeper->keep_attempts_s, 88);
	assert_int_equal(w->keeper->keep_stopped_s, 89);
	assert_int_equal(w->keeper->keep_refused_s, 90);
	assert_int_equal(w->keeper->redeliver_rate, 77);
	assert_int_equal(w->keeper->n_billings, 1);
	assert_string_equal(w->keeper->billings[0].name, "main");
	assert_int_equal(w->keeper->billings[0].rate, 9);
	assert_int_equal(w->keeper->billings[0].schedule.n, 2);
	assert_int_equal(w->keeper->billings[0].schedule.gap_ms[1], 4000);
	assert_int_equal(w->keeper->billings[0].order, ORDER_INVOICE);
	assert_int_equal(rooms_desk(w->c, ticket, w->desk, &w->e), ST_OK);
	assert_int_equal(w->desk->n_tokens, 1);
	assert_int_equal(w->desk->tokens[0].sha256[31], 5);
	assert_string_equal(w->desk->tokens[0].merchant, "shop");
	assert_int_equal(w->desk->tokens[0].scopes, SCOPE_READ);
	assert_int_equal(w->desk->tokens[0].expires_us, 123);
	assert_int_equal(w->desk->keep_s, 99);
	assert_string_equal(w->desk->api_client_ca, "");
	assert_int_equal(w->desk->n_public_keys, 0);
}

static void
the_desk_gets_whom_its_callers_have_to_be_of(void **state)
{
	struct world *w = *state;

	path_of(w, "clients.crt", w->c->api_client_ca_file);
	write_file(w, "clients.crt", CERTIFICATE);
	assert_int_equal(rooms_desk(w->c, ticket, w->desk, &w->e), ST_OK);
	assert_non_null(strstr(w->desk->api_client_ca, "BEGIN CERTIFICATE"));
	write_file(w, "clients.crt", "nothing");
	assert_int_equal(rooms_desk(w->c, ticket, w->desk, &w->e), ST_CONFIG);
	assert_non_null(strstr(w->e.text, "/clients.crt: holds no PEM"));
	assert_true(is_zero(w->desk, sizeof(*w->desk)));
}

/* ---- the asker */

static enum status
asker(struct world *w)
{
	return rooms_asker(w->c, w->asker, &w->e);
}

static void
provider(struct world *w, size_t i, const char *url, const char *ca)
{
	struct config_merchant *m = &w->c->merchants[i];

	memset(m->provider_url, 0, CONFIG_URL);
	strncpy(m->provider_url, url, CONFIG_URL - 1);
	m->provider_ca_file[0] = '\0';
	if (ca != NULL)
		path_of(w, ca, m->provider_ca_file);
}

static void
the_asker_gets_passwords_and_whom_to_ask(void **state)
{
	struct world *w = *state;
	const struct asker_merchant *m = &w->asker->merchants[1];

	write_file(w, "password", "newest\ntestbox\n");
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(w->asker->identity_key[1], 0x11);
	assert_int_equal(w->asker->ask_rate, 50);
	assert_int_equal(w->asker->asks_in_flight, 16);
	assert_int_equal(w->asker->ask_timeout_ms, 15000);
	assert_int_equal(w->asker->n_merchants, 2);
	assert_int_equal(
	    w->asker->merchants[0].rules.confirm, CONFIRM_REQUIRED);
	assert_string_equal(m->rules.store_id, "other");
	assert_int_equal(m->rules.confirm, CONFIRM_OFF);
	assert_int_equal(m->rules.invoice_field, INVOICE_VALUE_B);
	assert_int_equal(m->rules.invoice_guard, INVOICE_GUARD_OFF);
	assert_true(m->rules.md5_only);
	assert_int_equal(m->n_passwords, 2);
	assert_string_equal(m->password[0], "newest");
	assert_string_equal(m->password[1], "testbox");
	assert_int_equal(w->asker->n_providers, 1);
	assert_string_equal(w->asker->providers[0].url, "https://pay.example");
	assert_string_equal(w->asker->providers[0].ca, "");
}

static void
the_longest_password_reaches_the_asker_whole(void **state)
{
	struct world *w = *state;
	char text[ROOMS_PASSWORD] = "";

	memset(text, 'x', ROOMS_PASSWORD - 1);
	write_file(w, "password", text);
	assert_int_equal(asker(w), ST_OK);
	assert_string_equal(w->asker->merchants[0].password[0], text);
	assert_int_equal(w->asker->merchants[0].n_passwords, 1);
}

static void
merchants_of_one_url_and_trust_share_a_provider(void **state)
{
	struct world *w = *state;
	struct asker_config *a = w->asker;

	provider(w, 0, "https://pay.example/x//", NULL);
	provider(w, 1, "https://pay.example/x", NULL);
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(a->n_providers, 1);
	assert_string_equal(a->providers[0].url, "https://pay.example/x");
	assert_int_equal(a->merchants[0].provider, 0);
	assert_int_equal(a->merchants[1].provider, 0);

	provider(w, 1, "https://pay.example", NULL);
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(a->n_providers, 2);
	assert_string_equal(a->providers[1].url, "https://pay.example");
	assert_int_equal(a->merchants[1].provider, 1);
}

/* By what the files hold, not by their names. */
static void
another_trust_is_another_provider(void **state)
{
	struct world *w = *state;
	struct asker_config *a = w->asker;

	write_file(w, "ca2.crt", CERTIFICATE);
	provider(w, 0, "https://pay.example", "ca.crt");
	provider(w, 1, "https://pay.example/", "ca2.crt");
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(a->n_providers, 1);
	assert_non_null(strstr(a->providers[0].ca, "CERTIFICATE"));
	write_file(w, "ca2.crt", CERTIFICATE CERTIFICATE);
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(a->n_providers, 2);
	assert_int_equal(a->merchants[1].provider, 1);
	provider(w, 1, "https://pay.example", NULL);
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(a->n_providers, 2);
	assert_string_equal(a->providers[1].ca, "");
}

static void
sixteen_providers_are_possible_and_no_more(void **state)
{
	struct world *w = *state;
	struct buf faults;

	for (size_t i = 0; i < ROOMS_PROVIDERS + 2; i++) {
		char url[64];

		w->c->merchants[i] = w->c->merchants[0];
		(void)snprintf(
		    w->c->merchants[i].store_id, CONFIG_NAME, "shop%zu", i);
		(void)snprintf(url, sizeof(url), "https://p%zu.example", i);
		provider(w, i, url, NULL);
	}
	buf_init(&faults, 65536);
	w->c->n_merchants = ROOMS_PROVIDERS;
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(w->asker->n_providers, ROOMS_PROVIDERS);
	assert_int_equal(w->asker->merchants[15].provider, 15);
	assert_true(rooms_check(w->c, &faults));

	w->c->n_merchants = ROOMS_PROVIDERS + 1;
	assert_int_equal(asker(w), ST_CONFIG);
	assert_string_equal(w->e.text,
	    "[merchant shop16] needs one provider more than the 16 that are "
	    "possible (provider_url with provider_ca_file)");
	assert_true(is_zero(w->asker, sizeof(*w->asker)));
	assert_false(rooms_check(w->c, &faults));
	/* One that is there already is none more. */
	provider(w, ROOMS_PROVIDERS, "https://p3.example", NULL);
	assert_int_equal(asker(w), ST_OK);
	assert_int_equal(w->asker->merchants[16].provider, 3);
	buf_fini(&faults);
}

static void
an_asker_that_fails_is_left_empty(void **state)
{
	struct world *w = *state;

	provider(w, 1, "https://pay.example", "ca.crt");
	write_file(w, "ca.crt", "nothing");
	assert_int_equal(asker(w), ST_CONFIG);
	assert_non_null(strstr(w->e.text, "/ca.crt: holds no PEM certificate"));
	assert_true(is_zero(w->asker, sizeof(*w->asker)));
	write_file(w, "ca.crt", CERTIFICATE);
	path_of(w, "password2", w->c->merchants[1].password_file);
	write_file(w, "password2", "testbox\ncan\tary");
	assert_int_equal(asker(w), ST_CONFIG);
	assert_non_null(strstr(w->e.text, "/password2: not 1 to 2 lines"));
	assert_null(strstr(w->e.text, "testbox"));
	assert_true(is_zero(w->asker, sizeof(*w->asker)));
}

static void
the_asker_makes_no_identity_key(void **state)
{
	struct world *w = *state;

	assert_int_equal(unlink(w->c->identity_key_file), 0);
	assert_int_equal(asker(w), ST_CONFIG);
	assert_int_equal(access(w->c->identity_key_file, F_OK), -1);
	assert_true(is_zero(w->asker, sizeof(*w->asker)));
}

static void
no_stale_byte_crosses(void **state)
{
	struct world *w = *state;

	assert_int_equal(edge(w, false), ST_OK);
	assert_int_equal(rooms_keeper(w->c, w->keeper, &w->e), ST_OK);
	assert_int_equal(rooms_courier(w->c, w->courier, &w->e), ST_OK);
	assert_int_equal(rooms_desk(w->c, ticket, w->desk, &w->e), ST_OK);
	assert_int_equal(rooms_asker(w->c, w->asker, &w->e), ST_OK);
	assert_null(memmem(w->asker, sizeof(*w->asker), "\xa5\xa5", 2));
	assert_null(memmem(w->edge, sizeof(*w->edge), "\xa5\xa5\xa5", 3));
	assert_null(memmem(w->keeper, sizeof(*w->keeper), "\xa5\xa5", 2));
	assert_null(memmem(w->courier, sizeof(*w->courier), "\xa5\xa5", 2));
	assert_null(memmem(w->desk, sizeof(*w->desk), "\xa5\xa5", 2));
}

/* ---- secret files */

static void
a_secret_that_others_may_read_is_refused(void **state)
{
	struct world *w = *state;
	const char *words = "others may read it; chmod 600";

	set_mode(w, "password", 0604);
	expect_edge_refused(w, "password", words);
	set_mode(w, "password", 0640);
	set_mode(w, "tls.key", 0604);
	expect_edge_refused(w, "tls.key", words);
	set_mode(w, "tls.key", 0600);
	set_mode(w, "identity.key", 0604);
	expect_edge_refused(w, "identity.key", words);
	set_mode(w, "identity.key", 0600);
	set_mode(w, "tls.crt", 0644); /* public */
	assert_int_equal(edge(w, false), ST_OK);
	set_mode(w, "billing.secret", 0604);
	assert_int_equal(rooms_courier(w->c, w->courier, &w->e), ST_CONFIG);
	assert_true(is_zero(w->courier, sizeof(*w->courier)));
}

static void
a_password_file_holds_one_or_two_clean_lines(void **state)
{
	static const char *const bad[] = { "one\ntwo\nthree", "one\n\ntwo",
		"one\r\n", "\nsecond", "tab\there" };
	struct world *w = *state;
	char text[300];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(w, "password", bad[i]);
		expect_edge_refused(w, "password",
		    "not 1 to 2 lines with a password each, of 1 to 256 bytes "
		    "and no control byte");
	}
	write_file(w, "password", "\n");
	expect_edge_refused(w, "password", "empty");
	memset(text, 'x', sizeof(text));
	write_bytes(w, "password", text, 256);
	assert_int_equal(edge(w, false), ST_OK);
	write_bytes(w, "password", text, 257);
	assert_int_equal(edge(w, false), ST_CONFIG);
}

static void
a_webhook_secret_has_to_be_canonical(void **state)
{
	static const char *const bad[] = {
		"ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=", "whsec_",
		"whsec_AAAA",
		"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",
		"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9=",
		"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj_=",
		"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9P===",
		SECRET "\n\n" SECRET2, SECRET " ",
		SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(w, "billing.secret", bad[i]);
		assert_int_equal(
		    rooms_courier(w->c, w->courier, &w->e), ST_CONFIG);
		assert_non_null(strstr(w->e.text, "whsec_ and the base64"));
		assert_null(strstr(w->e.text, "ICEi"));
		assert_true(is_zero(w->courier, sizeof(*w->courier)));
	}
}

static void
a_webhook_secret_has_24_to_64_bytes(void **state)
{
	unsigned char out[WHSEC_MOST];
	char text[128] = "whsec_";
	size_t len;

	(void)state;
	memset(text + 6, 'A', 88);
	text[6 + 86] = '=';
	text[6 + 87] = '=';
	assert_true(whsec_decode(bytes_of(text), out, &len));
	assert_int_equal(len, 64);
	text[6 + 86] = 'A';
	assert_false(whsec_decode(bytes_of(text), out, &len));
	text[6 + 28] = '\0'; /* 21 bytes */
	assert_false(whsec_decode(bytes_of(text), out, &len));
	assert_int_equal(len, 0);
	assert_true(is_zero(out, sizeof(out)));
}

static void
a_file_without_its_pem_is_refused(void **state)
{
	struct world *w = *state;

	write_file(w, "tls.crt", KEY);
	expect_edge_refused(w, "tls.crt", "holds no PEM certificate");
	write_file(w, "tls.crt", CERTIFICATE);
	write_file(w, "tls.key", CERTIFICATE);
	expect_edge_refused(w, "tls.key", "holds no PEM private key");
	write_file(w, "tls.key",
	    "-----BEGIN EC PARAMETERS-----\nAAAA\n"
	    "-----END EC PARAMETERS-----\n"
	    "-----BEGIN EC PRIVATE KEY-----\nAAAA\n"
	    "-----END EC PRIVATE KEY-----\n");
	assert_int_equal(edge(w, false), ST_OK);
	write_file(w, "ca.crt", "nothing");
	assert_int_equal(rooms_courier(w->c, w->courier, &w->e), ST_CONFIG);
	w->c->billings[0].ca_file[0] = '\0';
	assert_int_equal(rooms_courier(w->c, w->courier, &w->e), ST_OK);
	assert_int_equal(w->courier->billings[0].ca[0], '\0');
}

/* ---- identity key */

static void
a_missing_identity_key_is_made_once(void **state)
{
	struct world *w = *state;
	unsigned char first[32];
	struct stat sb;

	assert_int_equal(unlink(w->c->identity_key_file), 0);
	assert_int_equal(edge(w, true), ST_OK);
	memcpy(first, w->edge->identity_key, sizeof(first));
	assert_false(is_zero(first, sizeof(first)));
	assert_int_equal(stat(w->c->identity_key_file, &sb), 0);
	assert_int_equal(sb.st_mode & 0777, 0600);
	assert_int_equal(sb.st_size, 65);
	assert_int_equal(sb.st_nlink, 1);
	assert_int_equal(edge(w, true), ST_OK);
	assert_memory_equal(w->edge->identity_key, first, sizeof(first));
	/* Nothing else was left in the folder. */
	assert_int_equal(remove_files(w->folder), 6);
}

static void
an_identity_key_is_made_only_when_asked_for(void **state)
{
	struct world *w = *state;

	assert_int_equal(unlink(w->c->identity_key_file), 0);
	assert_int_equal(edge(w, false), ST_CONFIG);
	assert_non_null(strstr(w->e.text, "No such file or directory"));
	assert_int_equal(access(w->c->identity_key_file, F_OK), -1);
	/* A start that fails for another reason leaves none behind either. */
	write_file(w, "tls.crt", "x");
	assert_int_equal(edge(w, true), ST_CONFIG);
	assert_int_equal(access(w->c->identity_key_file, F_OK), -1);
}

static void
an_identity_key_that_cannot_be_made_is_a_fault(void **state)
{
	struct world *w = *state;

	path_of(w, "none/identity.key", w->c->identity_key_file);
	expect_edge_refused(w, "none/identity.key",
	    "cannot be made: No such file or directory");
}

static void
an_identity_key_has_64_hex_digits(void **state)
{
	static const char *const bad[] = { "0011",
		"0011223344556677889"
		"9aabbccddeeff00112233445566778899aabbcc"
		"ddeef\n",
		"0011223344556677889"
		"9aabbccddeeff00112233445566778899aabbcc"
		"ddeefg\n" };
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(w, "identity.key", bad[i]);
		expect_edge_refused(w, "identity.key", "not 64 hex digits");
	}
}

/* ---- check */

static void
a_check_reports_every_file_at_once(void **state)
{
	struct world *w = *state;
	struct buf faults;
	size_t lines = 0;

	buf_init(&faults, 65536);
	assert_true(rooms_check(w->c, &faults));
	assert_int_equal(faults.len, 0);
	write_file(w, "tls.crt", "x");
	set_mode(w, "tls.key", 0666);
	write_file(w, "identity.key", "canary");
	write_file(w, "password", "canary\r\n");
	write_file(w, "billing.secret", "canary");
	write_file(w, "ca2.crt", "canary");
	provider(w, 1, "https://pay.example", "ca2.crt");
	path_of(w, "clients.crt", w->c->api_client_ca_file);
	write_file(w, "clients.crt", "canary");
	w->c->n_billings = 2;
	w->c->billings[1] = w->c->billings[0];
	path_of(w, "secret2", w->c->billings[1].secret_file);
	path_of(w, "more", w->c->billings[1].headers_file);
	write_file(w, "secret2", SECRET);
	write_file(w, "more", "A:canary");
	assert_false(rooms_check(w->c, &faults));
	for (size_t i = 0; i < faults.len; i++)
		lines += faults.data[i] == '\n';
	assert_int_equal(lines, 9); /* two merchants share the password */
	assert_int_equal(memcmp(faults.data, "f.conf: /", 9), 0);
	assert_null(strstr((const char *)faults.data, "canary"));
	buf_fini(&faults);
}

static void
a_check_makes_no_identity_key(void **state)
{
	struct world *w = *state;
	struct buf faults;

	buf_init(&faults, 65536);
	assert_int_equal(unlink(w->c->identity_key_file), 0);
	assert_true(rooms_check(w->c, &faults));
	assert_int_equal(access(w->c->identity_key_file, F_OK), -1);
	buf_fini(&faults);
}

#define ROOM_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM_TEST(the_edge_gets_digests_and_no_password),
		ROOM_TEST(two_passwords_may_be_valid_at_once),
		ROOM_TEST(the_courier_gets_decoded_secrets),
		ROOM_TEST(the_courier_gets_all_that_a_billing_asks_for),
		ROOM_TEST(the_courier_gets_seeds_and_the_desk_what_verifies),
		ROOM_TEST(a_seed_may_come_with_its_public_key),
		ROOM_TEST(billings_that_sign_alike_show_one_public_key),
		ROOM_TEST(a_signing_key_has_to_be_a_seed_that_fits),
		cmocka_unit_test(a_refused_signing_key_leaves_nothing_behind),
		ROOM_TEST(header_lines_are_names_and_visible_values),
		ROOM_TEST(what_the_gateway_sends_itself_cannot_be_set),
		ROOM_TEST(there_are_64_header_lines_and_4094_bytes_at_most),
		ROOM_TEST(headers_may_hold_a_password_and_are_private),
		ROOM_TEST(our_certificate_and_key_have_to_be_pem),
		ROOM_TEST(the_keeper_and_the_desk_get_their_part),
		ROOM_TEST(the_desk_gets_whom_its_callers_have_to_be_of),
		ROOM_TEST(the_asker_gets_passwords_and_whom_to_ask),
		ROOM_TEST(the_longest_password_reaches_the_asker_whole),
		ROOM_TEST(merchants_of_one_url_and_trust_share_a_provider),
		ROOM_TEST(another_trust_is_another_provider),
		ROOM_TEST(sixteen_providers_are_possible_and_no_more),
		ROOM_TEST(an_asker_that_fails_is_left_empty),
		ROOM_TEST(the_asker_makes_no_identity_key),
		ROOM_TEST(no_stale_byte_crosses),
		ROOM_TEST(a_secret_that_others_may_read_is_refused),
		ROOM_TEST(a_password_file_holds_one_or_two_clean_lines),
		ROOM_TEST(a_webhook_secret_has_to_be_canonical),
		cmocka_unit_test(a_webhook_secret_has_24_to_64_bytes),
		ROOM_TEST(a_file_without_its_pem_is_refused),
		ROOM_TEST(a_missing_identity_key_is_made_once),
		ROOM_TEST(an_identity_key_is_made_only_when_asked_for),
		ROOM_TEST(an_identity_key_that_cannot_be_made_is_a_fault),
		ROOM_TEST(an_identity_key_has_64_hex_digits),
		ROOM_TEST(a_check_reports_every_file_at_once),
		ROOM_TEST(a_check_makes_no_identity_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
