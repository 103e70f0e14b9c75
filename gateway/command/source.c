#include "command/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/control.h"
#include "keeper/erasure.h"
#include "keeper/moves.h"

struct source {
	const struct config *config;
	struct control *control; /* or, when it is NULL: */
	const struct store_driver *driver;
	struct store *store;
	int64_t next_us; /* when the next retried delivery is due */
};

static enum status
open_store(struct source *s, struct err *e)
{
	enum status st;

	s->driver = store_driver_find("sqlite");
	st = s->driver->open(&s->store, s->config->store_path, STORE_READ, e);
	if (st == ST_NOT_FOUND)
		err_set(e, "no gateway runs here and there is no store yet");
	return st;
}

enum status
source_open(struct source **out, const struct config *c, struct err *e)
{
	struct source *s = calloc(1, sizeof(*s));
	char path[CONFIG_PATH];
	enum status st;

	*out = NULL;
	if (s == NULL)
		return ST_NO_MEMORY;
	s->config = c;
	st = config_control_path(c, path, sizeof(path));
	if (st == ST_OK)
		st = control_open(&s->control, path, e);
	if (st == ST_NOT_FOUND) {
		e->text[0] = '\0'; /* no fault: there is the store */
		st = open_store(s, e);
	}
	if (st != ST_OK) {
		source_close(s);
		return st;
	}
	*out = s;
	return ST_OK;
}

void
source_close(struct source *s)
{
	if (s == NULL)
		return;
	control_close(s->control);
	if (s->driver != NULL)
		s->driver->close(s->store);
	free(s);
}

enum status
source_page(struct source *s, const struct store_query *q, store_row_fn *fn,
    void *arg, uint64_t *last, bool *more)
{
	if (s->control != NULL)
		return control_page(s->control, q, fn, arg, last, more);
	return s->driver->page(s->store, q, fn, arg, last, more);
}

enum status
source_get(struct source *s, const struct receipt_id *id, const char *merchant,
    struct store_row *out)
{
	if (s->control != NULL)
		return control_get(s->control, id, merchant, out);
	return s->driver->get(s->store, id, merchant, out);
}

enum status
source_holds(struct source *s, const struct store_query *q, store_life_fn *fn,
    void *arg, bool *more)
{
	if (s->control != NULL)
		return control_holds(s->control, q, fn, arg, more);
	return s->driver->holds(s->store, q, fn, arg, more);
}

enum status
source_hold(struct source *s, const struct receipt_id *id, const char *merchant,
    struct store_life *out)
{
	if (s->control != NULL)
		return control_hold(s->control, id, merchant, out);
	return s->driver->hold(s->store, id, merchant, out);
}

/* ---- deciding without a gateway */

/* Who is owed a receipt of this merchant. */
static enum status
find_endpoints(const struct source *s, struct store *store,
    const char *merchant, struct store_endpoints *out, struct err *e)
{
	const struct config *c = s->config;
	const struct config_merchant *m = config_merchant(c, merchant);
	enum status st = ST_OK;
	int64_t disabled_at_us;

	if (m == NULL) {
		err_set(e, "the configuration no longer has its merchant, so "
			   "that nobody knows whom to tell");
		return ST_CONFIG;
	}
	for (size_t i = 0; st == ST_OK && i < c->n_billings; i++) {
		if ((m->billings >> i & 1) != 0)
			st = s->driver->endpoint(store, c->billings[i].name,
			    &out->ids[out->n++], &disabled_at_us);
	}
	return st;
}

static enum status
apply(const struct store_driver *d, struct store *store, struct store_op *op)
{
	enum status st = d->begin(store);

	if (st != ST_OK)
		return st;
	st = moves_apply(d, store, op);
	if (st == ST_OK)
		return d->commit(store);
	d->abort(store);
	return st;
}

static enum status
decide(const struct source *s, struct store *store, const struct receipt_id *id,
    const char *merchant, bool release, struct err *e)
{
	struct store_op op = { .kind = STORE_OP_DECIDE,
		.u.decide = {
		    .id = *id, .release = release, .at_us = clock_wall_us() } };
	struct store_life held;
	char text[ID_TEXT];
	enum status st = s->driver->hold(store, id, merchant, &held);

	if (st == ST_OK && release)
		st = find_endpoints(
		    s, store, held.claimed.merchant, &op.u.decide.endpoints, e);
	if (st == ST_OK)
		st = apply(s->driver, store, &op);
	if (st != ST_OK)
		return st;
	id_format(id, text);
	log_event(release ? LOG_RELEASED : LOG_REJECTED,
	    log_word(KEY_RECEIPT, text), log_word(KEY_WHO, "cli"));
	return ST_OK;
}

