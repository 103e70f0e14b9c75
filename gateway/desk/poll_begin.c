#include "desk/poll_begin.h"

#include <string.h>

bool
poll_begin_needed(const struct poll *p)
{
	return p->from_now || p->kept[0] != '\0' ||
	       (p->kind == POLL_EVENTS && !p->has_cursor);
}

/* What the newest receipt's seq is. */
static void
ask_end(struct poll *p)
{
	struct msg_page m = { .limit = 1, .flags = PAGE_DESC };

	memcpy(m.merchant, p->page.merchant, sizeof(m.merchant));
	call_ask(&p->call, MSG_PAGE, &m);
}

static void
ask_kept(struct poll *p)
{
	struct msg_mark m = { .action = MARK_GET };

	memcpy(m.merchant, p->page.merchant, sizeof(m.merchant));
	memcpy(m.name, p->kept, sizeof(m.name));
	call_ask(&p->call, MSG_MARK, &m);
}

void
poll_begin_ask(struct poll *p)
{
	struct msg_probe probe = { .tag = 0 };

	if (p->from_now)
		ask_end(p);
	else if (p->kept[0] != '\0')
		ask_kept(p);
	else
		call_ask(&p->call, MSG_PROBE, &probe);
}

static void
set(struct poll *p, uint64_t epoch, uint64_t seq)
{
	p->has_cursor = true;
	p->cursor.epoch = epoch;
	p->cursor.seq = seq;
}

bool
poll_begin_take(struct poll *p, const struct asks_answer *a)
{
	bool kept = p->kept[0] != '\0';

	if (a->st != ST_OK && !(kept && a->st == ST_NOT_FOUND))
		return false;
	if (p->from_now)
		set(p, a->end.epoch, a->end.last_seq);
	else if (kept && a->st == ST_OK)
		set(p, a->marked.epoch, a->marked.seq);
	else if (!kept)
		set(p, a->health.epoch, 0);
	p->from_now = false;
	p->kept[0] = '\0';
	return true;
}
