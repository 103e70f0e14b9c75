#include "supervisor/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/sandbox_filter.h"
#include "supervisor/sandbox_paths.h"

/*
 * No walls in builds that are for tests alone.  The sanitizers' own threads
 * open, trace and map at any moment.  So does memcheck, which the variant
 * `taint` is run by: its calls and the process's are one and the same to the
 * kernel, it writes reports to files of its own, and it looks at its maps.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    defined(PAYSIEVE_TAINT)
#define WALLS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WALLS false
#endif
#endif
#ifndef WALLS
#define WALLS true
#endif

/* Who owns nothing: the kernel's own number for ids that it cannot show. */
#define NOBODY 65534

/* Of what it has, keep what is in the mask, and let nobody inherit it.  Who
 * has nothing needs no call that a service manager may have forbidden. */
static enum status
keep_capabilities(uint32_t mask, struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct has[2] = { { 0 } };

	if (syscall(SYS_capget, &head, has) == 0 &&
	    (has[0].permitted & ~mask) == 0 && has[1].permitted == 0 &&
	    has[0].inheritable == 0 && has[1].inheritable == 0)
		return ST_OK;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	has[0].permitted &= mask;
	has[0].effective = has[0].permitted;
	has[0].inheritable = 0;
	memset(&has[1], 0, sizeof(has[1]));
	if (syscall(SYS_capset, &head, has) != 0) {
		err_set(
		    e, "capabilities cannot be dropped: %s", strerror(errno));
		return ST_INTERNAL;
	}
	return ST_OK;
}

enum status
sandbox_private(struct err *e)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    (WALLS && prctl(PR_SET_DUMPABLE, 0) != 0)) {
		err_set(e, "dumps cannot be forbidden: %s", strerror(errno));
		return ST_INTERNAL;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		err_set(
		    e, "privileges cannot be given up: %s", strerror(errno));
		return ST_INTERNAL;
	}
	return ST_OK;
}

/* The keeper's files are the gateway's user's. */
static bool
owns_files(enum party room)
{
	return room != PARTY_EDGE && room != PARTY_ASKER &&
	       room != PARTY_COURIER && room != PARTY_DESK;
}

/* A root that may not change its ids, as in a container of a user, has no
 * rights outside that could be given up. */
static enum status
stop_being_root(struct err *e)
{
	if (geteuid() != 0 || setgroups(0, NULL) != 0)
		return ST_OK;
	if ((setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		setresuid(NOBODY, NOBODY, NOBODY) == 0) ||
	    errno == EINVAL) /* the container has no such user */
		return ST_OK;
	err_set(e, "root cannot be left: %s", strerror(errno));
	return ST_INTERNAL;
}

enum status
sandbox_early(enum party room, struct err *e)
{
	enum status st = ST_OK;

	/* First: a change of ids takes back what is set below. */
	if (WALLS && !owns_files(room))
		st = stop_being_root(e);
	if (st == ST_OK)
		st = sandbox_private(e);
	if (st != ST_OK)
		return st;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
		err_set(
		    e, "the process cannot be confined: %s", strerror(errno));
		return ST_INTERNAL;
	}
	return WALLS ? keep_capabilities(0, e) : ST_OK;
}

/* To make rooms nobody's, to end them, and to read, at SIGHUP, files that are
 * another user's. */
enum status
sandbox_supervisor(struct err *e)
{
	return WALLS ? keep_capabilities(1U << CAP_SETUID | 1U << CAP_SETGID |
					     1U << CAP_KILL |
					     1U << CAP_DAC_READ_SEARCH,
			   e)
		     : ST_OK;
}

enum status
sandbox_store(const char *store, struct err *e)
{
	return WALLS ? sandbox_paths_store(store, e) : ST_OK;
}

/* Paths come first: the filters have no calls for them. */
static enum status
close_paths(enum party room, struct err *e)
{
	switch (room) {
	case PARTY_ASKER:
	case PARTY_COURIER:
		return sandbox_paths_public(e);
	case PARTY_EDGE:
	case PARTY_DESK:
		return sandbox_paths_nothing(e);
	default:
		return ST_OK; /* the keeper's threads: sandbox_store() */
	}
}

static enum status
close_calls(enum party room, struct err *e)
{
	switch (room) {
	case PARTY_EDGE:
	case PARTY_DESK:
		return sandbox_filter_server(e);
	case PARTY_ASKER:
	case PARTY_COURIER:
		return sandbox_filter_client(e);
	case PARTY_KEEPER:
		return sandbox_filter_keeper(e);
	default:
		return sandbox_filter_supervisor(e);
	}
}

enum status
sandbox_close(enum party room, struct err *e)
{
	enum status st = WALLS ? close_paths(room, e) : ST_OK;

	return WALLS && st == ST_OK ? close_calls(room, e) : st;
}

int
sandbox_landlock(void)
{
	return WALLS ? sandbox_paths_version() : 0;
}
