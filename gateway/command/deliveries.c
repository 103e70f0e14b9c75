#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/rfc3339.h"
#include "command/command.h"
#include "command/listing.h"
#include "command/ping.h"

static const char help[] =
    "Usage: paysieve deliveries list [FILTER] [--limit N] [--after N]\n"
    "       paysieve deliveries show ID [--merchant M]\n"
    "       paysieve deliveries retry ID | --state S [FILTER] [--dry-run]\n"
    "       paysieve deliveries drop ID | --state S [FILTER] [--dry-run]\n"
    "       paysieve deliveries resume BILLING\n"
    "       paysieve deliveries test BILLING\n"
    "\n"
    "What was pushed to billing, and what came of it.  list prints a table on "
    "a\n"
    "terminal and JSON lines elsewhere; show one with its attempts as JSON.\n"
    "retry sends again what is exhausted, dropped or delivered, and at once "
    "what\n"
    "is pending; many one after the other, at [limits] redeliver_rate.  drop "
    "gives\n"
    "up what is pending or exhausted.  resume delivers again to a billing that "
    "had\n"
    "answered 410.  test sends a ping and says what is wrong.\n"
    "Of many, retry and drop say how many there were, as a JSON line "
    "elsewhere\n"
    "than on a terminal.\n"
    "\n"
    "Of the running gateway, or of its store when none runs.\n"
    "\n"
    "FILTER, any of:\n"
    "  --state S        pending, delivered, exhausted or dropped\n"
    "  --billing B      to this [billing B] only\n"
    "  --invoice I      of this invoice ID only\n"
    "  --merchant M     of this merchant only\n"
    "  --from T, --to T received from T on, before T: 2025-12-02 or\n"
    "                   2025-12-02T06:30:45Z\n"
    "\n"
    "  --dry-run        count, and change nothing\n"
    "  --limit N        list at most N, 1 to 1000 (100)\n"
    "  --after N        list those behind this number; a list that was cut "
    "ends\n"
    "                   with the one to continue from\n"
    "  --config FILE    the configuration\n"
    "\n"
    "Exit code: 0, 1 failed or no such delivery, 2, 74, 78.\n";

struct wanted {
	struct store_which which;
	const char *endpoint; /* NULL: any */
	bool dry_run;
	bool found;		     /* of show */
	char one[DELIVERY_ENDPOINT]; /* of an ID */
};

static const char *
take_option(struct listing *l, int c)
{
	struct wanted *w = l->own;

	switch (c) {
	case 's':
		return delivery_parse(bytes_of(optarg), &w->which.state)
			   ? NULL
			   : "--state needs pending, delivered, exhausted or "
			     "dropped";
	case 'b':
		w->endpoint = optarg;
		return receipt_merchant_valid(bytes_of(optarg))
			   ? NULL
			   : "--billing needs a billing's name";
	case 'f':
		return rfc3339_parse(bytes_of(optarg), &w->which.from_us)
			   ? NULL
			   : "--from needs a date or a time in UTC";
	case 't':
		return rfc3339_parse(bytes_of(optarg), &w->which.to_us)
			   ? NULL
			   : "--to needs a date or a time in UTC";
	case 'n':
		w->dry_run = true;
		return NULL;
	default:
		return "no such option, or its value is missing";
	}
}

/* The filter that the options make. */
static struct store_which
which_of(const struct listing *l)
{
	const struct wanted *w = l->own;
	struct store_which which = w->which;

	which.after = l->query.after_seq;
	which.merchant = l->query.merchant;
	which.invoice_id = l->query.invoice_id;
	which.limit = l->query.limit;
	return which;
}

/* ---- list and show */

