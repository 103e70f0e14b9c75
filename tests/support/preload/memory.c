/*
 * Lets allocations of one room fail: preloaded, it counts malloc, calloc,
 * realloc, posix_memalign and aligned_alloc of the process whose room stands
 * in the file $MEMORY_FILE, and answers NULL to the one of that number, or to
 * all from it on.  A mapping, so that it works behind a system-call filter and
 * a test may arm it at any moment.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct plan {
	char room[16];
	_Atomic int64_t at;	 /* this one fails; 0: none */
	_Atomic int64_t forever; /* and all behind it */
	_Atomic int64_t seen;	 /* since it was armed */
	_Atomic int64_t failed;
};

static struct plan *plan;
static char own[16];

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

/* A room's arguments are "--room NAME SLOT". */
static void
find_own(void)
{
	char line[256];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	strcpy(own, "supervisor");
	for (ssize_t i = 0; i + 7 < n; i++) {
		if (memcmp(line + i, "--room", 7) == 0)
			(void)strncpy(own, line + i + 7, sizeof(own) - 1);
	}
	if (fd >= 0)
		(void)close(fd);
}

__attribute__((constructor)) static void
map(void)
{
	const char *path = getenv("MEMORY_FILE");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *p;

	if (fd < 0)
		abort();
	find_own();
	p = mmap(
	    NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort();
	plan = p;
	(void)close(fd);
}

static int
fails(void)
{
	int64_t at, n;

	if (plan == NULL || strcmp(plan->room, own) != 0)
		return 0;
	n = atomic_fetch_add(&plan->seen, 1) + 1;
	at = atomic_load(&plan->at);
	if (at == 0 || n < at || (n > at && !atomic_load(&plan->forever)))
		return 0;
	(void)atomic_fetch_add(&plan->failed, 1);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return size > 0 && fails() ? NULL : __libc_realloc(p, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __libc_memalign(align, size);
}

int
posix_memalign(void **out, size_t align, size_t size)
{
	void *p = fails() ? NULL : __libc_memalign(align, size);

	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}
