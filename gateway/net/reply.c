#include "net/reply.h"

#include "base/attr.h"

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} known[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i].status == status)
			return known[i].phrase;
	}
	return "";
}

static void
append_number(struct buf *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	buf_append(out, digits + at, sizeof(digits) - at);
}

void
reply_compose(struct buf *out, const struct server_reply *reply,
    enum reply_connection connection, enum reply_framing framing)
{
	struct bytes body = { .ptr = NULL };
	/* RFC 9110 8.6: 204 has no content and says no length; of 304 (15.4.5)
	 * both would be another answer's. */
	bool empty = reply->status == 204 || reply->status == 304;

	if (reply->content_type != NULL)
		body = reply->body;
	buf_append_text(out, "HTTP/1.1 ");
	append_number(out, (uint64_t)reply->status);
	buf_append_text(out, " ");
	buf_append_text(out, reason(reply->status));
	buf_append_text(out, "\r\n");
	if (reply->content_type != NULL && !empty) {
		buf_append_text(out, "Content-Type: ");
		buf_append_text(out, reply->content_type);
		buf_append_text(out, "\r\n");
	}
	if (framing == REPLY_CHUNKED) {
		buf_append_text(out, "Transfer-Encoding: chunked\r\n");
	} else if (framing == REPLY_LENGTH && !empty) {
		buf_append_text(out, "Content-Length: ");
		append_number(out, body.len);
		buf_append_text(out, "\r\n");
	}
	buf_append_text(out, "Cache-Control: no-store\r\n");
	if (connection == REPLY_CLOSE)
		buf_append_text(out, "Connection: close\r\n");
	else if (connection == REPLY_KEEP_SAID)
		buf_append_text(out, "Connection: keep-alive\r\n");
	if (reply->fields != NULL)
		buf_append_text(out, reply->fields);
	buf_append_text(out, "\r\n");
	if (framing == REPLY_LENGTH && !reply->head_only && !empty)
		buf_append(out, body.ptr, body.len);
}

bool
reply_must_close(enum problem p)
{
	switch (p) {
	case PROBLEM_BAD_REQUEST:
	case PROBLEM_TIMEOUT:
	case PROBLEM_LENGTH:
	case PROBLEM_TOO_LARGE:
	case PROBLEM_URI:
	case PROBLEM_EXPECT:
	case PROBLEM_HEAD:
	case PROBLEM_VERSION:
		return true;
	default:
		return false;
	}
}
