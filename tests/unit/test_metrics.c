#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/metrics.h"

static const char *const spans[] = {
#define COUNTER(name, family, labels, help)
#define GAUGE(name, family, labels, help)
#define SPAN(name, family, help) family,
#include "base/metrics.def"
#undef COUNTER
#undef GAUGE
#undef SPAN
};

/* A page for one test, which counts in it from here on. */
static const struct metrics_page *
fresh(int *fd)
{
	const struct metrics_page *page;

	*fd = metrics_page_new();
	assert_true(*fd >= 0);
	page = metrics_page_map(*fd);
	assert_non_null(page);
	assert_int_equal(metrics_attach(*fd), ST_OK);
	return page;
}

static void
shown(const struct metrics_page *const *pages, size_t n, struct buf *b)
{
	buf_init(b, 1 << 20);
	metrics_write(pages, n, b);
	assert_int_equal(buf_status(b), ST_OK);
}

static void
assert_line(const struct buf *b, const char *line)
{
	char want[256];

	snprintf(want, sizeof(want), "\n%s\n", line);
	if (strstr((char *)b->data, want) == NULL)
		fail_msg("no line \"%s\"", line);
}

/* ---- pages */

static void
counts_before_a_page_is_there_are_harmless(void **state)
{
	(void)state;
	metrics_add(MET_COMMITS, 1);
	metrics_set(MET_RECEIPTS, 5);
	metrics_observe(MET_COMMIT_SECONDS, 1);
}

static void
a_page_has_its_size_for_good(void **state)
{
	int fd = metrics_page_new();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 20), -1);
	close(fd);
}

static void
a_new_page_is_all_zero(void **state)
{
	int fd;
	const struct metrics_page *page = fresh(&fd);

	(void)state;
	for (int i = 0; i < METRICS_CELLS; i++)
		assert_int_equal(page->cell[i], 0);
	close(fd);
}

static void
a_child_counts_in_the_page_of_its_parent(void **state)
{
	int fd, st;
	const struct metrics_page *page = fresh(&fd);
	pid_t child = fork();

	(void)state;
	assert_true(child >= 0);
	if (child == 0) {
		metrics_add(MET_COMMITS, 40);
		metrics_set(MET_RECEIPTS, 9);
		_exit(metrics_attach(fd) == ST_OK ? 0 : 1);
	}
	metrics_add(MET_COMMITS, 2);
	assert_int_equal(waitpid(child, &st, 0), child);
	assert_int_equal(st, 0);
	assert_int_equal(page->cell[MET_COMMITS], 42);
	assert_int_equal(page->cell[MET_RECEIPTS], 9);
	close(fd);
}

static void
writers_at_once_lose_nothing(void **state)
{
	enum { CHILDREN = 4, EACH = 50000 };
	int fd, st;
	const struct metrics_page *page = fresh(&fd);

	(void)state;
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			for (int k = 0; k < EACH; k++)
				metrics_add(MET_COMMITS, 1);
			_exit(0);
		}
	}
	for (int i = 0; i < CHILDREN; i++) {
		assert_true(wait(&st) > 0);
		assert_int_equal(st, 0);
	}
	assert_int_equal(page->cell[MET_COMMITS], CHILDREN * EACH);
	close(fd);
}

static void
no_page_behind_a_bad_descriptor(void **state)
{
	(void)state;
	assert_null(metrics_page_map(-1));
	assert_int_equal(metrics_attach(-1), ST_IO);
	metrics_page_reset_gauges(-1);
	metrics_add(MET_COMMITS, 1);
}

static void
a_dead_room_leaves_counters_but_no_gauges(void **state)
{
	int fd;
	const struct metrics_page *page = fresh(&fd);

	(void)state;
	metrics_add(MET_COMMITS, 3);
	metrics_set(MET_CONN_OPEN_CALLBACKS, 12);
	metrics_observe(MET_COMMIT_SECONDS, 10);
	metrics_page_reset_gauges(fd);
	assert_int_equal(page->cell[MET_COMMITS], 3);
	assert_int_equal(page->cell[MET_CONN_OPEN_CALLBACKS], 0);
	assert_int_equal(page->cell[MET_COMMIT_SECONDS], 1);
	close(fd);
}

/* ---- the text */

