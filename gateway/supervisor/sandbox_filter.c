#include "supervisor/sandbox_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct list {
	const int *calls;
	size_t n;
};

#define LIST(calls)                     \
	{                               \
		calls, ARRAY_LEN(calls) \
	}

/* What a room does all day: read, write, wait, get memory. */
static const int daily_calls[] = {
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll), /* poll() where there is no such call */
	SCMP_SYS(close),
	SCMP_SYS(shutdown),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(futex),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

static const int server_calls[] = {
	SCMP_SYS(accept4),
};

/* libcurl, its resolver's threads, glibc's resolver in them, and the system's
 * certificates, which are read at the first connection. */
static const int client_calls[] = {
	SCMP_SYS(connect),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(getsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(gettid),
	SCMP_SYS(uname),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(fstat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(lseek),
	SCMP_SYS(pread64),
};

/* SQLite, and what is done with the store's files besides.  The folder that
 * they may be in is Landlock's to say. */
static const int keeper_calls[] = {
	SCMP_SYS(accept4), /* commands */
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(fstatfs),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents64),
	SCMP_SYS(lseek),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(fadvise64),
	SCMP_SYS(flock),
	SCMP_SYS(fcntl),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown), /* of root's files, to the store's owner */
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(gettid),
	SCMP_SYS(nanosleep), /* while another holds a lock */
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sysinfo),
	SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list),
};

/* Of these everybody dies. */
static const int foreign_calls[] = {
	/* other processes */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise),
	SCMP_SYS(kcmp),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(pidfd_getfd),
	/* other worlds */
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(chroot),
	SCMP_SYS(pivot_root),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(name_to_handle_at),
	SCMP_SYS(open_by_handle_at),
	/* the kernel's own */
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(keyctl),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
};

/* And of these a room that has calls for more than its work. */
static const int deadly_calls[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(memfd_create),
	SCMP_SYS(kill),
	SCMP_SYS(tkill),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
};

#define OPEN_TO_WRITE (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)
#define NAMESPACES                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#define SOCKET_TYPE 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */

static int
add_list(scmp_filter_ctx ctx, uint32_t action, const struct list *list)
{
	int rc = 0;

	for (size_t i = 0; i < list->n; i++)
		rc |= seccomp_rule_add(ctx, action, list->calls[i], 0);
	return rc;
}

static int
allow_option(scmp_filter_ctx ctx, unsigned level, unsigned name)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
	    SCMP_A1(SCMP_CMP_EQ, level, 0), SCMP_A2(SCMP_CMP_EQ, name, 0));
}

static int
allow_ioctl(scmp_filter_ctx ctx, unsigned long request)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_EQ, request, 0));
}

static int
allow_daily(scmp_filter_ctx ctx)
{
	static const struct list daily = LIST(daily_calls);
	int rc = add_list(ctx, SCMP_ACT_ALLOW, &daily);

	/* Memory, but never memory to execute. */
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* No delay on a connection. */
	rc |= allow_option(ctx, IPPROTO_TCP, TCP_NODELAY);
	/* The log asks whether standard error is a terminal. */
	rc |= allow_ioctl(ctx, TCGETS);
	return rc;
}

static int
allow_socket(scmp_filter_ctx ctx, unsigned family, unsigned type)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
	    SCMP_A0(SCMP_CMP_EQ, family, 0),
	    SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, type));
}

/* glibc asks nscd and the kernel's tables through other families; without,
 * it asks the name servers itself. */
static int
allow_network(scmp_filter_ctx ctx)
{
	int rc = 0;

	rc |= allow_socket(ctx, AF_INET, SOCK_STREAM);
	rc |= allow_socket(ctx, AF_INET, SOCK_DGRAM);
	rc |= allow_socket(ctx, AF_INET6, SOCK_STREAM);
	rc |= allow_socket(ctx, AF_INET6, SOCK_DGRAM);
	rc |= allow_option(ctx, IPPROTO_IP, IP_RECVERR);
	rc |= allow_option(ctx, IPPROTO_IPV6, IPV6_RECVERR);
	rc |= allow_ioctl(ctx, FIONREAD);
	/* How a thread of the resolver says that it is done. */
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2,
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
	    SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_STREAM));
	return rc;
}

