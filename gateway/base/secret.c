#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/wiped.h"

static void *
on_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiped_malloc(n);
}

static void *
on_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return wiped_realloc(p, n);
}

static void
on_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	wiped_free(p);
}

/* Fetched once: EVP_sha256() is looked up by name at each use. */
static EVP_MD *sha256;

void
secret_start(void)
{
	int ok = CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free);

	assert(ok == 1);
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
}

static enum status
read_whole(int fd, char *out, size_t cap, size_t *len)
{
	size_t have = 0;

	while (have < cap) {
		ssize_t n = read(fd, out + have, cap - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ST_IO;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*len = have;
	return ST_OK;
}

/* The newline that is dropped may stand where the NUL comes. */
static bool
ends_with_newline(int fd, const char *out, size_t n)
{
	char more;

	return out[n - 1] == '\n' && read(fd, &more, 1) == 0;
}

static enum status
load(const char *path, char *out, size_t cap, size_t *len, bool private,
    struct err *e)
{
	enum status st = ST_CONFIG;
	struct stat sb;
	size_t n = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		secret_wipe(out, cap);
		return ST_CONFIG;
	}
	if (fstat(fd, &sb) != 0 || !S_ISREG(sb.st_mode))
		err_set(e, "%s: not a regular file", path);
	else if (private && (sb.st_mode & S_IRWXO) != 0)
		err_set(e, "%s: others may read it; chmod 600", path);
	else if (read_whole(fd, out, cap, &n) != ST_OK)
		err_set(e, "%s: cannot be read", path);
	else if (n == cap && !ends_with_newline(fd, out, n))
		err_set(e, "%s: longer than %zu bytes", path, cap - 1);
	else if (memchr(out, '\0', n) != NULL)
		err_set(e, "%s: holds a NUL byte", path);
	else if (n == 0 || (n == 1 && out[0] == '\n'))
		err_set(e, "%s: empty", path);
	else
		st = ST_OK;
	(void)close(fd);
	if (st != ST_OK) {
		secret_wipe(out, cap);
		return st;
	}
	if (out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	*len = n;
	return ST_OK;
}

enum status
secret_load(const char *path, char *out, size_t cap, size_t *len, struct err *e)
{
	return load(path, out, cap, len, true, e);
}

enum status
secret_load_public(
    const char *path, char *out, size_t cap, size_t *len, struct err *e)
{
	return load(path, out, cap, len, false, e);
}

bool
secret_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
secret_wipe(void *p, size_t n)
{
	/* OPENSSL_cleanse() goes by eight bytes, many times slower. */
	if (SECRET_WIPES && n > 0)
		explicit_bzero(p, n);
}

/* The frame of this call lies where those of the calls before it lay. */
NOINLINE void
secret_wipe_stack(void)
{
	UNINITIALIZED unsigned char below[SECRET_STACK];

	secret_wipe(below, sizeof(below));
}

void
secret_random(void *p, size_t n)
{
	unsigned char *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort(); /* a key that is not random is worse */
		at += got;
		n -= (size_t)got;
	}
}

static enum status
digest(const EVP_MD *md, const void *p, size_t n, unsigned char *out)
{
	if (EVP_Digest(p, n, out, NULL, md, NULL) != 1)
		return ST_INTERNAL;
	return ST_OK;
}

enum status
secret_md5_hex(const void *p, size_t n, char out[SECRET_MD5_HEX])
{
	unsigned char raw[16];

	if (digest(EVP_md5(), p, n, raw) != ST_OK)
		return ST_INTERNAL;
	secret_hex(raw, sizeof(raw), out);
	secret_wipe(raw, sizeof(raw));
	return ST_OK;
}

enum status
secret_sha256(const void *p, size_t n, unsigned char out[SECRET_SHA256])
{
	return digest(sha256 == NULL ? EVP_sha256() : sha256, p, n, out);
}

enum status
secret_sha256_hex(const void *p, size_t n, char out[SECRET_SHA256_HEX])
{
	unsigned char raw[SECRET_SHA256];

	if (secret_sha256(p, n, raw) != ST_OK)
		return ST_INTERNAL;
	secret_hex(raw, sizeof(raw), out);
	secret_wipe(raw, sizeof(raw));
	return ST_OK;
}

/* Without a table or a branch: where one is looked at could be seen. */
static char
hex_digit(unsigned v)
{
	return (char)('0' + v + ((9 - v) >> 8 & ('a' - '0' - 10)));
}

void
secret_hex(const unsigned char *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = hex_digit(p[i] >> 4U);
		*out++ = hex_digit(p[i] & 15U);
	}
	*out = '\0';
}

bool
secret_unhex(const char *text, unsigned char *out, size_t n)
{
	if (strlen(text) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = bytes_hex_digit((unsigned char)text[2 * i]);
		int lo = bytes_hex_digit((unsigned char)text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (unsigned char)(hi << 4 | lo);
	}
	return true;
}
