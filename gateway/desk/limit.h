/*
 * How often the API may be asked: requests of each token in a minute, and
 * failed tokens of each address prefix.  A valid token always passes the
 * second, so that nobody is locked out by a neighbour.  Loop thread.
 */
#ifndef DESK_LIMIT_H
#define DESK_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "config/config.h"

#define LIMIT_WINDOW_S 60
#define LIMIT_FAILURES 10 /* at once, and then so many a minute */
#define LIMIT_PREFIXES 1024

struct limit {
	int64_t rate; /* requests of one token in a window */
	struct {
		int64_t until_us; /* the end of its window */
		int64_t used;
	} tokens[CONFIG_TOKENS];
	struct {
		int64_t spent_us; /* time that its failures have cost */
		int64_t at_us;
	} prefixes[LIMIT_PREFIXES];
};

void limit_init(struct limit *l, int64_t rate);

/* One more request of the token at this place; false: too many.  Monotonic
 * time. */
MUST_USE bool limit_take(struct limit *l, size_t token, int64_t now_us);

/* What its window still allows, and the seconds until the next one. */
void limit_left(const struct limit *l, size_t token, int64_t now_us,
    int64_t *left, int64_t *reset_s);

/* One more failed token from these addresses; false: too many.  Prefixes that
 * meet in one place of the table count together. */
MUST_USE bool limit_fail(struct limit *l, uint64_t key, int64_t now_us);

#endif
