#include "config/option.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/rfc3339.h"
#include "base/secret.h"
#include "config/location.h"

const struct option_row option_table[OPTIONS] = {
#define OPTION(section, key, type, member, preset, min, max, when, help) \
	{ SECTION_##section, #key, OPTION_##type,                        \
		offsetof(OPTION_OF_##section, member),                   \
		sizeof(((OPTION_OF_##section *)0)->member), preset, min, \
		max },
#include "config/options.def"
#undef OPTION
};

const struct option_section option_sections[SECTIONS] = {
	[SECTION_LISTEN] = { "listen", false, 1 },
	[SECTION_TLS] = { "tls", false, 1 },
	[SECTION_STORE] = { "store", false, 1 },
	[SECTION_LIMITS] = { "limits", false, 1 },
	[SECTION_MERCHANT] = { "merchant", true, CONFIG_MERCHANTS },
	[SECTION_BILLING] = { "billing", true, CONFIG_BILLINGS },
	[SECTION_TOKEN] = { "token", true, CONFIG_TOKENS },
};

static bool
refuse(struct err *e, const char *words)
{
	err_set(e, "%s", words);
	return false;
}

/* Digits at the front of text, at most 10 of them; how many they were. */
static size_t
digits(struct bytes text, int64_t *out)
{
	size_t n = 0;

	*out = 0;
	while (n < text.len && text.ptr[n] >= '0' && text.ptr[n] <= '9') {
		if (n == 10)
			return 0;
		*out = *out * 10 + (text.ptr[n++] - '0');
	}
	return n;
}

static bool
read_count(
    const struct option_row *o, struct bytes text, int64_t *out, struct err *e)
{
	size_t n = digits(text, out);

	if (n == 0 || n != text.len)
		return refuse(e, "not a whole number");
	if (*out < o->min || *out > o->max) {
		err_set(
		    e, "not between %" PRId64 " and %" PRId64, o->min, o->max);
		return false;
	}
	return true;
}

static int64_t
cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return CPU_COUNT(&set);
}

static bool
read_edges(
    const struct option_row *o, struct bytes text, int64_t *out, struct err *e)
{
	if (!bytes_is(text, "cores"))
		return read_count(o, text, out, e);
	*out = cores();
	if (*out > o->max)
		*out = o->max;
	return true;
}

/* A span in the row's unit, which is 1000 or 1 milliseconds. */
static bool
read_span(const struct option_row *o, struct bytes text, int64_t unit_ms,
    int64_t *out, struct err *e)
{
	static const struct {
		const char *suffix;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 } };
	size_t n = digits(text, out);
	struct bytes suffix = bytes_make(text.ptr + n, text.len - n);

	for (size_t i = 0; n > 0 && i < ARRAY_LEN(units); i++) {
		if (!bytes_is(suffix, units[i].suffix))
			continue;
		*out *= units[i].ms; /* 10 digits of days fit 63 bits */
		if (*out % unit_ms != 0)
			return refuse(e, "not in whole seconds");
		*out /= unit_ms;
		if (*out >= o->min && *out <= o->max)
			return true;
		err_set(e, "not between %" PRId64 "%s and %" PRId64 "%s",
		    o->min, unit_ms == 1 ? "ms" : "s", o->max,
		    unit_ms == 1 ? "ms" : "s");
		return false;
	}
	return refuse(e, "not a duration, such as 500ms, 10s, 5m, 2h or 400d");
}

/* The place of text in a list of words that ends with NULL, or -1. */
static int
place(struct bytes text, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++) {
		if (bytes_is(text, words[i]))
			return i;
	}
	return -1;
}

static int
read_word(enum option_type type, struct bytes text, struct err *e)
{
	/* In the order of the enums. */
	static const char *const confirm[] = { "required", "off", NULL };
	static const char *const invoice[] = { "tran_id", "value_a", "value_b",
		"value_c", "value_d", NULL };
	static const char *const amount[] = { "requested", "settled", NULL };
	static const char *const guard[] = { "on", "off", NULL };
	static const char *const then[] = { "delete", "deidentify", NULL };
	static const char *const yesno[] = { "no", "yes", NULL };
	static const char *const order[] = { "none", "invoice", NULL };
	static const char *const format[] = { "webhook", "cloudevents",
		"cloudevents-binary", NULL };
	const char *const *words = yesno;
	const char *fault = "neither yes nor no";
	int at;

	if (type == OPTION_CONFIRM) {
		words = confirm;
		fault = "neither required nor off";
	} else if (type == OPTION_INVOICE) {
		words = invoice;
		fault = "none of tran_id value_a value_b value_c value_d";
	} else if (type == OPTION_AMOUNT) {
		words = amount;
		fault = "neither requested nor settled";
	} else if (type == OPTION_GUARD) {
		words = guard;
		fault = "neither on nor off";
	} else if (type == OPTION_THEN) {
		words = then;
		fault = "neither delete nor deidentify";
	} else if (type == OPTION_ORDER) {
		words = order;
		fault = "neither none nor invoice";
	} else if (type == OPTION_FORMAT) {
		words = format;
		fault = "none of webhook cloudevents cloudevents-binary";
	}
	at = place(text, words);
	if (at < 0)
		err_set(e, "%s", fault);
	return at;
}

/* Cut the next word off the front of *rest; empty when there is none. */
static struct bytes
next_word(struct bytes *rest)
{
	struct bytes word;
	size_t n = 0;

	while (rest->len > 0 && (*rest->ptr == ' ' || *rest->ptr == '\t')) {
		rest->ptr++;
		rest->len--;
	}
	while (n < rest->len && rest->ptr[n] != ' ' && rest->ptr[n] != '\t')
		n++;
	word = bytes_make(rest->ptr, n);
	*rest = bytes_make(rest->ptr + n, rest->len - n);
	return word;
}

static bool
read_billings(struct bytes text, const struct option_world *w, uint32_t *bits,
    struct err *e)
{
	for (;;) {
		struct bytes word = next_word(&text);
		int at;

		if (word.len == 0)
			return true;
		at = w->find(w->arg, SECTION_BILLING, word);
		if (at < 0)
			return refuse(
			    e, "names a [billing ...] that is not there");
		if ((*bits >> at & 1) != 0)
			return refuse(e, "names a [billing ...] twice");
		*bits |= UINT32_C(1) << at;
	}
}

static bool
read_scopes(struct bytes text, unsigned *scopes, struct err *e)
{
	static const char *const words[] = { "read", "erase", "check",
		"deliver", "confirm", NULL };

	for (;;) {
		struct bytes word = next_word(&text);
		int at = place(word, words);

		if (word.len == 0)
			break;
		if (at < 0)
			return refuse(e, "knows only read, erase, check, "
					 "deliver and confirm");
		*scopes |= 1U << at;
	}
	return *scopes != 0 || refuse(e, "needs at least one scope");
}

static bool
read_schedule(const struct option_row *o, struct bytes text,
    struct config_schedule *out, struct err *e)
{
	for (;;) {
		struct bytes word = next_word(&text);

		if (word.len == 0)
			break;
		if (out->n == CONFIG_GAPS)
			return refuse(e, "more than 24 gaps");
		if (!read_span(o, word, 1, &out->gap_ms[out->n], e))
			return false;
		out->n++;
	}
	return out->n > 0 || refuse(e, "needs at least one gap");
}

static bool
read_networks(struct bytes text, struct config_networks *out, struct err *e)
{
	for (;;) {
		struct bytes word = next_word(&text);

		if (word.len == 0)
			return true;
		if (out->n == CONFIG_NETWORKS)
			return refuse(e, "more than 16 networks");
		if (!location_network(word, &out->list[out->n], e))
			return false;
		out->n++;
	}
}

/* A day's first microsecond, UTC. */
static bool
read_date(struct bytes text, int64_t *out, struct err *e)
{
	struct civil c = { .year = 0 };
	int64_t year, month, day;

	*out = INT64_MAX;
	if (bytes_is(text, "never"))
		return true;
	if (text.len != 10 || text.ptr[4] != '-' || text.ptr[7] != '-' ||
	    digits(bytes_make(text.ptr, 4), &year) != 4 ||
	    digits(bytes_make(text.ptr + 5, 2), &month) != 2 ||
	    digits(bytes_make(text.ptr + 8, 2), &day) != 2)
		return refuse(e, "neither YYYY-MM-DD nor never");
	c.year = (int)year;
	c.month = (int)month;
	c.day = (int)day;
	if (!civil_valid(&c) || year < 1970)
		return refuse(e, "no such day");
	*out = civil_seconds(&c) * 1000000;
	return true;
}

static bool
read_sha256(struct bytes text, unsigned char out[SECRET_SHA256], struct err *e)
{
	char hex[SECRET_SHA256_HEX];

	if (text.len != sizeof(hex) - 1)
		return refuse(e, "not 64 hex digits");
	memcpy(hex, text.ptr, text.len);
	hex[text.len] = '\0';
	return secret_unhex(hex, out, SECRET_SHA256) ||
	       refuse(e, "not 64 hex digits");
}

static bool
read_merchant(struct bytes text, const struct option_world *w,
    char out[CONFIG_NAME], struct err *e)
{
	if (w->find(w->arg, SECTION_MERCHANT, text) < 0)
		return refuse(e, "names a [merchant ...] that is not there");
	return receipt_text(out, CONFIG_NAME, text) || refuse(e, "too long");
}

static bool
read_path(struct bytes text, const struct option_world *w,
    char out[CONFIG_PATH], struct err *e)
{
	bool absolute = text.len > 0 && text.ptr[0] == '/';
	int n;

	if (text.len == 0)
		return refuse(e, "needs a file name");
	n = snprintf(out, CONFIG_PATH, "%s%s%.*s", absolute ? "" : w->folder,
	    absolute ? "" : "/", (int)text.len, (const char *)text.ptr);
	return (n > 0 && n < CONFIG_PATH) ||
	       refuse(e, "the file's path is longer than 511 bytes");
}

static bool
read_file(struct bytes text, const struct option_world *w,
    char out[CONFIG_PATH], struct err *e)
{
	struct stat sb;

	if (!read_path(text, w, out, e))
		return false;
	if (!w->look)
		return true;
	if (stat(out, &sb) != 0) {
		err_set(e, "the file it names: %s", strerror(errno));
		return false;
	}
	return S_ISREG(sb.st_mode) ||
	       refuse(e, "what it names is no regular file");
}

static bool
read_store(struct bytes text, const struct option_world *w,
    char out[CONFIG_PATH], struct err *e)
{
	static const char scheme[] = "sqlite:";
	size_t n = sizeof(scheme) - 1;

	if (text.len <= n || memcmp(text.ptr, scheme, n) != 0)
		return refuse(e, "not sqlite:PATH");
	if (!read_path(bytes_make(text.ptr + n, text.len - n), w, out, e))
		return false;
	return strlen(out) < LOCATION_SOCKET ||
	       refuse(e, "the path is too long for the control socket that "
			 "stands beside the store (98 bytes)");
}

bool
option_convert(const struct option_row *o, struct bytes value,
    const struct option_world *w, void *member, struct err *e)
{
	int word;

	switch (o->type) {
	case OPTION_ADDRESS:
		return location_address(value, false, member, e);
	case OPTION_LOOPBACK:
		return location_address(value, true, member, e);
	case OPTION_FILE:
		return read_file(value, w, member, e);
	case OPTION_PATH:
		return read_path(value, w, member, e);
	case OPTION_STORE:
		return read_store(value, w, member, e);
	case OPTION_SECONDS:
		return read_span(o, value, 1000, member, e);
	case OPTION_MILLIS:
		return read_span(o, value, 1, member, e);
	case OPTION_COUNT:
		return read_count(o, value, member, e);
	case OPTION_EDGES:
		return read_edges(o, value, member, e);
	case OPTION_URL:
		return location_url(value, member, CONFIG_URL, e);
	case OPTION_BASE:
		return location_base(value, member, CONFIG_URL, e);
	case OPTION_BILLINGS:
		return read_billings(value, w, member, e);
	case OPTION_SHA256:
		return read_sha256(value, member, e);
	case OPTION_MERCHANT:
		return read_merchant(value, w, member, e);
	case OPTION_SCOPES:
		return read_scopes(value, member, e);
	case OPTION_SCHEDULE:
		return read_schedule(o, value, member, e);
	case OPTION_PROXY:
		return location_proxy(value, member, CONFIG_URL, e);
	case OPTION_NETWORKS:
		return read_networks(value, member, e);
	case OPTION_DATE:
		return read_date(value, member, e);
	case OPTION_ORDER:
	case OPTION_FORMAT:
	case OPTION_CONFIRM:
	case OPTION_INVOICE:
	case OPTION_AMOUNT:
	case OPTION_GUARD:
	case OPTION_THEN:
	case OPTION_YESNO:
		break;
	}
	word = read_word(o->type, value, e);
	if (word < 0)
		return false;
	/* Enums are ints here, a yes is a bool. */
	if (o->type == OPTION_YESNO)
		*(bool *)member = word == 1;
	else
		memcpy(member, &word, o->size);
	return true;
}
