/*
 * A configuration in a folder of its own, without a gateway, and commands
 * that are run on it: what they print is caught.
 */
#ifndef SUPPORT_COMMAND_WORLD_H
#define SUPPORT_COMMAND_WORLD_H

#include "folder.h"

struct command_world {
	char folder[64];
	char conf[FOLDER_PATH], store[FOLDER_PATH];
	/* Of the last run. */
	char out[65536], err[8192];
};

/* Merchants "first" and "second", both with [billing main] at url; a file for
 * everything that is named, and no store yet. */
struct command_world *command_world_new(const char *url);

/* Put lines behind the configuration. */
void command_world_add(struct command_world *w, const char *lines);

/* Removes the folder with all that is in it. */
void command_world_free(struct command_world *w);

/* Run a command's main with these arguments, NULL at the end, which are not
 * changed; its exit code.  name is its argv[0]. */
int command_world_run(struct command_world *w,
    int (*run)(const char *config, int argc, char **argv), const char *name,
    const char *const *arguments);

#endif
