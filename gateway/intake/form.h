/*
 * A decoded callback: application/x-www-form-urlencoded, one pass, in place.
 *
 * This is the wide world, and its type is named in this folder only.  The
 * fields are views into the body that was decoded; who owns the body wipes
 * it, and the form with it.  What is needed of an answer is made a form too,
 * of views into the answer.  Any thread.
 */
#ifndef INTAKE_FORM_H
#define INTAKE_FORM_H

#include "base/bytes.h"
#include "base/status.h"
#include "intake/intake.h"

/* A real callback has about 30 fields in 1.3 KB; the largest that the
 * provider's own field sizes allow is near 12 KB. */
#define FORM_BODY   (64 * 1024)
#define FORM_FIELDS 64

/* Of a callback name, '=' and value stand side by side in the body, decoded. */
struct form_field {
	struct bytes name, value;
};

struct form {
	size_t n;
	struct form_field fields[FORM_FIELDS]; /* in the body's order */
};

/*
 * Decode body, '+' and %XX, into f.  ST_BAD_INPUT with *why (TOO_LARGE,
 * FORM, CONTROL, UTF8 or DUPLICATE) when it breaks a limit or the grammar;
 * body and f are then undefined, but still the caller's to wipe.
 */
MUST_USE enum status
form_parse(struct form *f, unsigned char *body, size_t len, enum refusal *why);

/* The field of that name, NULL when there is none. */
const struct form_field *form_find(const struct form *f, struct bytes name);

/* The value of that name; empty when there is none. */
struct bytes form_value(const struct form *f, const char *name);

/* The bytes "name=value" of one field of a callback. */
struct bytes form_pair(const struct form_field *field);

/* Forget every field; the body is the caller's. */
void form_wipe(struct form *f);

#endif
