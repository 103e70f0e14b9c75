#include "base/ed25519.h"

#include <stdbool.h>

#include <openssl/evp.h>

static EVP_PKEY *
load(const unsigned char seed[ED25519_SEED])
{
	return EVP_PKEY_new_raw_private_key(
	    EVP_PKEY_ED25519, NULL, seed, ED25519_SEED);
}

enum status
ed25519_public(
    const unsigned char seed[ED25519_SEED], unsigned char out[ED25519_PUBLIC])
{
	EVP_PKEY *key = load(seed);
	size_t len = ED25519_PUBLIC;
	bool good =
	    key != NULL && EVP_PKEY_get_raw_public_key(key, out, &len) == 1;

	EVP_PKEY_free(key);
	return good ? ST_OK : ST_INTERNAL;
}

enum status
ed25519_sign(const unsigned char seed[ED25519_SEED], struct bytes text,
    unsigned char out[ED25519_SIGNATURE])
{
	EVP_PKEY *key = load(seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = ED25519_SIGNATURE;
	bool good = key != NULL && ctx != NULL &&
		    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestSign(ctx, out, &len, text.ptr, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? ST_OK : ST_INTERNAL;
}

bool
ed25519_good(const unsigned char public_key[ED25519_PUBLIC], struct bytes text,
    const unsigned char signature[ED25519_SIGNATURE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, public_key, ED25519_PUBLIC);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = key != NULL && ctx != NULL &&
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE,
			text.ptr, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}
