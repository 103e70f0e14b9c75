/*
 * Structured log lines on standard error.
 *
 * One event, one line: JSON, or a form for people on a terminal.  Events,
 * texts and keys come from closed lists; there is no way to print a format
 * string.  Whole lines are written, 4096 bytes of them at most, and what would
 * block is dropped and counted.  Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/attr.h"
#include "base/id.h"

enum log_event {
#define EVENT(name, level, word, text) LOG_##name,
#include "base/log.def"
#undef EVENT
	LOG_EVENTS
};

enum log_key {
#define KEY(name, word) KEY_##name,
#include "base/log_keys.def"
#undef KEY
	LOG_KEYS
};

struct log_value {
	enum log_key key;
	const char *word; /* NULL: num counts */
	int64_t num;
};

/* word comes from a closed list, from the configuration or from struct err. */
static inline struct log_value
log_word(enum log_key key, const char *word)
{
	return (struct log_value){ .key = key, .word = word };
}

static inline struct log_value
log_num(enum log_key key, int64_t num)
{
	return (struct log_value){ .key = key, .num = num };
}

/* The name of this process in every line that follows ("edge"); borrowed for
 * good. */
void log_room(const char *name);

/* From now on the lines of this thread's turns of the loop leave together, at
 * the turn's end (base/loop.h) or with the first that is no mere information.
 * On a terminal or not is asked here, once. */
void log_gather(void);

/* What this thread has gathered leaves now. */
void log_flush(void);

void log_write(enum log_event ev, const struct log_value *v, size_t n);

/* log_event(LOG_X, log_num(KEY_Y, 1), ...); at least one value. */
#define log_event(ev, ...)                                         \
	log_write((ev), (const struct log_value[]){ __VA_ARGS__ }, \
	    ARRAY_LEN(((const struct log_value[]){ __VA_ARGS__ })))

#endif
