/*
 * Members of messages: padded texts, explicit padding, sets of statuses.
 * Pure; any thread.
 */
#ifndef MESSAGE_FIELD_H
#define MESSAGE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELD_MICROS_MAX INT64_C(4102444800000000) /* 2100 */
#define FIELD_SEQ_MAX	 INT64_MAX

bool field_zeros(const void *field, size_t n);

/* A name in a padded field: 1 to cap - 1 characters, or none if that is
 * allowed, zeros behind.  The same for an invoice ID. */
bool field_name(const char *field, size_t cap, bool may_be_empty);
bool field_invoice(const char *field, size_t cap, bool may_be_empty);

/* Is the status in the set of bits 1 << ST_...? */
bool field_one_of(uint32_t status, unsigned long set);

#endif
