#include "supervisor/sandbox.h"

#include <errno.h>
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

static enum status
drop_capabilities(struct err *e)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2];

	memset(none, 0, sizeof(none));
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) != 0) {
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

enum status
sandbox_early(struct err *e)
{
	enum status st = sandbox_private(e);

	if (st != ST_OK)
		return st;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
		err_set(
		    e, "the process cannot be confined: %s", strerror(errno));
		return ST_INTERNAL;
	}
	return WALLS ? drop_capabilities(e) : ST_OK;
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
