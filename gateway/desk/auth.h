/*
 * Bearer tokens (RFC 6750): who is asking, and what may they do.
 *
 * Only digests are known here.  A presented token is digested where it stands
 * and its digest compared with every configured one, in a time that does not
 * tell which one it was.  Pure.  Any thread.
 */
#ifndef DESK_AUTH_H
#define DESK_AUTH_H

#include "config/config.h"
#include "net/http_parser.h"

#define AUTH_TOKEN_MAX 256 /* letters of a presented token */

struct auth {
	size_t n;
	struct config_token tokens[CONFIG_TOKENS];
	bool revoked[CONFIG_TOKENS];
	uint32_t day[CONFIG_TOKENS]; /* of the last use that was said */
};

enum auth_verdict {
	AUTH_OK,
	AUTH_NONE,    /* no bearer token was presented */
	AUTH_INVALID, /* one that is not configured, or no token at all */
	AUTH_SCOPE,   /* a good one that lacks the scope */
};

/* Copies the n tokens; at most CONFIG_TOKENS. */
void auth_init(struct auth *a, const struct config_token *tokens, size_t n);

/* The token of this digest, if it is configured, is not valid any more. */
void auth_revoke(struct auth *a, const unsigned char sha256[32]);

/* The token `who` is used on this day, since 1970-01-01: true when that is
 * to be said, which is once a day. */
MUST_USE bool
auth_used(struct auth *a, const struct config_token *who, uint32_t day);

/*
 * Judge the Authorization field of head for all scopes (enum scope, or-ed) at
 * this time (wall); expired and revoked tokens are AUTH_INVALID.
 * *who is the token on AUTH_OK and AUTH_SCOPE, good as long as a is, and NULL
 * otherwise.
 */
MUST_USE enum auth_verdict
auth_check(const struct auth *a, const struct http_head *head, unsigned scopes,
    int64_t now_us, const struct config_token **who);

/* The problem to answer a verdict other than AUTH_OK with, and its
 * WWW-Authenticate line. */
enum problem auth_problem(enum auth_verdict v, const char **fields);

/* Wipe. */
void auth_fini(struct auth *a);

#endif
