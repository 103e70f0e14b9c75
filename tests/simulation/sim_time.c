/*
 * Time that jumps to the next timer.  The clock of the rooms, of libevent and
 * of SQLite is this one: what they call is found here before the C library's.
 * It moves only where everybody waits, in epoll_wait(), and there nobody
 * waits.
 */
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim.h"

/* Of the monotonic clock, which does not begin at 0 anywhere. */
#define STARTED INT64_C(1000000000)

static int64_t now_us;
static int64_t wall_us = INT64_C(1764657045000000);

int64_t
sim_now(void)
{
	return now_us;
}

void
sim_jump_wall(int64_t by_us)
{
	wall_us += by_us;
}

int64_t
clock_wall_us(void)
{
	return wall_us + now_us;
}

int64_t
clock_mono_us(void)
{
	return STARTED + now_us;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t us = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE
			 ? clock_wall_us()
			 : clock_mono_us();

	ts->tv_sec = us / SECOND;
	ts->tv_nsec = us % SECOND * 1000;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	(void)tz;
	tv->tv_sec = clock_wall_us() / SECOND;
	tv->tv_usec = clock_wall_us() % SECOND;
	return 0;
}

time_t
time(time_t *out)
{
	time_t s = clock_wall_us() / SECOND;

	if (out != NULL)
		*out = s;
	return s;
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
	long n = syscall(SYS_epoll_pwait, fd, events, most, 0, NULL, 8);

	if (n != 0 || timeout_ms == 0)
		return (int)n;
	if (timeout_ms < 0)
		sim_broken("nobody waits for anything", 0);
	now_us += (int64_t)timeout_ms * 1000;
	return 0;
}
