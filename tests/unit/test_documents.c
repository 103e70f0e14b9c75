/*
 * What anybody may read who can connect.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/attr.h"
#include "desk_bench.h"

/* The public keys of RFC 8037 (A.2) and of 32 zeros. */
static const unsigned char keys[2][ED25519_PUBLIC] = {
	{ 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
	    0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
	    0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a },
	{ 0 }
};

static int
set_up(void **state)
{
	(void)state;
	desk_bench_configure(&bench.cfg);
	bench.cfg.n_public_keys = ARRAY_LEN(keys);
	memcpy(bench.cfg.public_keys, keys, sizeof(keys));
	desk_bench_start();
	desk_bench_open();
	return 0;
}

/* The members of RFC 7517 and 8037; kid is the thumbprint of RFC 7638, which
 * RFC 8037 (A.3) gives for the first one. */
static void
the_public_keys_are_shown_as_jwks(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/.well-known/jwks.json", NULL);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 200);
	assert_string_equal(got_field(&g, "Content-Type"), "application/json");
	assert_string_equal(g.body,
	    "{\"keys\":["
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
	    "\"alg\":\"EdDSA\","
	    "\"kid\":\"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k\","
	    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},"
	    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
	    "\"alg\":\"EdDSA\","
	    "\"kid\":\"ogRZbCR5KTrPFCAfuYmCMwj0w7Yuk3Lr6YWQWfpkbf0\","
	    "\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}");
	free(g.text);
	caller_close(&c);
}

static void
without_keys_the_set_is_empty(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/.well-known/jwks.json", NULL);
	caller_expect(&c, 200, "{\"keys\":[]}");
	caller_close(&c);
}

static int
set_up_full(void **state)
{
	(void)state;
	desk_bench_configure(&bench.cfg);
	bench.cfg.n_public_keys = ARRAY_LEN(bench.cfg.public_keys);
	for (size_t i = 0; i < bench.cfg.n_public_keys; i++)
		bench.cfg.public_keys[i][0] = (unsigned char)i;
	desk_bench_start();
	desk_bench_open();
	return 0;
}

static void
as_many_keys_as_there_can_be_are_shown(void **state)
{
	json_t *root;
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/.well-known/jwks.json", NULL);
	g = caller_answer(&c, false);
	root = json_loads(g.body, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "keys")),
	    ARRAY_LEN(bench.cfg.public_keys));
	json_decref(root);
	free(g.text);
	caller_close(&c);
}

static void
the_api_describes_itself(void **state)
{
	json_t *root, *paths;
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "GET", "/openapi.json", NULL);
	g = caller_answer(&c, false);
	assert_int_equal(g.status, 200);
	assert_string_equal(got_field(&g, "Content-Type"), "application/json");
	assert_null(got_field(&g, "RateLimit"));
	root = json_loads(g.body, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_memory_equal(
	    json_string_value(json_object_get(root, "openapi")), "3.1.", 4);
	paths = json_object_get(root, "paths");
	assert_non_null(json_object_get(paths, "/openapi.json"));
	assert_non_null(json_object_get(paths, "/v1/receipts"));
	json_decref(root);
	free(g.text);
	caller_close(&c);
}

static void
a_document_that_the_client_has_is_not_sent_again(void **state)
{
	static const char *const targets[] = { "/openapi.json",
		"/.well-known/jwks.json" };
	char etags[2][64], fields[192];
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		caller_request(&c, "GET", targets[i], NULL);
		g = caller_answer(&c, false);
		(void)snprintf(
		    etags[i], sizeof(etags[i]), "%s", got_field(&g, "ETag"));
		free(g.text);
		(void)snprintf(fields, sizeof(fields),
		    "If-None-Match: \"x\", %s\r\n", etags[i]);
		caller_request_with(&c, "GET", targets[i], NULL, fields);
		g = caller_answer(&c, false);
		assert_int_equal(g.status, 304);
		assert_string_equal(got_field(&g, "ETag"), etags[i]);
		free(g.text);
	}
	assert_string_not_equal(etags[0], etags[1]);
	(void)snprintf(
	    fields, sizeof(fields), "If-None-Match: %s\r\n", etags[0]);
	caller_request_with(&c, "GET", targets[1], NULL, fields);
	caller_expect(&c, 200, NULL);
	caller_close(&c);
}

static void
head_tells_how_long_a_document_is(void **state)
{
	struct caller c;
	struct got g;

	(void)state;
	caller_open(&c, true);
	caller_request(&c, "HEAD", "/openapi.json", NULL);
	g = caller_answer(&c, true);
	assert_int_equal(g.status, 200);
	assert_true(g.body_len > 10000);
	free(g.text);
	caller_close(&c);
}

/* Nobody is asked who he is, and whoever says it wrongly may read on. */
static void
documents_need_no_token_and_take_any(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, true);
	for (int i = 0; i < 20; i++) {
		caller_request(&c, "GET", "/.well-known/jwks.json", "wrong");
		caller_expect(&c, 200, NULL);
	}
	assert_int_equal(bench.page->cell[MET_API_UNAUTHORIZED], 0);
	caller_request(&c, "GET", "/openapi.json?x=1", NULL);
	caller_expect_problem(&c, 400, "problem:query-not-allowed");
	bench_asked_nothing();
	caller_close(&c);
}

static void
the_operators_side_has_no_documents(void **state)
{
	struct caller c;

	(void)state;
	caller_open(&c, false);
	caller_request(&c, "GET", "/openapi.json", NULL);
	caller_expect_problem(&c, 404, "problem:not-found");
	caller_close(&c);
}

#define CASE_WITH(name, set_up) \
	cmocka_unit_test_setup_teardown(name, set_up, desk_bench_tear_down)
#define CASE(name) CASE_WITH(name, desk_bench_set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_WITH(the_public_keys_are_shown_as_jwks, set_up),
		CASE(without_keys_the_set_is_empty),
		CASE_WITH(as_many_keys_as_there_can_be_are_shown, set_up_full),
		CASE(the_api_describes_itself),
		CASE(a_document_that_the_client_has_is_not_sent_again),
		CASE(head_tells_how_long_a_document_is),
		CASE(documents_need_no_token_and_take_any),
		CASE(the_operators_side_has_no_documents),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
