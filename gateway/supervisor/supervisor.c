#include "supervisor/supervisor.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "supervisor/state.h"

/* A room that died is started again after 0.1 s, 0.2 s, ... 5 s; one that
 * lived for a minute starts afresh. */
#define RESTART_FIRST_MS 100
#define RESTART_MOST_MS	 5000
#define RESTART_CALM_US	 INT64_C(60000000)

static void on_ready(void *arg, struct process *p);
static void on_exit_slot(void *arg, struct process *p, int code);

void
supervisor_over(struct supervisor *s, int exit_code)
{
	if (s->state == STATE_OVER)
		return;
	s->state = STATE_OVER;
	s->exit_code = exit_code;
	loop_stop(s->loop);
}

/* A channel between the keeper and a new room; the room's end or -1. */
static int
join_keeper(struct supervisor *s, const struct slot *slot)
{
	struct msg_peer peer = { .party = slot->party, .slot = slot->index };
	struct process *keeper = s->slots[0].current;
	int pair[2];

	if (keeper == NULL || channel_pair(pair) != ST_OK)
		return -1;
	if (channel_send_fd(
		process_control(keeper), MSG_PEER, &peer, pair[0]) != ST_OK) {
		(void)close(pair[1]);
		pair[1] = -1;
	}
	(void)close(pair[0]);
	return pair[1];
}

struct process *
supervisor_start_room(
    struct supervisor *s, struct slot *slot, const struct plan *plan)
{
	struct process_config pc = { .loop = s->loop,
		.spawn = { .party = slot->party,
		    .slot = slot->index,
		    .metrics = slot->metrics,
		    .listeners = { slot->listeners[0], slot->listeners[1] } },
		.on_ready = on_ready,
		.on_exit = on_exit_slot,
		.arg = slot };
	struct process *p = NULL;
	struct err e = { "" };

	pc.room_config = plan_room(plan, slot->party, &pc.room_config_size);
	if (slot->party == PARTY_DESK) {
		pc.spawn.n_pages = s->n_pages;
		pc.spawn.pages = s->pages;
	}
	pc.spawn.keeper =
	    slot->party == PARTY_KEEPER ? s->control : join_keeper(s, slot);
	if (pc.spawn.keeper < 0)
		err_set(&e, "there is no channel to the keeper");
	else if (process_start(&p, &pc, &e) != ST_OK)
		p = NULL;
	slot->started_us = clock_mono_us();
	if (pc.spawn.keeper >= 0 && slot->party != PARTY_KEEPER)
		(void)close(pc.spawn.keeper);
	if (p == NULL)
		log_event(LOG_ROOM_FAILED,
		    log_word(KEY_ROOM, party_name(slot->party)),
		    log_word(KEY_DETAIL, e.text));
	return p;
}

void
supervisor_leave(struct supervisor *s, struct process *p)
{
	if (p == NULL)
		return;
	if (s->n_leaving == PROCESSES_MAX) {
		process_free(p); /* reloads pile up: the drain is cut short */
		return;
	}
	s->leaving[s->n_leaving++] = p;
	process_drain(p, s->plan->config->limits.drain_ms);
}

static void
start_others(struct supervisor *s)
{
	for (size_t i = 1; i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];

		slot->current = supervisor_start_room(s, slot, s->plan);
		if (slot->current == NULL) {
			supervisor_over(s, 1);
			return;
		}
		introduce_room(s, slot, false);
	}
}

static bool
all_ready(const struct supervisor *s, bool next)
{
	for (size_t i = next ? 1 : 0; i < s->n_slots; i++) {
		const struct process *p =
		    next ? s->slots[i].next : s->slots[i].current;

		if (p == NULL || !process_ready(p))
			return false;
	}
	return true;
}

void
supervisor_running(struct supervisor *s)
{
	s->state = STATE_RUNNING;
	(void)event_del(s->deadline);
	if (s->reload_again) {
		s->reload_again = false;
		reload_begin(s);
	}
}

static void
started(struct supervisor *s)
{
	const struct config *c = s->plan->config;

	metrics_set(MET_START_US, clock_wall_us());
	log_event(LOG_STARTED, log_word(KEY_VERSION, PAYSIEVE_VERSION),
	    log_word(KEY_CALLBACKS, c->callbacks.bound),
	    log_word(KEY_API_ADDRESS, c->api.bound),
	    log_word(KEY_ADMIN, c->admin.bound), log_num(KEY_PID, getpid()));
	supervisor_running(s);
}

static void
on_ready(void *arg, struct process *p)
{
	struct supervisor *s = ((struct slot *)arg)->sup;

	if (s->state == STATE_STARTING && p == s->slots[0].current)
		start_others(s);
	else if (s->state == STATE_STARTING && all_ready(s, false))
		started(s);
	else if (s->state == STATE_RELOADING && all_ready(s, true))
		reload_commit(s);
}

static void
log_death(const struct slot *slot, enum log_event ev, int code)
{
	log_event(ev, log_word(KEY_ROOM, party_name(slot->party)),
	    log_num(KEY_SLOT, slot->index),
	    log_num(code > 128 ? KEY_SIGNAL : KEY_EXIT,
		code > 128 ? code - 128 : code));
}

/* All rooms but the keeper are gone: now it may close the store. */
static void
drain_keeper(struct supervisor *s)
{
	if (s->n_leaving > 0)
		return;
	for (size_t i = 1; i < s->n_slots; i++) {
		if (s->slots[i].current != NULL || s->slots[i].next != NULL)
			return;
	}
	s->state = STATE_DRAINING_KEEPER;
	process_drain(s->slots[0].current, s->plan->config->limits.drain_ms);
}

