#include "net/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One request head; every row is a test of its own, and each is fed whole,
 * byte by byte, and cut in two at every place. */
struct row {
	const char *name;
	const char *data;
	size_t len; /* a head may hold NUL */
	enum http_parse outcome;
	enum problem why;
};

#define FINE(name, text)                                          \
	{                                                         \
		name, text, sizeof(text) - 1, HTTP_DONE, PROBLEMS \
	}
#define MORE(name, text)                                          \
	{                                                         \
		name, text, sizeof(text) - 1, HTTP_MORE, PROBLEMS \
	}
#define BAD(name, p, text)                                              \
	{                                                               \
		name, text, sizeof(text) - 1, HTTP_REFUSED, PROBLEM_##p \
	}
/* The same with a good request line and Host around. */
#define FIELD_FINE(name, text) \
	FINE(name, "POST /x HTTP/1.1\r\nHost: h\r\n" text "\r\n\r\n")
#define FIELD_BAD(name, p, text) \
	BAD(name, p, "POST /x HTTP/1.1\r\nHost: h\r\n" text "\r\n\r\n")
#define LINE_FINE(name, text)	FINE(name, text "\r\nHost: h\r\n\r\n")
#define LINE_BAD(name, p, text) BAD(name, p, text "\r\nHost: h\r\n\r\n")
#define HOST_FINE(name, text) \
	FINE(name, "GET / HTTP/1.1\r\nHost:" text "\r\n\r\n")
#define HOST_BAD(name, text) \
	BAD(name, BAD_REQUEST, "GET / HTTP/1.1\r\nHost:" text "\r\n\r\n")

