/*
 * The identity key's file: 64 hex digits that receipt ids depend on.
 *
 * It is made once and then stays: with another key every replayed callback
 * would be a new receipt.  Start-up only.
 */
#ifndef CONFIG_IDENTITY_KEY_H
#define CONFIG_IDENTITY_KEY_H

#include <stdbool.h>

#include "base/status.h"

#define IDENTITY_KEY_BYTES 32

/* false only when there is certainly no such file. */
bool identity_key_exists(const char *path);

/* Read the key; with create, make it first (0600, synced with its folder)
 * when it is not there.  ST_CONFIG with words in e. */
MUST_USE enum status identity_key_load(const char *path, bool create,
    unsigned char key[IDENTITY_KEY_BYTES], struct err *e);

#endif
