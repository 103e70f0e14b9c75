#include "twins_world.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "courier/parcel.h"
#include "driver_cases.h"
#include "edge_bench.h"
#include "keeper/store_driver.h"
#include "twins_callback.h"

#define ROUND	   256 /* pairs on one edge; its bench has ten seconds */
#define PAIR_US	   30000
#define LOG_EVERY  64	/* pairs between looks at the write-ahead log */
#define FILE_EVERY 2048 /* and at the whole file, which grows */

/*
 * What may differ, and why:
 * - MET_CALLBACK_FIELDS and `fields` of a callback that is not paid: how many
 *   fields came, not which; a sum by which a change of the provider's shows.
 * - `bytes` of a refused callback: its length.  It is nobody's payment, and
 *   the length tells a test from an attack.
 */
static const char *const free_numbers[] = { "\"fields\":", "\"bytes\":" };

struct twins {
	FILE *out;
	const struct store_driver *driver;
	struct store *store;
	uint32_t endpoint;
	char path[300];
	struct edge_bench *edge;
	struct client client;
	bool connected;
	struct event_rules rules;
	struct parcel parcel;
};

/* ---- what is fixed */

static int64_t now_us;
static uint64_t random_state;

int64_t __wrap_clock_wall_us(void);
int64_t __wrap_clock_mono_us(void);
void __wrap_secret_random(void *p, size_t n);

int64_t
__wrap_clock_wall_us(void)
{
	return now_us;
}

int64_t
__wrap_clock_mono_us(void)
{
	return now_us;
}

void
__wrap_secret_random(void *p, size_t n)
{
	unsigned char *b = p;

	for (size_t i = 0; i < n; i++) {
		random_state = random_state * UINT64_C(6364136223846793005) +
			       UINT64_C(1442695040888963407);
		b[i] = (unsigned char)(random_state >> 56);
	}
}

/* ---- writing down */

static int log_file, real_stderr;

/* An assertion that failed has told the log, and ends the process. */
static void
show_log(void)
{
	char text[4096];
	ssize_t n = pread(log_file, text, sizeof(text), 0);

	if (n > 0)
		n = write(real_stderr, text, (size_t)n);
}

static void
catch_log(void)
{
	real_stderr = dup(STDERR_FILENO);
	log_file = memfd_create("log", MFD_CLOEXEC);
	assert_true(log_file >= 0 && dup2(log_file, STDERR_FILENO) >= 0);
	assert_int_equal(atexit(show_log), 0);
}

static void
tell(struct twins *t, enum twins_part part, const void *data, size_t len)
{
	struct twins_part_head head = { .part = part, .len = (uint32_t)len };

	if (fwrite(&head, sizeof(head), 1, t->out) != 1 ||
	    (len > 0 && fwrite(data, len, 1, t->out) != 1))
		abort();
}

/* "name":123 to "name":* */
static void
free_number(char *text, const char *name)
{
	char *at = text;

	while ((at = strstr(at, name)) != NULL) {
		char *to = at + strlen(name), *from = to;

		while (*from >= '0' && *from <= '9')
			from++;
		*to++ = '*';
		memmove(to, from, strlen(from) + 1);
		at = to;
	}
}

static void
tell_log(struct twins *t)
{
	static char text[65536];
	ssize_t n = pread(log_file, text, sizeof(text) - 1, 0);

	assert_true(n >= 0 && n < (ssize_t)sizeof(text) - 1);
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(free_numbers); i++)
		free_number(text, free_numbers[i]);
	tell(t, TWINS_LOG, text, strlen(text));
	assert_int_equal(ftruncate(log_file, 0), 0);
	assert_int_equal(lseek(log_file, 0, SEEK_SET), 0);
}

static void
tell_metrics(struct twins *t)
{
	int64_t cells[METRICS_CELLS];

	for (int m = 0; m < METRICS_CELLS; m++)
		cells[m] = t->edge->net.page->cell[m];
	cells[MET_CALLBACK_FIELDS] = 0;
	tell(t, TWINS_METRICS, cells, sizeof(cells));
}

