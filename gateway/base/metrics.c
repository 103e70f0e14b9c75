#include "base/metrics.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_SPAN };

struct row {
	const char *family;
	const char *labels;
	const char *help;
	enum metric metric;
	enum kind kind;
};

static const struct row rows[] = {
#define COUNTER(name, family, labels, help) \
	{ family, labels, help, MET_##name, KIND_COUNTER },
#define GAUGE(name, family, labels, help) \
	{ family, labels, help, MET_##name, KIND_GAUGE },
#define SPAN(name, family, help) { family, "", help, MET_##name, KIND_SPAN },
#include "base/metrics.def"
#undef COUNTER
#undef GAUGE
#undef SPAN
};

/* Upper bounds in microseconds; the cell behind them is +Inf. */
static const int64_t bounds[METRICS_SPAN_CELLS - 2] = { 100, 250, 500, 1000,
	2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000,
	2500000, 5000000, 10000000 };

static struct metrics_page private_page;
static struct metrics_page *own = &private_page;

int
metrics_page_new(void)
{
	int fd = memfd_create("metrics", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(struct metrics_page)) != 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) !=
		0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static struct metrics_page *
map(int fd, int prot)
{
	void *p =
	    mmap(NULL, sizeof(struct metrics_page), prot, MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

const struct metrics_page *
metrics_page_map(int fd)
{
	return map(fd, PROT_READ);
}

enum status
metrics_attach(int fd)
{
	struct metrics_page *page = map(fd, PROT_READ | PROT_WRITE);

	if (page == NULL)
		return ST_IO;
	own = page;
	return ST_OK;
}

void
metrics_add(enum metric m, int64_t n)
{
	__atomic_fetch_add((int64_t *)&own->cell[m], n, __ATOMIC_RELAXED);
}

void
metrics_set(enum metric m, int64_t v)
{
	__atomic_store_n((int64_t *)&own->cell[m], v, __ATOMIC_RELAXED);
}

void
metrics_observe(enum metric m, int64_t us)
{
	int i = 0;

	if (us < 0) /* a scraper refuses the whole page for one bad sum */
		us = 0;
	while (i < METRICS_SPAN_CELLS - 2 && us > bounds[i])
		i++;
	metrics_add(m + (unsigned)i, 1);
	metrics_add(m + METRICS_SPAN_CELLS - 1, us);
}

void
metrics_page_reset_gauges(int fd)
{
	struct metrics_page *page = map(fd, PROT_READ | PROT_WRITE);

	if (page == NULL)
		return;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].kind == KIND_GAUGE)
			page->cell[rows[i].metric] = 0;
	}
	(void)munmap(page, sizeof(*page));
}

int64_t
metrics_sum(const struct metrics_page *const *pages, size_t n, enum metric m)
{
	int64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v += pages[i]->cell[m];
	return v;
}

static void
write_seconds(struct buf *out, int64_t us)
{
	buf_printf(out, "%lld.%06lld", (long long)(us / 1000000),
	    (long long)(us % 1000000));
}

static void
write_span(const struct metrics_page *const *pages, size_t n,
    const struct row *r, struct buf *out)
{
	int64_t count = 0;

	for (unsigned i = 0; i < METRICS_SPAN_CELLS - 1; i++) {
		count += metrics_sum(pages, n, r->metric + i);
		buf_printf(out, "%s_bucket{le=\"", r->family);
		if (i < METRICS_SPAN_CELLS - 2)
			write_seconds(out, bounds[i]);
		else
			buf_append_text(out, "+Inf");
		buf_printf(out, "\"} %lld\n", (long long)count);
	}
	buf_printf(out, "%s_sum ", r->family);
	write_seconds(
	    out, metrics_sum(pages, n, r->metric + METRICS_SPAN_CELLS - 1));
	buf_printf(out, "\n%s_count %lld\n", r->family, (long long)count);
}

static void
write_value(const struct metrics_page *const *pages, size_t n,
    const struct row *r, struct buf *out)
{
	int64_t v = metrics_sum(pages, n, r->metric);

	if (r->labels[0] != '\0')
		buf_printf(out, "%s{%s} ", r->family, r->labels);
	else
		buf_printf(out, "%s ", r->family);
	if (strstr(r->family, "_seconds") != NULL)
		write_seconds(out, v);
	else
		buf_printf(out, "%lld", (long long)v);
	buf_append_text(out, "\n");
}

void
metrics_write(
    const struct metrics_page *const *pages, size_t n, struct buf *out)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	const char *family = "";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (strcmp(family, r->family) != 0)
			buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n",
			    r->family, r->help, r->family, kinds[r->kind]);
		family = r->family;
		if (r->kind == KIND_SPAN)
			write_span(pages, n, r, out);
		else
			write_value(pages, n, r, out);
	}
}
