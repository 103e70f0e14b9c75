#include "base/rfc3339.h"

#include <stdio.h>

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

static void
format(int64_t us, char out[RFC3339_TEXT], bool micros)
{
	struct civil c = civil_of(us / 1000000);
	int n;

	n = snprintf(out, RFC3339_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
	    c.year % 10000, c.month % 100, c.day % 100, c.hour % 100,
	    c.minute % 100, c.second % 100);
	if (micros)
		(void)snprintf(out + n, RFC3339_TEXT - (size_t)n, ".%06dZ",
		    (int)(us % 1000000));
	else
		(void)snprintf(out + n, RFC3339_TEXT - (size_t)n, "Z");
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
