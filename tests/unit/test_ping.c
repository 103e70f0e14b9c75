/* `paysieve deliveries test`: a ping, and what it says about billing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "command/command.h"
#include "command_world.h"
#include "http_stub.h"

#define LOCAL "IP:127.0.0.1"

static struct http_stub *stub;
static struct command_world *world;

static int
set_up(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	stub = NULL;
	world = NULL;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	if (stub != NULL)
		http_stub_stop(stub);
	if (world != NULL)
		command_world_free(world);
	return 0;
}

/* A configuration whose billing is the stub, trusted if that is asked for. */
static void
aim(bool trusted)
{
	char url[HTTP_STUB_URL];

	http_stub_url(stub, "127.0.0.1", "/hooks", url);
	world = command_world_new(url);
	if (trusted) {
		folder_put(world->folder, "ca.crt", http_stub_ca(stub));
		command_world_add(world, "ca_file = ca.crt\n");
	}
}

/* Is what was said of billing this, and the command's code so? */
static void
expect(int code, const char *words)
{
	static const char *const arguments[] = { "test", "main", NULL };

	assert_int_equal(command_world_run(world, deliveries_main,
			     "paysieve deliveries", arguments),
	    code);
	assert_true(strncmp(world->out, "main: ", 6) == 0);
	assert_non_null(strstr(world->out, words));
	assert_non_null(strchr(world->out, '\n'));
	assert_string_equal(strchr(world->out, '\n'), "\n"); /* one line */
	assert_string_equal(world->err,
	    code == EXIT_GOOD
		? ""
		: "paysieve deliveries: it cannot be delivered to\n");
}