static void
on_delivery(void *arg, const struct store_delivery *sd)
{
	const struct delivery *d = &sd->delivery;
	struct listing *l = arg;
	char text[DELIVERY_ID], at[RFC3339_TEXT];

	if (!l->is_table) {
		delivery_json(d, &l->text);
		buf_append_text(&l->text, "\n");
		return;
	}
	delivery_id(&d->receipt.id, d->endpoint, text);
	listing_cell(l, text);
	listing_cell(l, d->receipt.merchant);
	listing_cell(l, d->receipt.invoice_id);
	listing_cell(l, delivery_word(d->state));
	(void)snprintf(text, sizeof(text), "%u", d->attempts);
	listing_cell(l, text);
	if (d->http_status != 0)
		(void)snprintf(text, sizeof(text), "%u", d->http_status);
	listing_cell(l, d->http_status != 0 ? text : outcome_word(d->outcome));
	rfc3339_seconds(d->at_us, at);
	listing_cell(l, at);
}

static enum status
page(struct listing *l, bool *more)
{
	const struct wanted *w = l->own;
	const struct store_which which = which_of(l);

	return source_deliveries(l->source, &which, w->endpoint, on_delivery, l,
	    &l->query.after_seq, more);
}

/* The one that the argument names.  false: it names none. */
static bool
name_one(struct listing *l)
{
	struct wanted *w = l->own;

	if (!delivery_id_parse(bytes_of(l->argument), &l->id, w->one))
		return false;
	w->which.id = &l->id;
	w->endpoint = w->one;
	return true;
}

static void
on_shown(void *arg, const struct store_delivery *sd)
{
	struct listing *l = arg;
	struct wanted *w = l->own;

	w->found = true;
	delivery_json(&sd->delivery, &l->text);
	if (buf_status(&l->text) != ST_OK)
		return;
	/* The log goes inside. */
	l->text.data[--l->text.len] = '\0';
	buf_append_text(&l->text, ",\"log\":[");
}

static void
on_attempt(void *arg, const struct delivery_attempt *a)
{
	struct listing *l = arg;

	if (buf_status(&l->text) != ST_OK)
		return;
	if (l->text.data[l->text.len - 1] != '[')
		buf_append_text(&l->text, ",");
	delivery_attempt_json(a, &l->text);
}

static enum status
show(struct listing *l)
{
	struct wanted *w = l->own;
	struct store_which which;
	uint64_t last;
	bool more;
	enum status st;

	if (!name_one(l))
		return ST_NOT_FOUND;
	which = which_of(l);
	st = source_deliveries(
	    l->source, &which, w->endpoint, on_shown, l, &last, &more);
	if (st == ST_OK && !w->found)
		st = ST_NOT_FOUND;
	if (st == ST_OK)
		st = source_attempts(l->source, &l->id, w->endpoint,
		    l->query.merchant, on_attempt, l);
	if (st != ST_OK)
		return st;
	buf_append_text(&l->text, "]}\n");
	return listing_print(l);
}

/* ---- retry and drop */

static enum status
act_on_one(struct listing *l, enum redeliver_action action)
{
	struct wanted *w = l->own;
	struct control_redelivered done;
	struct store_which which;
	enum status st;

	if (!name_one(l))
		return ST_NOT_FOUND;
	which = which_of(l);
	st = source_redeliver(
	    l->source, &which, w->endpoint, action, &done, &l->err);
	if (st != ST_OK)
		return st;
	if (done.matched == 0)
		return ST_NOT_FOUND;
	if (action == REDELIVER_COUNT) {
		(void)printf("1 delivery\n");
		return ST_OK;
	}
	if (done.changed == 0) {
		err_set(&l->err, "it is in a state that does not allow this");
		return ST_EXISTS;
	}
	(void)printf("%s %s\n", l->argument,
	    action == REDELIVER_RETRY ? "is due again" : "is dropped");
	return ST_OK;
}

static void
show_progress(size_t matched, bool end)
{
	if (isatty(STDERR_FILENO) == 0)
		return;
	(void)fprintf(
	    stderr, "\r%zu deliveries%s", matched, end ? "\r\033[K" : "");
	(void)fflush(stderr);
}

static void
print_sum(enum redeliver_action action, size_t matched, size_t changed)
{
	if (isatty(STDOUT_FILENO) == 0)
		(void)printf(
		    "{\"matched\":%zu,\"changed\":%zu}\n", matched, changed);
	else if (action == REDELIVER_COUNT)
		(void)printf("%zu deliveries\n", matched);
	else
		(void)printf("%zu of %zu deliveries %s\n", changed, matched,
		    action == REDELIVER_RETRY ? "are due again"
					      : "are dropped");
}

