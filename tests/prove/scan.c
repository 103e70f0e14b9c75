/*
 * Search files and processes for canaries (canary.h).
 *
 *     scan [--cards FILE] TARGET...
 *
 * FILE: card-shaped canaries, one a line.  TARGET: a file, "-" for standard
 * input, or "pid:N": everything that process N has mapped and may read or
 * write, through /proc/N/mem, which root may do; "rw:N": what it may write.
 * On standard output, parted by tabs:
 *
 *     hit TARGET KIND VIEW LENGTH SYMBOLS PLACE+OFFSET     the first of them
 *     count TARGET KIND VIEW HITS
 *     bytes TARGET SEARCHED UNREADABLE
 *
 * Exit code: 0 all was searched, hits or none; 1 something could not be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "views.h"

#define PAGE	((size_t)4096)
#define BLOCK	((size_t)16 << 20)
#define OVERLAP ((size_t)64 << 10) /* between blocks; hits begin once */
#define TOLD	64		   /* hits of a target that are printed */

struct scan {
	struct views views;
	unsigned char *block;
	const char *target;
	const char *place; /* of the hits: a mapping's name */
	uint64_t base;	   /* where the block starts */
	size_t from, to;   /* hits that begin here are this block's */
	size_t stretch;	   /* where the searched part starts */
	uint64_t searched, unreadable;
	uint64_t hits[CANARY_VIEWS][128]; /* by kind */
	unsigned told;
};

static const char *const view_names[CANARY_VIEWS] = {
	[CANARY_RAW] = "raw",
	[CANARY_WIDE] = "utf-16",
	[CANARY_HEX] = "hex",
	[CANARY_BASE64] = "base64",
	[CANARY_ESCAPED] = "escaped",
};

static void
on_hit(void *arg, enum canary_view view, const struct canary_hit *hit)
{
	struct scan *s = arg;
	size_t at = s->stretch + hit->at;

	if (at < s->from || at >= s->to)
		return;
	s->hits[view][(unsigned char)hit->kind]++;
	if (s->told++ < TOLD)
		printf("hit\t%s\t%c\t%s\t%zu\t%s\t%s+%#llx\n", s->target,
		    hit->kind, view_names[view], hit->len, hit->symbols,
		    s->place, (unsigned long long)(s->base + at));
}

static bool
blank(const unsigned char *page, size_t len)
{
	return len == 0 ||
	       (page[0] == 0 && memcmp(page, page + 1, len - 1) == 0);
}

/* Most of a process's memory is zero: only stretches of other pages are
 * looked at. */
static void
search_block(struct scan *s, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t end = at;

		while (end < len && !blank(s->block + end,
					len - end < PAGE ? len - end : PAGE))
			end = len - end < PAGE ? len : end + PAGE;
		if (end > at) {
			s->stretch = at;
			views_search(&s->views, s->block + at, end - at);
		}
		at = end == at ? at + PAGE : end;
	}
}

/* Fill the block from its byte `have` on; what it holds then. */
static size_t
fill(int fd, unsigned char *block, size_t have)
{
	while (have < BLOCK) {
		ssize_t n = read(fd, block + have, BLOCK - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? SIZE_MAX : have;
		have += (size_t)n;
	}
	return have;
}

static bool
scan_stream(struct scan *s, int fd)
{
	size_t have = 0;

	s->base = 0;
	s->place = "";
	for (;;) {
		size_t len = fill(fd, s->block, have);
		bool last = len < BLOCK;

		if (len == SIZE_MAX)
			return false;
		s->from = s->base == 0 ? 0 : OVERLAP / 2;
		s->to = last ? len : len - OVERLAP / 2;
		search_block(s, len);
		s->searched += len - have;
		if (last)
			return true;
		memmove(s->block, s->block + len - OVERLAP, OVERLAP);
		s->base += len - OVERLAP;
		have = OVERLAP;
	}
}

static bool
scan_file(struct scan *s, const char *path)
{
	bool input = strcmp(path, "-") == 0;
	int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && scan_stream(s, fd);

	if (!ok)
		fprintf(stderr, "scan: %s: %s\n", path, strerror(errno));
	if (fd >= 0 && !input)
		(void)close(fd);
	return ok;
}

/* ---- processes */

/* Read len bytes at `at`, zeros where there is nothing to read. */
static void
read_memory(struct scan *s, int mem, uint64_t at, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n =
		    pread(mem, s->block + done, len - done, (off_t)(at + done));
		size_t hole = PAGE - done % PAGE;

		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (hole > len - done)
			hole = len - done;
		memset(s->block + done, 0, hole);
		s->unreadable += hole;
		done += hole;
	}
}

