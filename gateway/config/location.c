#include "config/location.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

_Static_assert(LOCATION_SOCKET + sizeof("-control") - 1 <=
		   sizeof(((struct sockaddr_un *)0)->sun_path),
    "the control socket's path has to fit");

static bool
refuse(struct err *e, const char *words)
{
	err_set(e, "%s", words);
	return false;
}

/* The port in text, or -1.  No sign, no zero in front. */
static long
read_port(struct bytes text)
{
	long port = 0;

	if (text.len == 0 || text.len > 5 ||
	    (text.len > 1 && text.ptr[0] == '0'))
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return -1;
		port = port * 10 + (text.ptr[i] - '0');
	}
	return port > 65535 ? -1 : port;
}

/* "host:port" or "[v6]:port" in two; host without its brackets.  false when
 * the form differs; port is empty when there is none. */
static bool
split_authority(
    struct bytes text, struct bytes *host, struct bytes *port, bool *six)
{
	const unsigned char *end = text.ptr + text.len, *at;

	*six = text.len > 0 && text.ptr[0] == '[';
	at = memchr(text.ptr, *six ? ']' : ':', text.len);
	if (at == NULL && *six)
		return false;
	if (*six) {
		*host = bytes_make(text.ptr + 1, (size_t)(at - text.ptr) - 1);
		at++;
	} else {
		if (at == NULL)
			at = end;
		*host = bytes_make(text.ptr, (size_t)(at - text.ptr));
	}
	*port = bytes_make(end, 0);
	if (at == end)
		return true;
	if (*at != ':' || at + 1 == end)
		return false;
	*port = bytes_make(at + 1, (size_t)(end - at) - 1);
	return true;
}

/* inet_pton() over a view. */
static bool
read_numeric(int family, struct bytes host, void *out)
{
	char text[INET6_ADDRSTRLEN];

	return receipt_text(text, sizeof(text), host) &&
	       strlen(text) == host.len && inet_pton(family, text, out) == 1;
}

static bool
loopback_four(const struct in_addr *a)
{
	return ntohl(a->s_addr) >> 24 == 127;
}

bool
location_address(
    struct bytes text, bool loopback, struct config_address *out, struct err *e)
{
	static const char form[] =
	    "not an address: host:port, the host as IPv4 or [IPv6]";
	struct bytes host, port_text;
	bool six, local;
	long port;

	if (text.len == 0 || !split_authority(text, &host, &port_text, &six))
		return refuse(e, form);
	port = read_port(port_text);
	if (port < 0 || !receipt_text(out->text, sizeof(out->text), text))
		return refuse(e, form);
	if (six) {
		if (!read_numeric(AF_INET6, host, &out->u.in6.sin6_addr))
			return refuse(e, form);
		out->u.in6.sin6_family = AF_INET6;
		out->u.in6.sin6_port = htons((uint16_t)port);
		out->len = sizeof(out->u.in6);
		local = IN6_IS_ADDR_LOOPBACK(&out->u.in6.sin6_addr);
	} else {
		if (!read_numeric(AF_INET, host, &out->u.in.sin_addr))
			return refuse(e, form);
		out->u.in.sin_family = AF_INET;
		out->u.in.sin_port = htons((uint16_t)port);
		out->len = sizeof(out->u.in);
		local = loopback_four(&out->u.in.sin_addr);
	}
	return !loopback || local || refuse(e, "has to be a loopback address");
}

static bool
begins(struct bytes text, const char *with)
{
	size_t n = strlen(with);

	return text.len >= n && memcmp(text.ptr, with, n) == 0;
}

static bool
host_name_valid(struct bytes host)
{
	for (size_t i = 0; i < host.len; i++) {
		unsigned char c = host.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && c != '-' && c != '.')
			return false;
	}
	return host.len > 0 && host.len < 254;
}

/* Visible ASCII that may stand in a URL as it is. */
static bool
characters_valid(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
			return false;
	}
	return true;
}

