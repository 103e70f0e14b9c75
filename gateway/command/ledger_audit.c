#include "command/ledger_audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rfc3339.h"

/* Faults that are told one by one. */
#define TOLD 100

/* Numbers that may be missing in a row; beyond that it is the number that is
 * wrong. */
#define GAP UINT64_C(1000000)

/* Of a leaf. */
enum {
	PRESENT = 1,
	OPENED = 2, /* by a receipt */
	ERASURE = 4,
	ERASED = 8 /* by another leaf */
};

struct audit {
	bool is_terminal;
	uint64_t faults;
	enum status failed;
	unsigned char *marks; /* by number of leaf */
	uint64_t next, room;  /* the number that comes next; of marks */
	struct ledger_tree tree;
	struct store_head *heads; /* by size */
	size_t n_heads, head;	  /* the one that comes next */
	const struct ledger_head *published;
	bool has_published; /* the tree has been that large */
	uint64_t leaves, receipts;
	uint64_t erasures, requested; /* requested: of them */
};

static void fault(struct audit *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
fault(struct audit *a, const char *fmt, ...)
{
	va_list args;

	if (a->faults++ >= TOLD)
		return;
	va_start(args, fmt);
	(void)vprintf(fmt, args);
	va_end(args);
	(void)putchar('\n');
}

static unsigned long long
number(uint64_t n)
{
	return (unsigned long long)n;
}

static bool
same(const struct ledger_hash *x, const struct ledger_hash *y)
{
	return memcmp(x->b, y->b, LEDGER_HASH) == 0;
}

static void
show_progress(const struct audit *a, const char *what, uint64_t n)
{
	if (a->is_terminal && n % 65536 == 0)
		(void)fprintf(stderr, "\r%llu %s", number(n), what);
}

/* ---- heads against the tree as it grows */

static void
take_head(void *arg, const struct store_head *h)
{
	struct audit *a = arg;
	void *more = realloc(a->heads, (a->n_heads + 1) * sizeof(*h));

	if (more == NULL) {
		a->failed = ST_NO_MEMORY;
		return;
	}
	a->heads = more;
	a->heads[a->n_heads++] = *h;
}

/* The first peak that differs tells where the leaves do. */
static void
compare_head(struct audit *a, const struct store_head *h)
{
	size_t n = ledger_peaks(h->tree.size);
	uint64_t from = 0, bit = UINT64_C(1) << 63;
	char kept[RFC3339_TEXT];

	rfc3339_seconds(h->at_us, kept);
	if (h->damaged) {
		fault(a, "head of %llu leaves, kept %s: damaged",
		    number(h->tree.size), kept);
		return;
	}
	for (size_t i = 0; i < n; i++, from += bit, bit >>= 1) {
		while ((h->tree.size & bit) == 0)
			bit >>= 1;
		if (same(&h->tree.peaks[i], &a->tree.peaks[i]))
			continue;
		fault(a,
		    "leaf %llu to %llu: not all are what they were when a "
		    "head was kept, %s",
		    number(from), number(from + bit - 1), kept);
		return;
	}
}

static void
compare_published(struct audit *a)
{
	struct ledger_hash root;
	enum status st = ledger_root(&a->tree, &root);

	a->has_published = true;
	if (st != ST_OK)
		a->failed = st;
	else if (!same(&root, &a->published->root))
		fault(a,
		    "leaf 0 to %llu: not all are what they were when the "
		    "head was published",
		    number(a->published->size - 1));
}

/* The tree has a size. */
static void
compare_heads(struct audit *a)
{
	while (
	    a->head < a->n_heads && a->heads[a->head].tree.size <= a->tree.size)
		compare_head(a, &a->heads[a->head++]);
	if (a->published != NULL && a->published->size == a->tree.size)
		compare_published(a);
}

static void
end_heads(struct audit *a)
{
	for (; a->head < a->n_heads; a->head++)
		fault(a, "head of %llu leaves: there are only %llu",
		    number(a->heads[a->head].tree.size), number(a->tree.size));
	if (a->published != NULL && !a->has_published)
		fault(a,
		    "the published head is of %llu leaves: there are "
		    "only %llu",
		    number(a->published->size), number(a->tree.size));
}

/* ---- leaves */

static unsigned char
marks_of(const struct audit *a, uint64_t n)
{
	return n < a->next ? a->marks[n] : 0;
}

/* Room for the mark of leaf n, those before it without any. */
static bool
reach(struct audit *a, uint64_t n)
{
	if (n >= a->room) {
		uint64_t room = 2 * n + 1024;
		unsigned char *more = realloc(a->marks, room);

		if (more == NULL) {
			a->failed = ST_NO_MEMORY;
			return false;
		}
		memset(more + a->room, 0, room - a->room);
		a->marks = more;
		a->room = room;
	}
	a->next = n + 1;
	return true;
}

static void
check_erasure(struct audit *a, const struct store_leaf *leaf)
{
	const struct ledger_erasure *x = &leaf->erasure;
	unsigned char marks = marks_of(a, x->of);
	struct ledger_hash hash;

	a->erasures++;
	a->requested += x->why == ERASURE_REQUEST ? 1 : 0;
	if (ledger_erased(x, &hash) != ST_OK)
		a->failed = ST_INTERNAL;
	else if (!same(&hash, &leaf->hash))
		fault(a,
		    "leaf %llu, an erasure, or leaf %llu that it erases: "
		    "not what it was",
		    number(leaf->n), number(x->of));
	else if ((marks & ERASURE) != 0)
		fault(a, "leaf %llu: erases leaf %llu, an erasure",
		    number(leaf->n), number(x->of));
	else if ((marks & ERASED) != 0)
		fault(a, "leaf %llu: erases leaf %llu once more",
		    number(leaf->n), number(x->of));
	if ((marks & PRESENT) != 0)
		a->marks[x->of] |= ERASED;
}

static void
take_leaf(void *arg, const struct store_leaf *leaf)
{
	struct audit *a = arg;

	if (a->failed != ST_OK)
		return;
	show_progress(a, "leaves", ++a->leaves);
	if (leaf->n > a->next && leaf->n - a->next <= GAP)
		fault(a, "leaf %llu to %llu: missing", number(a->next),
		    number(leaf->n - 1));
	if (leaf->n < a->next || leaf->n - a->next > GAP) {
		fault(a, "leaf %llu: comes where leaf %llu should be",
		    number(leaf->n), number(a->next));
		return;
	}
	if (!reach(a, leaf->n))
		return;
	a->marks[leaf->n] = PRESENT | (leaf->is_erasure ? ERASURE : 0);
	if (leaf->damaged)
		fault(a, "leaf %llu: damaged", number(leaf->n));
	else if (leaf->is_erasure)
		check_erasure(a, leaf);
	ledger_append(&a->tree, &leaf->hash);
	compare_heads(a);
}

/* ---- receipts */

/* "receipt rcpt_... (number 5, leaf 4)" */
static const char *
name(const struct store_opening *o, char out[128])
{
	char id[ID_TEXT], leaf[32] = "no leaf";

	id_format(&o->row.receipt.id, id);
	if (o->leaf != STORE_NO_LEAF)
		(void)snprintf(
		    leaf, sizeof(leaf), "leaf %llu", number(o->leaf));
	(void)snprintf(out, 128, "receipt %s (number %llu, %s)", id,
	    number(o->row.seq), leaf);
	return out;
}

/* What an opening says of its leaf, in words; NULL: nothing is wrong. */
static const char *
compare_leaf(unsigned char marks)
{
	if ((marks & PRESENT) == 0)
		return "there is no such leaf";
	if ((marks & ERASURE) != 0)
		return "its leaf is an erasure";
	if ((marks & ERASED) != 0)
		return "the ledger says that it is erased";
	if ((marks & OPENED) != 0)
		return "its leaf is another receipt's";
	return NULL;
}

/* The same of what is in the leaf.  JSON, and so the leaf, has no room for a
 * fraction of paid_at. */
static const char *
compare_content(struct audit *a, const struct store_opening *o)
{
	struct ledger_hash hash = { { 0 } };

	if (o->damaged || o->row.receipt.paid_at_us % 1000000 != 0)
		return "damaged";
	if (ledger_receipt(&o->salt, o->row.seq, &o->row.receipt, &hash) !=
	    ST_OK)
		a->failed = ST_INTERNAL;
	return same(&hash, &o->hash) ? NULL : "not what was stored";
}

static void
take_opening(void *arg, const struct store_opening *o)
{
	struct audit *a = arg;
	const char *words = compare_leaf(marks_of(a, o->leaf));
	char text[128];

	if (a->failed != ST_OK)
		return;
	show_progress(a, "receipts", ++a->receipts);
	if (words == NULL)
		words = compare_content(a, o);
	if (words != NULL)
		fault(a, "%s: %s", name(o, text), words);
	if ((marks_of(a, o->leaf) & PRESENT) != 0)
		a->marks[o->leaf] |= OPENED;
}

static void
find_unopened(struct audit *a)
{
	for (uint64_t n = 0; n < a->next; n++) {
		if (a->marks[n] == PRESENT)
			fault(a,
			    "leaf %llu: no receipt opens it, and no leaf "
			    "erases it",
			    number(n));
	}
}

static void
take_fault(void *arg, const char *words)
{
	struct audit *a = arg;

	fault(a, "the file, behind leaf %llu and %llu receipts: %s",
	    number(a->next), number(a->receipts), words);
}

static void
tell(struct audit *a, uint64_t counted)
{
	if (counted != a->receipts)
		fault(a, "the store counts %llu receipts: there are %llu",
		    number(counted), number(a->receipts));
	end_heads(a);
	find_unopened(a);
	if (a->is_terminal)
		(void)fputs("\r\033[K", stderr);
	if (a->faults > TOLD)
		(void)printf("and %llu more\n", number(a->faults - TOLD));
	(void)printf("%llu leaves: %llu receipts, %llu erased by request, "
		     "%llu for their age; %zu heads%s: ",
	    number(a->leaves), number(a->receipts), number(a->requested),
	    number(a->erasures - a->requested), a->n_heads,
	    a->published != NULL ? " and the published one" : "");
	if (a->faults == 0)
		(void)puts("all is as it was");
	else
		(void)printf("%llu faults\n", number(a->faults));
}

enum status
ledger_audit(const struct store_driver *d, struct store *s,
    const struct ledger_head *published)
{
	struct audit a = { .is_terminal = isatty(STDERR_FILENO) != 0,
		.published = published };
	struct store_audit what = { .head = take_head,
		.leaf = take_leaf,
		.opening = take_opening,
		.fault = take_fault,
		.arg = &a };
	enum status st;

	compare_heads(&a); /* a head may have been published of no leaves */
	st = d->audit(s, &what);
	if (st == ST_OK)
		st = a.failed;
	if (st == ST_OK)
		st = a.tree.failed;
	if (st == ST_OK) {
		tell(&a, what.receipts);
		st = a.faults == 0 ? ST_OK : ST_CORRUPT;
	}
	free(a.marks);
	free(a.heads);
	return st;
}
