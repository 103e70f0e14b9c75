/*
 * Requests and answers of a connection; private to net/.
 *
 * readable -> bytes in the buffer -> exchange_run() -> handler ->
 * exchange_answer() -> exchange_settle() -> exchange_run() again.
 */
#ifndef NET_EXCHANGE_H
#define NET_EXCHANGE_H

#include "net/conn.h"

/* The connection whose handler owes id an answer; NULL when it is gone. */
struct conn *exchange_find(struct server *s, exchange_id id);

/* Serve what c's buffer holds, in order, until bytes or an answer are
 * wanting.  c may be closed afterwards. */
void exchange_run(struct conn *c);

/* Give the answer that c's handler owes. */
void exchange_answer(struct conn *c, const struct server_reply *reply);

/* Begin an answer in pieces, add one, end it, or cut it off. */
void exchange_stream(struct conn *c, const struct server_reply *reply);
void exchange_add(struct conn *c, struct bytes piece);
void exchange_end(struct conn *c);
void exchange_cut(struct conn *c);

/* The peer of a stream has taken some of what waited, or all of it. */
void exchange_flowed(struct conn *c);

/* What follows a given answer, as far as it is written: the next request, or
 * the end. */
void exchange_settle(struct conn *c);

/* After exchange_settle() outside exchange_run(): have what lies here looked
 * at in the next turn. */
void exchange_resume(struct conn *c);

/* The server's own answer, after which nothing is read; c then closes for the
 * reason end. */
void exchange_refuse(struct conn *c, enum problem p, enum metric end);

#endif
