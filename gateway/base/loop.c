#include "base/loop.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/registers.h"
#include "base/secret.h"
#include "base/wiped.h"

struct loop {
	struct event_base *base;
	struct loop_turn *turns;
	struct loop_turn *next; /* the turn to run after the current one */
	bool turning;		/* run_turns() is at work */
	bool stop;
};

/* Before anything else of libevent, which every user of it begins with here.
 * Once: another thread may be in libevent by now. */
static void
wipe_events(void)
{
	static bool done;

	if (done)
		return;
	event_set_mem_functions(wiped_malloc, wiped_realloc, wiped_free);
	done = true;
}

enum status
loop_new(struct loop **out, struct err *e)
{
	struct event_config *cfg;
	struct loop *l = calloc(1, sizeof(*l));

	*out = NULL;
	wipe_events();
	cfg = event_config_new();
	if (cfg == NULL || l == NULL)
		goto fail;
	/* Timers only need the coarse clock's few milliseconds. */
	(void)event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(cfg);
	if (l->base == NULL)
		goto fail;
	event_config_free(cfg);
	*out = l;
	return ST_OK;
fail:
	err_set(e, "the event loop cannot be made");
	if (cfg != NULL)
		event_config_free(cfg);
	free(l);
	return ST_NO_MEMORY;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	event_base_free(l->base);
	free(l);
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

void
loop_turn_add(struct loop *l, struct loop_turn *turn)
{
	struct loop_turn **at = &l->turns;

	while (*at != NULL)
		at = &(*at)->next;
	turn->next = NULL;
	*at = turn;
	if (l->turning && l->next == NULL)
		l->next = turn; /* the current one was the last */
}

void
loop_turn_remove(struct loop *l, struct loop_turn *turn)
{
	struct loop_turn **at = &l->turns;

	if (l->turning && l->next == turn)
		l->next = turn->next;
	while (*at != NULL && *at != turn)
		at = &(*at)->next;
	if (*at != NULL)
		*at = turn->next;
}

static void
run_turns(struct loop *l)
{
	l->turning = true;
	for (struct loop_turn *t = l->turns; t != NULL; t = l->next) {
		l->next = t->next;
		t->fn(t->arg);
	}
	l->turning = false;
}

/* Turns first: set-up may have left work, and so does the last turn.  What
 * waits for its next turn waits without the last one's bytes: all that its
 * callbacks had on the stack lies below this frame. */
void
loop_run(struct loop *l)
{
	l->stop = false;
	for (;;) {
		run_turns(l);
		log_flush();
		secret_wipe_stack();
		registers_wipe();
		if (l->stop || event_base_loop(l->base, EVLOOP_ONCE) != 0)
			return;
	}
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
	(void)event_base_loopbreak(l->base);
}
