#include "disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"
#include "keeper/driver_sqlite_backfill.h"

enum kind { CREATE, UNLINK, WRITE, RESIZE, SYNC, SYNC_FOLDER };

struct change {
	enum kind kind;
	int file, name; /* numbers */
	uint64_t at;	/* RESIZE: the new size; SYNC: of what came before */
	size_t len;
	unsigned char *data;
};

enum { FDS = 1024, NAMES = 16, NAME = 64, FOLDER = -2, NONE = -1 };

struct disk {
	char folder[256], store[NAME];
	enum disk_lie lie;
	pthread_t owner;
	struct chance pace;
	struct change *log;
	size_t n, cap, begun, copied;
	int files; /* so many there have been */
	char names[NAMES][NAME];
	int named[NAMES]; /* the file, or NONE */
	int n_names;
	int of[FDS]; /* the file behind a descriptor, FOLDER or NONE */
};

static struct disk *recording;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the log */

static void
append(struct disk *d, struct change c, const void *data)
{
	if (d->n == d->cap) {
		d->cap = 2 * d->cap + 1024;
		d->log = realloc(d->log, d->cap * sizeof(*d->log));
		assert(d->log != NULL);
	}
	if (data != NULL) {
		c.data = malloc(c.len + 1);
		assert(c.data != NULL);
		memcpy(c.data, data, c.len);
	}
	d->log[d->n++] = c;
}

static int
number_of(struct disk *d, const char *name)
{
	for (int i = 0; i < d->n_names; i++) {
		if (strcmp(d->names[i], name) == 0)
			return i;
	}
	assert(d->n_names < NAMES && strlen(name) < NAME);
	(void)snprintf(d->names[d->n_names], NAME, "%s", name);
	d->named[d->n_names] = NONE;
	return d->n_names++;
}

/* The name in the folder; NULL: not there, or not recorded. */
static const char *
name_in(const struct disk *d, const char *path)
{
	size_t len = strlen(d->folder), n = strlen(path);

	if (strncmp(path, d->folder, len) != 0 || path[len] != '/')
		return NULL;
	if (n > 4 && strcmp(path + n - 4, "-shm") == 0)
		return NULL;
	if (n > 5 && strcmp(path + n - 5, "-lock") == 0)
		return NULL;
	return path + len + 1;
}

static int
file_behind(int fd)
{
	return recording == NULL || fd < 0 || fd >= FDS ? NONE
							: recording->of[fd];
}

/* ---- whose turn it is */

static struct backfill *active;
static bool at_will, waits;
static unsigned turns;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void __real_backfill_start(struct backfill *b);
void __wrap_backfill_start(struct backfill *b);
bool __real_backfill_running(struct backfill *b);
bool __wrap_backfill_running(struct backfill *b);
enum status __real_backfill_wait(struct backfill *b, int *copied);
enum status __wrap_backfill_wait(struct backfill *b, int *copied);
void __real_backfill_end(struct backfill *b);
void __wrap_backfill_end(struct backfill *b);

static void
settle(void)
{
	while (active != NULL) {
		bool stands;

		(void)pthread_mutex_lock(&lock);
		stands = waits && turns == 0;
		(void)pthread_mutex_unlock(&lock);
		if (stands)
			return;
		if (!__real_backfill_running(active))
			active = NULL;
		else
			(void)sched_yield();
	}
}

static void
let(bool will, unsigned n)
{
	(void)pthread_mutex_lock(&lock);
	at_will = will;
	turns = n;
	(void)pthread_cond_broadcast(&changed);
	(void)pthread_mutex_unlock(&lock);
}

/* Before a call that is recorded. */
static void
take_turn(void)
{
	if (recording != NULL &&
	    !pthread_equal(pthread_self(), recording->owner)) {
		(void)pthread_mutex_lock(&lock);
		waits = true;
		while (!at_will && turns == 0)
			(void)pthread_cond_wait(&changed, &lock);
		waits = false;
		if (turns > 0)
			turns--;
		(void)pthread_mutex_unlock(&lock);
	} else if (recording != NULL && active != NULL) {
		unsigned n = (unsigned)chance_below(&recording->pace, 6);

		settle();
		if (active == NULL || n > 2)
			return;
		let(false, n + 1);
		settle();
	}
}

void
__wrap_backfill_start(struct backfill *b)
{
	__real_backfill_start(b);
	if (recording != NULL)
		active = b;
	settle();
}

bool
__wrap_backfill_running(struct backfill *b)
{
	settle();
	return __real_backfill_running(b);
}

