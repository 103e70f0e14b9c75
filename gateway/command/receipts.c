#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "command/command.h"
#include "command/source.h"

#define PAGE 1000 /* receipts asked for at once, at most */

static const char help[] =
    "Usage: paysieve receipts list [--merchant M] [--invoice I] [--limit N]\n"
    "                              [--after SEQ]\n"
    "       paysieve receipts show ID [--merchant M]\n"
    "       paysieve receipts export [--merchant M] [--invoice I]\n"
    "\n"
    "Receipts, oldest first: of the running gateway, or of its store when "
    "none\n"
    "runs.  list prints a table on a terminal and JSON lines elsewhere, "
    "export\n"
    "all receipts as JSON lines, show one as JSON.\n"
    "\n"
    "  --merchant M   of this merchant only\n"
    "  --invoice I    of this invoice ID only\n"
    "  --limit N      list at most N, 1 to 1000 (100)\n"
    "  --after SEQ    list those behind this number; a list that was cut ends\n"
    "                 with the one to continue from\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 failed or no such receipt, 2, 74, 78.\n";

struct rows {
	size_t n;
	struct store_row row[PAGE];
};

struct request {
	const char *name;
	struct source *source;
	struct rows *rows;
	struct store_query query;
	const char *id;
};

/* One way to answer a request, printing as it goes. */
typedef enum status verb_fn(struct request *q);

static void
on_row(void *arg, const struct store_row *row)
{
	struct rows *rows = arg;

	if (rows->n < PAGE)
		rows->row[rows->n++] = *row;
}

static enum status
print_json(const struct receipt *r)
{
	struct buf line;
	enum status st;

	buf_init(&line, 1024);
	receipt_json(r, &line);
	buf_append_text(&line, "\n");
	st = buf_status(&line);
	if (st == ST_OK)
		(void)fputs((const char *)line.data, stdout);
	buf_fini(&line);
	return st;
}

static void
print_table(const struct rows *rows)
{
	int merchant = 8, invoice = 10, amount = 6;

	for (size_t i = 0; i < rows->n; i++) {
		const struct receipt *r = &rows->row[i].receipt;
		char text[MONEY_TEXT];
		int n = (int)strlen(r->merchant);

		money_format(r->amount_minor,
		    money_exponent(bytes_make(r->currency, 3)), text);
		merchant = n > merchant ? n : merchant;
		n = (int)strlen(r->invoice_id);
		invoice = n > invoice ? n : invoice;
		n = (int)strlen(text);
		amount = n > amount ? n : amount;
	}
	(void)printf("%-31s  %-*s  %-*s  %*s  %-3s  %s\n", "RECEIPT", merchant,
	    "MERCHANT", invoice, "INVOICE ID", amount, "AMOUNT", "", "PAID AT");
	for (size_t i = 0; i < rows->n; i++) {
		const struct receipt *r = &rows->row[i].receipt;
		char id[ID_TEXT], text[MONEY_TEXT], paid[RFC3339_TEXT];

		id_format(&r->id, id);
		money_format(r->amount_minor,
		    money_exponent(bytes_make(r->currency, 3)), text);
		rfc3339_seconds(r->paid_at_us, paid);
		(void)printf("%-31s  %-*s  %-*s  %*s  %-3s  %s\n", id, merchant,
		    r->merchant, invoice, r->invoice_id, amount, text,
		    r->currency, paid);
	}
}

static enum status
next_page(struct request *q, bool *more)
{
	enum status st;

	q->rows->n = 0;
	st = source_page(q->source, &q->query, on_row, q->rows, more);
	if (st == ST_OK && q->rows->n > 0)
		q->query.after_seq = q->rows->row[q->rows->n - 1].seq;
	return st;
}

static enum status
print_lines(const struct rows *rows)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < rows->n; i++)
		st = print_json(&rows->row[i].receipt);
	return st;
}

static enum status
list(struct request *q)
{
	bool more = false;
	enum status st = next_page(q, &more);

	if (st != ST_OK)
		return st;
	if (isatty(STDOUT_FILENO))
		print_table(q->rows);
	else
		st = print_lines(q->rows);
	if (more)
		(void)fprintf(stderr, "there are more: --after %llu\n",
		    (unsigned long long)q->query.after_seq);
	return st;
}

