#include "base/log.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

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

/* PIPE_BUF: what is written at once stays together, whoever else writes. */
#define WRITE_MAX 4096

/* Lines, as many as leave together. */
struct text {
	size_t len;
	int lines;
	bool full; /* something did not fit */
	char at[WRITE_MAX];
};

static _Thread_local struct {
	bool on;
	bool terminal;
	struct text text;
} gathered;

void
log_room(const char *name)
{
	room = name;
}

/* ---- one line */

static void
append(struct text *t, const char *p, size_t n)
{
	if (n > sizeof(t->at) - t->len) {
		t->full = true;
		return;
	}
	memcpy(t->at + t->len, p, n);
	t->len += n;
}

static void
append_text(struct text *t, const char *p)
{
	append(t, p, strlen(p));
}

static void
append_num(struct text *t, int64_t num)
{
	char digits[20];
	char *at = digits + sizeof(digits);
	uint64_t rest = num < 0 ? -(uint64_t)num : (uint64_t)num;

	do {
		*--at = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (num < 0)
		*--at = '-';
	append(t, at, (size_t)(digits + sizeof(digits) - at));
}

/* Words are ours, but a path of the operator's may hold anything. */
static void
append_word(struct text *t, const char *word)
{
	for (; *word != '\0'; word++) {
		char c = *word;

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			c = '?';
		append(t, &c, 1);
	}
}

static void
append_quoted(struct text *t, const char *word)
{
	append_text(t, "\"");
	append_word(t, word);
	append_text(t, "\"");
}

static void
append_json(struct text *t, const char *now, enum log_event ev,
    const struct log_value *v, size_t n)
{
	append_text(t, "{\"time\":\"");
	append_text(t, now);
	append_text(t, "\",\"level\":\"");
	append_text(t, levels[events[ev].level]);
	append_text(t, "\",\"by\":\"");
	append_text(t, room);
	append_text(t, "\",\"event\":\"");
	append_text(t, events[ev].word);
	append_text(t, "\",\"text\":\"");
	append_text(t, events[ev].text);
	append_text(t, "\"");
	for (size_t i = 0; i < n; i++) {
		append_text(t, ",\"");
		append_text(t, keys[v[i].key]);
		append_text(t, "\":");
		if (v[i].word == NULL)
			append_num(t, v[i].num);
		else
			append_quoted(t, v[i].word);
	}
	append_text(t, "}\n");
}

/* p, and spaces up to a width. */
static void
append_padded(struct text *t, const char *p, size_t width)
{
	append_text(t, p);
	for (size_t len = strlen(p); len < width; len++)
		append_text(t, " ");
	append_text(t, " ");
}

static void
append_human(struct text *t, const char *now, enum log_event ev,
    const struct log_value *v, size_t n)
{
	append(t, now + 11, 8);
	append_text(t, " ");
	append_padded(t, levels[events[ev].level], 5);
	append_padded(t, room, 10);
	append_text(t, events[ev].text);
	for (size_t i = 0; i < n; i++) {
		append_text(t, " ");
		append_text(t, keys[v[i].key]);
		append_text(t, "=");
		if (v[i].word == NULL)
			append_num(t, v[i].num);
		else if (strchr(v[i].word, ' ') == NULL)
			append_word(t, v[i].word);
		else
			append_quoted(t, v[i].word);
	}
	append_text(t, "\n");
}

/* All of it or nothing: what does not fit into t is not there. */
static void
append_line(struct text *t, bool terminal, enum log_event ev,
    const struct log_value *v, size_t n)
{
	char now[RFC3339_TEXT];
	size_t before = t->len;

	rfc3339_micros(clock_wall_us(), now);
	if (terminal)
		append_human(t, now, ev, v, n);
	else
		append_json(t, now, ev, v, n);
	if (t->full)
		t->len = before;
	else
		t->lines++;
}

/* ---- writing */

static void
write_out(struct text *t)
{
	struct pollfd sink = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (t->lines > 0 &&
	    (poll(&sink, 1, 0) != 1 || sink.revents != POLLOUT ||
		write(STDERR_FILENO, t->at, t->len) != (ssize_t)t->len))
		metrics_add(MET_LOG_DROPPED, t->lines);
	if (t->full)
		metrics_add(MET_LOG_DROPPED, 1);
	t->len = 0;
	t->lines = 0;
	t->full = false;
}

static void
gather(enum log_event ev, const struct log_value *v, size_t n)
{
	struct text *t = &gathered.text;

	append_line(t, gathered.terminal, ev, v, n);
	if (t->full && t->lines > 0) { /* once more, with all the room */
		t->full = false;
		write_out(t);
		append_line(t, gathered.terminal, ev, v, n);
	}
	if (events[ev].level != INFO || t->full)
		write_out(t);
}

void
log_write(enum log_event ev, const struct log_value *v, size_t n)
{
	UNINITIALIZED struct text t;

	if (gathered.on) {
		gather(ev, v, n);
		return;
	}
	t.len = 0;
	t.lines = 0;
	t.full = false;
	append_line(&t, isatty(STDERR_FILENO) == 1, ev, v, n);
	write_out(&t);
}

void
log_gather(void)
{
	gathered.terminal = isatty(STDERR_FILENO) == 1;
	gathered.on = true;
}

void
log_flush(void)
{
	if (gathered.text.lines > 0)
		write_out(&gathered.text);
}
