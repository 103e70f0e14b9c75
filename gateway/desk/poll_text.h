/*
 * What polls answer besides rows of JSON.  Pure.  Any thread.
 */
#ifndef DESK_POLL_TEXT_H
#define DESK_POLL_TEXT_H

#include "desk/cursor.h"
#include "message/message.h"

/* Append the target of the page that follows page m at c. */
void poll_text_link(
    const struct msg_page *m, const struct cursor *c, struct buf *out);

/* Append r as an event of a text/event-stream, with the cursor behind it as
 * its id. */
void poll_text_event(
    const struct receipt *r, const struct cursor *c, struct buf *out);

/* Append the last line of an export. */
void poll_text_end(const struct cursor *c, bool more, struct buf *out);

#endif
