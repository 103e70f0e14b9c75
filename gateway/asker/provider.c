#include "asker/provider.h"

#include <stdlib.h>
#include <string.h>

#include "asker/breaker.h"
#include "asker/pace.h"
#include "asker/url.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"

/* How long a provider that says 429 is left alone. */
#define PAUSE_LEAST_S  1
#define PAUSE_MOST_S   3600
#define PAUSE_UNSAID_S 30

struct merchant {
	struct provider *provider;
	struct merchant_rules rules;
	char password[ROOMS_PASSWORDS][ROOMS_PASSWORD];
	struct lockout lockout;
	struct question_list waiting;
	size_t held; /* waiting and under way */
};

struct provider {
	struct provider_config cfg;
	uint32_t number;
	struct client_target *target;
	struct event *timer;
	struct pace pace;
	struct breaker breaker;
	enum reason away_why; /* why the breaker opened */
	int64_t paused_until_us;
	bool draining;
	bool fresh; /* something was asked in this turn */
	size_t most, in_flight;
	struct question_list lookups, under_way;
	size_t n_lookups;	  /* that wait */
	size_t n_merchants, turn; /* whose turn it is */
	struct merchant *merchants;
	struct buf text; /* a target; wiped after each use */
};

static const enum metric answers[REASONS] = {
#define REASON(name, word, answer) [REASON_##name] = MET_ANSWER_##name,
#include "base/reason.def"
#undef REASON
};

static void pump(struct provider *p);

/* ---- the end of a question */

static void
finding(struct provider *p, struct question *q, const struct finding *f)
{
	p->cfg.on_finding(p->cfg.arg, q, f);
	if (!q->is_lookup)
		q->merchant->held--;
	question_free(q);
}

/* A lookup that waited, and has waited enough. */
static void
give_up(struct provider *p, struct question *q, enum reason why)
{
	const struct finding f = { .reason = why };

	question_remove(&p->lookups, q);
	p->n_lookups--;
	finding(p, q, &f);
}

/* Can nothing come of q for now? */
static bool
is_hopeless(const struct provider *p, const struct question *q, int64_t now_us,
    enum reason *why)
{
	*why = REASON_LIMITED;
	if (p->draining || now_us >= q->until_us || now_us < p->paused_until_us)
		return true;
	if (now_us < breaker_next_us(&p->breaker)) {
		*why = p->away_why;
		return true;
	}
	return lockout_shut(&q->merchant->lockout, now_us, why);
}

static void
give_up_lookups(struct provider *p, int64_t now_us)
{
	struct question *next;
	enum reason why;

	for (struct question *q = p->lookups.first; q != NULL; q = next) {
		next = q->next;
		if (is_hopeless(p, q, now_us, &why))
			give_up(p, q, why);
	}
}

static void
wait_again(struct provider *p, struct question *q)
{
	if (!q->is_lookup) {
		question_prepend(&q->merchant->waiting, q);
		return;
	}
	question_prepend(&p->lookups, q);
	p->n_lookups++;
}

static bool
is_failure(enum reason r)
{
	switch (r) {
	case REASON_DNS:
	case REASON_CONNECT:
	case REASON_TLS:
	case REASON_TIMEOUT:
	case REASON_IO:
	case REASON_STATUS:
	case REASON_NONSENSE:
		return true;
	default:
		return false;
	}
}

static void
weigh_health(
    struct provider *p, const struct question *q, enum reason r, int64_t now_us)
{
	if (!is_failure(r)) {
		if (breaker_answered(&p->breaker))
			log_event(LOG_PROVIDER_BACK,
			    log_num(KEY_PROVIDER, p->number));
	} else if (breaker_failed(&p->breaker, q->probe, now_us)) {
		p->away_why = r;
		log_event(LOG_PROVIDER_AWAY, log_num(KEY_PROVIDER, p->number),
		    log_word(KEY_REASON, reason_word(r)));
	}
}

