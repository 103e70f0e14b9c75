/*
 * power_cuts STATES SEED [LIE]: what is found after power cuts at random
 * moments of random lives of a store.  LIE: what the disk does not do: sync,
 * store-sync, list-sync, folder-sync.
 *
 * Each life has a seed of its own, from SEED on, and CUTS states, the last of
 * which live on and are cut again.  Ends with 1 when a state was wrong, and
 * tells how to see it again.
 */
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "judge.h"

enum { CUTS = 50, AGAIN = 10, STEPS = 160 };

static struct {
	unsigned long states, wrong, opened, changes, copied, erased, steps;
	uint64_t seed;
	enum disk_lie lie;
	const char *top;
} run;

/* ---- folders */

static void
empty_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *one;

	if (dir == NULL) {
		assert(mkdir(folder, 0700) == 0);
		return;
	}
	while ((one = readdir(dir)) != NULL) {
		char path[600];

		if (one->d_name[0] == '.')
			continue;
		(void)snprintf(
		    path, sizeof(path), "%s/%s", folder, one->d_name);
		assert(unlink(path) == 0);
	}
	(void)closedir(dir);
}

static void
folder_of(const char *name, char out[200])
{
	(void)snprintf(out, 200, "%s/%s", run.top, name);
	empty_folder(out);
}

static void
remove_folders(void)
{
	static const char *const names[] = { "life", "found", "again" };
	char folder[200];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		folder_of(names[i], folder);
		assert(rmdir(folder) == 0);
	}
	assert(rmdir(run.top) == 0);
}

/* ---- states */

/* Most cuts anywhere; some where a transaction has just been acknowledged, and
 * all of its syncs matter. */
static size_t
choose_cut(const struct work *w, struct disk *d, struct chance *c)
{
	size_t first = disk_begun(d);

	if (chance_of_hundred(c, 30))
		return w->steps[chance_below(c, w->n)].told;
	return first + (size_t)chance_below(c, disk_length(d) - first + 1);
}

static void
tell_wrong(const char *what, size_t cut)
{
	run.wrong++;
	if (run.lie != DISK_HONEST)
		return;
	(void)printf("cut behind change %zu of seed %llu: %s; again: "
		     "make power-cuts STATES=1 SEED=%llu\n",
	    cut, (unsigned long long)run.seed, what,
	    (unsigned long long)run.seed);
	(void)fflush(stdout);
}

/* Of the index of the log there may be anything. */
static void
put_index(const char *folder, struct chance *c)
{
	char path[300];
	FILE *f;

	if (chance_of_hundred(c, 70))
		return;
	(void)snprintf(path, sizeof(path), "%s/" WORK_STORE "-shm", folder);
	f = fopen(path, "w");
	assert(f != NULL);
	for (int i = 0; i < 32768; i++)
		(void)fputc((int)chance_below(c, 256), f);
	assert(fclose(f) == 0);
}

static void
state(const struct work *w, struct disk *d, size_t cut, struct chance c,
    const char *folder)
{
	const char *wrong;

	empty_folder(folder);
	disk_build(d, cut, c, folder);
	put_index(folder, &c);
	wrong = judge_store(folder, w, cut);
	run.states++;
	run.opened += cut >= w->steps[0].told;
	if (wrong != NULL)
		tell_wrong(wrong, cut);
}

/* What was found lives on, from its start, and is cut again. */
static void
live_again(const struct work *before, struct disk *d, struct chance *c)
{
	size_t cut = choose_cut(before, d, c), again;
	char found[200], folder[200];
	struct work w;
	struct disk *second;

	folder_of("found", found);
	folder_of("again", folder);
	disk_build(d, cut, *c, found);
	second = work_live(&w, found, chance_below(c, 6), before->next, run.lie,
	    chance_of(run.seed ^ cut));
	again = choose_cut(&w, second, c);
	state(&w, second, again, *c, folder);
	(void)chance_below(c, 2);
	disk_free(second);
	work_free(&w);
}

static void
live(void)
{
	struct chance c = chance_of(run.seed);
	char folder[200], found[200];
	struct work w;
	struct disk *d;

	(void)fprintf(
	    stderr, "life of seed %llu\n", (unsigned long long)run.seed);
	folder_of("life", folder);
	folder_of("found", found);
	d = work_live(&w, folder, STEPS, 1, run.lie, chance_of(~run.seed));
	run.changes += disk_length(d);
	run.copied += w.copies;
	run.erased += w.n_erased;
	run.steps += w.n;
	for (int i = 0; i < CUTS - AGAIN; i++) {
		size_t cut = choose_cut(&w, d, &c);

		state(&w, d, cut, c, found);
		(void)chance_below(&c, 2);
	}
	for (int i = 0; i < AGAIN && run.lie == DISK_HONEST; i++)
		live_again(&w, d, &c);
	disk_free(d);
	work_free(&w);
}

static enum disk_lie
lie_of(const char *word)
{
	static const char *const words[DISK_LIES] = { "none", "sync",
		"store-sync", "list-sync", "folder-sync" };

	for (int i = 0; i < DISK_LIES; i++) {
		if (strcmp(word, words[i]) == 0)
			return (enum disk_lie)i;
	}
	exit(2);
}

int
main(int argc, char **argv)
{
	char top[] = "/dev/shm/power-cuts-XXXXXX";
	unsigned long states;

	if (argc < 3)
		return 2;
	states = strtoul(argv[1], NULL, 10);
	run.seed = strtoull(argv[2], NULL, 10);
	run.lie = lie_of(argc > 3 ? argv[3] : "none");
	(void)umask(077);
	run.top = mkdtemp(top);
	assert(run.top != NULL);
	for (; run.states < states; run.seed++)
		live();
	(void)printf("%lu states of %lu transactions, %lu changes, %lu of them "
		     "copied beside, %lu erasures, seeds %s to %llu: %lu "
		     "wrong\n",
	    run.states, run.steps, run.changes, run.copied, run.erased, argv[2],
	    (unsigned long long)run.seed - 1, run.wrong);
	remove_folders();
	return run.wrong > 0;
}
