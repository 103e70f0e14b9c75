#include "config/faults.h"

static bool
shown(struct faults *f)
{
	f->count++;
	if (f->count == FAULTS_SHOWN + 1)
		buf_printf(
		    f->out, "%s: further faults are not shown\n", f->file);
	return f->count <= FAULTS_SHOWN;
}

void
faults_add(struct faults *f, unsigned line, const char *key, const char *words)
{
	if (!shown(f))
		return;
	buf_append_text(f->out, f->file);
	if (line > 0)
		buf_printf(f->out, ":%u", line);
	if (key != NULL)
		buf_printf(f->out, ": %s", key);
	buf_printf(f->out, ": %s\n", words);
}

/* Names come from outside: only one that could be ours is repeated. */
static bool
speakable(struct bytes name)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i];

		if ((c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_')
			return false;
	}
	return name.len <= 80;
}

void
faults_variable(struct faults *f, struct bytes name, const char *words)
{
	if (!shown(f))
		return;
	if (speakable(name))
		buf_printf(f->out, "environment: %.*s: %s\n", (int)name.len,
		    (const char *)name.ptr, words);
	else
		buf_printf(f->out, "environment: PAYSIEVE_...: %s\n", words);
}