enum status
__wrap_backfill_wait(struct backfill *b, int *copied)
{
	enum status st;

	let(true, 0);
	st = __real_backfill_wait(b, copied);
	let(recording == NULL, 0);
	active = NULL;
	return st;
}

void
__wrap_backfill_end(struct backfill *b)
{
	let(true, 0);
	__real_backfill_end(b);
	let(recording == NULL, 0);
	active = NULL;
}

/* ---- libc's calls, for SQLite and the driver alike */

int crash_open(const char *path, int flags, ...) __asm__("open");
int crash_open64(const char *path, int flags, ...) __asm__("open64");
int crash_close(int fd) __asm__("close");
int crash_unlink(const char *path) __asm__("unlink");
ssize_t
crash_pwrite(int fd, const void *p, size_t n, off_t at) __asm__("pwrite");
ssize_t
crash_pwrite64(int fd, const void *p, size_t n, off_t at) __asm__("pwrite64");
int crash_ftruncate(int fd, off_t size) __asm__("ftruncate");
int crash_ftruncate64(int fd, off_t size) __asm__("ftruncate64");
int crash_fsync(int fd) __asm__("fsync");
int crash_fdatasync(int fd) __asm__("fdatasync");

static void
opened(struct disk *d, const char *path, int fd)
{
	const char *name = name_in(d, path);
	int i;

	if (strcmp(path, d->folder) == 0)
		d->of[fd] = FOLDER;
	if (name == NULL)
		return;
	i = number_of(d, name);
	if (d->named[i] == NONE) {
		d->named[i] = d->files++;
		append(d,
		    (struct change){
			.kind = CREATE, .file = d->named[i], .name = i },
		    NULL);
	}
	d->of[fd] = d->named[i];
}

