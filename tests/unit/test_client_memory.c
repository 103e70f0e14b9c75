/*
 * After a GET nothing of its URL or of the answer is left in the process,
 * while the connection is still open: every writable byte is looked at.
 *
 * The server is a process of its own.  The mark it sends, and the one that it
 * is sent, stand in this process masked only, but for the text of the request
 * until it is handed over.  Under the sanitizers freed memory is kept on
 * purpose and the address space is full of shadows: there is no test then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/secret.h"
#include "client_world.h"
#include "marks.h"

#define COPIES 1500 /* of the mark in an answer: several TLS records */
#define MOST   (64 * 1024)
#define PEM    4096

#if !MARKS_SANITIZED

struct marks {
	struct mark sent, answered;
};

static void
make_marks(struct marks *m)
{
	mark_make(&m->sent);
	mark_make(&m->answered);
}

static void
a_mark_that_lies_about_is_found(void **state)
{
	struct marks m;
	char *copy = malloc(MARK);

	(void)state;
	assert_non_null(copy);
	make_marks(&m);
	assert_int_equal(mark_count(&m.sent), 0);
	mark_write(&m.sent, copy);
	assert_int_equal(mark_count(&m.sent), MARK_PIECES);
	copy[0] = copy[MARK_PIECE] = '-';
	assert_int_equal(mark_count(&m.sent), 1);
	secret_wipe(copy, MARK);
	free(copy);
}

/* ---- the server's process */

struct play {
	const char *names; /* of the certificate; NULL: plain */
	bool zipped, broken_off;
	size_t most;
	int64_t timeout_ms;
};

struct server {
	pid_t pid;
	int until; /* closed: it ends */
	char url[HTTP_STUB_URL];
	char ca[PEM];
};

