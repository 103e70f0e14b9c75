/*
 * Memory that is hidden as well as the kernel and the limits allow, and the
 * buffers of requests that are made of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "base/hidden.h"
#include "base/secret.h"
#include "net/request_buf.h"

#define KIB ((size_t)1024)

static bool
is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0)
			return false;
	}
	return true;
}

/* Can it be read as others would, from /proc? */
static bool
seen_from_outside(const unsigned char *p)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char byte;
	bool seen;

	assert_true(fd >= 0);
	seen = pread(fd, &byte, 1, (off_t)(uintptr_t)p) == 1;
	(void)close(fd);
	return seen;
}

/* Has the mapping that p lies in this flag ("dd": in no core file)? */
static bool
has_flag(const unsigned char *p, const char *flag)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool mine = false, has = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		uintptr_t from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			mine = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (mine && strncmp(line, "VmFlags:", 8) == 0)
			has = strstr(line, flag) != NULL;
	}
	(void)fclose(f);
	return has;
}

/* In a child: run() without the right to lock more than limit bytes. */
static int
child_with(rlim_t limit, int (*run)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit locked = { limit, limit };
		struct __user_cap_header_struct head = {
			.version = _LINUX_CAPABILITY_VERSION_3
		};
		struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };

		if (setrlimit(RLIMIT_MEMLOCK, &locked) != 0 ||
		    syscall(SYS_capset, &head, none) != 0)
			_exit(90);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- mappings */

static void
hidden_memory_is_not_to_be_seen_from_outside_and_the_rest_is_in_no_core(
    void **state)
{
	struct hidden h;
	unsigned char *last;

	(void)state;
	assert_int_equal(hidden_map(&h, 256 * KIB, 64 * KIB), ST_OK);
	assert_true(h.size == 256 * KIB && h.hidden <= 64 * KIB);
	assert_true(is_zero(h.memory, h.size));
	memset(h.memory, 'x', h.size);
	last = h.memory + h.size - 1;
	assert_true(seen_from_outside(last));
	assert_true(has_flag(last, " dd") && has_flag(last, " wf"));
	if (SECRET_WIPES)
		assert_int_not_equal(h.degree, HIDDEN_PLAIN);
	if (h.degree == HIDDEN_SECRET) {
		assert_int_equal(h.hidden, 64 * KIB);
		assert_false(seen_from_outside(h.memory));
		assert_false(seen_from_outside(h.memory + h.hidden - 1));
		assert_true(seen_from_outside(h.memory + h.hidden));
	}
	assert_true(has_flag(h.memory, " dd"));
	hidden_unmap(&h);
	hidden_unmap(&h);
}

static int
map_with_a_small_limit(void)
{
	struct hidden h;

	if (hidden_map(&h, 1024 * KIB, 512 * KIB) != ST_OK)
		return 91;
	memset(h.memory, 'x', h.size);
	if (h.degree == HIDDEN_PLAIN || h.hidden > 64 * KIB)
		return 92;
	return h.size == 1024 * KIB ? (int)(h.hidden / KIB) : 93;
}

static int
map_without_any(void)
{
	struct hidden h;

	if (hidden_map(&h, 1024 * KIB, 512 * KIB) != ST_OK)
		return 91;
	memset(h.memory, 'x', h.size);
	if (h.degree != HIDDEN_PLAIN || h.hidden != 0)
		return 92;
	return has_flag(h.memory, " dd") && has_flag(h.memory, " wf") ? 0 : 93;
}

static void
what_the_limit_has_no_room_for_is_there_all_the_same(void **state)
{
	(void)state;
	if (SECRET_WIPES)
		assert_in_range(
		    child_with(64 * KIB, map_with_a_small_limit), 16, 64);
	assert_int_equal(child_with(0, map_without_any), 0);
}

/* As under an older kernel, or in a container that does not let it through. */
static int
map_without_memfd_secret(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	struct hidden h;

	if (ctx == NULL ||
	    seccomp_rule_add(
		ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(memfd_secret), 0) != 0 ||
	    seccomp_load(ctx) != 0)
		return 90;
	seccomp_release(ctx);
	if (hidden_map(&h, 1024 * KIB, 64 * KIB) != ST_OK)
		return 91;
	memset(h.memory, 'x', h.size);
	if (h.degree != HIDDEN_LOCKED || h.hidden != 64 * KIB)
		return 92;
	return has_flag(h.memory, " lo") && has_flag(h.memory, " dd") &&
		       has_flag(h.memory, " wf") &&
		       !has_flag(h.memory + h.size - 1, " lo")
		   ? 0
		   : 93;
}