static enum status
act_on_all(struct listing *l, enum redeliver_action action)
{
	const struct wanted *w = l->own;
	struct store_which which = which_of(l);
	struct control_redelivered done = { .more = true };
	size_t matched = 0, changed = 0;
	enum status st = ST_OK;

	if (which.state == DELIVERY_STATES) {
		err_set(&l->err, "name one, or say which: --state ...");
		return ST_BAD_INPUT;
	}
	which.limit = LISTING_PAGE;
	while (st == ST_OK && done.more) {
		st = source_redeliver(
		    l->source, &which, w->endpoint, action, &done, &l->err);
		matched += done.matched;
		changed += done.changed;
		if (st == ST_OK && done.more && done.last == which.after)
			st = ST_CORRUPT;
		which.after = done.last;
		show_progress(matched, st != ST_OK || !done.more);
	}
	if (st == ST_OK || changed > 0)
		print_sum(action, matched, changed);
	return st;
}

static enum status
act(struct listing *l, enum redeliver_action action)
{
	const struct wanted *w = l->own;

	if (w->dry_run)
		action = REDELIVER_COUNT;
	return l->argument != NULL ? act_on_one(l, action)
				   : act_on_all(l, action);
}

static enum status
retry(struct listing *l)
{
	return act(l, REDELIVER_RETRY);
}

static enum status
drop(struct listing *l)
{
	return act(l, REDELIVER_DROP);
}

/* ---- an endpoint */

static bool
is_billing(const struct listing *l)
{
	for (size_t i = 0; i < l->config->n_billings; i++) {
		if (strcmp(l->config->billings[i].name, l->argument) == 0)
			return true;
	}
	return false;
}

static enum status
no_billing(struct listing *l)
{
	err_set(&l->err, "the configuration has no such billing");
	return ST_NOT_FOUND;
}

static enum status
resume(struct listing *l)
{
	enum status st;

	if (!is_billing(l))
		return no_billing(l);
	st = source_resume(l->source, l->argument, &l->err);
	if (st == ST_NOT_FOUND)
		err_set(&l->err, "the running gateway has no such billing");
	if (st == ST_OK)
		(void)printf("%s is delivered to again\n", l->argument);
	return st;
}

static enum status
test(struct listing *l)
{
	enum status st = ping_billing(l->config, l->argument, &l->err);

	if (st == ST_NOT_FOUND)
		return no_billing(l);
	if (st == ST_UNAVAILABLE)
		err_set(&l->err, "it cannot be delivered to");
	return st;
}

int
deliveries_main(const char *config, int argc, char **argv)
{
	static const struct option options[] = { COMMAND_OPTIONS,
		{ "state", required_argument, NULL, 's' },
		{ "billing", required_argument, NULL, 'b' },
		{ "invoice", required_argument, NULL, 'i' },
		{ "merchant", required_argument, NULL, 'm' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "limit", required_argument, NULL, 'l' },
		{ "after", required_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 } };
	static const struct listing_verb verbs[] = {
		{ "list", listing_list, LISTING_NOTHING, false },
		{ "show", show, LISTING_WORD, false },
		{ "retry", retry, LISTING_MAYBE, false },
		{ "drop", drop, LISTING_MAYBE, false },
		{ "resume", resume, LISTING_WORD, false },
		{ "test", test, LISTING_WORD, true },
	};
	static const char *const heads[] = { "DELIVERY", "MERCHANT",
		"INVOICE ID", "STATE", ">TRIES", "LAST", "NEXT OR SINCE" };
	static const struct listing_kind kind = { .help = help,
		.verbs_fault = "it takes: list, show ID, retry, drop, resume "
			       "BILLING or test BILLING",
		.none = "there is no such delivery",
		.options = options,
		.verbs = verbs,
		.n_verbs = ARRAY_LEN(verbs),
		.heads = heads,
		.n_heads = ARRAY_LEN(heads),
		.option = take_option,
		.page = page };
	struct wanted w = { .which = { .state = DELIVERY_STATES } };

	return listing_main(&kind, &w, config, argc, argv);
}