static void
pages_are_summed(void **state)
{
	const struct metrics_page *pages[2];
	struct buf b;
	int one, two;

	(void)state;
	pages[0] = fresh(&one);
	metrics_add(MET_CONN_ACCEPTED_API, 5);
	metrics_set(MET_CONN_OPEN_API, 2);
	metrics_observe(MET_COMMIT_SECONDS, 100);
	pages[1] = fresh(&two);
	metrics_add(MET_CONN_ACCEPTED_API, 7);
	metrics_set(MET_CONN_OPEN_API, 3);
	metrics_observe(MET_COMMIT_SECONDS, 2000000);
	assert_int_equal(metrics_sum(pages, 2, MET_CONN_ACCEPTED_API), 12);
	assert_int_equal(metrics_sum(pages, 1, MET_CONN_OPEN_API), 2);
	assert_int_equal(metrics_sum(pages, 0, MET_CONN_OPEN_API), 0);
	shown(pages, 2, &b);
	assert_line(
	    &b, "paysieve_connections_accepted_total{listener=\"api\"} 12");
	assert_line(&b, "paysieve_connections_open{listener=\"api\"} 5");
	assert_line(&b, "paysieve_store_commit_seconds_count 2");
	assert_line(&b, "paysieve_store_commit_seconds_sum 2.000100");
	buf_fini(&b);
	close(one);
	close(two);
}

static void
no_page_shows_zeros(void **state)
{
	struct buf b;

	(void)state;
	shown(NULL, 0, &b);
	assert_line(&b, "paysieve_store_commits_total 0");
	assert_line(&b, "paysieve_store_commit_seconds_bucket{le=\"+Inf\"} 0");
	buf_fini(&b);
}

static void
stamps_are_shown_in_seconds(void **state)
{
	const struct metrics_page *page;
	struct buf b;
	int fd;

	(void)state;
	page = fresh(&fd);
	metrics_set(MET_START_US, INT64_C(1764657047000001));
	shown(&page, 1, &b);
	assert_line(&b, "paysieve_start_timestamp_seconds 1764657047.000001");
	buf_fini(&b);
	close(fd);
}

