#include "asker/reading.h"

#include <stdio.h>
#include <stdlib.h>

#include "asker/arena.h"
#include "base/secret.h"
#include "base/wiped.h"

/* Enough for READING_BODY bytes of attempts as SSLCommerz writes them, which
 * are some 9000 values; 14000 fit. */
#define READING_ARENA (8 * 1024 * 1024)

struct reading {
	struct intake *intake;
	struct arena arena;
};

/* An answer to a question by tran_id. */
struct attempts {
	json_t *element; /* an object, an array or nothing */
	size_t n;
	bool complete; /* nothing says that there are more */
	bool done;     /* APIConnect = DONE */
};

enum status
reading_new(
    struct reading **out, const unsigned char identity_key[32], struct err *e)
{
	struct reading *r = calloc(1, sizeof(*r));
	enum status st = ST_NO_MEMORY;
	size_t seed;

	*out = NULL;
	if (r == NULL || arena_init(&r->arena, READING_ARENA) != ST_OK) {
		err_set(e, "no memory for answers");
		goto fail;
	}
	st = intake_new(&r->intake, identity_key, e);
	if (st != ST_OK)
		goto fail;
	/* Within a reading it has the arena, see there. */
	json_set_alloc_funcs(wiped_malloc, wiped_free);
	/* Jansson would open a device for it, and within a reading. */
	secret_random(&seed, sizeof(seed));
	json_object_seed(seed | 1);
	*out = r;
	return ST_OK;
fail:
	reading_free(r);
	return st;
}

void
reading_free(struct reading *r)
{
	if (r == NULL)
		return;
	intake_free(r->intake);
	arena_fini(&r->arena);
	free(r);
}

/* ---- JSON */

static json_t *
parse(struct reading *r, struct bytes body)
{
	static const unsigned char mark[] = { 0xef, 0xbb, 0xbf };

	if (body.len > READING_BODY)
		return NULL;
	if (body.len >= sizeof(mark) &&
	    memcmp(body.ptr, mark, sizeof(mark)) == 0)
		body = bytes_make(
		    body.ptr + sizeof(mark), body.len - sizeof(mark));
	return arena_load(&r->arena, body);
}

/*
 * A text or a number as text, empty for null or nothing; for anything else
 * what is in no grammar.  15 digits give back every decimal of so many digits
 * as it was written, but for zeros at its end, and no amount has more.  false
 * without memory.
 */
