#include "base/rfc3339.h"

/* The last microsecond of 9999. */
#define LATEST_US INT64_C(253402300799999999)

static bool
leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };

	return month == 2 && leap(year) ? 29 : days[month - 1];
}

bool
civil_valid(const struct civil *c)
{
	return c->year >= 1970 && c->year <= 9999 && c->month >= 1 &&
	       c->month <= 12 && c->day >= 1 &&
	       c->day <= days_in(c->year, c->month) && c->hour >= 0 &&
	       c->hour < 24 && c->minute >= 0 && c->minute < 60 &&
	       c->second >= 0 && c->second < 60;
}

/* Days before 1 January of year, counted from 1970. */
static int64_t
days_before_year(int year)
{
	int64_t y = year - 1;

	return 365 * y + y / 4 - y / 100 + y / 400 - 719162;
}

int64_t
civil_seconds(const struct civil *c)
{
	int64_t days = days_before_year(c->year) + c->day - 1;

	for (int m = 1; m < c->month; m++)
		days += days_in(c->year, m);
	return ((days * 24 + c->hour) * 60 + c->minute) * 60 + c->second;
}

static struct civil
civil_of(int64_t seconds)
{
	struct civil c = { .month = 1 };
	int64_t days = seconds / 86400;
	int rest = (int)(seconds % 86400);

	c.year = (int)(1970 + days / 366);
	while (days_before_year(c.year + 1) <= days)
		c.year++;
	days -= days_before_year(c.year);
	while (days >= days_in(c.year, c.month))
		days -= days_in(c.year, c.month++);
	c.day = (int)days + 1;
	c.hour = rest / 3600;
	c.minute = rest / 60 % 60;
	c.second = rest % 60;
	return c;
}

/* The last `width` digits of v and the character behind them. */
static char *
put(char *at, int width, int v, char behind)
{
	for (int i = width - 1; i >= 0; i--) {
		at[i] = (char)('0' + v % 10);
		v /= 10;
	}
	at[width] = behind;
	return at + width + 1;
}

static void
format(int64_t us, char out[RFC3339_TEXT], bool micros)
{
	struct civil c;

	us = us < 0 ? 0 : us > LATEST_US ? LATEST_US : us;
	c = civil_of(us / 1000000);
	out = put(out, 4, c.year, '-');
	out = put(out, 2, c.month, '-');
	out = put(out, 2, c.day, 'T');
	out = put(out, 2, c.hour, ':');
	out = put(out, 2, c.minute, ':');
	out = put(out, 2, c.second, micros ? '.' : 'Z');
	if (micros)
		out = put(out, 6, (int)(us % 1000000), 'Z');
	*out = '\0';
}

void
rfc3339_seconds(int64_t us, char out[RFC3339_TEXT])
{
	format(us, out, false);
}

void
rfc3339_micros(int64_t us, char out[RFC3339_TEXT])
{
	format(us, out, true);
}

/* n digits at text's start, which go. */
static bool
take_digits(struct bytes *text, size_t n, int *out)
{
	*out = 0;
	if (text->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text->ptr[i] < '0' || text->ptr[i] > '9')
			return false;
		*out = *out * 10 + (text->ptr[i] - '0');
	}
	*text = bytes_make(text->ptr + n, text->len - n);
	return true;
}

static bool
take_letter(struct bytes *text, unsigned char c)
{
	if (text->len == 0 || text->ptr[0] != c)
		return false;
	*text = bytes_make(text->ptr + 1, text->len - 1);
	return true;
}

/* ".123456", one digit to six, or nothing; in microseconds. */
static bool
take_fraction(struct bytes *text, int *us)
{
	int unit = 100000;

	*us = 0;
	if (!take_letter(text, '.'))
		return true;
	if (text->len == 0 || text->ptr[0] < '0' || text->ptr[0] > '9')
		return false;
	while (text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9') {
		if (unit == 0)
			return false;
		*us += (text->ptr[0] - '0') * unit;
		unit /= 10;
		*text = bytes_make(text->ptr + 1, text->len - 1);
	}
	return true;
}

bool
rfc3339_parse(struct bytes text, int64_t *out)
{
	struct civil c = { .year = 0 };
	int us = 0;

	if (!take_digits(&text, 4, &c.year) || !take_letter(&text, '-') ||
	    !take_digits(&text, 2, &c.month) || !take_letter(&text, '-') ||
	    !take_digits(&text, 2, &c.day))
		return false;
	if (text.len > 0 &&
	    (!take_letter(&text, 'T') || !take_digits(&text, 2, &c.hour) ||
		!take_letter(&text, ':') || !take_digits(&text, 2, &c.minute) ||
		!take_letter(&text, ':') || !take_digits(&text, 2, &c.second) ||
		!take_fraction(&text, &us) || !take_letter(&text, 'Z')))
		return false;
	if (text.len > 0 || c.year < 1970 || !civil_valid(&c))
		return false;
	*out = civil_seconds(&c) * 1000000 + us;
	return true;
}
