#include "supervisor/sandbox_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What the kernel learned after the headers of the oldest system that this is
 * built on. */
#define FS_TRUNCATE	    (1ULL << 14) /* from version 3 on */
#define FS_IOCTL_DEV	    (1ULL << 15) /* 5 */
#define NET_BIND	    (1ULL << 0)	 /* 4 */
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

static struct ruleset
ruleset_of(long version)
{
	/* All that version 1 knows, execution to making symbolic links. */
	struct ruleset r = { .fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };

	if (version >= 2)
		r.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		r.fs |= FS_TRUNCATE;
	if (version >= 4)
		r.net = NET_BIND;
	if (version >= 5)
		r.fs |= FS_IOCTL_DEV;
	if (version >= 6)
		r.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	return r;
}

/* A path that is not there needs no rule. */
static bool
allow(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE
	};
	struct stat sb;
	bool ok = false;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
	if (fstat(rule.parent_fd, &sb) == 0) {
		if (S_ISDIR(sb.st_mode))
			rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
		ok = syscall(SYS_landlock_add_rule, ruleset,
			 LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	}
	(void)close(rule.parent_fd);
	return ok;
}

enum status
sandbox_paths_public(struct err *e)
{
	struct ruleset r;
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	bool ok = true;
	int fd;

	if (version < 1 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return ST_OK;
	r = ruleset_of(version);
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof(r), 0);
	for (size_t i = 0; ok && fd >= 0 && i < ARRAY_LEN(public); i++)
		ok = allow(fd, public[i]);
	ok = ok && fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	if (!ok)
		err_set(e, "the kernel refuses to close the file system: %s",
		    strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return ok ? ST_OK : ST_INTERNAL;
}
