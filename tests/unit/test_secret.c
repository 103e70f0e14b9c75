#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/secret.h"

#define CAP 16

struct place {
	char dir[64];
	char path[96];
	char out[CAP];
	size_t len;
	struct err e;
};

/* ---- fixture */

static int
make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -1;
	*state = p;
	snprintf(p->dir, sizeof(p->dir), "/tmp/paysieve-test-XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/secret", p->dir);
	return 0;
}

static int
drop_place(void **state)
{
	struct place *p = *state;

	if (unlink(p->path) != 0)
		(void)rmdir(p->path);
	(void)rmdir(p->dir);
	free(p);
	return 0;
}

static void
put_file(struct place *p, const void *data, size_t n, mode_t mode)
{
	int fd = open(p->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, n), n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
assert_loads(struct place *p, const char *want, size_t len)
{
	assert_int_equal(
	    secret_load(p->path, p->out, CAP, &p->len, &p->e), ST_OK);
	assert_int_equal(p->len, len);
	assert_memory_equal(p->out, want, len);
	assert_int_equal(p->out[len], '\0');
}

/* Refused, with words that hold these, and nothing left behind. */
static void
assert_refused(struct place *p, const char *words)
{
	static const char nothing[CAP];

	memset(p->out, 'x', CAP);
	memset(&p->e, 0, sizeof(p->e));
	assert_int_equal(
	    secret_load(p->path, p->out, CAP, &p->len, &p->e), ST_CONFIG);
	assert_non_null(strstr(p->e.text, words));
	assert_memory_equal(p->out, nothing, CAP);
}

/* ---- loading */

static void
a_secret_comes_without_its_newline(void **state)
{
	struct place *p = *state;

	put_file(p, "hush", 4, 0600);
	assert_loads(p, "hush", 4);
	put_file(p, "hush\n", 5, 0600);
	assert_loads(p, "hush", 4);
	put_file(p, "hush\n\n", 6, 0600);
	assert_loads(p, "hush\n", 5);
	put_file(p, "one\ntwo\n", 8, 0600);
	assert_loads(p, "one\ntwo", 7);
}

/* proves: R34 */
static void
only_the_owner_and_the_group_may_read(void **state)
{
	struct place *p = *state;

	for (mode_t mode = 0; mode <= 0777; mode++) {
		/* root reads all; others need their own bit */
		if ((mode & 0400) == 0)
			continue;
		put_file(p, "hush", 4, mode);
		if ((mode & 0007) == 0)
			assert_loads(p, "hush", 4);
		else
			assert_refused(p, "others");
		assert_int_equal(unlink(p->path), 0);
	}
}

static void
a_public_file_may_be_read_by_all(void **state)
{
	struct place *p = *state;

	put_file(p, "cert", 4, 0644);
	assert_int_equal(
	    secret_load_public(p->path, p->out, CAP, &p->len, &p->e), ST_OK);
	assert_string_equal(p->out, "cert");
}

static void
a_missing_file_is_named(void **state)
{
	struct place *p = *state;

	assert_refused(p, p->path);
	assert_refused(p, "No such file");
}

static void
a_directory_is_refused(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_refused(p, "not a regular file");
}

static void
a_fifo_is_refused_at_once(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkfifo(p->path, 0600), 0);
	alarm(60); /* opening it would wait for a writer */
	assert_refused(p, "not a regular file");
	alarm(0);
}

static void
emptiness_is_refused(void **state)
{
	struct place *p = *state;

	put_file(p, "", 0, 0600);
	assert_refused(p, "empty");
	put_file(p, "\n", 1, 0600);
	assert_refused(p, "empty");
}

static void
a_nul_is_refused(void **state)
{
	struct place *p = *state;

	put_file(p, "hu\0sh", 5, 0600);
	assert_refused(p, "NUL");
	put_file(p, "\0", 1, 0600);
	assert_refused(p, "NUL");
	put_file(p, "hush\0", 5, 0600);
	assert_refused(p, "NUL");
}

static void
the_longest_secret_fills_all_but_the_nul(void **state)
{
	struct place *p = *state;

	put_file(p, "123456789012345", 15, 0600);
	assert_loads(p, "123456789012345", 15);
	put_file(p, "123456789012345\n", 16, 0600);
	assert_loads(p, "123456789012345", 15);
}

static void
one_byte_too_many_is_refused(void **state)
{
	struct place *p = *state;

	put_file(p, "1234567890123456", 16, 0600);
	assert_refused(p, "longer than 15 bytes");
	put_file(p, "1234567890123456\n", 17, 0600);
	assert_refused(p, "longer than 15 bytes");
	put_file(p, "123456789012345\n\n", 17, 0600);
	assert_refused(p, "longer than 15 bytes");
}

