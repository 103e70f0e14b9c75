/* SQLite's memory, wiped: no page, row or text of a receipt stays in a block
 * that was given back. */
#include <pthread.h>

#include <sqlite3.h>

#include "base/wiped.h"
#include "keeper/driver_sqlite.h"

static void *
on_malloc(int n)
{
	return wiped_malloc((size_t)n);
}

static void *
on_realloc(void *p, int n)
{
	return wiped_realloc(p, (size_t)n);
}

static int
on_size(void *p)
{
	return (int)wiped_size(p);
}

static int
on_roundup(int n)
{
	return (n + 7) & ~7;
}

static int
on_init(void *arg)
{
	(void)arg;
	return SQLITE_OK;
}

static void
on_shutdown(void *arg)
{
	(void)arg;
}

/* Refused, and then nothing changes, where SQLite is in use already. */
static void
install(void)
{
	static const struct sqlite3_mem_methods methods = {
		.xMalloc = on_malloc,
		.xFree = wiped_free,
		.xRealloc = on_realloc,
		.xSize = on_size,
		.xRoundup = on_roundup,
		.xInit = on_init,
		.xShutdown = on_shutdown,
	};

	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void
driver_sqlite_memory(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, install);
}
