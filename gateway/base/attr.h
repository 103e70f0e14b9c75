/*
 * Compiler attributes that carry part of a contract.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

/* The result says whether the call worked; ignoring it is a bug. */
#define MUST_USE __attribute__((warn_unused_result))

/* fmt is argument number f (from 1), its values start at argument a. */
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* A variable that -ftrivial-auto-var-init leaves alone. */
#define UNINITIALIZED __attribute__((uninitialized))

/* A function that always has a frame of its own. */
#define NOINLINE __attribute__((noinline))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