static void
a_ping_that_is_taken_is_well(void **state)
{
	const char *request;

	(void)state;
	stub = http_stub_start(NULL);
	aim(false);
	command_world_add(world, "headers_file = more\n");
	folder_put(world->folder, "more", "X-Tenant: 7\n");
	expect(EXIT_GOOD, "main: ok: it answered 200 in ");
	assert_int_equal(http_stub_requested(stub), 1);
	request = http_stub_request(stub, 0);
	assert_non_null(strstr(request, "POST /hooks HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "webhook-id: ping_"));
	assert_non_null(strstr(request, "webhook-signature: v1,"));
	assert_non_null(strstr(request, "X-Tenant: 7\r\n"));
	assert_non_null(strstr(request, "{\"type\":\"ping\",\"timestamp\":\""));
	assert_non_null(strstr(request, ",\"data\":{}}"));
}

static const struct {
	const char *answer, *words;
} answers[] = {
	{ "301 Moved Permanently", "it answered 301 in " },
	{ "308 Permanent Redirect", "put the address that it leads to into "
				    "url" },
	{ "304 Not Modified", "a redirect, which is never followed" },
	{ "400 Bad Request", "it refused a ping; events may fare otherwise" },
	{ "401 Unauthorized", "compare the secret" },
	{ "403 Forbidden", "compare the secret" },
	{ "404 Not Found", "check the path in url" },
	{ "405 Method Not Allowed", "check the path in url" },
	{ "410 Gone", "it says that it is gone for good" },
	{ "413 Content Too Large", "check its limits, and format" },
	{ "415 Unsupported Media Type", "check its limits, and format" },
	{ "429 Too Many Requests", "it asks to be spared for a while" },
	{ "500 Internal Server Error", "its own log knows why" },
	{ "503 Service Unavailable", "its own log knows why" },
};

static void
every_status_has_words_of_its_own(void **state)
{
	static char heads[ARRAY_LEN(answers)][256]; /* borrowed by the stub */

	(void)state;
	stub = http_stub_start(NULL);
	aim(false);
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct http_stub_answer a = { .then = HTTP_STUB_CLOSE };
		char *head = heads[i];

		(void)snprintf(head, sizeof(heads[i]),
		    "HTTP/1.1 %s\r\nLocation: https://canary.example/\r\n"
		    "X-Said: canary\r\nContent-Length: 6\r\n\r\ncanary",
		    answers[i].answer);
		a.bytes = head;
		http_stub_say(stub, &a);
		expect(EXIT_FAILED, answers[i].words);
		/* what billing says stays with billing */
		assert_null(strstr(world->out, "canary"));
	}
	assert_int_equal(http_stub_requested(stub), ARRAY_LEN(answers));
}

static void
a_certificate_that_is_trusted_is_well(void **state)
{
	(void)state;
	stub = http_stub_start(LOCAL);
	aim(true);
	expect(EXIT_GOOD, "main: ok: it answered 200 in ");
}

static void
the_flaw_of_a_certificate_is_named(void **state)
{
	static const struct {
		const char *names;
		bool expired, trusted;
		const char *words;
	} flaws[] = {
		{ LOCAL, true, true, "its certificate has expired: renew it" },
		{ "DNS:other.example", false, true,
		    "its certificate is for another name than that in url" },
		{ LOCAL, false, false,
		    "its certificate is self-signed: put it into ca_file" },
	};

	for (size_t i = 0; i < ARRAY_LEN(flaws); i++) {
		stub = flaws[i].expired
			   ? http_stub_start_expired(flaws[i].names)
			   : http_stub_start(flaws[i].names);
		aim(flaws[i].trusted);
		expect(EXIT_FAILED, flaws[i].words);
		assert_non_null(strstr(world->out, "(certificate, after "));
		assert_int_equal(http_stub_requested(stub), 0);
		(void)tear_down(state);
		(void)set_up(state);
	}
}

/* A port of loopback at which nobody listens: bound, but not listened on. */
static int
closed_port(unsigned *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
nobody_there_is_told_from_a_proxy_that_is_away(void **state)
{
	char text[128];
	unsigned port;
	int fd;

	(void)state;
	fd = closed_port(&port);
	(void)snprintf(text, sizeof(text), "http://127.0.0.1:%u/", port);
	world = command_world_new(text);
	expect(EXIT_FAILED, "nobody answers at its address and port");
	assert_non_null(strstr(world->out, "(connect, after "));
	(void)close(fd);
	command_world_free(world);

	fd = closed_port(&port);
	(void)snprintf(
	    text, sizeof(text), "proxy = http://127.0.0.1:%u\n", port);
	world = command_world_new("https://billing.example/hooks");
	command_world_add(world, text);
	expect(EXIT_FAILED, "the proxy cannot be reached or refuses");
	(void)close(fd);
}

static void
silence_and_nonsense_are_told_apart(void **state)
{
	struct http_stub_answer silent = { "", HTTP_STUB_HANG, NULL };
	struct http_stub_answer nonsense = { "SSH-2.0-made-up\r\n",
		HTTP_STUB_CLOSE, NULL };

	(void)state;
	stub = http_stub_start(NULL);
	aim(false);
	command_world_add(world, "timeout = 1s\n");
	http_stub_say(stub, &silent);
	expect(EXIT_FAILED, "it does not answer in time");
	http_stub_say(stub, &nonsense);
	expect(EXIT_FAILED, "the connection broke: what answers speaks no "
			    "HTTP");
}

static void
plain_http_behind_https_is_no_tls(void **state)
{
	struct http_stub_answer a = { "HTTP/1.1 400 Bad Request\r\n\r\n",
		HTTP_STUB_CLOSE, NULL };
	char url[HTTP_STUB_URL], https[HTTP_STUB_URL + 1];

	(void)state;
	stub = http_stub_start(NULL);
	http_stub_say(stub, &a);
	http_stub_url(stub, "127.0.0.1", "/hooks", url);
	(void)snprintf(https, sizeof(https), "https%s", url + strlen("http"));
	world = command_world_new(https);
	command_world_add(world, "timeout = 1s\n");
	/* the stub waits for the end of a head that never comes */
	expect(EXIT_FAILED, "main: ");
	assert_null(strstr(world->out, "it answered"));
}

static void
a_billing_that_is_not_there_is_said(void **state)
{
	static const char *const arguments[] = { "test", "other", NULL };

	(void)state;
	world = command_world_new("https://billing.example/hooks");
	assert_int_equal(command_world_run(world, deliveries_main,
			     "paysieve deliveries", arguments),
	    EXIT_FAILED);
	assert_string_equal(world->out, "");
	assert_string_equal(world->err,
	    "paysieve deliveries: the configuration has no such billing\n");
}

static void
a_secret_that_cannot_be_used_is_a_fault_of_the_configuration(void **state)
{
	static const char *const arguments[] = { "test", "main", NULL };

	(void)state;
	world = command_world_new("https://billing.example/hooks");
	folder_put(world->folder, "secret", "canary\n");
	assert_int_equal(command_world_run(world, deliveries_main,
			     "paysieve deliveries", arguments),
	    EXIT_CONFIG);
	assert_string_equal(world->out, "");
	assert_non_null(strstr(world->err, "/secret: not 1 to 4 lines"));
	assert_null(strstr(world->err, "canary"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_ping_that_is_taken_is_well),
		CASE(every_status_has_words_of_its_own),
		CASE(a_certificate_that_is_trusted_is_well),
		CASE(the_flaw_of_a_certificate_is_named),
		CASE(nobody_there_is_told_from_a_proxy_that_is_away),
		CASE(silence_and_nonsense_are_told_apart),
		CASE(plain_http_behind_https_is_no_tls),
		CASE(a_billing_that_is_not_there_is_said),
		CASE(
		    a_secret_that_cannot_be_used_is_a_fault_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
