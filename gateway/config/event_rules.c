#include "config/event_rules.h"

#include <string.h>

#include "config/whsec.h"

/* Hand each line of a secret file to take(); false: words in e say what the
 * lines have to be. */
static enum status
load_lines(const char *path,
    bool (*take)(struct event_rules *r, struct bytes line),
    struct event_rules *out, const char *words, struct err *e)
{
	char text[ROOMS_SECRETS * WHSEC_TEXT + 1];
	struct bytes rest;
	enum status st;
	size_t len;

	st = secret_load(path, text, sizeof(text), &len, e);
	if (st != ST_OK)
		return st;
	rest = bytes_make(text, len);
	while (st == ST_OK && rest.len > 0) {
		if (take(out, bytes_cut_line(&rest)))
			continue;
		err_set(e, "%s: not 1 to %d lines with %s each", path,
		    ROOMS_SECRETS, words);
		st = ST_CONFIG;
	}
	secret_wipe(text, sizeof(text));
	return st;
}

static bool
take_secret(struct event_rules *r, struct bytes line)
{
	size_t at = r->n_secrets;

	if (at == ROOMS_SECRETS ||
	    !whsec_decode(line, r->secret[at], &r->secret_len[at]))
		return false;
	r->n_secrets++;
	return true;
}

static bool
take_signing_key(struct event_rules *r, struct bytes line)
{
	if (r->n_signing_keys == ROOMS_SECRETS ||
	    !whsk_decode(line, r->signing_key[r->n_signing_keys]))
		return false;
	r->n_signing_keys++;
	return true;
}

/* A field's name (RFC 9110, 5.6.2) that is not one of ours. */
static bool
field_name_valid(struct bytes name)
{
	static const char *const ours[] = { "accept", "connection", "expect",
		"host", "keep-alive", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade", "user-agent" };
	static const char *const kinds[] = { "ce-", "content-", "webhook-" };
	char lower[64] = "";

	if (name.len == 0 || name.len >= sizeof(lower))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i];

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			strchr("!#$%&'*+-.^_`|~", c) != NULL))
			return false;
		lower[i] = (char)c;
	}
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strcmp(lower, ours[i]) == 0)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strncmp(lower, kinds[i], strlen(kinds[i])) == 0)
			return false;
	}
	return true;
}

/* "Name: value": visible ASCII and inner spaces. */
static bool
header_valid(struct bytes line)
{
	const unsigned char *colon = memchr(line.ptr, ':', line.len);
	size_t at;

	if (colon == NULL)
		return false;
	at = (size_t)(colon - line.ptr);
	if (!field_name_valid(bytes_make(line.ptr, at)) || line.len < at + 3 ||
	    line.ptr[at + 1] != ' ' || line.ptr[at + 2] == ' ' ||
	    line.ptr[line.len - 1] == ' ')
		return false;
	for (size_t i = at + 2; i < line.len; i++) {
		if (line.ptr[i] < 0x20 || line.ptr[i] > 0x7e)
			return false;
	}
	return true;
}

/* They may hold a password. */
static enum status
load_headers(const char *path, char out[ROOMS_HEADERS], struct err *e)
{
	struct bytes rest;
	enum status st;
	size_t len;

	st = secret_load(path, out, ROOMS_HEADERS - 1, &len, e);
	if (st != ST_OK)
		return st;
	out[len] = '\n';
	out[len + 1] = '\0';
	rest = bytes_make(out, len + 1);
	for (size_t n = 0; rest.len > 0; n++) {
		if (n < ROOMS_HEADER_LINES &&
		    header_valid(bytes_cut_line(&rest)))
			continue;
		err_set(e,
		    "%s: not 1 to %d lines of Name: value, or a name that the "
		    "gateway sends itself",
		    path, ROOMS_HEADER_LINES);
		return ST_CONFIG;
	}
	return ST_OK;
}

enum status
event_rules_keys(
    const struct config_billing *b, struct event_rules *out, struct err *e)
{
	if (b->signing_key_file[0] == '\0')
		return ST_OK;
	return load_lines(b->signing_key_file, take_signing_key, out,
	    "whsk_ and the base64 of an Ed25519 seed (32 bytes), or of it and "
	    "its public key,",
	    e);
}

enum status
event_rules_load(
    const struct config_billing *b, struct event_rules *out, struct err *e)
{
	enum status st;

	out->format = b->format;
	st = load_lines(b->secret_file, take_secret, out,
	    "whsec_ and the base64 of 24 to 64 bytes", e);
	if (st == ST_OK)
		st = event_rules_keys(b, out, e);
	if (st == ST_OK && b->headers_file[0] != '\0')
		st = load_headers(b->headers_file, out->headers, e);
	return st;
}
