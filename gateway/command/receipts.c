#include "base/rfc3339.h"
#include "command/command.h"
#include "command/invoice.h"
#include "command/listing.h"

static const char help[] =
    "Usage: paysieve receipts list [--merchant M] [--invoice I] [--limit N]\n"
    "                              [--after SEQ]\n"
    "       paysieve receipts show ID [--merchant M]\n"
    "       paysieve receipts export [--merchant M]\n"
    "       paysieve receipts export --invoice I [--merchant M]\n"
    "       paysieve receipts erase --invoice I [--merchant M] [--dry-run]\n"
    "\n"
    "Receipts, oldest first: of the running gateway, or of its store when "
    "none\n"
    "runs.  list prints a table on a terminal and JSON lines elsewhere, "
    "export\n"
    "all receipts as JSON lines, show one as JSON.  export --invoice prints\n"
    "all that is held on an invoice: receipts, deliveries, what waits or is "
    "held.\n"
    "erase forgets all that, searches the store's files for it, and prints "
    "the\n"
    "certificate; --dry-run says what would go.\n"
    "\n"
    "  --merchant M   of this merchant only\n"
    "  --invoice I    of this invoice ID only\n"
    "  --limit N      list at most N, 1 to 1000 (100)\n"
    "  --after SEQ    list those behind this number; a list that was cut ends\n"
    "                 with the one to continue from\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 failed or no such receipt, 2, 74, 78.\n";

static void
on_row(void *arg, const struct store_row *row)
{
	struct listing *l = arg;
	char paid[RFC3339_TEXT];

	if (!l->is_table) {
		receipt_json(&row->receipt, &l->text);
		buf_append_text(&l->text, "\n");
		return;
	}
	listing_receipt_cells(l, &row->receipt);
	rfc3339_seconds(row->receipt.paid_at_us, paid);
	listing_cell(l, paid);
}

static enum status
page(struct listing *l, bool *more)
{
	const struct store_query query = l->query;

	return source_page(
	    l->source, &query, on_row, l, &l->query.after_seq, more);
}

static enum status
export_all(struct listing *l)
{
	return l->query.invoice_id != NULL ? invoice_export(l)
					   : listing_export(l);
}

static const char *
take_option(struct listing *l, int c)
{
	bool *dry_run = l->own;

	if (c != 'n')
		return "no such option, or its value is missing";
	*dry_run = true;
	return NULL;
}

static enum status
show(struct listing *l)
{
	struct store_row row;
	enum status st = source_get(l->source, &l->id, l->query.merchant, &row);

	if (st != ST_OK)
		return st;
	on_row(l, &row);
	return listing_print(l);
}

int
receipts_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "merchant", required_argument, NULL, 'm' },
		{ "invoice", required_argument, NULL, 'i' },
		{ "limit", required_argument, NULL, 'l' },
		{ "after", required_argument, NULL, 'a' },
		{ "dry-run", no_argument, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	static const struct listing_verb verbs[] = {
		{ "list", listing_list, LISTING_NOTHING, false },
		{ "show", show, LISTING_ID, false },
		{ "export", export_all, LISTING_NOTHING, false },
		{ "erase", invoice_erase, LISTING_NOTHING, false },
	};
	static const char *const heads[] = { "RECEIPT", "MERCHANT",
		"INVOICE ID", ">AMOUNT", "", "PAID AT" };
	static const struct listing_kind kind = { .help = help,
		.verbs_fault = "it takes: list, show ID, export or erase",
		.none = "there is no such receipt",
		.options = options,
		.verbs = verbs,
		.n_verbs = ARRAY_LEN(verbs),
		.heads = heads,
		.n_heads = ARRAY_LEN(heads),
		.option = take_option,
		.page = page };
	bool dry_run = false;

	return listing_main(&kind, &dry_run, config, argc, argv);
}
