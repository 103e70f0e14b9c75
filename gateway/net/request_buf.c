#include "net/request_buf.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/secret.h"

/* Mappings kept for the next request; more than that goes back. */
#define KEEP_SMALL 64
#define KEEP_LARGE 4

enum kind { SMALL, LARGE };

#define PAGE ((size_t)4096)

void
request_pool_init(struct request_pool *p, size_t large)
{
	size_t size = sizeof(struct request_buf) + large;

	memset(p, 0, sizeof(*p));
	p->kind[SMALL].size = REQUEST_BUF_SMALL;
	p->kind[SMALL].keep = KEEP_SMALL;
	/* Always the larger one, whatever the body's limit. */
	size = (size + PAGE - 1) / PAGE * PAGE;
	p->kind[LARGE].size =
	    size > REQUEST_BUF_SMALL ? size : 2 * REQUEST_BUF_SMALL;
	p->kind[LARGE].keep = KEEP_LARGE;
}

void
request_pool_fini(struct request_pool *p)
{
	for (int k = SMALL; k <= LARGE; k++) {
		while (p->kind[k].free != NULL) {
			struct request_buf *b = p->kind[k].free;

			p->kind[k].free = b->next;
			(void)munmap(b, p->kind[k].size);
		}
		p->kind[k].n_free = 0;
	}
}

static struct request_buf *
borrow(struct request_pool *p, enum kind k)
{
	struct request_buf *b = p->kind[k].free;

	if (b != NULL) {
		p->kind[k].free = b->next;
		p->kind[k].n_free--;
		return b;
	}
	b = mmap(NULL, p->kind[k].size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	(void)madvise(b, p->kind[k].size, MADV_DONTDUMP);
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
	if (p->kind[k].n_free == p->kind[k].keep) {
		(void)munmap(b, p->kind[k].size);
		return;
	}
	b->next = p->kind[k].free;
	p->kind[k].free = b;
	p->kind[k].n_free++;
}
