#include "command/replay_case.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/secret.h"
#include "intake/intake.h"

static enum status
fault(struct err *e, const char *path, const char *words)
{
	err_set(e, "%s: %s", path, words);
	return ST_BAD_INPUT;
}

static enum status
read_body(const char *path, struct buf *out, struct err *e)
{
	unsigned char chunk[16384];
	enum status st = ST_OK;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	while (fd >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_append(out, chunk, (size_t)n);
	if (fd < 0 || n < 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		st = ST_IO;
	} else if (buf_status(out) != ST_OK) {
		st = fault(e, path, "longer than 1 MiB");
	}
	if (fd >= 0)
		(void)close(fd);
	secret_wipe(chunk, sizeof(chunk));
	return st;
}

/* The last part of path, what is not fit for a terminal replaced. */
static void
name_case(struct replay_case *c, const char *path)
{
	size_t end = strlen(path), from, n;

	while (end > 1 && path[end - 1] == '/')
		end--;
	from = end;
	while (from > 0 && path[from - 1] != '/')
		from--;
	n = end - from < sizeof(c->name) ? end - from : sizeof(c->name) - 1;
	memcpy(c->name, path + from, n);
	for (size_t i = 0; i < n; i++) {
		if (c->name[i] < 0x20 || c->name[i] > 0x7e)
			c->name[i] = '?';
	}
}

static struct replay_case *
add_case(struct replay_cases *all, const char *path, struct err *e)
{
	struct replay_case *c;

	if (all->n == REPLAY_CASES) {
		err_set(e, "more than %d cases", REPLAY_CASES);
		return NULL;
	}
	if (all->n == all->cap) {
		size_t cap = all->cap == 0 ? 64 : all->cap * 2;

		c = reallocarray(all->cases, cap, sizeof(*c));
		if (c == NULL) {
			err_set(e, "out of memory");
			return NULL;
		}
		all->cases = c;
		all->cap = cap;
	}
	c = &all->cases[all->n++];
	memset(c, 0, sizeof(*c));
	buf_init(&c->body, REPLAY_BODY);
	name_case(c, path);
	return c;
}

static enum status
read_expectation(struct replay_case *c, const char *path, struct err *e)
{
	static const char *const verdicts[] = { "paid", "not_paid", "refused" };
	const char *merchant = NULL, *verdict = NULL;
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	enum status st = ST_BAD_INPUT;
	int http = 0;

	if (root == NULL ||
	    json_unpack(root, "{s:s, s:s, s:i}", "merchant", &merchant,
		"verdict", &verdict, "http", &http) != 0) {
		err_set(
		    e, "%s: not JSON with merchant, verdict and http", path);
		goto out;
	}
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		if (strcmp(verdict, verdicts[i]) == 0)
			(void)snprintf(
			    c->verdict, sizeof(c->verdict), "%s", verdicts[i]);
	}
	if (!receipt_merchant_valid(bytes_of(merchant)) ||
	    c->verdict[0] == '\0' || http < 100 || http > 599) {
		err_set(e, "%s: merchant, verdict or http is not valid", path);
		goto out;
	}
	(void)snprintf(c->merchant, sizeof(c->merchant), "%s", merchant);
	c->expect = http;
	st = ST_OK;
out:
	json_decref(root);
	return st;
}

static bool
join(char out[PATH_MAX], const char *folder, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", folder, name);

	return n > 0 && n < PATH_MAX;
}

static enum status
load_folder(struct replay_cases *all, const char *path, struct err *e)
{
	char form[PATH_MAX], expect[PATH_MAX];
	struct replay_case *c;
	enum status st;

	if (!join(form, path, "request.form") ||
	    !join(expect, path, "expect.json"))
		return fault(e, path, "too long");
	c = add_case(all, path, e);
	if (c == NULL)
		return ST_NO_MEMORY;
	st = read_body(form, &c->body, e);
	return st == ST_OK ? read_expectation(c, expect, e) : st;
}

static bool
is_case(const char *path)
{
	char form[PATH_MAX];

	return join(form, path, "request.form") && access(form, F_OK) == 0;
}