static int
allow_abort(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

/* To the flags of clone3() a filter cannot look: where there is no such call,
 * glibc takes clone(). */
static int
allow_threads(scmp_filter_ctx ctx)
{
	int rc = 0;

	rc |=
	    seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(
		SCMP_CMP_MASKED_EQ, CLONE_THREAD | NAMESPACES, CLONE_THREAD));
	rc |= allow_abort(ctx);
	return rc;
}

static int
allow_reading(scmp_filter_ctx ctx)
{
	static const unsigned commands[] = { F_GETFD, F_SETFD, F_GETFL,
		F_SETFL };
	int rc = 0;

	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, OPEN_TO_WRITE, O_RDONLY));
	rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
	    SCMP_A1(SCMP_CMP_MASKED_EQ, OPEN_TO_WRITE, O_RDONLY));
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		rc |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
		    SCMP_A1(SCMP_CMP_EQ, commands[i], 0));
	return rc;
}

/* Over all threads.  Takes ctx. */
static enum status
load(scmp_filter_ctx ctx, int rc, struct err *e)
{
	rc |= seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc != 0) {
		err_set(e, "the kernel refuses the system-call filter");
		return ST_INTERNAL;
	}
	return ST_OK;
}

static enum status
make(scmp_filter_ctx *ctx, uint32_t otherwise, struct err *e)
{
	*ctx = seccomp_init(otherwise);
	if (*ctx == NULL) {
		err_set(e, "the system-call filter cannot be made");
		return ST_INTERNAL;
	}
	return ST_OK;
}

enum status
sandbox_filter_server(struct err *e)
{
	static const struct list server = LIST(server_calls);
	scmp_filter_ctx ctx;
	enum status st = make(&ctx, SCMP_ACT_KILL_PROCESS, e);
	int rc;

	if (st != ST_OK)
		return st;
	rc = allow_daily(ctx);
	rc |= add_list(ctx, SCMP_ACT_ALLOW, &server);
	return load(ctx, rc, e);
}

enum status
sandbox_filter_client(struct err *e)
{
	static const struct list client = LIST(client_calls);
	static const struct list foreign = LIST(foreign_calls);
	static const struct list deadly = LIST(deadly_calls);
	scmp_filter_ctx ctx;
	enum status st = make(&ctx, SCMP_ACT_ERRNO(EPERM), e);
	int rc;

	if (st != ST_OK)
		return st;
	rc = allow_daily(ctx);
	rc |= add_list(ctx, SCMP_ACT_ALLOW, &client);
	rc |= add_list(ctx, SCMP_ACT_KILL_PROCESS, &foreign);
	rc |= add_list(ctx, SCMP_ACT_KILL_PROCESS, &deadly);
	rc |= allow_network(ctx);
	rc |= allow_threads(ctx);
	rc |= allow_reading(ctx);
	return load(ctx, rc, e);
}

enum status
sandbox_filter_keeper(struct err *e)
{
	static const struct list keeper = LIST(keeper_calls);
	scmp_filter_ctx ctx;
	enum status st = make(&ctx, SCMP_ACT_KILL_PROCESS, e);
	int rc;

	if (st != ST_OK)
		return st;
	rc = allow_daily(ctx);
	rc |= add_list(ctx, SCMP_ACT_ALLOW, &keeper);
	rc |= allow_abort(ctx);
	return load(ctx, rc, e);
}

/* It starts programs, signals and listens: what it has no use for is said. */
enum status
sandbox_filter_supervisor(struct err *e)
{
	static const struct list foreign = LIST(foreign_calls);
	scmp_filter_ctx ctx;
	enum status st = make(&ctx, SCMP_ACT_ALLOW, e);
	int rc;

	if (st != ST_OK)
		return st;
	rc = add_list(ctx, SCMP_ACT_KILL_PROCESS, &foreign);
	return load(ctx, rc, e);
}
