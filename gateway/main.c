#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "command/command.h"
#include "supervisor/supervisor.h"

static const struct {
	const char *name; /* as getopt() shows it; the command behind it */
	int (*run)(const char *config, int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "paysieve serve", serve_main, "run the gateway" },
	{ "paysieve check", check_main,
	    "find all faults of the configuration" },
	{ "paysieve replay", replay_main,
	    "send recorded callbacks to a gateway" },
	{ "paysieve receipts", receipts_main, "list, show or export receipts" },
	{ "paysieve held", held_main,
	    "list, show, release or reject held payments" },
	{ "paysieve deliveries", deliveries_main,
	    "what was pushed to billing: list, retry, test" },
	{ "paysieve check-invoice", check_invoice_main,
	    "ask SSLCommerz about an invoice whose callback is lost" },
	{ "paysieve ledger", ledger_main,
	    "sign the ledger's head, verify receipts against it, prove one" },
	{ "paysieve token", token_main,
	    "make, list and revoke tokens of the API" },
	{ "paysieve retention", retention_main,
	    "what is kept for how long; hold an invoice" },
	{ "paysieve backup", backup_main,
	    "copy the store, beside a running gateway too" },
	{ "paysieve store", store_main,
	    "verify what lies on disk, or scrub it" },
	{ "paysieve healthcheck", healthcheck_main,
	    "is the gateway on this machine ready?" },
};

static const char *
word(size_t i)
{
	return commands[i].name + sizeof("paysieve");
}

static void
print_help(FILE *to)
{
	(void)fputs("Usage: paysieve [--config FILE] COMMAND [ARGUMENTS]\n"
		    "       paysieve COMMAND --help\n"
		    "       paysieve --version\n"
		    "\n"
		    "A gateway that takes SSLCommerz payment callbacks, keeps "
		    "the little that\nbilling needs and forgets the rest.\n"
		    "\n"
		    "Commands:\n",
	    to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		(void)fprintf(to, "  %-13s %s\n", word(i), commands[i].summary);
	(void)fputs("\n"
		    "The configuration is FILE, or what PAYSIEVE_CONFIG "
		    "names, or\n/etc/paysieve/paysieve.conf.\n"
		    "\n"
		    "Exit code: 0 good, 1 failed, 2 wrong arguments, 74 input "
		    "or output,\n78 bad configuration.\n",
	    to);
}

static int
run_command(const char *config, int argc, char **argv)
{
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(argv[0], word(i)) != 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s", commands[i].name);
		argv[0] = name;
		optind = 0; /* getopt starts over */
		return commands[i].run(config, argc, argv);
	}
	(void)fputs("paysieve: no such command\n", stderr);
	return command_usage("paysieve", NULL);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "version", no_argument, NULL, 'v' }, { NULL, 0, NULL, 0 } };
	const char *config = NULL;
	int c;

	secret_start();
	if (argc > 1 && strcmp(argv[1], SUPERVISOR_ROOM_ARG) == 0)
		return supervisor_room_main(argc, argv);
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'h':
			print_help(stdout);
			return command_flush("paysieve", EXIT_GOOD);
		case 'v':
			version_print();
			return command_flush("paysieve", EXIT_GOOD);
		default:
			return command_usage("paysieve", NULL);
		}
	}
	if (optind == argc) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	return run_command(config, argc - optind, argv + optind);
}
