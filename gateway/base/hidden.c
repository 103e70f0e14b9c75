#include "base/hidden.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"

/* Less is not worth a file. */
#define HIDDEN_LEAST ((size_t)16 * 1024)

static size_t
pages(size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

/* Of what hidden_map() has reserved: the first n bytes, and all or nothing. */
static bool
map_secret(unsigned char *p, size_t n)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = ftruncate(fd, (off_t)n) == 0 &&
	     mmap(p, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) != MAP_FAILED;
	(void)close(fd);
	if (ok) /* shared with a child, were there one */
		(void)madvise(p, n, MADV_DONTFORK);
	return ok;
}

static bool
map_rest(unsigned char *p, size_t n)
{
	if (n == 0)
		return true;
	if (mmap(p, n, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		0) == MAP_FAILED)
		return false;
	(void)madvise(p, n, MADV_DONTDUMP);
	(void)madvise(p, n, MADV_WIPEONFORK);
	return true;
}

/* Not all of it at once: a page is locked when it is touched. */
static bool
lock(unsigned char *p, size_t n)
{
	return mlock2(p, n, MLOCK_ONFAULT) == 0;
}

/* As much as the limit has room for. */
static size_t
try(bool (*way)(unsigned char *p, size_t n), unsigned char *p, size_t most)
{
	for (size_t n = most; n >= HIDDEN_LEAST; n = pages(n / 2)) {
		if (way(p, n))
			return n;
	}
	return 0;
}

/* Once a process: all its memory has the same kernel and limits. */
static void
say(const struct hidden *h, size_t most)
{
	static bool said;

	if (said || (h->degree == HIDDEN_SECRET && h->hidden == most))
		return;
	log_event(LOG_MEMORY_EXPOSED,
	    log_word(KEY_DEGREE, hidden_word(h->degree)),
	    log_num(KEY_BYTES, (int64_t)h->hidden));
	said = true;
}

enum status
hidden_map(struct hidden *h, size_t size, size_t most)
{
	void *p;

	*h = (struct hidden){ .size = pages(size) };
	most =
	    SECRET_WIPES ? pages(most) : 0; /* the control is for all to see */
	if (most > h->size)
		most = h->size;
	p = mmap(NULL, h->size, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return ST_NO_MEMORY;
	h->memory = p;
	h->hidden = try(map_secret, h->memory, most);
	if (!map_rest(h->memory + h->hidden, h->size - h->hidden)) {
		hidden_unmap(h);
		return ST_NO_MEMORY;
	}
	if (h->hidden == 0) {
		h->hidden = try(lock, h->memory, most);
		h->degree = h->hidden > 0 ? HIDDEN_LOCKED : HIDDEN_PLAIN;
	}
	say(h, most);
	return ST_OK;
}

void
hidden_unmap(struct hidden *h)
{
	if (h->memory != NULL)
		(void)munmap(h->memory, h->size);
	*h = (struct hidden){ 0 };
}

const char *
hidden_word(enum hidden_degree d)
{
	static const char *const words[] = { [HIDDEN_SECRET] = "secret",
		[HIDDEN_LOCKED] = "locked",
		[HIDDEN_PLAIN] = "plain" };

	return words[d];
}
