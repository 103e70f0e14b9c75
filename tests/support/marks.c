#include "marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"

#define MASK 0xa5

void
mark_make(struct mark *m)
{
	secret_random(m->masked, MARK);
	for (size_t i = 0; i < MARK; i++)
		m->masked[i] =
		    (unsigned char)(('A' + m->masked[i] % 26) ^ MASK);
}

void
mark_write(const struct mark *m, char *out)
{
	for (size_t i = 0; i < MARK; i++)
		out[i] = (char)(m->masked[i] ^ MASK);
}

static bool
is_piece(const volatile unsigned char *p, const unsigned char *masked)
{
	for (size_t i = 0; i < MARK_PIECE; i++) {
		if ((p[i] ^ MASK) != masked[i])
			return false;
	}
	return true;
}

static size_t
count_in(const volatile unsigned char *p, const volatile unsigned char *end,
    const struct mark *m)
{
	size_t hits = 0;

	for (; p + MARK_PIECE <= end; p++) {
		for (size_t at = 0; at < MARK; at += MARK_PIECE) {
			if (*p == (m->masked[at] ^ MASK) &&
			    is_piece(p, m->masked + at))
				hits++;
		}
	}
	return hits;
}

size_t
mark_count(const struct mark *m)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t hits = 0, seen = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from, to;
		char access[8];

		assert_int_equal(
		    sscanf(line, "%lx-%lx %7s", &from, &to, access), 3);
		if (strncmp(access, "rw", 2) != 0)
			continue;
		hits += count_in((const volatile unsigned char *)from,
		    (const volatile unsigned char *)to, m);
		seen += to - from;
	}
	(void)fclose(maps);
	assert_true(seen > 100000);
	return hits;
}
