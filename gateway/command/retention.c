#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "command/command.h"
#include "command/source.h"

static const char help[] =
    "Usage: paysieve retention --dry-run\n"
    "       paysieve retention totals\n"
    "       paysieve retention holds\n"
    "       paysieve retention hold MERCHANT INVOICE_ID\n"
    "       paysieve retention release MERCHANT INVOICE_ID\n"
    "\n"
    "What is kept for how long.  The running gateway lets go what was kept "
    "for\n"
    "its merchant's term, once a minute.\n"
    "\n"
    "--dry-run says what would go now: of each merchant, and of what has a "
    "term\n"
    "of its own.  totals prints what is left of "
    "receipts\n"
    "that were deidentified: by merchant, days and currency, never of fewer "
    "than\n"
    "ten.  hold keeps an invoice, whatever its age and whoever asks, until\n"
    "release; holds lists them.\n"
    "\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 failed, 2, 74, 78.\n";

#define DAY_US INT64_C(86400000000)

/* Columns of what is printed on a terminal and elsewhere alike. */
static void
on_bucket(void *arg, const struct store_bucket *b)
{
	char first[RFC3339_TEXT], last[RFC3339_TEXT], amount[MONEY_TEXT];

	(void)arg;
	rfc3339_seconds(b->first_day * DAY_US, first);
	rfc3339_seconds(b->last_day * DAY_US, last);
	money_format(b->amount_minor,
	    money_exponent(bytes_make(b->currency, 3)), amount);
	(void)printf("{\"merchant\":\"%s\",\"first_day\":\"%.10s\","
		     "\"last_day\":\"%.10s\",\"currency\":\"%s\","
		     "\"receipts\":%llu,\"amount\":\"%s\"}\n",
	    b->merchant, first, last, b->currency,
	    (unsigned long long)b->receipts, amount);
}

static void
on_legal(void *arg, const struct store_legal *l)
{
	char at[RFC3339_TEXT];

	(void)arg;
	rfc3339_seconds(l->at_us, at);
	(void)printf("{\"merchant\":\"%s\",\"invoice_id\":\"%s\","
		     "\"since\":\"%s\"}\n",
	    l->merchant, l->invoice_id, at);
}

static void
print_going(const struct store_expire *e)
{
	char oldest[RFC3339_TEXT], before[RFC3339_TEXT];

	rfc3339_seconds(e->oldest_us, oldest);
	rfc3339_seconds(e->before_us, before);
	(void)printf("{\"merchant\":\"%s\",\"received_before\":\"%s\","
		     "\"receipts\":%zu,\"waiting\":%zu,\"held\":%zu",
	    e->merchant, before, e->receipts, e->waiting, e->held);
	if (e->oldest_us != 0)
		(void)printf(",\"oldest_received_at\":\"%s\"", oldest);
	(void)printf("}\n");
}

/* What has a term of its own. */
static enum status
dry_sweep(const struct config *c, const struct store_driver *d, struct store *s)
{
	const struct {
		const char *word;
		int64_t keep_s;
	} kinds[STORE_SWEEPS] = {
		[STORE_SWEEP_ATTEMPTS] = { "attempts", c->keep_attempts_s },
		[STORE_SWEEP_STOPPED] = { "stopped", c->keep_stopped_s },
		[STORE_SWEEP_REFUSED] = { "refused", c->keep_refused_s },
	};
	enum status st = ST_OK;

	for (unsigned i = 0; i < STORE_SWEEPS && st == ST_OK; i++) {
		int64_t before_us = clock_wall_us() - kinds[i].keep_s * 1000000;
		char before[RFC3339_TEXT];
		size_t n;

		st = d->sweeping(s, (enum store_sweep)i, before_us, &n);
		rfc3339_seconds(before_us, before);
		if (st == ST_OK)
			(void)printf("{\"forgets\":\"%s\",\"before\":\"%s\","
				     "\"count\":%zu}\n",
			    kinds[i].word, before, n);
	}
	return st;
}

