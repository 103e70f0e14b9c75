#include "client/answer.h"

#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"

#define HEAD_BYTES (64 * 1024)
#define DAY_S	   86400

void
answer_init(struct answer *a, bool kept, size_t most)
{
	*a = (struct answer){ .kept = kept, .most = most, .retry_after_s = -1 };
	buf_init(&a->body, most);
}

void
answer_fini(struct answer *a)
{
	buf_fini(&a->body);
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Is this the header `name:`, and what does it say? */
static bool
header_value(struct bytes line, const char *name, struct bytes *value)
{
	size_t n = strlen(name);

	if (line.len <= n || line.ptr[n] != ':' ||
	    strncasecmp((const char *)line.ptr, name, n) != 0)
		return false;
	*value = bytes_make(line.ptr + n + 1, line.len - n - 1);
	while (value->len > 0 && is_space(value->ptr[0]))
		*value = bytes_make(value->ptr + 1, value->len - 1);
	while (value->len > 0 && is_space(value->ptr[value->len - 1]))
		value->len--;
	return true;
}

/* Seconds from now, up to a day, of a number or a date; -1 for neither. */
static int64_t
seconds_until(struct bytes value)
{
	char text[64];
	int64_t s = 0;
	size_t i = 0;

	for (; i < value.len && value.ptr[i] >= '0' && value.ptr[i] <= '9'; i++)
		s = s < DAY_S ? s * 10 + (value.ptr[i] - '0') : s;
	if (i == 0 || i < value.len) {
		if (value.len >= sizeof(text))
			return -1;
		memcpy(text, value.ptr, value.len);
		text[value.len] = '\0';
		s = curl_getdate(text, NULL);
		if (s < 0)
			return -1;
		s -= clock_wall_us() / 1000000;
	}
	if (s < 0)
		return 0;
	return s < DAY_S ? s : DAY_S;
}

/* The decoders that take their memory from us, and give it back wiped. */
static bool
is_readable(struct bytes coding)
{
	static const char *const readable[] = { "identity", "chunked", "gzip",
		"x-gzip", "deflate" };

	for (size_t i = 0; i < ARRAY_LEN(readable); i++) {
		if (coding.len == strlen(readable[i]) &&
		    strncasecmp(
			(const char *)coding.ptr, readable[i], coding.len) == 0)
			return true;
	}
	return false;
}

bool
answer_head(struct answer *a, struct bytes line)
{
	struct bytes value;

	if (line.len > 5 && memcmp(line.ptr, "HTTP/", 5) == 0) {
		a->head_whole = false; /* the one before was only interim */
		a->retry_after_s = -1;
	}
	if (bytes_is(line, "\r\n") || bytes_is(line, "\n"))
		a->head_whole = true;
	if (header_value(line, "Retry-After", &value))
		a->retry_after_s = seconds_until(value);
	if (a->kept &&
	    (header_value(line, "Content-Encoding", &value) ||
		header_value(line, "Transfer-Encoding", &value)) &&
	    !is_readable(value))
		return false;
	a->head_bytes += line.len;
	return a->head_bytes <= HEAD_BYTES;
}

bool
answer_body(struct answer *a, struct bytes part)
{
	if (part.len > a->most - a->body_bytes) {
		a->cut = true;
		buf_reset(&a->body);
		return false;
	}
	a->body_bytes += part.len;
	if (!a->kept)
		return true;
	buf_append(&a->body, part.ptr, part.len);
	return buf_status(&a->body) == ST_OK;
}
