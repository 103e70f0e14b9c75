/* The client against a stub on loopback; nothing here leaves the machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client_world.h"

#define LOCAL	"IP:127.0.0.1,DNS:localhost"
#define LONG_MS 20000

/* ---- helpers */

static void
post(struct client_world *w)
{
	static const char *const headers[] = { "Content-Type: application/json",
		"webhook-id: rcpt_x" };

	assert_int_equal(client_post(w->client, w->target, headers, 2,
			     bytes_of("{\"a\":1}"), client_world_done, w),
	    ST_OK);
}

static struct client_result
post_and_wait(struct client_world *w)
{
	w->n_wanted = w->n_done + 1;
	post(w);
	loop_run(w->loop);
	assert_int_equal(w->n_done, w->n_wanted);
	return w->last;
}

static void
expect_answer(struct client_world *w, long http_status)
{
	struct client_result r = post_and_wait(w);

	assert_int_equal(r.end, CLIENT_ANSWER);
	assert_int_equal(r.http_status, http_status);
}

static void
expect_end(struct client_world *w, enum client_end end)
{
	struct client_result r = post_and_wait(w);

	assert_int_equal(r.end, end);
	assert_int_equal(r.http_status, 0);
}

/* ---- what is sent */

static void
a_post_carries_body_headers_and_nothing_superfluous(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	char expected[512];
	char url[HTTP_STUB_URL];

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	expect_answer(w, 200);
	http_stub_url(w->stub, "127.0.0.1", "", url);
	(void)snprintf(expected, sizeof(expected),
	    "POST /hooks HTTP/1.1\r\nHost: %s\r\n"
	    "User-Agent: paysieve/" PAYSIEVE_VERSION "\r\n"
	    "Content-Type: application/json\r\nwebhook-id: rcpt_x\r\n"
	    "Content-Length: 7\r\n\r\n{\"a\":1}",
	    url + strlen("https://"));
	assert_string_equal(http_stub_request(w->stub, 0), expected);
	client_world_free(w);
}

static void
a_long_body_is_sent_without_asking_first(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	char body[2048];

	(void)state;
	memset(body, 'x', sizeof(body));
	client_world_aim(w, "127.0.0.1", LONG_MS);
	w->n_wanted = 1;
	assert_int_equal(
	    client_post(w->client, w->target, NULL, 0,
		bytes_make(body, sizeof(body)), client_world_done, w),
	    ST_OK);
	loop_run(w->loop);
	assert_int_equal(w->last.http_status, 200);
	assert_null(strstr(http_stub_request(w->stub, 0), "Expect"));
	client_world_free(w);
}

static void
an_empty_body_is_posted(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	w->n_wanted = 1;
	assert_int_equal(client_post(w->client, w->target, NULL, 0,
			     bytes_make(NULL, 0), client_world_done, w),
	    ST_OK);
	loop_run(w->loop);
	assert_int_equal(w->last.http_status, 200);
	assert_non_null(
	    strstr(http_stub_request(w->stub, 0), "Content-Length: 0\r\n"));
	client_world_free(w);
}

/* ---- answers */

static void
statuses_come_back_as_they_are(void **state)
{
	static const struct {
		const char *bytes;
		long http_status;
	} answers[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 200 },
		{ "HTTP/1.1 204 No Content\r\n\r\n", 204 },
		{ "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410 },
		{ "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad", 500 },
		{ "HTTP/1.1 102 Wait\r\n\r\n"
		  "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n",
		    201 },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "2\r\nOK\r\n0\r\n\r\n",
		    200 },
	};
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		client_world_say(w, answers[i].bytes, HTTP_STUB_KEEP);
		expect_answer(w, answers[i].http_status);
	}
	client_world_free(w);
}

/* proves: R26 */
static void
a_redirect_is_an_answer_and_not_followed(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	char url[HTTP_STUB_URL], answer[256];

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	http_stub_url(w->stub, "127.0.0.1", "/elsewhere", url);
	(void)snprintf(answer, sizeof(answer),
	    "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
	    url);
	client_world_say(w, answer, HTTP_STUB_KEEP);
	expect_answer(w, 302);
	assert_int_equal(http_stub_requested(w->stub), 1);
	client_world_free(w);
}

