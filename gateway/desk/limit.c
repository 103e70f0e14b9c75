#include "desk/limit.h"

#include <assert.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define WINDOW_US (LIMIT_WINDOW_S * SECOND_US)
#define COST_US	  (WINDOW_US / LIMIT_FAILURES)

void
limit_init(struct limit *l, int64_t rate)
{
	memset(l, 0, sizeof(*l));
	l->rate = rate;
}

bool
limit_take(struct limit *l, size_t token, int64_t now_us)
{
	assert(token < CONFIG_TOKENS);
	if (now_us >= l->tokens[token].until_us) {
		l->tokens[token].until_us = now_us + WINDOW_US;
		l->tokens[token].used = 0;
	}
	if (l->tokens[token].used == l->rate)
		return false;
	l->tokens[token].used++;
	return true;
}

void
limit_left(const struct limit *l, size_t token, int64_t now_us, int64_t *left,
    int64_t *reset_s)
{
	int64_t until_us = l->tokens[token].until_us;

	*left = l->rate - l->tokens[token].used;
	*reset_s = 0;
	if (until_us > now_us)
		*reset_s = (until_us - now_us + SECOND_US - 1) / SECOND_US;
}

bool
limit_fail(struct limit *l, uint64_t key, int64_t now_us)
{
	size_t at = key % LIMIT_PREFIXES;
	int64_t spent = l->prefixes[at].spent_us;

	if (l->prefixes[at].at_us != 0)
		spent -= now_us - l->prefixes[at].at_us;
	if (spent < 0)
		spent = 0;
	l->prefixes[at].at_us = now_us;
	if (spent + COST_US > WINDOW_US) {
		l->prefixes[at].spent_us = spent;
		return false;
	}
	l->prefixes[at].spent_us = spent + COST_US;
	return true;
}
