/*
 * The simulation's ground: chance, time, timers, a trace and what went wrong.
 *
 * One seed is one world, in a process of its own.  All chance comes from the
 * seed, all time from sim_time.c, so that the same seed gives the same trace.
 * One thread.
 */
#ifndef SIMULATION_SIM_H
#define SIMULATION_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/loop.h"

enum fault {
#define FAULT(NAME, words) FAULT_##NAME,
#include "faults.def"
#undef FAULT
	FAULTS
};

enum check {
#define CHECK(NAME, words) CHECK_##NAME,
#include "checks.def"
#undef CHECK
	CHECKS
};

const char *fault_words(enum fault f);
const char *check_words(enum check c);

/* What a seed came to; in memory that its parent sees. */
struct sim_report {
	uint64_t seed, digest, events;
	int64_t virtual_us;
	uint64_t faults[FAULTS], checks[CHECKS];
	uint64_t payments, receipts;
	bool done;
	char folder[64];  /* of its store; empty: it is gone */
	char failed[200]; /* empty: all is well */
};

struct metrics_page;

struct sim {
	struct loop *loop;
	struct sim_report *report;
	const struct metrics_page *page; /* what the rooms count */
	bool calm;			 /* the drain: no further faults */
	bool told;			 /* print the trace */
};

extern struct sim sim;

/* ---- chance; sim_below(n): 0 to n - 1 */

void sim_seed(uint64_t seed);
uint64_t sim_below(uint64_t n);
int64_t sim_between(int64_t least, int64_t most);
/* Once in n times. */
bool sim_once_in(uint64_t n);
/* The same for a fault, which is counted when it happens; never in a calm.  A
 * world has most kinds of faults, but not all: one can hide another. */
bool sim_fault(enum fault f, uint64_t n);
bool sim_has_fault(enum fault f);
void sim_count_fault(enum fault f);

/* ---- time */

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* Virtual microseconds since the start; the wall clock can jump. */
int64_t sim_now(void);
void sim_jump_wall(int64_t by_us);

/* Run fn(arg) in so many microseconds, once. */
void sim_after(int64_t us, void (*fn)(void *arg), void *arg);

/* ---- what happens */

/* One event, of two numbers: it becomes a part of the digest. */
void sim_event(const char *what, uint64_t a, uint64_t b);

/* An invariant: counted, and the end of the seed when it is broken. */
void sim_check(enum check c, bool holds, uint64_t about);
/* The end of the seed for another reason. */
_Noreturn void sim_broken(const char *why, uint64_t about);

#endif
