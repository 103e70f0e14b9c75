#include "payments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/secret.h"
#include "intake/identity.h"
#include "sim.h"
#include "sim_driver.h"
#include "sim_server.h"

#define SLOTS	      65536 /* of the table by id */
#define MOST_SENDS    12
#define TERM_SLACK_US (6 * HOUR)
#define FIELDS	      10

struct payment payments[PAYMENTS];
size_t n_payments;

static struct payment *slots[SLOTS];
static struct identity identity;
static int64_t gap_us;
static uint64_t burst; /* so many more at once */

/* ---- the table */

static size_t
slot_of(const struct receipt_id *id)
{
	size_t at;

	memcpy(&at, id->b, sizeof(at));
	at %= SLOTS;
	while (
	    slots[at] != NULL && memcmp(&slots[at]->id, id, sizeof(*id)) != 0)
		at = (at + 1) % SLOTS;
	return at;
}

struct payment *
payments_find(const struct receipt_id *id)
{
	return slots[slot_of(id)];
}

struct payment *
payments_named(struct bytes text)
{
	struct receipt_id id;

	return id_parse(text, &id) ? payments_find(&id) : NULL;
}

bool
payments_confirmed(const struct payment *p)
{
	return p->merchant != 0 || p->confirmed > 0 ||
	       (p->contradicted > 0 && (p->checked || p->released));
}

void
payments_committed(const struct receipt_id *id)
{
	struct payment *p = payments_find(id);

	if (p == NULL)
		sim_broken("a payment that nobody made was committed", 0);
	p->committed = true;
}

/* ---- callbacks */

struct field {
	const char *name;
	char value[64];
};

PRINTF_LIKE(3, 4)
static void
add(struct field *f, const char *name, const char *format, ...)
{
	va_list values;

	f->name = name;
	va_start(values, format);
	(void)vsnprintf(f->value, sizeof(f->value), format, values);
	va_end(values);
}

/* In the order in which names are hashed. */
static size_t
fill(struct field f[FIELDS], const struct payment *p)
{
	unsigned n = (unsigned)p->n;
	size_t i = 0;

	add(&f[i++], "amount", "%u.00", n + 10);
	add(&f[i++], "currency", "BDT");
	add(&f[i++], "currency_amount", "%u.00", n + 10);
	add(&f[i++], "currency_type", "BDT");
	add(&f[i++], "risk_level", "0");
	add(&f[i++], "status", "VALID");
	add(&f[i++], "store_id", "%s", merchant_names[p->merchant]);
	add(&f[i++], "tran_date", "2025-12-02 12:30:45");
	add(&f[i++], "tran_id", "INV-%u", n);
	add(&f[i++], "val_id", "V%u", n);
	return i;
}

static void
digest_of(const struct field *f, size_t n, bool sha, char *out)
{
	char word[SECRET_SHA256_HEX];
	struct buf text;

	if ((sha ? secret_sha256_hex(PASSWORD, strlen(PASSWORD), word)
		 : secret_md5_hex(PASSWORD, strlen(PASSWORD), word)) != ST_OK)
		abort();
	buf_init(&text, 65536);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(f[i].name, "tran_date") == 0)
			buf_printf(&text, "store_passwd=%s&", word);
		buf_printf(&text, "%s=%s%s", f[i].name, f[i].value,
		    i + 1 < n ? "&" : "");
	}
	if ((sha ? secret_sha256_hex(text.data, text.len, out)
		 : secret_md5_hex(text.data, text.len, out)) != ST_OK)
		abort();
	buf_fini(&text);
}

static void
compose(const struct payment *p, struct buf *body)
{
	char md5[SECRET_SHA256_HEX], sha256[SECRET_SHA256_HEX];
	struct field f[FIELDS];
	size_t n = fill(f, p);

	digest_of(f, n, false, md5);
	digest_of(f, n, true, sha256);
	if (p->forged)
		sha256[5] = sha256[5] == '0' ? '1' : '0';
	for (size_t i = 0; i < n; i++) {
		char *space = strchr(f[i].value, ' ');

		if (space != NULL)
			*space = '+';
		buf_printf(body, "%s=%s&", f[i].name, f[i].value);
	}
	buf_printf(body, "verify_sign=%s&verify_sign_sha2=%s&verify_key=", md5,
	    sha256);
	for (size_t i = 0; i < n; i++)
		buf_printf(body, "%s%s", i > 0 ? "%2C" : "", f[i].name);
}

static void send_callback(void *arg);

static void
on_answer(void *arg, int status, const char *body)
{
	struct payment *p = arg;

	(void)body;
	p->under_way--;
	if (p->forged) {
		if (status != 0 && status < 500)
			p->acked = true; /* its sender has his answer */
	} else if (status == 200 && !p->acked) {
		p->acked = true;
		p->acked_us = sim_now();
	}
	if (!p->acked && p->sends < MOST_SENDS)
		sim_after(sim_between(SECOND, sim.calm ? MINUTE : HOUR),
		    send_callback, p);
	else if (sim_fault(FAULT_DUPLICATE, 8))
		sim_after(sim_between(0, 3 * HOUR), send_callback, p);
}

