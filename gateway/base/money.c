#include "base/money.h"

#include <assert.h>
#include <stdio.h>

/*
 * ISO 4217's active codes by exponent, without metals, test codes and units
 * that have none.  ANG and BGN were withdrawn in 2025 and 2026.  Rows are
 * only ever added: a stored receipt outlives its currency.
 */
static const char exponent2[] =
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV "
    "BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE "
    "CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD "
    "HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
    "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD "
    "NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR "
    "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD "
    "TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG";
static const char exponent0[] =
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
static const char exponent3[] = "BHD IQD JOD KWD LYD OMR TND";
static const char exponent4[] = "CLF UYW";

static bool
listed(const char *list, size_t len, struct bytes code)
{
	for (size_t i = 0; i + 3 <= len; i += 4) {
		if (memcmp(list + i, code.ptr, 3) == 0)
			return true;
	}
	return false;
}

int
money_exponent(struct bytes code)
{
	if (code.len != 3)
		return -1;
	if (listed(exponent2, sizeof(exponent2) - 1, code))
		return 2;
	if (listed(exponent0, sizeof(exponent0) - 1, code))
		return 0;
	if (listed(exponent3, sizeof(exponent3) - 1, code))
		return 3;
	if (listed(exponent4, sizeof(exponent4) - 1, code))
		return 4;
	return -1;
}

static size_t
take_digits(struct bytes text, size_t at, size_t most)
{
	size_t n = 0;

	while (n < most && at + n < text.len && text.ptr[at + n] >= '0' &&
	       text.ptr[at + n] <= '9')
		n++;
	return n;
}

enum status
money_parse(struct bytes text, int exponent, int64_t *minor)
{
	size_t whole, frac = 0;
	int64_t v = 0;

	assert(exponent >= 0 && exponent <= 4);
	whole = take_digits(text, 0, 10);
	if (whole == 0)
		return ST_BAD_INPUT;
	if (whole < text.len) {
		if (text.ptr[whole] != '.')
			return ST_BAD_INPUT;
		frac = take_digits(text, whole + 1, 6);
		if (frac == 0 || whole + 1 + frac != text.len)
			return ST_BAD_INPUT;
	}
	for (size_t i = 0; i < whole; i++)
		v = v * 10 + (text.ptr[i] - '0');
	for (size_t i = 0; i < 6; i++) {
		int digit = i < frac ? text.ptr[whole + 1 + i] - '0' : 0;

		if (i < (size_t)exponent)
			v = v * 10 + digit;
		else if (digit != 0)
			return ST_BAD_INPUT;
	}
	if (v == 0)
		return ST_BAD_INPUT;
	*minor = v;
	return ST_OK;
}

void
money_format(int64_t minor, int exponent, char out[MONEY_TEXT])
{
	char digits[MONEY_TEXT];
	size_t n = 0, len = 0;

	assert(minor >= 0 && exponent >= 0 && exponent <= 4);
	/* From the last one to the first; at least one before the point. */
	for (; minor > 0 || n <= (size_t)exponent; minor /= 10)
		digits[n++] = (char)('0' + minor % 10);
	while (n > 0) {
		out[len++] = digits[--n];
		if (n == (size_t)exponent && n > 0)
			out[len++] = '.';
	}
	out[len] = '\0';
}
