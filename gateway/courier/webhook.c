#include "courier/webhook.h"

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/secret.h"

#define BASE64_TEXT 89 /* of 64 bytes, and a NUL */
#define SIGNED_MOST (64 * 1024)

/* One item, behind a space if it is not the first. */
static void
append(const char *version, const unsigned char *signature, size_t len,
    bool first, struct buf *out)
{
	unsigned char text[BASE64_TEXT];

	(void)EVP_EncodeBlock(text, signature, (int)len);
	buf_append_text(out, first ? "" : " ");
	buf_append_text(out, version);
	buf_append_text(out, ",");
	buf_append_text(out, (const char *)text);
}

static enum status
append_v1(
    struct bytes secret, const struct buf *content, bool first, struct buf *out)
{
	unsigned char mac[SECRET_SHA256];
	unsigned len = sizeof(mac);

	assert(secret.len <= INT_MAX);
	if (HMAC(EVP_sha256(), secret.ptr, (int)secret.len, content->data,
		content->len, mac, &len) == NULL)
		return ST_INTERNAL;
	append("v1", mac, len, first, out);
	return ST_OK;
}

static enum status
append_v1a(const unsigned char seed[ED25519_SEED], const struct buf *content,
    bool first, struct buf *out)
{
	unsigned char signature[ED25519_SIGNATURE];
	enum status st = ed25519_sign(seed, buf_bytes(content), signature);

	if (st == ST_OK)
		append("v1a", signature, sizeof(signature), first, out);
	return st;
}

enum status
webhook_sign(const struct bytes *secrets, size_t n,
    const unsigned char (*keys)[ED25519_SEED], size_t n_keys, const char *id,
    int64_t timestamp_s, struct bytes body, struct buf *out)
{
	struct buf content;
	enum status st;

	assert(strchr(id, '.') == NULL);
	buf_init(&content, SIGNED_MOST);
	buf_printf(&content, "%s.%lld.", id, (long long)timestamp_s);
	buf_append(&content, body.ptr, body.len);
	st = buf_status(&content);
	for (size_t i = 0; i < n && st == ST_OK; i++)
		st = append_v1(secrets[i], &content, i == 0, out);
	for (size_t i = 0; i < n_keys && st == ST_OK; i++)
		st = append_v1a(keys[i], &content, n + i == 0, out);
	buf_fini(&content);
	return st == ST_OK ? buf_status(out) : st;
}