static void
send_callback(void *arg)
{
	struct payment *p = arg;
	char head[256];
	struct buf body;

	p->sends++;
	p->under_way++;
	buf_init(&body, 65536);
	compose(p, &body);
	(void)snprintf(head, sizeof(head),
	    "POST /ipn/%s HTTP/1.1\r\nHost: x\r\n"
	    "Content-Type: application/x-www-form-urlencoded\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    merchant_names[p->merchant], body.len);
	sim_event("callback", p->n, p->sends);
	sim_request(SIM_CALLBACKS + 4 + (int)sim_below(EDGES), head,
	    buf_bytes(&body), on_answer, p);
	buf_fini(&body);
}

void
payments_answering(void *arg, int listener, int status)
{
	const struct payment *p = arg;

	if (listener < SIM_CALLBACKS || listener >= SIM_API)
		return;
	if (p->forged)
		sim_check(CHECK_FORGED, status >= 400 && status < 500, p->n);
	else if (status == 200)
		sim_check(CHECK_COMMITTED, p->committed, p->n);
}

/* ---- new ones */

static void
make(void *arg)
{
	struct payment *p = &payments[n_payments];
	char val_id[32];

	(void)arg;
	if (sim.calm || n_payments == PAYMENTS)
		return;
	p->n = (uint32_t)n_payments++;
	p->merchant = sim_below(MERCHANTS);
	p->paid = p->merchant != 0 || !sim_once_in(30);
	p->forged = sim_fault(FAULT_FORGED, 25);
	p->made_us = sim_now();
	(void)snprintf(val_id, sizeof(val_id), "V%u", (unsigned)p->n);
	if (identity_of(&identity, bytes_of(merchant_names[p->merchant]),
		bytes_of(val_id), &p->id) != ST_OK)
		abort();
	id_format(&p->id, p->text);
	slots[slot_of(&p->id)] = p;
	send_callback(p);
	if (sim_fault(FAULT_DUPLICATE, 10)) /* two at the same time */
		send_callback(p);
	if (burst == 0 && sim_once_in(200))
		burst = sim_below(300);
	burst -= burst > 0;
	sim_after(burst > 0 || sim_once_in(20) ? sim_between(0, 2000)
					       : sim_between(0, 2 * gap_us),
	    make, NULL);
}

void
payments_start(int64_t every_us)
{
	unsigned char key[IDENTITY_KEY];

	memset(key, IDENTITY_KEY_BYTE, sizeof(key));
	if (identity_init(&identity, key) != ST_OK)
		abort();
	gap_us = every_us;
	sim_after(SECOND, make, NULL);
}

bool
payments_heard(void)
{
	for (size_t i = 0; i < n_payments; i++) {
		if (payments[i].under_way > 0 ||
		    (!payments[i].acked && payments[i].sends < MOST_SENDS))
			return false;
	}
	return true;
}

/* ---- what the store has */

/* Clocks have jumped, and callbacks come late. */
static void
audit_term(const struct payment *p, enum life life)
{
	bool there = life == LIFE_CONFIRMED || life == LIFE_HELD;

	if (p->acked && there)
		sim_check(CHECK_GONE,
		    sim_now() - p->acked_us <
			gateway_terms()->keep_us[p->merchant] + TERM_SLACK_US,
		    p->n);
}

static void
audit(const struct payment *p, const struct store_life *l, bool end)
{
	const struct gateway_terms *t = gateway_terms();

	if (p->forged)
		sim_check(CHECK_FORGED, l->life == LIFE_ABSENT, p->n);
	else if (p->acked)
		sim_check(CHECK_KEPT, l->life != LIFE_ABSENT, p->n);
	audit_term(p, l->life);
	switch (l->life) {
	case LIFE_CONFIRMED:
		sim.report->receipts += end;
		sim_check(CHECK_KNOWN, p->paid, p->n);
		sim_check(CHECK_CONFIRMED, payments_confirmed(p), p->n);
		break;
	case LIFE_REFUSED:
		sim_check(CHECK_REFUSED,
		    p->denied >= LIFE_DENIALS || p->rejected, p->n);
		break;
	case LIFE_HELD:
		sim_check(CHECK_HELD,
		    p->contradicted > 0 ||
			sim_now() - p->made_us >= t->confirm_for_us / 2,
		    p->n);
		break;
	case LIFE_ERASED:
		sim_check(CHECK_KEPT,
		    p->erase_us > 0 ||
			sim_now() - p->made_us >= t->keep_us[p->merchant] / 2,
		    p->n);
		break;
	case LIFE_WAITING:
		sim_check(CHECK_DECIDED, !end, p->n);
		break;
	default:
		break;
	}
}

void
payments_audit(bool end)
{
	const struct store_driver *d = store_driver_find("sqlite");
	struct store_life life;
	struct store *s = NULL;
	struct err e = { "" };

	if (d->open(&s, sim_driver_path(), STORE_WRITE, &e) != ST_OK ||
	    d->begin(s) != ST_OK)
		sim_broken("the store does not open", 0);
	for (size_t i = 0; i < n_payments; i++) {
		if (d->find(s, &payments[i].id, &life) != ST_OK)
			sim_broken("the store does not tell", i);
		audit(&payments[i], &life, end);
	}
	d->abort(s);
	d->close(s);
}
