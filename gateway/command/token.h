/*
 * Bearer tokens as text.  Any thread.
 */
#ifndef COMMAND_TOKEN_H
#define COMMAND_TOKEN_H

#include "base/attr.h"
#include "base/status.h"

#define TOKEN_RAW  32
#define TOKEN_TEXT 48 /* "pst_", 43 letters of base64url, a NUL */

/* The text of the 32 bytes at raw. */
void token_format(const unsigned char raw[TOKEN_RAW], char out[TOKEN_TEXT]);

#endif
