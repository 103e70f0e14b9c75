/* Ids of payments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "intake/identity.h"

static void
id_of(struct identity *i, const char *merchant, const char *val_id,
    char out[ID_TEXT])
{
	struct receipt_id id;

	assert_int_equal(
	    identity_of(i, bytes_of(merchant), bytes_of(val_id), &id), ST_OK);
	id_format(&id, out);
}

static void
keyed_with(struct identity *i, unsigned char first)
{
	unsigned char key[IDENTITY_KEY];

	for (size_t n = 0; n < sizeof(key); n++)
		key[n] = (unsigned char)(n + first);
	assert_int_equal(identity_init(i, key), ST_OK);
}

/* The ids were computed with another implementation of HMAC. */
static void
an_id_is_the_keyed_digest_of_merchant_and_val_id(void **state)
{
	char id[ID_TEXT];
	struct identity i;

	(void)state;
	keyed_with(&i, 0);
	for (int again = 0; again < 3; again++) {
		id_of(&i, "testbox", "2602101042311AbCdEfGhIjKlMn", id);
		assert_string_equal(id, "rcpt_vhumj4mbd4f37kv34hxguezq24");
		id_of(&i, "testbox-a", "1", id);
		assert_string_equal(id, "rcpt_jlgx2tp2n3psq4vsp4rqonbvmq");
	}
	identity_fini(&i);
}

static void
merchant_and_val_id_do_not_run_together(void **state)
{
	char a[ID_TEXT], b[ID_TEXT];
	struct identity i;

	(void)state;
	keyed_with(&i, 0);
	id_of(&i, "shop1", "23", a);
	id_of(&i, "shop12", "3", b);
	assert_string_not_equal(a, b);
	identity_fini(&i);
}

static void
another_key_gives_another_id(void **state)
{
	char a[ID_TEXT], b[ID_TEXT];
	struct identity i;

	(void)state;
	keyed_with(&i, 0);
	id_of(&i, "testbox", "1", a);
	identity_fini(&i);
	keyed_with(&i, 1);
	id_of(&i, "testbox", "1", b);
	assert_string_not_equal(a, b);
	identity_fini(&i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    an_id_is_the_keyed_digest_of_merchant_and_val_id),
		cmocka_unit_test(merchant_and_val_id_do_not_run_together),
		cmocka_unit_test(another_key_gives_another_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
