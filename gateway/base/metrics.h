/*
 * Metrics: one page of counters per room slot, shared with the desk.
 *
 * Each process adds to its own page with relaxed atomics; the desk maps all
 * pages read-only and shows their sums.  Before metrics_attach() everything
 * goes to a private page, so no caller has to ask.  Any thread.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define METRICS_SPAN_CELLS 18 /* 16 buckets, +Inf, sum of microseconds */

enum metric {
#define COUNTER(name, family, labels, help) MET_##name,
#define GAUGE(name, family, labels, help)   MET_##name,
#define SPAN(name, family, help) \
	MET_##name, MET_##name##_LAST = MET_##name + METRICS_SPAN_CELLS - 1,
#include "base/metrics.def"
#undef COUNTER
#undef GAUGE
#undef SPAN
	METRICS_CELLS
};

struct metrics_page {
	_Atomic int64_t cell[METRICS_CELLS];
};

/* A new page as a descriptor to hand to a room; -1 on failure.  Its size is
 * sealed. */
int metrics_page_new(void);

/* Map a page of metrics_page_new(); NULL on failure.  Mapped for good. */
const struct metrics_page *metrics_page_map(int fd);

/* From now on this process counts in the page behind fd, which may be closed
 * afterwards. */
MUST_USE enum status metrics_attach(int fd);

void metrics_add(enum metric m, int64_t n);
void metrics_set(enum metric m, int64_t v);

/* Put a span of us microseconds into the histogram m (a SPAN row). */
void metrics_observe(enum metric m, int64_t us);

/* Gauges in the page behind fd back to 0: its room is dead. */
void metrics_page_reset_gauges(int fd);

/* The sum of one cell over n pages. */
int64_t
metrics_sum(const struct metrics_page *const *pages, size_t n, enum metric m);

/* The sums over n pages as Prometheus text (exposition format 0.0.4).
 * Gauges and spans named ..._us inside are shown in seconds. */
void metrics_write(
    const struct metrics_page *const *pages, size_t n, struct buf *out);

#endif
