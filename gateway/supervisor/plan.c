#include "supervisor/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"

/* A new key beside an old store would give its payments other ids: replayed
 * callbacks would then count twice. */
static bool
store_is_new(const struct plan *p)
{
	return access(p->config->store_path, F_OK) != 0 && errno == ENOENT;
}

static enum status
fill(struct plan *p, struct buf *faults)
{
	unsigned char ticket[ROOMS_TICKET];
	struct err e = { "" };
	enum status st;

	/* Shared by all edges, so that any of them resumes a session. */
	secret_random(ticket, sizeof(ticket));
	st = rooms_edge(p->config, store_is_new(p), ticket, &p->edge, &e);
	if (st == ST_OK)
		st = rooms_keeper(p->config, &p->keeper, &e);
	if (st == ST_OK)
		st = rooms_asker(p->config, &p->asker, &e);
	if (st == ST_OK)
		st = rooms_courier(p->config, &p->courier, &e);
	if (st == ST_OK)
		st = rooms_desk(p->config, ticket, &p->desk, &e);
	secret_wipe(ticket, sizeof(ticket));
	if (st != ST_OK)
		buf_printf(faults, "%s: %s\n", p->config->file, e.text);
	return st;
}

enum status
plan_load(struct plan **out, const char *path, struct buf *faults)
{
	struct plan *p = calloc(1, sizeof(*p));
	enum status st;

	*out = NULL;
	if (p == NULL)
		return ST_NO_MEMORY;
	st = config_load(&p->config, path, faults);
	if (st == ST_OK)
		st = fill(p, faults);
	if (st != ST_OK) {
		plan_free(p);
		return st;
	}
	*out = p;
	return ST_OK;
}

void
plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	config_free(p->config);
	secret_wipe(p, sizeof(*p));
	free(p);
}

const void *
plan_room(const struct plan *p, enum party room, size_t *size)
{
	switch (room) {
	case PARTY_EDGE:
		*size = sizeof(p->edge);
		return &p->edge;
	case PARTY_KEEPER:
		*size = sizeof(p->keeper);
		return &p->keeper;
	case PARTY_ASKER:
		*size = sizeof(p->asker);
		return &p->asker;
	case PARTY_COURIER:
		*size = sizeof(p->courier);
		return &p->courier;
	case PARTY_DESK:
		*size = sizeof(p->desk);
		return &p->desk;
	default:
		abort(); /* no such room */
	}
}

bool
plan_follows(const struct plan *was, const struct plan *now, struct err *e)
{
	const struct config *a = was->config, *b = now->config;

	if (strcmp(a->callbacks.text, b->callbacks.text) != 0 ||
	    strcmp(a->api.text, b->api.text) != 0 ||
	    strcmp(a->admin.text, b->admin.text) != 0)
		err_set(e, "other listening addresses need a restart");
	else if (strcmp(a->store_path, b->store_path) != 0)
		err_set(e, "another store needs a restart");
	else if (memcmp(was->edge.identity_key, now->edge.identity_key,
		     sizeof(was->edge.identity_key)) != 0)
		err_set(e, "another identity key needs a restart");
	else if (a->limits.edges != b->limits.edges)
		err_set(e, "another number of edges needs a restart");
	else
		return true;
	return false;
}
