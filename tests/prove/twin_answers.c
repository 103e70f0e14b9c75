/*
 * Are two answers of SSLCommerz the same to us that are equal in what is
 * compared, and different in everything else?
 *
 * twin_answers PAIRS SEED: two askers are asked the same and get one side's
 * answer each, by val_id, by tran_id and to lookups; what they tell the
 * keeper and what they log has to be the same, byte for byte.  Exit 0: it is,
 * and the answers did differ.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "asker_bench.h"
#include "base/buf.h"
#include "base/clock.h"

#define ROUND	  100 /* pairs on two askers; a bench has half a minute */
#define MOST	  40  /* members of a payment */
#define NEST_MOST 3
#define ANSWER	  (200 * 1024)

enum kind { PAID, RISK, DEARER, UNPAID, PENDING, KINDS };

static const struct {
	const char *status, *risk;
	enum reason reason;
} kinds[KINDS] = { [PAID] = { "VALID", "0", REASON_PAID },
	[RISK] = { "VALIDATED", "1", REASON_RISK },
	[DEARER] = { "VALID", "0", REASON_AMOUNT },
	[UNPAID] = { "FAILED", "0", REASON_UNPAID },
	[PENDING] = { "PENDING", "0", REASON_PENDING } };

/* What both sides have. */
struct pair {
	uint64_t n;
	enum kind kind;
	bool is_lookup, by_val_id;
	unsigned amount; /* whole units */
};

struct side {
	struct asker_bench *bench;
	struct channel *edge;
	uint64_t random;
	struct buf one, list, members[MOST];
	size_t n_members;
	char said[65536]; /* what it told and logged */
	size_t n_said;
};

static int log_file, real_stderr;

/* Log lines have the time, and what is found too. */
int64_t __wrap_clock_wall_us(void);

int64_t
__wrap_clock_wall_us(void)
{
	return INT64_C(1764657050000000);
}

/* ---- numbers (splitmix64) */

static uint64_t
next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned
below(uint64_t *state, unsigned n)
{
	return (unsigned)(next(state) % n);
}

/* ---- what differs */

static void
add_text(uint64_t *random, struct buf *out)
{
	static const char *const pieces[] = { "0", "1", "4", "7", "9", "X", "a",
		"b", " ", "+", "=", "%", "{", "[", ":", ",", "\\\"", "\\\\",
		"\\n", "\\u0995", "\xe0\xa6\xac", "\xc3\xa9" };
	unsigned n = below(random, below(random, 8) == 0 ? 400 : 30);

	buf_append_text(out, "\"");
	while (n-- > 0)
		buf_append_text(out, pieces[below(random, ARRAY_LEN(pieces))]);
	buf_append_text(out, "\"");
}

static void
add_space(uint64_t *random, struct buf *out)
{
	static const char *const spaces[] = { "", "", "", " ", "\n", "\t  " };

	buf_append_text(out, spaces[below(random, ARRAY_LEN(spaces))]);
}

static void
add_value(uint64_t *random, struct buf *out, unsigned depth)
{
	static const char *const words[] = { "null", "true", "false", "-0.5",
		"1e3" };
	unsigned what = below(random, depth < NEST_MOST ? 6 : 4);
	unsigned n = below(random, 4);

	if (what < 2) {
		add_text(random, out);
	} else if (what == 2) {
		buf_printf(out, "%u", below(random, 1000000));
	} else if (what == 3) {
		buf_append_text(out, words[below(random, ARRAY_LEN(words))]);
	} else {
		buf_append_text(out, what == 4 ? "[" : "{");
		for (unsigned i = 0; i < n; i++) {
			buf_append_text(out, i > 0 ? "," : "");
			add_space(random, out);
			if (what == 5)
				buf_printf(out, "\"status%u\":", i);
			add_value(random, out, depth + 1);
		}
		buf_append_text(out, what == 4 ? "]" : "}");
	}
}

static struct buf *
member(struct side *s, const char *name)
{
	struct buf *m = &s->members[s->n_members++];

	assert_true(s->n_members <= MOST);
	buf_reset(m);
	buf_printf(m, "\"%s\":", name);
	add_space(&s->random, m);
	return m;
}

static void
add_dropped(struct side *s)
{
	static const char *const names[] = { "store_amount", "bank_tran_id",
		"card_type", "card_issuer", "card_brand", "card_sub_brand",
		"card_issuer_country", "currency_rate", "base_fair", "value_a",
		"value_b", "value_c", "value_d", "risk_title", "emi_amount",
		"discount_remarks", "validated_on", "gw_version" };
	unsigned extras = below(&s->random, 8);
	char name[32];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (below(&s->random, 4) > 0)
			add_value(&s->random, member(s, names[i]), 0);
	}
	for (unsigned i = 0; i < extras; i++) {
		(void)snprintf(name, sizeof(name), "x%u_%u", i,
		    below(&s->random, 1u << below(&s->random, 30)));
		add_value(&s->random, member(s, name), 0);
	}
	buf_printf(member(s, "card_no"), "\"%016" PRIu64 "\"",
	    next(&s->random) % UINT64_C(10000000000000000));
}

