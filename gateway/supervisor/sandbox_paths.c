#include "supervisor/sandbox_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel learned after the headers of the oldest system that this is
 * built on. */
#define FS_TRUNCATE	    (1ULL << 14) /* from version 3 on */
#define FS_IOCTL_DEV	    (1ULL << 15) /* 5 */
#define NET_BIND	    (1ULL << 0)	 /* 4 */
#define NET_CONNECT	    (1ULL << 1)	 /* 4 */
#define SCOPE_ABSTRACT_UNIX (1ULL << 0)	 /* 6 */
#define SCOPE_SIGNAL	    (1ULL << 1)	 /* 6 */

/* As the kernel lays it out since version 6; older ones take zeros at the
 * end of it. */
struct ruleset {
	uint64_t fs, net, scoped;
};

/* Files are known by what stands behind the name now: one that is replaced by
 * renaming is not the same any more. */
static const char *const public[] = {
	"/etc/resolv.conf",
	"/etc/hosts",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/nsswitch.conf",
	"/etc/services",
	"/run/systemd/resolve",
	"/run/NetworkManager/resolv.conf",
	"/run/resolvconf",
	"/etc/ssl/openssl.cnf",
	"/etc/ssl/certs",
	"/etc/pki/tls/certs",
	"/etc/pki/ca-trust/extracted",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
};

#define FOLDER_RIGHTS                                                     \
	(LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_READ_FILE |     \
	    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE)

int
sandbox_paths_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static struct ruleset
ruleset_of(int version, bool connects)
{
	/* All that version 1 knows, execution to making symbolic links. */
	struct ruleset r = { .fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };

	if (version >= 2)
		r.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		r.fs |= FS_TRUNCATE;
	if (version >= 4)
		r.net = connects ? NET_BIND : NET_BIND | NET_CONNECT;
	if (version >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		r.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return r;
}

/* A path that is not there needs no rule.  Of a file only those rights that
 * there are for files. */
static bool
allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	struct stat sb;
	bool ok = false;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	if (fstat(rule.parent_fd, &sb) == 0) {
		if (!S_ISDIR(sb.st_mode))
			rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
		ok = syscall(SYS_landlock_add_rule, ruleset,
			 LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	}
	(void)close(rule.parent_fd);
	return ok;
}

/* A new ruleset, or -1. */
static int
begin(int version, bool connects)
{
	struct ruleset r = ruleset_of(version, connects);

	return (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
}

/* Takes fd; ok: it has all its rules. */
static enum status
end(int fd, bool ok, struct err *e)
{
	ok = ok && fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	if (!ok)
		err_set(e, "the kernel refuses to close the file system: %s",
		    strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return ok ? ST_OK : ST_INTERNAL;
}

enum status
sandbox_paths_public(struct err *e)
{
	int version = sandbox_paths_version();
	bool ok = true;
	int fd;

	if (version == 0)
		return ST_OK;
	fd = begin(version, true);
	for (size_t i = 0; ok && fd >= 0 && i < ARRAY_LEN(public); i++)
		ok = allow(fd, public[i],
		    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
	return end(fd, ok, e);
}

/* file: an absolute path. */
static bool
allow_folder_of(int ruleset, const char *file, uint64_t rights)
{
	char folder[PATH_MAX];
	int n = (int)(strrchr(file, '/') - file);

	(void)snprintf(folder, sizeof(folder), "%.*s", n > 0 ? n : 1, file);
	return allow(ruleset, folder, rights);
}

enum status
sandbox_paths_store(const char *store, struct err *e)
{
	int version = sandbox_paths_version();
	uint64_t rights = FOLDER_RIGHTS;
	char target[PATH_MAX];
	bool ok;
	int fd;

	if (version == 0)
		return ST_OK;
	if (version >= 3)
		rights |= FS_TRUNCATE;
	fd = begin(version, false);
	ok = fd >= 0 && allow_folder_of(fd, store, rights) &&
	     allow(fd, "/dev/urandom", rights);
	if (ok && realpath(store, target) != NULL)
		ok = allow_folder_of(fd, target, rights);
	return end(fd, ok, e);
}

enum status
sandbox_paths_nothing(struct err *e)
{
	int version = sandbox_paths_version();

	return version == 0 ? ST_OK : end(begin(version, false), true, e);
}
