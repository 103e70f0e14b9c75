#include "receipt/guard.h"

#include <stdbool.h>
#include <stdint.h>

#define MOST_DIGITS 19 /* of any shape */

/* Issuers by the first digits of their numbers, with the lengths that they
 * give out. */
static const struct {
	uint32_t from, to; /* of equal length */
	size_t shortest, longest;
} issuers[] = {
	{ 4, 4, 13, 13 }, /* Visa */
	{ 4, 4, 16, 19 },
	{ 51, 55, 16, 16 }, /* Mastercard */
	{ 2221, 2720, 16, 16 },
	{ 34, 34, 15, 15 }, /* American Express */
	{ 37, 37, 15, 15 },
	{ 6011, 6011, 16, 19 }, /* Discover */
	{ 644, 649, 16, 19 },
	{ 65, 65, 16, 19 },
	{ 35, 35, 16, 19 },   /* JCB */
	{ 300, 305, 14, 19 }, /* Diners Club */
	{ 36, 36, 14, 19 },
	{ 38, 38, 14, 19 },
	{ 62, 62, 16, 19 }, /* UnionPay */
	{ 60, 60, 16, 16 }, /* RuPay */
	{ 81, 82, 16, 16 },
};

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* ---- numbers */

struct number {
	size_t n;
	size_t first; /* digits of its first unbroken run */
	unsigned char digit[MOST_DIGITS];
};

static bool
passes_luhn(const struct number *d)
{
	unsigned sum = 0;

	for (size_t i = 0; i < d->n; i++) {
		unsigned v = d->digit[d->n - 1 - i];

		if (i % 2 == 1)
			v = v < 5 ? 2 * v : 2 * v - 9;
		sum += v;
	}
	return sum % 10 == 0;
}

static bool
begins_within(const struct number *d, uint32_t from, uint32_t to)
{
	uint32_t v = 0;
	size_t i = 0;

	for (uint32_t left = to; left > 0; left /= 10)
		v = v * 10 + d->digit[i++];
	return v >= from && v <= to;
}

static bool
is_card(const struct number *d)
{
	for (size_t i = 0; i < ARRAY_LEN(issuers); i++) {
		if (d->n >= issuers[i].shortest && d->n <= issuers[i].longest &&
		    begins_within(d, issuers[i].from, issuers[i].to))
			return passes_luhn(d);
	}
	return false;
}

/* 01x..., 8801x... or 008801x..., x from 3 on, and eight more.  A number that
 * begins with one or two digits by themselves is a date more often. */
static bool
is_phone(const struct number *d)
{
	static const unsigned char prefix[] = { 0, 0, 8, 8, 0 };
	size_t before = 11 <= d->n ? d->n - 11 : ARRAY_LEN(prefix);

	if (d->first < 3 || (before != 0 && before != 2 && before != 4))
		return false;
	for (size_t i = 0; i <= before; i++) {
		if (d->digit[i] != prefix[ARRAY_LEN(prefix) - 1 - before + i])
			return false;
	}
	return d->digit[before + 1] == 1 && d->digit[before + 2] >= 3;
}

/* What the numbers are that begin at `at`, each longer than the last by an
 * unbroken run. */
static enum guard_shape
numbers_from(struct bytes text, size_t at)
{
	struct number d = { 0 };

	while (at < text.len && !is_letter(text.ptr[at])) {
		while (at < text.len && !is_digit(text.ptr[at]) &&
		       !is_letter(text.ptr[at]))
			at++;
		while (at < text.len && is_digit(text.ptr[at])) {
			if (d.n == MOST_DIGITS)
				return GUARD_NONE;
			d.digit[d.n++] = (unsigned char)(text.ptr[at++] - '0');
		}
		if (d.first == 0)
			d.first = d.n;
		if (is_card(&d))
			return GUARD_CARD;
		if (is_phone(&d))
			return GUARD_PHONE;
	}
	return GUARD_NONE;
}

/* ---- addresses */

/* Does the last label of a public name stand here: com, bd, ...? */
static bool
is_top(struct bytes text, size_t at)
{
	size_t n = 0;

	while (at + n < text.len && is_letter(text.ptr[at + n]))
		n++;
	return n >= 2 && (at + n == text.len || !is_digit(text.ptr[at + n]));
}

static bool
is_host(struct bytes text, size_t at)
{
	for (size_t label = 0; at < text.len; at++) {
		unsigned char c = text.ptr[at];

		if (is_letter(c) || is_digit(c) || c == '-') {
			label++;
		} else if (c == '.' && label > 0) {
			if (is_top(text, at + 1))
				return true;
			label = 0;
		} else {
			return false;
		}
	}
	return false;
}

/* Of a mailbox nearly anything may be the last character. */
static bool
is_address(struct bytes text, size_t at)
{
	return text.ptr[at] == '@' && at > 0 && text.ptr[at - 1] != ' ' &&
	       text.ptr[at - 1] != '@' && is_host(text, at + 1);
}

/* ---- all */

static bool
is_edge(struct bytes text, size_t at)
{
	return at == text.len ||
	       (!is_digit(text.ptr[at]) && !is_letter(text.ptr[at]));
}

/* The length of a random identifier that stands here: 32 hex digits, letters
 * among them, with dashes as a UUID has them or without.  0: none. */
static size_t
random_length(struct bytes text, size_t at)
{
	bool letters = false;
	size_t i = at;

	for (size_t n = 0; n < 32; i++) {
		unsigned char c = i < text.len ? text.ptr[i] : '\0';

		if (c == '-' && n >= 8 && n <= 20 && n % 4 == 0)
			continue;
		if (bytes_hex_digit(c) < 0)
			return 0;
		letters = letters || is_letter(c);
		n++;
	}
	return letters && is_edge(text, i) ? i - at : 0;
}

enum guard_shape
guard_shape(struct bytes text)
{
	enum guard_shape s = GUARD_NONE;

	for (size_t i = 0; s == GUARD_NONE && i < text.len; i++) {
		bool first = i == 0 || !is_digit(text.ptr[i - 1]);

		if (i == 0 || is_edge(text, i - 1))
			i += random_length(text, i);
		if (i == text.len)
			break;
		if (first && is_digit(text.ptr[i]))
			s = numbers_from(text, i);
		else if (is_address(text, i))
			s = GUARD_EMAIL;
	}
	return s;
}

const char *
guard_word(enum guard_shape s)
{
	static const char *const words[GUARD_SHAPES] = {
		[GUARD_NONE] = "none",
		[GUARD_CARD] = "card",
		[GUARD_EMAIL] = "email",
		[GUARD_PHONE] = "phone",
	};

	return words[s];
}
