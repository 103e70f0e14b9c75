#include "command/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/control.h"
#include "keeper/moves.h"

struct source {
	const struct config *config;
	struct control *control; /* or, when it is NULL: */
	const struct store_driver *driver;
	struct store *store;
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
    void *arg, bool *more)
{
	if (s->control != NULL)
		return control_page(s->control, q, fn, arg, more);
	return s->driver->page(s->store, q, fn, arg, more);
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

	if (m == NULL) {
		err_set(e, "the configuration no longer has its merchant, so "
			   "that nobody knows whom to tell");
		return ST_CONFIG;
	}
	for (size_t i = 0; st == ST_OK && i < c->n_billings; i++) {
		if ((m->billings >> i & 1) != 0)
			st = s->driver->endpoint(
			    store, c->billings[i].name, &out->ids[out->n++]);
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