static uint32_t
crc_of(const char *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void
put_le(char **at, uint32_t v, size_t n)
{
	for (; n > 0; n--, v >>= 8)
		*(*at)++ = (char)(v & 0xff);
}

/* One stored block: the decoder copies it through its window all the same. */
static size_t
zip(char *out, const char *body, size_t n)
{
	char *at = out;

	memcpy(at, "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11);
	at += 11;
	put_le(&at, (uint32_t)n, 2);
	put_le(&at, ~(uint32_t)n, 2);
	memcpy(at, body, n);
	at += n;
	put_le(&at, crc_of(body, n), 4);
	put_le(&at, (uint32_t)n, 4);
	return (size_t)(at - out);
}

/* The mark in a header and all over the body. */
static size_t
make_answer(char out[MOST], const struct play *p, const struct marks *m)
{
	char mark[MARK + 1] = "", body[MARK * COPIES], packed[MOST];
	size_t n = sizeof(body);
	int head;

	mark_write(&m->answered, mark);
	for (size_t i = 0; i < COPIES; i++)
		memcpy(body + i * MARK, mark, MARK);
	if (p->zipped)
		n = zip(packed, body, sizeof(body));
	else
		memcpy(packed, body, n);
	head = snprintf(out, MOST,
	    "HTTP/1.1 200 OK\r\nX-Mark: %s\r\n%sContent-Length: %zu\r\n\r\n",
	    mark, p->zipped ? "Content-Encoding: gzip\r\n" : "",
	    p->broken_off ? n + 1 : n);
	memcpy(out + head, packed, n);
	return (size_t)head + n;
}

/* Ends with the number of connections it had. */
static void
server_main(const struct play *p, const struct marks *m, int tell, int until)
{
	static char answer[MOST];
	struct http_stub *stub = http_stub_start(p->names);
	struct server s = { 0 };
	char byte;

	http_stub_say_bytes(stub, answer, make_answer(answer, p, m),
	    p->broken_off ? HTTP_STUB_HANG : HTTP_STUB_KEEP);
	http_stub_url(stub, "127.0.0.1", "", s.url);
	(void)snprintf(s.ca, sizeof(s.ca), "%s", http_stub_ca(stub));
	if (write(tell, &s, sizeof(s)) != (ssize_t)sizeof(s) ||
	    read(until, &byte, 1) != 0)
		_exit(99);
	_exit((int)http_stub_accepted(stub));
}

static struct server
server_start(const struct play *p, const struct marks *m)
{
	struct server s;
	int tell[2], until[2];
	pid_t pid;

	assert_int_equal(pipe(tell), 0);
	assert_int_equal(pipe(until), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(until[1]);
		server_main(p, m, tell[1], until[0]);
	}
	(void)close(tell[1]);
	(void)close(until[0]);
	assert_int_equal(read(tell[0], &s, sizeof(s)), sizeof(s));
	(void)close(tell[0]);
	s.pid = pid;
	s.until = until[1];
	return s;
}

/* How many connections it had. */
static int
server_end(const struct server *s)
{
	int status;

	(void)close(s->until);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- asking */

struct asking {
	struct loop *loop;
	const struct marks *marks;
	enum client_end end;
	bool cut;
	size_t body_len, during; /* the mark's copies while on_done runs */
};

static void
on_done(void *arg, const struct client_result *r)
{
	struct asking *a = arg;

	a->end = r->end;
	a->cut = r->cut;
	a->body_len = r->body.len;
	a->during = mark_count(&a->marks->answered);
	loop_stop(a->loop);
}

static void
ask(struct asking *a, struct client *c, struct client_target *t, size_t most)
{
	char target[64] = "/ask?store_passwd=";
	size_t n = strlen(target);

	mark_write(&a->marks->sent, target + n);
	assert_int_equal(
	    client_get(c, t, bytes_make(target, n + MARK), most, on_done, a),
	    ST_OK);
	secret_wipe(target, sizeof(target));
	assert_true(mark_count(&a->marks->sent) > 0); /* in libcurl's hands */
	loop_run(a->loop);
}

/* Ask twice; what is left, and how many connections that took. */
static void
play(const struct play *p, struct asking *a, size_t *left, int *connections)
{
	struct marks m;
	struct server s;
	struct client *c;
	struct client_target_config cfg;
	struct client_target *t;
	struct err e;

	make_marks(&m);
	a->marks = &m;
	s = server_start(p, &m);
	assert_int_equal(loop_new(&a->loop, &e), ST_OK);
	assert_int_equal(client_new(&c, a->loop, &e), ST_OK);
	cfg = (struct client_target_config){
		.url = s.url, .ca_pem = s.ca, .timeout_ms = p->timeout_ms
	};
	assert_int_equal(client_target_new(&t, &cfg, &e), ST_OK);
	ask(a, c, t, p->most);
	ask(a, c, t, p->most);
	*left = mark_count(&m.sent) + mark_count(&m.answered);
	*connections = server_end(&s);
	client_free(c);
	client_target_free(t);
	loop_free(a->loop);
}

static void
nothing_is_left(const char *names, bool zipped)
{
	struct play p = { .names = names,
		.zipped = zipped,
		.most = MOST,
		.timeout_ms = 20000 };
	struct asking a = { 0 };
	size_t left;
	int connections;

	play(&p, &a, &left, &connections);
	assert_int_equal(a.end, CLIENT_ANSWER);
	assert_int_equal(a.body_len, MARK * COPIES);
	/* The one copy is the body that was handed over. */
	assert_int_equal(a.during, COPIES * MARK_PIECES);
	assert_int_equal(left, 0);
	assert_int_equal(connections, 1);
}

static void
nothing_is_left_of_a_plain_get(void **state)
{
	(void)state;
	nothing_is_left(NULL, false);
	nothing_is_left(NULL, true);
}

static void
nothing_is_left_of_a_get_over_tls(void **state)
{
	(void)state;
	nothing_is_left("IP:127.0.0.1", false);
	nothing_is_left("IP:127.0.0.1", true);
}

static void
nothing_is_left_of_an_answer_that_was_cut(void **state)
{
	static const char *const names[] = { NULL, "IP:127.0.0.1" };
	size_t left;
	int connections;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct play p = {
			.names = names[i], .most = 1000, .timeout_ms = 20000
		};
		struct asking a = { 0 };

		play(&p, &a, &left, &connections);
		assert_true(a.cut);
		assert_int_equal(a.during, 0);
		assert_int_equal(left, 0);
	}
}

static void
nothing_is_left_of_an_answer_that_broke_off(void **state)
{
	static const char *const names[] = { NULL, "IP:127.0.0.1" };
	size_t left;
	int connections;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct play p = { .names = names[i],
			.broken_off = true,
			.most = MOST,
			.timeout_ms = 300 };
		struct asking a = { 0 };

		play(&p, &a, &left, &connections);
		assert_int_equal(a.end, CLIENT_TIMEOUT);
		assert_int_equal(left, 0);
	}
}
int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mark_that_lies_about_is_found),
		cmocka_unit_test(nothing_is_left_of_a_plain_get),
		cmocka_unit_test(nothing_is_left_of_a_get_over_tls),
		cmocka_unit_test(nothing_is_left_of_an_answer_that_was_cut),
		cmocka_unit_test(nothing_is_left_of_an_answer_that_broke_off),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else
int
main(void)
{
	return 0;
}
#endif
