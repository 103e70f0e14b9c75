/*
 * However a head is cut, its outcome is the same.
 *
 * The first two bytes say where to cut; the rest is the request.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct outcome {
	enum http_parse parse;
	enum problem why;
	struct http_head head;
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* In memory of its own, so that reading beyond len is seen. */
static void
feed(struct outcome *o, const uint8_t *data, size_t len)
{
	unsigned char *copy = malloc(len + (len == 0));

	require(copy != NULL);
	memcpy(copy, data, len);
	if (o->parse == HTTP_MORE)
		o->parse = http_parse(&o->head, copy, len, &o->why);
	free(copy);
}

static void
check_head(const struct http_head *h, const uint8_t *data, size_t len)
{
	size_t path = (size_t)(h->path.ptr - h->base);

	require(h->len <= len && h->len <= HTTP_HEAD_MAX);
	require(memcmp(data + h->len - 4, "\r\n\r\n", 4) == 0);
	require(memmem(data, h->len - 1, "\r\n\r\n", 4) == NULL);
	require(data[path] == '/' && h->path.len <= HTTP_TARGET_MAX);
	require(h->n_fields <= HTTP_FIELDS_MAX);
	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];

		require(f->name_len > 0 && f->name + f->name_len < h->len);
		require(data[f->name + f->name_len] == ':');
		require(f->value > f->name + f->name_len);
		require((size_t)f->value + f->value_len <= h->len - 4);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct outcome whole = { .parse = HTTP_MORE, .why = PROBLEMS };
	struct outcome parts = whole;
	size_t cut;

	if (len < 2)
		return 0;
	cut = (size_t)(data[0] | data[1] << 8);
	data += 2;
	len -= 2;
	cut %= len + 1;
	feed(&whole, data, len);
	feed(&parts, data, cut / 2);
	feed(&parts, data, cut);
	feed(&parts, data, len);
	require(whole.parse == parts.parse && whole.why == parts.why);
	if (whole.parse != HTTP_DONE)
		return 0;
	check_head(&whole.head, data, len);
	require(whole.head.len == parts.head.len &&
		whole.head.method == parts.head.method &&
		whole.head.content_length == parts.head.content_length &&
		whole.head.keep_alive == parts.head.keep_alive &&
		whole.head.n_fields == parts.head.n_fields &&
		whole.head.path.len == parts.head.path.len &&
		whole.head.query.len == parts.head.query.len);
	require(memcmp(whole.head.fields, parts.head.fields,
		    whole.head.n_fields * sizeof(struct http_field)) == 0);
	return 0;
}
