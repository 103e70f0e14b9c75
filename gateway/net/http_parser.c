#include "net/http_parser.h"

#include <string.h>

/* No method worth telling apart is longer; bounds an endless first line. */
#define METHOD_MAX  32
#define VERSION_LEN 8 /* "HTTP/1.1" */
#define LINE_MAX    (METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + VERSION_LEN)
#define HOST_MAX    255

enum seen { SEEN_LINE = 1, SEEN_HOST = 2, SEEN_LENGTH = 4, SEEN_EXPECT = 8 };

enum class {
	CLASS_TEXT = 1,	 /* SP, HTAB and visible ASCII */
	CLASS_TOKEN = 2, /* RFC 9110 tchar */
	CLASS_HOST = 4	 /* registered names and IPv4 addresses */
};

/* clang-format off */
#define T CLASS_TEXT
#define K (CLASS_TEXT | CLASS_TOKEN)
#define H (CLASS_TEXT | CLASS_TOKEN | CLASS_HOST)
static const unsigned char classes[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, T, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	T, K, T, K, K, K, K, K, T, T, K, K, T, H, H, T, /*  !"#$%&'()*+,-./ */
	H, H, H, H, H, H, H, H, H, H, T, T, T, T, T, T, /* 0-9 :;<=>? */
	T, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, /* @A-O */
	H, H, H, H, H, H, H, H, H, H, H, T, T, T, K, H, /* P-Z [\]^_ */
	K, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, /* `a-o */
	H, H, H, H, H, H, H, H, H, H, H, T, K, T, K, 0, /* p-z {|}~ DEL */
};
#undef T
#undef K
#undef H
/* clang-format on */

static bool
all(struct bytes b, enum class class)
{
	for (size_t i = 0; i < b.len; i++) {
		if ((classes[b.ptr[i]] & class) == 0)
			return false;
	}
	return true;
}

static bool
digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

bool
http_token_is(struct bytes text, const char *word)
{
	size_t i = 0;

	while (i < text.len && word[i] != '\0' &&
	       lower(text.ptr[i]) == (unsigned char)word[i])
		i++;
	return i == text.len && word[i] == '\0';
}

static struct bytes
trim(struct bytes b)
{
	while (b.len > 0 && (b.ptr[0] == ' ' || b.ptr[0] == '\t')) {
		b.ptr++;
		b.len--;
	}
	while (
	    b.len > 0 && (b.ptr[b.len - 1] == ' ' || b.ptr[b.len - 1] == '\t'))
		b.len--;
	return b;
}

/* The bytes before the first c, which is dropped; b becomes what follows.
 * Without c all of b, and b's ptr becomes NULL. */
static struct bytes
cut(struct bytes *b, unsigned char c)
{
	const unsigned char *at =
	    b->len == 0 ? NULL : memchr(b->ptr, c, b->len);
	struct bytes first = *b;

	if (at == NULL) {
		*b = bytes_make(NULL, 0);
		return first;
	}
	first.len = (size_t)(at - b->ptr);
	*b = bytes_make(at + 1, b->len - first.len - 1);
	return first;
}

static enum http_method
method_of(struct bytes token)
{
	static const struct {
		const char *name;
		enum http_method method;
	} known[] = {
		{ "GET", HTTP_GET },
		{ "HEAD", HTTP_HEAD },
		{ "POST", HTTP_POST },
		{ "PUT", HTTP_PUT },
		{ "DELETE", HTTP_DELETE },
		{ "OPTIONS", HTTP_OPTIONS },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (bytes_is(token, known[i].name))
			return known[i].method;
	}
	return HTTP_OTHER;
}

/* RFC 9112 section 3; every function of a line returns PROBLEMS when all is
 * well. */
