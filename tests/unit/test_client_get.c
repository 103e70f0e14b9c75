/* Questions of the client: what a GET sends, and what it makes of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "client_world.h"

#define LOCAL	"IP:127.0.0.1,DNS:localhost"
#define LONG_MS 20000
#define MOST	1000
#define WHERE	"/ask?a=1&b=two%20words"
#define OK	"HTTP/1.1 200 OK\r\n"

/* ---- helpers */

static struct client_result
get_and_wait(struct client_world *w)
{
	w->n_wanted = w->n_done + 1;
	assert_int_equal(client_get(w->client, w->target, bytes_of(WHERE), MOST,
			     client_world_done, w),
	    ST_OK);
	assert_int_equal(w->n_done, w->n_wanted - 1);
	loop_run(w->loop);
	assert_int_equal(w->n_done, w->n_wanted);
	return w->last;
}

static void
expect_answer(struct client_world *w, long http_status, const char *body)
{
	struct client_result r = get_and_wait(w);

	assert_int_equal(r.end, CLIENT_ANSWER);
	assert_int_equal(r.http_status, http_status);
	assert_false(r.cut);
	assert_string_equal(w->body, body);
	assert_int_equal(r.body.len, strlen(body));
}

static void
expect_end(struct client_world *w, enum client_end end)
{
	struct client_result r = get_and_wait(w);

	assert_int_equal(r.end, end);
	assert_int_equal(r.http_status, 0);
	assert_int_equal(r.retry_after_s, -1);
	assert_int_equal(r.body.len, 0);
	assert_false(r.cut);
}

static void
expect_cut(struct client_world *w)
{
	struct client_result r = get_and_wait(w);

	assert_int_equal(r.end, CLIENT_ANSWER);
	assert_int_equal(r.http_status, 200);
	assert_true(r.cut);
	assert_int_equal(r.body.len, 0);
}

/* A head, and n bytes behind it that are its whole body. */
static void
say_with(struct client_world *w, const char *head, const void *body, size_t n)
{
	static char answer[2048]; /* the stub borrows it */
	int len = snprintf(answer, sizeof(answer),
	    OK "%sContent-Length: %zu\r\n\r\n", head, n);

	assert_true(len > 0 && (size_t)len + n <= sizeof(answer));
	memcpy(answer + len, body, n);
	http_stub_say_bytes(w->stub, answer, (size_t)len + n, HTTP_STUB_KEEP);
}

static struct client_world *
aimed(const char *names, int64_t timeout_ms)
{
	struct client_world *w = client_world_new(names);
	char url[HTTP_STUB_URL];

	http_stub_url(w->stub, "127.0.0.1", "", url);
	client_world_aim_at(w, url, http_stub_ca(w->stub), timeout_ms);
	return w;
}

/* ---- what is sent */

static void
a_get_asks_for_uncompressed_json_and_says_no_more(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);
	char expected[512], url[HTTP_STUB_URL];

	(void)state;
	expect_answer(w, 200, "");
	http_stub_url(w->stub, "127.0.0.1", "", url);
	(void)snprintf(expected, sizeof(expected),
	    "GET %s HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: paysieve/" PAYSIEVE_VERSION "\r\n"
	    "Accept-Encoding: identity\r\nAccept: application/json\r\n\r\n",
	    WHERE, url + strlen("https://"));
	assert_string_equal(http_stub_request(w->stub, 0), expected);
	client_world_free(w);
}

/* ---- bodies */

static void
the_body_is_handed_over_whole(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	say_with(w, "", "{\"a\":1}", 7);
	expect_answer(w, 200, "{\"a\":1}");
	client_world_say(w,
	    OK "Transfer-Encoding: chunked\r\n\r\n"
	       "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
	    HTTP_STUB_KEEP);
	expect_answer(w, 200, "[1,2]");
	client_world_say(w, OK "\r\nto the end", HTTP_STUB_CLOSE);
	expect_answer(w, 200, "to the end");
	client_world_say(w, "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nlate",
	    HTTP_STUB_KEEP);
	expect_answer(w, 503, "late");
	client_world_free(w);
}

/* gzip of {"status":"VALID"}. */
static const unsigned char zipped[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x02, 0x03, 0xab, 0x56, 0x2a, 0x2e, 0x49, 0x2c, 0x29, 0x2d,
	0x56, 0xb2, 0x52, 0x0a, 0x73, 0xf4, 0xf1, 0x74, 0x51, 0xaa, 0x05, 0x00,
	0xa5, 0xbd, 0x6c, 0x29, 0x12, 0x00, 0x00, 0x00 };

