/*
 * Error answers: problem+json (RFC 9457) with fixed texts, one table.
 */
#ifndef NET_PROBLEM_H
#define NET_PROBLEM_H

#include "base/bytes.h"

enum problem {
#define PROBLEM(name, status, type, title, detail) PROBLEM_##name,
#include "net/problem.def"
#undef PROBLEM
	PROBLEMS
};

/* The HTTP status of p. */
int problem_status(enum problem p);

/* The whole body of p, static. */
struct bytes problem_body(enum problem p);

#endif
