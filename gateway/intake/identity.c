#include "intake/identity.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/secret.h"

enum status
identity_init(struct identity *i, const unsigned char key[IDENTITY_KEY])
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
					  OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };
	EVP_MAC *kind = EVP_MAC_fetch(NULL, "HMAC", NULL);

	i->mac = kind == NULL ? NULL : EVP_MAC_CTX_new(kind);
	EVP_MAC_free(kind); /* the context holds its own reference */
	if (i->mac != NULL &&
	    EVP_MAC_init(i->mac, key, IDENTITY_KEY, params) == 1)
		return ST_OK;
	identity_fini(i);
	return ST_NO_MEMORY;
}

void
identity_fini(struct identity *i)
{
	EVP_MAC_CTX_free(i->mac);
	i->mac = NULL;
}

enum status
identity_of(struct identity *i, struct bytes merchant, struct bytes val_id,
    struct receipt_id *out)
{
	unsigned char raw[SECRET_SHA256] = { 0 };
	size_t len = 0;
	bool ok;

	/* A NULL key: start again under the one it has. */
	ok = EVP_MAC_init(i->mac, NULL, 0, NULL) == 1 &&
	     EVP_MAC_update(i->mac, merchant.ptr, merchant.len) == 1 &&
	     EVP_MAC_update(i->mac, (const unsigned char *)"", 1) == 1 &&
	     EVP_MAC_update(i->mac, val_id.ptr, val_id.len) == 1 &&
	     EVP_MAC_final(i->mac, raw, &len, sizeof(raw)) == 1 &&
	     len == sizeof(raw);
	memset(out, 0, sizeof(*out));
	if (ok)
		memcpy(out->b, raw, ID_BYTES);
	secret_wipe(raw, sizeof(raw));
	return ok ? ST_OK : ST_NO_MEMORY;
}
