#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "driver_memory_content.h"

static struct store_leaf *
add_leaf(struct content *c)
{
	c->leaves = content_append(c->leaves, &c->n_leaves, sizeof(*c->leaves));
	c->leaves[c->n_leaves - 1].n = c->n_leaves - 1;
	return &c->leaves[c->n_leaves - 1];
}

void
content_leaf(struct content *c, uint64_t seq, const struct receipt *r)
{
	struct store_leaf *leaf = add_leaf(c);
	struct opener *o;

	c->openers =
	    content_append(c->openers, &c->n_openers, sizeof(*c->openers));
	o = &c->openers[c->n_openers - 1];
	o->seq = seq;
	o->leaf = leaf->n;
	secret_random(&o->salt, sizeof(o->salt));
	assert(ledger_receipt(&o->salt, seq, r, &leaf->hash) == ST_OK);
}

void
content_leaf_erased(struct content *c, const struct store_move *m)
{
	struct ledger_erasure x = { .why = (uint8_t)m->why, .at_us = m->at_us };
	struct store_leaf *leaf;
	size_t i = 0;

	while (c->openers[i].seq != m->n)
		i++;
	x.of = c->openers[i].leaf;
	x.hash = c->leaves[x.of].hash;
	content_take_out(c->openers, &c->n_openers, sizeof(*c->openers), i);
	leaf = add_leaf(c);
	leaf->is_erasure = true;
	leaf->erasure = x;
	assert(ledger_erased(&x, &leaf->hash) == ST_OK);
}

void
content_keep_head(struct content *c, int64_t before_us, int64_t at_us)
{
	const struct store_head *last =
	    c->n_heads > 0 ? &c->heads[c->n_heads - 1] : NULL;
	struct store_head *h;

	if (c->n_leaves == 0 ||
	    (last != NULL &&
		(last->tree.size == c->n_leaves || last->at_us >= before_us)))
		return;
	c->heads = content_append(c->heads, &c->n_heads, sizeof(*c->heads));
	h = &c->heads[c->n_heads - 1];
	h->at_us = at_us;
	for (size_t i = 0; i < c->n_leaves; i++)
		ledger_append(&h->tree, &c->leaves[i].hash);
}

static struct store_opening
opening(const struct content *c, size_t i)
{
	const struct opener *o = &c->openers[i];

	return (struct store_opening){ .row = *content_row(c, o->seq),
		.leaf = o->leaf,
		.salt = o->salt,
		.hash = c->leaves[o->leaf].hash };
}

enum status
content_opening(const struct content *c, const struct receipt_id *id,
    struct store_opening *out)
{
	for (size_t i = 0; i < c->n_openers; i++) {
		*out = opening(c, i);
		if (memcmp(&out->row.receipt.id, id, sizeof(*id)) == 0)
			return ST_OK;
	}
	return ST_NOT_FOUND;
}

void
content_audit(const struct content *c, struct store_audit *a)
{
	a->receipts = c->n_rows;
	for (size_t i = 0; a->head != NULL && i < c->n_heads; i++)
		a->head(a->arg, &c->heads[i]);
	for (size_t i = a->from; a->leaf != NULL && i < c->n_leaves; i++)
		a->leaf(a->arg, &c->leaves[i]);
	for (size_t i = 0; a->opening != NULL && i < c->n_openers; i++) {
		struct store_opening o = opening(c, i);

		a->opening(a->arg, &o);
	}
}
