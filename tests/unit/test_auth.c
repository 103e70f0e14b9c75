#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/secret.h"
#include "desk/auth.h"

#define FIRST  "first-token_1.2~3+4/5=="
#define SECOND "second"
#define READER "reader"
#define NOW    INT64_C(1764657045000000)

static struct auth auth;
static char request[2048];
static struct http_head head;

static void
make_token(struct config_token *t, const char *name, const char *merchant,
    const char *token, unsigned scopes)
{
	memset(t, 0, sizeof(*t));
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	(void)snprintf(t->merchant, sizeof(t->merchant), "%s", merchant);
	t->scopes = scopes;
	t->expires_us = INT64_MAX;
	assert_int_equal(secret_sha256(token, strlen(token), t->sha256), ST_OK);
}

static int
set_up(void **state)
{
	struct config_token tokens[3];

	(void)state;
	make_token(&tokens[0], "one", "shop_a", FIRST, SCOPE_READ);
	make_token(
	    &tokens[1], "two", "shop_b", SECOND, SCOPE_READ | SCOPE_ERASE);
	make_token(&tokens[2], "three", "shop_a", READER,
	    SCOPE_DELIVER | SCOPE_CONFIRM);
	auth_init(&auth, tokens, 3);
	return 0;
}

static int
tear_down(void **state)
{
	static const struct auth zero;

	(void)state;
	auth_fini(&auth);
	assert_memory_equal(&auth, &zero, sizeof(auth));
	return 0;
}

/* The verdict on a request with these lines of the head. */
static enum auth_verdict
check(const char *fields, unsigned scopes, const struct config_token **who)
{
	enum problem why = PROBLEMS;
	int len = snprintf(request, sizeof(request),
	    "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);

	assert_true(len > 0 && (size_t)len < sizeof(request));
	memset(&head, 0, sizeof(head));
	assert_int_equal(
	    http_parse(&head, (unsigned char *)request, (size_t)len, &why),
	    HTTP_DONE);
	return auth_check(&auth, &head, scopes, NOW, who);
}

static void
each_token_stands_for_its_merchant(void **state)
{
	const struct config_token *who;

	(void)state;
	assert_int_equal(
	    check("Authorization: Bearer " FIRST "\r\n", SCOPE_READ, &who),
	    AUTH_OK);
	assert_string_equal(who->merchant, "shop_a");
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_READ, &who),
	    AUTH_OK);
	assert_string_equal(who->merchant, "shop_b");
	assert_string_equal(who->name, "two");
}

static void
the_scheme_is_of_either_case(void **state)
{
	const struct config_token *who;

	(void)state;
	assert_int_equal(
	    check("authorization: bEARER   " SECOND "  \r\n", SCOPE_READ, &who),
	    AUTH_OK);
}

static void
without_a_bearer_token_nobody_is_known(void **state)
{
	static const char *const none[] = { "", "Authorization: \r\n",
		"Authorization: Basic c2Vjb25k\r\n",
		"Authorization: " SECOND "\r\n",
		"Authorization: Bearer" SECOND "\r\n",
		"Authorization: Bear\r\n",
		"Authorization: Bearer " SECOND
		"\r\nAuthorization: Bearer " SECOND "\r\n",
		"X-Authorization: Bearer " SECOND "\r\n" };
	const struct config_token *who;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		assert_int_equal(check(none[i], SCOPE_READ, &who), AUTH_NONE);
		assert_null(who);
	}
}

static void
a_token_that_is_not_configured_is_invalid(void **state)
{
	static const char *const bad[] = { "Bearer", "Bearer secon",
		"Bearer second2", "Bearer Second", "Bearer second second",
		"Bearer second,", "Bearer =", "Bearer second=x",
		"Bearer \"second\"", "Bearer second\tsecond" };
	const struct config_token *who;
	char line[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)snprintf(
		    line, sizeof(line), "Authorization: %s\r\n", bad[i]);
		assert_int_equal(check(line, SCOPE_READ, &who), AUTH_INVALID);
		assert_null(who);
	}
}

/* A digest is not a token: who reads the configuration cannot come in. */
static void
the_configured_digest_opens_nothing(void **state)
{
	char hex[SECRET_SHA256_HEX], line[128];
	const struct config_token *who;

	(void)state;
	secret_hex(auth.tokens[1].sha256, SECRET_SHA256, hex);
	(void)snprintf(line, sizeof(line), "Authorization: Bearer %s\r\n", hex);
	assert_int_equal(check(line, SCOPE_READ, &who), AUTH_INVALID);
}

