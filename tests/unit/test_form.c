/* The grammar of a callback's body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "intake/form.h"

static struct form form;
static unsigned char *body; /* exactly as long as the text: ASan sees more */

static enum status
parse_bytes(const void *text, size_t len, enum refusal *why)
{
	free(body);
	body = malloc(len > 0 ? len : 1);
	assert_non_null(body);
	memcpy(body, text, len);
	*why = REFUSALS;
	return form_parse(&form, body, len, why);
}

static void
reads(const char *text)
{
	enum refusal why;

	assert_int_equal(parse_bytes(text, strlen(text), &why), ST_OK);
}

static void
refuses(const char *text, enum refusal expect)
{
	enum refusal why;

	assert_int_equal(parse_bytes(text, strlen(text), &why), ST_BAD_INPUT);
	assert_string_equal(refusal_word(why), refusal_word(expect));
}

static void
value_is(const char *name, const char *value)
{
	const struct form_field *field = form_find(&form, bytes_of(name));

	assert_non_null(field);
	assert_true(bytes_is(field->value, value));
}

/* proves: R8 */
static void
names_and_values_are_decoded_once(void **state)
{
	(void)state;
	reads("a=1&b%5Fc=%2541+%2B%7e&d=");
	assert_int_equal(form.n, 3);
	value_is("a", "1");
	value_is("b_c", "%41 +~");
	value_is("d", "");
}

static void
only_the_first_equals_sign_ends_the_name(void **state)
{
	(void)state;
	reads("a=b=c==");
	value_is("a", "b=c==");
	reads("a%3Db=c");
	value_is("a=b", "c");
}

static void
an_escaped_ampersand_ends_nothing(void **state)
{
	(void)state;
	reads("a=M%26T&b=2");
	assert_int_equal(form.n, 2);
	value_is("a", "M&T");
}

static void
a_pair_is_name_equals_value(void **state)
{
	(void)state;
	reads("x=1&b%5Fc=%41+2&y=3");
	assert_true(bytes_is(form_pair(&form.fields[1]), "b_c=A 2"));
	assert_true(bytes_is(form_pair(&form.fields[2]), "y=3"));
}

static void
a_missing_field_has_an_empty_value(void **state)
{
	(void)state;
	reads("a=1");
	assert_null(form_find(&form, bytes_of("b")));
	assert_int_equal(form_value(&form, "b").len, 0);
	assert_int_equal(form_value(&form, "a").len, 1);
}

static void
a_bad_escape_is_refused(void **state)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%G0", "a=%0G",
		"a=%%41", "%=a", "a%4=1", "a=%+1", "a=%&41=1", "a=%-1",
		"a=% 1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuses(bad[i], REFUSAL_FORM);
}

static void
a_field_without_name_or_equals_sign_is_refused(void **state)
{
	static const char *const bad[] = { "", "a", "=1", "=", "&", "a=1&",
		"&a=1", "a=1&&b=2", "a=1&b", "a=1&=2", "a%3D1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuses(bad[i], REFUSAL_FORM);
}

static void
every_control_byte_is_refused_raw_and_escaped(void **state)
{
	(void)state;
	for (unsigned c = 0; c <= 0x80; c++) {
		char raw[] = "ab=cd", escape[16];
		enum refusal why;

		if (c == 0x80 || (c >= 0x20 && c != 0x7f))
			continue;
		raw[3] = (char)c;
		assert_int_equal(parse_bytes(raw, 5, &why), ST_BAD_INPUT);
		assert_int_equal(why, REFUSAL_CONTROL);
		raw[1] = (char)c;
		raw[3] = 'c';
		assert_int_equal(parse_bytes(raw, 5, &why), ST_BAD_INPUT);
		assert_int_equal(why, REFUSAL_CONTROL);
		(void)snprintf(escape, sizeof(escape), "a=%%%02X", c);
		refuses(escape, REFUSAL_CONTROL);
	}
}

static void
every_length_of_utf8_is_read(void **state)
{
	(void)state;
	reads("a=\x7e\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80"
	      "\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	reads("a=%e0%a6%95%E0%A7%8D");
}

static void
what_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\xaf",
		"\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xe0\xa0",
		"\xe0\xa0z", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
		"\xf0\x90\x80", "\xf0\x90\x80z", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xe0\xc0\x80", "\xe1\x80\xc0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "a=x%s", bad[i]);
		refuses(text, REFUSAL_UTF8);
		(void)snprintf(text, sizeof(text), "a=%s&b=1", bad[i]);
		refuses(text, REFUSAL_UTF8);
		(void)snprintf(text, sizeof(text), "a%s=1", bad[i]);
		refuses(text, REFUSAL_UTF8);
	}
}

/* proves: R8 */
static void
a_name_seen_twice_is_refused(void **state)
{
	(void)state;
	refuses("a=1&b=2&a=3", REFUSAL_DUPLICATE);
	refuses("a=1&a=1", REFUSAL_DUPLICATE);
	refuses("ab=1&%61b=1", REFUSAL_DUPLICATE);
	reads("a=1&A=1&aa=1");
}

static void
sixty_four_fields_are_read_and_one_more_is_refused(void **state)
{
	char text[1024];
	int n = 0;

	(void)state;
	for (int i = 0; i < FORM_FIELDS; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%sf%d=v%d",
		    i == 0 ? "" : "&", i, i);
	reads(text);
	assert_int_equal(form.n, FORM_FIELDS);
	value_is("f63", "v63");
	(void)snprintf(text + n, sizeof(text) - (size_t)n, "&g=1");
	refuses(text, REFUSAL_TOO_LARGE);
}

static void
a_body_of_64_kib_is_read_and_one_byte_more_is_refused(void **state)
{
	static char text[FORM_BODY + 1];
	enum refusal why;

	(void)state;
	memset(text, 'v', sizeof(text));
	text[1] = '=';
	assert_int_equal(parse_bytes(text, FORM_BODY, &why), ST_OK);
	assert_int_equal(form.fields[0].value.len, FORM_BODY - 2);
	assert_int_equal(parse_bytes(text, FORM_BODY + 1, &why), ST_BAD_INPUT);
	assert_int_equal(why, REFUSAL_TOO_LARGE);
}

static void
a_wiped_form_is_all_zero(void **state)
{
	static const struct form none;

	(void)state;
	reads("a=1&b=2");
	form_wipe(&form);
	assert_memory_equal(&form, &none, sizeof(none));
}

static int
release(void **state)
{
	(void)state;
	free(body);
	body = NULL;
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values_are_decoded_once),
		cmocka_unit_test(only_the_first_equals_sign_ends_the_name),
		cmocka_unit_test(an_escaped_ampersand_ends_nothing),
		cmocka_unit_test(a_pair_is_name_equals_value),
		cmocka_unit_test(a_missing_field_has_an_empty_value),
		cmocka_unit_test(a_bad_escape_is_refused),
		cmocka_unit_test(
		    a_field_without_name_or_equals_sign_is_refused),
		cmocka_unit_test(every_control_byte_is_refused_raw_and_escaped),
		cmocka_unit_test(every_length_of_utf8_is_read),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(a_name_seen_twice_is_refused),
		cmocka_unit_test(
		    sixty_four_fields_are_read_and_one_more_is_refused),
		cmocka_unit_test(
		    a_body_of_64_kib_is_read_and_one_byte_more_is_refused),
		cmocka_unit_test(a_wiped_form_is_all_zero),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
