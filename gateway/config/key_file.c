#include "config/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"

enum { HEX = 2 * KEY_FILE_BYTES };

bool
key_file_exists(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

static bool
write_key(int fd)
{
	unsigned char key[KEY_FILE_BYTES];
	char text[HEX + 2];
	bool done;

	secret_random(key, sizeof(key));
	secret_hex(key, sizeof(key), text);
	text[HEX] = '\n';
	done = write(fd, text, HEX + 1) == HEX + 1 && fsync(fd) == 0;
	secret_wipe(key, sizeof(key));
	secret_wipe(text, sizeof(text));
	return done;
}

static bool
sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	bool done;
	int fd;

	if (n >= sizeof(folder))
		return false;
	memcpy(folder, slash == NULL ? "." : path, slash == NULL ? 1 : n);
	folder[slash == NULL ? 1 : n] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	done = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	return done;
}

/* Written whole under another name first; link() does not replace a key that
 * somebody else has made meanwhile, and theirs is as good. */
static enum status
create_key(const char *path, struct err *e)
{
	char other[PATH_MAX];
	int n, fd;
	bool done;

	n = snprintf(other, sizeof(other), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(other))
		goto fail;
	fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0)
		goto fail;
	done = write_key(fd);
	done = close(fd) == 0 && done;
	done = done && (link(other, path) == 0 || errno == EEXIST);
	n = errno;
	(void)unlink(other);
	errno = n;
	if (done && sync_folder(path))
		return ST_OK;
fail:
	err_set(e, "%s: cannot be made: %s", path, strerror(errno));
	return ST_CONFIG;
}

enum status
key_file_load(const char *path, bool create, unsigned char key[KEY_FILE_BYTES],
    struct err *e)
{
	enum status st = ST_OK;
	char text[HEX + 2];
	size_t len;

	if (create && !key_file_exists(path))
		st = create_key(path, e);
	if (st == ST_OK)
		st = secret_load(path, text, sizeof(text), &len, e);
	if (st != ST_OK)
		return st;
	if (!secret_unhex(text, key, KEY_FILE_BYTES)) {
		err_set(e, "%s: not 64 hex digits", path);
		secret_wipe(key, KEY_FILE_BYTES);
		st = ST_CONFIG;
	}
	secret_wipe(text, sizeof(text));
	return st;
}