static void
gzip_that_was_not_asked_for_is_decoded(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	say_with(w, "Content-Encoding: gzip\r\n", zipped, sizeof(zipped));
	expect_answer(w, 200, "{\"status\":\"VALID\"}");
	client_world_free(w);
}

static void
broken_gzip_is_an_io_end(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);
	unsigned char broken[sizeof(zipped)];

	(void)state;
	memcpy(broken, zipped, sizeof(zipped));
	broken[12] ^= 0xff;
	say_with(w, "Content-Encoding: gzip\r\n", broken, sizeof(broken));
	expect_end(w, CLIENT_IO);
	memcpy(broken, zipped, sizeof(zipped));
	broken[sizeof(broken) - 8] ^= 0xff; /* its checksum */
	say_with(w, "Content-Encoding: gzip\r\n", broken, sizeof(broken));
	expect_end(w, CLIENT_IO);
	say_with(w, "Content-Encoding: gzip\r\n", "{\"a\":1}", 7);
	expect_end(w, CLIENT_IO);
	client_world_free(w);
}

static void
codings_whose_decoders_cannot_be_wiped_are_refused(void **state)
{
	static const char *const heads[] = { "Content-Encoding: br\r\n",
		"content-encoding: zstd\r\n", "Content-Encoding: gzip, br\r\n",
		"Transfer-Encoding: br, chunked\r\n" };
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		say_with(w, heads[i], "{\"a\":1}", 7);
		expect_end(w, CLIENT_IO);
	}
	client_world_free(w);
}

static void
a_body_as_long_as_allowed_is_kept_and_one_byte_more_is_cut(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);
	char body[MOST + 2];

	(void)state;
	memset(body, 'x', sizeof(body));
	body[MOST] = '\0';
	say_with(w, "", body, MOST);
	expect_answer(w, 200, body);
	body[MOST] = 'x';
	say_with(w, "", body, MOST + 1);
	expect_cut(w);
	client_world_free(w);
}

/* 64 KiB of blanks. */
static void
a_zip_bomb_is_cut(void **state)
{
	static const unsigned char bomb[97] = { 0x1f, 0x8b, 0x08, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x81, 0x00, 0x00,
		0x00, 0x00, 0x80, 0x20, 0x95, 0xfd, 0x29, 0x17, 0xa9,
		0x0a, [88] = 0x6a, 0x94, 0x19, 0x2c, 0xb4, 0x00, 0x00, 0x01,
		0x00 };
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	say_with(w, "Content-Encoding: gzip\r\n", bomb, sizeof(bomb));
	expect_cut(w);
	client_world_free(w);
}

static void
a_huge_answer_is_cut(void **state)
{
	static const struct http_stub_answer huge = {
		OK "Content-Length: 1073741824\r\n\r\n", HTTP_STUB_REPEAT,
		"0123456789012345678901234567890123456789012345678901234567890"
	};
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	http_stub_say(w->stub, &huge);
	expect_cut(w);
	/* The sockets' buffers and no more, far from a gigabyte. */
	assert_true(http_stub_repeated_bytes(w->stub) < 64 * 1024 * 1024);
	client_world_free(w);
}

static void
a_connection_cut_in_the_answer_is_an_io_end_without_a_body(void **state)
{
	static const char *const cut[] = { "", OK,
		OK "Content-Length: 10\r\n\r\nfour",
		OK "Transfer-Encoding: chunked\r\n\r\n2\r\nO" };
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		client_world_say(w, cut[i], HTTP_STUB_CLOSE);
		expect_end(w, CLIENT_IO);
	}
	client_world_free(w);
}

static void
a_slow_answer_times_out(void **state)
{
	struct client_world *w = aimed(LOCAL, 200);

	(void)state;
	client_world_say(w, OK "Content-Length: 9\r\n\r\nab", HTTP_STUB_HANG);
	expect_end(w, CLIENT_TIMEOUT);
	client_world_free(w);
}

static void
a_redirect_is_an_answer_and_not_followed(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);
	char url[HTTP_STUB_URL], answer[256];

	(void)state;
	http_stub_url(w->stub, "127.0.0.1", "/elsewhere", url);
	(void)snprintf(answer, sizeof(answer),
	    "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
	    url);
	client_world_say(w, answer, HTTP_STUB_KEEP);
	expect_answer(w, 302, "");
	assert_int_equal(http_stub_requested(w->stub), 1);
	client_world_free(w);
}