static int
open_file(const char *path, int flags, va_list more)
{
	mode_t mode =
	    (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
	int fd;

	(void)pthread_mutex_lock(&lock);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (recording != NULL && fd >= 0) {
		assert(fd < FDS);
		opened(recording, path, fd);
	}
	(void)pthread_mutex_unlock(&lock);
	return fd;
}

int
crash_open(const char *path, int flags, ...)
{
	va_list more;
	int fd;

	va_start(more, flags);
	fd = open_file(path, flags, more);
	va_end(more);
	return fd;
}

int
crash_open64(const char *path, int flags, ...)
{
	va_list more;
	int fd;

	va_start(more, flags);
	fd = open_file(path, flags, more);
	va_end(more);
	return fd;
}

int
crash_close(int fd)
{
	if (recording != NULL && fd >= 0 && fd < FDS)
		recording->of[fd] = NONE;
	return (int)syscall(SYS_close, fd);
}

int
crash_unlink(const char *path)
{
	const char *name;
	int rc;

	take_turn();
	(void)pthread_mutex_lock(&lock);
	rc = (int)syscall(SYS_unlink, path);
	name = recording == NULL || rc != 0 ? NULL : name_in(recording, path);
	if (name != NULL) {
		int i = number_of(recording, name);

		recording->named[i] = NONE;
		append(recording,
		    (struct change){ .kind = UNLINK, .file = NONE, .name = i },
		    NULL);
	}
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

static bool
is_db(const struct disk *d, int file)
{
	return d->n_names > 0 && strcmp(d->names[0], d->store) == 0 &&
	       d->named[0] == file;
}

ssize_t
crash_pwrite(int fd, const void *p, size_t n, off_t at)
{
	struct disk *d = recording;
	int file = file_behind(fd);
	ssize_t done;

	if (file >= 0)
		take_turn();
	(void)pthread_mutex_lock(&lock);
	done = syscall(SYS_pwrite64, fd, p, n, at);
	if (file >= 0 && done > 0) {
		append(d,
		    (struct change){ .kind = WRITE,
			.file = file,
			.at = (uint64_t)at,
			.len = (size_t)done },
		    p);
		d->copied +=
		    is_db(d, file) && !pthread_equal(pthread_self(), d->owner);
	}
	(void)pthread_mutex_unlock(&lock);
	return done;
}

ssize_t
crash_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	return crash_pwrite(fd, p, n, at);
}

int
crash_ftruncate(int fd, off_t size)
{
	int file = file_behind(fd), rc;

	if (file >= 0)
		take_turn();
	(void)pthread_mutex_lock(&lock);
	rc = (int)syscall(SYS_ftruncate, fd, size);
	if (file >= 0 && rc == 0)
		append(recording,
		    (struct change){
			.kind = RESIZE, .file = file, .at = (uint64_t)size },
		    NULL);
	(void)pthread_mutex_unlock(&lock);
	return rc;
}

int
crash_ftruncate64(int fd, off_t size)
{
	return crash_ftruncate(fd, size);
}

static bool
believed(const struct disk *d, int file)
{
	bool list = false;

	for (int i = 0; i < d->n_names; i++)
		list = list || (d->named[i] == file && file >= 0 &&
				   strstr(d->names[i], "-erased") != NULL);
	switch (d->lie) {
	case DISK_NO_SYNC:
		return false;
	case DISK_NO_STORE_SYNC:
		return !is_db(d, file);
	case DISK_NO_LIST_SYNC:
		return !list;
	case DISK_NO_FOLDER_SYNC:
		return file != FOLDER;
	default:
		return true;
	}
}

static int
sync_fd(int fd, long call)
{
	int file = file_behind(fd);
	uint64_t before;

	if (file == NONE)
		return (int)syscall(call, fd);
	take_turn();
	(void)pthread_mutex_lock(&lock);
	before = recording->n;
	(void)pthread_mutex_unlock(&lock);
	take_turn();
	(void)pthread_mutex_lock(&lock);
	if (believed(recording, file))
		append(recording,
		    (struct change){
			.kind = file == FOLDER ? SYNC_FOLDER : SYNC,
			.file = file,
			.at = before },
		    NULL);
	(void)pthread_mutex_unlock(&lock);
	return 0;
}

int
crash_fsync(int fd)
{
	return sync_fd(fd, SYS_fsync);
}

int
crash_fdatasync(int fd)
{
	return sync_fd(fd, SYS_fdatasync);
}

/* ---- from outside */

static void
take_file(struct disk *d, const char *name)
{
	static unsigned char piece[1 << 16];
	char path[600];
	int i = number_of(d, name), fd;
	uint64_t at = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", d->folder, name);
	fd = open(path, O_RDONLY);
	assert(fd >= 0);
	d->named[i] = d->files++;
	append(d,
	    (struct change){ .kind = CREATE, .file = d->named[i], .name = i },
	    NULL);
	while ((n = pread(fd, piece, sizeof(piece), (off_t)at)) > 0) {
		append(d,
		    (struct change){ .kind = WRITE,
			.file = d->named[i],
			.at = at,
			.len = (size_t)n },
		    piece);
		at += (uint64_t)n;
	}
	(void)close(fd);
	append(d,
	    (struct change){ .kind = SYNC, .file = d->named[i], .at = d->n },
	    NULL);
}

struct disk *
disk_record(const char *folder, const char *store, enum disk_lie lie,
    struct chance chance)
{
	struct disk *d = calloc(1, sizeof(*d));
	struct dirent *one;
	DIR *dir;

	assert(d != NULL && recording == NULL);
	(void)snprintf(d->folder, sizeof(d->folder), "%s", folder);
	(void)snprintf(d->store, sizeof(d->store), "%s", store);
	d->lie = lie;
	d->owner = pthread_self();
	d->pace = chance;
	for (int i = 0; i < FDS; i++)
		d->of[i] = NONE;
	(void)number_of(d, store);
	dir = opendir(folder);
	assert(dir != NULL);
	while ((one = readdir(dir)) != NULL) {
		char path[600];

		(void)snprintf(
		    path, sizeof(path), "%s/%s", folder, one->d_name);
		if (one->d_name[0] != '.' && name_in(d, path) != NULL)
			take_file(d, one->d_name);
	}
	(void)closedir(dir);
	append(d,
	    (struct change){ .kind = SYNC_FOLDER, .file = FOLDER, .at = d->n },
	    NULL);
	d->begun = d->n;
	at_will = false;
	recording = d;
	return d;
}

void
disk_stop(struct disk *d)
{
	assert(recording == d);
	let(true, 0);
	while (active != NULL && __real_backfill_running(active))
		(void)sched_yield();
	active = NULL;
	recording = NULL;
}

void
disk_free(struct disk *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->log[i].data);
	free(d->log);
	free(d);
}