static void
weigh_pause(struct provider *p, const struct client_result *r, int64_t now_us)
{
	int64_t s = r->retry_after_s;

	if (r->http_status == 429 && s < 0)
		s = PAUSE_UNSAID_S;
	if ((r->http_status != 429 && r->http_status != 503) || s < 0)
		return;
	if (s < PAUSE_LEAST_S)
		s = PAUSE_LEAST_S;
	if (s > PAUSE_MOST_S)
		s = PAUSE_MOST_S;
	if (p->paused_until_us < now_us + s * 1000000)
		p->paused_until_us = now_us + s * 1000000;
}

/* true: there is another password to ask with. */
static bool
weigh_password(struct question *q, enum reason r, int64_t now_us)
{
	struct merchant *m = q->merchant;
	enum lockout_next next;

	switch (reason_answer(r)) {
	case ANSWER_FAULT:
		next = lockout_refused(&m->lockout, &q->key, r, now_us);
		if (next == LOCKOUT_BEGINS)
			log_event(LOG_LOCKED_OUT,
			    log_word(KEY_MERCHANT, m->rules.store_id),
			    log_word(KEY_REASON, reason_word(r)));
		return next == LOCKOUT_OTHER;
	case ANSWER_PAID:
	case ANSWER_HELD:
	case ANSWER_DENIED:
		break;
	case ANSWER_NONE:
		if (r == REASON_PENDING)
			break;
		lockout_unclear(&m->lockout, &q->key, now_us);
		return false;
	}
	if (lockout_let_in(&m->lockout, &q->key))
		log_event(
		    LOG_LET_IN, log_word(KEY_MERCHANT, m->rules.store_id));
	return false;
}

/* The payment is decided, or val_id has not helped: it goes by tran_id next
 * time. */
static void
forget_hint(struct provider *p, const struct question *q, enum reason r)
{
	enum life_answer answer = reason_answer(r);

	if (q->is_lookup)
		return;
	if (r == REASON_REQUEST ||
	    (answer != ANSWER_NONE && answer != ANSWER_FAULT))
		hints_forget(p->cfg.hints, &q->claimed.id);
}

static void
ended(struct provider *p, struct question *q, const struct client_result *r)
{
	int64_t now_us = clock_mono_us();
	struct finding f;

	question_remove(&p->under_way, q);
	p->in_flight--;
	metrics_add(MET_ASKS_IN_FLIGHT, -1);
	question_read(q, &q->merchant->rules, p->cfg.reading, r, &f);
	metrics_add(answers[f.reason], 1);
	metrics_observe(MET_ASK_SECONDS, r->took_us);
	weigh_health(p, q, f.reason, now_us);
	weigh_pause(p, r, now_us);
	forget_hint(p, q, f.reason);
	if (weigh_password(q, f.reason, now_us))
		wait_again(p, q);
	else
		finding(p, q, &f);
}

static void
on_done(void *arg, const struct client_result *r)
{
	struct question *q = arg;
	struct provider *p = q->merchant->provider;

	ended(p, q, r);
	pump(p);
}

/* ---- its start */

static void
send_question(struct provider *p, struct question *q, int64_t now_us)
{
	static const struct client_result unsent = { .end = CLIENT_IO,
		.retry_after_s = -1 };
	struct merchant *m = q->merchant;
	enum status st;

	question_append(&p->under_way, q);
	p->in_flight++;
	metrics_add(MET_ASKS_IN_FLIGHT, 1);
	pace_take(&p->pace, now_us);
	q->probe = breaker_take(&p->breaker);
	lockout_take(&m->lockout, &q->key);
	question_target(q, m->rules.store_id, m->password[q->key.password],
	    p->cfg.hints, now_us, &p->text);
	metrics_add(q->by_val_id ? MET_ASKED_VAL_ID : MET_ASKED_TRAN_ID, 1);
	st = buf_status(&p->text);
	if (st == ST_OK)
		st = client_get(p->cfg.client, p->target, buf_bytes(&p->text),
		    READING_BODY, on_done, q);
	buf_reset(&p->text);
	if (st != ST_OK)
		ended(p, q, &unsent);
}