static void
no_word_tells_the_secret(void **state)
{
	struct place *p = *state;

	put_file(p, "canary7890123456", 16, 0600);
	assert_refused(p, "longer");
	assert_null(strstr(p->e.text, "canary"));
	put_file(p, "canary", 6, 0604);
	assert_refused(p, "others");
	assert_null(strstr(p->e.text, "canary"));
}

static void
nobody_has_to_want_the_words(void **state)
{
	struct place *p = *state;

	assert_int_equal(
	    secret_load(p->path, p->out, CAP, &p->len, NULL), ST_CONFIG);
}

/* ---- digests, hex, comparing */

static void
digests_are_the_known_ones(void **state)
{
	char md5[SECRET_MD5_HEX], sha[SECRET_SHA256_HEX], again[65];
	unsigned char raw[SECRET_SHA256];

	(void)state;
	assert_int_equal(secret_md5_hex("abc", 3, md5), ST_OK);
	assert_string_equal(md5, "900150983cd24fb0d6963f7d28e17f72");
	assert_int_equal(secret_md5_hex(NULL, 0, md5), ST_OK);
	assert_string_equal(md5, "d41d8cd98f00b204e9800998ecf8427e");
	assert_int_equal(secret_sha256_hex("abc", 3, sha), ST_OK);
	assert_string_equal(sha, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(secret_sha256("abc", 3, raw), ST_OK);
	secret_hex(raw, sizeof(raw), again);
	assert_string_equal(again, sha);
}

static void
hex_comes_back(void **state)
{
	unsigned char all[256], again[256];
	char text[513];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	secret_hex(all, sizeof(all), text);
	assert_int_equal(strlen(text), 512);
	assert_true(secret_unhex(text, again, sizeof(again)));
	assert_memory_equal(all, again, sizeof(all));
	assert_true(secret_unhex("aBCdEf", again, 3));
	assert_memory_equal(again, "\xab\xcd\xef", 3);
	secret_hex(all, 0, text);
	assert_string_equal(text, "");
}

static void
what_is_not_hex_is_refused(void **state)
{
	static const char *const bad[] = { "", "00", "000", "00000", "000000",
		"0g00", "00:0", " 000", "000 ", "0x00", "-000", "00\n0", "00/0",
		"00@0", "00`0", "000G" };
	unsigned char out[2];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(secret_unhex(bad[i], out, 2));
	assert_true(secret_unhex("", out, 0));
}

/* proves: R28 */
static void
equal_means_every_byte(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	assert_true(secret_equal(a, b, sizeof(a)));
	assert_true(secret_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		assert_false(secret_equal(a, b, sizeof(a)));
		b[i] = 0;
	}
}

static void
wiping_reaches_every_byte_and_no_further(void **state)
{
	unsigned char a[34];

	(void)state;
	memset(a, 'x', sizeof(a));
	secret_wipe(a + 1, 32);
	assert_int_equal(a[0], 'x');
	for (int i = 1; i < 33; i++)
		assert_int_equal(a[i], 0);
	assert_int_equal(a[33], 'x');
	secret_wipe(NULL, 0);
}

static void
random_bytes_fill_the_whole_range(void **state)
{
	unsigned char big[100000] = { 0 };
	int seen[256] = { 0 };

	(void)state;
	secret_random(big, sizeof(big));
	for (size_t i = 0; i < sizeof(big); i++)
		seen[big[i]]++;
	for (int i = 0; i < 256; i++)
		assert_in_range(seen[i], 200, 600);
	secret_random(big, 0);
}

#define LOADING(t) cmocka_unit_test_setup_teardown(t, make_place, drop_place)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOADING(a_secret_comes_without_its_newline),
		LOADING(only_the_owner_and_the_group_may_read),
		LOADING(a_public_file_may_be_read_by_all),
		LOADING(a_missing_file_is_named),
		LOADING(a_directory_is_refused),
		LOADING(a_fifo_is_refused_at_once),
		LOADING(emptiness_is_refused),
		LOADING(a_nul_is_refused),
		LOADING(the_longest_secret_fills_all_but_the_nul),
		LOADING(one_byte_too_many_is_refused),
		LOADING(no_word_tells_the_secret),
		LOADING(nobody_has_to_want_the_words),
		cmocka_unit_test(digests_are_the_known_ones),
		cmocka_unit_test(hex_comes_back),
		cmocka_unit_test(what_is_not_hex_is_refused),
		cmocka_unit_test(equal_means_every_byte),
		cmocka_unit_test(wiping_reaches_every_byte_and_no_further),
		cmocka_unit_test(random_bytes_fill_the_whole_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
