#include "base/log.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/rfc3339.h"

enum level { INFO, WARN, ERROR };

static const struct {
	enum level level;
	const char *word;
	const char *text;
} events[LOG_EVENTS] = {
#define EVENT(name, level, word, text) [LOG_##name] = { level, word, text },
#include "base/log.def"
#undef EVENT
};

static const char *const keys[LOG_KEYS] = {
#define KEY(name, word) [KEY_##name] = word,
#include "base/log_keys.def"
#undef KEY
};

static const char *const levels[] = { "info", "warn", "error" };
static const char *room = "paysieve";

void
log_room(const char *name)
{
	room = name;
}

/* Words are ours, but a path of the operator's may hold anything. */
static void
append_word(struct buf *b, const char *word)
{
	for (; *word != '\0'; word++) {
		unsigned char c = (unsigned char)*word;

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			buf_append_text(b, "?");
		else
			buf_append(b, &c, 1);
	}
}

static void
write_json(struct buf *b, const char *now, enum log_event ev,
    const struct log_value *v, size_t n)
{
	buf_printf(b,
	    "{\"time\":\"%s\",\"level\":\"%s\",\"by\":\"%s\",\"event\":\"%s\","
	    "\"text\":\"%s\"",
	    now, levels[events[ev].level], room, events[ev].word,
	    events[ev].text);
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, ",\"%s\":", keys[v[i].key]);
		if (v[i].word == NULL) {
			buf_printf(b, "%lld", (long long)v[i].num);
			continue;
		}
		buf_append_text(b, "\"");
		append_word(b, v[i].word);
		buf_append_text(b, "\"");
	}
	buf_append_text(b, "}\n");
}

static void
write_human(struct buf *b, const char *now, enum log_event ev,
    const struct log_value *v, size_t n)
{
	buf_printf(b, "%.8s %-5s %-10s %s", now + 11, levels[events[ev].level],
	    room, events[ev].text);
	for (size_t i = 0; i < n; i++) {
		buf_printf(b, " %s=", keys[v[i].key]);
		if (v[i].word == NULL)
			buf_printf(b, "%lld", (long long)v[i].num);
		else if (strchr(v[i].word, ' ') == NULL)
			append_word(b, v[i].word);
		else {
			buf_append_text(b, "\"");
			append_word(b, v[i].word);
			buf_append_text(b, "\"");
		}
	}
	buf_append_text(b, "\n");
}

void
log_write(enum log_event ev, const struct log_value *v, size_t n)
{
	struct pollfd sink = { .fd = STDERR_FILENO, .events = POLLOUT };
	char now[RFC3339_TEXT];
	struct buf line;

	buf_init(&line, 4096); /* PIPE_BUF: lines of processes never mix */
	rfc3339_micros(clock_wall_us(), now);
	if (isatty(STDERR_FILENO))
		write_human(&line, now, ev, v, n);
	else
		write_json(&line, now, ev, v, n);
	if (buf_status(&line) != ST_OK || poll(&sink, 1, 0) != 1 ||
	    sink.revents != POLLOUT ||
	    write(STDERR_FILENO, line.data, line.len) != (ssize_t)line.len)
		metrics_add(MET_LOG_DROPPED, 1);
	buf_fini(&line);
}