static enum status
export_all(struct request *q)
{
	enum status st = ST_OK;
	bool more = true;

	while (st == ST_OK && more && !ferror(stdout)) {
		uint64_t was = q->query.after_seq;

		st = next_page(q, &more);
		if (st == ST_OK)
			st = print_lines(q->rows);
		if (more && q->query.after_seq == was)
			return ST_CORRUPT;
	}
	return st;
}

static enum status
show(struct request *q)
{
	struct receipt_id id;
	struct store_row row;
	enum status st = ST_NOT_FOUND;

	if (id_parse(bytes_of(q->id), &id))
		st = source_get(q->source, &id, q->query.merchant, &row);
	return st == ST_OK ? print_json(&row.receipt) : st;
}

static const char *
words_for(enum status st)
{
	switch (st) {
	case ST_NOT_FOUND:
		return "there is no such receipt";
	case ST_BUSY:
		return "the gateway is too busy; try again";
	case ST_UNAVAILABLE:
		return "the gateway went away or does not answer";
	case ST_IO:
		return "the store failed";
	default:
		return status_name(st);
	}
}

static int
run(struct request *q, const char *config, verb_fn *verb)
{
	struct config *c = NULL;
	struct err e = { "" };
	enum status st;
	int code = command_load(&c, config);

	if (code != EXIT_GOOD)
		return code;
	q->rows = malloc(sizeof(*q->rows));
	st = q->rows == NULL ? ST_NO_MEMORY : source_open(&q->source, c, &e);
	if (st == ST_OK) {
		st = verb(q);
		if (st != ST_OK)
			err_set(&e, "%s", words_for(st));
	}
	code = st == ST_OK ? EXIT_GOOD : command_failed(q->name, st, &e);
	source_close(q->source);
	free(q->rows);
	config_free(c);
	return command_flush(q->name, code);
}

/* The verb and what it takes; NULL with fixed words in *fault. */
static verb_fn *
verb_of(struct request *q, int argc, char **argv, const char **fault)
{
	const char *word = argc > 0 ? argv[0] : "";

	*fault = "it takes: list, show ID or export";
	if (strcmp(word, "show") == 0 && argc == 2) {
		q->id = argv[1];
		return show;
	}
	if (argc != 1)
		return NULL;
	if (strcmp(word, "list") == 0)
		return list;
	return strcmp(word, "export") == 0 ? export_all : NULL;
}

/* One option into q; NULL, or fixed words. */
static const char *
take_option(struct request *q, int c, uint64_t *limit)
{
	switch (c) {
	case 'm':
		q->query.merchant = optarg;
		return receipt_merchant_valid(bytes_of(optarg))
			   ? NULL
			   : "--merchant needs a store id";
	case 'i':
		q->query.invoice_id = optarg;
		return receipt_invoice_valid(bytes_of(optarg))
			   ? NULL
			   : "--invoice needs an invoice ID";
	case 'l':
		return command_number(optarg, 1, PAGE, limit)
			   ? NULL
			   : "--limit needs a number from 1 to 1000";
	case 'a':
		return command_number(optarg, 0, INT64_MAX, &q->query.after_seq)
			   ? NULL
			   : "--after needs a number";
	default:
		return "no such option, or its value is missing";
	}
}

int
receipts_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "merchant", required_argument, NULL, 'm' },
		{ "invoice", required_argument, NULL, 'i' },
		{ "limit", required_argument, NULL, 'l' },
		{ "after", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 } };
	struct request q = { .name = argv[0] };
	verb_fn *verb;
	const char *fault = NULL;
	uint64_t limit = 100;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			return command_help(help);
		if (c == 'c')
			config = optarg;
		else
			fault = take_option(&q, c, &limit);
		if (fault != NULL)
			return command_usage(argv[0], fault);
	}
	verb = verb_of(&q, argc - optind, argv + optind, &fault);
	if (verb == NULL)
		return command_usage(argv[0], fault);
	q.query.limit = verb == list ? (size_t)limit : PAGE;
	return run(&q, config, verb);
}
