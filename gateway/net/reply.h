/*
 * Answers as bytes: status line, fields and body in one piece.
 *
 * Pure.  Any thread.
 */
#ifndef NET_REPLY_H
#define NET_REPLY_H

#include "base/buf.h"
#include "net/server.h"

enum reply_connection {
	REPLY_CLOSE,
	REPLY_KEEP,
	REPLY_KEEP_SAID /* HTTP/1.0 has to be told */
};

enum reply_framing {
	REPLY_LENGTH,
	REPLY_CHUNKED, /* the body comes in pieces: head only */
	REPLY_UNTIL_CLOSE
};

/* Append reply to out; a failure shows in buf_status(out). */
void reply_compose(struct buf *out, const struct server_reply *reply,
    enum reply_connection connection, enum reply_framing framing);

/* Does the framing of later bytes stand in doubt after p? */
bool reply_must_close(enum problem p);

#endif
