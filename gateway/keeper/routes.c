#include "keeper/routes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DELIVERY_JITTER_MS 1000

#define SECOND_US INT64_C(1000000)

/* Ten years, so that no sum overflows. */
#define LONGEST_S INT64_C(315360000)

struct endpoint {
	char name[CONFIG_NAME];
	uint32_t id; /* 0: not known yet */
	struct routes_endpoint says;
	struct config_schedule schedule;
};

struct merchant {
	struct routes_merchant says;
	uint64_t last; /* adoption that named it; 0: none yet */
};

struct routes {
	size_t n, n_merchants;
	uint64_t adoptions;
	int64_t keep_us[STORE_SWEEPS], redeliver_rate;
	struct endpoint endpoints[ROUTES_ENDPOINTS];
	struct merchant merchants[ROUTES_MERCHANTS];
	struct keeper_config proposed;
};

struct routes *
routes_new(void)
{
	return calloc(1, sizeof(struct routes));
}

void
routes_free(struct routes *r)
{
	free(r);
}

static bool
is_name(const char *field, size_t cap)
{
	return receipt_merchant_valid(bytes_make(field, strnlen(field, cap)));
}

static bool
term_sound(int64_t keep_s)
{
	return keep_s > 0 && keep_s <= 10 * LONGEST_S;
}

static bool
merchant_sound(const struct keeper_config *cfg, size_t i)
{
	return is_name(cfg->merchants[i].store_id,
		   sizeof(cfg->merchants[i].store_id)) &&
	       (uint64_t)cfg->merchants[i].billings >> cfg->n_billings == 0 &&
	       (cfg->merchants[i].confirm == CONFIRM_REQUIRED ||
		   cfg->merchants[i].confirm == CONFIRM_OFF) &&
	       (cfg->merchants[i].invoice_guard == INVOICE_GUARD_ON ||
		   cfg->merchants[i].invoice_guard == INVOICE_GUARD_OFF) &&
	       cfg->merchants[i].confirm_for_s >= 0 &&
	       cfg->merchants[i].confirm_for_s <= LONGEST_S &&
	       cfg->merchants[i].refuse_after_s >= 0 &&
	       cfg->merchants[i].refuse_after_s <= LONGEST_S &&
	       cfg->merchants[i].keep_at_least_s >= 0 &&
	       term_sound(cfg->merchants[i].keep_s) &&
	       cfg->merchants[i].keep_at_least_s <= LONGEST_S;
}

static bool
billing_sound(const struct keeper_config *cfg, size_t i)
{
	const struct config_schedule *s = &cfg->billings[i].schedule;

	if (!is_name(cfg->billings[i].name, sizeof(cfg->billings[i].name)) ||
	    cfg->billings[i].rate <= 0 || s->n == 0 || s->n > CONFIG_GAPS)
		return false;
	for (size_t gap = 0; gap < s->n; gap++) {
		if (s->gap_ms[gap] <= 0 || s->gap_ms[gap] > LONGEST_S * 1000)
			return false;
	}
	return true;
}

static bool
config_sound(const struct keeper_config *cfg)
{
	if (cfg->n_merchants > CONFIG_MERCHANTS ||
	    cfg->n_billings > CONFIG_BILLINGS)
		return false;
	if (!term_sound(cfg->keep_attempts_s) ||
	    !term_sound(cfg->keep_stopped_s) ||
	    !term_sound(cfg->keep_refused_s) || cfg->redeliver_rate <= 0 ||
	    cfg->redeliver_rate > 1000000)
		return false;
	for (size_t i = 0; i < cfg->n_billings; i++) {
		if (!billing_sound(cfg, i))
			return false;
	}
	for (size_t i = 0; i < cfg->n_merchants; i++) {
		if (!merchant_sound(cfg, i))
			return false;
	}
	return true;
}

enum status
routes_propose(struct routes *r, const struct keeper_config *cfg)
{
	if (!config_sound(cfg))
		return ST_BAD_INPUT;
	for (size_t i = 0; i < cfg->n_billings; i++) {
		if (routes_place_of_name(r, cfg->billings[i].name) < r->n)
			continue;
		if (r->n == ROUTES_ENDPOINTS)
			return ST_BUSY;
		memcpy(r->endpoints[r->n].name, cfg->billings[i].name,
		    CONFIG_NAME);
		r->n++;
	}
	for (size_t i = 0; i < cfg->n_merchants; i++) {
		const char *name = cfg->merchants[i].store_id;

		if (routes_place_of_merchant(r, name) < r->n_merchants)
			continue;
		if (r->n_merchants == ROUTES_MERCHANTS)
			return ST_BUSY;
		memcpy(r->merchants[r->n_merchants].says.store_id, name,
		    RECEIPT_MERCHANT);
		r->n_merchants++;
	}
	r->proposed = *cfg;
	return ST_OK;
}

const char *
routes_unnamed(const struct routes *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->endpoints[i].id == 0)
			return r->endpoints[i].name;
	}
	return NULL;
}