static enum status
load_many(struct replay_cases *all, const char *path, struct err *e)
{
	struct dirent **list = NULL;
	size_t before = all->n;
	enum status st = ST_OK;
	int n = scandir(path, &list, NULL, alphasort);

	if (n < 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		return ST_IO;
	}
	for (int i = 0; i < n; i++) {
		char inner[PATH_MAX];

		if (st == ST_OK && list[i]->d_name[0] != '.' &&
		    join(inner, path, list[i]->d_name) && is_case(inner))
			st = load_folder(all, inner, e);
		free(list[i]);
	}
	free(list);
	if (st == ST_OK && all->n == before)
		st = fault(e, path, "holds no case (a request.form)");
	return st;
}

static enum status
load_file(struct replay_cases *all, const char *path, const char *merchant,
    struct err *e)
{
	struct replay_case *c;

	if (merchant == NULL)
		return fault(e, path, "a file needs --merchant");
	c = add_case(all, path, e);
	if (c == NULL)
		return ST_NO_MEMORY;
	(void)snprintf(c->merchant, sizeof(c->merchant), "%s", merchant);
	c->expect = 200;
	return read_body(path, &c->body, e);
}

enum status
replay_case_load(struct replay_cases *all, const char *path,
    const char *merchant, struct err *e)
{
	struct stat sb;

	if (stat(path, &sb) != 0) {
		err_set(e, "%s: %s", path, strerror(errno));
		return ST_IO;
	}
	if (!S_ISDIR(sb.st_mode))
		return load_file(all, path, merchant, e);
	return is_case(path) ? load_folder(all, path, e)
			     : load_many(all, path, e);
}

/* "password", or "passwords": a list. */
static enum status
read_passwords(const json_t *merchant, struct edge_merchant *m)
{
	const json_t *one = json_object_get(merchant, "password");
	const json_t *many = json_object_get(merchant, "passwords");
	size_t n = one != NULL ? 1 : json_array_size(many);
	enum status st = n > 0 ? ST_OK : ST_BAD_INPUT;

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		const char *text = json_string_value(
		    one != NULL ? one : json_array_get(many, i));

		st = text == NULL ? ST_BAD_INPUT
				  : rooms_add_password(m, bytes_of(text));
	}
	return st;
}

static void
resign_merchant(struct replay_cases *all, const struct edge_merchant *was,
    const struct edge_merchant *now)
{
	for (size_t i = 0; i < all->n; i++) {
		struct replay_case *c = &all->cases[i];

		/* What is no form was recorded to be refused as it is. */
		if (strcmp(c->merchant, was->rules.store_id) == 0 &&
		    c->body.len > 0 &&
		    intake_resign(c->body.data, c->body.len, was, now) != ST_OK)
			continue;
	}
}

enum status
replay_case_resign(struct replay_cases *all, const char *file,
    const struct edge_merchant *now, struct err *e)
{
	json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, NULL);
	const json_t *list = json_object_get(root, "merchants");
	enum status st = ST_OK;

	if (!json_is_array(list))
		st = fault(e, file, "not JSON with a list of merchants");
	for (size_t i = 0; st == ST_OK && i < json_array_size(list); i++) {
		const json_t *m = json_array_get(list, i);
		const char *id =
		    json_string_value(json_object_get(m, "store_id"));
		struct edge_merchant was = { 0 };

		if (id != NULL && receipt_merchant_valid(bytes_of(id)) &&
		    read_passwords(m, &was) == ST_OK) {
			(void)snprintf(was.rules.store_id,
			    sizeof(was.rules.store_id), "%s", id);
			resign_merchant(all, &was, now);
		} else {
			st =
			    fault(e, file, "a merchant's store_id or password");
		}
		secret_wipe(&was, sizeof(was));
	}
	json_decref(root);
	return st;
}

void
replay_case_fini(struct replay_cases *all)
{
	for (size_t i = 0; i < all->n; i++)
		buf_fini(&all->cases[i].body);
	free(all->cases);
	*all = (struct replay_cases){ 0 };
}
