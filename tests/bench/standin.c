#include "standin.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/secret.h"
#include "callback.h"
#include "courier/webhook.h"
#include "load.h"
#include "wire.h"

#define SECRET_MOST ((size_t)64)
#define TAKEN	    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

struct peer {
	struct wire wire;
	char answer[2048];
};

static struct standin_config config;
static struct event_base *loop;
static SSL_CTX *tls;
static unsigned char secret[SECRET_MOST];
static size_t secret_len;
/* By number, a bit for each endpoint that has it. */
static unsigned char *delivered;

_Static_assert(STANDIN_ENDPOINTS <= CHAR_BIT, "a bit for each");

static void
on_ready(struct wire *w)
{
	(void)w;
}

/* Peers stay: a gateway opens few, and closes none while it works. */
static void
on_end(struct wire *w, const char *why)
{
	(void)why;
	wire_close(w);
}

/* ---- SSLCommerz */

static int
print_payment(uint32_t n, char *out, size_t cap)
{
	char invoice[CALLBACK_TEXT], val_id[CALLBACK_TEXT];
	char amount[CALLBACK_TEXT];

	callback_invoice(n, invoice);
	callback_val_id(n, val_id);
	callback_amount(n, amount);
	return snprintf(out, cap,
	    "{\"status\":\"VALID\",\"tran_date\":\"2025-12-02 12:30:45\","
	    "\"tran_id\":\"%s\",\"val_id\":\"%s\",\"amount\":\"%s\","
	    "\"store_amount\":\"1121.25\",\"currency\":\"BDT\","
	    "\"bank_tran_id\":\"2512021231QWBANK%u\","
	    "\"card_type\":\"MASTER-Invented Savings\","
	    "\"card_no\":\"544332XXXXXX7788\","
	    "\"card_issuer\":\"Invented Savings House Ltd\","
	    "\"card_brand\":\"MASTERCARD\",\"card_category\":\"DEBIT\","
	    "\"card_issuer_country\":\"Bangladesh\","
	    "\"card_issuer_country_code\":\"BD\",\"currency_type\":\"BDT\","
	    "\"currency_amount\":\"%s\",\"currency_rate\":\"1.0000\","
	    "\"base_fair\":\"0.00\",\"value_a\":\"payer.person@mail.invalid\","
	    "\"value_b\":\"+8801700998877\","
	    "\"value_c\":\"77 Nowhere Road, Dhaka\",\"value_d\":\"\","
	    "\"emi_instalment\":\"0\",\"emi_amount\":\"0.00\","
	    "\"risk_level\":\"0\",\"risk_title\":\"Safe\","
	    "\"discount_amount\":0,\"gw_version\":\"\","
	    "\"validated_on\":\"2025-12-02 12:30:46\","
	    "\"APIConnect\":\"DONE\"}",
	    invoice, val_id, amount, n, amount);
}

/* The payment that a question is about; *by_val_id: how it is asked. */
static bool
asked_about(const struct wire_message *m, uint32_t *n, bool *by_val_id)
{
	static const char val_id[] = "validationserverAPI.php?val_id="
				     "251202123045";
	static const char tran_id[] = "merchantTransIDvalidationAPI.php"
				      "?tran_id=";
	static const char password[] = "&store_id=" CALLBACK_MERCHANT
				       "&store_passwd=" CALLBACK_PASSWORD "&";
	const char *at;

	if (memmem(m->head, m->head_len, password, sizeof(password) - 1) ==
	    NULL)
		return false;
	at = memmem(m->head, m->head_len, val_id, sizeof(val_id) - 1);
	*by_val_id = at != NULL;
	if (at != NULL)
		return callback_number(at + sizeof(val_id) - 1, n);
	at = memmem(m->head, m->head_len, tran_id, sizeof(tran_id) - 1);
	return at != NULL && callback_number(at + sizeof(tran_id) - 1, n);
}

static void
on_question(struct wire *w, const struct wire_message *m)
{
	struct peer *p = w->owner;
	char payment[1536], list[1600];
	uint32_t n;
	bool by_val_id;
	int len;

	if (!asked_about(m, &n, &by_val_id) || n >= config.payments) {
		wrong(m->head, m->head_len);
		wire_close(w);
		return;
	}
	len = print_payment(n, payment, sizeof(payment));
	if (len < 0 || (size_t)len >= sizeof(payment))
		abort();
	if (!by_val_id)
		len = snprintf(list, sizeof(list),
		    "{\"APIConnect\":\"DONE\",\"no_of_trans_found\":1,"
		    "\"element\":[%s]}",
		    payment);
	len = snprintf(p->answer, sizeof(p->answer),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    len, by_val_id ? payment : list);
	if (len < 0 || (size_t)len >= sizeof(p->answer))
		abort();
	wire_send(w, p->answer, (size_t)len);
}

/* ---- billing */

