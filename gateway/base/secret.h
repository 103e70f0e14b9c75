/*
 * Secrets: loading, comparing, digesting, wiping.
 *
 * The only place outside net/, intake/ and signing that knows OpenSSL.  Any
 * thread.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/status.h"

#define SECRET_MD5_HEX	  33 /* 32 lower-case hex digits and a NUL */
#define SECRET_SHA256_HEX 65
#define SECRET_SHA256	  32

/*
 * Read the whole file at path into out, NUL-terminated, *len bytes before
 * the NUL; one newline at the end is dropped.  ST_CONFIG with words in e when
 * it is missing, empty, longer than cap - 1 without that newline, no regular
 * file, holds a NUL or may be read by others (mode & 0007); out is wiped then.
 */
MUST_USE enum status secret_load(
    const char *path, char *out, size_t cap, size_t *len, struct err *e);

/* Like secret_load() for a file that may be public, such as a certificate. */
MUST_USE enum status secret_load_public(
    const char *path, char *out, size_t cap, size_t *len, struct err *e);

/* Compare n bytes in a time that depends on n alone. */
MUST_USE bool secret_equal(const void *a, const void *b, size_t n);

/*
 * For main(), before anything else: OpenSSL's memory is wiped from here on.
 * It has to have taken none before.
 */
void secret_start(void);

/*
 * The one switch of all wiping.  It is on in whatever is for use; the variant
 * `nowipe` is the control of the proofs that nothing stays in memory, which
 * have to fail it, and what the cost of wiping is measured against.
 */
#ifdef PAYSIEVE_NO_WIPE
#define SECRET_WIPES false
#else
#define SECRET_WIPES true
#endif

/* Overwrite n bytes; never optimised away.  p may be NULL when n is 0. */
void secret_wipe(void *p, size_t n);

/*
 * Overwrite what calls of the caller have left on the stack, SECRET_STACK
 * bytes below its own frame; registers are not its matter.  The stack needs
 * that much room.
 */
#define SECRET_STACK ((size_t)32 * 1024)
void secret_wipe_stack(void);

/* n bytes from the kernel's generator.  Does not return on failure. */
void secret_random(void *p, size_t n);

/* Digest of n bytes as lower-case hex with a NUL. */
MUST_USE enum status
secret_md5_hex(const void *p, size_t n, char out[SECRET_MD5_HEX]);
MUST_USE enum status
secret_sha256_hex(const void *p, size_t n, char out[SECRET_SHA256_HEX]);
MUST_USE enum status
secret_sha256(const void *p, size_t n, unsigned char out[SECRET_SHA256]);

/* n bytes as 2n lower-case hex digits and a NUL. */
void secret_hex(const unsigned char *p, size_t n, char *out);

/* Exactly 2n hex digits of either case into n bytes; false when text is
 * anything else. */
MUST_USE bool secret_unhex(const char *text, unsigned char *out, size_t n);

#endif