void
routes_number(struct routes *r, const char *name, uint32_t id)
{
	size_t place = routes_place_of_name(r, name);

	if (place < r->n)
		r->endpoints[place].id = id;
}

static void
endpoints_of(const struct routes *r, const struct keeper_config *cfg,
    uint32_t billings, struct store_endpoints *out)
{
	out->n = 0;
	for (size_t i = 0; i < cfg->n_billings; i++) {
		if ((billings >> i & 1) == 0)
			continue;
		out->ids[out->n++] =
		    r->endpoints[routes_place_of_name(r, cfg->billings[i].name)]
			.id;
	}
}

static void
adopt_billing(struct routes *r, const struct keeper_config *cfg, size_t i)
{
	struct endpoint *ep =
	    &r->endpoints[routes_place_of_name(r, cfg->billings[i].name)];

	ep->schedule = cfg->billings[i].schedule;
	ep->says.rate = cfg->billings[i].rate;
	ep->says.ordered = cfg->billings[i].order == ORDER_INVOICE;
	ep->says.backoff = (struct backoff){ .gaps_ms = ep->schedule.gap_ms,
		.n = ep->schedule.n,
		.ends = true,
		.jitter_ms = DELIVERY_JITTER_MS };
}

static void
adopt_merchant(struct routes *r, const struct keeper_config *cfg, size_t i)
{
	struct merchant *m = &r->merchants[routes_place_of_merchant(
	    r, cfg->merchants[i].store_id)];
	bool guards = cfg->merchants[i].invoice_guard == INVOICE_GUARD_ON;

	m->says.guard_settled = guards && (m->last == 0 || m->says.guards);
	m->says.guards = guards;
	m->last = r->adoptions;
	m->says.confirm = cfg->merchants[i].confirm == CONFIRM_REQUIRED;
	m->says.by_tran_id = cfg->merchants[i].by_tran_id;
	m->says.keep_at_least_us = cfg->merchants[i].keep_at_least_s * 1000000;
	m->says.keep_us = cfg->merchants[i].keep_s * 1000000;
	m->says.deidentify = cfg->merchants[i].then == THEN_DEIDENTIFY;
	m->says.terms = (struct life_terms){
		.confirm_for_us = cfg->merchants[i].confirm_for_s * 1000000,
		.refuse_after_us = cfg->merchants[i].refuse_after_s * 1000000
	};
	endpoints_of(r, cfg, cfg->merchants[i].billings, &m->says.endpoints);
}

void
routes_adopt(struct routes *r)
{
	const struct keeper_config *cfg = &r->proposed;

	assert(routes_unnamed(r) == NULL);
	r->adoptions++;
	r->keep_us[STORE_SWEEP_ATTEMPTS] = cfg->keep_attempts_s * SECOND_US;
	r->keep_us[STORE_SWEEP_STOPPED] = cfg->keep_stopped_s * SECOND_US;
	r->keep_us[STORE_SWEEP_REFUSED] = cfg->keep_refused_s * SECOND_US;
	r->redeliver_rate = cfg->redeliver_rate;
	for (size_t i = 0; i < cfg->n_billings; i++)
		adopt_billing(r, cfg, i);
	for (size_t i = 0; i < cfg->n_merchants; i++)
		adopt_merchant(r, cfg, i);
}

const struct routes_merchant *
routes_find(const struct routes *r, const char *merchant)
{
	size_t place = routes_place_of_merchant(r, merchant);
	const struct merchant *m;

	if (place == r->n_merchants)
		return NULL;
	m = &r->merchants[place];
	return m->last != 0 && m->last + 1 >= r->adoptions ? &m->says : NULL;
}

size_t
routes_count(const struct routes *r)
{
	return r->n;
}

const char *
routes_name(const struct routes *r, size_t place)
{
	return r->endpoints[place].name;
}

uint32_t
routes_id(const struct routes *r, size_t place)
{
	return r->endpoints[place].id;
}

const struct routes_endpoint *
routes_endpoint(const struct routes *r, size_t place)
{
	return &r->endpoints[place].says;
}

int64_t
routes_keep_us(const struct routes *r, enum store_sweep what)
{
	return r->keep_us[what];
}

int64_t
routes_redeliver_rate(const struct routes *r)
{
	return r->redeliver_rate;
}

size_t
routes_place_of_name(const struct routes *r, const char *name)
{
	size_t i = 0;

	while (i < r->n && strcmp(r->endpoints[i].name, name) != 0)
		i++;
	return i;
}

size_t
routes_place_of_id(const struct routes *r, uint32_t id)
{
	size_t i = 0;

	while (i < r->n && r->endpoints[i].id != id)
		i++;
	return i;
}

size_t
routes_merchants(const struct routes *r)
{
	return r->n_merchants;
}

const struct routes_merchant *
routes_merchant(const struct routes *r, size_t place)
{
	return &r->merchants[place].says;
}

size_t
routes_place_of_merchant(const struct routes *r, const char *store_id)
{
	size_t i = 0;

	while (i < r->n_merchants &&
	       strcmp(r->merchants[i].says.store_id, store_id) != 0)
		i++;
	return i;
}
