#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/ini.h"
#include "config/parse.h"
#include "config/settings.h"

/* What turning settings into a struct config needs. */
struct reading {
	const struct config_source *src;
	struct settings settings;
	struct faults faults;
	struct config *c;
};

static int
find(void *arg, enum section section, struct bytes name)
{
	const struct reading *r = arg;

	return settings_find(&r->settings, section, name);
}

/* Where a fault of row in stanza is shown: where it is stated, or else at
 * its section. */
static void
fault_of(
    struct reading *r, const struct stanza *stanza, int row, const char *words)
{
	const struct setting *s = &stanza->settings[row];

	if (s->variable.len > 0)
		faults_variable(&r->faults, s->variable, words);
	else
		faults_add(&r->faults, s->set ? s->line : stanza->line,
		    option_table[row].key, words);
}

static void
convert(struct reading *r, const struct stanza *stanza, int row, void *target)
{
	const struct option_world world = { .folder = r->src->folder,
		.look = r->src->look,
		.find = find,
		.arg = r };
	const struct option_row *o = &option_table[row];
	const struct setting *s = &stanza->settings[row];
	struct bytes value;
	struct err e;

	if (!s->set && o->preset == NULL) {
		err_set(&e, "needed in section [%s%s], but not stated",
		    option_sections[o->section].word,
		    option_sections[o->section].named ? " ..." : "");
		fault_of(r, stanza, row, e.text);
		return;
	}
	value = s->set ? s->value : bytes_of(o->preset);
	if (value.len == 0 && o->preset != NULL && o->preset[0] == '\0')
		return;
	if (!option_convert(o, value, &world, (char *)target + o->offset, &e))
		fault_of(r, stanza, row, e.text);
}

static void *
target_of(struct config *c, const struct stanza *stanza)
{
	switch (stanza->section) {
	case SECTION_MERCHANT: {
		struct config_merchant *m = &c->merchants[c->n_merchants++];

		memcpy(m->store_id, stanza->name.ptr, stanza->name.len);
		return m;
	}
	case SECTION_BILLING: {
		struct config_billing *b = &c->billings[c->n_billings++];

		memcpy(b->name, stanza->name.ptr, stanza->name.len);
		return b;
	}
	case SECTION_TOKEN: {
		struct config_token *t = &c->tokens[c->n_tokens++];

		memcpy(t->name, stanza->name.ptr, stanza->name.len);
		return t;
	}
	default:
		return c;
	}
}

/* One token's digest under two names would make its scopes a guess. */
static void
check_token(struct reading *r, const struct stanza *stanza,
    const struct config_token *t)
{
	for (const struct config_token *o = r->c->tokens; o < t; o++) {
		if (memcmp(o->sha256, t->sha256, sizeof(t->sha256)) == 0) {
			fault_of(r, stanza, OPTION_AT_TOKEN_sha256,
			    "the digest of another token");
			return;
		}
	}
}

/* A certificate without its key is of no use, nor the other way round; and
 * what goes to loopback in the clear needs no proxy. */
static void
check_billing(struct reading *r, const struct stanza *stanza,
    const struct config_billing *b)
{
	if ((b->certificate[0] == '\0') != (b->key[0] == '\0'))
		fault_of(r, stanza,
		    b->key[0] == '\0' ? OPTION_AT_BILLING_certificate
				      : OPTION_AT_BILLING_key,
		    "certificate and key go together");
	if (b->proxy[0] != '\0' && strncmp(b->url, "http://", 7) == 0)
		fault_of(
		    r, stanza, OPTION_AT_BILLING_proxy, "is for https only");
}

/* What has to be kept cannot be let go before. */
static void
check_merchant(struct reading *r, const struct stanza *stanza,
    const struct config_merchant *m)
{
	if (m->keep_s != 0 && m->keep_s < m->keep_at_least_s)
		fault_of(r, stanza, OPTION_AT_MERCHANT_keep,
		    "is shorter than keep_at_least");
}

static void
read_stanzas(struct reading *r)
{
	for (size_t i = 0; i < r->settings.n; i++) {
		const struct stanza *stanza = &r->settings.stanzas[i];
		void *target = target_of(r->c, stanza);
		unsigned before = r->faults.count;

		for (int row = 0; row < OPTIONS; row++) {
			if (option_table[row].section == stanza->section)
				convert(r, stanza, row, target);
		}
		if (stanza->section == SECTION_TOKEN &&
		    r->faults.count == before)
			check_token(r, stanza, target);
		if (stanza->section == SECTION_BILLING)
			check_billing(r, stanza, target);
		if (stanza->section == SECTION_MERCHANT)
			check_merchant(r, stanza, target);
	}
}

