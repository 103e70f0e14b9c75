#include "config/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/ini.h"

#define PREFIX	 "PAYSIEVE_"
#define VARIABLE 128 /* "PAYSIEVE_MERCHANT_", 32, "_", the longest key */

int
settings_find(const struct settings *s, enum section section, struct bytes name)
{
	int place = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->stanzas[i].section != section)
			continue;
		if (bytes_equal(s->stanzas[i].name, name))
			return place;
		place++;
	}
	return -1;
}

static size_t
count(const struct settings *s, enum section section)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->stanzas[i].section == section;
	return n;
}

static void
add_stanza(
    struct settings *s, enum section section, struct bytes name, unsigned line)
{
	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;
		struct stanza *more =
		    reallocarray(s->stanzas, cap, sizeof(*more));

		if (more == NULL) {
			s->failed = ST_NO_MEMORY;
			return;
		}
		s->stanzas = more;
		s->cap = cap;
	}
	s->stanzas[s->n] =
	    (struct stanza){ .section = section, .name = name, .line = line };
	s->current = s->n++;
}

static void
open_plain(
    struct settings *s, enum section section, struct bytes name, unsigned line)
{
	if (name.len > 0) {
		faults_add(s->faults, line, NULL, "this section takes no name");
		return;
	}
	/* The first ones are those without a name, in order. */
	if (s->stanzas[section].line != 0) {
		faults_add(s->faults, line, NULL, "section stated twice");
		return;
	}
	s->stanzas[section].line = line;
	s->current = section;
}

static void
open_named(
    struct settings *s, enum section section, struct bytes name, unsigned line)
{
	if (name.len == 0)
		faults_add(s->faults, line, NULL, "this section needs a name");
	else if (settings_find(s, section, name) >= 0)
		faults_add(s->faults, line, NULL, "section stated twice");
	else if (count(s, section) == option_sections[section].most)
		faults_add(
		    s->faults, line, NULL, "too many sections of this kind");
	else
		add_stanza(s, section, name, line);
}

static void
on_section(void *arg, unsigned line, struct bytes section, struct bytes name)
{
	struct settings *s = arg;

	s->current = s->cap; /* keys of a bad section have no home */
	if (section.len == 0 || s->failed != ST_OK)
		return;
	for (int i = 0; i < SECTIONS; i++) {
		if (!bytes_is(section, option_sections[i].word))
			continue;
		if (option_sections[i].named)
			open_named(s, (enum section)i, name, line);
		else
			open_plain(s, (enum section)i, name, line);
		return;
	}
	faults_add(s->faults, line, NULL, "unknown section");
}

static void
on_key(void *arg, unsigned line, struct bytes key, struct bytes value)
{
	struct settings *s = arg;
	struct stanza *home;

	if (s->current == SIZE_MAX)
		faults_add(s->faults, line, NULL, "a key before any section");
	if (s->current >= s->n)
		return;
	home = &s->stanzas[s->current];
	for (int i = 0; i < OPTIONS; i++) {
		const struct option_row *o = &option_table[i];
		struct setting *at = &home->settings[i];

		if (o->section != home->section || !bytes_is(key, o->key))
			continue;
		if (at->set)
			faults_add(s->faults, line, o->key, "stated twice");
		*at = (struct setting){
			.set = true, .line = line, .value = value
		};
		return;
	}
	faults_add(s->faults, line, NULL, "unknown key");
}

static void
on_fault(void *arg, unsigned line, const char *words)
{
	struct settings *s = arg;

	faults_add(s->faults, line, NULL, words);
}

static size_t
append_upper(char *out, size_t at, struct bytes text)
{
	for (size_t i = 0; i < text.len && at < VARIABLE; i++) {
		char c = (char)text.ptr[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (c == '-')
			c = '_';
		out[at++] = c;
	}
	return at;
}

/* Is this the variable that stands for key row of stanza? */
static bool
is_variable(struct bytes variable, const struct stanza *stanza, const char *key)
{
	char name[VARIABLE];
	size_t n = append_upper(name, 0, bytes_of(PREFIX));

	n = append_upper(
	    name, n, bytes_of(option_sections[stanza->section].word));
	if (stanza->name.len > 0) {
		n = append_upper(name, n, bytes_of("_"));
		n = append_upper(name, n, stanza->name);
	}
	n = append_upper(name, n, bytes_of("_"));
	n = append_upper(name, n, bytes_of(key));
	return bytes_equal(variable, bytes_make(name, n));
}

static bool
value_sound(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < 0x20 || value.ptr[i] == 0x7f)
			return false;
	}
	return value.len <= INI_LINE;
}

static void
read_variable(struct settings *s, struct bytes name, struct bytes value)
{
	struct setting *home = NULL;

	if (!value_sound(value)) {
		faults_variable(s->faults, name,
		    "holds a control byte or more than 1024 bytes");
		return;
	}
	for (size_t i = 0; i < s->n; i++) {
		struct stanza *stanza = &s->stanzas[i];

		for (int row = 0; row < OPTIONS; row++) {
			if (option_table[row].section != stanza->section ||
			    !is_variable(name, stanza, option_table[row].key))
				continue;
			if (home != NULL) {
				faults_variable(s->faults, name,
				    "could mean more than one key");
				return;
			}
			home = &stanza->settings[row];
		}
	}
	if (home == NULL)
		faults_variable(s->faults, name, "no such key or section");
	else
		*home = (struct setting){
			.set = true, .variable = name, .value = value
		};
}

static void
read_environment(struct settings *s, char *const *env)
{
	for (; *env != NULL; env++) {
		const char *equals = strchr(*env, '=');
		struct bytes name;

		if (equals == NULL ||
		    strncmp(*env, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		name = bytes_make(*env, (size_t)(equals - *env));
		if (!bytes_is(name, PREFIX "CONFIG"))
			read_variable(s, name, bytes_of(equals + 1));
	}
}

enum status
settings_read(
    struct settings *s, struct bytes text, char *const *env, struct faults *f)
{
	const struct ini_reader reader = { .section = on_section,
		.key = on_key,
		.fault = on_fault,
		.arg = s };

	*s = (struct settings){ .faults = f };
	for (int i = 0; i < SECTIONS; i++) {
		if (!option_sections[i].named)
			add_stanza(s, (enum section)i, bytes_of(""), 0);
	}
	s->current = SIZE_MAX;
	if (s->failed == ST_OK)
		ini_parse(text, &reader);
	if (s->failed == ST_OK && env != NULL)
		read_environment(s, env);
	return s->failed;
}

void
settings_fini(struct settings *s)
{
	free(s->stanzas);
	*s = (struct settings){ 0 };
}
