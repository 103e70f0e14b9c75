/*
 * Moves the clocks of a program: preloaded, it adds to every reading the
 * nanoseconds that stand in the file $CLOCK_SHIFT (one int64_t), which a test
 * may rewrite at any moment.  A mapping, not a call, so that it works behind
 * a system-call filter.  CLOCK_SHIFT_WALL=1: the wall clock only.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift;
static int wall_only;

__attribute__((constructor)) static void
map(void)
{
	const char *path = getenv("CLOCK_SHIFT");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *p;

	if (fd < 0)
		abort();
	p = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		abort();
	shift = p;
	wall_only = getenv("CLOCK_SHIFT_WALL") != NULL;
	(void)close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, id, ts);
	int64_t ns;

	if (rc != 0 || shift == NULL ||
	    (wall_only && id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return rc;
	ns = ts->tv_nsec + *shift % 1000000000;
	ts->tv_sec += *shift / 1000000000 + ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}
