/*
 * Memory for what payers and tokens send: the beginning of it is hidden, as
 * well as the kernel and the limits allow.
 *
 *   secret: memfd_secret().  Neither /proc/PID/mem nor the kernel's own map
 *           reaches it, for root either; never swapped, in no core file;
 *   locked: never swapped, in no core file;
 *   plain:  in no core file, as all of it that is not hidden.
 *
 * Less than secret is no failure; it is logged, once a process.  For set-up,
 * before the room's seccomp filter closes.
 */
#ifndef BASE_HIDDEN_H
#define BASE_HIDDEN_H

#include <stddef.h>

#include "base/attr.h"
#include "base/status.h"

enum hidden_degree { HIDDEN_SECRET, HIDDEN_LOCKED, HIDDEN_PLAIN };

struct hidden {
	unsigned char *memory; /* all zero at first */
	size_t size;
	size_t hidden; /* so many bytes lead; 0 when plain */
	enum hidden_degree degree;
};

/*
 * size bytes, which cost nothing before they are touched; the first `most` of
 * them hidden, or as many as may be locked (RLIMIT_MEMLOCK).  Both are rounded
 * up to pages.  A child that is forked does not have their content.
 * ST_NO_MEMORY: nothing is held.
 */
MUST_USE enum status hidden_map(struct hidden *h, size_t size, size_t most);

/* What is in it is not wiped.  One of all zeros is fine. */
void hidden_unmap(struct hidden *h);

const char *hidden_word(enum hidden_degree d);

#endif