static enum problem
request_line(struct http_head *h, struct bytes line)
{
	struct bytes method = cut(&line, ' '), target = cut(&line, ' ');
	struct bytes version = line, path = target;

	if (method.len == 0 || method.len > METHOD_MAX ||
	    !all(method, CLASS_TOKEN))
		return PROBLEM_BAD_REQUEST;
	if (target.len == 0 || target.ptr[0] != '/' ||
	    memchr(target.ptr, '#', target.len) != NULL ||
	    memchr(target.ptr, '\t', target.len) != NULL)
		return PROBLEM_BAD_REQUEST;
	if (target.len > HTTP_TARGET_MAX)
		return PROBLEM_URI;
	if (version.len != VERSION_LEN || memcmp(version.ptr, "HTTP/", 5) != 0)
		return PROBLEM_BAD_REQUEST;
	if (!digit(version.ptr[5]) || version.ptr[6] != '.' ||
	    !digit(version.ptr[7]))
		return PROBLEM_BAD_REQUEST;
	if (version.ptr[5] != '1' || version.ptr[7] > '1')
		return PROBLEM_VERSION;
	h->method = method_of(method);
	h->minor = (unsigned)(version.ptr[7] - '0');
	h->target_end = method.len + 1 + target.len;
	h->path_end = method.len + 1 + cut(&path, '?').len;
	h->seen |= SEEN_LINE;
	return PROBLEMS;
}

static enum problem
content_length(struct http_head *h, struct bytes value)
{
	uint64_t n = 0;

	if ((h->seen & SEEN_LENGTH) != 0 || value.len == 0)
		return PROBLEM_BAD_REQUEST;
	for (size_t i = 0; i < value.len; i++) {
		unsigned d = (unsigned)value.ptr[i] - '0';

		if (!digit(value.ptr[i]) || n > (UINT64_MAX - d) / 10)
			return PROBLEM_BAD_REQUEST;
		n = n * 10 + d;
	}
	h->seen |= SEEN_LENGTH;
	h->has_length = true;
	h->content_length = n;
	return PROBLEMS;
}

