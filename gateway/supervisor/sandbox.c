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

/* The sanitizers' own threads open, trace and map at any moment. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
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
	    (!SANITIZED && prctl(PR_SET_DUMPABLE, 0) != 0)) {
		err_set(e, "dumps cannot be forbidden: %s", strerror(errno));
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
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		err_set(
		    e, "the process cannot be confined: %s", strerror(errno));
		return ST_INTERNAL;
	}
	return SANITIZED ? ST_OK : drop_capabilities(e);
}

/* Paths come first: the filter has no calls for them. */
static enum status
close_asker(struct err *e)
{
	enum status st = sandbox_paths_public(e);

	return st == ST_OK ? sandbox_filter_asker(e) : st;
}

enum status
sandbox_close(enum party room, struct err *e)
{
	if (SANITIZED)
		return ST_OK;
	if (room == PARTY_EDGE)
		return sandbox_filter_edge(e);
	if (room == PARTY_ASKER)
		return close_asker(e);
	return ST_OK;
}
