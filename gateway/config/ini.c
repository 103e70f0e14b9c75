#include "config/ini.h"

#include "receipt/receipt.h"

static bool
blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static struct bytes
trimmed(struct bytes b)
{
	while (b.len > 0 && blank(b.ptr[0])) {
		b.ptr++;
		b.len--;
	}
	while (b.len > 0 && blank(b.ptr[b.len - 1]))
		b.len--;
	return b;
}

/* Without its comment and the blanks around it. */
static struct bytes
content(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++) {
		bool mark = line.ptr[i] == ';' || line.ptr[i] == '#';

		if (mark && (i == 0 || blank(line.ptr[i - 1]))) {
			line.len = i;
			break;
		}
	}
	return trimmed(line);
}

static bool
is_word(struct bytes b, bool key)
{
	if (b.len == 0)
		return false;
	for (size_t i = 0; i < b.len; i++) {
		unsigned char c = b.ptr[i];
		bool more = c == '_' || (c >= '0' && c <= '9');

		if ((c < 'a' || c > 'z') && !(key && more))
			return false;
	}
	return true;
}

static bool
has_control(struct bytes line)
{
	for (size_t i = 0; i < line.len; i++) {
		if ((line.ptr[i] < 0x20 && line.ptr[i] != '\t') ||
		    line.ptr[i] == 0x7f)
			return true;
	}
	return false;
}

/* line begins with '['. */
static void
read_header(const struct ini_reader *r, unsigned at, struct bytes line)
{
	struct bytes section, name = { 0 };
	size_t i = 0;

	if (line.len < 2 || line.ptr[line.len - 1] != ']')
		goto fault;
	section = trimmed(bytes_make(line.ptr + 1, line.len - 2));
	while (i < section.len && !blank(section.ptr[i]))
		i++;
	name = trimmed(bytes_make(section.ptr + i, section.len - i));
	section.len = i;
	if (!is_word(section, false) ||
	    (name.len > 0 && !receipt_merchant_valid(name)))
		goto fault;
	r->section(r->arg, at, section, name);
	return;
fault:
	r->fault(r->arg, at,
	    "not a section; write [section] or [section name], the name in 1 "
	    "to 32 of A-Z a-z 0-9 _ -");
	r->section(r->arg, at, bytes_of(""), bytes_of(""));
}

static void
read_key(const struct ini_reader *r, unsigned at, struct bytes line)
{
	const unsigned char *equals = memchr(line.ptr, '=', line.len);
	struct bytes key, value;

	if (equals != NULL) {
		size_t n = (size_t)(equals - line.ptr);

		key = trimmed(bytes_make(line.ptr, n));
		value = trimmed(bytes_make(equals + 1, line.len - n - 1));
		if (is_word(key, true)) {
			r->key(r->arg, at, key, value);
			return;
		}
	}
	r->fault(r->arg, at, "neither a [section] nor key = value");
}

static void
read_line(const struct ini_reader *r, unsigned at, struct bytes line)
{
	if (line.len > INI_LINE) {
		r->fault(r->arg, at, "line longer than 1024 bytes");
		return;
	}
	if (has_control(line)) {
		r->fault(r->arg, at,
		    "control byte in the line (lines end in LF alone)");
		return;
	}
	line = content(line);
	if (line.len == 0)
		return;
	if (line.ptr[0] == '[')
		read_header(r, at, line);
	else
		read_key(r, at, line);
}

void
ini_parse(struct bytes text, const struct ini_reader *r)
{
	for (unsigned at = 1; text.len > 0; at++) {
		const unsigned char *end = memchr(text.ptr, '\n', text.len);
		size_t n = end == NULL ? text.len : (size_t)(end - text.ptr);

		read_line(r, at, bytes_make(text.ptr, n));
		n += end != NULL;
		text = bytes_make(text.ptr + n, text.len - n);
	}
}
