#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "command/command.h"
#include "command/replay_send.h"
#include "config/location.h"

static const char help[] =
    "Usage: paysieve replay FILE|FOLDER... --to URL [--ca FILE] [--jobs N]\n"
    "                       [--merchant ID]\n"
    "                       [--password-file FILE [--merchants FILE]]\n"
    "\n"
    "Post recorded callbacks to URL/ipn/<merchant> and compare the answers "
    "with\n"
    "what is expected.  A FOLDER is one case (request.form, expect.json) or a\n"
    "folder of cases; a FILE is a raw body that is to be answered 200.\n"
    "\n"
    "  --to URL              https://host:port of the gateway\n"
    "  --ca FILE             PEM to trust instead of the system's store\n"
    "  --jobs N              requests at once, 1 to 64 (4)\n"
    "  --merchant ID         whose callback a FILE is\n"
    "  --password-file FILE  sign right callbacks again, with this password;\n"
    "                        without it they go as they were recorded\n"
    "  --merchants FILE      the passwords that they were signed with\n"
    "                        (merchants.json in or beside the first FOLDER)\n"
    "\n"
    "Exit code: 0 all as expected, 1 surprises, 2, 74, 78.\n";

struct options {
	char url[CONFIG_URL];
	const char *ca, *merchant, *password_file, *merchants;
	uint64_t jobs;
};

static enum status
load_all(struct replay_cases *all, const struct options *o, int n,
    char *const *paths, struct err *e)
{
	enum status st = ST_OK;

	for (int i = 0; st == ST_OK && i < n; i++)
		st = replay_case_load(all, paths[i], o->merchant, e);
	return st;
}

/* merchants.json in the folder of cases, or beside one case. */
static enum status
resign_all(struct replay_cases *all, const struct options *o, const char *first,
    struct err *e)
{
	struct edge_merchant now = { 0 };
	char file[PATH_MAX];
	enum status st;

	(void)snprintf(file, sizeof(file), "%s/merchants.json", first);
	if (access(file, F_OK) != 0)
		(void)snprintf(
		    file, sizeof(file), "%s/../merchants.json", first);
	st = rooms_passwords(o->password_file, &now, e);
	if (st == ST_OK)
		st = replay_case_resign(
		    all, o->merchants != NULL ? o->merchants : file, &now, e);
	secret_wipe(&now, sizeof(now));
	return st;
}

static enum status
send_all(struct replay_cases *all, const struct options *o, struct err *e)
{
	struct replay_send_config cfg = { .url = o->url,
		.ca_pem = "",
		.jobs = (size_t)o->jobs,
		.progress = isatty(STDERR_FILENO) != 0 };
	enum status st = ST_OK;
	char *pem = NULL;
	size_t len;

	if (o->ca != NULL) {
		pem = calloc(1, ROOMS_PEM);
		if (pem == NULL)
			return ST_NO_MEMORY;
		st = secret_load_public(o->ca, pem, ROOMS_PEM, &len, e);
		cfg.ca_pem = pem;
	}
	if (st == ST_OK)
		st = replay_send(all, &cfg, e);
	free(pem);
	return st;
}

static int
print_results(const struct replay_cases *all)
{
	size_t surprises = 0;
	int wide = 4;

	for (size_t i = 0; i < all->n; i++) {
		int n = (int)strlen(all->cases[i].name);

		wide = n > wide ? n : wide;
	}
	(void)printf("%-*s  %-12s  %s\n", wide, "CASE", "EXPECTED", "GOT");
	for (size_t i = 0; i < all->n; i++) {
		const struct replay_case *c = &all->cases[i];
		bool good = c->got == c->expect;
		char got[16] = "no answer";

		if (c->got != 0)
			(void)snprintf(got, sizeof(got), "%d", c->got);
		surprises += !good;
		(void)printf("%-*s  %d %-8s  %-9s  %s\n", wide, c->name,
		    c->expect, c->verdict, got, good ? "ok" : "SURPRISE");
	}
	(void)printf("%zu sent, %zu as expected, %zu surprise%s\n", all->n,
	    all->n - surprises, surprises, surprises == 1 ? "" : "s");
	return surprises == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static int
run(const struct options *o, const char *name, int n, char *const *paths)
{
	struct replay_cases all = { 0 };
	struct err e = { "" };
	enum status st;
	int code;

	st = load_all(&all, o, n, paths, &e);
	if (st == ST_OK && o->password_file != NULL)
		st = resign_all(&all, o, paths[0], &e);
	if (st == ST_OK)
		st = send_all(&all, o, &e);
	code = st == ST_OK ? print_results(&all) : command_failed(name, st, &e);
	replay_case_fini(&all);
	return command_flush(name, code);
}

/* One option into o; NULL, or fixed words. */
static const char *
take_option(struct options *o, int c)
{
	size_t n = strlen(optarg);

	switch (c) {
	case 't':
		while (n > 0 && optarg[n - 1] == '/')
			n--;
		return location_url(
			   bytes_make(optarg, n), o->url, sizeof(o->url), NULL)
			   ? NULL
			   : "--to needs an https URL, or an http one of "
			     "this machine";
	case 'a':
		o->ca = optarg;
		return NULL;
	case 'm':
		o->merchant = optarg;
		return receipt_merchant_valid(bytes_of(optarg))
			   ? NULL
			   : "--merchant needs a store id";
	case 'p':
		o->password_file = optarg;
		return NULL;
	case 'f':
		o->merchants = optarg;
		return NULL;
	case 'j':
		return command_number(optarg, 1, 64, &o->jobs)
			   ? NULL
			   : "--jobs needs a number from 1 to 64";
	default:
		return NULL; /* config: nothing of it is needed */
	}
}

int
replay_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "to", required_argument, NULL, 't' },
		{ "ca", required_argument, NULL, 'a' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "merchant", required_argument, NULL, 'm' },
		{ "password-file", required_argument, NULL, 'p' },
		{ "merchants", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 } };
	struct options o = { .jobs = 4 };
	int c;

	(void)config; /* the gateway may be another machine's */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		const char *fault;

		if (c == 'h')
			return command_help(help);
		if (c == '?')
			return command_usage(argv[0], NULL);
		fault = take_option(&o, c);
		if (fault != NULL)
			return command_usage(argv[0], fault);
	}
	if (o.url[0] == '\0')
		return command_usage(argv[0], "it needs --to URL");
	if (optind == argc)
		return command_usage(argv[0], "it needs a FILE or FOLDER");
	return run(&o, argv[0], argc - optind, argv + optind);
}
