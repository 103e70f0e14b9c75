#include "command/token.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "command/command.h"
#include "receipt/receipt.h"

static const char help[] =
    "Usage: paysieve token new NAME --merchant ID --scopes SCOPE[,SCOPE...]\n"
    "\n"
    "Make a bearer token for the API.  The token is the first line printed; "
    "it\n"
    "is stored nowhere and not shown again.  The lines behind it belong into\n"
    "the configuration; they hold its digest only.\n"
    "\n"
    "  NAME            what the configuration calls it: 1 to 32 of\n"
    "                  A-Z a-z 0-9 _ -\n"
    "  --merchant ID   whose receipts it opens\n"
    "  --scopes LIST   any of read,erase,check,deliver,confirm\n"
    "\n"
    "Exit code: 0, 2 wrong arguments, 74 the output was not taken.\n";

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
	static const char *const known[] = { "read", "erase", "check",
		"deliver", "confirm" };
	bool seen[ARRAY_LEN(known)] = { false };
	int used = 0;

	while (*list != '\0') {
		size_t n = strcspn(list, ","), i = 0;

		while (i < ARRAY_LEN(known) &&
		       !bytes_is(bytes_make(list, n), known[i]))
			i++;
		if (i == ARRAY_LEN(known) || seen[i])
			return false;
		seen[i] = true;
		used += snprintf(out + used, cap - (size_t)used, "%s%s",
		    used > 0 ? " " : "", known[i]);
		list += n;
		if (*list == ',' && *++list == '\0')
			return false;
	}
	return used > 0;
}

static int
make(const char *name, const char *merchant, const char *scopes)
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
	secret_wipe(text, sizeof(text));
	return st == ST_OK ? command_flush("paysieve token", EXIT_GOOD)
			   : command_failed("paysieve token", st, &e);
}

int
token_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "merchant", required_argument, NULL, 'm' },
		{ "scopes", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 } };
	const char *merchant = NULL, *list = NULL;
	char scopes[64];
	int c;

	(void)config; /* the lines are for whichever file they are put into */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			merchant = optarg;
		else if (c == 's')
			list = optarg;
		else if (c == 'h')
			return command_help(help);
		else if (c != 'c')
			return command_usage(argv[0], NULL);
	}
	if (argc - optind != 2 || strcmp(argv[optind], "new") != 0)
		return command_usage(argv[0], "it takes: new NAME");
	if (!receipt_merchant_valid(bytes_of(argv[optind + 1])))
		return command_usage(
		    argv[0], "NAME is 1 to 32 of A-Z a-z 0-9 _ -");
	if (merchant == NULL || !receipt_merchant_valid(bytes_of(merchant)))
		return command_usage(
		    argv[0], "--merchant needs a merchant's store id");
	if (list == NULL || !read_scopes(list, scopes, sizeof(scopes)))
		return command_usage(argv[0],
		    "--scopes needs some of read,erase,check,deliver,confirm");
	return make(argv[optind + 1], merchant, scopes);
}
