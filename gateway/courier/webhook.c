#include "courier/webhook.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/secret.h"

#define BASE64_TEXT 45 /* of 32 bytes, and a NUL */
#define SIGNED_MOST (64 * 1024)

static enum status
append_item(struct bytes secret, const struct buf *content, struct buf *out)
{
	unsigned char mac[SECRET_SHA256], text[BASE64_TEXT];
	unsigned len = sizeof(mac);

	if (HMAC(EVP_sha256(), secret.ptr, (int)secret.len, content->data,
		content->len, mac, &len) == NULL)
		return ST_INTERNAL;
	(void)EVP_EncodeBlock(text, mac, (int)len);
	buf_append_text(out, "v1,");
	buf_append_text(out, (const char *)text);
	return ST_OK;
}

enum status
webhook_sign(const struct bytes *secrets, size_t n, const char *id,
    int64_t timestamp_s, struct bytes body, struct buf *out)
{
	struct buf content;
	enum status st;

	assert(strchr(id, '.') == NULL);
	buf_init(&content, SIGNED_MOST);
	buf_printf(&content, "%s.%lld.", id, (long long)timestamp_s);
	buf_append(&content, body.ptr, body.len);
	st = buf_status(&content);
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		assert(secrets[i].len <= INT_MAX);
		if (i > 0)
			buf_append_text(out, " ");
		st = append_item(secrets[i], &content, out);
	}
	buf_fini(&content);
	return st == ST_OK ? buf_status(out) : st;
}