static bool
may_go(const struct question *q, int64_t now_us)
{
	return q != NULL && lockout_next_us(&q->merchant->lockout) <= now_us;
}

/* Taken out of its queue; NULL: none may go. */
static struct question *
next_question(struct provider *p, int64_t now_us)
{
	for (struct question *q = p->lookups.first; q != NULL; q = q->next) {
		if (may_go(q, now_us)) {
			question_remove(&p->lookups, q);
			p->n_lookups--;
			return q;
		}
	}
	for (size_t i = 0; i < p->n_merchants; i++) {
		size_t place = (p->turn + i) % p->n_merchants;
		struct merchant *m = &p->merchants[place];
		struct question *q = m->waiting.first;

		if (may_go(q, now_us)) {
			question_remove(&m->waiting, q);
			p->turn = (place + 1) % p->n_merchants;
			return q;
		}
	}
	return NULL;
}

/* From when on the provider as a whole lets a question go. */
static int64_t
open_from_us(const struct provider *p)
{
	int64_t at = p->paused_until_us;

	if (p->draining || p->in_flight >= p->most)
		return INT64_MAX;
	if (at < breaker_next_us(&p->breaker))
		at = breaker_next_us(&p->breaker);
	if (at < pace_next_us(&p->pace))
		at = pace_next_us(&p->pace);
	return at;
}

/* When the next of those that wait may go; INT64_MAX: with an event only. */
static int64_t
wanted_at_us(const struct provider *p)
{
	int64_t at = INT64_MAX;

	for (const struct question *q = p->lookups.first; q != NULL;
	     q = q->next) {
		if (lockout_next_us(&q->merchant->lockout) < at)
			at = lockout_next_us(&q->merchant->lockout);
	}
	for (size_t i = 0; i < p->n_merchants; i++) {
		const struct merchant *m = &p->merchants[i];

		if (m->waiting.first != NULL &&
		    lockout_next_us(&m->lockout) < at)
			at = lockout_next_us(&m->lockout);
	}
	return at;
}

static void
set_timer(struct provider *p, int64_t now_us)
{
	int64_t at = wanted_at_us(p), open_us = open_from_us(p);
	struct timeval tv;

	if (at < open_us)
		at = open_us;
	if (p->lookups.first != NULL && p->lookups.first->until_us < at)
		at = p->lookups.first->until_us;
	if (at == INT64_MAX) {
		(void)evtimer_del(p->timer);
		return;
	}
	/* The loop's clock is coarse: it may be a little early, and then comes
	 * again. */
	at = at > now_us ? at - now_us : 0;
	tv.tv_sec = at / 1000000;
	tv.tv_usec = at % 1000000;
	if (tv.tv_sec == 0 && tv.tv_usec < 1000)
		tv.tv_usec = 1000;
	(void)evtimer_add(p->timer, &tv);
}

/* Let go what may go.  Called when anything changed that decides about it. */
static void
pump(struct provider *p)
{
	int64_t now_us = clock_mono_us();
	struct question *q = NULL;

	give_up_lookups(p, now_us);
	do {
		if (open_from_us(p) <= now_us)
			q = next_question(p, now_us);
		else
			q = NULL;
		if (q != NULL)
			send_question(p, q, now_us);
	} while (q != NULL);
	set_timer(p, now_us);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

enum status
provider_ask(struct merchant *m, const struct msg_ask *ask)
{
	struct provider *p = m->provider;
	struct question *q;

	if (m->held >= p->most)
		return ST_BUSY;
	q = question_of_ask(m, ask);
	if (q == NULL)
		return ST_NO_MEMORY;
	question_append(&m->waiting, q);
	m->held++;
	p->fresh = true;
	return ST_OK;
}

enum status
provider_lookup(struct merchant *m, const struct msg_lookup *lookup)
{
	struct provider *p = m->provider;
	struct question *q;

	if (p->n_lookups >= PROVIDER_LOOKUPS)
		return ST_BUSY;
	q = question_of_lookup(m, lookup, clock_mono_us() + PROVIDER_LOOKUP_US);
	if (q == NULL)
		return ST_NO_MEMORY;
	question_append(&p->lookups, q);
	p->n_lookups++;
	pump(p);
	return ST_OK;
}

void
provider_turn(struct provider *p)
{
	if (!p->fresh)
		return;
	p->fresh = false;
	pump(p);
}

void
provider_drain(struct provider *p)
{
	p->draining = true;
	pump(p);
}

/* ---- how it stands */

struct merchant *
provider_find(struct provider *p, const char *store_id)
{
	for (size_t i = 0; i < p->n_merchants; i++) {
		if (strcmp(p->merchants[i].rules.store_id, store_id) == 0)
			return &p->merchants[i];
	}
	return NULL;
}

size_t
provider_in_flight(const struct provider *p)
{
	return p->in_flight;
}

bool
provider_is_away(const struct provider *p)
{
	return p->breaker.open;
}

size_t
provider_locked_out(const struct provider *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_merchants; i++)
		n += p->merchants[i].lockout.trust == LOCKOUT_OUT;
	return n;
}

