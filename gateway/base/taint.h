/*
 * Marks for the proof that nothing depends on what is dropped.
 *
 * In the variant `taint`, under valgrind, TAINT_DROPPED() makes bytes
 * undefined to memcheck: who branches on them, or on what comes of them, or
 * lets any of it go in a system call, is reported.  In all other builds both
 * marks are nothing.
 *
 * Where they stand: a grammar has to look at every byte, so the values of a
 * callback are marked when the last rule about their form has been judged and
 * before the digests (intake.c); then the names and places of fields that
 * are not kept, when nothing is looked up any more but what is.  Only the
 * verdict of comparing digests is declared defined again, in one place
 * (sslcommerz.c).  Of an answer, all members that are not needed are marked.
 *
 * Not seen: what a grammar gives away, and what an attacker who owns the
 * process would do.
 */
#ifndef BASE_TAINT_H
#define BASE_TAINT_H

#ifdef PAYSIEVE_TAINT
#include <valgrind/memcheck.h>
#define TAINT_DROPPED(p, n) ((void)VALGRIND_MAKE_MEM_UNDEFINED((p), (n)))
#define TAINT_VERDICT(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED((p), (n)))
#else
#define TAINT_DROPPED(p, n) ((void)(p), (void)(n))
#define TAINT_VERDICT(p, n) ((void)(p), (void)(n))
#endif

#endif
