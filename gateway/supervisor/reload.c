#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "supervisor/state.h"

#define RELOAD_S 60 /* for all new rooms to get ready */

static void
configure_keeper(struct supervisor *s, const struct plan *plan)
{
	struct msg_empty none = { 0 };
	int fd = spawn_config(&plan->keeper, sizeof(plan->keeper));

	if (fd < 0 || channel_send_fd(process_control(s->slots[0].current),
			  MSG_CONFIGURE, &none, fd) != ST_OK)
		supervisor_over(s, 1);
	if (fd >= 0)
		(void)close(fd);
}

static void
refuse_reload(const char *why)
{
	metrics_add(MET_RELOAD_FAILURES, 1);
	log_event(LOG_RELOAD_REFUSED, log_word(KEY_DETAIL, why));
}

/* A new room may have connections already, so it drains; not an asker or a
 * courier: what they hold is due again once they are gone, and the keeper
 * would feed them until then. */
void
reload_abort(struct supervisor *s)
{
	for (size_t i = 1; i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];

		if (slot->party == PARTY_ASKER || slot->party == PARTY_COURIER)
			process_free(slot->next);
		else
			supervisor_leave(s, slot->next);
		slot->next = NULL;
	}
	configure_keeper(s, s->plan);
	plan_free(s->next_plan);
	s->next_plan = NULL;
	refuse_reload("a room did not start with the new configuration");
	if (s->state == STATE_RELOADING)
		supervisor_running(s);
}

void
reload_commit(struct supervisor *s)
{
	for (size_t i = 1; i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];

		(void)event_del(slot->again);
		supervisor_leave(s, slot->current);
		slot->current = slot->next;
		slot->next = NULL;
	}
	plan_free(s->plan);
	s->plan = s->next_plan;
	s->next_plan = NULL;
	metrics_add(MET_RELOADS, 1);
	log_event(LOG_RELOADED, log_num(KEY_PID, getpid()));
	supervisor_running(s);
}

/* New addresses were not bound: the text says which ports the old plan got. */
static void
keep_addresses(const struct plan *was, struct plan *now)
{
	now->config->callbacks = was->config->callbacks;
	now->config->api = was->config->api;
	now->config->admin = was->config->admin;
}

void
reload_begin(struct supervisor *s)
{
	const struct timeval limit = { RELOAD_S, 0 };
	struct buf faults;
	struct err e = { "" };

	buf_init(&faults, 64 * 1024);
	if (plan_load(&s->next_plan, s->path, &faults) != ST_OK) {
		if (faults.len > 0)
			*strchrnul((char *)faults.data, '\n') = '\0';
		refuse_reload(faults.len > 0 ? (const char *)faults.data
					     : "no memory for it");
		buf_fini(&faults);
		return;
	}
	buf_fini(&faults);
	if (!plan_follows(s->plan, s->next_plan, &e)) {
		plan_free(s->next_plan);
		s->next_plan = NULL;
		refuse_reload(e.text);
		return;
	}
	keep_addresses(s->plan, s->next_plan);
	s->state = STATE_RELOADING;
	(void)event_add(s->deadline, &limit);
	configure_keeper(s, s->next_plan);
	for (size_t i = 1; s->state == STATE_RELOADING && i < s->n_slots; i++) {
		struct slot *slot = &s->slots[i];

		slot->next = supervisor_start_room(s, slot, s->next_plan);
		if (slot->next == NULL) {
			reload_abort(s);
			return;
		}
		introduce_room(s, slot, true);
	}
}
