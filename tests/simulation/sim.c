#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sim sim;

static uint64_t state; /* of chance */
static bool absent[FAULTS];

const char *
fault_words(enum fault f)
{
	static const char *const words[FAULTS] = {
#define FAULT(NAME, text) [FAULT_##NAME] = text,
#include "faults.def"
#undef FAULT
	};

	return words[f];
}

const char *
check_words(enum check c)
{
	static const char *const words[CHECKS] = {
#define CHECK(NAME, text) [CHECK_##NAME] = text,
#include "checks.def"
#undef CHECK
	};

	return words[c];
}

/* ---- chance */

/* splitmix64, by Steele, Lea and Flood. */
static uint64_t
next(uint64_t *s)
{
	uint64_t z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
sim_seed(uint64_t seed)
{
	state = seed;
	for (int f = 0; f < FAULTS; f++)
		absent[f] = sim_once_in(5);
}

uint64_t
sim_below(uint64_t n)
{
	return next(&state) % n;
}

int64_t
sim_between(int64_t least, int64_t most)
{
	return least + (int64_t)sim_below((uint64_t)(most - least) + 1);
}

bool
sim_once_in(uint64_t n)
{
	return sim_below(n) == 0;
}

void
sim_count_fault(enum fault f)
{
	sim.report->faults[f]++;
	sim_event(fault_words(f), 0, 0);
}

bool
sim_has_fault(enum fault f)
{
	return !sim.calm && !absent[f];
}

bool
sim_fault(enum fault f, uint64_t n)
{
	if (!sim_has_fault(f) || !sim_once_in(n))
		return false;
	sim_count_fault(f);
	return true;
}

/* Where a room takes random numbers, it takes the seed's. */
void __wrap_secret_random(void *p, size_t n);

void
__wrap_secret_random(void *p, size_t n)
{
	static uint64_t own = 7;
	unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		b[i] = (unsigned char)(next(&own) >> 32);
}

/* ---- timers */

struct timer {
	void (*fn)(void *arg);
	void *arg;
};

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	struct timer t = *(struct timer *)arg;

	(void)fd;
	(void)what;
	free(arg);
	t.fn(t.arg);
}

void
sim_after(int64_t us, void (*fn)(void *arg), void *arg)
{
	struct timeval tv = { us / SECOND, us % SECOND };
	struct timer *t = malloc(sizeof(*t));

	if (t == NULL)
		abort();
	*t = (struct timer){ fn, arg };
	if (event_base_once(
		loop_base(sim.loop), -1, EV_TIMEOUT, on_time, t, &tv) != 0)
		abort();
}

/* ---- what happens */

static void
fold(const void *p, size_t n)
{
	const unsigned char *b = p;

	for (size_t i = 0; i < n; i++)
		sim.report->digest =
		    (sim.report->digest ^ b[i]) * UINT64_C(0x100000001b3);
}

void
sim_event(const char *what, uint64_t a, uint64_t b)
{
	int64_t now = sim_now();

	if (sim.told)
		(void)printf("%14.6f %s %llu %llu\n", (double)now / 1e6, what,
		    (unsigned long long)a, (unsigned long long)b);
	sim.report->events++;
	fold(&now, sizeof(now));
	fold(what, strlen(what));
	fold(&a, sizeof(a));
	fold(&b, sizeof(b));
}

_Noreturn void
sim_broken(const char *why, uint64_t about)
{
	(void)snprintf(sim.report->failed, sizeof(sim.report->failed),
	    "%s: %llu, after %.1f s", why, (unsigned long long)about,
	    (double)sim_now() / 1e6);
	sim.report->virtual_us = sim_now();
	(void)fflush(stdout);
	_exit(1);
}

void
sim_check(enum check c, bool holds, uint64_t about)
{
	sim.report->checks[c]++;
	if (!holds)
		sim_broken(check_words(c), about);
}
