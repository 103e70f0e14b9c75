#include "asker/lockout.h"

#include <assert.h>

#include "config/rooms.h"

void
lockout_init(struct lockout *l, size_t passwords)
{
	assert(passwords >= 1 && passwords <= ROOMS_PASSWORDS);
	*l = (struct lockout){ .passwords = passwords };
}

int64_t
lockout_next_us(const struct lockout *l)
{
	if (l->trust == LOCKOUT_IN)
		return 0;
	if (l->probing)
		return INT64_MAX;
	return l->trust == LOCKOUT_OUT ? l->probe_us : 0;
}

bool
lockout_shut(const struct lockout *l, int64_t now_us, enum reason *why)
{
	if (l->trust != LOCKOUT_OUT || lockout_next_us(l) <= now_us)
		return false;
	*why = l->why;
	return true;
}

void
lockout_take(struct lockout *l, struct lockout_key *key)
{
	size_t i = l->working;

	while ((key->refused & 1U << i) != 0)
		i = (i + 1) % l->passwords;
	key->password = i;
	key->probe = l->trust != LOCKOUT_IN;
	if (key->probe)
		l->probing = true;
}

static void
probe_over(struct lockout *l, const struct lockout_key *key)
{
	if (key->probe)
		l->probing = false;
}

enum lockout_next
lockout_refused(
    struct lockout *l, struct lockout_key *key, enum reason why, int64_t now_us)
{
	bool was_out = l->trust == LOCKOUT_OUT;

	probe_over(l, key);
	key->refused |= 1U << key->password;
	if (l->working == key->password)
		l->working = (l->working + 1) % l->passwords;
	if (key->refused != (1U << l->passwords) - 1) {
		if (!was_out)
			l->trust = LOCKOUT_DOUBT;
		else if (key->probe) /* the probe is not over yet */
			l->probe_us = now_us;
		return LOCKOUT_OTHER;
	}
	l->why = why;
	if (!was_out || key->probe)
		l->probe_us = now_us + LOCKOUT_PROBE_US;
	l->trust = LOCKOUT_OUT;
	return was_out ? LOCKOUT_LASTS : LOCKOUT_BEGINS;
}

bool
lockout_let_in(struct lockout *l, const struct lockout_key *key)
{
	bool was_out = l->trust == LOCKOUT_OUT;

	probe_over(l, key);
	l->trust = LOCKOUT_IN;
	l->working = key->password;
	return was_out;
}

void
lockout_unclear(
    struct lockout *l, const struct lockout_key *key, int64_t now_us)
{
	probe_over(l, key);
	if (key->probe && l->trust == LOCKOUT_OUT)
		l->probe_us = now_us + LOCKOUT_PROBE_US;
}