static void
a_huge_answer_counts_once_enough_of_it_was_read(void **state)
{
	static const struct http_stub_answer huge = {
		"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n",
		HTTP_STUB_REPEAT,
		"0123456789012345678901234567890123456789012345678901234567890"
	};
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	http_stub_say(w->stub, &huge);
	expect_answer(w, 200);
	/* The sockets' buffers and no more, far from a gigabyte. */
	assert_true(http_stub_repeated_bytes(w->stub) < 64 * 1024 * 1024);
	client_world_free(w);
}

static void
endless_headers_are_cut_off(void **state)
{
	static const struct http_stub_answer endless = { "HTTP/1.1 200 OK\r\n",
		HTTP_STUB_REPEAT, "X-Filler: 0123456789\r\n" };
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	http_stub_say(w->stub, &endless);
	expect_end(w, CLIENT_IO);
	client_world_free(w);
}

static void
a_connection_cut_in_the_answer_is_an_io_end(void **state)
{
	static const char *const cut[] = {
		"",
		"HTTP/1.1 20",
		"HTTP/1.1 200 OK\r\nContent-Le",
		"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
		"HTTP/1.1 102 Wait\r\n\r\n",
		"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nO",
	};
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	for (size_t i = 0; i < ARRAY_LEN(cut); i++) {
		client_world_say(w, cut[i], HTTP_STUB_CLOSE);
		expect_end(w, CLIENT_IO);
	}
	client_world_free(w);
}

static void
an_answer_that_is_no_http_is_an_io_end(void **state)
{
	static const char *const strange[] = { "SSH-2.0-stub\r\n\r\n",
		"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 two hundred\r\n\r\n" };
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		client_world_say(w, strange[i], HTTP_STUB_CLOSE);
		expect_end(w, CLIENT_IO);
	}
	client_world_free(w);
}

/* ---- time */

static void
a_silent_server_times_out(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", 200);
	client_world_say(w, "", HTTP_STUB_HANG);
	expect_end(w, CLIENT_TIMEOUT);
	assert_true(w->last.took_us >= 190000);
	client_world_free(w);
}

static void
silence_on_a_kept_connection_times_out(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	expect_answer(w, 200);
	client_world_aim(w, "127.0.0.1", 200);
	client_world_say(w, "", HTTP_STUB_HANG);
	expect_end(w, CLIENT_TIMEOUT);
	assert_int_equal(http_stub_accepted(w->stub), 1);
	client_world_free(w);
}

static void
a_body_that_stalls_times_out(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", 200);
	client_world_say(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
	    HTTP_STUB_HANG);
	expect_end(w, CLIENT_TIMEOUT);
	client_world_free(w);
}

/* ---- trust */

