#include "command/source.h"

#include <stdlib.h>

#include "command/control.h"

struct source {
	struct control *control; /* or, when it is NULL: */
	const struct store_driver *driver;
	struct store *store;
};

static enum status
open_store(struct source *s, const struct config *c, struct err *e)
{
	enum status st;

	s->driver = store_driver_find("sqlite");
	st = s->driver->open(&s->store, c->store_path, STORE_READ, e);
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
	st = config_control_path(c, path, sizeof(path));
	if (st == ST_OK)
		st = control_open(&s->control, path, e);
	if (st == ST_NOT_FOUND)
		st = open_store(s, c, e);
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
