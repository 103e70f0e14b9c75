/* Tokens: their text, and what the command makes, lists and revokes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "command/command.h"
#include "command/token.h"
#include "command_world.h"
#include "keeper/store_driver.h"

/* ---- helpers */

/* Run `token` with these arguments and what it prints into out. */
static int
run(char *const *args, char *out, size_t cap)
{
	char *argv[12] = { (char[]){ "paysieve token" } };
	int argc = 1, code, was = dup(STDOUT_FILENO);
	FILE *f = tmpfile();
	size_t n;

	while (args[argc - 1] != NULL) {
		argv[argc] = args[argc - 1];
		argc++;
	}
	assert_non_null(f);
	assert_true(was >= 0);
	(void)fflush(stdout);
	assert_true(dup2(fileno(f), STDOUT_FILENO) >= 0);
	optind = 0;
	code = token_main(NULL, argc, argv);
	(void)fflush(stdout);
	assert_true(dup2(was, STDOUT_FILENO) >= 0);
	(void)close(was);
	rewind(f);
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	(void)fclose(f);
	return code;
}

#define ARGS(...) ((char *[]){ __VA_ARGS__, NULL })
#define ARG(text) ((char[]){ text })

/* ---- token_format() */

static void
a_token_is_base64url_without_padding(void **state)
{
	unsigned char raw[TOKEN_RAW];
	char text[TOKEN_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (unsigned char)(0xff - i);
	token_format(raw, text);
	assert_string_equal(
	    text, "pst___79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA");
	memset(raw, 0, sizeof(raw));
	token_format(raw, text);
	assert_string_equal(
	    text, "pst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

/* ---- the command */

static void
the_lines_hold_the_digest_of_the_token(void **state)
{
	char out[1024], want[512], digest[SECRET_SHA256_HEX];
	char *end;

	(void)state;
	assert_int_equal(
	    run(ARGS(ARG("new"), ARG("billing"), ARG("--merchant"),
		    ARG("testbox"), ARG("--scopes"), ARG("read,check,confirm")),
		out, sizeof(out)),
	    0);
	end = strchr(out, '\n');
	assert_non_null(end);
	assert_int_equal(end - out, TOKEN_TEXT - 1);
	assert_int_equal(
	    secret_sha256_hex(out, (size_t)(end - out), digest), ST_OK);
	(void)snprintf(want, sizeof(want),
	    "\n\n[token billing]\nsha256   = %s\nmerchant = testbox\n"
	    "scopes   = read check confirm\n",
	    digest);
	assert_string_equal(end, want);
}

static void
an_expiry_becomes_a_line(void **state)
{
	char out[1024];

	(void)state;
	assert_int_equal(
	    run(ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read"), ARG("--expires=2028-02-29")),
		out, sizeof(out)),
	    0);
	assert_non_null(
	    strstr(out, "\nscopes   = read\nexpires  = 2028-02-29\n"));
}

static void
every_token_is_another(void **state)
{
	char a[1024], b[1024];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    run(ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
			    ARG("--scopes=read")),
			i == 0 ? a : b, sizeof(a)),
		    0);
	assert_string_not_equal(a, b);
}

static void
wrong_arguments_are_refused(void **state)
{
	char *const *const bad[] = {
		ARGS(ARG("new"), ARG("n")),
		ARGS(ARG("old"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read")),
		ARGS(ARG("new"), ARG("--merchant=m"), ARG("--scopes=read")),
		ARGS(ARG("new"), ARG("a b"), ARG("--merchant=m"),
		    ARG("--scopes=read")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant="),
		    ARG("--scopes=read")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read,")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read,read")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=write")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read"), ARG("--more")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read"), ARG("--expires=2027-02-29")),
		ARGS(ARG("new"), ARG("n"), ARG("--merchant=m"),
		    ARG("--scopes=read"),
		    ARG("--expires=2027-02-28T00:00:00Z")),
		ARGS(ARG("list"), ARG("n")),
		ARGS(ARG("revoke")),
		ARGS(ARG("revoke"), ARG("n"), ARG("m")),
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(run(bad[i], out, sizeof(out)), EXIT_USAGE);
		assert_string_equal(out, "");
	}
}

/* ---- those that are there */

#define NULLS "00000000000000000000000000000000000000000000000000000000000000"

/* Their digests end with 01, 02 and 03. */
static const char tokens[] =
    "[token ledger]\nsha256 = " NULLS "01\nmerchant = first\n"
    "scopes = read deliver\n"
    "[token reports]\nsha256 = " NULLS "02\nmerchant = second\n"
    "scopes = confirm read\nexpires = 2020-02-29\n"
    "[token later]\nsha256 = " NULLS "03\nmerchant = first\n"
    "scopes = erase\nexpires = 2099-01-01\n";

static struct command_world *world;

/* A store in which `ledger` was used on 2025-12-02. */
static int
set_up(void **state)
{
	const struct store_driver *d = store_driver_find("sqlite");
	struct store_token used = { .sha256 = { [31] = 1 }, .day = 20424 };
	struct store *s;
	struct err e = { "" };

	(void)state;
	world = command_world_new("https://billing.example");
	command_world_add(world, tokens);
	assert_int_equal(d->open(&s, world->store, STORE_WRITE, &e), ST_OK);
	assert_int_equal(d->begin(s), ST_OK);
	assert_int_equal(d->token(s, &used), ST_OK);
	assert_int_equal(d->commit(s), ST_OK);
	d->close(s);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	command_world_free(world);
	return 0;
}

#define RUN(...)                                               \
	command_world_run(world, token_main, "paysieve token", \
	    (const char *const[]){ __VA_ARGS__, NULL })

static void
tokens_are_listed_with_what_the_store_knows(void **state)
{
	(void)state;
	assert_int_equal(RUN("list"), EXIT_GOOD);
	assert_string_equal(world->err, "");
	assert_string_equal(world->out,
	    "{\"name\":\"ledger\",\"merchant\":\"first\",\"state\":\"valid\","
	    "\"scopes\":\"read deliver\",\"expires\":null,"
	    "\"last_used\":\"2025-12-02\"}\n"
	    "{\"name\":\"reports\",\"merchant\":\"second\",\"state\":"
	    "\"expired\",\"scopes\":\"read confirm\",\"expires\":"
	    "\"2020-02-29\",\"last_used\":null}\n"
	    "{\"name\":\"later\",\"merchant\":\"first\",\"state\":\"valid\","
	    "\"scopes\":\"erase\",\"expires\":\"2099-01-01\","
	    "\"last_used\":null}\n");
	/* no digest, and nothing of one */
	assert_null(strstr(world->out, "0000"));
}

static void
one_is_revoked_by_its_name(void **state)
{
	(void)state;
	assert_int_equal(RUN("revoke", "later"), EXIT_GOOD);
	assert_string_equal(world->out, "later is revoked\n");
	assert_non_null(strstr(world->err, "\"event\":\"token_revoked\""));
	assert_int_equal(RUN("list"), EXIT_GOOD);
	assert_non_null(strstr(world->out,
	    "{\"name\":\"later\",\"merchant\":\"first\",\"state\":"
	    "\"revoked\","));
	assert_non_null(strstr(world->out,
	    "{\"name\":\"ledger\",\"merchant\":\"first\",\"state\":"
	    "\"valid\","));
}

static void
one_that_is_not_configured_cannot_be_revoked(void **state)
{
	(void)state;
	assert_int_equal(RUN("revoke", "nobody"), EXIT_FAILED);
	assert_string_equal(world->out, "");
	assert_string_equal(world->err,
	    "paysieve token: the configuration has no such token\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_base64url_without_padding),
		cmocka_unit_test(the_lines_hold_the_digest_of_the_token),
		cmocka_unit_test(an_expiry_becomes_a_line),
		cmocka_unit_test(every_token_is_another),
		CASE(tokens_are_listed_with_what_the_store_knows),
		CASE(one_is_revoked_by_its_name),
		CASE(one_that_is_not_configured_cannot_be_revoked),
		cmocka_unit_test(wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