enum status
source_decide(struct source *s, const struct receipt_id *id,
    const char *merchant, bool release, struct err *e)
{
	struct store *store = NULL;
	enum status st;

	if (s->control != NULL) {
		st = control_decide(s->control, id, merchant, release);
		if (st == ST_CONFIG)
			err_set(e, "the running gateway does not know its "
				   "merchant, so that nobody would be told");
		return st;
	}
	st = s->driver->open(&store, s->config->store_path, STORE_WRITE, e);
	if (st == ST_OK)
		st = decide(s, store, id, merchant, release, e);
	s->driver->close(store);
	return st;
}

/* ---- deliveries */

/* The store knows endpoints by number, which only its writer gives: here they
 * are told apart by name. */
struct named {
	const char *endpoint; /* NULL: any */
	store_delivery_fn *fn;
	void *arg;
};

static void
pass_named(void *arg, const struct store_delivery *d)
{
	const struct named *n = arg;

	if (n->endpoint == NULL ||
	    strcmp(n->endpoint, d->delivery.endpoint) == 0)
		n->fn(n->arg, d);
}

enum status
source_deliveries(struct source *s, const struct store_which *w,
    const char *endpoint, store_delivery_fn *fn, void *arg, uint64_t *last,
    bool *more)
{
	struct named n = { .endpoint = endpoint, .fn = fn, .arg = arg };

	if (s->control != NULL)
		return control_deliveries(
		    s->control, w, endpoint, fn, arg, last, more);
	return s->driver->deliveries(s->store, w, pass_named, &n, last, more);
}

enum status
source_attempts(struct source *s, const struct receipt_id *id,
    const char *endpoint, const char *merchant, store_attempt_fn *fn, void *arg)
{
	if (s->control != NULL)
		return control_attempts(
		    s->control, id, endpoint, merchant, fn, arg);
	return s->driver->attempts(
	    s->store, id, endpoint, merchant, MESSAGE_ATTEMPTS, fn, arg);
}

enum status
source_tokens(struct source *s, store_token_fn *fn, void *arg)
{
	if (s->control != NULL)
		return control_tokens(s->control, fn, arg);
	return s->driver->tokens(s->store, fn, arg);
}

/* What is asked of the deliveries of one page. */
struct plan {
	enum delivery_state to;
	int64_t next_us, gap_us; /* one after the other */
	size_t matched, n, most;
	struct store_redeliver *items;
};

static void
plan_one(void *arg, const struct store_delivery *d)
{
	struct plan *p = arg;

	p->matched++;
	if (p->n == p->most || !delivery_move(d->delivery.state, p->to))
		return;
	p->items[p->n++] = (struct store_redeliver){ .seq = d->seq,
		.endpoint_id = d->endpoint_id,
		.to = p->to,
		.at_us = p->next_us };
	p->next_us += p->gap_us;
}

/* Apply op to the store, which is opened for that. */
static enum status
write_op(struct source *s, struct store_op *op, struct err *e)
{
	struct store *store = NULL;
	enum status st =
	    s->driver->open(&store, s->config->store_path, STORE_WRITE, e);

	if (st == ST_OK)
		st = apply(s->driver, store, op);
	s->driver->close(store);
	return st;
}

static enum status
carry_out(struct source *s, struct plan *p, size_t *changed, struct err *e)
{
	struct store_op op = { .kind = STORE_OP_REDELIVER,
		.u.redeliver = { .items = p->items, .n = p->n } };
	enum status st;

	*changed = 0;
	if (p->n == 0)
		return ST_OK;
	st = write_op(s, &op, e);
	if (st != ST_OK)
		return st;
	*changed = op.u.redeliver.changed;
	s->next_us = p->next_us;
	if (*changed == 0)
		return ST_OK;
	log_event(p->to == DELIVERY_PENDING ? LOG_REDELIVERED : LOG_DROPPED,
	    log_num(KEY_COUNT, op.u.redeliver.changed),
	    log_word(KEY_WHO, "cli"));
	return ST_OK;
}

static enum status
redeliver(struct source *s, const struct store_which *w, const char *endpoint,
    enum redeliver_action action, struct control_redelivered *out,
    struct err *e)
{
	int64_t now_us = clock_wall_us();
	struct plan p = { .to = action == REDELIVER_DROP ? DELIVERY_DROPPED
							 : DELIVERY_PENDING,
		.next_us = s->next_us > now_us ? s->next_us : now_us,
		.most = w->limit };
	enum status st;

