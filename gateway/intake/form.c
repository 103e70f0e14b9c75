#include "intake/form.h"

#include "base/secret.h"

struct cursor {
	const unsigned char *in, *end;
	unsigned char *out; /* never ahead of in: an escape shrinks */
	bool high;	    /* of this field a byte was not ASCII */
};

static enum status
refuse(enum refusal *why, enum refusal r)
{
	*why = r;
	return ST_BAD_INPUT;
}

/* The byte of the two digits behind a '%', -1 when they are not there. */
static int
escaped(struct cursor *c)
{
	int hi, lo;

	if (c->end - c->in < 2)
		return -1;
	hi = bytes_hex_digit(c->in[0]);
	lo = bytes_hex_digit(c->in[1]);
	c->in += 2;
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

/* A byte that stands for itself, whatever it stands in: most do. */
static bool
plain(unsigned char byte)
{
	return (byte > '=' && byte < 0x7f) || (byte >= '0' && byte <= '9');
}

/* By copies of the cursor's pointers: a byte that is written could be part of
 * the cursor, for all that the compiler knows, and it would look each time. */
static void
take_plain(struct cursor *c)
{
	const unsigned char *in = c->in, *end = c->end;
	unsigned char *out = c->out;

	while (in < end && plain(*in))
		*out++ = *in++;
	c->in = in;
	c->out = out;
}

/* Decode up to '&', the end or, in a name, '='. */
static enum status
decode(struct cursor *c, bool name, enum refusal *why)
{
	for (;;) {
		int byte;

		take_plain(c);
		if (c->in == c->end || *c->in == '&' || (name && *c->in == '='))
			return ST_OK;
		byte = *c->in++;

		if (byte == '+')
			byte = ' ';
		else if (byte == '%')
			byte = escaped(c);
		if (byte < 0)
			return refuse(why, REFUSAL_FORM);
		if (byte < 0x20 || byte == 0x7f)
			return refuse(why, REFUSAL_CONTROL);
		c->high |= byte >= 0x80;
		*c->out++ = (unsigned char)byte;
	}
}

/*
 * Length of the UTF-8 sequence at p, 0 when there is none (RFC 3629: no
 * overlong form, no surrogate, nothing above U+10FFFF).
 */
static size_t
sequence(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (left < len || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static bool
utf8(struct bytes text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t n = sequence(text.ptr + at, text.len - at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

static enum status
take_field(struct form *f, struct cursor *c, enum refusal *why)
{
	struct form_field field;
	unsigned char *start = c->out;

	if (f->n == FORM_FIELDS)
		return refuse(why, REFUSAL_TOO_LARGE);
	if (decode(c, true, why) != ST_OK)
		return ST_BAD_INPUT;
	field.name = bytes_make(start, (size_t)(c->out - start));
	if (c->in == c->end || *c->in != '=' || field.name.len == 0)
		return refuse(why, REFUSAL_FORM);
	*c->out++ = *c->in++;
	start = c->out;
	if (decode(c, false, why) != ST_OK)
		return ST_BAD_INPUT;
	field.value = bytes_make(start, (size_t)(c->out - start));
	if (c->high && (!utf8(field.name) || !utf8(field.value)))
		return refuse(why, REFUSAL_UTF8);
	c->high = false;
	if (form_find(f, field.name) != NULL)
		return refuse(why, REFUSAL_DUPLICATE);
	f->fields[f->n++] = field;
	return ST_OK;
}

enum status
form_parse(struct form *f, unsigned char *body, size_t len, enum refusal *why)
{
	struct cursor c = { .in = body, .end = body + len, .out = body };

	f->n = 0;
	if (len == 0)
		return refuse(why, REFUSAL_FORM);
	if (len > FORM_BODY)
		return refuse(why, REFUSAL_TOO_LARGE);
	for (;;) {
		if (take_field(f, &c, why) != ST_OK)
			return ST_BAD_INPUT;
		if (c.in == c.end)
			return ST_OK;
		*c.out++ = *c.in++; /* the '&' */
	}
}

const struct form_field *
form_find(const struct form *f, struct bytes name)
{
	for (size_t i = 0; i < f->n; i++) {
		if (bytes_equal(f->fields[i].name, name))
			return &f->fields[i];
	}
	return NULL;
}

struct bytes
form_value(const struct form *f, const char *name)
{
	const struct form_field *field = form_find(f, bytes_of(name));

	return field == NULL ? bytes_make("", 0) : field->value;
}

struct bytes
form_pair(const struct form_field *field)
{
	return bytes_make(
	    field->name.ptr, field->name.len + 1 + field->value.len);
}

void
form_wipe(struct form *f)
{
	secret_wipe(f, sizeof(*f));
}
