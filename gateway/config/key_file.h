/*
 * A file with a key of ours: 64 hex digits, made once; then it stays.
 *
 * Receipt ids depend on the identity key: with another one every replayed
 * callback would be a new receipt.  Heads of the ledger are signed with the
 * ledger key.  Start-up and commands only.
 */
#ifndef CONFIG_KEY_FILE_H
#define CONFIG_KEY_FILE_H

#include <stdbool.h>

#include "base/status.h"

#define KEY_FILE_BYTES 32

/* false only when there is certainly no such file. */
bool key_file_exists(const char *path);

/* Read the key; with create, make it first (0600, synced with its folder)
 * when it is not there.  ST_CONFIG with words in e. */
MUST_USE enum status key_file_load(const char *path, bool create,
    unsigned char key[KEY_FILE_BYTES], struct err *e);

#endif
