#include "command/listing.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"

/* A page of held payments as JSON has some 600 bytes a row. */
#define TEXT_MOST (1024 * 1024)

void
listing_cell(struct listing *l, const char *text)
{
	int *width = &l->width[l->cells++ % l->kind->n_heads];
	int n = (int)strlen(text);

	*width = n > *width ? n : *width;
	buf_append(&l->text, text, strlen(text) + 1);
}

void
listing_receipt_cells(struct listing *l, const struct receipt *r)
{
	char id[ID_TEXT], amount[MONEY_TEXT];

	id_format(&r->id, id);
	money_format(r->amount_minor,
	    money_exponent(bytes_make(r->currency, 3)), amount);
	listing_cell(l, id);
	listing_cell(l, r->merchant);
	listing_cell(l, r->invoice_id);
	listing_cell(l, amount);
	listing_cell(l, r->currency);
}

/* Columns are two blanks apart; nothing pads the end of a line. */
static void
print_cell(const struct listing *l, size_t column, const char *text)
{
	bool is_last = column + 1 == l->kind->n_heads;
	int width = l->width[column];

	if (is_last)
		(void)printf("%s\n", text);
	else if (l->kind->heads[column][0] == '>')
		(void)printf("%*s  ", width, text);
	else
		(void)printf("%-*s  ", width, text);
}

static void
print_table(const struct listing *l)
{
	const char *at = (const char *)l->text.data;

	assert(l->kind->n_heads > 0);
	for (size_t i = 0; i < l->kind->n_heads; i++)
		print_cell(
		    l, i, l->kind->heads[i] + (l->kind->heads[i][0] == '>'));
	for (size_t i = 0; i < l->cells; i++) {
		print_cell(l, i % l->kind->n_heads, at);
		at += strlen(at) + 1;
	}
}

enum status
listing_print(struct listing *l)
{
	enum status st = buf_status(&l->text);

	if (st == ST_OK && l->is_table)
		print_table(l);
	else if (st == ST_OK && l->text.len > 0)
		(void)fwrite(l->text.data, 1, l->text.len, stdout);
	buf_reset(&l->text);
	l->cells = 0;
	return st;
}

static enum status
next_page(struct listing *l, bool *more)
{
	enum status st = l->kind->page(l, more);

	return st == ST_OK ? listing_print(l) : st;
}

enum status
listing_list(struct listing *l)
{
	bool more = false;
	enum status st;

	l->is_table = isatty(STDOUT_FILENO) != 0;
	for (size_t i = 0; i < l->kind->n_heads; i++) {
		const char *head = l->kind->heads[i];

		l->width[i] = (int)strlen(head) - (head[0] == '>');
	}
	st = next_page(l, &more);
	if (st == ST_OK && more)
		(void)fprintf(stderr, "there are more: --after %llu\n",
		    (unsigned long long)l->query.after_seq);
	return st;
}

enum status
listing_export(struct listing *l)
{
	enum status st = ST_OK;
	bool more = true;

	l->query.limit = LISTING_PAGE;
	while (st == ST_OK && more && !ferror(stdout)) {
		uint64_t was = l->query.after_seq;

		st = next_page(l, &more);
		if (st == ST_OK && more && l->query.after_seq == was)
			st = ST_CORRUPT;
	}
	return st;
}

static const char *
words_for(const struct listing *l, enum status st)
{
	switch (st) {
	case ST_NOT_FOUND:
		return l->kind->none;
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

static enum status
run_verb(
    struct listing *l, const struct listing_verb *verb, const char *argument)
{
	if (verb->takes == LISTING_ID) {
		assert(argument != NULL);
		if (!id_parse(bytes_of(argument), &l->id))
			return ST_NOT_FOUND;
	}
	l->argument = argument;
	return verb->run(l);
}

static int
run(struct listing *l, const char *config, const struct listing_verb *verb,
    const char *argument)
{
	struct config *c = NULL;
	enum status st;
	int code = command_load(&c, config);

	if (code != EXIT_GOOD)
		return code;
	buf_init(&l->text, TEXT_MOST);
	l->config = c;
	st = verb->alone ? ST_OK : source_open(&l->source, c, &l->err);
	if (st == ST_OK) {
		st = run_verb(l, verb, argument);
		if (st != ST_OK && l->err.text[0] == '\0')
			err_set(&l->err, "%s", words_for(l, st));
	}
	if (st == ST_BAD_INPUT)
		code = command_usage(l->name, l->err.text);
	else if (st != ST_OK)
		code = command_failed(l->name, st, &l->err);
	source_close(l->source);
	buf_fini(&l->text);
	config_free(c);
	return command_flush(l->name, code);
}

static bool
fits(const struct listing_verb *v, int arguments)
{
	if (v->takes == LISTING_MAYBE)
		return arguments <= 1;
	return arguments == (v->takes == LISTING_NOTHING ? 0 : 1);
}

/* NULL: with fixed words in *fault. */
static const struct listing_verb *
verb_of(const struct listing_kind *k, int argc, char **argv, const char **fault)
{
	*fault = k->verbs_fault;
	for (size_t i = 0; i < k->n_verbs && argc > 0; i++) {
		const struct listing_verb *v = &k->verbs[i];

		if (strcmp(argv[0], v->word) == 0 && fits(v, argc - 1))
			return v;
	}
	return NULL;
}

/* One option into l; NULL, or fixed words. */
static const char *
take_option(struct listing *l, int c)
{
	uint64_t limit;

	switch (c) {
	case 'm':
		l->query.merchant = optarg;
		return receipt_merchant_valid(bytes_of(optarg))
			   ? NULL
			   : "--merchant needs a store id";
	case 'i':
		l->query.invoice_id = optarg;
		return receipt_invoice_valid(bytes_of(optarg))
			   ? NULL
			   : "--invoice needs an invoice ID";
	case 'l':
		if (!command_number(optarg, 1, LISTING_PAGE, &limit))
			return "--limit needs a number from 1 to 1000";
		l->query.limit = (size_t)limit;
		return NULL;
	case 'a':
		return command_number(optarg, 0, INT64_MAX, &l->query.after_seq)
			   ? NULL
			   : "--after needs a number";
	default:
		if (l->kind->option != NULL && c != '?')
			return l->kind->option(l, c);
		return "no such option, or its value is missing";
	}
}

int
listing_main(const struct listing_kind *kind, void *own, const char *config,
    int argc, char **argv)
{
	struct listing l = { .kind = kind,
		.name = argv[0],
		.query = { .limit = 100 },
		.own = own };
	const struct listing_verb *verb;
	const char *fault = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", kind->options, NULL)) != -1) {
		if (c == 'h')
			return command_help(kind->help);
		if (c == 'c')
			config = optarg;
		else
			fault = take_option(&l, c);
		if (fault != NULL)
			return command_usage(argv[0], fault);
	}
	argv += optind;
	verb = verb_of(kind, argc - optind, argv, &fault);
	if (verb == NULL)
		return command_usage(l.name, fault);
	return run(&l, config, verb, argc - optind > 1 ? argv[1] : NULL);
}
