#include "net/problem.h"

#include "base/attr.h"

struct row {
	int status;
	const char *body;
	size_t len;
};

#define BODY(status, type, title, detail)                                \
	"{\"type\":\"urn:paysieve:problem:" type "\",\"title\":\"" title \
	"\",\"status\":" #status ",\"detail\":\"" detail "\"}"

static const struct row rows[] = {
#define PROBLEM(name, status, type, title, detail)   \
	{ status, BODY(status, type, title, detail), \
		sizeof(BODY(status, type, title, detail)) - 1 },
#include "net/problem.def"
#undef PROBLEM
};

int
problem_status(enum problem p)
{
	return rows[p].status;
}

struct bytes
problem_body(enum problem p)
{
	return bytes_make(rows[p].body, rows[p].len);
}
