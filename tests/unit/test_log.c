#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"
#include "base/metrics.h"

/* Standard error lies here while a test looks at what is written to it. */
struct sink {
	int saved;
	int pipe[2]; /* read end, write end */
};

static void
capture(struct sink *s)
{
	fflush(stderr);
	assert_int_equal(pipe2(s->pipe, O_CLOEXEC), 0);
	s->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_true(s->saved >= 0);
	assert_true(dup2(s->pipe[1], STDERR_FILENO) == STDERR_FILENO);
	close(s->pipe[1]);
}

/* Back to the real one; what was written stands in text. */
static size_t
release(struct sink *s, char *text, size_t cap)
{
	size_t n = 0;

	assert_true(dup2(s->saved, STDERR_FILENO) == STDERR_FILENO);
	close(s->saved);
	for (;;) {
		ssize_t got = read(s->pipe[0], text + n, cap - 1 - n);

		assert_true(got >= 0);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	close(s->pipe[0]);
	return n;
}

/* The one line in text, as an object; the caller's to json_decref(). */
static json_t *
line_of(const char *text)
{
	json_error_t why;
	json_t *o;

	assert_non_null(strchr(text, '\n'));
	assert_string_equal(strchr(text, '\n'), "\n");
	o = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	assert_non_null(o);
	assert_true(json_is_object(o));
	return o;
}

static const char *
word_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* ---- one line */

static void
one_event_is_one_line_of_json(void **state)
{
	struct sink s;
	char text[8192];
	json_t *o;

	(void)state;
	capture(&s);
	log_room("edge");
	log_event(LOG_CALLBACK, log_word(KEY_MERCHANT, "testbox"),
	    log_num(KEY_FIELDS, 31), log_num(KEY_MS, INT64_MIN));
	(void)release(&s, text, sizeof(text));
	o = line_of(text);
	assert_string_equal(word_of(o, "by"), "edge");
	assert_string_equal(word_of(o, "level"), "info");
	assert_string_equal(word_of(o, "event"), "callback");
	assert_string_equal(word_of(o, "text"), "a genuine callback");
	assert_string_equal(word_of(o, "merchant"), "testbox");
	assert_int_equal(json_integer_value(json_object_get(o, "fields")), 31);
	assert_true(json_integer_value(json_object_get(o, "ms")) == INT64_MIN);
	assert_int_equal(strlen(word_of(o, "time")), 27);
	assert_int_equal(json_object_size(o), 8);
	json_decref(o);
}

/* proves: R36 */
static void
every_event_and_every_key_gives_good_json(void **state)
{
	struct log_value all[LOG_KEYS];
	char text[8192];

	(void)state;
	for (int i = 0; i < LOG_KEYS; i++)
		all[i] = log_word((enum log_key)i, "w");
	for (int i = 0; i < LOG_EVENTS; i++) {
		struct sink s;
		json_t *o;

		capture(&s);
		log_write((enum log_event)i, all, LOG_KEYS);
		(void)release(&s, text, sizeof(text));
		o = line_of(text);
		/* no key twice, none hides time, level, by, event or text */
		assert_int_equal(json_object_size(o), LOG_KEYS + 5);
		json_decref(o);
	}
}

static void
an_event_without_values_is_a_line_too(void **state)
{
	struct sink s;
	char text[8192];

	(void)state;
	capture(&s);
	log_write(LOG_STOPPED, NULL, 0);
	(void)release(&s, text, sizeof(text));
	json_decref(line_of(text));
}

/* proves: R37 */
static void
a_hostile_word_breaks_no_line(void **state)
{
	char word[256], text[8192];
	struct sink s;
	json_t *o;

	(void)state;
	for (int i = 1; i < 256; i++)
		word[i - 1] = (char)i;
	word[255] = '\0';
	capture(&s);
	log_event(LOG_CONFIG_WARNING, log_word(KEY_DETAIL, word),
	    log_word(KEY_REASON, "\",\"level\":\"fake\"}\n{\"x\":\""));
	(void)release(&s, text, sizeof(text));
	for (const char *p = text; *p != '\0' && *p != '\n'; p++)
		assert_in_range(*p, 0x20, 0x7e);
	o = line_of(text);
	assert_string_equal(word_of(o, "level"), "warn");
	assert_int_equal(strlen(word_of(o, "detail")), 255);
	assert_non_null(strstr(word_of(o, "detail"), "ABCDEFG"));
	json_decref(o);
}

/* ---- for people */

static void
a_terminal_gets_a_line_for_people(void **state)
{
	char text[1024] = { 0 };
	int saved, master, slave;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	assert_true(dup2(slave, STDERR_FILENO) == STDERR_FILENO);
	log_event(LOG_ROOM_DIED, log_word(KEY_ROOM, "edge"),
	    log_word(KEY_DETAIL, "two \033[31mwords"), log_num(KEY_PID, 7));
	assert_true(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	close(saved);
	assert_true(read(master, text, sizeof(text) - 1) > 0);
	close(master);
	close(slave);
	assert_non_null(strstr(text, "error"));
	assert_non_null(strstr(text, "a room died and is started again"));
	assert_non_null(strstr(text, " room=edge"));
	assert_non_null(strstr(text, " detail=\"two ?[31mwords\""));
	assert_non_null(strstr(text, " pid=7"));
	assert_null(strchr(text, '\033'));
}

/* ---- a sink that takes no more */

static int64_t
lines_in(const char *text)
{
	int64_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void
a_full_pipe_drops_and_counts_and_never_waits(void **state)
{
	enum { LINES = 3000 };
	static char text[1 << 20];
	const struct metrics_page *page = *state;
	int64_t before = page->cell[MET_LOG_DROPPED], lost;
	struct sink s;

	capture(&s);
	alarm(60); /* one write that waits would wait for ever */
	for (int i = 0; i < LINES; i++)
		log_event(LOG_API, log_word(KEY_ROUTE, "receipts"),
		    log_num(KEY_COUNT, i));
	alarm(0);
	(void)release(&s, text, sizeof(text));
	lost = page->cell[MET_LOG_DROPPED] - before;
	assert_true(lost > 0);
	assert_int_equal(lines_in(text) + lost, LINES);
	for (char *at = text, *end; (end = strchr(at, '\n')) != NULL;
	     at = end + 1) {
		json_t *o = json_loadb(at, (size_t)(end - at), 0, NULL);

		assert_non_null(o);
		json_decref(o);
	}
}

static void
a_line_without_a_reader_is_dropped_and_kills_nobody(void **state)
{
	const struct metrics_page *page = *state;
	int64_t before = page->cell[MET_LOG_DROPPED];
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10), p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true(dup2(p[1], STDERR_FILENO) == STDERR_FILENO);
	close(p[0]);
	close(p[1]);
	log_event(LOG_API, log_num(KEY_COUNT, 1));
	close(STDERR_FILENO);
	log_event(LOG_API, log_num(KEY_COUNT, 2));
	assert_true(dup2(saved, STDERR_FILENO) == STDERR_FILENO);
	close(saved);
	assert_int_equal(page->cell[MET_LOG_DROPPED] - before, 2);
}

static void
a_line_longer_than_a_pipe_takes_at_once_is_dropped(void **state)
{
	const struct metrics_page *page = *state;
	int64_t before = page->cell[MET_LOG_DROPPED];
	char word[4096], text[8192];
	struct sink s;

	memset(word, 'w', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	capture(&s);
	log_event(LOG_API, log_word(KEY_DETAIL, word));
	assert_int_equal(release(&s, text, sizeof(text)), 0);
	assert_int_equal(page->cell[MET_LOG_DROPPED] - before, 1);
}

/* ---- lines that leave together */

/* What stands in the pipe of standard error by now. */
static size_t
taken(const struct sink *s, char *text, size_t cap)
{
	ssize_t n;

	(void)fcntl(s->pipe[0], F_SETFL, O_NONBLOCK);
	n = read(s->pipe[0], text, cap - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

/* A thread of its own: it gathers for good. */
static void *
gathering(void *arg)
{
	const struct sink *s = arg;
	char text[8192];
	int many = 0;

	log_gather();
	log_event(LOG_API, log_num(KEY_COUNT, 1));
	log_event(LOG_API, log_num(KEY_COUNT, 2));
	assert_int_equal(taken(s, text, sizeof(text)), 0);
	log_flush();
	(void)taken(s, text, sizeof(text));
	assert_int_equal(lines_in(text), 2);
	assert_non_null(strstr(text, "\"count\":2"));
	log_flush();
	assert_int_equal(taken(s, text, sizeof(text)), 0);

	log_event(LOG_API, log_num(KEY_COUNT, 3));
	log_event(LOG_ROOM_DIED, log_num(KEY_PID, 7)); /* an error */
	(void)taken(s, text, sizeof(text));
	assert_int_equal(lines_in(text), 2);

	/* The first that has no room lets those before it go. */
	while (taken(s, text, sizeof(text)) == 0) {
		log_event(LOG_API, log_num(KEY_COUNT, 4));
		many++;
	}
	assert_int_equal(lines_in(text), many - 1);
	assert_true(strlen(text) <= 4096);
	assert_true(text[strlen(text) - 1] == '\n');
	return NULL;
}

static void
gathered_lines_leave_together(void **state)
{
	char text[8192];
	pthread_t thread;
	struct sink s;

	(void)state;
	capture(&s);
	assert_int_equal(pthread_create(&thread, NULL, gathering, &s), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)release(&s, text, sizeof(text));
}

/* ---- */

static int
count_in_a_page(void **state)
{
	int fd = metrics_page_new();

	if (fd < 0 || metrics_attach(fd) != ST_OK)
		return -1;
	*state = (void *)(uintptr_t)metrics_page_map(fd);
	close(fd);
	return *state == NULL ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_event_is_one_line_of_json),
		cmocka_unit_test(every_event_and_every_key_gives_good_json),
		cmocka_unit_test(an_event_without_values_is_a_line_too),
		cmocka_unit_test(a_hostile_word_breaks_no_line),
		cmocka_unit_test(a_terminal_gets_a_line_for_people),
		cmocka_unit_test(a_full_pipe_drops_and_counts_and_never_waits),
		cmocka_unit_test(
		    a_line_without_a_reader_is_dropped_and_kills_nobody),
		cmocka_unit_test(
		    a_line_longer_than_a_pipe_takes_at_once_is_dropped),
		cmocka_unit_test(gathered_lines_leave_together),
	};

	return cmocka_run_group_tests(tests, count_in_a_page, NULL);
}
