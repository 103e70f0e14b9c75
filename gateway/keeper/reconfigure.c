#include "keeper/reconfigure.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* Endpoints get their numbers one after the other, from the writer. */
void
reconfigure_go_on(struct reconfigure *rc)
{
	const char *name = routes_unnamed(rc->routes);

	if (!rc->pending || rc->naming)
		return;
	if (name != NULL) {
		rc->naming = store_queue_endpoint(rc->queue, name) == ST_OK;
		return;
	}
	routes_adopt(rc->routes);
	rc->pending = false;
	for (size_t i = 0; i < rc->n_newcomers; i++)
		rc->admit(rc->arg, rc->newcomers[i].party, rc->newcomers[i].fd);
	rc->n_newcomers = 0;
}

static enum status
read_config(int fd, struct keeper_config *cfg)
{
	struct stat sb;

	if (fstat(fd, &sb) != 0 || (size_t)sb.st_size != sizeof(*cfg) ||
	    pread(fd, cfg, sizeof(*cfg), 0) != (ssize_t)sizeof(*cfg))
		return ST_BAD_INPUT;
	return ST_OK;
}

/* Start-up checked the same struct. */
void
reconfigure_take(struct reconfigure *rc, int fd)
{
	struct keeper_config *cfg = malloc(sizeof(*cfg));
	enum status st = cfg == NULL ? ST_NO_MEMORY : read_config(fd, cfg);

	if (st == ST_OK)
		st = routes_propose(rc->routes, cfg);
	free(cfg);
	if (st == ST_OK) {
		rc->pending = true;
		reconfigure_go_on(rc);
	} else if (st == ST_BUSY) {
		log_event(LOG_CONFIG_WARNING,
		    log_word(KEY_DETAIL, "too many names since the start: "
					 "restart to use new ones"));
	} else {
		log_event(LOG_CONFIG_WARNING,
		    log_word(KEY_DETAIL, "the keeper could not take it"));
	}
}

void
reconfigure_newcomer(struct reconfigure *rc, enum party party, int fd)
{
	if (!rc->pending) {
		rc->admit(rc->arg, party, fd);
	} else if (rc->n_newcomers < ARRAY_LEN(rc->newcomers)) {
		rc->newcomers[rc->n_newcomers].party = party;
		rc->newcomers[rc->n_newcomers++].fd = fd;
	} else {
		(void)close(fd);
	}
}

void
reconfigure_named(struct reconfigure *rc, const struct store_op *op)
{
	rc->naming = false;
	if (op->status != ST_OK)
		return;
	routes_number(rc->routes, op->u.endpoint.name, op->u.endpoint.id);
	rc->named(rc->arg, op->u.endpoint.name, op->u.endpoint.disabled_at_us);
}

void
reconfigure_end(struct reconfigure *rc)
{
	for (size_t i = 0; i < rc->n_newcomers; i++)
		(void)close(rc->newcomers[i].fd);
	rc->n_newcomers = 0;
}
