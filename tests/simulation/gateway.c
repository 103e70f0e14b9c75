#include "gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asker/asker.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "courier/courier.h"
#include "desk/desk.h"
#include "edge/edge.h"
#include "keeper/keeper.h"
#include "payments.h"
#include "sim.h"
#include "sim_driver.h"
#include "sim_server.h"
#include "wire.h"

const char *const merchant_names[MERCHANTS] = { "asked", "unasked" };
const char *const endpoint_names[ENDPOINTS] = { "main", "second" };
const char *const merchant_tokens[MERCHANTS] = { "token-of-asked-0123456789",
	"token-of-unasked-0123456789" };

enum { KEEPER, ASKER, COURIER, DESK, EDGE, ROOMS = EDGE + EDGES };

static const enum party parties[ROOMS] = { [KEEPER] = PARTY_KEEPER,
	[ASKER] = PARTY_ASKER,
	[COURIER] = PARTY_COURIER,
	[DESK] = PARTY_DESK,
	[EDGE] = PARTY_EDGE,
	[EDGE + 1] = PARTY_EDGE };

static struct place {
	struct room room;
	void *self; /* NULL: it is not there */
	bool over;  /* room_done() was said */
	bool draining;
} places[ROOMS];

static struct gateway_terms terms;
static int64_t slow_until;
static bool starting;
static struct channel *person; /* a command line; NULL: none */

static struct edge_config edge_config;
static struct keeper_config keeper_config;
static struct asker_config asker_config;
static struct courier_config courier_config;
static struct desk_config desk_config;

/* ---- the configuration */

static void
set_merchants(void)
{
	edge_config.n_merchants = MERCHANTS;
	keeper_config.n_merchants = MERCHANTS;
	for (size_t i = 0; i < MERCHANTS; i++) {
		struct edge_merchant *m = &edge_config.merchants[i];
		enum confirm confirm = i == 0 ? CONFIRM_REQUIRED : CONFIRM_OFF;

		(void)snprintf(m->rules.store_id, sizeof(m->rules.store_id),
		    "%s", merchant_names[i]);
		m->rules.confirm = confirm;
		if (rooms_add_password(m, bytes_of(PASSWORD)) != ST_OK)
			abort();
		(void)snprintf(keeper_config.merchants[i].store_id,
		    sizeof(keeper_config.merchants[i].store_id), "%s",
		    merchant_names[i]);
		keeper_config.merchants[i].billings = i == 0 ? 3 : 1;
		keeper_config.merchants[i].confirm = confirm;
		keeper_config.merchants[i].by_tran_id = true;
		keeper_config.merchants[i].confirm_for_s =
		    terms.confirm_for_us / SECOND;
		keeper_config.merchants[i].refuse_after_s =
		    terms.refuse_after_us / SECOND;
		keeper_config.merchants[i].keep_s = terms.keep_us[i] / SECOND;
	}
	asker_config.n_merchants = 1;
	asker_config.merchants[0].rules = edge_config.merchants[0].rules;
	asker_config.merchants[0].n_passwords = 1;
	(void)snprintf(
	    asker_config.merchants[0].password[0], ROOMS_PASSWORD, PASSWORD);
}

static void
set_endpoints(void)
{
	static const int64_t gaps_s[] = { 5, 30, 300, 1800, 7200, 7200, 14400,
		28800, 43200 };

	courier_config.n_billings = keeper_config.n_billings = ENDPOINTS;
	for (size_t i = 0; i < ENDPOINTS; i++) {
		struct courier_billing *b = &courier_config.billings[i];
		size_t n = ARRAY_LEN(gaps_s);

		(void)snprintf(
		    b->name, sizeof(b->name), "%s", endpoint_names[i]);
		(void)snprintf(b->url, sizeof(b->url), "https://%s.invalid/",
		    endpoint_names[i]);
		b->timeout_ms = 10000;
		b->in_flight = sim_between(1, 16);
		b->event.n_secrets = 1;
		b->event.secret_len[0] = 32;
		(void)snprintf(keeper_config.billings[i].name,
		    sizeof(keeper_config.billings[i].name), "%s",
		    endpoint_names[i]);
		keeper_config.billings[i].rate = sim_between(2, 100);
		keeper_config.billings[i].order =
		    sim_once_in(2) ? ORDER_INVOICE : ORDER_NONE;
		keeper_config.billings[i].schedule.n = n;
		for (size_t k = 0; k < n; k++)
			keeper_config.billings[i].schedule.gap_ms[k] =
			    gaps_s[k] * 1000;
	}
}

static void
set_desk(void)
{
	desk_config.limits = (struct config_limits){
		.connections = 64, .api_rate = 100000, .waiters = 16
	};
	edge_config.limits = desk_config.limits;
	desk_config.n_tokens = MERCHANTS;
	for (size_t i = 0; i < MERCHANTS; i++) {
		struct config_token *t = &desk_config.tokens[i];

		(void)snprintf(t->name, sizeof(t->name), "t%zu", i);
		(void)snprintf(
		    t->merchant, sizeof(t->merchant), "%s", merchant_names[i]);
		t->scopes = SCOPE_READ | SCOPE_ERASE | SCOPE_DELIVER |
			    SCOPE_CONFIRM | SCOPE_CHECK;
		t->expires_us = INT64_MAX;
		if (secret_sha256(merchant_tokens[i],
			strlen(merchant_tokens[i]), t->sha256) != ST_OK)
			abort();
	}
}