static bool
is_wildcard(const struct config_address *a)
{
	if (a->u.sa.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
	return a->u.in.sin_addr.s_addr == INADDR_ANY;
}

static bool
same_place(const struct config_address *a, const struct config_address *b)
{
	/* Both kinds have the port at one place. */
	if (a->len != b->len || a->u.in.sin_port != b->u.in.sin_port ||
	    a->u.in.sin_port == 0)
		return false;
	return memcmp(&a->u, &b->u, a->len) == 0 || is_wildcard(a) ||
	       is_wildcard(b);
}

/* Listeners share ports, so that the kernel would not object to this. */
static void
check_addresses(struct reading *r)
{
	const struct stanza *listen = &r->settings.stanzas[SECTION_LISTEN];
	const struct config *c = r->c;

	if (same_place(&c->callbacks, &c->api))
		fault_of(r, listen, OPTION_AT_LISTEN_api,
		    "the same address as callbacks");
	if (same_place(&c->callbacks, &c->admin) ||
	    same_place(&c->api, &c->admin))
		fault_of(r, listen, OPTION_AT_LISTEN_admin,
		    "the same address as callbacks or api");
}

enum status
config_parse(
    struct config **out, const struct config_source *src, struct buf *faults)
{
	struct reading r = { .src = src,
		.faults = { .out = faults, .file = src->file } };
	enum status st;

	*out = NULL;
	st = settings_read(&r.settings, src->text, src->env, &r.faults);
	if (st != ST_OK)
		goto out;
	r.c = calloc(1, sizeof(*r.c));
	if (r.c == NULL) {
		st = ST_NO_MEMORY;
		goto out;
	}
	(void)snprintf(r.c->file, sizeof(r.c->file), "%s", src->file);
	read_stanzas(&r);
	check_addresses(&r);
	if (r.c->n_merchants == 0)
		faults_add(&r.faults, 0, NULL, "no [merchant ...] section");
	if (r.faults.count > 0) {
		st = ST_CONFIG;
		goto out;
	}
	*out = r.c;
	r.c = NULL;
out:
	if (st == ST_NO_MEMORY)
		faults_add(&r.faults, 0, NULL, "out of memory");
	config_free(r.c);
	settings_fini(&r.settings);
	return st;
}

/* The folder of path as an absolute one; NULL with errno set. */
static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder, *real;

	if (slash == NULL)
		return realpath(".", NULL);
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (folder == NULL)
		return NULL;
	real = realpath(folder, NULL);
	free(folder);
	return real;
}

/* A configuration holds no secret, so others may read it. */
static enum status
read_text(const char *path, char *text, size_t *len, struct faults *f)
{
	size_t have = 0;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	while (fd >= 0 && have <= INI_FILE) {
		n = read(fd, text + have, INI_FILE + 1 - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	if (fd < 0 || n < 0)
		faults_add(f, 0, NULL, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	if (have > INI_FILE)
		faults_add(f, 0, NULL, "longer than 256 KiB");
	*len = have;
	return f->count == 0 ? ST_OK : ST_CONFIG;
}

enum status
config_load(struct config **out, const char *path, struct buf *faults)
{
	struct faults f = { .out = faults, .file = path };
	struct config_source src = {
		.file = path, .env = environ, .look = true
	};
	char *folder = NULL, *text;
	size_t len = 0;
	enum status st;

	*out = NULL;
	text = malloc(INI_FILE + 1);
	if (text == NULL) {
		faults_add(&f, 0, NULL, "out of memory");
		return ST_NO_MEMORY;
	}
	st = read_text(path, text, &len, &f);
	if (st != ST_OK)
		goto out;
	folder = folder_of(path);
	if (folder == NULL) {
		faults_add(&f, 0, NULL, strerror(errno));
		st = ST_CONFIG;
		goto out;
	}
	src.folder = strcmp(folder, "/") == 0 ? "" : folder;
	src.text = bytes_make(text, len);
	st = config_parse(out, &src, faults);
out:
	free(folder);
	free(text);
	return st;
}

void
config_free(struct config *c)
{
	free(c);
}

const struct config_merchant *
config_merchant(const struct config *c, const char *store_id)
{
	for (size_t i = 0; i < c->n_merchants; i++) {
		if (strcmp(c->merchants[i].store_id, store_id) == 0)
			return &c->merchants[i];
	}
	return NULL;
}

enum status
config_control_path(const struct config *c, char *out, size_t cap)
{
	int n = snprintf(out, cap, "%s-control", c->store_path);

	return n > 0 && (size_t)n < cap ? ST_OK : ST_CONFIG;
}

int64_t
config_keep_s(const struct config *c, const struct config_merchant *m)
{
	int64_t keep_s = m->keep_s != 0 ? m->keep_s : c->keep_s;

	return keep_s < m->keep_at_least_s ? m->keep_at_least_s : keep_s;
}
