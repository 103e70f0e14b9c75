#include "keeper/store_finish.h"

/* Pages of which not all were named are looked at again. */
static enum status
scrub(const struct store_driver *d, struct store *s, struct store_op *op)
{
	struct store_look l = { .pages = op->u.scrub.pages };
	enum status st = d->look(s, op->u.scrub.most, &l);

	if (st == ST_OK && l.n > 0)
		st = d->scrub(s, &l, &op->u.scrub.scrubbed);
	if (st != ST_OK)
		return st == ST_IO ? st : ST_BUSY;
	op->u.scrub.done = l.done && l.stained == l.n;
	if (l.stained == l.n)
		op->u.scrub.pages = l.pages;
	return ST_OK;
}

enum status
store_finish(const struct store_driver *d, struct store *s, struct job *jobs)
{
	enum status flushed = ST_OK;
	bool flushing = false;

	for (struct job *j = jobs; j != NULL; j = j->next) {
		struct store_op *op = (struct store_op *)j;

		if (op->kind == STORE_OP_FLUSH) {
			if (!flushing) /* one for all that ask for it */
				flushed = d->flush(s);
			flushing = true;
			op->status = flushed;
		} else if (op->kind == STORE_OP_SCRUB) {
			op->status = scrub(d, s, op);
		} else {
			continue;
		}
		if (op->status != ST_OK && op->status != ST_BUSY)
			return ST_IO;
	}
	return ST_OK;
}