/* proves: R12 */
static void
without_secret_memory_it_is_locked(void **state)
{
	(void)state;
	if (SECRET_WIPES)
		assert_int_equal(
		    child_with(64 * KIB, map_without_memfd_secret), 0);
}

static void
a_child_has_nothing_of_it(void **state)
{
	struct hidden h;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(hidden_map(&h, 128 * KIB, 64 * KIB), ST_OK);
	memset(h.memory, 'x', h.size);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) /* a mapping that is not there is not read either */
		_exit(!is_zero(h.memory + 64 * KIB, 64 * KIB) ||
		      (seen_from_outside(h.memory) &&
			  !is_zero(h.memory, 64 * KIB)));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	hidden_unmap(&h);
}

/* ---- buffers of requests */

static void
fill(struct request_buf *b)
{
	memset(b->data, 'x', b->cap);
	b->len = b->cap;
}

static bool
is_in(const struct hidden *h, const struct request_buf *b)
{
	const unsigned char *at = (const unsigned char *)b;

	return at >= h->memory &&
	       at + sizeof(*b) + b->cap <= h->memory + h->size;
}

/* proves: R10 R12 */
static void
a_request_is_read_into_hidden_memory_and_leaves_none_of_it(void **state)
{
	struct request_pool pool;
	struct request_buf *b, *small, *again;

	(void)state;
	request_pool_init(&pool, 64 * KIB);
	assert_true(pool.slots.size > 0);
	small = b = request_buf_borrow(&pool);
	assert_true(is_in(&pool.slots, b));
	fill(b);
	assert_true(request_buf_grow(&pool, &b));
	assert_true(b != small && is_in(&pool.slots, b));
	assert_true(b->cap >= 64 * KIB && b->len == small->cap);
	assert_true(is_zero(small->data, small->cap));
	fill(b);
	assert_false(request_buf_grow(&pool, &b));
	request_buf_return(&pool, b);
	assert_true(is_zero(b->data, b->cap));
	again = request_buf_borrow(&pool);
	assert_ptr_equal(again, small);
	request_buf_return(&pool, again);
	request_pool_fini(&pool);
}

static void
more_requests_than_slots_have_memory_too(void **state)
{
	static struct request_buf *b[400];
	struct request_pool pool;
	size_t outside = 0;

	(void)state;
	request_pool_init(&pool, 64 * KIB);
	for (size_t i = 0; i < ARRAY_LEN(b); i++) {
		b[i] = request_buf_borrow(&pool);
		assert_non_null(b[i]);
		assert_int_equal(b[i]->len, 0);
		if (!is_in(&pool.slots, b[i])) {
			assert_true(
			    has_flag((const unsigned char *)b[i], " dd"));
			outside++;
		}
		fill(b[i]);
	}
	assert_in_range(outside, 1, ARRAY_LEN(b) - 1);
	for (size_t i = 0; i < ARRAY_LEN(b); i++)
		request_buf_return(&pool, b[i]);
	for (size_t i = 0; i < ARRAY_LEN(b) - outside; i++) {
		b[i] = request_buf_borrow(&pool);
		assert_true(is_in(&pool.slots, b[i]));
		assert_true(is_zero(b[i]->data, b[i]->cap));
	}
	for (size_t i = 0; i < ARRAY_LEN(b) - outside; i++)
		request_buf_return(&pool, b[i]);
	request_pool_fini(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    hidden_memory_is_not_to_be_seen_from_outside_and_the_rest_is_in_no_core),
		cmocka_unit_test(
		    what_the_limit_has_no_room_for_is_there_all_the_same),
		cmocka_unit_test(without_secret_memory_it_is_locked),
		cmocka_unit_test(a_child_has_nothing_of_it),
		cmocka_unit_test(
		    a_request_is_read_into_hidden_memory_and_leaves_none_of_it),
		cmocka_unit_test(more_requests_than_slots_have_memory_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
