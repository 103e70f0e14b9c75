#include <stdio.h>

#include "base/rfc3339.h"
#include "command/command.h"
#include "command/listing.h"
#include "receipt/held.h"

static const char help[] =
    "Usage: paysieve held list [--merchant M] [--limit N] [--after N]\n"
    "       paysieve held show ID [--merchant M]\n"
    "       paysieve held release ID [--merchant M]\n"
    "       paysieve held reject ID [--merchant M]\n"
    "\n"
    "Payments that SSLCommerz does not simply confirm: it calls them risky, "
    "says\n"
    "something else than the callback, or has been silent for long.  A person\n"
    "decides: release makes a receipt of one, with SSLCommerz's values where "
    "it\n"
    "has given any; reject forgets all of it but its id, so that only\n"
    "check-invoice can bring it back.\n"
    "\n"
    "Of the running gateway, or of its store when none runs.  list prints a "
    "table\n"
    "on a terminal and JSON lines elsewhere, oldest first; show one as JSON.\n"
    "\n"
    "  --merchant M   of this merchant only\n"
    "  --limit N      list at most N, 1 to 1000 (100)\n"
    "  --after N      list those behind this number; a list that was cut ends\n"
    "                 with the one to continue from\n"
    "  --config FILE  the configuration\n"
    "\n"
    "Exit code: 0, 1 failed or no such held payment, 2, 74, 78.\n";

static void
on_held(void *arg, const struct store_life *life)
{
	const struct held h = { .reason = life->reason,
		.held_at_us = life->held_at_us,
		.claimed = &life->claimed,
		.answered = life->is_answered ? &life->answered : NULL };
	struct listing *l = arg;
	char at[RFC3339_TEXT];

	l->query.after_seq = life->n;
	if (!l->is_table) {
		held_json(&h, &l->text);
		buf_append_text(&l->text, "\n");
		return;
	}
	listing_receipt_cells(l, h.claimed);
	listing_cell(l, reason_word(h.reason));
	rfc3339_seconds(h.held_at_us, at);
	listing_cell(l, at);
}

static enum status
page(struct listing *l, bool *more)
{
	const struct store_query query = l->query;

	return source_holds(l->source, &query, on_held, l, more);
}

static enum status
show(struct listing *l)
{
	struct store_life life;
	enum status st =
	    source_hold(l->source, &l->id, l->query.merchant, &life);

	if (st != ST_OK)
		return st;
	on_held(l, &life);
	return listing_print(l);
}

static enum status
decide(struct listing *l, bool release)
{
	char id[ID_TEXT];
	enum status st = source_decide(
	    l->source, &l->id, l->query.merchant, release, &l->err);

	if (st != ST_OK)
		return st;
	id_format(&l->id, id);
	(void)printf("%s is %s\n", id,
	    release ? "released: it is a receipt now"
		    : "rejected: it is no payment");
	return ST_OK;
}

static enum status
release_one(struct listing *l)
{
	return decide(l, true);
}

static enum status
reject_one(struct listing *l)
{
	return decide(l, false);
}

int
held_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "merchant", required_argument, NULL, 'm' },
		{ "limit", required_argument, NULL, 'l' },
		{ "after", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 } };
	static const struct listing_verb verbs[] = {
		{ "list", listing_list, LISTING_NOTHING, false },
		{ "show", show, LISTING_ID, false },
		{ "release", release_one, LISTING_ID, false },
		{ "reject", reject_one, LISTING_ID, false },
	};
	static const char *const heads[] = { "PAYMENT", "MERCHANT",
		"INVOICE ID", ">AMOUNT", "", "REASON", "HELD AT" };
	static const struct listing_kind kind = { .help = help,
		.verbs_fault =
		    "it takes: list, show ID, release ID or reject ID",
		.none = "there is no such held payment",
		.options = options,
		.verbs = verbs,
		.n_verbs = ARRAY_LEN(verbs),
		.heads = heads,
		.n_heads = ARRAY_LEN(heads),
		.page = page };

	return listing_main(&kind, NULL, config, argc, argv);
}
