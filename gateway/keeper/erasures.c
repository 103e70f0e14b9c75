#include "keeper/erasures.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"

enum { RECORD = 32, TIME = ID_BYTES, SUM = TIME + 8 };

#define PATH_CAP 4096

static enum status
fill(unsigned char record[RECORD], const struct erasures_one *one)
{
	unsigned char digest[SECRET_SHA256];
	enum status st;

	memcpy(record, one->id.b, ID_BYTES);
	for (int i = 0; i < 8; i++)
		record[TIME + i] =
		    (unsigned char)((uint64_t)one->at_us >> (56 - 8 * i));
	st = secret_sha256(record, SUM, digest);
	memcpy(record + SUM, digest, RECORD - SUM);
	return st;
}

static void
take(const unsigned char record[RECORD], struct erasures_one *out)
{
	unsigned char should[RECORD];
	uint64_t at = 0;

	memcpy(out->id.b, record, ID_BYTES);
	for (int i = 0; i < 8; i++)
		at = at << 8 | record[TIME + i];
	out->at_us = (int64_t)at;
	if (fill(should, out) != ST_OK || out->at_us < 0 ||
	    memcmp(should, record, RECORD) != 0)
		out->at_us = 0;
}

enum status
erasures_open(struct erasures *l, const char *path, struct err *e)
{
	char name[PATH_CAP];
	int n = snprintf(name, sizeof(name), "%s-erased", path);
	off_t size;

	*l = (struct erasures){ .fd = -1 };
	if (n < 0 || (size_t)n >= sizeof(name)) {
		err_set(e, "the store's path is too long");
		return ST_CONFIG;
	}
	l->made = access(name, F_OK) != 0;
	l->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	size = l->fd < 0 ? -1 : lseek(l->fd, 0, SEEK_END);
	if (size < 0) {
		err_set(e, "%s: %s", name, strerror(errno));
		return errno == EIO ? ST_IO : ST_CONFIG;
	}
	/* The end of a record that a crash cut was never acknowledged. */
	l->size = (uint64_t)size / RECORD * RECORD;
	if (fsync(l->fd) == 0)
		return ST_OK;
	err_set(e, "%s: cannot be synced", name);
	return ST_IO;
}

void
erasures_close(struct erasures *l)
{
	if (l->fd >= 0)
		(void)close(l->fd);
	free(l->added);
	*l = (struct erasures){ .fd = -1 };
}

enum status
erasures_add(struct erasures *l, const struct receipt_id *id, int64_t at_us)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
		struct erasures_one *more =
		    realloc(l->added, cap * sizeof(*more));

		if (more == NULL)
			return ST_NO_MEMORY;
		l->added = more;
		l->cap = cap;
	}
	l->added[l->n++] = (struct erasures_one){ .id = *id, .at_us = at_us };
	return ST_OK;
}

void
erasures_forget(struct erasures *l)
{
	l->n = 0;
}

enum status
erasures_write(struct erasures *l)
{
	l->before = l->size;
	for (size_t i = 0; i < l->n; i++) {
		unsigned char record[RECORD];
		ssize_t done;

		if (fill(record, &l->added[i]) != ST_OK)
			return ST_IO;
		errno = 0;
		done = pwrite(l->fd, record, RECORD, (off_t)l->size);
		if (done != RECORD) {
			bool room = done < 0 && errno == EIO;

			erasures_undo(l);
			return room ? ST_IO : ST_BUSY;
		}
		l->size += RECORD;
	}
	if (l->n > 0 && fdatasync(l->fd) != 0)
		return ST_IO;
	l->n = 0;
	return ST_OK;
}

void
erasures_undo(struct erasures *l)
{
	l->n = 0;
	if (l->size == l->before)
		return;
	l->size = l->before;
	/* Otherwise overwritten by the next. */
	(void)!ftruncate(l->fd, (off_t)l->size);
}

enum status
erasures_read(const struct erasures *l, uint64_t from, struct erasures_one *out,
    size_t most, size_t *n)
{
	unsigned char record[RECORD];

	for (*n = 0; *n < most && (from + *n + 1) * RECORD <= l->size; ++*n) {
		if (pread(l->fd, record, RECORD,
			(off_t)((from + *n) * RECORD)) != RECORD)
			return ST_IO;
		take(record, &out[*n]);
	}
	return ST_OK;
}
