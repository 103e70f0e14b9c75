#include "desk/digest.h"

#include <stdio.h>
#include <string.h>

#define BASE UINT64_C(1000000000000000000) /* 10^18 */

/* The place of a currency, made if it is new; n when there is no room. */
static size_t
place(struct digest *d, const char *currency)
{
	size_t i = 0;

	while (i < d->n && strcmp(d->sums[i].currency, currency) < 0)
		i++;
	if (i < d->n && strcmp(d->sums[i].currency, currency) == 0)
		return i;
	if (d->n == DIGEST_CURRENCIES)
		return d->n;
	memmove(&d->sums[i + 1], &d->sums[i], (d->n - i) * sizeof(d->sums[0]));
	memset(&d->sums[i], 0, sizeof(d->sums[i]));
	memcpy(d->sums[i].currency, currency, MONEY_CURRENCY);
	d->n++;
	return i;
}

enum status
digest_add(struct digest *d, const struct receipt *r)
{
	unsigned char of_id[SECRET_SHA256];
	char id[ID_TEXT];
	size_t at = place(d, r->currency);

	id_format(&r->id, id);
	if (at == DIGEST_CURRENCIES ||
	    secret_sha256(id, strlen(id), of_id) != ST_OK)
		return ST_INTERNAL;
	for (size_t i = 0; i < sizeof(of_id); i++)
		d->of_ids[i] ^= of_id[i];
	d->count++;
	d->sums[at].low += (uint64_t)r->amount_minor;
	if (d->sums[at].low >= BASE) {
		d->sums[at].low -= BASE;
		d->sums[at].high++;
	}
	return ST_OK;
}

static void
sum_json(const struct digest *d, size_t i, struct buf *out)
{
	size_t exponent =
	    (size_t)money_exponent(bytes_make(d->sums[i].currency, 3));
	char digits[48];
	int n;

	/* At least one digit in front of the point. */
	if (d->sums[i].high > 0)
		n = snprintf(digits, sizeof(digits), "%llu%018llu",
		    (unsigned long long)d->sums[i].high,
		    (unsigned long long)d->sums[i].low);
	else
		n = snprintf(digits, sizeof(digits), "%0*llu",
		    (int)exponent + 1, (unsigned long long)d->sums[i].low);
	buf_printf(out, "%s{\"currency\":\"%s\",\"amount\":\"%.*s",
	    i > 0 ? "," : "", d->sums[i].currency, n - (int)exponent, digits);
	if (exponent > 0)
		buf_printf(out, ".%s", digits + n - (int)exponent);
	buf_append_text(out, "\"}");
}

void
digest_json(const struct digest *d, const char *next, struct buf *out)
{
	char hex[SECRET_SHA256_HEX];

	buf_printf(
	    out, "{\"count\":%llu,\"sums\":[", (unsigned long long)d->count);
	for (size_t i = 0; i < d->n; i++)
		sum_json(d, i, out);
	secret_hex(d->of_ids, sizeof(d->of_ids), hex);
	buf_printf(out, "],\"digest\":\"%s\",\"next\":\"%s\"}", hex, next);
}