static const struct row rows[] = {
	/* The request line. */
	LINE_FINE("GET", "GET / HTTP/1.1"),
	LINE_FINE("HEAD", "HEAD / HTTP/1.1"),
	LINE_FINE("POST", "POST / HTTP/1.1"),
	LINE_FINE("DELETE", "DELETE / HTTP/1.1"),
	LINE_FINE("OPTIONS", "OPTIONS / HTTP/1.1"),
	LINE_FINE("PUT", "PUT / HTTP/1.1"),
	LINE_FINE("a method of every tchar", "!#$%&'*+-.^_`|~0aZ / HTTP/1.1"),
	LINE_FINE("a method of 32 letters",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1"),
	LINE_FINE("HTTP/1.0 with a Host", "GET / HTTP/1.0"),
	FINE("HTTP/1.0 without a Host", "GET / HTTP/1.0\r\n\r\n"),
	LINE_FINE("a query", "GET /a?b=c&d=%20 HTTP/1.1"),
	LINE_FINE("an empty query", "GET /a? HTTP/1.1"),
	LINE_FINE("two question marks", "GET /a?b?c HTTP/1.1"),
	LINE_FINE("unusual visible characters", "GET /{}|\\^`\"<> HTTP/1.1"),
	LINE_FINE("two slashes", "GET //a HTTP/1.1"),
	LINE_FINE("dots", "GET /../a HTTP/1.1"),
	LINE_BAD("a method of 33 letters", BAD_REQUEST,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1"),
	LINE_BAD("no method", BAD_REQUEST, " / HTTP/1.1"),
	LINE_BAD("no method and no space", BAD_REQUEST, "/ HTTP/1.1"),
	LINE_BAD("a method with a colon", BAD_REQUEST, "GE:T / HTTP/1.1"),
	LINE_BAD("a method with a slash", BAD_REQUEST, "GE/T / HTTP/1.1"),
	LINE_BAD("a method with a quote", BAD_REQUEST, "GE\"T / HTTP/1.1"),
	LINE_BAD("a method in brackets", BAD_REQUEST, "[GET] / HTTP/1.1"),
	LINE_BAD("a space before the method", BAD_REQUEST, " GET / HTTP/1.1"),
	LINE_BAD(
	    "two spaces before the target", BAD_REQUEST, "GET  / HTTP/1.1"),
	LINE_BAD(
	    "two spaces before the version", BAD_REQUEST, "GET /  HTTP/1.1"),
	LINE_BAD("a space after the version", BAD_REQUEST, "GET / HTTP/1.1 "),
	LINE_BAD("a tab before the target", BAD_REQUEST, "GET\t/ HTTP/1.1"),
	LINE_BAD("a tab before the version", BAD_REQUEST, "GET /\tHTTP/1.1"),
	LINE_BAD("a tab in the target", BAD_REQUEST, "GET /a\tb HTTP/1.1"),
	LINE_BAD("a space in the target", BAD_REQUEST, "GET /a b HTTP/1.1"),
	LINE_BAD(
	    "a vertical tab in the target", BAD_REQUEST, "GET /a\vb HTTP/1.1"),
	LINE_BAD("a NUL in the target", BAD_REQUEST, "GET /a\0b HTTP/1.1"),
	LINE_BAD("DEL in the target", BAD_REQUEST, "GET /a\x7f HTTP/1.1"),
	LINE_BAD("a byte above ASCII in the target", BAD_REQUEST,
	    "GET /\xc3\xa9 HTTP/1.1"),
	LINE_BAD("a fragment", BAD_REQUEST, "GET /a#b HTTP/1.1"),
	LINE_BAD("a fragment in the query", BAD_REQUEST, "GET /a?b#c HTTP/1.1"),
	LINE_BAD("an absolute target", BAD_REQUEST, "GET http://h/ HTTP/1.1"),
	LINE_BAD("an authority target", BAD_REQUEST, "CONNECT h:443 HTTP/1.1"),
	LINE_BAD("an asterisk target", BAD_REQUEST, "OPTIONS * HTTP/1.1"),
	LINE_BAD("a target without a slash", BAD_REQUEST, "GET a HTTP/1.1"),
	LINE_BAD("a target that starts with a query", BAD_REQUEST,
	    "GET ?a HTTP/1.1"),
	LINE_BAD("no target", BAD_REQUEST, "GET HTTP/1.1"),
	LINE_BAD("HTTP/0.9", BAD_REQUEST, "GET /"),
	LINE_BAD("an empty version", BAD_REQUEST, "GET / "),
	LINE_BAD("HTTP/0.9 by name", VERSION, "GET / HTTP/0.9"),
	LINE_BAD("HTTP/1.2", VERSION, "GET / HTTP/1.2"),
	LINE_BAD("HTTP/1.9", VERSION, "GET / HTTP/1.9"),
	LINE_BAD("HTTP/2.0", VERSION, "GET / HTTP/2.0"),
	LINE_BAD("HTTP/3.0", VERSION, "GET / HTTP/3.0"),
	LINE_BAD("HTTP/1.11", BAD_REQUEST, "GET / HTTP/1.11"),
	LINE_BAD("HTTP/01.1", BAD_REQUEST, "GET / HTTP/01.1"),
	LINE_BAD("HTTP/1", BAD_REQUEST, "GET / HTTP/1"),
	LINE_BAD("HTTP/1.", BAD_REQUEST, "GET / HTTP/1."),
	LINE_BAD("HTTP/11", BAD_REQUEST, "GET / HTTP/11x"),
	LINE_BAD("HTTP/x.1", BAD_REQUEST, "GET / HTTP/x.1"),
	LINE_BAD("HTTP/1.x", BAD_REQUEST, "GET / HTTP/1.x"),
	LINE_BAD("HTTP/1,1", BAD_REQUEST, "GET / HTTP/1,1"),
	LINE_BAD("HTTP-1.1", BAD_REQUEST, "GET / HTTP-1.1"),
	LINE_BAD("a lower-case version", BAD_REQUEST, "GET / http/1.1"),
	LINE_BAD("another protocol", BAD_REQUEST, "GET / RTSP/1.1"),
	LINE_BAD("a plus in the version", BAD_REQUEST, "GET / HTTP/+1.1"),
	LINE_BAD("the HTTP/2 preface", BAD_REQUEST, "PRI * HTTP/2.0"),

	/* Line ends. */
	BAD("an empty line first", BAD_REQUEST,
	    "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
	BAD("a bare LF first", BAD_REQUEST,
	    "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
	BAD("LF after the request line", BAD_REQUEST,
	    "GET / HTTP/1.1\nHost: h\r\n\r\n"),
	BAD("LF after a field", BAD_REQUEST, "GET / HTTP/1.1\r\nHost: h\n\r\n"),
	BAD("LF at the end", BAD_REQUEST, "GET / HTTP/1.1\r\nHost: h\r\n\n"),
	BAD("LF everywhere", BAD_REQUEST, "GET / HTTP/1.1\nHost: h\n\n"),
	BAD("CR everywhere", BAD_REQUEST, "GET / HTTP/1.1\rHost: h\r\r"),
	BAD("CR in the request line", BAD_REQUEST,
	    "GET /\r HTTP/1.1\r\nHost: h\r\n\r\n"),
	BAD("CR CR LF", BAD_REQUEST, "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
	BAD("CR at the end", BAD_REQUEST, "GET / HTTP/1.1\r\nHost: h\r\n\rX"),
	BAD("LF CR", BAD_REQUEST, "GET / HTTP/1.1\n\rHost: h\r\n\r\n"),
	FIELD_BAD("CR in a value", BAD_REQUEST, "A: b\rc"),
	FIELD_BAD("LF in a value", BAD_REQUEST, "A: b\nc"),
	FIELD_BAD("CR in a name", BAD_REQUEST, "A\r: b"),
	FIELD_BAD("LF in a name", BAD_REQUEST, "A\n: b"),
	BAD("TLS instead of HTTP", BAD_REQUEST, "\x16\x03\x01\x02\x00\x01"),
	BAD("a NUL first", BAD_REQUEST, "\0GET / HTTP/1.1\r\nHost: h\r\n\r\n"),

	/* Fields. */
	FIELD_FINE("no space after the colon", "A:b"),
	FIELD_FINE("spaces and tabs around a value", "A: \t b \t "),
	FIELD_FINE("an empty value", "A:"),
	FIELD_FINE("a value of white space", "A: \t "),
	FIELD_FINE("a tab within a value", "A: b\tc"),
	FIELD_FINE("a colon within a value", "A: b:c"),
	FIELD_FINE("a name of every tchar", "!#$%&'*+-.^_`|~0aZ: b"),
	FIELD_FINE("a doubled field", "A: b\r\nA: c"),
	FIELD_FINE("every visible character",
	    "A: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~"),
	FIELD_FINE(
	    "Trailer and TE without a coding", "TE: trailers\r\nTrailer: A"),
	FIELD_FINE("an upgrade, which is ignored", "Upgrade: h2c"),
	FIELD_BAD("no colon", BAD_REQUEST, "A b"),
	FIELD_BAD("an empty name", BAD_REQUEST, ": b"),
	FIELD_BAD("only a colon", BAD_REQUEST, ":"),
	FIELD_BAD("a space before the colon", BAD_REQUEST, "A : b"),
	FIELD_BAD("a tab before the colon", BAD_REQUEST, "A\t: b"),
	FIELD_BAD("a space in a name", BAD_REQUEST, "A b: c"),
	FIELD_BAD("a NUL in a name", BAD_REQUEST, "A\0: b"),
	FIELD_BAD("a slash in a name", BAD_REQUEST, "A/b: c"),
	FIELD_BAD("a bracket in a name", BAD_REQUEST, "A[b]: c"),
	FIELD_BAD("an at sign in a name", BAD_REQUEST, "a@b: c"),
	FIELD_BAD("a quoted name", BAD_REQUEST, "\"A\": b"),
	FIELD_BAD("a byte above ASCII in a name", BAD_REQUEST, "A\xe9: b"),
	FIELD_BAD("a folded line", BAD_REQUEST, "A: b\r\n c"),
	FIELD_BAD("a folded line with a tab", BAD_REQUEST, "A: b\r\n\tc"),
	FIELD_BAD("a folded line with a colon", BAD_REQUEST, "A: b\r\n C: d"),
	BAD("a fold behind the request line", BAD_REQUEST,
	    "GET / HTTP/1.1\r\n A: b\r\nHost: h\r\n\r\n"),
	FIELD_BAD("a NUL in a value", BAD_REQUEST, "A: b\0c"),
	FIELD_BAD("a vertical tab in a value", BAD_REQUEST, "A: b\vc"),
	FIELD_BAD("a form feed in a value", BAD_REQUEST, "A: b\fc"),
	FIELD_BAD("a backspace in a value", BAD_REQUEST, "A: b\bc"),
	FIELD_BAD("an escape in a value", BAD_REQUEST, "A: b\x1b[0m"),
	FIELD_BAD("DEL in a value", BAD_REQUEST, "A: b\x7f"),
	FIELD_BAD("obs-text in a value", BAD_REQUEST, "A: \xe9"),
	FIELD_BAD("UTF-8 in a value", BAD_REQUEST, "A: \xc3\xa9"),

	/* Host. */
	HOST_FINE("a host", " pay.example"),
	HOST_FINE("a host and a port", " pay.example:8443"),
	HOST_FINE("a host and an empty port", " pay.example:"),
	HOST_FINE("an IPv4 host", " 192.0.2.1:80"),
	HOST_FINE("an IPv6 host", " [2001:db8::1]"),
	HOST_FINE("an IPv6 host and a port", " [::1]:8443"),
	HOST_FINE("an IPv6 host that ends as IPv4", " [::ffff:192.0.2.1]"),
	HOST_FINE("a host with an underscore", " a_b-c"),
	HOST_BAD("an empty Host", ""),
	HOST_BAD("a blank Host", "  "),
	HOST_BAD("a Host of a port only", " :80"),
	HOST_BAD("a Host with a path", " h/x"),
	HOST_BAD("a Host with a user", " u@h"),
	HOST_BAD("a Host with a space", " a b"),
	HOST_BAD("a list of Hosts", " a,b"),
	HOST_BAD("a Host with a port in letters", " h:http"),
	HOST_BAD("a Host with a long port", " h:123456"),
	HOST_BAD("a Host with a signed port", " h:+80"),
	HOST_BAD("a Host with two ports", " h:80:80"),
	HOST_BAD("an IPv6 host without an end", " [::1"),
	HOST_BAD("an IPv6 host without brackets", " ::1"),
	HOST_BAD("an empty IPv6 host", " []"),
	HOST_BAD("an IPv6 host with letters", " [::g]"),
	HOST_BAD("text behind an IPv6 host", " [::1]x"),
	HOST_BAD("a bracket within a host", " a[b]"),
	HOST_BAD("a question mark in a Host", " h?x"),
	BAD("no Host", BAD_REQUEST, "GET / HTTP/1.1\r\n\r\n"),
	BAD("no Host, other fields", BAD_REQUEST,
	    "GET / HTTP/1.1\r\nA: b\r\n\r\n"),
	FIELD_BAD("two Hosts", BAD_REQUEST, "Host: i"),
	FIELD_BAD("the same Host twice", BAD_REQUEST, "Host: h"),
	FIELD_BAD("two Hosts in other letters", BAD_REQUEST, "hOST: h"),
	BAD("two Hosts in HTTP/1.0", BAD_REQUEST,
	    "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n"),

	/* Framing. */
	FIELD_FINE("a length", "Content-Length: 3"),
	FIELD_FINE("a length of 0", "Content-Length: 0"),
	FIELD_FINE("a length with leading zeros", "Content-Length: 0003"),
	FIELD_FINE(
	    "the longest length", "Content-Length: 18446744073709551615"),
	FIELD_FINE("a length in other letters", "cONTENT-lENGTH:3"),
	FIELD_BAD("a length beyond 64 bits", BAD_REQUEST,
	    "Content-Length: 18446744073709551616"),
	FIELD_BAD("a length of 21 digits", BAD_REQUEST,
	    "Content-Length: 100000000000000000000"),
	FIELD_BAD("an empty length", BAD_REQUEST, "Content-Length:"),
	FIELD_BAD("a length with a plus", BAD_REQUEST, "Content-Length: +3"),
	FIELD_BAD("a length with a minus", BAD_REQUEST, "Content-Length: -3"),
	FIELD_BAD("a hexadecimal length", BAD_REQUEST, "Content-Length: 0x3"),
	FIELD_BAD("a fractional length", BAD_REQUEST, "Content-Length: 3.0"),
	FIELD_BAD("a length and text", BAD_REQUEST, "Content-Length: 3a"),
	FIELD_BAD(
	    "a length with a space inside", BAD_REQUEST, "Content-Length: 1 3"),
	FIELD_BAD(
	    "a list of equal lengths", BAD_REQUEST, "Content-Length: 3, 3"),
	FIELD_BAD("a list of lengths", BAD_REQUEST, "Content-Length: 3, 7"),
	FIELD_BAD(
	    "a NUL behind a length", BAD_REQUEST, "Content-Length: 3\0, 7"),
	FIELD_BAD("two lengths", BAD_REQUEST,
	    "Content-Length: 3\r\nContent-Length: 7"),
	FIELD_BAD("two equal lengths", BAD_REQUEST,
	    "Content-Length: 3\r\ncontent-length: 3"),
	FIELD_BAD("a length with a space before the colon", BAD_REQUEST,
	    "Content-Length : 3"),
	FIELD_BAD(
	    "a length on a folded line", BAD_REQUEST, "Content-Length:\r\n 3"),
	FIELD_BAD("chunked", LENGTH, "Transfer-Encoding: chunked"),
	FIELD_BAD(
	    "chunked in other letters", LENGTH, "tRANSFER-eNCODING:CHUNKED"),
	FIELD_BAD("gzip", LENGTH, "Transfer-Encoding: gzip"),
	FIELD_BAD("identity", LENGTH, "Transfer-Encoding: identity"),
	FIELD_BAD("xchunked", LENGTH, "Transfer-Encoding: xchunked"),
	FIELD_BAD("an empty coding", LENGTH, "Transfer-Encoding:"),
	FIELD_BAD("a vertical tab before chunked", BAD_REQUEST,
	    "Transfer-Encoding: \vchunked"),
	FIELD_BAD("a coding with a space before the colon", BAD_REQUEST,
	    "Transfer-Encoding : chunked"),
	FIELD_BAD("a length and chunked", LENGTH,
	    "Content-Length: 3\r\nTransfer-Encoding: chunked"),
	FIELD_BAD("chunked and a length", LENGTH,
	    "Transfer-Encoding: chunked\r\nContent-Length: 3"),
	FIELD_BAD("two codings", LENGTH,
	    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
	BAD("chunked in HTTP/1.0", LENGTH,
	    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	FIELD_BAD("a gzip body", MEDIA_TYPE, "Content-Encoding: gzip"),
	FIELD_BAD("an identity body", MEDIA_TYPE, "Content-Encoding: identity"),

	/* Expect and Connection. */
	FIELD_FINE("100-continue", "Expect: 100-continue"),
	FIELD_FINE("100-continue in other letters", "expect:100-CONTINUE"),
	FIELD_BAD("another expectation", EXPECT, "Expect: coffee"),
	FIELD_BAD("an empty expectation", EXPECT, "Expect:"),
	FIELD_BAD("a list of expectations", EXPECT, "Expect: 100-continue, x"),
	FIELD_BAD("two expectations", BAD_REQUEST,
	    "Expect: 100-continue\r\nExpect: 100-continue"),
	FIELD_FINE("close", "Connection: close"),
	FIELD_FINE("a list in Connection", "Connection: , TE ,\tclose,"),
	FIELD_FINE("an empty Connection", "Connection:"),
	FIELD_FINE(
	    "two Connection fields", "Connection: TE\r\nConnection: close"),
	FIELD_BAD(
	    "a Connection that is no list", BAD_REQUEST, "Connection: a b"),
	FIELD_BAD("a quoted Connection", BAD_REQUEST, "Connection: \"close\""),

	/* Not there yet. */
	MORE("nothing", ""),
	MORE("half a method", "GE"),
	MORE("a line without its LF", "GET / HTTP/1.1\r"),
	MORE("only the request line", "GET / HTTP/1.1\r\n"),
	MORE("half a field", "GET / HTTP/1.1\r\nHost: h"),
	MORE("the last LF missing", "GET / HTTP/1.1\r\nHost: h\r\n\r"),
};

struct outcome {
	enum http_parse parse;
	enum problem why;
	struct http_head head;
	unsigned char *data; /* owned; where head's views point */
};

/* Feed data up to each of the n ends in turn; every piece in memory of its
 * own, so that a sanitizer sees any byte read beyond it. */
static struct outcome
feed(const char *data, const size_t *ends, size_t n)
{
	struct outcome o = { .parse = HTTP_MORE, .why = PROBLEMS };

	for (size_t i = 0; i < n && o.parse == HTTP_MORE; i++) {
		free(o.data);
		o.data = malloc(ends[i] + (ends[i] == 0));
		assert_non_null(o.data);
		memcpy(o.data, data, ends[i]);
		o.parse = http_parse(&o.head, o.data, ends[i], &o.why);
	}
	return o;
}

static void
assert_view(struct bytes a, const unsigned char *in_a, struct bytes b,
    const unsigned char *in_b)
{
	assert_int_equal(a.ptr == NULL, b.ptr == NULL);
	assert_int_equal(a.len, b.len);
	if (a.ptr != NULL)
		assert_int_equal(a.ptr - in_a, b.ptr - in_b);
}

static void
assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->parse, b->parse);
	assert_int_equal(a->why, b->why);
	if (a->parse != HTTP_DONE)
		return;
	assert_int_equal(a->head.len, b->head.len);
	assert_int_equal(a->head.method, b->head.method);
	assert_int_equal(a->head.minor, b->head.minor);
	assert_int_equal(a->head.content_length, b->head.content_length);
	assert_int_equal(a->head.has_length, b->head.has_length);
	assert_int_equal(a->head.keep_alive, b->head.keep_alive);
	assert_int_equal(a->head.expect_continue, b->head.expect_continue);
	assert_view(a->head.path, a->data, b->head.path, b->data);
	assert_view(a->head.query, a->data, b->head.query, b->data);
	assert_int_equal(a->head.n_fields, b->head.n_fields);
	assert_memory_equal(a->head.fields, b->head.fields,
	    a->head.n_fields * sizeof(a->head.fields[0]));
}

static void
check(const char *data, size_t len, enum http_parse parse, enum problem why)
{
	struct outcome whole = feed(data, &len, 1), parts;
	size_t *ends = malloc((len + 1) * sizeof(*ends));

	assert_non_null(ends);
	assert_int_equal(whole.parse, parse);
	assert_int_equal(whole.why, why);
	for (size_t i = 0; i < len; i++)
		ends[i] = i + 1;
	parts = feed(data, ends, len);
	assert_same(&whole, &parts);
	free(parts.data);
	/* Long heads: every place would be many millions of bytes. */
	for (size_t i = 0; i<len; i += len> 2000 ? 97 : 1) {
		size_t two[2] = { i, len };

		parts = feed(data, two, 2);
		assert_same(&whole, &parts);
		free(parts.data);
	}
	free(ends);
	free(whole.data);
}

static void
check_row(void **state)
{
	const struct row *row = *state;

	check(row->data, row->len, row->outcome, row->why);
}

/* ---- limits */

/* Room for "METHOD /aaa... HTTP/1.1" and n fields of the sizes given. */
struct text {
	char data[80 * 1024];
	size_t len;
};

static void
add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	assert_true(t->len + n < sizeof(t->data));
	memcpy(t->data + t->len, s, n);
	t->len += n;
}

static void
pad(struct text *t, size_t n)
{
	assert_true(t->len + n < sizeof(t->data));
	memset(t->data + t->len, 'a', n);
	t->len += n;
}

static struct text text;

static void
start(const char *s)
{
	text.len = 0;
	add(&text, s);
}

static void
target_of(size_t n)
{
	start("GET /");
	pad(&text, n - 1);
	add(&text, " HTTP/1.1\r\nHost: h\r\n\r\n");
}

static void
a_target_of_1024_bytes_is_taken(void **state)
{
	(void)state;
	target_of(1024);
	check(text.data, text.len, HTTP_DONE, PROBLEMS);
}

static void
a_target_of_1025_bytes_is_too_long(void **state)
{
	(void)state;
	target_of(1025);
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_URI);
}

static void
a_first_line_without_end_is_refused_early(void **state)
{
	(void)state;
	start("GET /");
	pad(&text, 1200);
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_URI);
	text.len = 1000;
	check(text.data, text.len, HTTP_MORE, PROBLEMS);
}

static void
fields(unsigned n)
{
	start("GET / HTTP/1.1\r\nHost: h\r\n");
	for (unsigned i = 1; i < n; i++)
		add(&text, "a: b\r\n");
	add(&text, "\r\n");
}

static void
sixty_four_fields_are_taken(void **state)
{
	(void)state;
	fields(64);
	check(text.data, text.len, HTTP_DONE, PROBLEMS);
}

static void
sixty_five_fields_are_too_many(void **state)
{
	(void)state;
	fields(65);
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_HEAD);
}

static void
ten_thousand_fields_are_too_many(void **state)
{
	(void)state;
	fields(10000);
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_HEAD);
}

