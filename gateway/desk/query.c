#include "desk/query.h"

#include <assert.h>
#include <string.h>

#include "base/rfc3339.h"

/* Decode raw to out, which has room for raw.len bytes, plus being what '+'
 * stands for; false on a broken encoding or a control byte. */
static bool
decode(struct bytes raw, int plus, unsigned char *out, size_t *len)
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len; i++) {
		int c = raw.ptr[i];

		if (c == '+') {
			c = plus;
		} else if (c == '%') {
			int high, low;

			if (raw.len - i < 3)
				return false;
			high = bytes_hex_digit(raw.ptr[i + 1]);
			low = bytes_hex_digit(raw.ptr[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = high << 4 | low;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		out[n++] = (unsigned char)c;
	}
	*len = n;
	return true;
}

static struct query_param *
find(struct query_param *params, size_t n, struct bytes name)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes_is(name, params[i].name))
			return &params[i];
	}
	return NULL;
}

/* One pair; *used says how much of text is taken.  Decoding never lengthens,
 * so text cannot overflow while raw as a whole fits it. */
static bool
parse_pair(struct bytes pair, struct query_param *params, size_t n,
    struct query_text *text, size_t *used)
{
	const unsigned char *eq = memchr(pair.ptr, '=', pair.len);
	unsigned char *at = text->bytes + *used;
	struct query_param *p;
	struct bytes name;
	size_t name_len, len;

	if (eq == NULL)
		return false;
	name = bytes_make(pair.ptr, (size_t)(eq - pair.ptr));
	if (!decode(name, ' ', at, &name_len))
		return false;
	p = find(params, n, bytes_make(at, name_len));
	if (p == NULL || p->value.ptr != NULL)
		return false;
	if (!decode(bytes_make(eq + 1, pair.len - name.len - 1), ' ', at, &len))
		return false;
	p->value = bytes_make(at, len);
	*used += len;
	return true;
}

bool
query_parse(struct bytes raw, struct query_param *params, size_t n,
    struct query_text *text)
{
	size_t used = 0;

	assert(text != NULL);
	for (size_t i = 0; i < n; i++)
		params[i].value = bytes_make(NULL, 0);
	if (raw.ptr == NULL || raw.len == 0)
		return true;
	if (raw.len > sizeof(text->bytes))
		return false;
	for (;;) {
		const unsigned char *end = memchr(raw.ptr, '&', raw.len);
		size_t len = end == NULL ? raw.len : (size_t)(end - raw.ptr);

		if (!parse_pair(
			bytes_make(raw.ptr, len), params, n, text, &used))
			return false;
		if (end == NULL)
			return true;
		raw = bytes_make(end + 1, raw.len - len - 1);
	}
}

bool
query_segment(struct bytes raw, struct bytes *out, struct query_text *text)
{
	size_t len;

	if (raw.len > sizeof(text->bytes) ||
	    !decode(raw, '+', text->bytes, &len))
		return false;
	*out = bytes_make(text->bytes, len);
	return true;
}

bool
query_number(struct bytes text, uint32_t min, uint32_t max, uint32_t *out)
{
	uint32_t v = 0;

	if (text.len == 0 || text.len > 9 ||
	    (text.len > 1 && text.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(text.ptr[i] - '0');
	}
	*out = v;
	return v >= min && v <= max;
}

#define MICROS_MAX UINT64_C(4102444800000000) /* 2100 */

bool
query_time(struct bytes text, uint64_t *out)
{
	int64_t us;

	if (!rfc3339_parse(text, &us))
		return false;
	*out = (uint64_t)us;
	return *out < MICROS_MAX;
}

bool
query_currency(struct bytes text, char out[MONEY_CURRENCY])
{
	if (text.len != 3 || money_exponent(text) < 0)
		return false;
	memcpy(out, text.ptr, 3);
	out[3] = '\0';
	return true;
}

bool
query_bool(struct bytes text, bool *out)
{
	*out = bytes_is(text, "true");
	return *out || bytes_is(text, "false");
}