static void
a_token_has_a_longest_length(void **state)
{
	char token[AUTH_TOKEN_MAX + 2], line[AUTH_TOKEN_MAX + 64];
	const struct config_token *who;

	(void)state;
	memset(token, 'x', sizeof(token));
	token[AUTH_TOKEN_MAX + 1] = '\0';
	make_token(&auth.tokens[0], "one", "shop_a", token, SCOPE_READ);
	(void)snprintf(
	    line, sizeof(line), "Authorization: Bearer %s\r\n", token);
	assert_int_equal(check(line, SCOPE_READ, &who), AUTH_INVALID);
	token[AUTH_TOKEN_MAX] = '\0';
	make_token(&auth.tokens[0], "one", "shop_a", token, SCOPE_READ);
	(void)snprintf(
	    line, sizeof(line), "Authorization: Bearer %s\r\n", token);
	assert_int_equal(check(line, SCOPE_READ, &who), AUTH_OK);
}

/* proves: R33 */
static void
every_scope_asked_for_is_needed(void **state)
{
	const struct config_token *who;

	(void)state;
	assert_int_equal(
	    check("Authorization: Bearer " READER "\r\n", SCOPE_READ, &who),
	    AUTH_SCOPE);
	assert_string_equal(who->name, "three");
	assert_int_equal(check("Authorization: Bearer " SECOND "\r\n",
			     SCOPE_READ | SCOPE_ERASE, &who),
	    AUTH_OK);
	assert_int_equal(check("Authorization: Bearer " SECOND "\r\n",
			     SCOPE_READ | SCOPE_CHECK, &who),
	    AUTH_SCOPE);
	assert_int_equal(
	    check("Authorization: Bearer " READER "\r\n", SCOPE_CONFIRM, &who),
	    AUTH_OK);
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_CONFIRM, &who),
	    AUTH_SCOPE);
}

static void
without_tokens_nothing_opens(void **state)
{
	const struct config_token *who;

	(void)state;
	auth_init(&auth, NULL, 0);
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_READ, &who),
	    AUTH_INVALID);
}

/* proves: R33 */
static void
a_token_ends_when_it_expires(void **state)
{
	const struct config_token *who;

	(void)state;
	auth.tokens[1].expires_us = NOW + 1;
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_READ, &who),
	    AUTH_OK);
	auth.tokens[1].expires_us = NOW;
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_READ, &who),
	    AUTH_INVALID);
	assert_null(who);
	/* Not even for what it never could. */
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_CHECK, &who),
	    AUTH_INVALID);
	assert_int_equal(
	    check("Authorization: Bearer " FIRST "\r\n", SCOPE_READ, &who),
	    AUTH_OK);
}

static void
a_revoked_token_is_invalid_and_no_other(void **state)
{
	const struct config_token *who;
	unsigned char unknown[32] = { 1 };

	(void)state;
	auth_revoke(&auth, unknown);
	auth_revoke(&auth, auth.tokens[1].sha256);
	assert_int_equal(
	    check("Authorization: Bearer " SECOND "\r\n", SCOPE_READ, &who),
	    AUTH_INVALID);
	assert_null(who);
	assert_int_equal(
	    check("Authorization: Bearer " FIRST "\r\n", SCOPE_READ, &who),
	    AUTH_OK);
	assert_int_equal(
	    check("Authorization: Bearer " READER "\r\n", SCOPE_DELIVER, &who),
	    AUTH_OK);
}

static void
a_use_is_said_once_a_day_and_token(void **state)
{
	(void)state;
	assert_true(auth_used(&auth, &auth.tokens[0], 20000));
	assert_false(auth_used(&auth, &auth.tokens[0], 20000));
	assert_true(auth_used(&auth, &auth.tokens[2], 20000));
	assert_true(auth_used(&auth, &auth.tokens[0], 20001));
	assert_false(auth_used(&auth, &auth.tokens[0], 20001));
}

static void
refusals_say_what_rfc_6750_wants(void **state)
{
	const char *fields;

	(void)state;
	assert_int_equal(
	    auth_problem(AUTH_NONE, &fields), PROBLEM_UNAUTHORIZED);
	assert_string_equal(
	    fields, "WWW-Authenticate: Bearer realm=\"paysieve\"\r\n");
	assert_int_equal(
	    auth_problem(AUTH_INVALID, &fields), PROBLEM_UNAUTHORIZED);
	assert_string_equal(fields,
	    "WWW-Authenticate: Bearer realm=\"paysieve\", "
	    "error=\"invalid_token\"\r\n");
	assert_int_equal(auth_problem(AUTH_SCOPE, &fields), PROBLEM_SCOPE);
	assert_string_equal(fields,
	    "WWW-Authenticate: Bearer realm=\"paysieve\", "
	    "error=\"insufficient_scope\"\r\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_token_stands_for_its_merchant),
		CASE(the_scheme_is_of_either_case),
		CASE(without_a_bearer_token_nobody_is_known),
		CASE(a_token_that_is_not_configured_is_invalid),
		CASE(the_configured_digest_opens_nothing),
		CASE(a_token_has_a_longest_length),
		CASE(every_scope_asked_for_is_needed),
		CASE(without_tokens_nothing_opens),
		CASE(a_token_ends_when_it_expires),
		CASE(a_revoked_token_is_invalid_and_no_other),
		CASE(a_use_is_said_once_a_day_and_token),
		CASE(refusals_say_what_rfc_6750_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
