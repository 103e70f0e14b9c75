#include "command/token.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rfc3339.h"
#include "base/secret.h"
#include "command/command.h"
#include "command/source.h"
#include "receipt/receipt.h"

static const char help[] =
    "Usage: paysieve token new NAME --merchant ID --scopes SCOPE[,SCOPE...]\n"
    "                          [--expires YYYY-MM-DD]\n"
    "       paysieve token list\n"
    "       paysieve token revoke NAME\n"
    "\n"
    "Bearer tokens of the API.  new makes one: the token is the first line\n"
    "printed; it is stored nowhere and not shown again.  The lines behind it\n"
    "belong into the configuration; they hold its digest only.\n"
    "list shows those of the configuration, when each was last used, and "
    "which\n"
    "are not valid any more.  revoke ends one at once, without a reload, and "
    "for\n"
    "good: its section may be deleted afterwards.\n"
    "\n"
    "  NAME            what the configuration calls it: 1 to 32 of\n"
    "                  A-Z a-z 0-9 _ -\n"
    "  --merchant ID   whose receipts it opens\n"
    "  --scopes LIST   any of read,erase,check,deliver,confirm\n"
    "  --expires DAY   the first day, UTC, on which it is not valid any more\n"
    "  --config FILE   the configuration\n"
    "\n"
    "Exit code: 0, 1 failed or no such token, 2, 74, 78.\n";

/* In the order of their bits. */
static const char *const known_scopes[] = { "read", "erase", "check", "deliver",
	"confirm" };

#define DAY_US INT64_C(86400000000)

void
token_format(const unsigned char raw[TOKEN_RAW], char out[TOKEN_TEXT])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789-_";
	char *at = out;

	memcpy(at, "pst_", 4);
	at += 4;
	for (int bit = 0; bit < 8 * TOKEN_RAW; bit += 6) {
		int byte = bit / 8;
		int low = byte + 1 < TOKEN_RAW ? raw[byte + 1] : 0;

		*at++ = letters[(raw[byte] << 8 | low) >> (10 - bit % 8) & 63];
	}
	*at = '\0';
}

/* "read,check" into "read check"; false for an unknown or doubled one. */
static bool
read_scopes(const char *list, char *out, size_t cap)
{
	bool seen[ARRAY_LEN(known_scopes)] = { false };
	int used = 0;

	while (*list != '\0') {
		size_t n = strcspn(list, ","), i = 0;

		while (i < ARRAY_LEN(known_scopes) &&
		       !bytes_is(bytes_make(list, n), known_scopes[i]))
			i++;
		if (i == ARRAY_LEN(known_scopes) || seen[i])
			return false;
		seen[i] = true;
		used += snprintf(out + used, cap - (size_t)used, "%s%s",
		    used > 0 ? " " : "", known_scopes[i]);
		list += n;
		if (*list == ',' && *++list == '\0')
			return false;
	}
	return used > 0;
}

static int
make(const char *name, const char *merchant, const char *scopes,
    const char *expires)
{
	unsigned char raw[TOKEN_RAW];
	char text[TOKEN_TEXT], digest[SECRET_SHA256_HEX];
	struct err e = { "" };
	enum status st;

	secret_random(raw, sizeof(raw));
	token_format(raw, text);
	secret_wipe(raw, sizeof(raw));
	st = secret_sha256_hex(text, strlen(text), digest);
	if (st == ST_OK)
		(void)printf("%s\n\n[token %s]\nsha256   = %s\n"
			     "merchant = %s\nscopes   = %s\n",
		    text, name, digest, merchant, scopes);
	if (st == ST_OK && expires != NULL)
		(void)printf("expires  = %s\n", expires);
	secret_wipe(text, sizeof(text));
	return st == ST_OK ? command_flush("paysieve token", EXIT_GOOD)
			   : command_failed("paysieve token", st, &e);
}

/* ---- those that are there */

static const char *
state_word(const struct config_token *t, const struct store_token *stored)
{
	if (stored->revoked_at_us != 0)
		return "revoked";
	return clock_wall_us() >= t->expires_us ? "expired" : "valid";
}

/* "YYYY-MM-DD" of a day, or nothing. */
static const char *
day_text(int64_t us, char out[RFC3339_TEXT])
{
	rfc3339_seconds(us, out);
	out[sizeof("2025-12-02") - 1] = '\0';
	return out;
}

static void
scopes_text(unsigned scopes, char *out, size_t cap)
{
	int used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(known_scopes); i++) {
		if ((scopes >> i & 1) != 0)
			used += snprintf(out + used, cap - (size_t)used, "%s%s",
			    used > 0 ? " " : "", known_scopes[i]);
	}
}

