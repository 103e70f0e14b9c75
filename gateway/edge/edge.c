#include "edge/edge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/pending.h"
#include "intake/intake.h"
#include "net/server.h"
#include "net/tls.h"

/* A form of the largest legal fields is near 12 KiB. */
#define BODY_MAX (64 * 1024)

/* Callbacks that may wait for the keeper at once. */
#define PENDING_MAX 8192

/* Hints that may wait for the asker at once; what is more is dropped. */
#define HINTS_MAX 8192

/* Refusals of a kind that are logged in one second; the rest is only counted.
 * What anybody can send must not hide what only a merchant can. */
#define REFUSALS_LOGGED 10

#define RETRY_AFTER "Retry-After: 1\r\n"

struct edge {
	struct room *room;
	struct channel *keeper;
	struct channel *asker; /* NULL: payments are asked about by tran_id */
	struct intake *intake;
	struct server *server;
	SSL_CTX *tls;
	struct pending *pending;
	struct refusals {
		int64_t second;
		int logged;
	} forged, guarded, elsewhere;
	struct config_networks proxies;
	size_t n_merchants;
	struct edge_merchant merchants[CONFIG_MERCHANTS];
};

static const struct edge_merchant *
find_merchant(const struct edge *e, struct bytes path)
{
	static const char prefix[] = "/ipn/";
	struct bytes id;

	if (path.len <= sizeof(prefix) - 1 ||
	    memcmp(path.ptr, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	id = bytes_make(
	    path.ptr + sizeof(prefix) - 1, path.len - (sizeof(prefix) - 1));
	for (size_t i = 0; i < e->n_merchants; i++) {
		if (bytes_is(id, e->merchants[i].rules.store_id))
			return &e->merchants[i];
	}
	return NULL;
}

/* "application/x-www-form-urlencoded", with parameters or without. */
static bool
is_form(struct bytes type)
{
	const unsigned char *end = type.ptr;

	if (type.ptr == NULL)
		return false;
	while (end < type.ptr + type.len && *end != ';' && *end != ' ' &&
	       *end != '\t')
		end++;
	type.len = (size_t)(end - type.ptr);
	return http_token_is(type, "application/x-www-form-urlencoded");
}

/* Everything that can be said before the body is there. */
static bool
on_head(void *arg, exchange_id id, const struct http_head *head)
{
	struct edge *e = arg;

	if (find_merchant(e, head->path) == NULL) {
		metrics_add(MET_CALLBACK_UNKNOWN_MERCHANT, 1);
		server_problem(e->server, id, PROBLEM_NOT_FOUND, NULL);
	} else if (head->method != HTTP_POST) {
		server_problem(
		    e->server, id, PROBLEM_METHOD, "Allow: POST\r\n");
	} else if (head->query.ptr != NULL) {
		server_problem(e->server, id, PROBLEM_QUERY, NULL);
	} else if (!is_form(http_field(head, "content-type"))) {
		server_problem(e->server, id, PROBLEM_MEDIA_TYPE, NULL);
	} else {
		return true;
	}
	return false;
}

static enum problem
problem_of(enum refusal why)
{
	switch (why) {
	case REFUSAL_TOO_LARGE:
		return PROBLEM_TOO_LARGE;
	case REFUSAL_FORM:
	case REFUSAL_CONTROL:
	case REFUSAL_UTF8:
	case REFUSAL_DUPLICATE:
		return PROBLEM_FORM;
	default:
		/* One answer for all that follows: it teaches a forger
		 * nothing about which check he passed. */
		return PROBLEM_REFUSED;
	}
}

/* Is there room for one more line of this kind in the second of req? */
static bool
may_log(struct refusals *r, const struct server_request *req)
{
	int64_t second = req->arrived_us / 1000000;

	if (second != r->second)
		*r = (struct refusals){ .second = second };
	return r->logged++ < REFUSALS_LOGGED;
}

static void
log_refusal(struct edge *e, const struct edge_merchant *m,
    const struct server_request *req, enum refusal why)
{
	bool guarded = intake_guarded(why);

	if (!may_log(guarded ? &e->guarded : &e->forged, req))
		return;
	log_event(guarded ? LOG_INVOICE_GUARDED : LOG_CALLBACK_REFUSED,
	    log_word(KEY_MERCHANT, m->rules.store_id),
	    log_word(KEY_REASON, refusal_word(why)),
	    log_num(KEY_BYTES, (int64_t)req->body_len),
	    log_word(KEY_PEER, req->peer));
}

static void
refuse(struct edge *e, const struct edge_merchant *m,
    const struct server_request *req, enum refusal why)
{
	metrics_add(MET_CALLBACK_REFUSED_TOO_LARGE + (unsigned)why, 1);
	if (intake_guarded(why))
		metrics_add(MET_INVOICE_GUARDED_EDGE, 1);
	log_refusal(e, m, req, why);
	server_problem(e->server, req->id, problem_of(why), NULL);
}

static void
acknowledge(struct edge *e, exchange_id id)
{
	struct server_reply ok = { .status = 200,
		.content_type = "text/plain",
		.body = bytes_of("OK") };

	server_reply(e->server, id, &ok);
}

static void
busy(struct edge *e, exchange_id id)
{
	metrics_add(MET_CALLBACK_BUSY, 1);
	server_problem(e->server, id, PROBLEM_UNAVAILABLE, RETRY_AFTER);
}

/* The one way that val_id takes.  One that does not arrive is not missed:
 * tran_id takes its place. */
static void
hint(struct edge *e, const struct intake_result *result)
{
	struct msg_hint msg = { .id = result->receipt.id };
	enum status dropped;

	if (e->asker == NULL || result->val_id[0] == '\0')
		return;
	memcpy(msg.val_id, result->val_id, sizeof(msg.val_id));
	dropped = channel_add(e->asker, MSG_HINT, &msg);
	(void)dropped;
	secret_wipe(&msg, sizeof(msg));
}

/* Of a payment that was known, or is not stored, nothing has to be asked by
 * what this callback gave; another one's hint may still be needed. */
static void
withdraw_hint(struct edge *e, const struct pending_put *put)
{
	struct msg_withdraw msg = { .id = put->receipt };
	enum status dropped;

	if (e->asker == NULL ||
	    e->merchants[put->merchant].rules.confirm != CONFIRM_REQUIRED)
		return;
	dropped = channel_add(e->asker, MSG_WITHDRAW, &msg);
	(void)dropped; /* its time will be over */
}

/* Nothing is acknowledged here: the answer waits for the commit. */
static void
store(struct edge *e, const struct edge_merchant *m,
    const struct server_request *req, const struct intake_result *result)
{
	const struct receipt *r = &result->receipt;
	struct pending_put put = { .exchange = req->id,
		.arrived_us = req->arrived_us,
		.merchant = (uint32_t)(m - e->merchants),
		.receipt = r->id };
	struct msg_put msg = { .receipt = *r };

	metrics_add(MET_CALLBACK_FIELDS, result->fields);
	memcpy(msg.tran_id, result->tran_id, sizeof(msg.tran_id));
	if (!pending_add(e->pending, &put, &msg.tag)) {
		busy(e, req->id);
		return;
	}
	if (channel_add(e->keeper, MSG_PUT, &msg) == ST_OK)
		hint(e, result);
	else if (pending_take(e->pending, msg.tag, &put))
		busy(e, req->id);
}

static void
forget(struct edge *e, const struct edge_merchant *m,
    const struct server_request *req, const struct intake_result *result)
{
	metrics_add(MET_CALLBACK_FIELDS, result->fields);
	metrics_add(MET_CALLBACK_NOT_PAID, 1);
	log_event(LOG_CALLBACK, log_word(KEY_MERCHANT, m->rules.store_id),
	    log_word(KEY_OUTCOME, "not_paid"),
	    log_num(KEY_FIELDS, result->fields));
	acknowledge(e, req->id);
}

/* May a genuine callback from there be taken?  Where SSLCommerz is asked,
 * its answer counts and the address is a hint; where not, the signature alone
 * would have to do. */
static bool
address_serves(struct edge *e, const struct edge_merchant *m,
    const struct server_request *req)
{
	const struct config_networks *n = &m->addresses;
	bool taken = m->rules.confirm == CONFIRM_REQUIRED;

	if (n->n == 0 || network_any(n->list, n->n, req->address))
		return true;
	metrics_add(taken ? MET_CALLBACK_ELSEWHERE_TAKEN
			  : MET_CALLBACK_ELSEWHERE_REFUSED,
	    1);
	if (may_log(&e->elsewhere, req))
		log_event(LOG_CALLBACK_ELSEWHERE,
		    log_word(KEY_MERCHANT, m->rules.store_id),
		    log_word(KEY_OUTCOME, taken ? "taken" : "refused"),
		    log_word(KEY_PEER, req->peer));
	return taken;
}

static void
on_request(void *arg, const struct server_request *req)
{
	struct edge *e = arg;
	const struct edge_merchant *m = find_merchant(e, req->head->path);
	struct intake_result result;

	if (m == NULL) { /* on_head() has seen to it */
		server_problem(e->server, req->id, PROBLEM_INTERNAL, NULL);
		return;
	}
	intake_run(
	    e->intake, m, req->body, req->body_len, clock_wall_us(), &result);
	switch (result.verdict) {
	case VERDICT_PAID:
		if (address_serves(e, m, req))
			store(e, m, req, &result);
		else
			server_problem(
			    e->server, req->id, PROBLEM_REFUSED, NULL);
		break;
	case VERDICT_NOT_PAID:
		forget(e, m, req, &result);
		break;
	case VERDICT_REFUSED:
		refuse(e, m, req, result.refusal);
		break;
	case VERDICT_UNABLE:
		busy(e, req->id);
		break;
	}
	secret_wipe(&result, sizeof(result));
}

static const char *
outcome_of(const struct edge_merchant *m, bool duplicate)
{
	if (duplicate)
		return "duplicate";
	return m->rules.confirm == CONFIRM_REQUIRED ? "waiting" : "paid";
}

static void
stored(struct edge *e, const struct pending_put *put, bool duplicate)
{
	const struct edge_merchant *m = &e->merchants[put->merchant];
	int64_t took_us = clock_mono_us() - put->arrived_us;
	char id[ID_TEXT];

	metrics_add(MET_CALLBACK_PAID, 1);
	if (duplicate)
		metrics_add(MET_CALLBACK_DUPLICATE, 1);
	metrics_observe(MET_ACK_SECONDS, took_us);
	id_format(&put->receipt, id);
	log_event(LOG_CALLBACK, log_word(KEY_MERCHANT, m->rules.store_id),
	    log_word(KEY_OUTCOME, outcome_of(m, duplicate)),
	    log_word(KEY_RECEIPT, id), log_num(KEY_MS, took_us / 1000));
	acknowledge(e, put->exchange);
}

static void
on_records(
    void *arg, enum message type, const void *records, size_t count, int fd)
{
	const struct msg_put_done *done = records;
	struct edge *e = arg;

	(void)type; /* PUT_DONE is all that a keeper may send here */
	(void)fd;
	for (size_t i = 0; i < count; i++) {
		struct pending_put put;

		if (!pending_take(e->pending, done[i].tag, &put))
			continue;
		if (done[i].status != ST_OK)
			withdraw_hint(e, &put);
		if (done[i].status == ST_OK || done[i].status == ST_EXISTS)
			stored(e, &put, done[i].status == ST_EXISTS);
		else
			busy(e, put.exchange);
	}
}

static void
on_keeper_end(void *arg, enum channel_end why)
{
	struct edge *e = arg;

	(void)why;
	room_done(e->room, 1);
}

static void
on_asker_end(void *arg, enum channel_end why)
{
	struct edge *e = arg;

	(void)why;
	channel_free(e->asker);
	e->asker = NULL;
}

/* An asker has nothing to say here (message.def): no on_records. */
static void
meet_asker(struct edge *e, int fd)
{
	struct channel_config cc = { .fd = fd,
		.self = PARTY_EDGE,
		.peer = PARTY_ASKER,
		.most_queued = HINTS_MAX,
		.on_end = on_asker_end,
		.arg = e };

	channel_free(e->asker);
	if (channel_new(&e->asker, e->room->loop, &cc, NULL) != ST_OK)
		e->asker = NULL;
}

static void
on_message(void *arg, enum message type, const void *record, int fd)
{
	const struct msg_peer *peer = record;

	if (fd < 0)
		return;
	if (type == MSG_PEER && peer->party == PARTY_ASKER)
		meet_asker(arg, fd);
	else
		(void)close(fd);
}

static void
on_drained(void *arg)
{
	struct edge *e = arg;

	room_done(e->room, 0);
}

static void
on_drain(void *arg)
{
	struct edge *e = arg;

	server_drain(e->server, on_drained, e);
}

static enum status
serve(struct edge *e, const struct edge_config *cfg, struct err *err)
{
	const struct config_limits *l = &cfg->limits;
	struct server_config sc = { .fd = e->room->listeners[0],
		.tls = e->tls,
		.connections = l->connections,
		.connections_per_address = l->connections_per_address,
		.handshakes = l->handshakes,
		.proxies = e->proxies.list,
		.n_proxies = e->proxies.n,
		.handshake_ms = l->handshake_ms,
		.head_ms = l->head_ms,
		.body_ms = l->body_ms,
		.idle_ms = l->idle_ms,
		.body_max = BODY_MAX,
		.accepted = MET_CONN_ACCEPTED_CALLBACKS,
		.open = MET_CONN_OPEN_CALLBACKS,
		.on_request = on_request,
		.on_head = on_head,
		.arg = e };

	return server_new(&e->server, e->room->loop, &sc, err);
}

static enum status
connect_keeper(struct edge *e, struct err *err)
{
	struct channel_config cc = { .fd = e->room->keeper,
		.self = PARTY_EDGE,
		.peer = PARTY_KEEPER,
		.most_queued = PENDING_MAX,
		.on_records = on_records,
		.on_end = on_keeper_end,
		.arg = e };

	return channel_new(&e->keeper, e->room->loop, &cc, err);
}

enum status
edge_start(struct edge **out, struct room *room, const struct edge_config *cfg,
    struct err *err)
{
	struct edge *e = calloc(1, sizeof(*e));
	enum status st;

	*out = NULL;
	if (e == NULL)
		return ST_NO_MEMORY;
	e->room = room;
	e->proxies = cfg->proxies;
	e->n_merchants = cfg->n_merchants;
	memcpy(e->merchants, cfg->merchants, sizeof(e->merchants));
	e->pending = pending_new(PENDING_MAX);
	st = e->pending == NULL
		 ? ST_NO_MEMORY
		 : intake_new(&e->intake, cfg->identity_key, err);
	if (st == ST_OK)
		st = tls_server_new(&e->tls, &cfg->tls, NULL, err);
	if (st == ST_OK)
		tls_server_brief(e->tls);
	if (st == ST_OK)
		st = connect_keeper(e, err);
	if (st == ST_OK)
		st = serve(e, cfg, err);
	if (st != ST_OK) {
		edge_free(e);
		return st;
	}
	room->on_drain = on_drain;
	room->on_message = on_message;
	room->arg = e;
	*out = e;
	return ST_OK;
}

void
edge_free(struct edge *e)
{
	if (e == NULL)
		return;
	server_free(e->server);
	channel_free(e->keeper);
	channel_free(e->asker);
	tls_server_free(e->tls);
	intake_free(e->intake);
	pending_free(e->pending);
	secret_wipe(e->merchants, sizeof(e->merchants));
	free(e);
}
