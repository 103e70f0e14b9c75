#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/secret.h"
#include "keeper/driver_sqlite.h"

/* A payment leaves two traces: its texts as they stand in its row, in receipt
 * and in waiting alike, and its entry in the index of invoices. */
#define TRACES	  2
#define TRACE_CAP (ID_BYTES + RECEIPT_MERCHANT + RECEIPT_INVOICE + 16)
#define CHUNK	  (1 << 20)

/* `at` of the log; positions in the store's own file begin with 1. */
#define IN_LOG (UINT64_C(1) << 62)

struct trace {
	size_t len;
	unsigned char bytes[TRACE_CAP];
};

static void
add(struct trace *t, const void *p, size_t n)
{
	memcpy(t->bytes + t->len, p, n);
	t->len += n;
}

static void
add_text(struct trace *t, const char *text)
{
	add(t, text, strlen(text));
}

/* The record format of SQLite: an integer in as few of these bytes as it
 * needs, and its serial type. */
static size_t
integer_bytes(uint64_t n, unsigned char *type)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 6, 8 };
	unsigned char i = 1;

	while (i < 6 && n >> (8 * sizes[i] - 1) != 0)
		i++;
	*type = i;
	return sizes[i];
}

static void
row_trace(const struct receipt *r, struct trace *t)
{
	t->len = 0;
	add(t, r->id.b, ID_BYTES);
	add_text(t, r->merchant);
	add_text(t, r->invoice_id);
	add_text(t, r->currency);
}

/* Header (its length, the types of text and seq), text, seq.  A seq of 1 has
 * no bytes of its own. */
static void
index_trace(const struct receipt *r, uint64_t seq, struct trace *t)
{
	size_t text = 13 + 2 * strlen(r->invoice_id);
	unsigned char type, head[4], size = 0;
	size_t bytes = integer_bytes(seq, &type);

	t->len = 0;
	head[size++] = text < 128 ? 3 : 4;
	if (text >= 128)
		head[size++] = (unsigned char)(0x80 | text >> 7);
	head[size++] = text & 0x7f;
	head[size++] = seq == 1 ? 9 : type;
	add(t, head, size);
	add_text(t, r->invoice_id);
	for (size_t i = seq == 1 ? 0 : bytes; i > 0; i--) {
		unsigned char b = (unsigned char)(seq >> 8 * (i - 1));

		add(t, &b, 1);
	}
}

static size_t
count(const unsigned char *at, size_t len, const struct trace *t)
{
	const unsigned char *end = at + len;
	size_t n = 0;

	while (
	    (at = memmem(at, (size_t)(end - at), t->bytes, t->len)) != NULL) {
		n++;
		at++;
	}
	return n;
}

struct looking {
	const struct trace *traces;
	size_t n;
	unsigned char *chunk;
	struct store_search *out;
};

/* The chunk holds len bytes, of which `again` were there before. */
static void
look(struct looking *l, size_t len, size_t again)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct trace *t = &l->traces[i];
		size_t seen = again < t->len ? 0 : again - t->len + 1;

		if (len > seen)
			l->out->hits += count(l->chunk + seen, len - seen, t);
	}
	l->out->bytes += len - again;
}

/* Through SQLite's own descriptor: closing another one would drop its
 * locks. */
static enum status
look_at_file(struct store *s, struct looking *l, size_t most)
{
	sqlite3_file *f = NULL;
	sqlite3_int64 size = 0, at = (sqlite3_int64)l->out->at - 1;
	sqlite3_int64 end;
	size_t again = 0;

	if (sqlite3_file_control(
		s->db, "main", SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK ||
	    f->pMethods->xFileSize(f, &size) != SQLITE_OK)
		return ST_IO;
	/* What spans two calls is looked at in the second. */
	if (at > TRACE_CAP) {
		at -= TRACE_CAP;
		again = TRACE_CAP;
	}
	end = at + (sqlite3_int64)(most > CHUNK ? CHUNK : most);
	if (end > size)
		end = size;
	if (end > at + (sqlite3_int64)again) {
		size_t len = (size_t)(end - at);

		if (f->pMethods->xRead(f, l->chunk, (int)len, at) != SQLITE_OK)
			return ST_BUSY;
		look(l, len, again);
	}
	l->out->at = end >= size ? IN_LOG : (uint64_t)end + 1;
	return ST_OK;
}

static enum status
look_at_log(struct store *s, struct looking *l)
{
	char name[PATH_MAX];
	enum status st = ST_OK;
	size_t again = 0;
	ssize_t n;
	int fd;

	(void)snprintf(
	    name, sizeof(name), "%s-wal", sqlite3_db_filename(s->db, "main"));
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? ST_OK : ST_IO;
	while ((n = read(fd, l->chunk + again, CHUNK - again)) > 0) {
		size_t len = again + (size_t)n;
		size_t keep = len < TRACE_CAP ? len : TRACE_CAP;

		look(l, len, again);
		memmove(l->chunk, l->chunk + len - keep, keep);
		again = keep;
	}
	if (n < 0)
		st = ST_IO;
	(void)close(fd);
	l->out->files++;
	return st;
}

static enum status
search(struct store *s, struct looking *l, size_t most)
{
	enum status st = ST_OK;

	if (l->out->at == 0) {
		l->out->files++;
		l->out->at = 1;
	}
	for (size_t done = 0;
	     st == ST_OK && l->out->at != IN_LOG && done < most; done += CHUNK)
		st = look_at_file(s, l, most - done);
	if (st != ST_OK || l->out->at != IN_LOG)
		return st;
	l->out->at = 0;
	return look_at_log(s, l);
}

enum status
driver_sqlite_search(struct store *s, const struct store_life *gone, size_t n,
    size_t most, struct store_search *out)
{
	struct trace *traces = calloc(n * TRACES + 1, sizeof(*traces));
	struct looking l = {
		.traces = traces, .chunk = malloc(CHUNK), .out = out
	};
	enum status st = ST_NO_MEMORY;

	if (traces != NULL && l.chunk != NULL) {
		for (size_t i = 0; i < n; i++) {
			row_trace(&gone[i].claimed, &traces[l.n++]);
			if (gone[i].life == LIFE_CONFIRMED)
				index_trace(&gone[i].claimed, gone[i].n,
				    &traces[l.n++]);
		}
		st = search(s, &l, most);
	}
	if (traces != NULL)
		secret_wipe(traces, (n * TRACES + 1) * sizeof(*traces));
	free(traces);
	if (l.chunk != NULL)
		secret_wipe(l.chunk, CHUNK);
	free(l.chunk);
	return st;
}
