#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "command/command.h"
#include "command/ledger_audit.h"
#include "command/ledger_head.h"
#include "keeper/store_driver.h"

static const char help[] =
    "Usage: paysieve ledger head\n"
    "       paysieve ledger verify [--head FILE]\n"
    "       paysieve ledger prove ID [--head FILE]\n"
    "       paysieve ledger consistency --head FILE\n"
    "\n"
    "The append-only ledger of receipts, in which an erased one leaves only a\n"
    "hash that tells nothing.  All of it works beside a running gateway.\n"
    "\n"
    "head prints the ledger's head, signed: publish it where you cannot "
    "change it\n"
    "later.  verify looks at every leaf, receipt and head, and says what was\n"
    "altered, added or dropped.  prove prints a receipt and what proves to "
    "anybody\n"
    "that it is in the ledger.  consistency proves that the ledger of today "
    "goes on\n"
    "from a published head.\n"
    "\n"
    "  --head FILE    a head as `paysieve ledger head` printed it\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 something is wrong or there is no such receipt, 2, 74, "
    "78.\n";

struct ledger {
	const struct config *config;
	const struct store_driver *driver;
	struct store *store;
	const char *argument, *head_file; /* NULL: none */
	struct ledger_head published;	  /* when there is a head_file */
	struct ledger_proof proof;
	uint64_t size; /* leaves that are looked at */
	uint64_t next; /* the leaf that should come */
	struct ledger_tree tree;
	enum status failed;
};

/* ---- passes over the leaves */

/* Leaves without a gap; what comes behind `size` is not looked at. */
static bool
take(struct ledger *l, const struct store_leaf *leaf)
{
	if (l->failed != ST_OK || leaf->n >= l->size)
		return false;
	if (leaf->damaged || leaf->n != l->next++)
		l->failed = ST_CORRUPT;
	return l->failed == ST_OK;
}

static void
grow(void *arg, const struct store_leaf *leaf)
{
	struct ledger *l = arg;

	if (take(l, leaf))
		ledger_append(&l->tree, &leaf->hash);
}

static void
prove(void *arg, const struct store_leaf *leaf)
{
	struct ledger *l = arg;

	if (!take(l, leaf))
		return;
	ledger_append(&l->tree, &leaf->hash);
	l->failed = ledger_prove(&l->proof, leaf->n, &leaf->hash);
}

static void
take_head(void *arg, const struct store_head *h)
{
	struct ledger *l = arg;

	if (!h->damaged && h->tree.size <= l->size)
		l->tree = h->tree;
}

static enum status
damaged(struct err *e)
{
	err_set(e, "the ledger is damaged: `paysieve ledger verify` says how");
	return ST_CORRUPT;
}

/* fn gets the leaves behind the tree there is, up to size; the tree has them
 * then, and root is its. */
static enum status
pass(struct ledger *l, store_leaf_fn *fn, struct ledger_hash *root,
    struct err *e)
{
	struct store_audit a = { .leaf = fn, .from = l->tree.size, .arg = l };
	enum status st;

	l->next = l->tree.size;
	st = l->driver->audit(l->store, &a);
	if (st == ST_OK)
		st = l->failed;
	if (st == ST_OK)
		st = ledger_root(&l->tree, root);
	return st == ST_CORRUPT ? damaged(e) : st;
}

/* The head of now: it goes on from the last one that is kept. */
static enum status
make_head(struct ledger *l, struct ledger_head *out, struct err *e)
{
	struct store_audit a = { .head = take_head, .arg = l };
	enum status st;

	l->size = UINT64_MAX;
	st = l->driver->audit(l->store, &a);
	if (st == ST_OK)
		st = pass(l, grow, &out->root, e);
	out->size = l->tree.size;
	return st == ST_OK ? ledger_head_sign(out, l->config, e) : st;
}

/* ---- what is printed */

static void
print_path(const struct ledger_proof *p)
{
	char text[2 * LEDGER_HASH + 1];

	(void)fputs("\"path\":[", stdout);
	for (size_t i = 0; i < p->n; i++) {
		secret_hex(p->parts[i].hash.b, LEDGER_HASH, text);
		(void)printf("%s\"%s\"", i > 0 ? "," : "", text);
	}
	(void)fputs("],\"head\":", stdout);
}

static void
print_opening(const struct store_opening *o)
{
	char salt[2 * LEDGER_SALT + 1];
	struct buf receipt;

	buf_init(&receipt, 1024);
	receipt_json(&o->row.receipt, &receipt);
	secret_hex(o->salt.b, sizeof(o->salt.b), salt);
	(void)printf("{\"receipt\":%s,\"merchant\":\"%s\",\"seq\":%llu,"
		     "\"salt\":\"%s\",\"leaf\":%llu,",
	    (const char *)receipt.data, o->row.receipt.merchant,
	    (unsigned long long)o->row.seq, salt, (unsigned long long)o->leaf);
	buf_fini(&receipt);
}

/* ---- verbs */

static enum status
run_head(struct ledger *l, struct err *e)
{
	struct ledger_head head;
	enum status st = make_head(l, &head, e);

	if (st != ST_OK)
		return st;
	ledger_head_print(&head);
	(void)putchar('\n');
	return ST_OK;
}

static enum status
run_verify(struct ledger *l, struct err *e)
{
	const struct ledger_head *published =
	    l->head_file == NULL ? NULL : &l->published;
	enum status st = published == NULL
			     ? ST_OK
			     : ledger_head_check(published, l->config, e);

	if (st == ST_OK)
		st = ledger_audit(l->driver, l->store, published);
	if (st == ST_CORRUPT)
		err_set(e, "the store does not hold what the ledger says");
	return st;
}

