#include "config/rooms.h"

#include <stdlib.h>
#include <string.h>

#include "config/event_rules.h"
#include "config/key_file.h"

static bool
password_valid(struct bytes password)
{
	if (password.len == 0 || password.len >= ROOMS_PASSWORD)
		return false;
	for (size_t i = 0; i < password.len; i++) {
		if (password.ptr[i] < 0x20 || password.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

enum status
rooms_add_password(struct edge_merchant *m, struct bytes password)
{
	size_t at = m->n_passwords;

	if (at == ROOMS_PASSWORDS || !password_valid(password))
		return ST_BAD_INPUT;
	if (secret_md5_hex(password.ptr, password.len, m->md5[at]) != ST_OK ||
	    secret_sha256_hex(password.ptr, password.len, m->sha256[at]) !=
		ST_OK)
		return ST_INTERNAL;
	m->n_passwords++;
	return ST_OK;
}

/* What a password file holds; to be wiped by whom it was read for. */
struct passwords {
	char text[ROOMS_PASSWORDS * ROOMS_PASSWORD + 1];
	size_t n;
	struct bytes lines[ROOMS_PASSWORDS]; /* in text */
};

static enum status
read_passwords(const char *path, struct passwords *p, struct err *e)
{
	struct bytes rest, line;
	enum status st;
	size_t len;

	p->n = 0;
	st = secret_load(path, p->text, sizeof(p->text), &len, e);
	if (st != ST_OK)
		return st;
	rest = bytes_make(p->text, len);
	while (rest.len > 0) {
		line = bytes_cut_line(&rest);
		if (p->n == ROOMS_PASSWORDS || !password_valid(line)) {
			err_set(e,
			    "%s: not 1 to %d lines with a password each, of 1 "
			    "to %d bytes and no control byte",
			    path, ROOMS_PASSWORDS, ROOMS_PASSWORD - 1);
			return ST_CONFIG;
		}
		p->lines[p->n++] = line;
	}
	return ST_OK;
}

enum status
rooms_passwords(const char *path, struct edge_merchant *m, struct err *e)
{
	struct passwords p;
	enum status st;

	m->n_passwords = 0;
	secret_wipe(m->md5, sizeof(m->md5));
	secret_wipe(m->sha256, sizeof(m->sha256));
	st = read_passwords(path, &p, e);
	for (size_t i = 0; st == ST_OK && i < p.n; i++) {
		if (rooms_add_password(m, p.lines[i]) == ST_OK)
			continue;
		err_set(e, "%s: no digest can be made of it", path);
		st = ST_CONFIG;
	}
	secret_wipe(&p, sizeof(p));
	return st;
}

static struct merchant_rules
rules_of(const struct config_merchant *m)
{
	struct merchant_rules rules;

	memset(&rules, 0, sizeof(rules));
	memcpy(rules.store_id, m->store_id, sizeof(rules.store_id));
	rules.confirm = m->confirm;
	rules.invoice_field = m->invoice_field;
	rules.amount_field = m->amount_field;
	rules.invoice_guard = m->invoice_guard;
	rules.md5_only = m->md5_only;
	return rules;
}

static enum status
load_merchant(
    const struct config_merchant *m, struct edge_merchant *out, struct err *e)
{
	out->rules = rules_of(m);
	out->addresses = m->addresses;
	return rooms_passwords(m->password_file, out, e);
}

/* Only what it is; whether it fits is for net/ and client/ to say. */
static enum status
want_pem(const char *path, const char *text, const char *label, struct err *e)
{
	const char *at = strstr(text, "-----BEGIN ");

	for (; at != NULL; at = strstr(at + 1, "-----BEGIN ")) {
		const char *end = strchr(at, '\n');
		const char *found = strstr(at, label);

		if (found != NULL && (end == NULL || found < end))
			return ST_OK;
	}
	err_set(e, "%s: holds no PEM %s", path,
	    label[0] == 'C' ? "certificate" : "private key");
	return ST_CONFIG;
}

static enum status
load_certificates(const char *path, char out[ROOMS_PEM], struct err *e)
{
	enum status st;
	size_t len;

	st = secret_load_public(path, out, ROOMS_PEM, &len, e);
	return st == ST_OK ? want_pem(path, out, "CERTIFICATE-----", e) : st;
}

static enum status
load_key(const char *path, char out[ROOMS_PEM], struct err *e)
{
	enum status st;
	size_t len;

	st = secret_load(path, out, ROOMS_PEM, &len, e);
	return st == ST_OK ? want_pem(path, out, "PRIVATE KEY-----", e) : st;
}

static enum status
load_billing(
    const struct config_billing *b, struct courier_billing *out, struct err *e)
{
	enum status st;

	memcpy(out->name, b->name, sizeof(out->name));
	memcpy(out->url, b->url, sizeof(out->url));
	out->timeout_ms = b->timeout_ms;
	out->in_flight = b->in_flight;
	out->networks = b->networks;
	memcpy(out->proxy, b->proxy, sizeof(out->proxy));
	st = event_rules_load(b, &out->event, e);
	if (st == ST_OK && b->ca_file[0] != '\0')
		st = load_certificates(b->ca_file, out->ca, e);
	if (st == ST_OK && b->certificate[0] != '\0')
		st = load_certificates(b->certificate, out->certificate, e);
	if (st == ST_OK && b->key[0] != '\0')
		st = load_key(b->key, out->key, e);
	return st;
}

static enum status
load_tls(const struct config *c, const unsigned char ticket[ROOMS_TICKET],
    struct room_tls *out, struct err *e)
{
	enum status st = load_certificates(c->certificate, out->certificate, e);

	if (st == ST_OK)
		st = load_key(c->key, out->key, e);
	if (st == ST_OK)
		memcpy(out->ticket, ticket, ROOMS_TICKET);
	return st;
}

/* What is not said is zero, padding included, so that no stale byte crosses
 * to a room.  Most of it is never used; where it is zero it is only read, so
 * that a page that nobody wrote to goes on having no memory. */
static void
clear(void *p, size_t n)
{
	static const unsigned char none[4096];
	unsigned char *at = p;
	size_t step;

	for (; n > 0; n -= step, at += step) {
		step = n < sizeof(none) ? n : sizeof(none);
		if (memcmp(at, none, step) != 0)
			memset(at, 0, step);
	}
}

enum status
rooms_edge(const struct config *c, bool create,
    const unsigned char ticket[ROOMS_TICKET], struct edge_config *out,
    struct err *e)
{
	enum status st;

	clear(out, sizeof(*out));
	out->limits = c->limits;
	out->proxies = c->proxies;
	st = load_tls(c, ticket, &out->tls, e);
	for (size_t i = 0; st == ST_OK && i < c->n_merchants; i++) {
		st = load_merchant(&c->merchants[i], &out->merchants[i], e);
		out->n_merchants = i + 1;
	}
	/* The last of all, so that a bad configuration leaves no key behind. */
	if (st == ST_OK)
		st = key_file_load(
		    c->identity_key_file, create, out->identity_key, e);
	if (st != ST_OK)
		secret_wipe(out, sizeof(*out));
	return st;
}

enum status
rooms_keeper(const struct config *c, struct keeper_config *out, struct err *e)
{
	(void)e;
	clear(out, sizeof(*out));
	memcpy(out->store_path, c->store_path, sizeof(out->store_path));
	out->keep_attempts_s = c->keep_attempts_s;
	out->keep_stopped_s = c->keep_stopped_s;
	out->keep_refused_s = c->keep_refused_s;
	out->redeliver_rate = c->limits.redeliver_rate;
	out->n_merchants = c->n_merchants;
	for (size_t i = 0; i < c->n_merchants; i++) {
		const struct config_merchant *m = &c->merchants[i];

		memcpy(out->merchants[i].store_id, m->store_id,
		    sizeof(out->merchants[i].store_id));
		out->merchants[i].billings = m->billings;
		out->merchants[i].confirm = m->confirm;
		out->merchants[i].by_tran_id =
		    m->invoice_field == INVOICE_TRAN_ID;
		out->merchants[i].invoice_guard = m->invoice_guard;
		out->merchants[i].confirm_for_s = m->confirm_for_s;
		out->merchants[i].refuse_after_s = m->refuse_after_s;
		out->merchants[i].keep_s = config_keep_s(c, m);
		out->merchants[i].keep_at_least_s = m->keep_at_least_s;
		out->merchants[i].then = m->then;
	}
	out->n_billings = c->n_billings;
	for (size_t i = 0; i < c->n_billings; i++) {
		const struct config_billing *b = &c->billings[i];

		memcpy(out->billings[i].name, b->name,
		    sizeof(out->billings[i].name));
		out->billings[i].rate = b->rate;
		out->billings[i].schedule = b->schedule;
		out->billings[i].order = b->order;
	}
	return ST_OK;
}

/* The place of m's provider in out, which is added when it is new. */
static enum status
find_provider(const struct config_merchant *m, struct asker_config *out,
    uint32_t *at, struct err *e)
{
	struct asker_provider *next = &out->providers[out->n_providers];
	char url[CONFIG_URL] = "", ca[ROOMS_PEM] = "";
	size_t len = strnlen(m->provider_url, sizeof(url) - 1);
	enum status st;

	while (len > 0 && m->provider_url[len - 1] == '/')
		len--;
	memcpy(url, m->provider_url, len);
	if (m->provider_ca_file[0] != '\0') {
		st = load_certificates(m->provider_ca_file, ca, e);
		if (st != ST_OK)
			return st;
	}
	for (*at = 0; *at < out->n_providers; ++*at) {
		const struct asker_provider *p = &out->providers[*at];

		if (strcmp(p->url, url) == 0 && strcmp(p->ca, ca) == 0)
			return ST_OK;
	}
	if (out->n_providers == ROOMS_PROVIDERS) {
		err_set(e,
		    "[merchant %s] needs one provider more than the %d that "
		    "are possible (provider_url with provider_ca_file)",
		    m->store_id, ROOMS_PROVIDERS);
		return ST_CONFIG;
	}
	memcpy(next->url, url, sizeof(next->url));
	memcpy(next->ca, ca, sizeof(next->ca));
	out->n_providers++;
	return ST_OK;
}

static enum status
load_asked(const struct config_merchant *m, struct asker_config *out,
    struct asker_merchant *to, struct err *e)
{
	struct passwords p;
	enum status st;

	to->rules = rules_of(m);
	st = find_provider(m, out, &to->provider, e);
	if (st != ST_OK)
		return st;
	st = read_passwords(m->password_file, &p, e);
	for (size_t i = 0; st == ST_OK && i < p.n; i++)
		memcpy(to->password[to->n_passwords++], p.lines[i].ptr,
		    p.lines[i].len);
	secret_wipe(&p, sizeof(p));
	return st;
}

enum status
rooms_asker(const struct config *c, struct asker_config *out, struct err *e)
{
	enum status st;

	clear(out, sizeof(*out));
	out->ask_rate = c->limits.ask_rate;
	out->asks_in_flight = c->limits.asks_in_flight;
	out->ask_timeout_ms = c->limits.ask_ms;
	st = key_file_load(c->identity_key_file, false, out->identity_key, e);
	for (size_t i = 0; st == ST_OK && i < c->n_merchants; i++) {
		st = load_asked(&c->merchants[i], out, &out->merchants[i], e);
		out->n_merchants = i + 1;
	}
	if (st != ST_OK)
		secret_wipe(out, sizeof(*out));
	return st;
}

enum status
rooms_courier(const struct config *c, struct courier_config *out, struct err *e)
{
	enum status st = ST_OK;

	clear(out, sizeof(*out));
	for (size_t i = 0; st == ST_OK && i < c->n_billings; i++) {
		st = load_billing(&c->billings[i], &out->billings[i], e);
		out->n_billings = i + 1;
	}
	if (st != ST_OK)
		secret_wipe(out, sizeof(*out));
	return st;
}

/* Billings may share keys; each is shown once. */
static void
add_public_key(struct desk_config *out, const unsigned char key[ED25519_PUBLIC])
{
	for (size_t i = 0; i < out->n_public_keys; i++) {
		if (memcmp(out->public_keys[i], key, ED25519_PUBLIC) == 0)
			return;
	}
	memcpy(out->public_keys[out->n_public_keys++], key, ED25519_PUBLIC);
}

static enum status
load_public_keys(
    const struct config_billing *b, struct desk_config *out, struct err *e)
{
	unsigned char key[ED25519_PUBLIC];
	struct event_rules rules = { .n_signing_keys = 0 };
	enum status st;

	st = event_rules_keys(b, &rules, e);
	for (size_t i = 0; st == ST_OK && i < rules.n_signing_keys; i++) {
		st = ed25519_public(rules.signing_key[i], key);
		if (st == ST_OK)
			add_public_key(out, key);
		else
			err_set(e, "%s: no public key", b->signing_key_file);
	}
	secret_wipe(&rules, sizeof(rules));
	return st;
}

enum status
rooms_desk(const struct config *c, const unsigned char ticket[ROOMS_TICKET],
    struct desk_config *out, struct err *e)
{
	enum status st;

	clear(out, sizeof(*out));
	out->limits = c->limits;
	out->keep_s = c->keep_s;
	out->n_tokens = c->n_tokens;
	for (size_t i = 0; i < c->n_tokens; i++) {
		const struct config_token *t = &c->tokens[i];

		memcpy(out->tokens[i].name, t->name, sizeof(t->name));
		memcpy(out->tokens[i].sha256, t->sha256, sizeof(t->sha256));
		memcpy(
		    out->tokens[i].merchant, t->merchant, sizeof(t->merchant));
		out->tokens[i].scopes = t->scopes;
		out->tokens[i].expires_us = t->expires_us;
	}
	st = load_tls(c, ticket, &out->tls, e);
	if (st == ST_OK && c->api_client_ca_file[0] != '\0')
		st = load_certificates(
		    c->api_client_ca_file, out->api_client_ca, e);
	for (size_t i = 0; st == ST_OK && i < c->n_billings; i++)
		st = load_public_keys(&c->billings[i], out, e);
	if (st != ST_OK)
		secret_wipe(out, sizeof(*out));
	return st;
}

static bool
report(const struct config *c, enum status st, const struct err *e,
    struct buf *faults)
{
	if (st != ST_OK)
		buf_printf(faults, "%s: %s\n", c->file, e->text);
	return st == ST_OK;
}

static bool
check_merchants(const struct config *c, struct buf *faults)
{
	struct asker_config *asker = calloc(1, sizeof(*asker));
	struct edge_merchant merchant;
	struct err e = { "out of memory" };
	bool good = true;
	uint32_t at;

	if (asker == NULL)
		return report(c, ST_NO_MEMORY, &e, faults);
	for (size_t i = 0; i < c->n_merchants; i++) {
		const struct config_merchant *m = &c->merchants[i];

		good &= report(c, load_merchant(m, &merchant, &e), &e, faults);
		good &= report(c, find_provider(m, asker, &at, &e), &e, faults);
	}
	secret_wipe(&merchant, sizeof(merchant));
	free(asker);
	return good;
}

bool
rooms_check(const struct config *c, struct buf *faults)
{
	/* One after the other in one place, wiped in the end. */
	union {
		char pem[ROOMS_PEM];
		struct courier_billing billing;
		unsigned char key[32];
	} u;
	struct err e = { "" };
	bool good;

	good =
	    report(c, load_certificates(c->certificate, u.pem, &e), &e, faults);
	good &= report(c, load_key(c->key, u.pem, &e), &e, faults);
	if (key_file_exists(c->identity_key_file))
		good &= report(c,
		    key_file_load(c->identity_key_file, false, u.key, &e), &e,
		    faults);
	if (c->api_client_ca_file[0] != '\0')
		good &= report(c,
		    load_certificates(c->api_client_ca_file, u.pem, &e), &e,
		    faults);
	good &= check_merchants(c, faults);
	for (size_t i = 0; i < c->n_billings; i++) {
		memset(&u, 0, sizeof(u));
		good &= report(c, load_billing(&c->billings[i], &u.billing, &e),
		    &e, faults);
	}
	secret_wipe(&u, sizeof(u));
	return good;
}
