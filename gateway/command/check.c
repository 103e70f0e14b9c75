#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "command/command.h"
#include "config/rooms.h"
#include "courier/target.h"
#include "net/tls.h"

static const char help[] =
    "Usage: paysieve check [--config FILE]\n"
    "\n"
    "Read the configuration, the environment and every file that they name,\n"
    "and print all faults, one a line.  Nothing is made, bound or changed.\n"
    "\n"
    "Exit code: 0 good, 78 faults.\n";

/* Do certificate and key fit each other, today? */
static bool
check_tls(const struct config *c, struct buf *faults)
{
	static const unsigned char ticket[ROOMS_TICKET];
	struct desk_config *desk = calloc(1, sizeof(*desk));
	struct err e = { "" };
	SSL_CTX *ctx = NULL;
	enum status st;

	if (desk == NULL)
		return false;
	st = rooms_desk(c, ticket, desk, &e);
	if (st == ST_OK)
		st = tls_server_new(&ctx, &desk->tls, NULL, &e);
	if (st != ST_OK)
		buf_printf(faults, "%s: [tls]: %s\n", c->file, e.text);
	tls_server_free(ctx);
	secret_wipe(desk, sizeof(*desk));
	free(desk);
	return st == ST_OK;
}

/* Can each billing be called with what is configured for it? */
static bool
check_billings(const struct config *c, struct buf *faults)
{
	struct courier_config *courier = calloc(1, sizeof(*courier));
	struct err e = { "" };
	bool good = true;

	if (courier == NULL)
		return false;
	if (rooms_courier(c, courier, &e) != ST_OK) {
		buf_printf(faults, "%s: %s\n", c->file, e.text);
		good = false;
	}
	for (size_t i = 0; i < courier->n_billings; i++) {
		const struct courier_billing *b = &courier->billings[i];
		struct client_target *target = NULL;

		if (target_new(&target, b, &e) != ST_OK) {
			buf_printf(faults, "%s: [billing %s]: %s\n", c->file,
			    b->name, e.text);
			good = false;
		}
		client_target_free(target);
	}
	secret_wipe(courier, sizeof(*courier));
	free(courier);
	return good;
}

static void
count(const char *what, size_t n)
{
	(void)printf("%s%zu %s%s", strcmp(what, "merchant") == 0 ? "" : ", ", n,
	    what, n == 1 ? "" : "s");
}

static int
check_files(const struct config *c, const char *name)
{
	struct buf faults;
	bool good;

	buf_init(&faults, 64 * 1024);
	good = rooms_check(c, &faults);
	if (good) {
		good = check_tls(c, &faults);
		good &= check_billings(c, &faults);
	}
	if (faults.len > 0)
		(void)fputs((const char *)faults.data, stderr);
	buf_fini(&faults);
	if (!good)
		return EXIT_CONFIG;
	(void)printf("configuration is good: ");
	count("merchant", c->n_merchants);
	count("billing endpoint", c->n_billings);
	count("token", c->n_tokens);
	(void)printf("\n");
	return command_flush(name, EXIT_GOOD);
}

int
check_main(const char *config, int argc, char **argv)
{
	struct config *c = NULL;
	int code;

	if (!command_plain(argc, argv, help, &config, &code))
		return code;
	code = command_load(&c, config);
	if (code == EXIT_GOOD)
		code = check_files(c, argv[0]);
	config_free(c);
	return code;
}
