#include "base/rfc3339.h"
#include "command/command.h"
#include "command/listing.h"

static const char help[] =
    "Usage: paysieve receipts list [--merchant M] [--invoice I] [--limit N]\n"
    "                              [--after SEQ]\n"
    "       paysieve receipts show ID [--merchant M]\n"
    "       paysieve receipts export [--merchant M] [--invoice I]\n"
    "\n"
    "Receipts, oldest first: of the running gateway, or of its store when "
    "none\n"
    "runs.  list prints a table on a terminal and JSON lines elsewhere, "
    "export\n"
    "all receipts as JSON lines, show one as JSON.\n"
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
		{ NULL, 0, NULL, 0 } };
	static const struct listing_verb verbs[] = {
		{ "list", listing_list, LISTING_NOTHING, false },
		{ "show", show, LISTING_ID, false },
		{ "export", listing_export, LISTING_NOTHING, false },
	};
	static const char *const heads[] = { "RECEIPT", "MERCHANT",
		"INVOICE ID", ">AMOUNT", "", "PAID AT" };
	static const struct listing_kind kind = { .help = help,
		.verbs_fault = "it takes: list, show ID or export",
		.none = "there is no such receipt",
		.options = options,
		.verbs = verbs,
		.n_verbs = ARRAY_LEN(verbs),
		.heads = heads,
		.n_heads = ARRAY_LEN(heads),
		.page = page };

	return listing_main(&kind, NULL, config, argc, argv);
}