/* ---- Retry-After */

static int64_t
retry_after(struct client_world *w, const char *header)
{
	char answer[256];
	struct client_result r;

	(void)snprintf(answer, sizeof(answer),
	    "HTTP/1.1 429 Slow\r\n%sContent-Length: 0\r\n\r\n", header);
	client_world_say(w, answer, HTTP_STUB_KEEP);
	r = get_and_wait(w);
	assert_int_equal(r.http_status, 429);
	return r.retry_after_s;
}

static void
retry_after_is_read_as_seconds(void **state)
{
	static const struct {
		const char *header;
		int64_t s;
	} cases[] = {
		{ "", -1 },
		{ "Retry-After: 120\r\n", 120 },
		{ "retry-after:7 \r\n", 7 },
		{ "Retry-After: 0\r\n", 0 },
		{ "Retry-After: 86401\r\n", 86400 },
		{ "Retry-After: 99999999999999999999999999\r\n", 86400 },
		{ "Retry-After: \r\n", -1 },
		{ "Retry-After: -5\r\n", -1 },
		{ "Retry-After: 5 minutes\r\n", -1 },
		{ "Retry-After: soon\r\n", -1 },
		{ "Retry-After-All: 120\r\n", -1 },
	};
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(retry_after(w, cases[i].header), cases[i].s);
	client_world_free(w);
}

