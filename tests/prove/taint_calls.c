/*
 * What the supervisor asks of the kernel and the valgrind of Debian 12 does
 * not pass on.  In the variant taint the linker puts these in their places
 * (--wrap): pidfd_open(), which it does not know, and execv() of
 * /proc/self/exe, which would start valgrind itself.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

int __real_execv(const char *path, char *const argv[]);
int __wrap_execv(const char *path, char *const argv[]);
int __real_pidfd_open(pid_t pid, unsigned flags);
int __wrap_pidfd_open(pid_t pid, unsigned flags);

#ifdef __x86_64__

/* Runs outside valgrind's machine, which passes the number of the thread:
 * there is no errno here, nor any other variable of a thread. */
static long
bare_pidfd_open(unsigned long thread, long pid, long flags)
{
	long result;

	(void)thread;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"((long)SYS_pidfd_open), "D"(pid), "S"(flags)
			 : "rcx", "r11", "memory");
	return result;
}

int
__wrap_pidfd_open(pid_t pid, unsigned flags)
{
	long fd;

	if (!RUNNING_ON_VALGRIND)
		return __real_pidfd_open(pid, flags);
	fd = (long)VALGRIND_NON_SIMD_CALL2(
	    bare_pidfd_open, (long)pid, (long)flags);
	if (fd >= 0)
		return (int)fd;
	errno = (int)-fd;
	return -1;
}

#else

int
__wrap_pidfd_open(pid_t pid, unsigned flags)
{
	return __real_pidfd_open(pid, flags);
}

#endif

int
__wrap_execv(const char *path, char *const argv[])
{
	char self[PATH_MAX];
	ssize_t n;

	if (strcmp(path, "/proc/self/exe") != 0)
		return __real_execv(path, argv);
	n = readlink(path, self, sizeof(self) - 1);
	if (n < 0)
		return -1;
	self[n] = '\0';
	/* Valgrind's log comes to the lowest descriptor that is free: where
	 * a room finds no more descriptors it knows that it has all. */
	if (RUNNING_ON_VALGRIND)
		(void)close(STDIN_FILENO);
	return __real_execv(self, argv);
}
