#include "command_world.h"

#include <assert.h>
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGUMENTS 16

struct command_world *
command_world_new(const char *url)
{
	static const char secret[] =
	    "whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n";
	struct command_world *w = calloc(1, sizeof(*w));
	char text[2048];

	assert(w != NULL);
	(void)snprintf(
	    w->folder, sizeof(w->folder), "/tmp/paysieve-command-XXXXXX");
	assert(mkdtemp(w->folder) != NULL);
	folder_path(w->folder, "f.conf", w->conf);
	folder_path(w->folder, "r.db", w->store);
	folder_put(w->folder, "tls.crt", "x");
	folder_put(w->folder, "tls.key", "x");
	folder_put(w->folder, "password", "made-up");
	folder_put(w->folder, "secret", secret);
	(void)snprintf(text, sizeof(text),
	    "[tls]\ncertificate = tls.crt\nkey = tls.key\n"
	    "[store]\nurl = sqlite:r.db\n"
	    "[merchant first]\npassword_file = password\nbilling = main\n"
	    "[merchant second]\npassword_file = password\nbilling = main\n"
	    "[billing main]\nurl = %s\nsecret_file = secret\n",
	    url);
	folder_put(w->folder, "f.conf", text);
	return w;
}

void
command_world_add(struct command_world *w, const char *lines)
{
	FILE *f = fopen(w->conf, "a");

	assert(f != NULL);
	assert(fputs(lines, f) >= 0);
	assert(fclose(f) == 0);
}

void
command_world_free(struct command_world *w)
{
	DIR *dir = opendir(w->folder);

	assert(dir != NULL);
	for (struct dirent *d; (d = readdir(dir)) != NULL;) {
		if (d->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), d->d_name, 0);
	}
	(void)closedir(dir);
	(void)rmdir(w->folder);
	free(w);
}

/* What is written to a standard descriptor until caught() goes to *f. */
static int
begin_catch(int fd, FILE **f)
{
	int was = dup(fd);

	*f = tmpfile();
	assert(was >= 0 && *f != NULL);
	assert(dup2(fileno(*f), fd) == fd);
	return was;
}

static void
end_catch(int fd, int was, FILE *f, char *out, size_t cap)
{
	size_t n;

	assert(dup2(was, fd) == fd);
	(void)close(was);
	rewind(f);
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	(void)fclose(f);
}

int
command_world_run(struct command_world *w,
    int (*run)(const char *config, int argc, char **argv), const char *name,
    const char *const *arguments)
{
	char *argv[ARGUMENTS + 2], *copies[ARGUMENTS + 1];
	int argc = 0, code, out_was, err_was;
	FILE *out, *err;

	copies[argc] = strdup(name);
	argv[argc] = copies[argc];
	for (argc = 1; arguments[argc - 1] != NULL; argc++) {
		assert(argc <= ARGUMENTS);
		copies[argc] = strdup(arguments[argc - 1]);
		assert(copies[argc] != NULL);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	(void)fflush(stdout);
	(void)fflush(stderr);
	out_was = begin_catch(STDOUT_FILENO, &out);
	err_was = begin_catch(STDERR_FILENO, &err);
	optind = 0; /* getopt starts over */
	code = run(w->conf, argc, argv);
	(void)fflush(stdout);
	(void)fflush(stderr);
	end_catch(STDOUT_FILENO, out_was, out, w->out, sizeof(w->out));
	end_catch(STDERR_FILENO, err_was, err, w->err, sizeof(w->err));
	for (int i = 0; i < argc; i++)
		free(copies[i]);
	return code;
}