static void
retry_after_is_read_as_a_date(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);
	time_t at = time(NULL) + 1000;
	char header[128];
	struct tm tm;
	int64_t s;

	(void)state;
	assert_non_null(gmtime_r(&at, &tm));
	assert_true(strftime(header, sizeof(header),
			"Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) > 0);
	s = retry_after(w, header);
	assert_in_range(s, 970, 1000);
	assert_int_equal(
	    retry_after(w, "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n"),
	    0);
	assert_int_equal(
	    retry_after(w, "Retry-After: Fri, 31 Dec 2055 23:59:59 GMT\r\n"),
	    86400);
	client_world_free(w);
}

static void
retry_after_is_the_last_heads_and_of_a_post_too(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	client_world_say(w,
	    "HTTP/1.1 102 Wait\r\nRetry-After: 9\r\n\r\n" OK
	    "Content-Length: 0\r\n\r\n",
	    HTTP_STUB_KEEP);
	assert_int_equal(get_and_wait(w).retry_after_s, -1);
	client_world_say(w,
	    "HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n",
	    HTTP_STUB_KEEP);
	w->n_wanted = w->n_done + 1;
	assert_int_equal(client_post(w->client, w->target, NULL, 0,
			     bytes_of("x"), client_world_done, w),
	    ST_OK);
	loop_run(w->loop);
	assert_int_equal(w->last.retry_after_s, 9);
	client_world_free(w);
}

/* ---- trust, where to */

/* proves: R23 */
static void
an_expired_certificate_is_refused(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	struct http_stub *old = http_stub_start_expired(LOCAL);
	char url[HTTP_STUB_URL];

	(void)state;
	http_stub_url(old, "127.0.0.1", "", url);
	client_world_aim_at(w, url, http_stub_ca(old), LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(w->last.flaw, CLIENT_FLAW_EXPIRED);
	assert_int_equal(http_stub_requested(old), 0);
	http_stub_stop(old);
	client_world_free(w);
}

static void
a_certificate_for_another_name_is_refused(void **state)
{
	struct client_world *w = aimed("DNS:provider.example", LONG_MS);

	(void)state;
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(w->last.flaw, CLIENT_FLAW_NAME);
	assert_int_equal(http_stub_requested(w->stub), 0);
	client_world_free(w);
}

static void
a_certificate_of_somebody_else_is_refused(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	struct http_stub *other = http_stub_start(LOCAL);
	char url[HTTP_STUB_URL];

	(void)state;
	http_stub_url(w->stub, "127.0.0.1", "", url);
	client_world_aim_at(w, url, http_stub_ca(other), LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(w->last.flaw, CLIENT_FLAW_SELF_SIGNED);
	client_world_aim_at(w, url, "", LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(http_stub_requested(w->stub), 0);
	http_stub_stop(other);
	client_world_free(w);
}

/* The kernel takes a connection to 0.0.0.0 to this very machine, so without
 * the check the stub would answer. */
static void
http_goes_to_loopback_only(void **state)
{
	struct client_world *w = aimed(NULL, LONG_MS);
	char url[HTTP_STUB_URL];

	(void)state;
	say_with(w, "", "[]", 2);
	expect_answer(w, 200, "[]");
	http_stub_url(w->stub, "0.0.0.0", "", url);
	client_world_aim_at(w, url, "", LONG_MS);
	expect_end(w, CLIENT_CONNECT);
	assert_int_equal(http_stub_requested(w->stub), 1);
	client_world_free(w);
}

/* ---- connections and lives */

static void
a_connection_is_kept_and_used_again(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	say_with(w, "", "[]", 2);
	for (int i = 0; i < 5; i++)
		expect_answer(w, 200, "[]");
	assert_int_equal(http_stub_requested(w->stub), 5);
	assert_int_equal(http_stub_accepted(w->stub), 1);
	client_world_free(w);
}

static void
burst(struct client_world *w, size_t n)
{
	size_t seen = http_stub_requested(w->stub);

	http_stub_hold(w->stub, true);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    client_get(w->client, w->target, bytes_of(WHERE), MOST,
			client_world_done, w),
		    ST_OK);
	client_world_run_until_requested(w, seen + n);
	w->n_wanted = w->n_done + n;
	http_stub_hold(w->stub, false);
	loop_run(w->loop);
	assert_int_equal(w->n_done, seen + n);
}

static void
a_burst_finds_the_connections_of_the_one_before(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	say_with(w, "", "[]", 2);
	for (int i = 0; i < 3; i++) {
		burst(w, 12);
		burst(w, 1);
	}
	assert_int_equal(http_stub_accepted(w->stub), 12);
	client_world_free(w);
}

static void
get_again(void *arg, const struct client_result *r)
{
	struct client_world *w = arg;

	assert_int_equal(r->body.len, 2);
	w->n_wanted = w->n_done + 1;
	assert_int_equal(client_get(w->client, w->target, bytes_of("/2"), MOST,
			     client_world_done, w),
	    ST_OK);
	assert_memory_equal(r->body.ptr, "[]", 2);
}

static void
a_callback_may_get_again(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	say_with(w, "", "[]", 2);
	assert_int_equal(client_get(w->client, w->target, bytes_of("/1"), MOST,
			     get_again, w),
	    ST_OK);
	loop_run(w->loop);
	assert_int_equal(w->n_done, 1);
	assert_string_equal(w->body, "[]");
	client_world_free(w);
}

static void
free_drops_what_is_under_way(void **state)
{
	struct client_world *w = aimed(LOCAL, LONG_MS);

	(void)state;
	http_stub_hold(w->stub, true);
	for (int i = 0; i < 3; i++)
		assert_int_equal(client_get(w->client, w->target, bytes_of("/"),
				     MOST, client_world_done, w),
		    ST_OK);
	client_world_run_until_requested(w, 3);
	client_free(w->client);
	w->client = NULL;
	assert_int_equal(w->n_done, 0);
	client_world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_get_asks_for_uncompressed_json_and_says_no_more),
		cmocka_unit_test(the_body_is_handed_over_whole),
		cmocka_unit_test(gzip_that_was_not_asked_for_is_decoded),
		cmocka_unit_test(broken_gzip_is_an_io_end),
		cmocka_unit_test(
		    codings_whose_decoders_cannot_be_wiped_are_refused),
		cmocka_unit_test(
		    a_body_as_long_as_allowed_is_kept_and_one_byte_more_is_cut),
		cmocka_unit_test(a_zip_bomb_is_cut),
		cmocka_unit_test(a_huge_answer_is_cut),
		cmocka_unit_test(
		    a_connection_cut_in_the_answer_is_an_io_end_without_a_body),
		cmocka_unit_test(a_slow_answer_times_out),
		cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
		cmocka_unit_test(retry_after_is_read_as_seconds),
		cmocka_unit_test(retry_after_is_read_as_a_date),
		cmocka_unit_test(
		    retry_after_is_the_last_heads_and_of_a_post_too),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(a_certificate_for_another_name_is_refused),
		cmocka_unit_test(a_certificate_of_somebody_else_is_refused),
		cmocka_unit_test(http_goes_to_loopback_only),
		cmocka_unit_test(a_connection_is_kept_and_used_again),
		cmocka_unit_test(
		    a_burst_finds_the_connections_of_the_one_before),
		cmocka_unit_test(a_callback_may_get_again),
		cmocka_unit_test(free_drops_what_is_under_way),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
