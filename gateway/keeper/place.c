#include "keeper/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_CAP 4096

/* What SQLite, the writer and the running gateway put beside a store. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", "-lock",
	"-erased", "-control" };

bool
place_folder(const char *path, char *out, size_t cap)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 1 : (size_t)(slash - path);

	if (n == 0)
		n = 1; /* the root */
	if (n >= cap)
		return false;
	memcpy(out, slash == NULL ? "." : path, n);
	out[n] = '\0';
	return true;
}

static enum status
check_one(const char *path, const char *mode, bool look_only, struct err *e)
{
	uid_t me = geteuid();
	struct stat sb;

	if (stat(path, &sb) != 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		return errno == ENOENT ? ST_NOT_FOUND : ST_CONFIG;
	}
	if (sb.st_uid != me && sb.st_uid != 0 && !(look_only && me == 0)) {
		err_set(e,
		    "the store is another user's; give it to the "
		    "gateway's: chown %s",
		    path);
		return ST_CONFIG;
	}
	if ((sb.st_mode & 077) != 0) {
		err_set(e, "others can get at the store; run: chmod %s %s",
		    mode, path);
		return ST_CONFIG;
	}
	return ST_OK;
}

enum status
place_check(const char *path, bool look_only, struct err *e)
{
	char name[PATH_CAP];
	enum status st;

	if (!place_folder(path, name, sizeof(name))) {
		err_set(e, "the store's path is too long");
		return ST_CONFIG;
	}
	st = check_one(name, "700", look_only, e);
	if (st != ST_OK)
		return ST_CONFIG;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		int n = snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);

		if (n < 0 || (size_t)n >= sizeof(name)) {
			err_set(e, "the store's path is too long");
			return ST_CONFIG;
		}
		st = check_one(name, "600", look_only, e);
		if (st == ST_CONFIG)
			return st;
	}
	e->text[0] = '\0';
	return ST_OK;
}

enum status
place_sync(const char *path, struct err *e)
{
	char folder[PATH_CAP];
	int fd, rc = -1;

	if (!place_folder(path, folder, sizeof(folder))) {
		err_set(e, "the store's path is too long");
		return ST_CONFIG;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		rc = fsync(fd);
		(void)close(fd);
	}
	if (rc == 0)
		return ST_OK;
	err_set(e, "%s: cannot be synced: %s", folder, strerror(errno));
	return ST_IO;
}
