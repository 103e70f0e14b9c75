#include "intake/minimize.h"

#include "base/rfc3339.h"
#include "intake/sslcommerz.h"
#include "receipt/guard.h"

static enum status
refuse(enum refusal *why, enum refusal r)
{
	*why = r;
	return ST_BAD_INPUT;
}

/* ---- time */

static int
number(const unsigned char *p, size_t digits)
{
	int v = 0;

	for (size_t i = 0; i < digits; i++)
		v = v * 10 + (p[i] - '0');
	return v;
}

/* Bangladesh had summer time once: Asia/Dhaka in the tz database. */
static int
offset_hours(const struct civil *c)
{
	int day = c->month * 100 + c->day;

	return c->year == 2009 && day >= 620 ? 7 : 6;
}

bool
minimize_date(struct bytes text, int64_t *us)
{
	static const unsigned char form[] = "dddd-dd-dd dd:dd:dd";
	const unsigned char *p = text.ptr;
	struct civil c;

	if (text.len != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool digit = p[i] >= '0' && p[i] <= '9';

		if (form[i] == 'd' ? !digit : p[i] != form[i])
			return false;
	}
	c = (struct civil){ .year = number(p, 4),
		.month = number(p + 5, 2),
		.day = number(p + 8, 2),
		.hour = number(p + 11, 2),
		.minute = number(p + 14, 2),
		.second = number(p + 17, 2) };
	if (!civil_valid(&c))
		return false;
	*us = (civil_seconds(&c) - 3600 * offset_hours(&c)) * 1000000;
	return true;
}

/* ---- money */

/* What the merchant asked for, or what is settled when the callback does not
 * say.  Half an answer is none: it is kept and fails its grammar. */
static void
choose_amount(const struct form *f, enum amount_field which,
    struct bytes *currency, struct bytes *amount)
{
	*currency = form_value(f, "currency_type");
	*amount = form_value(f, "currency_amount");
	if (which == AMOUNT_SETTLED ||
	    (currency->len == 0 && amount->len == 0)) {
		*currency = form_value(f, "currency");
		*amount = form_value(f, "amount");
	}
}

static enum status
take_amount(const struct form *f, const struct merchant_rules *m,
    struct receipt *r, enum refusal *why)
{
	struct bytes currency, amount;
	int exponent;

	choose_amount(f, m->amount_field, &currency, &amount);
	exponent = money_exponent(currency);
	if (!receipt_text(r->currency, sizeof(r->currency), currency) ||
	    exponent < 0)
		return refuse(why, REFUSAL_CURRENCY);
	if (money_parse(amount, exponent, &r->amount_minor) != ST_OK)
		return refuse(why, REFUSAL_AMOUNT);
	return ST_OK;
}

/* ---- names of things */

static enum status
guard(const struct merchant_rules *m, struct bytes text, enum refusal *why)
{
	static const enum refusal refusals[GUARD_SHAPES] = {
		[GUARD_CARD] = REFUSAL_INVOICE_CARD,
		[GUARD_EMAIL] = REFUSAL_INVOICE_EMAIL,
		[GUARD_PHONE] = REFUSAL_INVOICE_PHONE,
	};
	enum guard_shape shape = m->invoice_guard == INVOICE_GUARD_ON
				     ? guard_shape(text)
				     : GUARD_NONE;

	return shape == GUARD_NONE ? ST_OK : refuse(why, refusals[shape]);
}

/* tran_id is held to the grammar even where another field is the invoice ID:
 * text that a payer typed must not pass for it. */
static enum status
take_invoice(const struct form *f, const struct merchant_rules *m,
    struct receipt *r, enum refusal *why)
{
	struct bytes invoice =
	    form_value(f, sslcommerz_invoice_field(m->invoice_field));
	struct bytes tran_id = form_value(f, "tran_id");
	enum status st;

	if (!receipt_invoice_valid(tran_id) ||
	    !receipt_text(r->invoice_id, sizeof(r->invoice_id), invoice) ||
	    !receipt_invoice_valid(invoice))
		return refuse(why, REFUSAL_INVOICE);
	st = guard(m, invoice, why);
	/* It is stored until the payment is decided. */
	if (st == ST_OK && m->confirm == CONFIRM_REQUIRED)
		st = guard(m, tran_id, why);
	return st;
}

static enum status
take_identity(const struct form *f, const struct merchant_rules *m,
    struct identity *id, struct receipt *r, enum refusal *why)
{
	struct bytes val_id = form_value(f, "val_id");

	/* Same grammar as an invoice ID. */
	if (!receipt_invoice_valid(val_id))
		return refuse(why, REFUSAL_VAL_ID);
	return identity_of(id, bytes_of(m->store_id), val_id, &r->id);
}

/* dated: without a date there is no receipt. */
static enum status
fill(const struct form *f, const struct merchant_rules *m, struct identity *id,
    bool dated, struct receipt *r, enum refusal *why)
{
	enum status st = take_amount(f, m, r, why);

	if (st != ST_OK)
		return st;
	if (!minimize_date(form_value(f, "tran_date"), &r->paid_at_us) && dated)
		return refuse(why, REFUSAL_DATE);
	st = take_invoice(f, m, r, why);
	if (st != ST_OK)
		return st;
	return take_identity(f, m, id, r, why);
}

static void
start(const struct merchant_rules *m, int64_t received_us, struct receipt *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->merchant, m->store_id, sizeof(out->merchant));
	out->received_at_us = received_us;
}

enum status
minimize_receipt(const struct form *f, const struct merchant_rules *m,
    int64_t received_us, struct identity *id, struct receipt *out,
    enum refusal *why)
{
	enum status st;

	start(m, received_us, out);
	st = fill(f, m, id, true, out, why);
	/* Every text has passed its grammar, so what can still be wrong is a
	 * year that no receipt can have. */
	if (st == ST_OK && !receipt_valid(out))
		st = refuse(why, REFUSAL_DATE);
	if (st != ST_OK)
		memset(out, 0, sizeof(*out));
	return st;
}

enum status
minimize_answer(const struct form *f, const struct merchant_rules *m,
    int64_t received_us, struct identity *id, struct receipt *out,
    enum refusal *why)
{
	struct receipt now;
	enum status st;

	start(m, received_us, out);
	st = fill(f, m, id, false, out, why);
	now = *out;
	now.paid_at_us = now.received_at_us;
	if (st == ST_OK && !receipt_valid(&now))
		st = refuse(why, REFUSAL_DATE);
	if (st != ST_OK)
		memset(out, 0, sizeof(*out));
	else if (!receipt_valid(out))
		out->paid_at_us = 0; /* not one that a receipt can have */
	return st;
}

enum status
minimize_id(const struct form *f, const struct merchant_rules *m,
    struct identity *id, struct receipt_id *out)
{
	struct receipt r = { 0 };
	enum refusal why;
	enum status st = take_identity(f, m, id, &r, &why);

	*out = r.id;
	return st == ST_BAD_INPUT ? ST_OK : st;
}
