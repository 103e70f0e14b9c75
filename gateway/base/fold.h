/*
 * Blocks that can be folded: while nobody uses one, only what is not zero in
 * it has memory.
 *
 * For OpenSSL's state of a connection, five sixths of which are zeros.  Such a
 * block has pages of its own; when it is folded they are wiped and go back to
 * the kernel, and unfolded it is at the same address again.  A thread folds
 * and gives back what it took itself.
 */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define FOLD_BLOCK ((size_t)8192)

struct fold;

/* Until it is called with false, what this thread takes from wiped_malloc()
 * can be folded, if it is of a size that is worth it. */
void fold_wanted(bool on);

/* Nobody may touch p then before fold_undo().  NULL: p cannot be folded, or
 * too little would be won, or there is no memory; all is as before. */
MUST_USE struct fold *fold_make(void *p);

/* The block is as it was.  f is wiped and gone; NULL is fine. */
void fold_undo(struct fold *f);

/* For base/wiped.c alone: a block of FOLD_BLOCK bytes for n, or NULL when none
 * is wanted; is p one; wipe it and take it back. */
MUST_USE void *fold_take(size_t n);
bool fold_is(const void *p);
void fold_give_back(void *p);

#endif
