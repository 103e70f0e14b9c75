#include "keeper/routes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct endpoint {
	char name[CONFIG_NAME];
	uint32_t id; /* 0: not known yet */
};

struct map {
	size_t n;
	struct {
		char merchant[RECEIPT_MERCHANT];
		struct store_endpoints endpoints;
	} rows[CONFIG_MERCHANTS];
};

struct routes {
	size_t n;
	struct endpoint endpoints[ROUTES_ENDPOINTS];
	struct keeper_config proposed;
	struct map present, past;
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
config_sound(const struct keeper_config *cfg)
{
	if (cfg->n_merchants > CONFIG_MERCHANTS ||
	    cfg->n_billings > CONFIG_BILLINGS)
		return false;
	for (size_t i = 0; i < cfg->n_billings; i++) {
		if (!is_name(cfg->billings[i], sizeof(cfg->billings[i])))
			return false;
	}
	for (size_t i = 0; i < cfg->n_merchants; i++) {
		if (!is_name(cfg->merchants[i].store_id,
			sizeof(cfg->merchants[i].store_id)) ||
		    (uint64_t)cfg->merchants[i].billings >> cfg->n_billings)
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
		if (routes_place_of_name(r, cfg->billings[i]) < r->n)
			continue;
		if (r->n == ROUTES_ENDPOINTS)
			return ST_BUSY;
		memcpy(r->endpoints[r->n].name, cfg->billings[i], CONFIG_NAME);
		r->n++;
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
		    r->endpoints[routes_place_of_name(r, cfg->billings[i])].id;
	}
}

void
routes_adopt(struct routes *r)
{
	const struct keeper_config *cfg = &r->proposed;

	assert(routes_unnamed(r) == NULL);
	r->past = r->present;
	r->present.n = cfg->n_merchants;
	for (size_t i = 0; i < cfg->n_merchants; i++) {
		memcpy(r->present.rows[i].merchant, cfg->merchants[i].store_id,
		    RECEIPT_MERCHANT);
		endpoints_of(r, cfg, cfg->merchants[i].billings,
		    &r->present.rows[i].endpoints);
	}
}

static bool
map_find(const struct map *m, const char *merchant,
    struct store_endpoints *endpoints)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->rows[i].merchant, merchant) == 0) {
			*endpoints = m->rows[i].endpoints;
			return true;
		}
	}
	return false;
}

bool
routes_find(const struct routes *r, const char *merchant,
    struct store_endpoints *endpoints)
{
	return map_find(&r->present, merchant, endpoints) ||
	       map_find(&r->past, merchant, endpoints);
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
