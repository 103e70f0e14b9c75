/*
 * What comes back to one request, while it comes: the head is looked at, the
 * body kept or thrown away, both up to a ceiling.
 */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct answer {
	struct buf body;
	bool kept;	 /* is the body wanted? */
	bool head_whole; /* the empty line behind the headers came */
	bool cut;	 /* the body was longer than it may be */
	size_t most, head_bytes, body_bytes;
	int64_t retry_after_s; /* -1: none */
};

/* most: bytes of the body, decoded. */
void answer_init(struct answer *a, bool kept, size_t most);

/* Wiped. */
void answer_fini(struct answer *a);

/* One line of the head, with its end; a part of the body.  False: enough,
 * read no more. */
MUST_USE bool answer_head(struct answer *a, struct bytes line);
MUST_USE bool answer_body(struct answer *a, struct bytes part);

#endif
