/*
 * Recorded callbacks as folders: <case>/request.form, the raw body, and
 * <case>/expect.json, what a gateway has to say to it.
 *
 * Bodies are payers' data: held here, wiped when let go, never printed.
 */
#ifndef COMMAND_REPLAY_CASE_H
#define COMMAND_REPLAY_CASE_H

#include "base/buf.h"
#include "config/rooms.h"

#define REPLAY_CASES 10000	   /* at once; a folder's worth */
#define REPLAY_BODY  (1024 * 1024) /* of one body: more than is accepted */

struct replay_case {
	char name[64]; /* of the folder or file, fit for a terminal */
	char merchant[CONFIG_NAME];
	struct buf body;
	char verdict[16]; /* "paid", ...; empty: a file without expect.json */
	int expect;	  /* HTTP status */
	int got;	  /* HTTP status; 0: no answer */
	bool sent;
};

struct replay_cases {
	size_t n, cap;
	struct replay_case *cases;
};

/*
 * Add what stands at path: a case's folder, a folder of them, or a file with
 * a body, which is for merchant and to be answered 200.  merchant may be NULL
 * for folders.  ST_BAD_INPUT or ST_IO with words in e.
 */
MUST_USE enum status replay_case_load(struct replay_cases *all,
    const char *path, const char *merchant, struct err *e);

/* Put the digests of every body right for `now`, from what the merchants in
 * the file (merchants.json beside the cases) had.  Bodies that no merchant
 * there has signed, or that are no form, stay as they are. */
MUST_USE enum status replay_case_resign(struct replay_cases *all,
    const char *file, const struct edge_merchant *now, struct err *e);

void replay_case_fini(struct replay_cases *all);

#endif