/* ---- life */

static void
add_merchant(struct provider *p, const struct asker_merchant *from)
{
	struct merchant *m = &p->merchants[p->n_merchants++];

	m->provider = p;
	m->rules = from->rules;
	memcpy(m->password, from->password, sizeof(m->password));
	lockout_init(&m->lockout, from->n_passwords);
	question_list_init(&m->waiting);
}

static enum status
fill(struct provider *p, const struct asker_config *cfg, struct err *e)
{
	const struct asker_provider *from = &cfg->providers[p->number];
	const struct client_target_config target = { .url = from->url,
		.ca_pem = from->ca,
		.timeout_ms = cfg->ask_timeout_ms,
		.any_address = true };
	uint64_t seed;

	p->most = (size_t)cfg->asks_in_flight;
	pace_init(&p->pace, cfg->ask_rate);
	secret_random(&seed, sizeof(seed));
	breaker_init(&p->breaker, seed);
	p->merchants = calloc(cfg->n_merchants, sizeof(*p->merchants));
	p->timer = evtimer_new(loop_base(p->cfg.loop), on_timer, p);
	if (p->merchants == NULL || p->timer == NULL) {
		err_set(e, "no memory for questions");
		return ST_NO_MEMORY;
	}
	for (size_t i = 0; i < cfg->n_merchants; i++) {
		if (cfg->merchants[i].provider == p->number)
			add_merchant(p, &cfg->merchants[i]);
	}
	return client_target_new(&p->target, &target, e);
}

enum status
provider_new(struct provider **out, const struct provider_config *pc,
    const struct asker_config *cfg, uint32_t number, struct err *e)
{
	struct provider *p = calloc(1, sizeof(*p));
	enum status st;

	*out = NULL;
	if (p == NULL) {
		err_set(e, "no memory for questions");
		return ST_NO_MEMORY;
	}
	p->cfg = *pc;
	p->number = number;
	buf_init(&p->text, URL_MOST);
	question_list_init(&p->lookups);
	question_list_init(&p->under_way);
	st = fill(p, cfg, e);
	if (st != ST_OK) {
		provider_free(p);
		return st;
	}
	*out = p;
	return ST_OK;
}

static void
list_free(struct question_list *l)
{
	struct question *next;

	for (struct question *q = l->first; q != NULL; q = next) {
		next = q->next;
		question_free(q);
	}
}

void
provider_free(struct provider *p)
{
	if (p == NULL)
		return;
	list_free(&p->lookups);
	list_free(&p->under_way);
	for (size_t i = 0; i < p->n_merchants; i++) {
		list_free(&p->merchants[i].waiting);
		secret_wipe(&p->merchants[i], sizeof(p->merchants[i]));
	}
	free(p->merchants);
	if (p->timer != NULL)
		event_free(p->timer);
	client_target_free(p->target);
	buf_fini(&p->text);
	free(p);
}