static enum status
prove_opening(struct ledger *l, const struct store_opening *o,
    struct ledger_head *head, struct err *e)
{
	struct ledger_hash root, leaf;
	enum status st = ST_OK;

	if (l->head_file == NULL)
		st = make_head(l, head, e);
	else
		*head = l->published;
	if (st != ST_OK)
		return st;
	if (o->leaf >= head->size) {
		err_set(e, "the receipt is younger than the head");
		return ST_BAD_INPUT;
	}
	l->size = head->size;
	memset(&l->tree, 0, sizeof(l->tree));
	ledger_prove_leaf(&l->proof, o->leaf, l->size);
	st = pass(l, prove, &root, e);
	if (st == ST_OK)
		st = ledger_receipt(
		    &o->salt, o->row.seq, &o->row.receipt, &leaf);
	if (st == ST_OK && !ledger_proves_leaf(
			       &l->proof, o->leaf, l->size, &leaf, &head->root))
		return damaged(e);
	return st;
}

static enum status
run_prove(struct ledger *l, struct err *e)
{
	struct ledger_head head;
	struct store_opening o;
	struct receipt_id id;
	enum status st;

	if (!id_parse(bytes_of(l->argument), &id)) {
		err_set(e, "that is no receipt's id");
		return ST_BAD_INPUT;
	}
	st = l->driver->opening(l->store, &id, &o);
	if (st == ST_NOT_FOUND)
		err_set(e, "there is no such receipt");
	if (st == ST_OK && o.damaged)
		st = damaged(e);
	if (st == ST_OK)
		st = prove_opening(l, &o, &head, e);
	if (st != ST_OK)
		return st;
	print_opening(&o);
	print_path(&l->proof);
	ledger_head_print(&head);
	(void)puts("}");
	return ST_OK;
}

static enum status
run_consistency(struct ledger *l, struct err *e)
{
	const struct ledger_head *from = &l->published;
	struct ledger_hash root;
	struct ledger_head head;
	enum status st = make_head(l, &head, e);

	if (st != ST_OK)
		return st;
	if (from->size == 0 || from->size > head.size) {
		err_set(e,
		    "the head in the file is of %s leaves than there "
		    "are",
		    from->size == 0 ? "fewer" : "more");
		return ST_BAD_INPUT;
	}
	l->size = head.size;
	memset(&l->tree, 0, sizeof(l->tree));
	ledger_prove_growth(&l->proof, from->size, l->size);
	st = pass(l, prove, &root, e);
	if (st != ST_OK)
		return st;
	if (!ledger_proves_growth(
		&l->proof, from->size, l->size, &from->root, &head.root)) {
		err_set(e, "the ledger does not go on from that head");
		return ST_CORRUPT;
	}
	(void)fputs("{\"from\":", stdout);
	ledger_head_print(from);
	(void)putchar(',');
	print_path(&l->proof);
	ledger_head_print(&head);
	(void)puts("}");
	return ST_OK;
}

static const struct verb {
	const char *word;
	enum status (*run)(struct ledger *l, struct err *e);
	bool needs_id, takes_head, needs_head;
} verbs[] = {
	{ "head", run_head, false, false, false },
	{ "verify", run_verify, false, true, false },
	{ "prove", run_prove, true, true, false },
	{ "consistency", run_consistency, false, true, true },
};

static int
run(const char *command, const char *config, const struct verb *v,
    struct ledger *l)
{
	struct config *c = NULL;
	struct err e = { "" };
	enum status st = ST_OK;
	int code = command_load(&c, config);

	if (code != EXIT_GOOD)
		return code;
	l->config = c;
	l->driver = store_driver_find("sqlite");
	if (l->head_file != NULL)
		st = ledger_head_read(&l->published, l->head_file, &e);
	if (st == ST_OK)
		st = l->driver->open(&l->store, c->store_path, STORE_READ, &e);
	if (st == ST_OK)
		st = v->run(l, &e);
	code = command_flush(
	    command, st == ST_OK ? EXIT_GOOD : command_failed(command, st, &e));
	l->driver->close(l->store);
	config_free(c);
	return code;
}

/* NULL: the arguments are not those of a verb. */
static const struct verb *
find_verb(const struct ledger *l, int argc, char **argv)
{
	for (size_t i = 0; argc > 0 && i < ARRAY_LEN(verbs); i++) {
		const struct verb *v = &verbs[i];

		if (strcmp(argv[0], v->word) != 0)
			continue;
		if (argc != (v->needs_id ? 2 : 1) ||
		    (l->head_file != NULL && !v->takes_head) ||
		    (l->head_file == NULL && v->needs_head))
			return NULL;
		return v;
	}
	return NULL;
}

int
ledger_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "head", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 } };
	struct ledger *l;
	const struct verb *v;
	const char *head_file = NULL;
	int c, code;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'f')
			head_file = optarg;
		else if (c == 'h')
			return command_help(help);
		else if (c == 'c')
			config = optarg;
		else
			return command_usage(argv[0], NULL);
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return EXIT_FAILED;
	l->head_file = head_file;
	v = find_verb(l, argc - optind, argv + optind);
	if (v != NULL && v->needs_id)
		l->argument = argv[optind + 1];
	code = v != NULL ? run(argv[0], config, v, l)
			 : command_usage(argv[0],
			       "it takes: head, verify [--head FILE], prove ID "
			       "[--head FILE] or consistency --head FILE");
	free(l);
	return code;
}