size_t
disk_length(struct disk *d)
{
	size_t n;

	(void)pthread_mutex_lock(&lock);
	n = d->n;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

size_t
disk_begun(const struct disk *d)
{
	return d->begun;
}

size_t
disk_copied(const struct disk *d)
{
	return d->copied;
}

/* ---- what may be found */

struct image {
	unsigned char *data;
	size_t len, cap;
	uint64_t safe; /* what came before is */
};

/* How what is not safe is dealt with. */
struct lot {
	struct chance c;
	unsigned kept, torn; /* of a hundred */
};

static void
size_image(struct image *f, size_t len)
{
	if (len > f->cap) {
		f->cap = 2 * len;
		f->data = realloc(f->data, f->cap);
		assert(f->data != NULL);
	}
	if (len > f->len)
		memset(f->data + f->len, 0, len - f->len);
	f->len = len;
}

static void
write_image(struct image *f, uint64_t at, const unsigned char *data, size_t len)
{
	if (at + len > f->len)
		size_image(f, (size_t)at + len);
	memcpy(f->data + at, data, len);
}

static void
tear(struct image *f, const struct change *c, struct lot *lot)
{
	size_t len;

	for (size_t i = 0; i < c->len; i += len) {
		len = DISK_SECTOR - (size_t)((c->at + i) % DISK_SECTOR);
		if (len > c->len - i)
			len = c->len - i;
		if (chance_of_hundred(&lot->c, 50))
			write_image(f, c->at + i, c->data + i, len);
	}
}

static void
apply(struct image *f, const struct change *c, struct lot *lot, bool safe)
{
	if (!safe && !chance_of_hundred(&lot->c, lot->kept))
		return;
	if (c->kind == RESIZE)
		size_image(f, (size_t)c->at);
	else if (!safe && chance_of_hundred(&lot->c, lot->torn))
		tear(f, c, lot);
	else
		write_image(f, c->at, c->data, c->len);
}

static void
put_file(const char *folder, const char *name, const void *data, size_t len)
{
	char path[600];
	size_t at = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert(fd >= 0);
	while (at < len) {
		ssize_t n = pwrite(
		    fd, (const unsigned char *)data + at, len - at, (off_t)at);

		assert(n > 0);
		at += (size_t)n;
	}
	(void)close(fd);
}

/* The file of each name: those changes that are safe, and of each name's
 * others the first few. */
static void
name_files(const struct disk *d, size_t cut, struct lot *lot, int named[NAMES])
{
	bool held[NAMES] = { false };
	uint64_t safe = 0;

	for (size_t i = 0; i < cut; i++) {
		if (d->log[i].kind == SYNC_FOLDER)
			safe = d->log[i].at;
	}
	for (int i = 0; i < NAMES; i++)
		named[i] = NONE;
	for (size_t i = 0; i < cut; i++) {
		const struct change *c = &d->log[i];

		if (c->kind != CREATE && c->kind != UNLINK)
			continue;
		if (i >= safe && !chance_of_hundred(&lot->c, lot->kept))
			held[c->name] = true;
		if (!held[c->name])
			named[c->name] = c->kind == CREATE ? c->file : NONE;
	}
}

static void
fill_files(const struct disk *d, size_t cut, struct lot *lot, struct image *all)
{
	for (size_t i = 0; i < cut; i++) {
		const struct change *c = &d->log[i];

		if (c->kind == SYNC && c->at > all[c->file].safe)
			all[c->file].safe = c->at;
	}
	for (size_t i = 0; i < cut; i++) {
		const struct change *c = &d->log[i];

		if (c->kind == WRITE || c->kind == RESIZE)
			apply(&all[c->file], c, lot, i < all[c->file].safe);
	}
}

void
disk_build(const struct disk *d, size_t cut, struct chance c, const char *to)
{
	/* Nothing, everything, or some of it, whole or torn. */
	static const struct {
		unsigned kept, torn;
	} lots[] = { { 0, 0 }, { 100, 0 }, { 50, 0 }, { 50, 50 }, { 85, 30 },
		{ 100, 60 }, { 15, 30 } };
	size_t which = chance_below(&c, ARRAY_LEN(lots));
	struct lot lot = {
		.c = c, .kept = lots[which].kept, .torn = lots[which].torn
	};
	struct image *all = calloc((size_t)d->files + 1, sizeof(*all));
	int named[NAMES];

	assert(all != NULL && cut <= d->n);
	name_files(d, cut, &lot, named);
	fill_files(d, cut, &lot, all);
	for (int i = 0; i < d->n_names; i++) {
		if (named[i] != NONE)
			put_file(to, d->names[i], all[named[i]].data,
			    all[named[i]].len);
	}
	for (int i = 0; i < d->files; i++)
		free(all[i].data);
	free(all);
}
