/* Signatures and ids when OpenSSL fails: the linker puts each call that can
 * fail behind one of these (Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "base/secret.h"
#include "intake/identity.h"
#include "intake/sslcommerz.h"

enum call {
	MD_NEW,
	MD_INIT,
	MD_UPDATE,
	MD_FINAL,
	MAC_FETCH,
	MAC_NEW,
	MAC_INIT,
	MAC_UPDATE,
	MAC_FINAL,
	MAC_LENGTH,
	CALLS
};

/* The call that fails, once, after so many of it that do not. */
static enum call failing = CALLS;
static int before;

static bool
fails(enum call c)
{
	if (c != failing || before-- > 0)
		return false;
	failing = CALLS;
	return true;
}

static void
fail_one(enum call c, int after)
{
	failing = c;
	before = after;
}

/* ---- in OpenSSL's place */

EVP_MD_CTX *__real_EVP_MD_CTX_new(void);
EVP_MD_CTX *__wrap_EVP_MD_CTX_new(void);
int __real_EVP_DigestInit_ex(EVP_MD_CTX *c, const EVP_MD *type, ENGINE *e);
int __wrap_EVP_DigestInit_ex(EVP_MD_CTX *c, const EVP_MD *type, ENGINE *e);
int __real_EVP_DigestUpdate(EVP_MD_CTX *c, const void *data, size_t n);
int __wrap_EVP_DigestUpdate(EVP_MD_CTX *c, const void *data, size_t n);
int __real_EVP_DigestFinal_ex(EVP_MD_CTX *c, unsigned char *out, unsigned *n);
int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX *c, unsigned char *out, unsigned *n);
EVP_MAC *
__real_EVP_MAC_fetch(OSSL_LIB_CTX *l, const char *name, const char *properties);
EVP_MAC *
__wrap_EVP_MAC_fetch(OSSL_LIB_CTX *l, const char *name, const char *properties);
EVP_MAC_CTX *__real_EVP_MAC_CTX_new(EVP_MAC *m);
EVP_MAC_CTX *__wrap_EVP_MAC_CTX_new(EVP_MAC *m);
int __real_EVP_MAC_init(EVP_MAC_CTX *c, const unsigned char *key, size_t n,
    const OSSL_PARAM params[]);
int __wrap_EVP_MAC_init(EVP_MAC_CTX *c, const unsigned char *key, size_t n,
    const OSSL_PARAM params[]);
int __real_EVP_MAC_update(EVP_MAC_CTX *c, const unsigned char *data, size_t n);
int __wrap_EVP_MAC_update(EVP_MAC_CTX *c, const unsigned char *data, size_t n);
int __real_EVP_MAC_final(
    EVP_MAC_CTX *c, unsigned char *out, size_t *n, size_t size);
int __wrap_EVP_MAC_final(
    EVP_MAC_CTX *c, unsigned char *out, size_t *n, size_t size);

EVP_MD_CTX *
__wrap_EVP_MD_CTX_new(void)
{
	return fails(MD_NEW) ? NULL : __real_EVP_MD_CTX_new();
}

int
__wrap_EVP_DigestInit_ex(EVP_MD_CTX *c, const EVP_MD *type, ENGINE *e)
{
	return fails(MD_INIT) ? 0 : __real_EVP_DigestInit_ex(c, type, e);
}

int
__wrap_EVP_DigestUpdate(EVP_MD_CTX *c, const void *data, size_t n)
{
	return fails(MD_UPDATE) ? 0 : __real_EVP_DigestUpdate(c, data, n);
}

int
__wrap_EVP_DigestFinal_ex(EVP_MD_CTX *c, unsigned char *out, unsigned *n)
{
	return fails(MD_FINAL) ? 0 : __real_EVP_DigestFinal_ex(c, out, n);
}

EVP_MAC *
__wrap_EVP_MAC_fetch(OSSL_LIB_CTX *l, const char *name, const char *properties)
{
	return fails(MAC_FETCH) ? NULL
				: __real_EVP_MAC_fetch(l, name, properties);
}

EVP_MAC_CTX *
__wrap_EVP_MAC_CTX_new(EVP_MAC *m)
{
	return fails(MAC_NEW) ? NULL : __real_EVP_MAC_CTX_new(m);
}

int
__wrap_EVP_MAC_init(EVP_MAC_CTX *c, const unsigned char *key, size_t n,
    const OSSL_PARAM params[])
{
	return fails(MAC_INIT) ? 0 : __real_EVP_MAC_init(c, key, n, params);
}