static bool
is_signed(const struct wire_message *m, const char *id)
{
	const struct bytes key = { secret, secret_len };
	char at[24], said[256];
	struct buf right;
	long long s;
	bool ok;

	if (!wire_field(m, "webhook-timestamp", at, sizeof(at)) ||
	    !wire_field(m, "webhook-signature", said, sizeof(said)))
		return false;
	s = strtoll(at, NULL, 10);
	if (llabs(s - (long long)time(NULL)) > 300)
		return false;
	buf_init(&right, sizeof(said));
	ok = webhook_sign(&key, 1, NULL, 0, id, s,
		 bytes_make(m->body, m->body_len), &right) == ST_OK &&
	     strcmp(said, (const char *)right.data) == 0;
	buf_fini(&right);
	return ok;
}

/* The text of a member, which is whole; NULL without it. */
static const char *
member(const struct wire_message *m, const char *name)
{
	const char *at = memmem(m->body, m->body_len, name, strlen(name));

	return at != NULL ? at + strlen(name) : NULL;
}

static bool
is_right(const struct wire_message *m, uint32_t *n)
{
	char id[64], amount[CALLBACK_TEXT];
	const char *said;

	if (!wire_field(m, "webhook-id", id, sizeof(id)) || !is_signed(m, id))
		return false;
	said = member(m, "\"data\":{\"id\":\"");
	if (said == NULL || strncmp(said, id, strlen(id)) != 0)
		return false;
	said = member(m, "\"invoice_id\":\"");
	if (said == NULL || !callback_number(said, n) || *n >= config.payments)
		return false;
	callback_amount(*n, amount);
	said = member(m, "\"amount\":\"");
	return said != NULL && strncmp(said, amount, strlen(amount)) == 0 &&
	       said[strlen(amount)] == '"';
}

/* The endpoint of "POST /N HTTP/1.1" as a bit; 0: none of ours. */
static unsigned
endpoint_of(const struct wire_message *m)
{
	static const char line[] = "POST /";
	const size_t len = sizeof(line) - 1;
	unsigned i;

	if (m->head_len < len + 2 || memcmp(m->head, line, len) != 0 ||
	    m->head[len + 1] != ' ')
		return 0;
	i = (unsigned)m->head[len] - '0';
	return i < config.endpoints ? 1U << i : 0;
}

static bool
is_notice(const struct wire_message *m)
{
	static const char type[] = "\"type\":\"receipt.erased\"";
	char id[64];

	return wire_field(m, "webhook-id", id, sizeof(id)) &&
	       is_signed(m, id) &&
	       memmem(m->body, m->body_len, type, sizeof(type) - 1) != NULL;
}

static void
on_delivery(struct wire *w, const struct wire_message *m)
{
	static const char words[] = "a delivery is not right, or came again";
	const unsigned all = (1U << config.endpoints) - 1;
	unsigned endpoint = endpoint_of(m);
	bool is_new;
	uint32_t n;

	if (config.again && is_notice(m)) {
		wire_send(w, TAKEN, sizeof(TAKEN) - 1);
		return;
	}
	if (endpoint == 0 || !is_right(m, &n) ||
	    (delivered[n] & endpoint && !config.again)) {
		wrong(words, strlen(words));
		wire_close(w);
		return;
	}
	is_new = (delivered[n] & endpoint) == 0;
	delivered[n] = (unsigned char)(delivered[n] | endpoint);
	wire_send(w, TAKEN, sizeof(TAKEN) - 1);
	if (is_new && delivered[n] == all)
		config.on_delivered(n);
}

/* ---- listening */

static const struct wire_events provider = { on_ready, on_question, on_end };
static const struct wire_events billing = { on_ready, on_delivery, on_end };

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	evutil_socket_t in = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	struct peer *p;

	(void)what;
	if (in < 0)
		return;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	wire_accept(&p->wire, loop, tls, in, arg, p);
}

static int
listen_for(const struct wire_events *events)
{
	int port;
	evutil_socket_t fd = wire_listen(&port);
	struct event *e = event_new(
	    loop, fd, EV_READ | EV_PERSIST, on_accept, (void *)events);

	if (e == NULL || event_add(e, NULL) != 0)
		abort();
	return port;
}

void
standin_start(struct event_base *base, const struct standin_config *cfg,
    int *provider_port, int *billing_port)
{
	config = *cfg;
	loop = base;
	tls = wire_server_context(cfg->certificate, cfg->key);
	secret_len = strlen(cfg->secret) / 2;
	delivered = calloc(cfg->payments, sizeof(*delivered));
	if (delivered == NULL || cfg->endpoints > STANDIN_ENDPOINTS ||
	    secret_len > sizeof(secret) ||
	    !secret_unhex(cfg->secret, secret, secret_len))
		abort();
	*provider_port = listen_for(&provider);
	*billing_port = listen_for(&billing);
}
