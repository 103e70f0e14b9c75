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
	return SANITIZED ? ST_OK : drop_capabilities(e);
}

enum status
sandbox_store(const char *store, struct err *e)
{
	return SANITIZED ? ST_OK : sandbox_paths_store(store, e);
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
	enum status st = SANITIZED ? ST_OK : close_paths(room, e);

	return SANITIZED || st != ST_OK ? st : close_calls(room, e);
}

int
sandbox_landlock(void)
{
	return SANITIZED ? 0 : sandbox_paths_version();
}
