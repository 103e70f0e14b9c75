#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/command.h"
#include "keeper/place.h"
#include "keeper/store_driver.h"

static const char help[] =
    "Usage: paysieve backup FILE [--config FILE]\n"
    "\n"
    "Copy the store to FILE, which must not be there yet, beside a running\n"
    "gateway or without one.  The copy holds the rows alone and nothing that\n"
    "deleted rows have left; it is checked and on disk when FILE appears.\n"
    "Until then it is FILE.part.\n"
    "\n"
    "To restore it, stop the gateway, remove receipts.db-wal and -shm, put "
    "the\n"
    "copy in the place of receipts.db, and leave receipts.db-erased there: by\n"
    "that list the gateway erases again what was erased since.  Cursors of\n"
    "before get 410.\n"
    "\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 failed or FILE is there, 2, 74, 78.\n";

#define PART ".part"

struct backup {
	const char *file;
	char part[CONFIG_PATH];
	int fd; /* of the part, locked: -1 */
	bool shown;
};

/* What a killed backup left is taken over; another one that runs is not. */
static enum status
make_part(struct backup *b, struct err *e)
{
	int n = snprintf(b->part, sizeof(b->part), "%s" PART, b->file);

	if (n < 0 || (size_t)n >= sizeof(b->part)) {
		err_set(e, "the file's name is too long");
		return ST_CONFIG;
	}
	b->fd = open(b->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (b->fd < 0) {
		err_set(e, "%s: %s", b->part, strerror(errno));
		return ST_UNAVAILABLE;
	}
	if (flock(b->fd, LOCK_EX | LOCK_NB) != 0) {
		err_set(e, "%s: another backup is writing it", b->part);
		return ST_BUSY;
	}
	if (fchmod(b->fd, 0600) == 0 && ftruncate(b->fd, 0) == 0)
		return ST_OK;
	err_set(e, "%s: %s", b->part, strerror(errno));
	return ST_IO;
}

static void
tell(void *arg, uint64_t done, uint64_t of_about)
{
	struct backup *b = arg;

	(void)fprintf(stderr, "\r%llu of about %llu MiB",
	    (unsigned long long)(done >> 20),
	    (unsigned long long)(of_about >> 20));
	b->shown = true;
}

/* Never in the place of another file. */
static enum status
give_name(const struct backup *b, struct err *e)
{
	if (renameat2(AT_FDCWD, b->part, AT_FDCWD, b->file, RENAME_NOREPLACE) ==
	    0)
		return place_sync(b->file, e);
	err_set(e, "%s: %s", b->file, strerror(errno));
	return errno == EEXIST ? ST_EXISTS : ST_IO;
}

static enum status
write_copy(const struct config *c, struct backup *b, struct err *e)
{
	const struct store_driver *d = store_driver_find("sqlite");
	struct store *s = NULL;
	enum status st = d->open(&s, c->store_path, STORE_READ, e);

	if (st == ST_OK)
		st = make_part(b, e);
	if (st == ST_OK) {
		st =
		    d->copy(s, b->part, isatty(STDERR_FILENO) ? tell : NULL, b);
		if (b->shown)
			(void)fputc('\n', stderr);
		if (st != ST_OK)
			err_set(
			    e, st == ST_BUSY ? "there is no room for the copy"
			       : st == ST_CORRUPT
				   ? "the store does not agree with itself: "
				     "paysieve store verify"
				   : "the copy failed");
		if (st == ST_OK)
			st = give_name(b, e);
		if (st != ST_OK)
			(void)unlink(b->part);
	}
	d->close(s);
	if (b->fd >= 0)
		(void)close(b->fd);
	return st;
}

static int
backup(const struct config *c, const char *name, const char *file)
{
	struct backup b = { .file = file, .fd = -1 };
	struct err e = { "" };
	struct stat sb;
	enum status st;

	if (lstat(file, &sb) == 0) {
		err_set(&e, "%s: it is there already", file);
		return command_failed(name, ST_EXISTS, &e);
	}
	st = write_copy(c, &b, &e);
	if (st != ST_OK)
		return command_failed(name, st, &e);
	if (lstat(file, &sb) == 0)
		(void)printf("%s: %llu bytes, checked\n", file,
		    (unsigned long long)sb.st_size);
	return command_flush(name, EXIT_GOOD);
}

int
backup_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ NULL, 0, NULL, 0 } };
	struct config *c = NULL;
	int code, option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h')
			return command_help(help);
		if (option != 'c')
			return command_usage(argv[0], NULL);
		config = optarg;
	}
	if (optind + 1 != argc)
		return command_usage(argv[0], "it takes: FILE");
	code = command_load(&c, config);
	if (code == EXIT_GOOD)
		code = backup(c, argv[0], argv[optind]);
	config_free(c);
	return code;
}
