#include "command/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
command_help(const char *help)
{
	(void)fputs(help, stdout);
	return command_flush("help", EXIT_GOOD);
}

int
command_usage(const char *name, const char *words)
{
	if (words != NULL)
		(void)fprintf(stderr, "%s: %s\n", name, words);
	(void)fprintf(stderr, "Try: %s --help\n", name);
	return EXIT_USAGE;
}

bool
command_plain(
    int argc, char **argv, const char *help, const char **config, int *code)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c') {
			*config = optarg;
			continue;
		}
		*code = c == 'h' ? command_help(help)
				 : command_usage(argv[0], NULL);
		return false;
	}
	if (optind == argc)
		return true;
	*code = command_usage(argv[0], "it takes no such argument");
	return false;
}

const char *
command_config_path(const char *path)
{
	if (path == NULL)
		path = getenv("PAYSIEVE_CONFIG");
	return path == NULL ? "/etc/paysieve/paysieve.conf" : path;
}

int
command_load(struct config **out, const char *path)
{
	struct buf faults;
	enum status st;

	buf_init(&faults, 64 * 1024);
	st = config_load(out, command_config_path(path), &faults);
	if (st != ST_OK && faults.len > 0)
		(void)fputs((const char *)faults.data, stderr);
	buf_fini(&faults);
	if (st == ST_OK)
		return EXIT_GOOD;
	return st == ST_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}

int
command_failed(const char *name, enum status st, const struct err *e)
{
	(void)fprintf(stderr, "%s: %s\n", name,
	    e->text[0] != '\0' ? e->text : status_name(st));
	if (st == ST_CONFIG)
		return EXIT_CONFIG;
	return st == ST_IO ? EXIT_IO : EXIT_FAILED;
}

int
command_flush(const char *name, int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	(void)fprintf(stderr, "%s: the output was not taken\n", name);
	return EXIT_IO;
}

bool
command_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	size_t n = strspn(text, "0123456789");

	/* 19 digits fit 64 bits. */
	if (n == 0 || n > 19 || text[n] != '\0')
		return false;
	*out = strtoull(text, NULL, 10);
	return *out >= least && *out <= most;
}