static void
head_of(size_t n)
{
	start("GET / HTTP/1.1\r\nHost: h\r\na: ");
	pad(&text, n - text.len - 4);
	add(&text, "\r\n\r\n");
	assert_int_equal(text.len, n);
}

static void
a_head_of_16_kib_is_taken(void **state)
{
	(void)state;
	head_of(HTTP_HEAD_MAX);
	check(text.data, text.len, HTTP_DONE, PROBLEMS);
}

static void
a_longer_head_is_refused(void **state)
{
	(void)state;
	head_of(HTTP_HEAD_MAX + 1);
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_HEAD);
	head_of(70000);
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_HEAD);
}

static void
a_full_head_without_end_is_refused_at_once(void **state)
{
	(void)state;
	head_of(HTTP_HEAD_MAX + 10);
	check(text.data, HTTP_HEAD_MAX, HTTP_REFUSED, PROBLEM_HEAD);
	check(text.data, HTTP_HEAD_MAX - 1, HTTP_MORE, PROBLEMS);
}

static void
a_host_of_256_bytes_is_refused(void **state)
{
	(void)state;
	start("GET / HTTP/1.1\r\nHost: ");
	pad(&text, 256);
	add(&text, "\r\n\r\n");
	check(text.data, text.len, HTTP_REFUSED, PROBLEM_BAD_REQUEST);
}