static void
scan_mapping(struct scan *s, int mem, uint64_t start, uint64_t end)
{
	uint64_t at = start;

	while (at < end) {
		size_t len = end - at < BLOCK ? (size_t)(end - at) : BLOCK;
		bool last = end - at <= BLOCK;

		read_memory(s, mem, at, len);
		s->base = at;
		s->from = at == start ? 0 : OVERLAP / 2;
		s->to = last ? len : len - OVERLAP / 2;
		search_block(s, len);
		if (last)
			break;
		at += len - OVERLAP;
	}
	s->searched += end - start;
}

/* The kernel's own pages, which hold the time and code. */
static bool
of_the_kernel(const char *name)
{
	return strncmp(name, "[vvar", 5) == 0 ||
	       strcmp(name, "[vsyscall]") == 0;
}

static bool
scan_mappings(struct scan *s, FILE *maps, int mem, bool writable)
{
	char line[1024];
	size_t n = 0;

	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long long start, end;
		char rights[8], name[512] = "anonymous";
		const char *slash;

		if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %511[^\n]", &start,
			&end, rights, name) < 3)
			return false;
		if ((rights[1] != 'w' && (writable || rights[0] != 'r')) ||
		    of_the_kernel(name))
			continue;
		slash = strrchr(name, '/');
		s->place = slash == NULL ? name : slash + 1;
		scan_mapping(s, mem, start, end);
		n++;
	}
	return n > 0;
}

static bool
scan_process(struct scan *s, const char *pid, bool writable)
{
	char path[64];
	FILE *maps;
	int mem;
	bool ok;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
	maps = fopen(path, "re");
	(void)snprintf(path, sizeof(path), "/proc/%.20s/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	ok = maps != NULL && mem >= 0 && scan_mappings(s, maps, mem, writable);
	if (!ok)
		fprintf(stderr,
		    "scan: the memory of process %s cannot be read; root may, "
		    "with CAP_SYS_PTRACE\n",
		    pid);
	if (maps != NULL)
		(void)fclose(maps);
	if (mem >= 0)
		(void)close(mem);
	return ok;
}

/* ---- the whole */

static bool
scan_target(struct scan *s, const char *target)
{
	bool ok;

	s->target = target;
	s->searched = s->unreadable = 0;
	s->told = 0;
	memset(s->hits, 0, sizeof(s->hits));
	if (strncmp(target, "pid:", 4) == 0)
		ok = scan_process(s, target + 4, false);
	else if (strncmp(target, "rw:", 3) == 0)
		ok = scan_process(s, target + 3, true);
	else
		ok = scan_file(s, target);
	for (int v = 0; v < CANARY_VIEWS; v++) {
		for (int k = 0; k < 128; k++) {
			if (s->hits[v][k] > 0)
				printf("count\t%s\t%c\t%s\t%llu\n", target, k,
				    view_names[v],
				    (unsigned long long)s->hits[v][k]);
		}
	}
	printf("bytes\t%s\t%llu\t%llu\n", target,
	    (unsigned long long)s->searched, (unsigned long long)s->unreadable);
	return ok;
}

static bool
read_cards(struct scan *s, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[64];

	if (f == NULL) {
		fprintf(stderr, "scan: %s: %s\n", path, strerror(errno));
		return false;
	}
	while (fgets(line, sizeof(line), f) != NULL)
		canary_cards_add(&s->views.cards, line);
	(void)fclose(f);
	return true;
}

int
main(int argc, char **argv)
{
	struct scan *s = calloc(1, sizeof(*s));
	int first = 1;
	bool ok = true;

	if (s == NULL || (s->block = malloc(BLOCK)) == NULL ||
	    !views_init(&s->views, BLOCK)) {
		fputs("scan: no memory\n", stderr);
		return 1;
	}
	s->views.on_hit = on_hit;
	s->views.arg = s;
	if (argc > 2 && strcmp(argv[1], "--cards") == 0) {
		if (!read_cards(s, argv[2]))
			return 1;
		first = 3;
	}
	if (first >= argc) {
		fputs("usage: scan [--cards FILE] FILE|-|pid:N|rw:N...\n",
		    stderr);
		return 2;
	}
	for (int i = first; i < argc; i++)
		ok = scan_target(s, argv[i]) && ok;
	views_fini(&s->views);
	free(s->block);
	free(s);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
