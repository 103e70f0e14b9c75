/*
 * Do two worlds that get the twins of twins_callback.h look the same?
 *
 * twins PAIRS SEED: two processes, one for each side, tell what can be seen
 * of each callback, and this one compares, byte for byte.  Exit 0: no
 * difference, and the callbacks did differ.  1: a difference, named.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "twins_world.h"

#define MOST (1024 * 1024) /* bytes of one part */

static const char *const words[TWINS_ALL_PARTS] = {
#define TWINS_PART(name, text) [TWINS_##name] = text,
	TWINS_PARTS
#undef TWINS_PART
};

struct part {
	struct twins_part_head head;
	char data[MOST];
};

static struct part parts[2];
static uint64_t bytes[TWINS_ALL_PARTS];
static uint64_t lengths; /* pairs whose bodies differ in length */

static pid_t
begin(FILE **in, const struct twins_run *run, int side)
{
	int ends[2];
	pid_t child;

	if (pipe(ends) != 0 || (child = fork()) < 0)
		abort();
	if (child == 0) {
		FILE *out = fdopen(ends[1], "w");

		(void)close(ends[0]);
		if (out == NULL)
			abort();
		twins_world(out, run, side);
		_exit(fclose(out) == 0 ? 0 : 2);
	}
	(void)close(ends[1]);
	*in = fdopen(ends[0], "r");
	if (*in == NULL)
		abort();
	return child;
}

static bool
take(FILE *in, struct part *p)
{
	return fread(&p->head, sizeof(p->head), 1, in) == 1 &&
	       p->head.part <= TWINS_END && p->head.len <= MOST &&
	       (p->head.len == 0 || fread(p->data, p->head.len, 1, in) == 1);
}

static void
show(const struct part *p)
{
	printf("  ");
	for (uint32_t i = 0; i < p->head.len && i < 2000; i++) {
		unsigned char c = (unsigned char)p->data[i];

		if (c >= ' ' && c < 0x7f)
			printf("%c", c);
		else
			printf("\\%02x", c);
	}
	printf("\n");
}

/* All parts of one pair; false when they differ where they must not, or a
 * world is at an end. */
static bool
compare(FILE *const in[2], uint64_t n)
{
	const struct part *a = &parts[0], *b = &parts[1];

	for (;;) {
		bool same;

		if (!take(in[0], &parts[0]) || !take(in[1], &parts[1])) {
			printf("pair %" PRIu64 ": a world ended\n", n);
			return false;
		}
		same = memcmp(&a->head, &b->head, sizeof(a->head)) == 0 &&
		       memcmp(a->data, b->data, a->head.len) == 0;
		if (a->head.part == TWINS_END && same)
			return true;
		if (a->head.part == TWINS_BODY && b->head.part == TWINS_BODY) {
			lengths += a->head.len != b->head.len;
			same = !same;
		}
		if (!same) {
			printf("pair %" PRIu64 ": %s\n", n,
			    a->head.part < TWINS_ALL_PARTS
				? words[a->head.part]
				: "more is seen of one");
			show(a);
			show(b);
			return false;
		}
		bytes[a->head.part] += a->head.len;
	}
}

/* proves: R9 */
int
main(int argc, char **argv)
{
	struct twins_run run = { .seed = 1,
		.start_us = (int64_t)time(NULL) * 1000000 };
	uint64_t n = 0;
	bool same;
	pid_t child[2];
	FILE *in[2];

	if (argc > 1)
		run.pairs = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		run.seed = strtoull(argv[2], NULL, 10);
	same = run.pairs > 0;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	printf("twins: %" PRIu64 " pairs, seed %" PRIu64 "\n", run.pairs,
	    run.seed);
	(void)fflush(stdout);
	for (int side = 0; side < 2; side++)
		child[side] = begin(&in[side], &run, side);
	for (; same && n < run.pairs; n += same ? 1 : 0)
		same = compare(in, n);
	for (int side = 0; side < 2; side++) {
		int status;

		(void)fclose(in[side]);
		if (waitpid(child[side], &status, 0) != child[side] ||
		    status != 0)
			same = false;
	}
	for (int p = 0; p < TWINS_ALL_PARTS; p++)
		printf("  %-30s %12" PRIu64 " bytes\n", words[p], bytes[p]);
	/* Twins that are alike would prove nothing. */
	if (same && lengths * 10 < run.pairs * 9)
		same = false;
	printf("%" PRIu64 " pairs the same, %" PRIu64
	       " of them of different length: %s\n",
	    n, lengths, same ? "ok" : "FAILED");
	return same ? 0 : 1;
}