/* ---- what is handed out */

static struct http_head
parsed(const char *s)
{
	struct http_head h = { .scanned = 0 };
	enum problem why;

	assert_int_equal(
	    http_parse(&h, (const unsigned char *)s, strlen(s), &why),
	    HTTP_DONE);
	return h;
}

static void
assert_text(struct bytes b, const char *s)
{
	assert_non_null(b.ptr);
	assert_int_equal(b.len, strlen(s));
	assert_memory_equal(b.ptr, s, b.len);
}

static void
the_target_is_split_at_the_first_question_mark(void **state)
{
	struct http_head h;

	(void)state;
	h = parsed("GET /a/b?c=d?e HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_text(h.path, "/a/b");
	assert_text(h.query, "c=d?e");
	h = parsed("GET /a? HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_text(h.path, "/a");
	assert_text(h.query, "");
	h = parsed("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_text(h.path, "/");
	assert_null(h.query.ptr);
}

static void
methods_are_told_apart_by_case(void **state)
{
	(void)state;
	assert_int_equal(parsed("GET / HTTP/1.0\r\n\r\n").method, HTTP_GET);
	assert_int_equal(parsed("HEAD / HTTP/1.0\r\n\r\n").method, HTTP_HEAD);
	assert_int_equal(parsed("POST / HTTP/1.0\r\n\r\n").method, HTTP_POST);
	assert_int_equal(parsed("PUT / HTTP/1.0\r\n\r\n").method, HTTP_PUT);
	assert_int_equal(
	    parsed("DELETE / HTTP/1.0\r\n\r\n").method, HTTP_DELETE);
	assert_int_equal(
	    parsed("OPTIONS / HTTP/1.0\r\n\r\n").method, HTTP_OPTIONS);
	assert_int_equal(parsed("get / HTTP/1.0\r\n\r\n").method, HTTP_OTHER);
	assert_int_equal(parsed("GETS / HTTP/1.0\r\n\r\n").method, HTTP_OTHER);
	assert_int_equal(parsed("put / HTTP/1.0\r\n\r\n").method, HTTP_OTHER);
}

static void
fields_are_found_without_regard_to_case(void **state)
{
	struct http_head h =
	    parsed("GET / HTTP/1.1\r\nHost: h\r\nX-Note: \t a b \t\r\n"
		   "Empty:\r\nTwice: 1\r\ntWICE: 2\r\n\r\n");

	(void)state;
	assert_int_equal(h.n_fields, 5);
	assert_text(http_field(&h, "x-note"), "a b");
	assert_text(http_field(&h, "host"), "h");
	assert_text(http_field(&h, "empty"), "");
	assert_null(http_field(&h, "twice").ptr);
	assert_null(http_field(&h, "x-not").ptr);
	assert_null(http_field(&h, "x-notes").ptr);
}

static void
the_head_ends_where_the_body_starts(void **state)
{
	const char *s =
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
	struct http_head h = parsed(s);

	(void)state;
	assert_int_equal(h.len, strlen(s) - 4);
	assert_true(h.has_length);
	assert_int_equal(h.content_length, 4);
	h = parsed("POST / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_false(h.has_length);
}

static void
http_1_1_persists_unless_told_to_close(void **state)
{
	(void)state;
	assert_true(parsed("GET / HTTP/1.1\r\nHost: h\r\n\r\n").keep_alive);
	assert_true(parsed("GET / HTTP/1.1\r\nHost: h\r\n"
			   "Connection: closed\r\n\r\n")
			.keep_alive);
	assert_false(parsed("GET / HTTP/1.1\r\nHost: h\r\n"
			    "Connection: CLOSE\r\n\r\n")
			 .keep_alive);
	assert_false(parsed("GET / HTTP/1.1\r\nHost: h\r\n"
			    "Connection: keep-alive , close\r\n\r\n")
			 .keep_alive);
	assert_false(parsed("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
			    "Connection: keep-alive\r\n\r\n")
			 .keep_alive);
}

static void
http_1_0_closes_unless_told_to_persist(void **state)
{
	(void)state;
	assert_false(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
	assert_true(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
			.keep_alive);
	assert_false(
	    parsed("GET / HTTP/1.0\r\nConnection: keep-alive,close\r\n\r\n")
		.keep_alive);
}

static void
only_http_1_1_waits_for_100_continue(void **state)
{
	(void)state;
	assert_true(parsed("POST / HTTP/1.1\r\nHost: h\r\n"
			   "Expect: 100-Continue\r\n\r\n")
			.expect_continue);
	assert_false(parsed("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")
			 .expect_continue);
	assert_false(
	    parsed("POST / HTTP/1.1\r\nHost: h\r\n\r\n").expect_continue);
}

/* Each byte is looked at once: fed byte by byte, even the longest head takes
 * as many steps as it has bytes. */
static void
progress_never_goes_back(void **state)
{
	struct http_head h = { .scanned = 0 };
	enum problem why;

	(void)state;
	head_of(HTTP_HEAD_MAX);
	for (size_t i = 1; i < text.len; i++) {
		assert_int_equal(
		    http_parse(&h, (unsigned char *)text.data, i, &why),
		    HTTP_MORE);
		assert_true(h.scanned + 1 >= i);
	}
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(a_target_of_1024_bytes_is_taken),
	cmocka_unit_test(a_target_of_1025_bytes_is_too_long),
	cmocka_unit_test(a_first_line_without_end_is_refused_early),
	cmocka_unit_test(sixty_four_fields_are_taken),
	cmocka_unit_test(sixty_five_fields_are_too_many),
	cmocka_unit_test(ten_thousand_fields_are_too_many),
	cmocka_unit_test(a_head_of_16_kib_is_taken),
	cmocka_unit_test(a_longer_head_is_refused),
	cmocka_unit_test(a_full_head_without_end_is_refused_at_once),
	cmocka_unit_test(a_host_of_256_bytes_is_refused),
	cmocka_unit_test(the_target_is_split_at_the_first_question_mark),
	cmocka_unit_test(methods_are_told_apart_by_case),
	cmocka_unit_test(fields_are_found_without_regard_to_case),
	cmocka_unit_test(the_head_ends_where_the_body_starts),
	cmocka_unit_test(http_1_1_persists_unless_told_to_close),
	cmocka_unit_test(http_1_0_closes_unless_told_to_persist),
	cmocka_unit_test(only_http_1_1_waits_for_100_continue),
	cmocka_unit_test(progress_never_goes_back),
};

int
main(void)
{
	static struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(others)];
	static char names[ARRAY_LEN(rows)][80];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%s: %s",
		    rows[i].outcome == HTTP_DONE   ? "taken"
		    : rows[i].outcome == HTTP_MORE ? "waited for"
						   : "refused",
		    rows[i].name);
		tests[n++] = (struct CMUnitTest){ .name = names[i],
			.test_func = check_row,
			.initial_state = (void *)(uintptr_t)&rows[i] };
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		tests[n++] = others[i];
	return _cmocka_run_group_tests("http_parser", tests, n, NULL, NULL);
}
