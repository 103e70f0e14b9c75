/*
 * One of two worlds: a real edge behind TLS, a real store, what billing would
 * get; the test in place of the other rooms.  It gets one side's callback of
 * each pair and writes down all that can be seen of it afterwards.
 *
 * Clocks and the random numbers of the gateway and of SQLite are fixed by
 * the linker's --wrap and by a test control of SQLite's, not by an option of
 * the product.  One a process.
 */
#ifndef PROVE_TWINS_WORLD_H
#define PROVE_TWINS_WORLD_H

#include <stdint.h>
#include <stdio.h>

/* What is written down of a pair: TWINS_PART(NAME, "words"), in this order.
 * The bodies alone have to differ. */
#define TWINS_PARTS                                      \
	TWINS_PART(BODY, "bodies sent")                  \
	TWINS_PART(ANSWER, "answers")                    \
	TWINS_PART(PUT, "messages to the keeper")        \
	TWINS_PART(HINT, "messages to the asker")        \
	TWINS_PART(LOG, "log lines")                     \
	TWINS_PART(METRICS, "metric cells")              \
	TWINS_PART(EVENT, "events and their signatures") \
	TWINS_PART(STORE, "digests of the store's files")

enum twins_part {
#define TWINS_PART(name, words) TWINS_##name,
	TWINS_PARTS
#undef TWINS_PART
	    TWINS_ALL_PARTS,
	TWINS_END = TWINS_ALL_PARTS
};

struct twins_part_head {
	uint32_t part, len;
};

struct twins_run {
	uint64_t pairs, seed;
	int64_t start_us; /* of both clocks; certificates are made then */
};

/* Each part and each pair's end goes to out. */
void twins_world(FILE *out, const struct twins_run *run, int side);

#endif
