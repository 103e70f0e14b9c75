/* Making tokens: their text, and what the command prints. */
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
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(run(bad[i], out, sizeof(out)), EXIT_USAGE);
		assert_string_equal(out, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_base64url_without_padding),
		cmocka_unit_test(the_lines_hold_the_digest_of_the_token),
		cmocka_unit_test(every_token_is_another),
		cmocka_unit_test(wrong_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
