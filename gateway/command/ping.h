/*
 * `paysieve deliveries test`: one signed ping, and what came of it in words.
 * One thread, blocking.
 */
#ifndef COMMAND_PING_H
#define COMMAND_PING_H

#include "config/config.h"

/* Print what happened with the billing called name, and what to do about it.
 * ST_OK: it works.  ST_UNAVAILABLE: it does not, which was said.
 * ST_NOT_FOUND: there is no such billing.  ST_CONFIG: e has words. */
MUST_USE enum status
ping_billing(const struct config *c, const char *name, struct err *e);

#endif