void
gateway_set_up(void)
{
	terms.confirm_for_us = sim_between(2, 24) * HOUR;
	terms.refuse_after_us = sim_between(5, 60) * MINUTE;
	for (size_t i = 0; i < MERCHANTS; i++)
		terms.keep_us[i] =
		    sim_once_in(3) ? sim_between(4, 20) * HOUR : 60 * DAY;
	(void)snprintf(keeper_config.store_path,
	    sizeof(keeper_config.store_path), "%s", sim_driver_path());
	keeper_config.keep_attempts_s = 30 * 86400;
	keeper_config.keep_stopped_s = 30 * 86400;
	keeper_config.keep_refused_s = 60 * 86400;
	keeper_config.redeliver_rate = 100;
	memset(edge_config.identity_key, IDENTITY_KEY_BYTE,
	    sizeof(edge_config.identity_key));
	memset(asker_config.identity_key, IDENTITY_KEY_BYTE,
	    sizeof(asker_config.identity_key));
	asker_config.ask_rate = sim_between(1, 50);
	asker_config.asks_in_flight = sim_between(1, 8);
	asker_config.ask_timeout_ms = 20000;
	asker_config.n_providers = 1;
	(void)snprintf(asker_config.providers[0].url, CONFIG_URL,
	    "https://provider.invalid");
	set_merchants();
	set_endpoints();
	set_desk();
}

const struct gateway_terms *
gateway_terms(void)
{
	return &terms;
}

/* ---- starting */

static void
tell_peer(struct place *to, enum party about, int fd)
{
	const struct msg_peer m = { .party = about };

	to->room.on_message(to->room.arg, MSG_PEER, &m, fd);
}

/* To the keeper it has to be known first. */
static int
meet_keeper(enum party party)
{
	int ends[2];

	wire_new(ends);
	tell_peer(&places[KEEPER], party, ends[1]);
	return ends[0];
}

static void
introduce(struct place *edge)
{
	int ends[2];

	if (edge->self == NULL || places[ASKER].self == NULL ||
	    places[ASKER].draining || edge->draining)
		return;
	wire_new(ends);
	tell_peer(edge, PARTY_ASKER, ends[0]);
	tell_peer(&places[ASKER], PARTY_EDGE, ends[1]);
}

static enum status
start(size_t i)
{
	struct place *p = &places[i];
	struct err e = { "" };

	p->over = p->draining = false;
	p->room = (struct room){ .loop = sim.loop,
		.party = parties[i],
		.slot = (uint32_t)i,
		.keeper = i == KEEPER ? -1 : meet_keeper(parties[i]),
		.control = -1,
		.listeners = { SIM_CALLBACKS + (int)i, SIM_API, SIM_ADMIN },
		.exit_code = -1 };
	switch (i) {
	case KEEPER:
		return keeper_start(
		    (struct keeper **)&p->self, &p->room, &keeper_config, &e);
	case ASKER:
		return asker_start(
		    (struct asker **)&p->self, &p->room, &asker_config, &e);
	case COURIER:
		return courier_start(
		    (struct courier **)&p->self, &p->room, &courier_config, &e);
	case DESK:
		return desk_start(
		    (struct desk **)&p->self, &p->room, &desk_config, &e);
	default:
		return edge_start(
		    (struct edge **)&p->self, &p->room, &edge_config, &e);
	}
}

static void
stop(size_t i)
{
	struct place *p = &places[i];
	void *self = p->self;

	p->self = NULL;
	switch (i) {
	case KEEPER:
		keeper_free(self);
		break;
	case ASKER:
		asker_free(self);
		break;
	case COURIER:
		courier_free(self);
		break;
	case DESK:
		desk_free(self);
		break;
	default:
		edge_free(self);
	}
}

static void
start_one(void *arg)
{
	size_t i = (size_t)((struct place *)arg - places);

	if (places[KEEPER].self == NULL || places[i].self != NULL)
		return; /* all are started anew */
	sim_event("start", i, 0);
	if (start(i) != ST_OK)
		sim_broken("a room does not start", i);
	if (i == ASKER) {
		for (size_t k = EDGE; k < ROOMS; k++)
			introduce(&places[k]);
	}
	if (i >= EDGE)
		introduce(&places[i]);
}

void
gateway_start_all(void)
{
	starting = false;
	sim_event("start", KEEPER, 0);
	if (start(KEEPER) != ST_OK)
		sim_broken("the keeper does not start", 0);
	for (size_t i = KEEPER + 1; i < ROOMS; i++)
		start_one(&places[i]);
}

bool
gateway_running(void)
{
	return places[KEEPER].self != NULL;
}