/* The same amount as a text or a number. */
static void
add_amount(struct side *s, unsigned amount, struct buf *out)
{
	switch (below(&s->random, 4)) {
	case 0:
		buf_printf(out, "\"%u.00\"", amount);
		break;
	case 1:
		buf_printf(out, "%u.00", amount);
		break;
	case 2:
		buf_printf(out, "%u", amount);
		break;
	default:
		buf_printf(out, "\"%u\"", amount);
	}
}

static void
add_payment(
    struct side *s, const struct pair *p, const char *more, struct buf *out)
{
	s->n_members = 0;
	buf_printf(member(s, "status"), "\"%s\"", kinds[p->kind].status);
	buf_printf(member(s, "risk_level"), "\"%s\"", kinds[p->kind].risk);
	buf_printf(member(s, "tran_date"), "\"2025-12-02 12:30:45\"");
	buf_printf(member(s, "tran_id"), "\"INV-%" PRIu64 "\"", p->n);
	buf_printf(member(s, "val_id"), "\"VAL%" PRIu64 "\"", p->n);
	buf_printf(member(s, "currency_type"), "\"BDT\"");
	add_amount(s, p->amount, member(s, "currency_amount"));
	/* What is settled is not what was asked for. */
	buf_printf(member(s, "currency"), "\"BDT\"");
	add_amount(s, 1 + below(&s->random, 9999), member(s, "amount"));
	if (more != NULL)
		buf_append_text(member(s, "APIConnect"), more);
	add_dropped(s);
	buf_append_text(out, "{");
	for (size_t i = s->n_members; i > 0; i--) {
		size_t j = below(&s->random, (unsigned)i);
		struct buf m = s->members[j];

		add_space(&s->random, out);
		buf_append(out, m.data, m.len);
		buf_append_text(out, i > 1 ? "," : "}");
		s->members[j] = s->members[i - 1];
		s->members[i - 1] = m;
	}
}

/* Payments of other val_ids beside the one that was asked about. */
static void
add_list(struct side *s, const struct pair *p, struct buf *out)
{
	unsigned n = p->is_lookup ? 1 : 1 + below(&s->random, 3);
	unsigned meant = below(&s->random, n);

	buf_append_text(out, "{\"APIConnect\":\"DONE\",");
	add_space(&s->random, out);
	buf_printf(out,
	    "\"no_of_trans_found\":%s%u%s,\"more\":", n % 2 == 0 ? "\"" : "", n,
	    n % 2 == 0 ? "\"" : "");
	add_value(&s->random, out, 0);
	buf_append_text(out, ",\"element\":[");
	for (unsigned i = 0; i < n; i++) {
		struct pair other = { .n = p->n + 1000000 + i,
			.kind = (enum kind)below(&s->random, KINDS),
			.amount = 1 + below(&s->random, 9999) };

		buf_append_text(out, i > 0 ? "," : "");
		add_payment(s, i == meant ? p : &other, NULL, out);
	}
	buf_append_text(out, "]}");
}

static void
begin_http(struct side *s, struct buf *out)
{
	unsigned extras = below(&s->random, 5);

	buf_reset(out);
	buf_append_text(out, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; i < extras; i++)
		buf_printf(out, "X-Some-%u: %" PRIu64 "\r\n", i,
		    next(&s->random) >> below(&s->random, 60));
}

static void
make_answers(struct side *s, const struct pair *p)
{
	struct buf body;

	buf_init(&body, ANSWER);
	add_payment(s, p, "\"DONE\"", &body);
	begin_http(s, &s->one);
	buf_printf(&s->one, "Content-Length: %zu\r\n\r\n%.*s", body.len,
	    (int)body.len, (const char *)body.data);
	buf_reset(&body);
	add_list(s, p, &body);
	begin_http(s, &s->list);
	buf_printf(&s->list, "Content-Length: %zu\r\n\r\n%.*s", body.len,
	    (int)body.len, (const char *)body.data);
	assert_int_equal(buf_status(&body), ST_OK);
	buf_append(&s->one, "", 1);
	buf_append(&s->list, "", 1);
	assert_int_equal(buf_status(&s->one), ST_OK);
	assert_int_equal(buf_status(&s->list), ST_OK);
	buf_fini(&body);
}

/* ---- what is told */

static void
write_down(struct side *s, const void *data, size_t n)
{
	assert_true(n <= sizeof(s->said) - s->n_said);
	memcpy(s->said + s->n_said, data, n);
	s->n_said += n;
}

