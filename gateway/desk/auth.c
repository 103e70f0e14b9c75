#include "desk/auth.h"

#include <assert.h>
#include <string.h>

#include "base/secret.h"

#define REALM "WWW-Authenticate: Bearer realm=\"paysieve\""

void
auth_init(struct auth *a, const struct config_token *tokens, size_t n)
{
	assert(n <= CONFIG_TOKENS);
	memset(a, 0, sizeof(*a));
	a->n = n;
	if (n > 0)
		memcpy(a->tokens, tokens, n * sizeof(*tokens));
}

void
auth_revoke(struct auth *a, const unsigned char sha256[32])
{
	for (size_t i = 0; i < a->n; i++) {
		if (memcmp(sha256, a->tokens[i].sha256, 32) == 0)
			a->revoked[i] = true;
	}
}

bool
auth_used(struct auth *a, const struct config_token *who, uint32_t day)
{
	uint32_t *said = &a->day[who - a->tokens];
	bool news = *said != day;

	*said = day;
	return news;
}

void
auth_fini(struct auth *a)
{
	secret_wipe(a, sizeof(*a));
}

static bool
token_letter(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("-._~+/", c) != NULL);
}

/* b64token of RFC 6750, 2.1: letters, then any number of '='. */
static bool
token_valid(struct bytes token)
{
	size_t n = token.len;

	if (n == 0 || n > AUTH_TOKEN_MAX)
		return false;
	while (n > 0 && token.ptr[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		if (!token_letter(token.ptr[i]))
			return false;
	}
	return n > 0;
}

/* What follows "Bearer "; false for another scheme or none. */
static bool
bearer(const struct http_head *head, struct bytes *token)
{
	struct bytes value = http_field(head, "authorization");
	const size_t scheme = sizeof("bearer") - 1;
	size_t at = scheme;

	if (value.ptr == NULL || value.len < scheme ||
	    !http_token_is(bytes_make(value.ptr, scheme), "bearer"))
		return false;
	if (value.len > scheme && value.ptr[scheme] != ' ')
		return false;
	while (at < value.len && value.ptr[at] == ' ')
		at++;
	*token = bytes_make(value.ptr + at, value.len - at);
	return true;
}

enum auth_verdict
auth_check(const struct auth *a, const struct http_head *head, unsigned scopes,
    int64_t now_us, const struct config_token **who)
{
	unsigned char digest[SECRET_SHA256];
	struct bytes token;

	*who = NULL;
	if (!bearer(head, &token))
		return AUTH_NONE;
	if (!token_valid(token) ||
	    secret_sha256(token.ptr, token.len, digest) != ST_OK)
		return AUTH_INVALID;
	/* All of them, found or not: the time tells nothing. */
	for (size_t i = 0; i < a->n; i++) {
		if (secret_equal(digest, a->tokens[i].sha256, sizeof(digest)))
			*who = &a->tokens[i];
	}
	secret_wipe(digest, sizeof(digest));
	if (*who != NULL &&
	    (a->revoked[*who - a->tokens] || now_us >= (*who)->expires_us))
		*who = NULL;
	if (*who == NULL)
		return AUTH_INVALID;
	return ((*who)->scopes & scopes) == scopes ? AUTH_OK : AUTH_SCOPE;
}

enum problem
auth_problem(enum auth_verdict v, const char **fields)
{
	switch (v) {
	case AUTH_SCOPE:
		*fields = REALM ", error=\"insufficient_scope\"\r\n";
		return PROBLEM_SCOPE;
	case AUTH_INVALID:
		*fields = REALM ", error=\"invalid_token\"\r\n";
		return PROBLEM_UNAUTHORIZED;
	case AUTH_NONE:
	case AUTH_OK:
		break;
	}
	*fields = REALM "\r\n";
	return PROBLEM_UNAUTHORIZED;
}
