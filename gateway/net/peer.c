#include "net/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

/* Places count from 1, and one that was never used has no memory: a table of
 * zeros is an empty one. */
#define NONE 0

struct entry {
	uint64_t key;
	uint32_t count;
	uint32_t next; /* in its chain, or in the free list */
};

struct peer_table {
	uint64_t seed[2];
	uint32_t mask;
	uint32_t free;
	uint32_t n_used, most;
	uint32_t *chains; /* mask + 1 of them */
	struct entry *entries;
};

static bool
is_v4(const union peer_address *a, struct in_addr *v4)
{
	if (a->sa.sa_family == AF_INET) {
		*v4 = a->in.sin_addr;
		return true;
	}
	if (a->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return false;
	memcpy(v4, &a->in6.sin6_addr.s6_addr[12], sizeof(*v4));
	return true;
}

/* An IPv4 address goes under ::ffff:a.b.c.d in the upper half, which is no
 * global /64. */
uint64_t
peer_key(const union peer_address *a)
{
	struct in_addr v4;
	uint64_t key = 0;

	if (is_v4(a, &v4))
		return (UINT64_C(0xffff) << 32) | ntohl(v4.s_addr);
	if (a->sa.sa_family != AF_INET6)
		return 0;
	for (int i = 0; i < 8; i++)
		key = key << 8 | a->in6.sin6_addr.s6_addr[i];
	return key;
}

void
peer_text(const union peer_address *a, char *out, size_t cap)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct in_addr v4;
	const char *shown = NULL;

	if (is_v4(a, &v4)) {
		v4.s_addr &= htonl(0xffffff00);
		shown = inet_ntop(AF_INET, &v4, text, sizeof(text));
	} else if (a->sa.sa_family == AF_INET6) {
		v6 = a->in6.sin6_addr;
		memset(&v6.s6_addr[6], 0, 10);
		shown = inet_ntop(AF_INET6, &v6, text, sizeof(text));
	}
	if (shown == NULL)
		(void)snprintf(out, cap, "-");
	else
		(void)snprintf(out, cap, "%s/%s", shown,
		    strchr(shown, ':') == NULL ? "24" : "48");
}

struct peer_table *
peer_table_new(uint32_t connections)
{
	struct peer_table *t = calloc(1, sizeof(*t));
	uint32_t chains = 16;

	if (t == NULL)
		return NULL;
	while (chains < connections && chains < (UINT32_C(1) << 30))
		chains *= 2;
	t->mask = chains - 1;
	t->most = connections;
	t->chains = calloc(chains, sizeof(*t->chains));
	t->entries = calloc(connections, sizeof(*t->entries));
	if (t->chains == NULL || t->entries == NULL) {
		peer_table_free(t);
		return NULL;
	}
	secret_random(t->seed, sizeof(t->seed));
	return t;
}

void
peer_table_free(struct peer_table *t)
{
	if (t == NULL)
		return;
	free(t->chains);
	free(t->entries);
	free(t);
}

/* Two keyed rounds of a multiply and shift; both keys stay secret. */
static uint32_t *
chain_of(struct peer_table *t, uint64_t key)
{
	uint64_t x = key ^ t->seed[0];

	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	x = (x ^ (x >> 29)) + t->seed[1];
	x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return &t->chains[(x >> 32) & t->mask];
}

static struct entry *
entry_at(struct peer_table *t, uint32_t place)
{
	return &t->entries[place - 1];
}

/* A place for an entry. */
static uint32_t
take_place(struct peer_table *t)
{
	uint32_t i = t->free;

	if (i == NONE) {
		assert(t->n_used < t->most);
		return ++t->n_used;
	}
	t->free = entry_at(t, i)->next;
	return i;
}

/* The link that names key's entry, or the end of its chain. */
static uint32_t *
find(struct peer_table *t, uint64_t key)
{
	uint32_t *link = chain_of(t, key);

	while (*link != NONE && entry_at(t, *link)->key != key)
		link = &entry_at(t, *link)->next;
	return link;
}

bool
peer_table_enter(struct peer_table *t, uint64_t key, int64_t limit)
{
	uint32_t *link = find(t, key);
	uint32_t i = *link;

	if (i == NONE) {
		i = take_place(t);
		*entry_at(t, i) = (struct entry){ .key = key, .next = NONE };
		*link = i;
	} else if (entry_at(t, i)->count >= limit) {
		return false;
	}
	entry_at(t, i)->count++;
	return true;
}

void
peer_table_leave(struct peer_table *t, uint64_t key)
{
	uint32_t *link = find(t, key);
	uint32_t i = *link;

	assert(i != NONE && entry_at(t, i)->count > 0);
	if (--entry_at(t, i)->count > 0)
		return;
	*link = entry_at(t, i)->next;
	entry_at(t, i)->next = t->free;
	t->free = i;
}