static bool
text_of(struct arena *a, const json_t *value, struct bytes *out)
{
	const size_t most = 32;
	char *text;
	int len;

	*out = bytes_make("", 0);
	if (value == NULL || json_is_null(value))
		return true;
	if (json_is_string(value)) {
		*out = bytes_make(
		    json_string_value(value), json_string_length(value));
		return true;
	}
	text = arena_take(a, most);
	if (text == NULL)
		return false;
	if (json_is_integer(value))
		len = snprintf(text, most, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	else if (json_is_real(value))
		len = snprintf(text, most, "%.15g", json_real_value(value));
	else
		len = snprintf(text, most, "?");
	*out = bytes_make(text, (size_t)len);
	return true;
}

/* The one payment that an object tells of.  NONSENSE without memory too: then
 * it is asked again. */
static void
tell(struct reading *r, const struct merchant_rules *m, json_t *object,
    int64_t received_us, struct intake_payment *out)
{
	struct intake_member *members;
	const char *name;
	json_t *value;
	size_t n = 0;

	*out = (struct intake_payment){ .reason = REASON_NONSENSE };
	if (!json_is_object(object))
		return;
	members =
	    arena_take(&r->arena, json_object_size(object) * sizeof(*members));
	if (members == NULL)
		return;
	json_object_foreach(object, name, value)
	{
		if (!text_of(&r->arena, value, &members[n].value))
			return;
		members[n++].name = bytes_of(name);
	}
	if (intake_answer(r->intake, m, members, n, received_us, out) != ST_OK)
		out->reason = REASON_NONSENSE;
}

/* What APIConnect says: PAID when it lets the rest of the answer speak. */
static enum reason
connected(json_t *answer, bool *done)
{
	static const struct {
		const char *word;
		enum reason reason;
	} words[] = { { "", REASON_PAID }, { "DONE", REASON_PAID },
		{ "FAILED", REASON_CREDENTIALS },
		{ "INACTIVE", REASON_INACTIVE },
		{ "INVALID_REQUEST", REASON_REQUEST } };
	const json_t *said = json_object_get(answer, "APIConnect");
	const char *word = json_string_value(said);

	*done = word != NULL && strcmp(word, "DONE") == 0;
	if (said == NULL || json_is_null(said))
		return REASON_PAID;
	for (size_t i = 0; word != NULL && i < ARRAY_LEN(words); i++) {
		if (strcmp(word, words[i].word) == 0)
			return words[i].reason;
	}
	return REASON_NONSENSE;
}

/* ---- verdicts */

static bool
is_about(const struct intake_payment *p, const struct receipt_id *id)
{
	return memcmp(&p->receipt.id, id, sizeof(*id)) == 0;
}

static bool
is_same(const struct intake_payment *a, const struct intake_payment *b)
{
	return a->reason == b->reason &&
	       memcmp(&a->receipt, &b->receipt, sizeof(a->receipt)) == 0;
}

/* Of a payment that is paid: is it the one that was claimed? */
static void
compare(const struct receipt *claimed, const struct intake_payment *p,
    struct reading_verdict *out)
{
	enum reason differs = life_compare(claimed, &p->receipt);

	out->reason = differs == REASON_PAID ? p->reason : differs;
	if (out->reason == REASON_PAID || differs == REASON_PAYMENT ||
	    differs == REASON_STORE)
		return;
	out->is_answered = true;
	/* Its id, merchant and received_at are those of the claim. */
	out->answered = p->receipt;
	out->answered.paid_at_us = claimed->paid_at_us;
}

/* done: a denial counts. */
static void
judge(const struct receipt *claimed, const struct intake_payment *p, bool done,
    struct reading_verdict *out)
{
	switch (p->reason) {
	case REASON_PAID:
	case REASON_RISK:
		compare(claimed, p, out);
		break;
	case REASON_GUARD:
		out->reason =
		    is_about(p, &claimed->id) ? REASON_GUARD : REASON_PAYMENT;
		break;
	case REASON_UNKNOWN:
	case REASON_UNPAID:
		out->reason = done ? p->reason : REASON_NONSENSE;
		break;
	default:
		out->reason = p->reason;
	}
}

/* ---- by val_id */

static void
read_by_val_id(struct reading *r, const struct merchant_rules *m,
    const struct receipt *claimed, json_t *answer, struct reading_verdict *out)
{
	static const struct receipt_id none;
	struct intake_payment p;
	bool done;

	if (json_array_size(answer) == 1)
		answer = json_array_get(answer, 0);
	if (!json_is_object(answer))
		return;
	out->reason = connected(answer, &done);
	if (out->reason != REASON_PAID)
		return;
	tell(r, m, answer, claimed->received_at_us, &p);
	/* What is denied has to be what was asked about, if it has a name. */
	judge(claimed, &p,
	    done && (is_about(&p, &claimed->id) || is_about(&p, &none)), out);
}

void
reading_by_val_id(struct reading *r, const struct merchant_rules *m,
    const struct receipt *claimed, struct bytes body,
    struct reading_verdict *out)
{
	*out = (struct reading_verdict){ .reason = REASON_NONSENSE };
	read_by_val_id(r, m, claimed, parse(r, body), out);
	arena_wipe(&r->arena);
}

/* ---- by tran_id */

static json_t *
attempt(const struct attempts *a, size_t i)
{
	return json_is_array(a->element) ? json_array_get(a->element, i)
					 : a->element;
}

/* Does the number of attempts agree with those that are there?  Unknown is
 * said as none found, with one element or without. */
static bool
is_complete(struct arena *a, json_t *answer, size_t n)
{
	struct bytes found;
	size_t v = 0;

	if (!text_of(a, json_object_get(answer, "no_of_trans_found"), &found) ||
	    found.len > 6)
		return false;
	for (size_t i = 0; i < found.len; i++) {
		if (found.ptr[i] < '0' || found.ptr[i] > '9')
			return false;
		v = v * 10 + (size_t)(found.ptr[i] - '0');
	}
	return v <= n && (n > 0 || found.len > 0);
}

/* PAID when there are attempts to read, or none and an answer that says so. */
static enum reason
find_attempts(struct reading *r, json_t *answer, struct attempts *out)
{
	enum reason why;

	*out = (struct attempts){ 0 };
	if (!json_is_object(answer))
		return REASON_NONSENSE;
	why = connected(answer, &out->done);
	if (why != REASON_PAID)
		return why;
	out->element = json_object_get(answer, "element");
	if (json_is_array(out->element))
		out->n = json_array_size(out->element);
	else if (json_is_object(out->element))
		out->n = 1;
	else if (out->element != NULL && !json_is_null(out->element))
		return REASON_NONSENSE;
	out->complete = is_complete(&r->arena, answer, out->n);
	return REASON_PAID;
}

/* What attempts come to of which none is the one that counts: the first of
 * these that there is.  It denies only what is complete. */
static enum reason
sum_up(const struct attempts *a, const bool seen[REASONS], enum reason denial)
{
	if (seen[REASON_NONSENSE])
		return REASON_NONSENSE;
	if (seen[REASON_PENDING])
		return REASON_PENDING;
	return a->done && a->complete ? denial : REASON_NONSENSE;
}

static void
read_by_tran_id(struct reading *r, const struct merchant_rules *m,
    const struct receipt *claimed, json_t *answer, struct reading_verdict *out)
{
	struct intake_payment p, meant = { .reason = REASONS };
	bool seen[REASONS] = { false };
	struct attempts a;

	out->reason = find_attempts(r, answer, &a);
	if (out->reason != REASON_PAID)
		return;
	for (size_t i = 0; i < a.n; i++) {
		tell(r, m, attempt(&a, i), claimed->received_at_us, &p);
		seen[p.reason] = true;
		if (!is_about(&p, &claimed->id))
			continue;
		if (meant.reason != REASONS && !is_same(&meant, &p))
			p.reason = REASON_NONSENSE; /* two stories of one */
		meant = p;
	}
	if (meant.reason == REASONS)
		out->reason = sum_up(&a, seen, REASON_UNKNOWN);
	else
		judge(claimed, &meant, a.done, out);
}

void
reading_by_tran_id(struct reading *r, const struct merchant_rules *m,
    const struct receipt *claimed, struct bytes body,
    struct reading_verdict *out)
{
	*out = (struct reading_verdict){ .reason = REASON_NONSENSE };
	read_by_tran_id(r, m, claimed, parse(r, body), out);
	arena_wipe(&r->arena);
}

/* ---- all of one tran_id */

/* false when p is paid, but cannot be kept beside those that are there. */
static bool
keep(const struct intake_payment *p, struct intake_payment found[READING_FOUND],
    size_t *n)
{
	if (!receipt_valid(&p->receipt))
		return false;
	for (size_t i = 0; i < *n; i++) {
		if (is_about(p, &found[i].receipt.id))
			return is_same(p, &found[i]);
	}
	if (*n == READING_FOUND)
		return false;
	found[(*n)++] = *p;
	return true;
}

static enum reason
look_up(struct reading *r, const struct merchant_rules *m, json_t *answer,
    int64_t received_us, struct intake_payment found[READING_FOUND], size_t *n)
{
	bool seen[REASONS] = { false };
	struct intake_payment p;
	struct attempts a;
	enum reason why = find_attempts(r, answer, &a);

	if (why != REASON_PAID)
		return why;
	for (size_t i = 0; i < a.n; i++) {
		tell(r, m, attempt(&a, i), received_us, &p);
		if (p.reason == REASON_STORE)
			p.reason = REASON_NONSENSE;
		if ((p.reason == REASON_PAID || p.reason == REASON_RISK) &&
		    !keep(&p, found, n))
			p.reason = REASON_NONSENSE;
		seen[p.reason] = true;
	}
	if (*n > 0 && !seen[REASON_NONSENSE])
		return REASON_PAID;
	why = seen[REASON_UNPAID] ? REASON_UNPAID : REASON_UNKNOWN;
	return sum_up(&a, seen, seen[REASON_GUARD] ? REASON_GUARD : why);
}

enum reason
reading_lookup(struct reading *r, const struct merchant_rules *m,
    struct bytes body, int64_t received_us,
    struct intake_payment found[READING_FOUND], size_t *n)
{
	enum reason why;

	memset(found, 0, READING_FOUND * sizeof(*found));
	*n = 0;
	why = look_up(r, m, parse(r, body), received_us, found, n);
	arena_wipe(&r->arena);
	if (why != REASON_PAID) {
		memset(found, 0, READING_FOUND * sizeof(*found));
		*n = 0;
	}
	return why;
}
