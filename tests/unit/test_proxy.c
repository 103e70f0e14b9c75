/* The header of the PROXY protocol, however it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/attr.h"
#include "net/proxy.h"

#define START "\r\n\r\n\0\r\nQUIT\n"
#define FOUR  "\xcb\x00\x71\x07\x7f\x00\x00\x01\x04\xd2\x01\xbb"

static union peer_address from;

static enum proxy_parse
take(const char *data, size_t len, size_t step)
{
	struct proxy p = { .have = 0 };
	enum proxy_parse r = PROXY_MORE;
	size_t n;

	for (; r == PROXY_MORE && len > 0; data += n, len -= n) {
		n = proxy_wants(&p);
		n = n < len ? n : len;
		n = n < step ? n : step;
		r = proxy_take(&p, (const unsigned char *)data, n, &from);
	}
	return r;
}

static void
each_header_has_its_outcome_however_it_is_cut(void **state)
{
#define HEADER(outcome, text)                   \
	{                                       \
		outcome, text, sizeof(text) - 1 \
	}
	static const struct {
		enum proxy_parse outcome;
		const char *text;
		size_t len;
	} cases[] = {
		HEADER(PROXY_FROM, START "\x21\x11\x00\x0c" FOUR),
		HEADER(PROXY_FROM, START "\x21\x11\x00\x10" FOUR "\4\0\1x"),
		HEADER(PROXY_MORE, START "\x21\x11\x00\x10" FOUR "\4\0\1"),
		HEADER(PROXY_SELF, START "\x20\x00\x00\x00"),
		HEADER(PROXY_SELF, START "\x20\x11\x00\x0c" FOUR),
		HEADER(PROXY_SELF, START "\x21\x00\x00\x00"),
		HEADER(PROXY_BAD, START "\x21\x11\x00\x0b" FOUR),
		HEADER(PROXY_BAD, START "\x21\x12\x00\x0c" FOUR),
		HEADER(PROXY_BAD, START "\x21\x21\x00\x0c" FOUR),
		HEADER(PROXY_BAD, START "\x21\x41\x00\x0c" FOUR),
		HEADER(PROXY_BAD, START "\x22\x11\x00\x0c" FOUR),
		HEADER(PROXY_BAD, START "\x11\x11\x00\x0c" FOUR),
		HEADER(PROXY_BAD, START "\x21\x11\x07\xf1"),
		HEADER(PROXY_MORE, START "\x21\x11\x07\xf0"),
		HEADER(PROXY_BAD, "\r\n\r\n\0\r\nQUIX"),
		HEADER(PROXY_BAD, "\x16\x03\x01"),
		HEADER(PROXY_ONE, "PROXY UNKNOWN\r\n"),
		HEADER(PROXY_MORE, "PROXY"),
		HEADER(PROXY_BAD, "PROXX "),
	};
#undef HEADER

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t step = 1; step <= 64; step++)
			assert_int_equal(
			    take(cases[i].text, cases[i].len, step),
			    cases[i].outcome);
	}
}

static void
an_address_is_taken_as_it_is_said(void **state)
{
	static const char six[] =
	    START "\x21\x21\x00\x24"
		  "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x04\xd2\x01\xbb";
	static const char four[] = START "\x21\x11\x00\x0c" FOUR;
	char text[48];

	(void)state;
	assert_int_equal(take(four, sizeof(four) - 1, 64), PROXY_FROM);
	peer_text(&from, text, sizeof(text));
	assert_string_equal(text, "203.0.113.0/24");
	assert_int_equal(ntohs(from.in.sin_port), 1234);
	assert_int_equal(take(six, sizeof(six) - 1, 64), PROXY_FROM);
	peer_text(&from, text, sizeof(text));
	assert_string_equal(text, "2001:db8::/48");
	assert_int_equal(ntohs(from.in6.sin6_port), 1234);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_header_has_its_outcome_however_it_is_cut),
		cmocka_unit_test(an_address_is_taken_as_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