static void
tell_file(struct twins *t, const char *suffix)
{
	unsigned char digest[SECRET_SHA256];
	char name[320];
	struct stat st;
	void *data;
	int fd;

	(void)snprintf(name, sizeof(name), "%s%s", t->path, suffix);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (st.st_size > 0) {
		data = mmap(
		    NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		assert_true(data != MAP_FAILED);
		assert_int_equal(
		    secret_sha256(data, (size_t)st.st_size, digest), ST_OK);
		tell(t, TWINS_STORE, digest, sizeof(digest));
		(void)munmap(data, (size_t)st.st_size);
	}
	(void)close(fd);
}

/* What billing would get, of the receipt as it came. */
static void
tell_event(struct twins *t, const struct receipt *r)
{
	assert_int_equal(
	    parcel_receipt(&t->parcel, &t->rules, r, 1, now_us / 1000000),
	    ST_OK);
	tell(t, TWINS_EVENT, t->parcel.text.data, t->parcel.text.len);
	tell(t, TWINS_EVENT, t->parcel.body.data, t->parcel.body.len);
}

/* ---- the rooms behind the edge */

static enum status
store(struct twins *t, const struct msg_put *put)
{
	enum status st, ended;

	assert_true(receipt_valid(&put->receipt));
	assert_int_equal(t->driver->begin(t->store), ST_OK);
	if (t->edge->confirm == CONFIRM_REQUIRED)
		st = t->driver->wait(t->store, &put->receipt, put->tran_id);
	else
		st = t->driver->put(t->store, &put->receipt, &t->endpoint, 1);
	ended = t->driver->commit(t->store);
	assert_int_equal(ended, ST_OK);
	assert_true(st == ST_OK || st == ST_EXISTS);
	return st;
}

static void
play_rooms(struct twins *t)
{
	struct edge_bench *e = t->edge;

	if (e->confirm == CONFIRM_REQUIRED)
		edge_bench_until_hints(e, 1);
	tell(t, TWINS_PUT, &e->puts[0], sizeof(e->puts[0]));
	tell(t, TWINS_HINT, e->hints, e->n_hints * sizeof(e->hints[0]));
	tell_event(t, &e->puts[0].receipt);
	edge_bench_done(e, e->puts[0].tag, store(t, &e->puts[0]));
}

/* ---- one callback */

static void
connect_client(struct twins *t)
{
	int on = 1;

	if (t->connected)
		return;
	client_open(&t->client, &t->edge->net);
	/* Pieces are not to wait for each other. */
	(void)setsockopt(
	    t->client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	t->connected = true;
}

static void
leave(struct twins *t)
{
	if (t->connected)
		client_close(&t->client);
	t->connected = false;
}

static void
play(struct twins *t, const struct twins_callback *c)
{
	struct edge_bench *e = t->edge;
	struct answer a;

	connect_client(t);
	e->n_puts = e->n_hints = 0;
	client_send(&t->client, c->head.data, c->head.len);
	if (c->cut > 0)
		client_send(&t->client, c->body.data, c->cut);
	client_send(&t->client, c->body.data + c->cut, c->body.len - c->cut);
	tell(t, TWINS_BODY, c->body.data, c->body.len);
	while (e->n_puts == 0 && !client_poll(&t->client) && !t->client.eof)
		edge_bench_turn(e);
	assert_int_equal(e->n_puts > 0, c->kind == TWINS_PAID);
	if (e->n_puts > 0)
		play_rooms(t);
	client_answer(&t->client, &a, false);
	assert_int_equal(a.status == 200, c->kind >= TWINS_REFUSALS);
	tell(t, TWINS_ANSWER, a.head, strlen(a.head));
	tell(t, TWINS_ANSWER, a.body, a.body_len);
	/* Part of what is compared is whether it stays. */
	if (strstr(a.head, "Connection: close") != NULL)
		leave(t);
	tell_metrics(t);
	tell_log(t);
}

/* ---- the whole */

static void
open_store(struct twins *t)
{
	struct err e = { "" };
	int64_t disabled;

	t->driver = &store_driver_sqlite;
	(void)setenv(
	    "TMPDIR", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 1);
	driver_cases_folder(t->path, sizeof(t->path));
	/* The control is of use after SQLite was configured only. */
	assert_int_equal(
	    t->driver->open(&t->store, t->path, STORE_WRITE, &e), ST_OK);
	t->driver->close(t->store);
	driver_cases_remove(t->path);
	assert_int_equal(
	    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 7, NULL),
	    SQLITE_OK);
	random_state = 7;
	driver_cases_folder(t->path, sizeof(t->path));
	assert_int_equal(
	    t->driver->open(&t->store, t->path, STORE_WRITE, &e), ST_OK);
	assert_int_equal(
	    t->driver->endpoint(t->store, "main", &t->endpoint, &disabled),
	    ST_OK);
}

/* Every merchant's setting that decides what is kept has its rounds. */
static void
open_edge(struct twins *t, uint64_t round)
{
	void *state;

	assert_int_equal(edge_bench_set_up_bare(&state), 0);
	t->edge = state;
	t->edge->confirm = round % 2 == 0 ? CONFIRM_OFF : CONFIRM_REQUIRED;
	t->edge->invoice_field =
	    round % 4 < 2 ? INVOICE_TRAN_ID : INVOICE_VALUE_B;
	assert_int_equal(edge_bench_start(t->edge, NULL, NULL), ST_OK);
	edge_bench_introduce(t->edge);
}

static void
close_edge(struct twins *t)
{
	void *state = t->edge;

	leave(t);
	while (world_count(&t->edge->net, MET_CONN_OPEN_CALLBACKS) > 0)
		edge_bench_turn(t->edge);
	(void)edge_bench_tear_down(&state);
}

void
twins_world(FILE *out, const struct twins_run *run, int side)
{
	struct twins *t = calloc(1, sizeof(*t));
	struct twins_callback c;

	assert_non_null(t);
	t->out = out;
	now_us = run->start_us;
	catch_log();
	parcel_init(&t->parcel);
	open_store(t);
	for (uint64_t i = 0; i < run->pairs; i++) {
		if (i % ROUND == 0)
			open_edge(t, i / ROUND);
		twins_make(&c, run->seed, i, side, t->edge->invoice_field);
		play(t, &c);
		twins_unmake(&c);
		if (i % LOG_EVERY == 0 || i + 1 == run->pairs)
			tell_file(t, "-wal");
		if (i % FILE_EVERY == 0 || i + 1 == run->pairs)
			tell_file(t, "");
		tell(t, TWINS_END, NULL, 0);
		now_us += PAIR_US;
		if ((i + 1) % ROUND == 0 || i + 1 == run->pairs)
			close_edge(t);
	}
	t->driver->close(t->store);
	driver_cases_remove(t->path);
	parcel_fini(&t->parcel);
	free(t);
}
