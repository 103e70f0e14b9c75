/*
 * Civil time: days, seconds and RFC 3339 text, always UTC.
 *
 * Own arithmetic, so that neither TZ nor a time-zone file can change a
 * stored stamp.  Years 1970 to 9999.  Any thread.
 */
#ifndef BASE_RFC3339_H
#define BASE_RFC3339_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"

#define RFC3339_TEXT 28 /* "2025-12-02T06:30:47.123456Z" and a NUL */

struct civil {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
};

/* Is this a real date (leap years included) and time (second below 60)? */
bool civil_valid(const struct civil *c);

/* Seconds since 1970-01-01T00:00:00, as if c were UTC.  c has to be valid. */
int64_t civil_seconds(const struct civil *c);

/* "2025-12-02T06:30:45Z"; the fraction of us is dropped.  A stamp outside of
 * 1970 to 9999 is shown as the nearest one inside. */
void rfc3339_seconds(int64_t us, char out[RFC3339_TEXT]);

/* "2025-12-02T06:30:47.123456Z", always six digits. */
void rfc3339_micros(int64_t us, char out[RFC3339_TEXT]);

/* "2025-12-02T06:30:45Z", with up to six digits of fraction, or a date, which
 * is its first moment; in microseconds.  false for anything else. */
MUST_USE bool rfc3339_parse(struct bytes text, int64_t *us);

#endif
