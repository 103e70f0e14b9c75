/*
 * The store under the keeper: a real driver, whose commits fail at times, and
 * a note of what was committed.  Once it is `killed` nothing that closing does
 * is of effect: the files are put back as they were.
 */
#include "sim_driver.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver_memory.h"
#include "payments.h"
#include "gateway.h"
#include "sim.h"

#define BATCH 16384 /* payments of one transaction, at most */

static struct store_driver driver;
static const struct store_driver *below;
static char path[300];
static bool killed;
static struct receipt_id fresh[BATCH];
static size_t n_fresh;

static const char *const suffixes[] = { "", "-wal", "-erased" };

static void
note(const struct receipt *r, enum status st)
{
	if (st == ST_OK || st == ST_EXISTS) {
		if (n_fresh == BATCH)
			abort();
		fresh[n_fresh++] = r->id;
	}
}

static enum status
put(struct store *s, const struct receipt *r, const uint32_t *ids, size_t n)
{
	enum status st = below->put(s, r, ids, n);

	note(r, st);
	return st;
}

static enum status
wait_for_word(struct store *s, const struct receipt *r, const char *tran_id)
{
	enum status st = below->wait(s, r, tran_id);

	note(r, st);
	return st;
}

static enum status
begin(struct store *s)
{
	n_fresh = 0;
	return below->begin(s);
}

static enum status
commit(struct store *s)
{
	enum status st;

	if (gateway_running() && sim_fault(FAULT_BUSY, 400)) {
		below->abort(s);
		return ST_BUSY;
	}
	if (gateway_running() && sim_fault(FAULT_IO, 20000)) {
		if (sim_once_in(2))
			below->abort(s);
		else
			(void)!below->commit(s);
		return ST_IO;
	}
	st = below->commit(s);
	for (size_t i = 0; st == ST_OK && i < n_fresh; i++)
		payments_committed(&fresh[i]);
	n_fresh = 0;
	return st;
}

/* ---- files as a crash leaves them */

static void
name(char *out, size_t cap, const char *suffix, bool aside)
{
	(void)snprintf(out, cap, "%s%s%s", path, suffix, aside ? ".aside" : "");
}

static void
copy(const char *from, const char *to)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t n;

	if (in < 0)
		return;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	while ((n = read(in, bytes, sizeof(bytes))) > 0) {
		if (write(out, bytes, (size_t)n) != n)
			abort();
	}
	(void)close(in);
	(void)close(out);
}

static void
put_aside(void)
{
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char from[320], to[330];

		name(from, sizeof(from), suffixes[i], false);
		name(to, sizeof(to), suffixes[i], true);
		copy(from, to);
	}
}

static void
put_back(void)
{
	char shared[320];

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		char to[320], from[330];

		name(to, sizeof(to), suffixes[i], false);
		name(from, sizeof(from), suffixes[i], true);
		(void)unlink(to);
		(void)rename(from, to);
	}
	(void)snprintf(shared, sizeof(shared), "%s-shm", path);
	(void)unlink(shared);
}

void
sim_driver_kill(void)
{
	killed = below != &store_driver_memory;
	if (killed)
		put_aside();
}

void
sim_driver_dead(void)
{
	if (killed)
		put_back();
	killed = false;
}

/* ---- the contract */

void
sim_driver_set_up(bool in_memory)
{
	char *dir = sim.report->folder;

	below = in_memory ? &store_driver_memory : &store_driver_sqlite;
	driver = *below;
	driver.begin = begin;
	driver.put = put;
	driver.wait = wait_for_word;
	driver.commit = commit;
	(void)snprintf(dir, sizeof(sim.report->folder),
	    "%s/paysieve-sim-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	(void)umask(077);
	if (mkdtemp(dir) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/receipts.db", dir);
}

const char *
sim_driver_path(void)
{
	return path;
}

const struct store_driver *
store_driver_find(const char *scheme)
{
	(void)scheme;
	return &driver;
}

void
sim_driver_remove(char *folder)
{
	static const char *const all[] = { "", "-wal", "-shm", "-lock",
		"-erased", "-journal", ".aside", "-wal.aside",
		"-erased.aside" };
	char file[128];

	if (folder[0] == '\0')
		return;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		(void)snprintf(
		    file, sizeof(file), "%s/receipts.db%s", folder, all[i]);
		(void)unlink(file);
	}
	(void)rmdir(folder);
	folder[0] = '\0';
}
