/*
 * A strict parser for the head of an HTTP/1.1 or 1.0 request.
 *
 * RFC 9112 without what nobody needs here: no chunked body, no folding, no
 * bare LF, origin-form targets only.  Anything doubtful is refused with the
 * problem to answer; after a refusal the connection has to close.  Works in
 * place on a caller's buffer: views point into it, nothing is allocated.
 * Pure: no I/O, no clock.  Any thread.
 */
#ifndef NET_HTTP_PARSER_H
#define NET_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "net/problem.h"

#define HTTP_HEAD_MAX	(16 * 1024) /* request line and fields */
#define HTTP_TARGET_MAX 1024
#define HTTP_FIELDS_MAX 64

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER
};

struct http_field {
	uint16_t name, name_len;   /* offset from the head's start */
	uint16_t value, value_len; /* without surrounding white space */
};

struct http_head {
	/* Progress; zero at the start, kept between calls. */
	size_t scanned; /* bytes looked at */
	size_t line;	/* where the current line starts */
	size_t path_end, target_end;
	unsigned seen;	     /* fields that may come once */
	bool close, persist; /* words of Connection */
	/* The result, good while the buffer stays where it is. */
	const unsigned char *base;
	size_t len; /* bytes of the head, its empty line included */
	enum http_method method;
	struct bytes path;  /* raw, starts with '/' */
	struct bytes query; /* behind '?'; ptr is NULL without one */
	uint64_t content_length;
	bool has_length;      /* a Content-Length field is there */
	bool keep_alive;      /* version and Connection field agree on it */
	bool expect_continue; /* HTTP/1.1 and Expect: 100-continue */
	unsigned minor;	      /* 0 or 1: HTTP/1.minor */
	unsigned n_fields;
	struct http_field fields[HTTP_FIELDS_MAX];
};

enum http_parse { HTTP_MORE, HTTP_DONE, HTTP_REFUSED };

/*
 * Look at data[0..len): the start of one request, of which more bytes may
 * have come since the last call for the same head.
 * HTTP_MORE: not complete.  HTTP_DONE: head is filled.  HTTP_REFUSED: *why
 * says which problem.  Linear in the bytes received, however they are cut.
 */
MUST_USE enum http_parse http_parse(struct http_head *head,
    const unsigned char *data, size_t len, enum problem *why);

/* The value of the only field called name (lower case), or a view with ptr
 * NULL when there is none or more than one. */
struct bytes http_field(const struct http_head *head, const char *name);

/* Is text equal to word (lower case), letters of either case? */
bool http_token_is(struct bytes text, const char *word);

#endif