int64_t
gateway_store_us(void)
{
	if (sim_now() < slow_until && !sim.calm)
		return sim_between(10000, 3 * SECOND);
	return sim_between(1000, 4000);
}

/* ---- the end of rooms */

static void
start_again(void *arg)
{
	(void)arg;
	payments_audit(false);
	gateway_start_all();
}

static void
person_leaves(void)
{
	channel_free(person);
	person = NULL;
}

void
gateway_kill_all(void)
{
	sim_driver_kill();
	for (size_t i = ROOMS; i-- > 0;)
		stop(i);
	person_leaves();
	sim_driver_dead();
	if (!starting)
		sim_after(sim_between(100000, 30 * SECOND), start_again, NULL);
	starting = true;
}

static void
reap(void *arg)
{
	struct place *p = arg;
	size_t i = (size_t)(p - places);

	if (p->self == NULL || !p->over)
		return;
	sim_event("end", i, (uint64_t)p->room.exit_code);
	if (i == KEEPER) {
		gateway_kill_all();
		return;
	}
	stop(i);
	sim_after(sim_between(10000, 2 * SECOND), start_one, p);
}

/* message/room.h: the room's own process ends, not the simulation. */
void
room_done(struct room *r, int code)
{
	r->exit_code = code;
	places[r->slot].over = true;
	sim_after(0, reap, &places[r->slot]);
}

/* ---- trouble */

static void
end_one(size_t i)
{
	if (places[i].self == NULL)
		return;
	if (sim_fault(FAULT_DRAIN, 4)) {
		places[i].draining = true;
		places[i].room.on_drain(places[i].room.arg);
	} else if (sim_fault(FAULT_ROOM, 1)) {
		sim_event("kill", i, 0);
		stop(i);
		sim_after(
		    sim_between(10000, 5 * SECOND), start_one, &places[i]);
	}
}

static void
strike_room(void *arg)
{
	(void)arg;
	end_one(1 + sim_below(ROOMS - 1));
}

static void
strike_all(void *arg)
{
	(void)arg;
	if (gateway_running() && sim_fault(FAULT_GATEWAY, 1))
		gateway_kill_all();
}

/* Where nothing happens nobody is missed: most die while they work. */
void
gateway_message(void)
{
	if (sim.calm)
		return;
	if (sim_once_in(600))
		sim_after(sim_between(0, 5000), strike_room, NULL);
	else if (sim_once_in(2500))
		sim_after(sim_between(0, 5000), strike_all, NULL);
}

static void
kill_now_and_then(void *arg)
{
	(void)arg;
	strike_room(NULL);
	if (sim_once_in(5))
		strike_all(NULL);
	if (!sim.calm)
		sim_after(sim_between(SECOND, HOUR), kill_now_and_then, NULL);
}

static void
slow_store(void *arg)
{
	(void)arg;
	if (sim_fault(FAULT_SLOW_STORE, 1))
		slow_until = sim_now() + sim_between(SECOND, 3 * MINUTE);
	if (sim.calm)
		return;
	sim_after(sim_between(10 * MINUTE, 4 * HOUR), slow_store, NULL);
}

static void
jump_wall(void *arg)
{
	(void)arg;
	if (sim_fault(FAULT_CLOCK, 1))
		sim_jump_wall(sim_between(-10 * MINUTE, 10 * MINUTE));
	if (sim.calm)
		return;
	sim_after(sim_between(HOUR, 10 * HOUR), jump_wall, NULL);
}

void
gateway_trouble(void)
{
	sim_after(sim_between(MINUTE, HOUR), kill_now_and_then, NULL);
	sim_after(sim_between(MINUTE, 2 * HOUR), slow_store, NULL);
	sim_after(sim_between(HOUR, 5 * HOUR), jump_wall, NULL);
}

/* ---- a person at the command line */

static void
on_word(void *arg, enum message type, const void *records, size_t n, int fd)
{
	(void)arg;
	(void)type;
	(void)records;
	(void)n;
	(void)fd;
}

static void
on_person_end(void *arg, enum channel_end why)
{
	(void)arg;
	(void)why;
	person_leaves();
}

void
gateway_resume(size_t endpoint)
{
	struct channel_config cc = { .self = PARTY_COMMAND,
		.peer = PARTY_KEEPER,
		.most_queued = 16,
		.on_records = on_word,
		.on_end = on_person_end };
	struct msg_resume m = { .tag = 1 };
	struct err e;

	if (!gateway_running())
		return;
	if (person == NULL) {
		cc.fd = meet_keeper(PARTY_COMMAND);
		if (channel_new(&person, sim.loop, &cc, &e) != ST_OK)
			abort();
	}
	(void)snprintf(
	    m.endpoint, sizeof(m.endpoint), "%s", endpoint_names[endpoint]);
	(void)!channel_add(person, MSG_RESUME, &m);
}

/* ---- bounds */

void
gateway_check(void)
{
	sim_check(CHECK_BOUNDED, sim.page->cell[MET_QUEUE_RECORDS] <= 8192 + 64,
	    (uint64_t)sim.page->cell[MET_QUEUE_RECORDS]);
}
