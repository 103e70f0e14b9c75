#include "served.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net_world.h"
#include "supervisor/supervisor.h"

#define PATIENCE_MS 60000
#define SERVE	    "--serve"
#define BROKEN	    "TEST_SERVED_BROKEN" /* path of the file */

/* ---- the gateway's side */

static bool
is_broken(const char *room)
{
	const char *path = getenv(BROKEN);
	FILE *f = path == NULL ? NULL : fopen(path, "r");
	char word[16] = "";

	if (f == NULL)
		return false;
	if (fgets(word, sizeof(word), f) == NULL)
		word[0] = '\0';
	(void)fclose(f);
	return strcmp(word, room) == 0;
}

bool
served_role(int argc, char **argv, int (*asker)(void), int *code)
{
	if (argc == 3 && strcmp(argv[1], SERVE) == 0)
		*code = supervisor_run(argv[2]);
	else if (argc < 3 || strcmp(argv[1], SUPERVISOR_ROOM_ARG) != 0)
		return false;
	else if (is_broken(argv[2]))
		*code = SERVED_BROKEN;
	else if (asker != NULL && strcmp(argv[2], "asker") == 0)
		*code = asker();
	else
		*code = supervisor_room_main(argc, argv);
	return true;
}

/* ---- the test's side */

static const char *const names[] = { "paysieve.conf", "tls.crt", "tls.key",
	"password", "identity.key", "broken", "receipts.db", "receipts.db-wal",
	"receipts.db-shm", "receipts.db-lock", "receipts.db-erased",
	"receipts.db-control" };

void
served_configure(const struct served *w, const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "[listen]\ncallbacks = 127.0.0.1:0\napi = 127.0.0.1:0\n"
	    "admin = 127.0.0.1:0\n"
	    "[tls]\ncertificate = tls.crt\nkey = tls.key\n"
	    "[store]\nurl = sqlite:receipts.db\n"
	    "[limits]\nedges = %d\ndrain_timeout = 20s\n"
	    "[merchant testbox]\npassword_file = password\nconfirm = off\n%s",
	    w->edges, more);
	folder_put(w->folder, "paysieve.conf", text);
}

int
served_set_up(void **state)
{
	struct served *w = calloc(1, sizeof(*w));
	struct identity id;

	assert_non_null(w);
	memcpy(w->folder, "/tmp/served-XXXXXX", 19);
	assert_non_null(mkdtemp(w->folder));
	identity_make(&id, NULL, -60, 3600);
	folder_put(w->folder, "tls.crt", id.certificate);
	folder_put(w->folder, "tls.key", id.key);
	folder_put(w->folder, "password", "made-up-password\n");
	w->edges = 1;
	served_configure(w, "");
	*state = w;
	return 0;
}

int
served_tear_down(void **state)
{
	struct served *w = *state;
	char path[FOLDER_PATH];

	if (w->pid > 0) {
		(void)kill(w->pid, SIGKILL);
		(void)waitpid(w->pid, NULL, 0);
		(void)close(w->log);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		folder_path(w->folder, names[i], path);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
	free(w);
	return 0;
}

void
served_start(struct served *w)
{
	char conf[FOLDER_PATH], broken[FOLDER_PATH], serve_word[] = SERVE,
						     self[] = "test";
	char *argv[] = { self, serve_word, conf, NULL };
	int pipes[2];

	folder_path(w->folder, "paysieve.conf", conf);
	folder_path(w->folder, "broken", broken);
	assert_int_equal(setenv(BROKEN, broken, 1), 0);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	w->pid = fork();
	if (w->pid == 0) {
		(void)dup2(pipes[1], STDERR_FILENO);
		(void)execv("/proc/self/exe", argv);
		_exit(99);
	}
	assert_true(w->pid > 0);
	(void)close(pipes[1]);
	w->log = pipes[0];
}

/* Read more of the log; false at its end. */
static bool
read_log(struct served *w)
{
	struct pollfd log = { .fd = w->log, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&log, 1, PATIENCE_MS), 1);
	assert_true(w->len + 1 < sizeof(w->text));
	n = read(w->log, w->text + w->len, sizeof(w->text) - 1 - w->len);
	assert_true(n >= 0);
	w->len += (size_t)n;
	return n > 0;
}

/* Until the log, from where the last call found its word, has this event. */
void
served_until(struct served *w, const char *event)
{
	char word[64];
	const char *at;

	(void)snprintf(word, sizeof(word), "\"event\":\"%s\"", event);
	while ((at = strstr(w->text + w->seen, word)) == NULL) {
		if (!read_log(w)) {
			print_error("%s\n", w->text);
			fail_msg("the log ended without %s", event);
		}
	}
	w->seen = (size_t)(at - w->text) + strlen(word);
}

/* Until the whole log has this n times. */
void
served_until_times(struct served *w, int n, const char *text)
{
	for (;;) {
		const char *at = w->text;
		int found = 0;

		for (; (at = strstr(at, text)) != NULL; at += strlen(text))
			found++;
		if (found >= n) {
			assert_int_equal(found, n);
			return;
		}
		if (!read_log(w)) {
			print_error("%s\n", w->text);
			fail_msg("the log ended without %d of %s", n, text);
		}
	}
}

static size_t
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, text, size - 1);
	if (fd >= 0)
		(void)close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* SIGKILL a room; there is one of its kind. */
void
served_kill(const struct served *w, const char *room)
{
	char name[64], list[256], *at = list;

	(void)snprintf(name, sizeof(name), "task/%d/children", (int)w->pid);
	(void)read_proc(w->pid, name, list, sizeof(list));
	while (*at != '\0' && *at != '\n') {
		pid_t pid = (pid_t)strtol(at, &at, 10);
		char words[64];
		size_t len = read_proc(pid, "cmdline", words, sizeof(words));

		at += strspn(at, " ");
		if (memmem(words, len, room, strlen(room) + 1) != NULL) {
			assert_int_equal(kill(pid, SIGKILL), 0);
			return;
		}
	}
	fail_msg("there is no %s", room);
}

void
served_signal(const struct served *w, int sig)
{
	assert_int_equal(kill(w->pid, sig), 0);
}

int
served_exit_code(struct served *w)
{
	int status = 0;

	while (read_log(w)) /* its rooms have it open as well */
		;
	assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
	w->pid = 0;
	(void)close(w->log);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
served_stop(struct served *w)
{
	served_signal(w, SIGTERM);
	served_until(w, "stopped");
	assert_int_equal(served_exit_code(w), 0);
}

void
served_mend(const struct served *w)
{
	char path[FOLDER_PATH];

	folder_path(w->folder, "broken", path);
	assert_int_equal(unlink(path), 0);
}
