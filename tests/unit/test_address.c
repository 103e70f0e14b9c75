#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"
#include "client/address.h"

union any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static union any
address(const char *text)
{
	union any a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1) {
		a.in.sin_family = AF_INET;
		return a;
	}
	a.in6.sin6_family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &a.in6.sin6_addr), 1);
	return a;
}

static void
public_addresses_are_allowed(void **state)
{
	static const char *const all[] = { "8.8.8.8", "1.1.1.1",
		"9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255",
		"172.15.255.255", "172.32.0.0", "192.167.255.255",
		"192.169.0.0", "223.255.255.255", "2606:4700::1111", "2a00::1",
		"::ffff:8.8.8.8" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		union any a = address(all[i]);

		if (!address_allowed(&a.sa, NULL, 0))
			fail_msg("%s is public", all[i]);
	}
}

static void
private_addresses_are_refused(void **state)
{
	static const char *const all[] = { "0.0.0.0", "10.0.0.1",
		"10.255.255.255", "100.64.0.1", "127.0.0.1", "127.255.255.254",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
		"192.0.2.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
		"203.0.113.1", "224.0.0.1", "255.255.255.255", "::", "::1",
		"fe80::1", "fc00::1", "fd00::1", "ff02::1", "2001:db8::1",
		"2001::1", "2002:7f00:1::", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
		"64:ff9b::7f00:1", "3fff::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		union any a = address(all[i]);

		if (address_allowed(&a.sa, NULL, 0))
			fail_msg("%s is not public", all[i]);
	}
}

static void
a_network_that_is_named_is_allowed_and_its_neighbour_is_not(void **state)
{
	static const struct network networks[] = {
		{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 20, 0, 0 },
		    96 + 14 },
		{ { 0xfd, 0x12 }, 20 },
	};
	static const struct {
		const char *text;
		bool allowed;
	} cases[] = { { "10.20.0.1", true }, { "10.23.255.255", true },
		{ "10.19.255.255", false }, { "10.24.0.0", false },
		{ "::ffff:10.20.0.1", true }, { "fd12::1", true },
		{ "fd12:fff::1", true }, { "fd12:1000::1", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		union any a = address(cases[i].text);

		if (address_allowed(&a.sa, networks, ARRAY_LEN(networks)) !=
		    cases[i].allowed)
			fail_msg("%s", cases[i].text);
	}
}

static void
other_families_are_refused(void **state)
{
	const struct sockaddr unix_socket = { .sa_family = AF_UNIX };

	(void)state;
	assert_false(address_allowed(&unix_socket, NULL, 0));
	assert_false(address_loopback(&unix_socket));
}

static void
only_names_of_the_public_dns_are_public(void **state)
{
	static const char *const public_ones[] = { "billing.example",
		"a.b.c.example.com", "billing.example.", "10.example",
		"internal.example", "localhost.example" };
	static const char *const others[] = { "billing", "localhost",
		"127.0.0.1", "10.0.0.1", "[::1]", "billing.internal",
		"billing.INTERNAL", "billing.internal.", "x.local",
		"a.localhost", "billing.test", "nas.home.arpa", "localhost." };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(public_ones); i++) {
		if (!address_name_public(public_ones[i]))
			fail_msg("%s is public", public_ones[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (address_name_public(others[i]))
			fail_msg("%s is not public", others[i]);
	}
}

static void
loopback_is_told(void **state)
{
	union any four = address("127.1.2.3"), six = address("::1");
	union any mapped = address("::ffff:127.0.0.1"),
		  no = address("10.0.0.1");

	(void)state;
	assert_true(address_loopback(&four.sa));
	assert_true(address_loopback(&six.sa));
	assert_true(address_loopback(&mapped.sa));
	assert_false(address_loopback(&no.sa));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(public_addresses_are_allowed),
		cmocka_unit_test(private_addresses_are_refused),
		cmocka_unit_test(
		    a_network_that_is_named_is_allowed_and_its_neighbour_is_not),
		cmocka_unit_test(other_families_are_refused),
		cmocka_unit_test(only_names_of_the_public_dns_are_public),
		cmocka_unit_test(loopback_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