static void
keeper_ended(struct supervisor *s, struct slot *slot, int code)
{
	if (s->state == STATE_DRAINING_KEEPER && code == 0) {
		supervisor_over(s, 0);
		return;
	}
	log_death(slot, LOG_KEEPER_DIED, code);
	supervisor_over(s, code == 74 || code == 78 ? code : 1);
}

static void
restart_later(struct slot *slot)
{
	int64_t ms = slot->restart_ms;
	struct timeval tv;

	if (ms == 0 || clock_mono_us() - slot->started_us > RESTART_CALM_US)
		ms = RESTART_FIRST_MS;
	tv = (struct timeval){ ms / 1000, ms % 1000 * 1000 };
	(void)event_add(slot->again, &tv);
	slot->restart_ms = 2 * ms < RESTART_MOST_MS ? 2 * ms : RESTART_MOST_MS;
}

static void
current_ended(struct supervisor *s, struct slot *slot, int code)
{
	metrics_page_reset_gauges(slot->metrics);
	if (s->state == STATE_STARTING) {
		log_death(slot, LOG_ROOM_FAILED, code);
		supervisor_over(s, code == 74 || code == 78 ? code : 1);
		return;
	}
	if (s->state == STATE_DRAINING || s->state == STATE_OVER)
		return;
	log_death(slot, LOG_ROOM_DIED, code);
	metrics_add(MET_ROOM_RESTARTS, 1);
	restart_later(slot);
}

static void
forget_leaving(struct supervisor *s, const struct process *p)
{
	for (size_t i = 0; i < s->n_leaving; i++) {
		if (s->leaving[i] == p) {
			s->leaving[i] = s->leaving[--s->n_leaving];
			return;
		}
	}
}

static void
on_exit_slot(void *arg, struct process *p, int code)
{
	struct slot *slot = arg;
	struct supervisor *s = slot->sup;

	if (p == s->slots[0].current) {
		slot->current = NULL;
		keeper_ended(s, slot, code);
	} else if (p == slot->current) {
		slot->current = NULL;
		current_ended(s, slot, code);
	} else if (p == slot->next) {
		slot->next = NULL;
		if (s->state == STATE_RELOADING)
			reload_abort(s);
	} else {
		forget_leaving(s, p);
	}
	process_free(p);
	if (s->state == STATE_DRAINING)
		drain_keeper(s);
}

void
supervisor_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct slot *slot = arg;

	(void)fd;
	(void)what;
	slot->current = supervisor_start_room(slot->sup, slot, slot->sup->plan);
	if (slot->current == NULL)
		restart_later(slot);
	else
		introduce_room(slot->sup, slot, false);
}

void
supervisor_on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)fd;
	(void)what;
	if (s->state == STATE_RELOADING)
		reload_abort(s);
	else
		supervisor_over(s, 1);
}

static void
drain(struct supervisor *s)
{
	int64_t ms = s->plan->config->limits.drain_ms;
	struct timeval limit = { 2 * ms / 1000 + 1, 0 };

	s->state = STATE_DRAINING;
	(void)event_add(s->deadline, &limit);
	for (size_t i = 1; i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];

		(void)event_del(slot->again);
		if (slot->current != NULL)
			process_drain(slot->current, ms);
		if (slot->next != NULL)
			process_drain(slot->next, ms);
	}
	for (size_t i = 0; i < s->n_leaving; i++)
		process_drain(s->leaving[i], ms);
	drain_keeper(s);
}

void
supervisor_on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)what;
	if (sig == SIGHUP) {
		if (s->state == STATE_RUNNING)
			reload_begin(s);
		else if (s->state == STATE_STARTING ||
			 s->state == STATE_RELOADING)
			s->reload_again = true;
		return;
	}
	if (s->state == STATE_STARTING) {
		supervisor_over(s, 1);
		return;
	}
	if (s->state != STATE_RUNNING && s->state != STATE_RELOADING) {
		supervisor_over(s, 1); /* asked for a second time */
		return;
	}
	log_event(LOG_STOPPING, log_num(KEY_SIGNAL, sig));
	drain(s);
}

/* One line a fault, for the person who started the gateway. */
static int
print_faults(const struct buf *faults)
{
	if (faults->len > 0 &&
	    write(STDERR_FILENO, faults->data, faults->len) < 0)
		return 74;
	return 78;
}

int
supervisor_run(const char *config_path)
{
	struct supervisor *s = calloc(1, sizeof(*s));
	struct err e = { "" };
	struct buf faults;
	enum status st;
	int code;

	if (s == NULL)
		return 1;
	setup_process();
	log_room("supervisor");
	s->path = config_path;
	s->control = -1;
	s->exit_code = 1; /* of a loop that fails */
	buf_init(&faults, 64 * 1024);
	st = plan_load(&s->plan, config_path, &faults);
	if (st != ST_OK) {
		code = st == ST_CONFIG ? print_faults(&faults) : 1;
		goto out;
	}
	st = setup_open(s, &e);
	if (st == ST_OK) {
		loop_run(s->loop);
		code = s->exit_code;
		log_event(LOG_STOPPED, log_num(KEY_EXIT, code));
	} else {
		log_event(LOG_ROOM_FAILED, log_word(KEY_ROOM, "supervisor"),
		    log_word(KEY_DETAIL, e.text));
		code = st == ST_CONFIG ? 78 : 1;
	}
out:
	buf_fini(&faults);
	setup_close(s);
	free(s);
	return code;
}