static void
a_span_falls_into_its_bucket_and_all_above(void **state)
{
	static const struct {
		int64_t us;
		const char *first; /* the smallest bucket that holds it */
		const char *below; /* the one under it */
	} row[] = {
		{ 0, "0.000100", NULL },
		{ 100, "0.000100", NULL },
		{ 101, "0.000250", "0.000100" },
		{ 1000, "0.001000", "0.000500" },
		{ 1001, "0.002500", "0.001000" },
		{ 10000000, "10.000000", "5.000000" },
		{ 10000001, "+Inf", "10.000000" },
		{ INT64_C(1) << 50, "+Inf", "10.000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		const struct metrics_page *page;
		char line[128];
		struct buf b;
		int fd;

		page = fresh(&fd);
		metrics_observe(MET_ACK_SECONDS, row[i].us);
		shown(&page, 1, &b);
		snprintf(line, sizeof(line),
		    "paysieve_callback_ack_seconds_bucket{le=\"%s\"} 1",
		    row[i].first);
		assert_line(&b, line);
		if (row[i].below != NULL) {
			snprintf(line, sizeof(line),
			    "paysieve_callback_ack_seconds_bucket"
			    "{le=\"%s\"} 0",
			    row[i].below);
			assert_line(&b, line);
		}
		assert_line(
		    &b, "paysieve_callback_ack_seconds_bucket{le=\"+Inf\"} 1");
		assert_line(&b, "paysieve_callback_ack_seconds_count 1");
		buf_fini(&b);
		close(fd);
	}
}

static void
a_span_below_zero_counts_as_zero(void **state)
{
	const struct metrics_page *page;
	struct buf b;
	int fd;

	(void)state;
	page = fresh(&fd);
	metrics_observe(MET_ACK_SECONDS, -5);
	shown(&page, 1, &b);
	assert_line(&b, "paysieve_callback_ack_seconds_sum 0.000000");
	assert_line(&b, "paysieve_callback_ack_seconds_count 1");
	buf_fini(&b);
	close(fd);
}

/* A span and its neighbours share no cell. */
static void
no_metric_touches_another(void **state)
{
	(void)state;
	for (int m = 0; m < METRICS_CELLS; m++) {
		const struct metrics_page *page;
		int fd;

		page = fresh(&fd);
		metrics_add((enum metric)m, 1);
		for (int i = 0; i < METRICS_CELLS; i++)
			assert_int_equal(page->cell[i], i == m);
		close(fd);
	}
}

/* ---- the exposition format, line by line */

static bool
is_span(const char *family)
{
	for (size_t i = 0; i < ARRAY_LEN(spans); i++) {
		if (strcmp(family, spans[i]) == 0)
			return true;
	}
	return false;
}

struct exposition {
	char seen[128][96]; /* families, each once */
	size_t n;
	char samples[512][160]; /* name and labels, each once */
	size_t n_samples;
	char family[96];
	char kind[16];
};

static void
assert_new_family(struct exposition *x, const char *family)
{
	for (size_t i = 0; i < x->n; i++)
		assert_string_not_equal(x->seen[i], family);
	assert_true(x->n < ARRAY_LEN(x->seen));
	snprintf(x->seen[x->n++], sizeof(x->seen[0]), "%s", family);
	assert_int_equal(
	    strspn(family, "abcdefghijklmnopqrstuvwxyz_"), strlen(family));
	assert_int_equal(strncmp(family, "paysieve_", 9), 0);
}

/* {name="value"}, or more of them with commas between. */
static void
assert_labels(const char *at)
{
	char before = '{';

	do {
		int name = 0, end = 0;

		assert_int_equal(*at++, before);
		(void)sscanf(
		    at, "%*[a-z]%n=\"%*[a-zA-Z0-9_.+]\"%n", &name, &end);
		assert_true(name > 0 && end > name);
		at += end;
		before = ',';
	} while (*at == ',');
	assert_string_equal(at, "}");
}

static void
assert_sample(struct exposition *x, const char *line)
{
	char name[160], value[64], extra[2];
	const char *tail;

	assert_int_equal(sscanf(line, "%159s %63s%1s", name, value, extra), 2);
	assert_int_equal(strspn(value, "0123456789."), strlen(value));
	for (size_t i = 0; i < x->n_samples; i++)
		assert_string_not_equal(x->samples[i], name);
	assert_true(x->n_samples < ARRAY_LEN(x->samples));
	snprintf(x->samples[x->n_samples++], sizeof(name), "%s", name);
	assert_int_equal(strncmp(name, x->family, strlen(x->family)), 0);
	tail = name + strlen(x->family);
	if (strcmp(x->kind, "histogram") == 0)
		assert_true(strncmp(tail, "_bucket{le=\"", 12) == 0 ||
			    strcmp(tail, "_sum") == 0 ||
			    strcmp(tail, "_count") == 0);
	else
		assert_true(*tail == '\0' || *tail == '{');
	tail = strchr(name, '{');
	if (tail != NULL)
		assert_labels(tail);
}

static void
take_line(struct exposition *x, const char *line)
{
	int at = 0;

	if (strncmp(line, "# HELP ", 7) == 0) {
		assert_int_equal(
		    sscanf(line, "# HELP %95s %n", x->family, &at), 1);
		assert_true(at > 0 && line[at] != '\0'); /* some help */
		assert_null(strchr(line, '\\'));
		assert_new_family(x, x->family);
		x->kind[0] = '\0';
	} else if (strncmp(line, "# TYPE ", 7) == 0) {
		char family[96];

		assert_string_equal(x->kind, "");
		assert_int_equal(
		    sscanf(line, "# TYPE %95s %15s", family, x->kind), 2);
		assert_string_equal(family, x->family);
		assert_int_equal(
		    is_span(family), strcmp(x->kind, "histogram") == 0);
		/* counters, and nothing else, end in _total */
		at = (int)strlen(family) - 6;
		assert_int_equal(strcmp(x->kind, "counter") == 0,
		    at > 0 && strcmp(family + at, "_total") == 0);
	} else {
		assert_true(x->kind[0] != '\0');
		assert_sample(x, line);
	}
}

static void
the_text_keeps_to_the_exposition_format(void **state)
{
	static struct exposition x;
	const struct metrics_page *page;
	struct buf b;
	char *line, *end;
	int fd;

	(void)state;
	page = fresh(&fd);
	shown(&page, 1, &b);
	for (line = (char *)b.data; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		take_line(&x, line);
	}
	assert_true(x.n > 20);
	assert_true(x.n_samples > 80);
	buf_fini(&b);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_before_a_page_is_there_are_harmless),
		cmocka_unit_test(a_page_has_its_size_for_good),
		cmocka_unit_test(a_new_page_is_all_zero),
		cmocka_unit_test(a_child_counts_in_the_page_of_its_parent),
		cmocka_unit_test(writers_at_once_lose_nothing),
		cmocka_unit_test(no_page_behind_a_bad_descriptor),
		cmocka_unit_test(a_dead_room_leaves_counters_but_no_gauges),
		cmocka_unit_test(pages_are_summed),
		cmocka_unit_test(no_page_shows_zeros),
		cmocka_unit_test(stamps_are_shown_in_seconds),
		cmocka_unit_test(a_span_falls_into_its_bucket_and_all_above),
		cmocka_unit_test(a_span_below_zero_counts_as_zero),
		cmocka_unit_test(no_metric_touches_another),
		cmocka_unit_test(the_text_keeps_to_the_exposition_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
