#include <stdio.h>

#include "command/command.h"
#include "command/control.h"

/* Receipts of one invoice: more than one only when it was paid twice. */
#define MOST 1000

static const char help[] =
    "Usage: paysieve check-invoice MERCHANT INVOICE_ID [--tran-id T]\n"
    "\n"
    "Has this invoice been paid, although no callback came?  The running "
    "gateway\n"
    "asks SSLCommerz, which takes a minute at most; what it calls paid becomes "
    "a\n"
    "receipt just as if the callback had come.  The receipts are printed as "
    "JSON\n"
    "lines.  Asking again changes nothing.\n"
    "\n"
    "  --tran-id T    the payment's tran_id, where the invoice ID is another\n"
    "                 field\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0 paid, 1 not (yet), or it cannot be told, 2, 74, 78.\n";

struct question {
	const char *name; /* the command's */
	const char *merchant, *invoice_id, *tran_id;
	size_t shown;
};

static void
on_row(void *arg, const struct store_row *row)
{
	struct question *q = arg;
	struct buf line;

	buf_init(&line, 1024);
	receipt_json(&row->receipt, &line);
	buf_append_text(&line, "\n");
	if (buf_status(&line) == ST_OK)
		(void)fwrite(line.data, 1, line.len, stdout);
	buf_fini(&line);
	q->shown++;
}

static const char *
words_for(enum status said, enum life state)
{
	switch (said) {
	case ST_UNAVAILABLE:
		return "no answer from SSLCommerz, or it refuses the store "
		       "password (see the gateway's log); try again later";
	case ST_CONFIG:
		return "the running gateway does not know this merchant; "
		       "it reads the configuration again at SIGHUP";
	case ST_BAD_INPUT:
		return "this merchant's invoice IDs are not tran_id: "
		       "--tran-id is needed";
	case ST_BUSY:
		return "too many checks at once; try again";
	case ST_IO:
		return "the store failed";
	case ST_EXISTS:
		return state == LIFE_HELD
			   ? "the payment is held: see paysieve held"
			   : "the payment waits for SSLCommerz to confirm it";
	default:
		return "SSLCommerz knows no paid payment of this invoice";
	}
}

/* ST_OK: the receipts were printed. */
static enum status
ask(struct control *c, struct question *q, struct err *e)
{
	const struct store_query query = { .merchant = q->merchant,
		.invoice_id = q->invoice_id,
		.limit = MOST };
	enum status said, st;
	enum life state;
	uint64_t last;
	bool more;

	st = control_check(
	    c, q->merchant, q->invoice_id, q->tran_id, &said, &state);
	/* What is there is there, although SSLCommerz is silent. */
	if (st == ST_OK && (said == ST_OK || said == ST_UNAVAILABLE))
		st = control_page(c, &query, on_row, q, &last, &more);
	if (st != ST_OK) {
		err_set(e, "the gateway went away or does not answer");
		return st;
	}
	if (q->shown > 0)
		return ST_OK;
	err_set(e, "%s", words_for(said, state));
	return said == ST_IO ? ST_IO : ST_NOT_FOUND;
}

static enum status
open_control(struct control **out, const struct config *c, struct err *e)
{
	char path[CONFIG_PATH];
	enum status st = config_control_path(c, path, sizeof(path));

	if (st == ST_OK)
		st = control_open(out, path, e);
	if (st == ST_NOT_FOUND)
		err_set(e, "no gateway runs here; a check needs one");
	return st;
}

static int
run(struct question *q, const char *config)
{
	struct control *control = NULL;
	struct config *c = NULL;
	struct err e = { "" };
	enum status st = ST_NOT_FOUND;
	int code = command_load(&c, config);

	if (code != EXIT_GOOD)
		return code;
	if (config_merchant(c, q->merchant) != NULL)
		st = open_control(&control, c, &e);
	else
		err_set(&e, "the configuration has no such merchant");
	if (st == ST_OK)
		st = ask(control, q, &e);
	code = st == ST_OK ? EXIT_GOOD : command_failed(q->name, st, &e);
	control_close(control);
	config_free(c);
	return command_flush(q->name, code);
}

int
check_invoice_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "tran-id", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 } };
	struct question q = { .name = argv[0] };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h')
			return command_help(help);
		if (c == 'c')
			config = optarg;
		else if (c == 't')
			q.tran_id = optarg;
		else
			return command_usage(argv[0], NULL);
	}
	if (argc - optind != 2)
		return command_usage(argv[0], "it takes: MERCHANT INVOICE_ID");
	q.merchant = argv[optind];
	q.invoice_id = argv[optind + 1];
	if (!receipt_merchant_valid(bytes_of(q.merchant)))
		return command_usage(argv[0], "MERCHANT is a store id");
	if (!receipt_invoice_valid(bytes_of(q.invoice_id)))
		return command_usage(argv[0], "INVOICE_ID is 1 to 64 letters, "
					      "digits, . _ : / # @ + - "
					      "and inner spaces");
	if (q.tran_id != NULL && !receipt_invoice_valid(bytes_of(q.tran_id)))
		return command_usage(
		    argv[0], "--tran-id needs what SSLCommerz calls tran_id");
	return run(&q, config);
}
