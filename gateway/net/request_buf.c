#include "net/request_buf.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/secret.h"

/* Slots made once and kept; who comes when all are taken gets a mapping of his
 * own.  A slot costs nothing before it is first used. */
#define SLOTS_SMALL 256
#define SLOTS_LARGE 8

enum kind { SMALL, LARGE };

#define PAGE ((size_t)4096)

void
request_pool_init(struct request_pool *p, size_t large)
{
	size_t size = sizeof(struct request_buf) + large;
	size_t small_bytes = SLOTS_SMALL * REQUEST_BUF_SMALL, all;

	memset(p, 0, sizeof(*p));
	p->kind[SMALL].size = REQUEST_BUF_SMALL;
	/* Always the larger one, whatever the body's limit. */
	size = (size + PAGE - 1) / PAGE * PAGE;
	p->kind[LARGE].size =
	    size > REQUEST_BUF_SMALL ? size : 2 * REQUEST_BUF_SMALL;
	all = small_bytes + SLOTS_LARGE * p->kind[LARGE].size;
	if (hidden_map(&p->slots, all, all) != ST_OK)
		return;
	p->kind[SMALL].fresh = p->slots.memory;
	p->kind[SMALL].n_fresh = SLOTS_SMALL;
	p->kind[LARGE].fresh = p->slots.memory + small_bytes;
	p->kind[LARGE].n_fresh = SLOTS_LARGE;
}

void
request_pool_fini(struct request_pool *p)
{
	hidden_unmap(&p->slots);
	memset(p, 0, sizeof(*p));
}

static bool
is_slot(const struct request_pool *p, const struct request_buf *b)
{
	const unsigned char *at = (const unsigned char *)b;

	return p->slots.memory != NULL && at >= p->slots.memory &&
	       at < p->slots.memory + p->slots.size;
}

static struct request_buf *
map(size_t size)
{
	struct request_buf *b = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return NULL;
	(void)madvise(b, size, MADV_DONTDUMP);
	return b;
}

static struct request_buf *
borrow(struct request_pool *p, enum kind k)
{
	struct request_buf *b = p->kind[k].free;

	if (b != NULL) {
		p->kind[k].free = b->next;
		return b;
	}
	if (p->kind[k].n_fresh > 0) {
		b = (struct request_buf *)(void *)p->kind[k].fresh;
		p->kind[k].fresh += p->kind[k].size;
		p->kind[k].n_fresh--;
	} else {
		b = map(p->kind[k].size);
		if (b == NULL)
			return NULL;
	}
	b->cap = p->kind[k].size - sizeof(*b);
	return b;
}

struct request_buf *
request_buf_borrow(struct request_pool *p)
{
	return borrow(p, SMALL);
}

static enum kind
kind_of(const struct request_pool *p, const struct request_buf *b)
{
	return b->cap + sizeof(*b) == p->kind[SMALL].size ? SMALL : LARGE;
}

bool
request_buf_grow(struct request_pool *p, struct request_buf **b)
{
	struct request_buf *old = *b, *large;

	if (kind_of(p, old) == LARGE)
		return false;
	large = borrow(p, LARGE);
	if (large == NULL)
		return false;
	memcpy(large->data, old->data, old->len);
	large->len = old->len;
	request_buf_return(p, old);
	*b = large;
	return true;
}

/* The head holds places and lengths of the bytes, not the bytes. */
void
request_buf_consume(struct request_buf *b, size_t n)
{
	size_t rest = b->len - n;

	assert(n <= b->len);
	if (rest > 0)
		memmove(b->data, b->data + n, rest);
	secret_wipe(b->data + rest, n);
	b->len = rest;
	memset(&b->head, 0, sizeof(b->head));
}

void
request_buf_return(struct request_pool *p, struct request_buf *b)
{
	enum kind k;

	if (b == NULL)
		return;
	request_buf_consume(b, b->len);
	k = kind_of(p, b);
	if (!is_slot(p, b)) {
		(void)munmap(b, p->kind[k].size);
		return;
	}
	b->next = p->kind[k].free;
	p->kind[k].free = b;
}
