/* Vectors: made-up keys; the first one also came out of the official
 * JavaScript library, the others out of Python's hmac. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/ed25519.h"
#include "courier/webhook.h"

static const char body[] =
    "{\"type\":\"receipt.recorded\",\"timestamp\":\"2026-01-01T00:00:00Z\","
    "\"data\":{\"invoice_id\":\"INV-1001\",\"amount\":\"1500.00\","
    "\"currency\":\"BDT\"}}";
static const char id[] = "evt_000000000000000000000042";
#define TIMESTAMP 1767225600

static unsigned char newer[32], older[24], longest[64];

static int
make_keys(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof(newer); i++)
		newer[i] = (unsigned char)(0x20 + i);
	for (unsigned i = 0; i < sizeof(older); i++)
		older[i] = (unsigned char)i;
	for (unsigned i = 0; i < sizeof(longest); i++)
		longest[i] = (unsigned char)(255 - i);
	return 0;
}

static void
signature_is(const struct bytes *secrets, size_t n, const char *expected)
{
	struct buf out;

	buf_init(&out, 512);
	assert_int_equal(webhook_sign(secrets, n, NULL, 0, id, TIMESTAMP,
			     bytes_of(body), &out),
	    ST_OK);
	assert_string_equal((const char *)out.data, expected);
	buf_fini(&out);
}

/* proves: R25 */
static void
the_published_vector_is_met(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));

	(void)state;
	assert_int_equal(sizeof(body) - 1, 131);
	signature_is(
	    &secret, 1, "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o=");
}

static void
two_secrets_give_two_signatures_in_their_order(void **state)
{
	struct bytes secrets[2] = { bytes_make(newer, sizeof(newer)),
		bytes_make(older, sizeof(older)) };

	(void)state;
	signature_is(secrets, 2,
	    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o= "
	    "v1,TGwh5C5z4Ikb6Zq1K+RrRH+ng1ZYMq+AqGq7k0O9shw=");
}

static void
secrets_of_24_and_64_bytes_work(void **state)
{
	struct bytes secrets[2] = { bytes_make(older, sizeof(older)),
		bytes_make(longest, sizeof(longest)) };

	(void)state;
	signature_is(secrets, 2,
	    "v1,TGwh5C5z4Ikb6Zq1K+RrRH+ng1ZYMq+AqGq7k0O9shw= "
	    "v1,EQxm/4JmwgWgJJL6Nyx0Wbh60mrqB52jDdawAcJLNBk=");
}

static void
the_signature_goes_behind_what_is_there(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	buf_append_text(&out, "webhook-signature: ");
	assert_int_equal(webhook_sign(&secret, 1, NULL, 0, id, TIMESTAMP,
			     bytes_of(body), &out),
	    ST_OK);
	assert_string_equal((const char *)out.data,
	    "webhook-signature: "
	    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o=");
	buf_fini(&out);
}

/* proves: R25 */
static void
id_timestamp_and_body_are_each_signed(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	static const struct {
		const char *id;
		int64_t at;
		const char *body;
	} other[] = { { "evt_000000000000000000000043", TIMESTAMP, body },
		{ id, TIMESTAMP + 1, body }, { id, TIMESTAMP, body + 1 } };
	struct buf out;

	(void)state;
	buf_init(&out, 512);
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		buf_reset(&out);
		assert_int_equal(
		    webhook_sign(&secret, 1, NULL, 0, other[i].id, other[i].at,
			bytes_of(other[i].body), &out),
		    ST_OK);
		assert_string_not_equal((const char *)out.data,
		    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o=");
	}
	buf_fini(&out);
}

static void
a_signature_that_does_not_fit_is_a_failure(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	struct buf out;

	(void)state;
	buf_init(&out, 20);
	assert_int_not_equal(webhook_sign(&secret, 1, NULL, 0, id, TIMESTAMP,
				 bytes_of(body), &out),
	    ST_OK);
	buf_fini(&out);
}

static void
a_signing_key_adds_the_published_v1a_signature(void **state)
{
	struct bytes secret = bytes_make(newer, sizeof(newer));
	unsigned char seed[1][ED25519_SEED];
	struct buf out;

	(void)state;
	for (unsigned i = 0; i < ED25519_SEED; i++)
		seed[0][i] = (unsigned char)i;
	buf_init(&out, 512);
	assert_int_equal(
	    webhook_sign(&secret, 1, (const unsigned char(*)[ED25519_SEED])seed,
		1, id, TIMESTAMP, bytes_of(body), &out),
	    ST_OK);
	assert_string_equal((const char *)out.data,
	    "v1,OXMYGGubWb3lvCAr/8Gnt+a46fRtFuzVEF11F6Rqb4o= "
	    "v1a,h5ZMyV7nqQ+phrjtierToG5QrhijvDdauu1PCutFOYcuzETCJllHJgEr5Q"
	    "BC95w5mBglvCAMPmaIacSw0cc3CQ==");
	buf_fini(&out);
}

static void
a_seed_has_the_published_public_key(void **state)
{
	static const unsigned char expected[4] = { 0x03, 0xa1, 0x07, 0xbf };
	unsigned char seed[ED25519_SEED], public_key[ED25519_PUBLIC];

	(void)state;
	for (unsigned i = 0; i < ED25519_SEED; i++)
		seed[i] = (unsigned char)i;
	assert_int_equal(ed25519_public(seed, public_key), ST_OK);
	assert_memory_equal(public_key, expected, sizeof(expected));
	assert_int_equal(public_key[31], 0xb8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_vector_is_met),
		cmocka_unit_test(
		    two_secrets_give_two_signatures_in_their_order),
		cmocka_unit_test(secrets_of_24_and_64_bytes_work),
		cmocka_unit_test(the_signature_goes_behind_what_is_there),
		cmocka_unit_test(id_timestamp_and_body_are_each_signed),
		cmocka_unit_test(a_signature_that_does_not_fit_is_a_failure),
		cmocka_unit_test(
		    a_signing_key_adds_the_published_v1a_signature),
		cmocka_unit_test(a_seed_has_the_published_public_key),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
