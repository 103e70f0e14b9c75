/*
 * simulate SEEDS FROM: that many worlds, each from its seed, in processes of
 * their own.  simulate one SEED: one of them, with its trace.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/metrics.h"
#include "billing.h"
#include "payments.h"
#include "people.h"
#include "pollers.h"
#include "provider.h"
#include "gateway.h"
#include "sim.h"
#include "sim_driver.h"
#include "wire.h"

#define TROUBLE_US (24 * HOUR)
#define CALM_US	   (60 * HOUR) /* at most */
#define PATIENCE_S 120	       /* of a real clock, for one seed */
#define JOBS	   2

/* ---- one world */

static int64_t calm_from, unsettled_us;

static bool
settled(void)
{
	const struct metrics_page *m = sim.page;

	return payments_heard() && pollers_done() && !billing_owed() &&
	       m->cell[MET_WAITING] == 0 &&
	       m->cell[MET_DELIVERIES_PENDING] == 0 &&
	       m->cell[MET_NOTICES_PENDING] == 0;
}

static void
look(void *arg)
{
	(void)arg;
	gateway_check();
	if (!sim.calm || !settled())
		unsettled_us = sim_now();
	if (sim_now() - unsettled_us >= HOUR ||
	    (sim.calm && sim_now() - calm_from >= CALM_US)) {
		loop_stop(sim.loop);
		return;
	}
	sim_after(MINUTE, look, NULL);
}

static void
calm(void *arg)
{
	(void)arg;
	sim_event("calm", 0, 0);
	sim.calm = true;
	calm_from = sim_now();
	provider_calm();
	billing_calm();
	pollers_calm();
}

static void
attach_metrics(void)
{
	int fd = metrics_page_new();

	sim.page = metrics_page_map(fd);
	if (fd < 0 || sim.page == NULL || metrics_attach(fd) != ST_OK)
		abort();
	(void)close(fd);
}

static void
run(struct sim_report *report, bool told)
{
	const struct rlimit patience = { PATIENCE_S, PATIENCE_S };
	int64_t every_us;
	struct err e;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_CPU, &patience);
	if (freopen("/dev/null", "w", stderr) == NULL)
		abort();
	sim.report = report;
	sim.told = told;
	sim_seed(report->seed);
	(void)sqlite3_initialize();
	(void)sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 7, NULL);
	attach_metrics();
	if (loop_new(&sim.loop, &e) != ST_OK)
		abort();
	every_us = sim_between(15, 300) * SECOND;
	/* The store in memory is slow once it has much. */
	sim_driver_set_up(every_us >= MINUTE && sim_once_in(2));
	gateway_set_up();
	gateway_start_all();
	payments_start(every_us);
	pollers_start();
	people_start();
	provider_start();
	billing_start();
	gateway_trouble();
	sim_after(MINUTE, look, NULL);
	sim_after(TROUBLE_US, calm, NULL);
	loop_run(sim.loop);
	sim_check(CHECK_QUIET, settled(), 0);
	gateway_kill_all();
	payments_audit(true);
	billing_end();
	pollers_end();
	wire_cut_all();
	report->payments = n_payments;
	report->virtual_us = sim_now();
	report->done = true;
	(void)fflush(stdout);
	_exit(0);
}

/* ---- many */

static struct sim_report *reports;

static void
begin(size_t i, uint64_t seed, bool told)
{
	pid_t pid;

	memset(&reports[i], 0, sizeof(reports[i]));
	reports[i].seed = seed;
	reports[i].digest = UINT64_C(0xcbf29ce484222325);
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0)
		run(&reports[i], told);
}

/* All are over; what a failed one has left goes, too. */
static void
clean_up(size_t n)
{
	while (wait(NULL) > 0)
		;
	for (size_t i = 0; i < n; i++)
		sim_driver_remove(reports[i].folder);
}

static void
tell_failure(const struct sim_report *r)
{
	(void)printf("seed %llu failed: %s\n"
		     "once more, with its trace: make simulate SEED=%llu\n",
	    (unsigned long long)r->seed,
	    r->failed[0] != '\0' ? r->failed : "it crashed or hung",
	    (unsigned long long)r->seed);
}

/* Added up in reports[0]; the number of seeds that failed. */
static size_t
add_up(size_t n)
{
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		struct sim_report *r = &reports[i];

		if (!r->done) {
			failed++;
			tell_failure(r);
		}
		if (i == 0)
			continue;
		reports[0].events += r->events;
		reports[0].virtual_us += r->virtual_us;
		reports[0].payments += r->payments;
		reports[0].receipts += r->receipts;
		for (int f = 0; f < FAULTS; f++)
			reports[0].faults[f] += r->faults[f];
		for (int c = 0; c < CHECKS; c++)
			reports[0].checks[c] += r->checks[c];
	}
	return failed;
}

static void
tell_sum(size_t n)
{
	const struct sim_report *r = &reports[0];

	(void)printf("%zu seeds: %.0f virtual hours, %llu events, %llu "
		     "payments, %llu receipts\n\nfaults\n",
	    n, (double)r->virtual_us / 3.6e9, (unsigned long long)r->events,
	    (unsigned long long)r->payments, (unsigned long long)r->receipts);
	for (int f = 0; f < FAULTS; f++)
		(void)printf("%10llu  %s\n", (unsigned long long)r->faults[f],
		    fault_words((enum fault)f));
	(void)printf("\nchecked\n");
	for (int c = 0; c < CHECKS; c++)
		(void)printf("%10llu  %s\n", (unsigned long long)r->checks[c],
		    check_words((enum check)c));
}

static int
many(size_t n, uint64_t from)
{
	size_t failed;

	for (size_t i = 0; i < n; i++) {
		if (i >= JOBS)
			(void)wait(NULL);
		begin(i, from + i, false);
	}
	clean_up(n);
	failed = add_up(n);
	tell_sum(n);
	return failed > 0;
}

/* The same seed twice is the same world. */
static int
again(size_t n, uint64_t from)
{
	for (size_t i = 0; i < n; i++) {
		begin(0, from + i, false);
		begin(1, from + i, false);
		clean_up(2);
		if (reports[0].digest == reports[1].digest)
			continue;
		(void)printf("seed %llu is not the same twice\n",
		    (unsigned long long)(from + i));
		return 1;
	}
	(void)printf("%zu seeds are the same twice\n", n);
	return 0;
}

int
main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t from = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;

	if (argc < 3 || n == 0) {
		(void)fprintf(stderr, "simulate many|again SEEDS [FROM]\n"
				      "simulate one SEED\n");
		return 2;
	}
	reports = mmap(NULL, (n + 1) * sizeof(*reports), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reports == MAP_FAILED)
		return 2;
	if (strcmp(argv[1], "again") == 0)
		return again(n, from);
	if (strcmp(argv[1], "many") == 0)
		return many(n, from);
	begin(0, n, true);
	clean_up(1);
	if (!reports[0].done)
		tell_failure(&reports[0]);
	return reports[0].done ? 0 : 1;
}