/* "[v6]" in the form of RFC 3986, roughly: the address is never used. */
static bool
v6_literal(struct bytes host)
{
	if (host.len < 4 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
		return false;
	for (size_t i = 1; i < host.len - 1; i++) {
		unsigned char c = lower(host.ptr[i]);

		if (!digit(c) && !(c >= 'a' && c <= 'f') && c != ':' &&
		    c != '.')
			return false;
	}
	return true;
}

static bool
port_number(struct bytes port)
{
	if (port.len > 5)
		return false;
	for (size_t i = 0; i < port.len; i++) {
		if (!digit(port.ptr[i]))
			return false;
	}
	return true;
}

static enum problem
host(struct http_head *h, struct bytes value)
{
	struct bytes name = value, port;
	const unsigned char *end;

	if ((h->seen & SEEN_HOST) != 0 || value.len == 0 ||
	    value.len > HOST_MAX)
		return PROBLEM_BAD_REQUEST;
	h->seen |= SEEN_HOST;
	end = memchr(value.ptr, value.ptr[0] == '[' ? ']' : ':', value.len);
	if (end != NULL) {
		if (*end == ']')
			end++;
		name.len = (size_t)(end - value.ptr);
	}
	port = bytes_make(value.ptr + name.len, value.len - name.len);
	if (port.len > 0 && port.ptr[0] != ':')
		return PROBLEM_BAD_REQUEST;
	if (port.len > 0)
		port = bytes_make(port.ptr + 1, port.len - 1);
	if (name.len == 0 || !port_number(port))
		return PROBLEM_BAD_REQUEST;
	if (!all(name, CLASS_HOST) && !v6_literal(name))
		return PROBLEM_BAD_REQUEST;
	return PROBLEMS;
}

static enum problem
connection(struct http_head *h, struct bytes value)
{
	while (value.ptr != NULL) {
		struct bytes word = trim(cut(&value, ','));

		if (!all(word, CLASS_TOKEN))
			return PROBLEM_BAD_REQUEST;
		if (http_token_is(word, "close"))
			h->close = true;
		if (http_token_is(word, "keep-alive"))
			h->persist = true;
	}
	return PROBLEMS;
}

static enum problem
expect(struct http_head *h, struct bytes value)
{
	if ((h->seen & SEEN_EXPECT) != 0)
		return PROBLEM_BAD_REQUEST;
	h->seen |= SEEN_EXPECT;
	if (!http_token_is(value, "100-continue"))
		return PROBLEM_EXPECT;
	/* RFC 9110 10.1.1: an HTTP/1.0 client cannot wait for it. */
	h->expect_continue = h->minor == 1;
	return PROBLEMS;
}

/* The fields that decide where a message ends or how it is read. */
static enum problem
known_field(struct http_head *h, struct bytes name, struct bytes value)
{
	if (http_token_is(name, "host"))
		return host(h, value);
	if (http_token_is(name, "content-length"))
		return content_length(h, value);
	if (http_token_is(name, "connection"))
		return connection(h, value);
	if (http_token_is(name, "expect"))
		return expect(h, value);
	if (http_token_is(name, "transfer-encoding"))
		return PROBLEM_LENGTH;
	if (http_token_is(name, "content-encoding"))
		return PROBLEM_MEDIA_TYPE;
	return PROBLEMS;
}

static enum problem
field_line(struct http_head *h, struct bytes line)
{
	struct bytes value = line, name = cut(&value, ':');

	if (value.ptr == NULL || name.len == 0 || !all(name, CLASS_TOKEN))
		return PROBLEM_BAD_REQUEST;
	if (h->n_fields == HTTP_FIELDS_MAX)
		return PROBLEM_HEAD;
	value = trim(value);
	h->fields[h->n_fields++] = (struct http_field){
		.name = (uint16_t)(name.ptr - h->base),
		.name_len = (uint16_t)name.len,
		.value = (uint16_t)(value.ptr - h->base),
		.value_len = (uint16_t)value.len,
	};
	return known_field(h, name, value);
}

/* Every line is in: what only the whole head can tell. */
static enum problem
finish(struct http_head *h)
{
	const unsigned char *slash;

	if (h->minor == 1 && (h->seen & SEEN_HOST) == 0)
		return PROBLEM_BAD_REQUEST;
	h->keep_alive = !h->close && (h->minor == 1 || h->persist);
	/* The target's first slash: a method has none. */
	slash = memchr(h->base, '/', h->path_end);
	h->path = bytes_make(slash, (size_t)(h->base + h->path_end - slash));
	h->query = bytes_make(NULL, 0);
	if (h->path_end < h->target_end)
		h->query = bytes_make(
		    h->base + h->path_end + 1, h->target_end - h->path_end - 1);
	h->len = h->scanned;
	return PROBLEMS;
}

/* The line [h->line, end), its CRLF already behind h->scanned. */
static enum http_parse
take_line(struct http_head *h, size_t end, enum problem *why)
{
	struct bytes line = bytes_make(h->base + h->line, end - h->line);
	enum problem p;
	bool last = false;

	if ((h->seen & SEEN_LINE) == 0) {
		p = request_line(h, line);
	} else if (line.len > 0) {
		p = field_line(h, line);
	} else {
		p = finish(h);
		last = true;
	}
	h->line = h->scanned;
	if (p != PROBLEMS) {
		*why = p;
		return HTTP_REFUSED;
	}
	return last ? HTTP_DONE : HTTP_MORE;
}

/*
 * Each byte is looked at once, in order, and the first fault decides, so that
 * the outcome cannot depend on how the bytes were cut.  A CR at the end waits
 * for its LF.
 */
enum http_parse
http_parse(struct http_head *head, const unsigned char *data, size_t len,
    enum problem *why)
{
	size_t end = len < HTTP_HEAD_MAX ? len : HTTP_HEAD_MAX;

	head->base = data;
	while (head->scanned < end) {
		size_t i = head->scanned;
		enum http_parse r;

		if ((head->seen & SEEN_LINE) == 0 && i > LINE_MAX) {
			*why = PROBLEM_URI;
			return HTTP_REFUSED;
		}
		if ((classes[data[i]] & CLASS_TEXT) != 0) {
			head->scanned++;
			continue;
		}
		if (data[i] == '\r' && i + 1 == end)
			break;
		if (data[i] != '\r' || data[i + 1] != '\n') {
			*why = PROBLEM_BAD_REQUEST;
			return HTTP_REFUSED;
		}
		head->scanned = i + 2;
		r = take_line(head, i, why);
		if (r != HTTP_MORE)
			return r;
	}
	if (end < HTTP_HEAD_MAX)
		return HTTP_MORE;
	*why = PROBLEM_HEAD;
	return HTTP_REFUSED;
}

struct bytes
http_field(const struct http_head *head, const char *name)
{
	struct bytes found = { .ptr = NULL };

	for (unsigned i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];

		if (!http_token_is(
			bytes_make(head->base + f->name, f->name_len), name))
			continue;
		if (found.ptr != NULL)
			return bytes_make(NULL, 0);
		found = bytes_make(head->base + f->value, f->value_len);
	}
	return found;
}
