#include "receipt/ledger.h"

#include <assert.h>
#include <string.h>

#include "base/secret.h"

/* The longest data of a leaf is well below this. */
#define DATA_CEILING 1024

enum { LEAF = 0x00, NODE = 0x01 };

static void
write_number(unsigned char out[8], uint64_t n)
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(n >> (56 - 8 * i));
}

/* ---- leaves */

/* Of data that begins with LEAF. */
static enum status
hash_leaf(struct buf *b, struct ledger_hash *out)
{
	enum status st = buf_status(b);

	return st == ST_OK ? secret_sha256(b->data, b->len, out->b) : st;
}

enum status
ledger_leaf(struct bytes data, struct ledger_hash *out)
{
	static const unsigned char leaf = LEAF;
	enum status st;
	struct buf b;

	buf_init(&b, data.len + 1);
	buf_append(&b, &leaf, 1);
	buf_append(&b, data.ptr, data.len);
	st = hash_leaf(&b, out);
	buf_fini(&b);
	return st;
}

enum status
ledger_receipt(const struct ledger_salt *salt, uint64_t seq,
    const struct receipt *r, struct ledger_hash *out)
{
	static const unsigned char kind[] = { LEAF, 'R' };
	unsigned char number[8];
	enum status st;
	struct buf b;

	write_number(number, seq);
	buf_init(&b, DATA_CEILING);
	buf_append(&b, kind, sizeof(kind));
	buf_append(&b, salt->b, sizeof(salt->b));
	buf_append(&b, number, sizeof(number));
	buf_append(&b, r->merchant, strlen(r->merchant) + 1);
	receipt_json(r, &b);
	st = hash_leaf(&b, out);
	buf_fini(&b);
	return st;
}

enum status
ledger_erased(const struct ledger_erasure *x, struct ledger_hash *out)
{
	unsigned char data[2 + 8 + LEDGER_HASH + 1 + 8] = { LEAF, 'E' };

	write_number(data + 2, x->of);
	memcpy(data + 10, x->hash.b, LEDGER_HASH);
	data[10 + LEDGER_HASH] = x->why;
	write_number(data + 11 + LEDGER_HASH, (uint64_t)x->at_us);
	return secret_sha256(data, sizeof(data), out->b);
}

/* ---- the tree */

/* out may be one of the two. */
static enum status
join(const struct ledger_hash *left, const struct ledger_hash *right,
    struct ledger_hash *out)
{
	unsigned char data[1 + 2 * LEDGER_HASH] = { NODE };

	memcpy(data + 1, left->b, LEDGER_HASH);
	memcpy(data + 1 + LEDGER_HASH, right->b, LEDGER_HASH);
	return secret_sha256(data, sizeof(data), out->b);
}

size_t
ledger_peaks(uint64_t size)
{
	size_t n = 0;

	for (; size != 0; size &= size - 1)
		n++;
	return n;
}

void
ledger_append(struct ledger_tree *t, const struct ledger_hash *leaf)
{
	size_t n = ledger_peaks(t->size);

	assert(n < LEDGER_PEAKS);
	t->peaks[n] = *leaf;
	/* Two of one size become one: a carry of a binary counter. */
	for (uint64_t bits = t->size; (bits & 1) != 0 && t->failed == ST_OK;
	     bits >>= 1) {
		n--;
		t->failed = join(&t->peaks[n], &t->peaks[n + 1], &t->peaks[n]);
	}
	t->size++;
}

enum status
ledger_root(const struct ledger_tree *t, struct ledger_hash *out)
{
	size_t n = ledger_peaks(t->size);
	enum status st = t->failed;

	if (n == 0)
		return secret_sha256("", 0, out->b);
	*out = t->peaks[--n];
	while (n > 0 && st == ST_OK)
		st = join(&t->peaks[--n], out, out);
	return st;
}

enum status
ledger_sum(const struct ledger_tree *t, int64_t at_us, struct ledger_hash *out)
{
	unsigned char data[16 + sizeof(t->peaks)];
	size_t n = ledger_peaks(t->size) * LEDGER_HASH;

	write_number(data, t->size);
	write_number(data + 8, (uint64_t)at_us);
	memcpy(data + 16, t->peaks, n);
	return secret_sha256(data, 16 + n, out->b);
}

/* ---- making proofs */

/* The largest power of two below n, which is at least 2. */
static uint64_t
split(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

static void
add_part(struct ledger_proof *p, uint64_t from, uint64_t to)
{
	assert(p->n < LEDGER_PATH);
	p->parts[p->n++] = (struct ledger_part){ .from = from, .to = to };
}

/* Found from the root down, wanted from the leaf up. */
static void
turn_around(struct ledger_proof *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		struct ledger_part part = p->parts[i];

		p->parts[i] = p->parts[p->n - 1 - i];
		p->parts[p->n - 1 - i] = part;
	}
}

