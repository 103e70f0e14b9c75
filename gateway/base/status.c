#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const names[ST_STATUSES] = {
	[ST_OK] = "ok",
	[ST_BAD_INPUT] = "bad_input",
	[ST_NOT_FOUND] = "not_found",
	[ST_EXISTS] = "exists",
	[ST_BUSY] = "busy",
	[ST_UNAVAILABLE] = "unavailable",
	[ST_NO_MEMORY] = "no_memory",
	[ST_IO] = "io",
	[ST_CORRUPT] = "corrupt",
	[ST_CONFIG] = "config",
	[ST_INTERNAL] = "internal",
};

const char *
status_name(enum status st)
{
	if ((unsigned)st >= ST_STATUSES)
		return "unknown";
	return names[st];
}

void
err_set(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}