static void
write_log(struct side *s)
{
	ssize_t n = pread(
	    log_file, s->said + s->n_said, sizeof(s->said) - s->n_said, 0);

	assert_true(n >= 0);
	s->n_said += (size_t)n;
	assert_int_equal(ftruncate(log_file, 0), 0);
	assert_int_equal(lseek(log_file, 0, SEEK_SET), 0);
}

static void
play(struct side *s, const struct pair *p)
{
	struct asker_bench *b = s->bench;

	make_answers(s, p);
	asker_bench_say(b, (const char *)s->list.data);
	asker_bench_say_to(b, ASKER_BENCH_BY_VAL, (const char *)s->one.data);
	b->n_verdicts = b->n_found = b->n_looked_up = s->n_said = 0;
	if (p->by_val_id) {
		asker_bench_hint(s->edge, "testbox", p->n);
		asker_bench_run_for(b, 1);
	}
	if (p->is_lookup)
		asker_bench_look_up(b, "testbox", p->n);
	else
		asker_bench_ask(b, "testbox", p->n);
	asker_bench_until_told(b, 1);
	if (!p->is_lookup)
		asker_bench_expect(b, 0, p->n, kinds[p->kind].reason);
	write_down(s, b->verdicts, b->n_verdicts * sizeof(b->verdicts[0]));
	write_down(s, b->found, b->n_found * sizeof(b->found[0]));
	write_down(s, b->looked_up, b->n_looked_up * sizeof(b->looked_up[0]));
	write_log(s);
}

/* ---- the whole */

static void
begin(struct side *s)
{
	s->bench = asker_bench_new();
	asker_bench_start(s->bench);
	asker_bench_run_for(s->bench, 1);
	s->edge = asker_bench_edge(s->bench);
	write_log(s);
}

static void
end(struct side *s)
{
	channel_free(s->edge);
	asker_bench_free(s->bench);
}

static bool
compare(struct side sides[2], uint64_t seed, uint64_t n)
{
	uint64_t common = seed ^ (n + 1) * UINT64_C(0xd1342543de82ef95);
	unsigned way = below(&common, 4);
	struct pair p = { .n = n + 1,
		.kind = (enum kind)below(&common, KINDS),
		.is_lookup = way == 0,
		.by_val_id = way > 1,
		.amount = 1150 };

	if (p.kind == DEARER)
		p.amount += 1 + below(&common, 1000);
	for (unsigned i = 0; i < 2; i++) {
		sides[i].random = next(&common) + i;
		play(&sides[i], &p);
	}
	return sides[0].n_said == sides[1].n_said &&
	       memcmp(sides[0].said, sides[1].said, sides[0].n_said) == 0;
}

static void
set_up(struct side sides[2])
{
	void *state;

	assert_int_equal(asker_bench_metrics(&state), 0);
	for (size_t i = 0; i < 2; i++) {
		buf_init(&sides[i].one, ANSWER);
		buf_init(&sides[i].list, ANSWER);
		for (size_t m = 0; m < MOST; m++)
			buf_init(&sides[i].members[m], ANSWER);
	}
	real_stderr = dup(STDERR_FILENO);
	log_file = memfd_create("log", MFD_CLOEXEC);
	assert_true(log_file >= 0 && dup2(log_file, STDERR_FILENO) >= 0);
}

static void
tear_down(struct side sides[2])
{
	for (size_t i = 0; i < 2; i++) {
		buf_fini(&sides[i].one);
		buf_fini(&sides[i].list);
		for (size_t m = 0; m < MOST; m++)
			buf_fini(&sides[i].members[m]);
	}
	(void)dup2(real_stderr, STDERR_FILENO);
}

/* proves: R9 */
int
main(int argc, char **argv)
{
	static struct side sides[2];
	uint64_t pairs = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t n = 0, lengths = 0, bytes = 0;
	bool same = pairs > 0;

	set_up(sides);
	for (; same && n < pairs; n += same ? 1 : 0) {
		if (n % ROUND == 0) {
			begin(&sides[0]);
			begin(&sides[1]);
		}
		same = compare(sides, seed, n);
		lengths += sides[0].list.len != sides[1].list.len;
		bytes += sides[0].n_said;
		if (!same)
			printf("pair %" PRIu64 ": the asker tells them apart\n",
			    n);
		if (!same || (n + 1) % ROUND == 0 || n + 1 == pairs) {
			end(&sides[0]);
			end(&sides[1]);
		}
	}
	tear_down(sides);
	if (same && lengths * 10 < pairs * 9)
		same = false;
	printf("%" PRIu64 " pairs of answers, %" PRIu64
	       " of different length, %" PRIu64 " bytes told: %s\n",
	    n, lengths, bytes, same ? "ok" : "FAILED");
	return same ? 0 : 1;
}
