/*
 * What the commands that list something share: options, verbs, pages, and
 * how a page is printed: as a table on a terminal, as JSON lines elsewhere.
 *
 * A command fills in what it is about, struct listing_kind, and calls
 * listing_main(); its verbs get the struct listing.
 */
#ifndef COMMAND_LISTING_H
#define COMMAND_LISTING_H

#include <getopt.h>

#include "base/buf.h"
#include "command/source.h"

#define LISTING_PAGE	1000 /* rows asked for at once, at most */
#define LISTING_COLUMNS 8

struct listing;

/* ST_BAD_INPUT: the arguments are wrong, in a way that err says. */
typedef enum status listing_fn(struct listing *l);

enum listing_takes {
	LISTING_NOTHING,
	LISTING_ID,   /* a payment's, in listing.id */
	LISTING_WORD, /* in listing.argument */
	LISTING_MAYBE /* a word, or nothing: then argument is NULL */
};

struct listing_verb {
	const char *word;
	listing_fn *run;
	enum listing_takes takes;
	bool alone; /* needs no gateway and no store: source is NULL */
};

struct listing_kind {
	const char *help;
	const char *verbs_fault; /* "it takes: ..." */
	const char *none;	 /* "there is no such ..." */
	const struct option *options;
	const struct listing_verb *verbs;
	size_t n_verbs;
	/* The table's columns; '>' in front of those that go to the right. */
	const char *const *heads;
	size_t n_heads;
	/* An option that listing does not know, in optarg: NULL, or fixed
	 * words.  NULL: there are none. */
	const char *(*option)(struct listing *l, int c);
	/* Ask source for the page of query, add each row as cells of a table or
	 * as a JSON line to text, move query.after_seq. */
	enum status (*page)(struct listing *l, bool *more);
};

struct listing {
	const struct listing_kind *kind;
	const char *name; /* of the command */
	struct source *source;
	struct store_query query;
	struct receipt_id id; /* of a verb that takes one */
	const char *argument;
	const struct config *config;
	void *own;	/* the kind's */
	struct err err; /* words of a verb that has its own */
	bool is_table;
	struct buf text; /* the page as it gathers */
	/* Private. */
	size_t cells;
	int width[LISTING_COLUMNS];
};

/* The whole command; its exit code. */
int listing_main(const struct listing_kind *kind, void *own, const char *config,
    int argc, char **argv);

/* The verb "list": one page, and where to go on. */
enum status listing_list(struct listing *l);

/* The verb "export": all pages, as JSON lines. */
enum status listing_export(struct listing *l);

/* Add the next cell of a table, row by row. */
void listing_cell(struct listing *l, const char *text);

/* The same for the cells id, merchant, invoice ID, amount and currency. */
void listing_receipt_cells(struct listing *l, const struct receipt *r);

/* Print what was added since the last time.  A verb that shows one thing
 * appends its JSON line to text and calls this. */
MUST_USE enum status listing_print(struct listing *l);

#endif