	if (p.to == DELIVERY_PENDING)
		p.gap_us = 1000000 / s->config->limits.redeliver_rate;
	p.items = calloc(w->limit, sizeof(*p.items));
	if (p.items == NULL)
		return ST_NO_MEMORY;
	st = source_deliveries(
	    s, w, endpoint, plan_one, &p, &out->last, &out->more);
	out->matched = p.matched;
	if (st == ST_OK && action != REDELIVER_COUNT)
		st = carry_out(s, &p, &out->changed, e);
	free(p.items);
	return st;
}

enum status
source_redeliver(struct source *s, const struct store_which *w,
    const char *endpoint, enum redeliver_action action,
    struct control_redelivered *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	if (s->control != NULL)
		return control_redeliver(s->control, w, endpoint, action, out);
	return redeliver(s, w, endpoint, action, out, e);
}

static enum status
resume(struct source *s, struct store *store, const char *endpoint)
{
	struct store_op op = { .kind = STORE_OP_DISABLE };
	int64_t disabled_at_us;
	enum status st = s->driver->endpoint(
	    store, endpoint, &op.u.disable.endpoint_id, &disabled_at_us);

	if (st == ST_OK)
		st = apply(s->driver, store, &op);
	if (st == ST_OK)
		log_event(
		    LOG_ENDPOINT_RESUMED, log_word(KEY_ENDPOINT, endpoint));
	return st;
}

enum status
source_resume(struct source *s, const char *endpoint, struct err *e)
{
	struct store *store = NULL;
	enum status st;

	if (s->control != NULL)
		return control_resume(s->control, endpoint);
	st = s->driver->open(&store, s->config->store_path, STORE_WRITE, e);
	if (st == ST_OK)
		st = resume(s, store, endpoint);
	s->driver->close(store);
	return st;
}

enum status
source_revoke(struct source *s, const unsigned char sha256[32], struct err *e)
{
	struct store_op op = { .kind = STORE_OP_TOKEN,
		.u.token = { .revoked_at_us = clock_wall_us() } };
	enum status st;

	if (s->control != NULL)
		return control_revoke(s->control, sha256);
	memcpy(op.u.token.sha256, sha256, sizeof(op.u.token.sha256));
	st = write_op(s, &op, e);
	if (st == ST_OK)
		log_write(LOG_TOKEN_REVOKED, NULL, 0);
	return st;
}

enum status
source_erase(struct source *s, const char *merchant, const char *invoice_id,
    enum erase_action action, store_life_fn *fn, void *arg,
    struct msg_erased *out, struct err *e)
{
	const struct config_merchant *m = config_merchant(s->config, merchant);
	struct erasure_ask ask = { .action = action, .at_us = clock_wall_us() };
	struct store *store = NULL;
	enum status st;

	if (s->control != NULL)
		return control_erase(
		    s->control, merchant, invoice_id, action, fn, arg, out);
	ask.tell_at_us = ask.at_us;
	if (m != NULL)
		ask.at_least_us = m->keep_at_least_s * 1000000;
	if (!receipt_text(
		ask.merchant, sizeof(ask.merchant), bytes_of(merchant)) ||
	    !receipt_text(
		ask.invoice_id, sizeof(ask.invoice_id), bytes_of(invoice_id)))
		return ST_BAD_INPUT;
	st = s->driver->open(&store, s->config->store_path, STORE_WRITE, e);
	if (st == ST_OK)
		st = erasure_run(s->driver, store, &ask, fn, arg, out);
	s->driver->close(store);
	if (st == ST_OK && action == ERASE_DO && out->why == RETAIN_FREE &&
	    out->receipts + out->waiting + out->held > 0)
		log_event(LOG_ERASED, log_word(KEY_MERCHANT, merchant),
		    log_num(
			KEY_COUNT, out->receipts + out->waiting + out->held),
		    log_word(KEY_WHO, "cli"));
	return st;
}

enum status
source_legal(struct source *s, const char *merchant, const char *invoice_id,
    bool held, struct err *e)
{
	struct store_op op = { .kind = STORE_OP_LEGAL,
		.u.legal.at_us = held ? clock_wall_us() : 0 };
	enum status st;

	if (s->control != NULL)
		return control_legal(s->control, merchant, invoice_id, held);
	if (!receipt_text(op.u.legal.merchant, sizeof(op.u.legal.merchant),
		bytes_of(merchant)) ||
	    !receipt_text(op.u.legal.invoice_id, sizeof(op.u.legal.invoice_id),
		bytes_of(invoice_id)))
		return ST_BAD_INPUT;
	st = write_op(s, &op, e);
	if (st == ST_OK)
		log_event(held ? LOG_LEGAL_HOLD : LOG_LEGAL_RELEASE,
		    log_word(KEY_MERCHANT, merchant), log_word(KEY_WHO, "cli"));
	return st;
}