static enum status
dry_run(const struct config *c, const struct store_driver *d, struct store *s)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < c->n_merchants && st == ST_OK; i++) {
		const struct config_merchant *m = &c->merchants[i];
		struct store_expire e = { .merchant = m->store_id,
			.before_us =
			    clock_wall_us() - config_keep_s(c, m) * 1000000 };

		st = d->expiring(s, &e);
		if (st == ST_OK)
			print_going(&e);
	}
	return st == ST_OK ? dry_sweep(c, d, s) : st;
}

/* Beside a running gateway or without one. */
static enum status
read_store(const struct config *c, const char *verb, struct err *e)
{
	const struct store_driver *d = store_driver_find("sqlite");
	struct store *s = NULL;
	enum status st = d->open(&s, c->store_path, STORE_READ, e);

	if (st == ST_OK && verb == NULL)
		st = dry_run(c, d, s);
	else if (st == ST_OK && strcmp(verb, "totals") == 0)
		st = d->buckets(s, on_bucket, NULL);
	else if (st == ST_OK)
		st = d->legals(s, on_legal, NULL);
	d->close(s);
	return st;
}

static enum status
hold(const struct config *c, const char *merchant, const char *invoice_id,
    bool held, struct err *e)
{
	struct source *source = NULL;
	enum status st = source_open(&source, c, e);

	if (st == ST_OK)
		st = source_legal(source, merchant, invoice_id, held, e);
	source_close(source);
	if (st == ST_OK)
		(void)printf(held ? "it is held\n" : "it is held no more\n");
	else if (st == ST_EXISTS)
		err_set(e, "it is held already");
	else if (st == ST_NOT_FOUND && e->text[0] == '\0')
		err_set(e, "it is not held");
	return st;
}

static int
run(const char *name, const char *config, const char *verb, char **argv)
{
	struct config *c = NULL;
	struct err e = { "" };
	enum status st;
	int code = command_load(&c, config);

	if (code != EXIT_GOOD)
		return code;
	if (argv == NULL)
		st = read_store(c, verb, &e);
	else
		st = hold(c, argv[0], argv[1], strcmp(verb, "hold") == 0, &e);
	if (st != ST_OK && e.text[0] == '\0')
		err_set(&e, "%s", status_name(st));
	code = st == ST_OK ? command_flush(name, EXIT_GOOD)
			   : command_failed(name, st, &e);
	config_free(c);
	return code;
}

/* What is asked for, or NULL; *pair: its two arguments, if it takes them. */
static const char *
verb_of(int argc, char **argv, bool dry_run, char ***pair)
{
	*pair = NULL;
	if (argc == 1 && !dry_run &&
	    (strcmp(argv[0], "totals") == 0 || strcmp(argv[0], "holds") == 0))
		return argv[0];
	if (argc != 3 || dry_run ||
	    (strcmp(argv[0], "hold") != 0 && strcmp(argv[0], "release") != 0) ||
	    !receipt_merchant_valid(bytes_of(argv[1])) ||
	    !receipt_invoice_valid(bytes_of(argv[2])))
		return NULL;
	*pair = argv + 1;
	return argv[0];
}

int
retention_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "dry-run", no_argument, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	bool dry_run = false;
	const char *verb;
	char **pair;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			return command_help(help);
		if (c == 'c')
			config = optarg;
		else if (c == 'n')
			dry_run = true;
		else
			return command_usage(argv[0], NULL);
	}
	verb = verb_of(argc - optind, argv + optind, dry_run, &pair);
	if (verb == NULL && (!dry_run || argc != optind))
		return command_usage(argv[0],
		    "it takes: --dry-run, totals, holds, hold MERCHANT "
		    "INVOICE_ID or release MERCHANT INVOICE_ID");
	return run(argv[0], config, verb, pair);
}