static void
a_certificate_of_somebody_else_is_refused(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	struct http_stub *other = http_stub_start(LOCAL);
	char url[HTTP_STUB_URL];

	(void)state;
	http_stub_url(w->stub, "127.0.0.1", "/", url);
	client_world_aim_at(w, url, http_stub_ca(other), LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(http_stub_requested(w->stub), 0);
	http_stub_stop(other);
	client_world_free(w);
}

static void
the_systems_store_does_not_know_the_stub(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	char url[HTTP_STUB_URL];

	(void)state;
	http_stub_url(w->stub, "127.0.0.1", "/", url);
	client_world_aim_at(w, url, "", LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(http_stub_requested(w->stub), 0);
	client_world_free(w);
}

static void
trust_given_to_one_target_is_not_given_to_the_next(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	char url[HTTP_STUB_URL];

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	expect_answer(w, 200);
	http_stub_url(w->stub, "127.0.0.1", "/", url);
	client_world_aim_at(w, url, "", LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(http_stub_requested(w->stub), 1);
	client_world_free(w);
}

/* proves: R23 */
static void
a_certificate_for_another_name_is_refused(void **state)
{
	struct client_world *w = client_world_new("DNS:billing.example");

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	client_world_aim(w, "localhost", LONG_MS);
	expect_end(w, CLIENT_CERTIFICATE);
	assert_int_equal(http_stub_requested(w->stub), 0);
	client_world_free(w);
}

static void
a_server_without_tls_is_refused(void **state)
{
	struct client_world *w = client_world_new(NULL);
	char url[HTTP_STUB_URL], https[HTTP_STUB_URL + 8];

	(void)state;
	http_stub_url(w->stub, "127.0.0.1", "/", url);
	(void)snprintf(https, sizeof(https), "https%s", url + strlen("http"));
	client_world_aim_at(w, https, "", 200);
	expect_end(w, CLIENT_TIMEOUT); /* it waits for a request line */
	assert_int_equal(http_stub_requested(w->stub), 0);
	client_world_free(w);
}

static void
text_that_is_no_certificate_trusts_nobody(void **state)
{
	struct client_world *w = client_world_new(LOCAL);
	char url[HTTP_STUB_URL];

	(void)state;
	http_stub_url(w->stub, "127.0.0.1", "/", url);
	client_world_aim_at(w, url, "no certificate", LONG_MS);
	expect_end(w, CLIENT_TLS);
	client_world_free(w);
}

/* ---- where to */

static void
a_closed_port_is_a_connect_end(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	http_stub_stop(w->stub);
	w->stub = NULL;
	post_and_wait(w);
	w->stub = http_stub_start(LOCAL);
	assert_int_equal(w->last.end, CLIENT_CONNECT);
	client_world_free(w);
}

static void
a_name_that_cannot_exist_is_a_dns_end(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	/* A label of 64 letters: no resolver even asks for it. */
	client_world_aim_at(w,
	    "https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaa.invalid/",
	    "", LONG_MS);
	expect_end(w, CLIENT_DNS);
	client_world_free(w);
}

static void
http_reaches_loopback_by_address_and_by_name(void **state)
{
	struct client_world *w = client_world_new(NULL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	expect_answer(w, 200);
	client_world_aim(w, "localhost", LONG_MS);
	expect_answer(w, 200);
	client_world_free(w);
}

/* The kernel takes a connection to 0.0.0.0 to this very machine, so without
 * the check the stub would answer. */
static void
http_to_an_address_that_is_not_loopback_opens_nothing(void **state)
{
	struct client_world *w = client_world_new(NULL);

	(void)state;
	client_world_aim(w, "0.0.0.0", LONG_MS);
	expect_end(w, CLIENT_CONNECT);
	assert_int_equal(http_stub_accepted(w->stub), 0);
	client_world_aim_at(w, "http://192.0.2.1/", "", LONG_MS);
	expect_end(w, CLIENT_CONNECT);
	assert_true(w->last.took_us < LONG_MS * 1000 / 2);
	client_world_aim_at(w, "http://[2001:db8::1]/", "", LONG_MS);
	expect_end(w, CLIENT_CONNECT);
	client_world_aim_at(w, "http://[::ffff:192.0.2.1]/", "", LONG_MS);
	expect_end(w, CLIENT_CONNECT);
	client_world_free(w);
}

static void
proxies_of_the_environment_are_not_asked(void **state)
{
	static const char *const names[] = { "http_proxy", "https_proxy",
		"HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(setenv(names[i], "http://127.0.0.1:1", 1), 0);
	client_world_aim(w, "127.0.0.1", LONG_MS);
	expect_answer(w, 200);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(unsetenv(names[i]), 0);
	client_world_free(w);
}

static void
other_schemes_are_no_targets(void **state)
{
	static const char *const urls[] = { "ftp://127.0.0.1/",
		"file:///etc/hostname", "127.0.0.1", "https://", "" };
	struct client_target *t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct client_target_config cfg = {
			.url = urls[i], .ca_pem = "", .timeout_ms = 1000
		};

		assert_int_equal(client_target_new(&t, &cfg, &e), ST_CONFIG);
		assert_null(t);
	}
}

/* ---- connections and lives */

static void
a_connection_is_kept_and_used_again(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	for (int i = 0; i < 5; i++)
		expect_answer(w, 200);
	assert_int_equal(http_stub_requested(w->stub), 5);
	assert_int_equal(http_stub_accepted(w->stub), 1);
	client_world_free(w);
}

static void
many_requests_run_side_by_side(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	http_stub_hold(w->stub, true);
	for (int i = 0; i < 8; i++)
		post(w);
	client_world_run_until_requested(w, 8);
	assert_int_equal(w->n_done, 0);
	w->n_wanted = 8;
	http_stub_hold(w->stub, false);
	loop_run(w->loop);
	assert_int_equal(w->n_done, 8);
	client_world_free(w);
}

static void
post_again(void *arg, const struct client_result *r)
{
	struct client_world *w = arg;

	assert_int_equal(r->http_status, 200);
	w->n_wanted = w->n_done + 1;
	post(w);
}

static void
a_callback_may_post_again(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	assert_int_equal(client_post(w->client, w->target, NULL, 0,
			     bytes_of("x"), post_again, w),
	    ST_OK);
	loop_run(w->loop);
	assert_int_equal(w->n_done, 1);
	assert_int_equal(w->last.http_status, 200);
	client_world_free(w);
}

static void
a_refused_post_is_answered_later(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim_at(w, "http://192.0.2.1/", "", LONG_MS);
	post(w);
	assert_int_equal(w->n_done, 0);
	w->n_wanted = 1;
	loop_run(w->loop);
	assert_int_equal(w->n_done, 1);
	client_world_free(w);
}

static void
free_drops_what_is_under_way(void **state)
{
	struct client_world *w = client_world_new(LOCAL);

	(void)state;
	client_world_aim(w, "127.0.0.1", LONG_MS);
	http_stub_hold(w->stub, true);
	for (int i = 0; i < 3; i++)
		post(w);
	client_world_run_until_requested(w, 3);
	post(w); /* one that has not even begun */
	client_free(w->client);
	w->client = NULL;
	assert_int_equal(w->n_done, 0);
	client_world_free(w);
}

static void
a_client_that_never_was_is_freed(void **state)
{
	(void)state;
	client_free(NULL);
	client_target_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_post_carries_body_headers_and_nothing_superfluous),
		cmocka_unit_test(a_long_body_is_sent_without_asking_first),
		cmocka_unit_test(an_empty_body_is_posted),
		cmocka_unit_test(statuses_come_back_as_they_are),
		cmocka_unit_test(a_redirect_is_an_answer_and_not_followed),
		cmocka_unit_test(
		    a_huge_answer_counts_once_enough_of_it_was_read),
		cmocka_unit_test(endless_headers_are_cut_off),
		cmocka_unit_test(a_connection_cut_in_the_answer_is_an_io_end),
		cmocka_unit_test(an_answer_that_is_no_http_is_an_io_end),
		cmocka_unit_test(a_silent_server_times_out),
		cmocka_unit_test(silence_on_a_kept_connection_times_out),
		cmocka_unit_test(a_body_that_stalls_times_out),
		cmocka_unit_test(a_certificate_of_somebody_else_is_refused),
		cmocka_unit_test(the_systems_store_does_not_know_the_stub),
		cmocka_unit_test(
		    trust_given_to_one_target_is_not_given_to_the_next),
		cmocka_unit_test(a_certificate_for_another_name_is_refused),
		cmocka_unit_test(a_server_without_tls_is_refused),
		cmocka_unit_test(text_that_is_no_certificate_trusts_nobody),
		cmocka_unit_test(a_closed_port_is_a_connect_end),
		cmocka_unit_test(a_name_that_cannot_exist_is_a_dns_end),
		cmocka_unit_test(http_reaches_loopback_by_address_and_by_name),
		cmocka_unit_test(
		    http_to_an_address_that_is_not_loopback_opens_nothing),
		cmocka_unit_test(proxies_of_the_environment_are_not_asked),
		cmocka_unit_test(other_schemes_are_no_targets),
		cmocka_unit_test(a_connection_is_kept_and_used_again),
		cmocka_unit_test(many_requests_run_side_by_side),
		cmocka_unit_test(a_callback_may_post_again),
		cmocka_unit_test(a_refused_post_is_answered_later),
		cmocka_unit_test(free_drops_what_is_under_way),
		cmocka_unit_test(a_client_that_never_was_is_freed),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
