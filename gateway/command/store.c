#include <stdio.h>
#include <string.h>
#include <time.h>

#include "command/command.h"
#include "keeper/store_driver.h"

static const char help[] =
    "Usage: paysieve store verify [--config FILE]\n"
    "       paysieve store scrub [--config FILE]\n"
    "\n"
    "verify reads all of the store, beside a running gateway or without one:\n"
    "who gets at its files, whether it agrees with itself, whether deleted "
    "rows\n"
    "are overwritten, and whether they have left anything in its pages.\n"
    "scrub overwrites what they have left.  A running gateway does that by\n"
    "itself, at its start and once a day; scrub is for a store of which none\n"
    "runs.\n"
    "\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 found something, 2, 74, 78.\n";

#define STEP  4096 /* pages of one look */
#define TRIES 20   /* of what a writer is in the way of */

static const struct timespec pause = { .tv_nsec = 250000000 };

/* A page that is just being written can look stained: not for long. */
static enum status
look(const struct store_driver *d, struct store *s, uint64_t most,
    struct store_look *l)
{
	enum status st = d->look(s, most, l);

	for (int i = 0; i < TRIES && st == ST_BUSY; i++) {
		(void)nanosleep(&pause, NULL);
		st = d->look(s, most, l);
	}
	return st;
}

static enum status
look_again(
    const struct store_driver *d, struct store *s, struct store_look *all)
{
	struct store_look still = {
		.pages = all->pages, .done = all->done, .log = all->log
	};
	enum status st = ST_OK;

	(void)nanosleep(&pause, NULL);
	for (size_t i = 0; i < all->n && st == ST_OK; i++) {
		struct store_look one = { .pages = all->named[i] - 1U };

		st = look(d, s, 1, &one);
		still.bytes += one.bytes;
		if (one.n > 0)
			still.named[still.n++] = all->named[i];
	}
	still.stained = still.n + (all->stained - all->n);
	*all = still;
	return st;
}

static enum status
look_through(
    const struct store_driver *d, struct store *s, struct store_look *l)
{
	enum status st = ST_OK;

	while (st == ST_OK && !l->done)
		st = look(d, s, STEP, l);
	for (int i = 0; i < 3 && st == ST_OK && l->n > 0; i++)
		st = look_again(d, s, l);
	return st;
}

/* One line of findings; whether it is good. */
static bool
line(const char *what, bool good, const char *words, uint64_t n)
{
	(void)printf("%-12s %-5s %s", what, good ? "ok" : "FOUND", words);
	if (n > 0)
		(void)printf(": %llu", (unsigned long long)n);
	(void)fputc('\n', stdout);
	return good;
}

static bool
print(const struct store_check *c, const struct store_look *l)
{
	bool good = line("access", true,
	    "nobody but the gateway's user gets at the files", 0);

	good &= line("structure", c->faults == 0,
	    c->faults == 0 ? "the store agrees with itself"
			   : "faults of pages, rows or references",
	    c->faults);
	good &= line("erasures", c->returned == 0,
	    c->returned == 0 ? "nothing that is erased is there"
			     : "erased payments are there",
	    c->returned);
	good &= line("overwriting", c->overwrites,
	    c->overwrites ? "what is deleted is overwritten"
			  : "what is deleted is not overwritten",
	    0);
	good &= line("pages", l->stained == 0,
	    l->stained == 0 ? "deleted rows have left nothing; looked at"
			    : "deleted rows have left something in",
	    l->stained == 0 ? l->pages : l->stained);
	(void)printf("%-12s %-5s %llu bytes that are not in the pages yet\n",
	    "log", "", (unsigned long long)l->log);
	return good;
}

static enum status
verify(const struct config *c, int *code, struct err *e)
{
	const struct store_driver *d = store_driver_find("sqlite");
	struct store_look l = { .pages = 0 };
	struct store_check found;
	struct store *s = NULL;
	enum status st = d->open(&s, c->store_path, STORE_READ, e);

	if (st == ST_OK) {
		st = d->check(s, &found);
		if (st == ST_OK)
			st = look_through(d, s, &l);
		if (st == ST_BUSY)
			err_set(e, "it is written all the time; try again");
	}
	d->close(s);
	if (st == ST_OK)
		*code = print(&found, &l) ? EXIT_GOOD : EXIT_FAILED;
	return st;
}

static enum status
scrub(const struct config *c, int *code, struct err *e)
{
	const struct store_driver *d = store_driver_find("sqlite");
	uint64_t from = 0, all = 0, n = 0;
	struct store *s = NULL;
	enum status st = d->open(&s, c->store_path, STORE_WRITE, e);
	bool done = false;

	while (st == ST_OK && !done) {
		struct store_look l = { .pages = from };

		st = d->look(s, STEP, &l);
		if (st == ST_OK && l.n > 0)
			st = d->scrub(s, &l, &n);
		all += l.n > 0 ? n : 0;
		if (l.n == l.stained)
			from = l.pages;
		done = l.done && l.n == l.stained;
	}
	d->close(s);
	if (st != ST_OK)
		return st;
	(void)printf("looked at %llu pages, overwrote in %llu\n",
	    (unsigned long long)from, (unsigned long long)all);
	*code = EXIT_GOOD;
	return ST_OK;
}

static int
run(const char *name, const char *verb, const char *config)
{
	bool verifies = strcmp(verb, "verify") == 0;
	struct config *c = NULL;
	struct err e = { "" };
	int code = command_load(&c, config);

	if (code == EXIT_GOOD) {
		enum status st =
		    verifies ? verify(c, &code, &e) : scrub(c, &code, &e);

		code = st == ST_OK ? command_flush(name, code)
				   : command_failed(name, st, &e);
	}
	config_free(c);
	return code;
}

int
store_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ NULL, 0, NULL, 0 } };
	const char *verb;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(help);
		if (option != 'c')
			return command_usage(argv[0], NULL);
		config = optarg;
	}
	verb = optind + 1 == argc ? argv[optind] : "";
	if (strcmp(verb, "verify") != 0 && strcmp(verb, "scrub") != 0)
		return command_usage(argv[0], "it takes: verify or scrub");
	return run(argv[0], verb, config);
}