static bool
host_valid(struct bytes authority, bool *local)
{
	struct bytes host, port;
	struct in_addr four;
	struct in6_addr sixteen;
	bool six;

	if (!split_authority(authority, &host, &port, &six))
		return false;
	if (port.len > 0 && read_port(port) <= 0)
		return false;
	if (six) {
		if (!read_numeric(AF_INET6, host, &sixteen))
			return false;
		*local = IN6_IS_ADDR_LOOPBACK(&sixteen);
		return true;
	}
	*local = bytes_is(host, "localhost") ||
		 (read_numeric(AF_INET, host, &four) && loopback_four(&four));
	return host_name_valid(host);
}

bool
location_url(struct bytes text, char *out, size_t cap, struct err *e)
{
	bool https = begins(text, "https://"), local = false;
	size_t from = https ? 8 : 7, n;

	if (!https && !begins(text, "http://"))
		return refuse(e, "not an https URL");
	if (!characters_valid(text))
		return refuse(e, "holds a character that no URL may hold");
	if (memchr(text.ptr, '#', text.len) != NULL)
		return refuse(e, "a URL with a fragment");
	for (n = from; n < text.len; n++) {
		if (text.ptr[n] == '/' || text.ptr[n] == '?')
			break;
	}
	if (memchr(text.ptr + from, '@', n - from) != NULL)
		return refuse(e, "a URL with a user or password in it");
	if (!host_valid(bytes_make(text.ptr + from, n - from), &local))
		return refuse(e, "a URL whose host or port is not valid");
	if (!https && !local)
		return refuse(e, "http is for loopback only; use https");
	return receipt_text(out, cap, text) ||
	       refuse(e, "a URL longer than 511 bytes");
}

bool
location_base(struct bytes text, char *out, size_t cap, struct err *e)
{
	if (!location_url(text, out, cap, e))
		return false;
	return memchr(text.ptr, '?', text.len) == NULL ||
	       refuse(e, "a URL with a query; paths are put behind this one");
}

bool
location_proxy(struct bytes text, char *out, size_t cap, struct err *e)
{
	struct bytes host, port;
	bool local, six;

	if (!begins(text, "http://") || !characters_valid(text))
		return refuse(e, "not http://host:port");
	host = bytes_make(text.ptr + 7, text.len - 7);
	if (!host_valid(host, &local) ||
	    !split_authority(host, &host, &port, &six) || port.len == 0)
		return refuse(e, "not http://host:port");
	return receipt_text(out, cap, text) ||
	       refuse(e, "a URL longer than 511 bytes");
}

/* Is every bit behind the first n zero? */
static bool
zero_behind(const unsigned char *address, uint32_t n)
{
	for (uint32_t bit = n; bit < 128; bit++) {
		if ((address[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	}
	return true;
}

bool
location_network(struct bytes text, struct network *out, struct err *e)
{
	static const char form[] =
	    "holds what is no network, such as 10.0.0.0/8 or fd00::/8";
	const unsigned char *slash = memchr(text.ptr, '/', text.len);
	struct bytes host, width;
	uint32_t most = 128, offset = 0;
	long bits;

	if (slash == NULL)
		return refuse(e, form);
	host = bytes_make(text.ptr, (size_t)(slash - text.ptr));
	width = bytes_make(slash + 1, text.len - host.len - 1);
	memset(out->address, 0, sizeof(out->address));
	if (read_numeric(AF_INET, host, out->address + 12)) {
		memset(out->address + 10, 0xff, 2);
		most = 32;
		offset = 96;
	} else if (!read_numeric(AF_INET6, host, out->address)) {
		return refuse(e, form);
	}
	bits = read_port(width);
	if (bits < 0 || bits > (long)most)
		return refuse(e, form);
	out->bits = (uint32_t)bits + offset;
	return zero_behind(out->address, out->bits) ||
	       refuse(e, "holds a network with bits behind its prefix");
}
