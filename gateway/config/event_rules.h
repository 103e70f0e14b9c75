/*
 * The files behind what the events of a billing look like: webhook secrets,
 * signing keys and further header lines.  Start-up and reload only.
 */
#ifndef CONFIG_EVENT_RULES_H
#define CONFIG_EVENT_RULES_H

#include "config/rooms.h"

/* Fill out, which is zero before, from b and the files that it names.
 * ST_CONFIG with words in e; out is the caller's to wipe in any case. */
MUST_USE enum status event_rules_load(
    const struct config_billing *b, struct event_rules *out, struct err *e);

/* The same of its signing keys alone. */
MUST_USE enum status event_rules_keys(
    const struct config_billing *b, struct event_rules *out, struct err *e);

#endif