int
__wrap_EVP_MAC_update(EVP_MAC_CTX *c, const unsigned char *data, size_t n)
{
	return fails(MAC_UPDATE) ? 0 : __real_EVP_MAC_update(c, data, n);
}

int
__wrap_EVP_MAC_final(EVP_MAC_CTX *c, unsigned char *out, size_t *n, size_t size)
{
	int ok = fails(MAC_FINAL) ? 0 : __real_EVP_MAC_final(c, out, n, size);

	if (fails(MAC_LENGTH))
		*n -= 1;
	return ok;
}

/* ---- signatures */

static const char text[] =
    "a=1&verify_sign=00000000000000000000000000000000&verify_key=a&"
    "verify_sign_sha2="
    "0000000000000000000000000000000000000000000000000000000000000000";

static enum status
verify(struct sslcommerz *s, enum refusal *why)
{
	const struct edge_merchant m = { .n_passwords = 1 };
	unsigned char body[sizeof(text)];
	struct sslcommerz_list list;
	struct form form;

	memcpy(body, text, sizeof(text));
	assert_int_equal(form_parse(&form, body, sizeof(text) - 1, why), ST_OK);
	assert_int_equal(sslcommerz_list(&form, &list, why), ST_OK);
	return sslcommerz_verify(s, &form, &list, &m, why);
}

static void
without_its_contexts_nothing_is_held(void **state)
{
	struct sslcommerz s;

	(void)state;
	for (int i = 0; i < SSLCOMMERZ_DIGESTS; i++) {
		fail_one(MD_NEW, i);
		assert_int_equal(sslcommerz_init(&s), ST_NO_MEMORY);
		fail_one(MD_INIT, i);
		assert_int_equal(sslcommerz_init(&s), ST_NO_MEMORY);
		for (int d = 0; d < SSLCOMMERZ_DIGESTS; d++)
			assert_null(s.ctx[d]);
	}
}

/* Neither right nor wrong: the sender has to try again. */
static void
a_signature_that_cannot_be_made_decides_nothing(void **state)
{
	static const unsigned char none[64];
	static const enum call calls[] = { MD_INIT, MD_UPDATE, MD_FINAL };
	struct sslcommerz s;
	enum refusal why;

	(void)state;
	assert_int_equal(sslcommerz_init(&s), ST_OK);
	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		for (int i = 0; i < SSLCOMMERZ_DIGESTS; i++) {
			fail_one(calls[c], i);
			assert_int_equal(verify(&s, &why), ST_NO_MEMORY);
			assert_memory_equal(s.text, none, sizeof(none));
			/* Made good by the next call. */
			assert_int_equal(verify(&s, &why), ST_BAD_INPUT);
			assert_int_equal(why, REFUSAL_DIGEST);
		}
	}
	sslcommerz_fini(&s);
}

/* ---- ids */

static const unsigned char key[IDENTITY_KEY] = { 1 };

static void
without_its_key_nothing_is_held(void **state)
{
	static const enum call calls[] = { MAC_FETCH, MAC_NEW, MAC_INIT };
	struct identity i;

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		fail_one(calls[c], 0);
		assert_int_equal(identity_init(&i, key), ST_NO_MEMORY);
		assert_null(i.mac);
	}
}

static void
an_id_that_cannot_be_made_is_none(void **state)
{
	static const struct {
		enum call call;
		int after;
	} calls[] = { { MAC_INIT, 0 }, { MAC_UPDATE, 0 }, { MAC_UPDATE, 1 },
		{ MAC_UPDATE, 2 }, { MAC_FINAL, 0 }, { MAC_LENGTH, 0 } };
	static const struct receipt_id none;
	struct receipt_id first, id;
	struct identity i;

	(void)state;
	assert_int_equal(identity_init(&i, key), ST_OK);
	assert_int_equal(
	    identity_of(&i, bytes_of("a"), bytes_of("b"), &first), ST_OK);
	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		fail_one(calls[c].call, calls[c].after);
		assert_int_equal(
		    identity_of(&i, bytes_of("a"), bytes_of("b"), &id),
		    ST_NO_MEMORY);
		assert_memory_equal(&id, &none, sizeof(id));
		assert_int_equal(
		    identity_of(&i, bytes_of("a"), bytes_of("b"), &id), ST_OK);
		assert_memory_equal(&id, &first, sizeof(id));
	}
	identity_fini(&i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_its_contexts_nothing_is_held),
		cmocka_unit_test(
		    a_signature_that_cannot_be_made_decides_nothing),
		cmocka_unit_test(without_its_key_nothing_is_held),
		cmocka_unit_test(an_id_that_cannot_be_made_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