void
ledger_prove_leaf(struct ledger_proof *p, uint64_t index, uint64_t size)
{
	uint64_t from = 0, to = size;

	assert(index < size);
	memset(p, 0, sizeof(*p));
	while (to - from > 1) {
		uint64_t middle = from + split(to - from);

		if (index < middle) {
			add_part(p, middle, to);
			to = middle;
		} else {
			add_part(p, from, middle);
			from = middle;
		}
	}
	turn_around(p);
}

void
ledger_prove_growth(struct ledger_proof *p, uint64_t from, uint64_t size)
{
	uint64_t left = 0, right = size;

	assert(from > 0 && from <= size);
	memset(p, 0, sizeof(*p));
	while (from < right) {
		uint64_t middle = left + split(right - left);

		if (from <= middle) {
			add_part(p, middle, right);
			right = middle;
		} else {
			add_part(p, left, middle);
			left = middle;
		}
	}
	/* The old tree itself needs no telling. */
	if (left > 0)
		add_part(p, left, right);
	turn_around(p);
}

enum status
ledger_prove(
    struct ledger_proof *p, uint64_t index, const struct ledger_hash *leaf)
{
	for (size_t i = 0; i < p->n; i++) {
		struct ledger_part *part = &p->parts[i];

		if (index < part->from || index >= part->to)
			continue;
		if (index == part->from)
			memset(&p->part, 0, sizeof(p->part));
		ledger_append(&p->part, leaf);
		if (index + 1 == part->to)
			return ledger_root(&p->part, &part->hash);
		return p->part.failed;
	}
	return ST_OK;
}

/* ---- checking proofs: RFC 9162, sections 2.1.3.2 and 2.1.4.2 */

static bool
same(const struct ledger_hash *a, const struct ledger_hash *b)
{
	return memcmp(a->b, b->b, LEDGER_HASH) == 0;
}

/* Up to where the last node of the larger tree is no right child. */
static void
skip_left(uint64_t *fn, uint64_t *sn)
{
	while ((*fn & 1) == 0 && *fn != 0) {
		*fn >>= 1;
		*sn >>= 1;
	}
}

bool
ledger_proves_leaf(const struct ledger_proof *p, uint64_t index, uint64_t size,
    const struct ledger_hash *leaf, const struct ledger_hash *root)
{
	struct ledger_hash r = *leaf;
	uint64_t fn = index, sn = size - 1;

	if (index >= size)
		return false;
	for (size_t i = 0; i < p->n; i++) {
		const struct ledger_hash *h = &p->parts[i].hash;
		bool right = (fn & 1) != 0 || fn == sn;

		if (sn == 0 ||
		    join(right ? h : &r, right ? &r : h, &r) != ST_OK)
			return false;
		if (right)
			skip_left(&fn, &sn);
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&r, root);
}

bool
ledger_proves_growth(const struct ledger_proof *p, uint64_t from, uint64_t size,
    const struct ledger_hash *old, const struct ledger_hash *root)
{
	struct ledger_hash fr = *old, sr = *old;
	uint64_t fn = from - 1, sn = size - 1;
	size_t i = 0;

	if (from == 0 || from > size)
		return false;
	if (from == size)
		return p->n == 0 && same(old, root);
	while ((fn & 1) != 0) {
		fn >>= 1;
		sn >>= 1;
	}
	/* A perfect old tree is the first of the hashes. */
	if (fn != 0 && p->n > 0)
		fr = sr = p->parts[i++].hash;
	for (; i < p->n; i++) {
		const struct ledger_hash *h = &p->parts[i].hash;

		if (sn == 0)
			return false;
		if ((fn & 1) != 0 || fn == sn) {
			if (join(h, &fr, &fr) != ST_OK ||
			    join(h, &sr, &sr) != ST_OK)
				return false;
			skip_left(&fn, &sn);
		} else if (join(&sr, h, &sr) != ST_OK) {
			return false;
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && same(&fr, old) && same(&sr, root);
}

/* ---- heads */

void
ledger_signed(uint64_t size, const struct ledger_hash *root,
    uint64_t timestamp_ms, unsigned char out[LEDGER_SIGNED])
{
	enum { VERSION_1 = 0, TREE_HASH = 1 };

	out[0] = VERSION_1;
	out[1] = TREE_HASH;
	write_number(out + 2, timestamp_ms);
	write_number(out + 10, size);
	memcpy(out + 18, root->b, LEDGER_HASH);
}
