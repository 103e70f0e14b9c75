/*
 * The commands of `paysieve`, one file each, and what they share.
 *
 * A command gets the configuration's path from in front of its name, or NULL,
 * and its own arguments with its name as argv[0]; it returns the process's
 * exit code.  One thread.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <getopt.h>

#include "config/config.h"

enum {
	EXIT_GOOD = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_IO = 74,
	EXIT_CONFIG = 78
};

int serve_main(const char *config, int argc, char **argv);
int check_main(const char *config, int argc, char **argv);
int replay_main(const char *config, int argc, char **argv);
int receipts_main(const char *config, int argc, char **argv);
int retention_main(const char *config, int argc, char **argv);
int held_main(const char *config, int argc, char **argv);
int deliveries_main(const char *config, int argc, char **argv);
int check_invoice_main(const char *config, int argc, char **argv);
int ledger_main(const char *config, int argc, char **argv);
int token_main(const char *config, int argc, char **argv);
int backup_main(const char *config, int argc, char **argv);
int store_main(const char *config, int argc, char **argv);
int healthcheck_main(const char *config, int argc, char **argv);

/* `paysieve --version`. */
void version_print(void);

/* Rows that every command's getopt_long() table begins with. */
#define COMMAND_OPTIONS                             \
	{ "config", required_argument, NULL, 'c' }, \
	{                                           \
		"help", no_argument, NULL, 'h'      \
	}

/*
 * Arguments of a command that takes none but these two.  true: go on with
 * *config; false: *code is the exit code, help or a complaint was printed.
 */
MUST_USE bool command_plain(
    int argc, char **argv, const char *help, const char **config, int *code);

/* Print help; the exit code. */
int command_help(const char *help);

/* Say what is wrong with the arguments and where help is; the exit code. */
int command_usage(const char *name, const char *words);

/* path, or what the environment names, or the usual place. */
const char *command_config_path(const char *path);

/* Load the configuration at command_config_path(path).  EXIT_GOOD: *out is
 * the caller's to config_free().  Otherwise the exit code, and the faults
 * were printed. */
MUST_USE int command_load(struct config **out, const char *path);

/* Say e on standard error under the command's name; the exit code for st. */
int command_failed(const char *name, enum status st, const struct err *e);

/* Was all that was printed taken?  The exit code. */
int command_flush(const char *name, int code);

/* A decimal number of text between least and most; false for anything else. */
MUST_USE bool
command_number(const char *text, uint64_t least, uint64_t most, uint64_t *out);

#endif