static void
print_token(
    const struct config_token *t, const struct store_token *stored, bool table)
{
	char scopes[64], expires[RFC3339_TEXT] = "", used[RFC3339_TEXT] = "";
	const char *state = state_word(t, stored);

	scopes_text(t->scopes, scopes, sizeof(scopes));
	if (t->expires_us != INT64_MAX)
		(void)day_text(t->expires_us, expires);
	if (stored->day != 0)
		(void)day_text(stored->day * DAY_US, used);
	if (table) {
		(void)printf("%-32s  %-32s  %-8s  %-10s  %-10s  %s\n", t->name,
		    t->merchant, state, expires[0] != '\0' ? expires : "never",
		    used[0] != '\0' ? used : "never", scopes);
		return;
	}
	/* Names, days and scopes have nothing to escape. */
	(void)printf("{\"name\":\"%s\",\"merchant\":\"%s\",\"state\":\"%s\","
		     "\"scopes\":\"%s\",\"expires\":%s%s%s,"
		     "\"last_used\":%s%s%s}\n",
	    t->name, t->merchant, state, scopes, expires[0] ? "\"" : "",
	    expires[0] ? expires : "null", expires[0] ? "\"" : "",
	    used[0] ? "\"" : "", used[0] ? used : "null", used[0] ? "\"" : "");
}

struct stored_tokens {
	const struct config *config;
	struct store_token of[CONFIG_TOKENS]; /* in the configuration's order */
};

static void
on_stored(void *arg, const struct store_token *t)
{
	struct stored_tokens *s = arg;

	for (size_t i = 0; i < s->config->n_tokens; i++) {
		if (memcmp(t->sha256, s->config->tokens[i].sha256,
			sizeof(t->sha256)) == 0)
			s->of[i] = *t;
	}
}

static enum status
list(struct source *source, const struct config *c, struct err *e)
{
	struct stored_tokens stored = { .config = c };
	bool table = isatty(STDOUT_FILENO) != 0;
	enum status st;

	st = source_tokens(source, on_stored, &stored);
	if (st != ST_OK) {
		err_set(e, "what is stored of tokens cannot be read");
		return st;
	}
	if (table)
		(void)printf("%-32s  %-32s  %-8s  %-10s  %-10s  %s\n", "NAME",
		    "MERCHANT", "STATE", "EXPIRES", "LAST USED", "SCOPES");
	for (size_t i = 0; i < c->n_tokens; i++)
		print_token(&c->tokens[i], &stored.of[i], table);
	return ST_OK;
}

static enum status
revoke_one(struct source *source, const struct config *c, const char *name,
    struct err *e)
{
	for (size_t i = 0; i < c->n_tokens; i++) {
		enum status st;

		if (strcmp(c->tokens[i].name, name) != 0)
			continue;
		st = source_revoke(source, c->tokens[i].sha256, e);
		if (st == ST_OK)
			(void)printf("%s is revoked\n", name);
		else if (e->text[0] == '\0')
			err_set(e, "it could not be written down; try again");
		return st;
	}
	err_set(e, "the configuration has no such token");
	return ST_NOT_FOUND;
}

/* list, or revoke when there is a name. */
static int
with_source(const char *name, const char *config, const char *token)
{
	struct source *source = NULL;
	struct config *c = NULL;
	struct err e = { "" };
	enum status st;
	int code = command_load(&c, config);

	if (code != EXIT_GOOD)
		return code;
	st = source_open(&source, c, &e);
	if (st == ST_OK)
		st = token == NULL ? list(source, c, &e)
				   : revoke_one(source, c, token, &e);
	code = st == ST_OK ? EXIT_GOOD : command_failed(name, st, &e);
	source_close(source);
	config_free(c);
	return command_flush(name, code);
}

struct new_token {
	const char *name, *merchant, *scopes, *expires;
};

/* NULL: made; or fixed words. */
static const char *
make_new(const struct new_token *t, int *code)
{
	char scopes[64];
	int64_t us;

	if (!receipt_merchant_valid(bytes_of(t->name)))
		return "NAME is 1 to 32 of A-Z a-z 0-9 _ -";
	if (t->merchant == NULL ||
	    !receipt_merchant_valid(bytes_of(t->merchant)))
		return "--merchant needs a merchant's store id";
	if (t->scopes == NULL ||
	    !read_scopes(t->scopes, scopes, sizeof(scopes)))
		return "--scopes needs some of "
		       "read,erase,check,deliver,confirm";
	if (t->expires != NULL &&
	    (strlen(t->expires) != 10 ||
		!rfc3339_parse(bytes_of(t->expires), &us)))
		return "--expires needs a day: YYYY-MM-DD";
	*code = make(t->name, t->merchant, scopes, t->expires);
	return NULL;
}

static int
run(const char *command, const char *config, struct new_token *t, int argc,
    char **argv)
{
	const char *fault = "it takes: new NAME, list or revoke NAME";
	int code = EXIT_USAGE;

	if (argc == 1 && strcmp(argv[0], "list") == 0)
		return with_source(command, config, NULL);
	if (argc == 2 && strcmp(argv[0], "revoke") == 0)
		return with_source(command, config, argv[1]);
	if (argc == 2 && strcmp(argv[0], "new") == 0) {
		t->name = argv[1];
		fault = make_new(t, &code);
	}
	return fault == NULL ? code : command_usage(command, fault);
}

int
token_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "merchant", required_argument, NULL, 'm' },
		{ "scopes", required_argument, NULL, 's' },
		{ "expires", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 } };
	struct new_token t = { .name = NULL };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			t.merchant = optarg;
		else if (c == 's')
			t.scopes = optarg;
		else if (c == 'e')
			t.expires = optarg;
		else if (c == 'h')
			return command_help(help);
		else if (c == 'c')
			config = optarg;
		else
			return command_usage(argv[0], NULL);
	}
	return run(argv[0], config, &t, argc - optind, argv + optind);
}
