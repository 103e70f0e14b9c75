/*
 * Marks to be sought in this process's own memory: all that it can write to.
 *
 * They stand in memory masked, so that the search does not find its own copy,
 * and no test has one unmasked but where it puts it.  Under the sanitizers
 * freed memory is kept on purpose and the address space is full of shadows:
 * tests that search are empty there, see MARKS_SANITIZED.
 */
#ifndef SUPPORT_MARKS_H
#define SUPPORT_MARKS_H

#include <stddef.h>

#define MARK	    24
#define MARK_PIECE  8 /* so much of a mark counts as found */
#define MARK_PIECES (MARK / MARK_PIECE)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MARKS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MARKS_SANITIZED 1
#endif
#endif
#ifndef MARKS_SANITIZED
#define MARKS_SANITIZED 0
#endif

struct mark {
	unsigned char masked[MARK];
};

/* Random capitals. */
void mark_make(struct mark *m);

/* MARK bytes, and no NUL. */
void mark_write(const struct mark *m, char *out);

/* How many pieces of it are to be found; a whole one has MARK_PIECES. */
size_t mark_count(const struct mark *m);

#endif
