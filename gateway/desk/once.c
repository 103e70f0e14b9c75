#include "desk/once.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/secret.h"

#define BODY_MOST 4096 /* of an answer to a POST that changes something */

/* The newest stand at the end of a ring. */
struct entry {
	unsigned char key[SECRET_SHA256];     /* of token and key */
	unsigned char request[SECRET_SHA256]; /* of method and target */
	exchange_id id;			      /* while it is being done, or 0 */
	int64_t until_us;		      /* 0: free */
	int status;
	unsigned char *body;
	size_t len;
};

struct once {
	size_t next; /* where the next one goes */
	size_t running;
	struct entry entries[ONCE_MOST];
};

enum status
once_new(struct once **out, struct err *e)
{
	*out = calloc(1, sizeof(**out));
	if (*out != NULL)
		return ST_OK;
	err_set(e, "no memory");
	return ST_NO_MEMORY;
}

static void
forget(struct once *o, struct entry *e)
{
	if (e->id != 0)
		o->running--;
	free(e->body);
	memset(e, 0, sizeof(*e));
}

void
once_free(struct once *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < ONCE_MOST; i++)
		forget(o, &o->entries[i]);
	free(o);
}

/* The key inside a structured-field string, or as it is. */
static bool
read_key(struct bytes field, struct bytes *key)
{
	*key = field;
	if (field.len >= 2 && field.ptr[0] == '"' &&
	    field.ptr[field.len - 1] == '"')
		*key = bytes_make(field.ptr + 1, field.len - 2);
	if (key->len == 0 || key->len > ONCE_KEY)
		return false;
	for (size_t i = 0; i < key->len; i++) {
		unsigned char c = key->ptr[i];

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static bool
digest(size_t token, struct bytes text, unsigned char out[SECRET_SHA256])
{
	struct buf b;
	bool good;

	buf_init(&b, 4096);
	buf_printf(&b, "%zu ", token);
	buf_append(&b, text.ptr, text.len);
	good = buf_status(&b) == ST_OK &&
	       secret_sha256(b.data, b.len, out) == ST_OK;
	buf_fini(&b);
	return good;
}

static struct entry *
find(struct once *o, const unsigned char key[SECRET_SHA256], int64_t now_us)
{
	for (size_t i = 0; i < ONCE_MOST; i++) {
		struct entry *e = &o->entries[i];

		if (e->until_us > now_us &&
		    memcmp(e->key, key, SECRET_SHA256) == 0)
			return e;
	}
	return NULL;
}

/* A place for a new one: the oldest's, but for those that are being done. */
static struct entry *
make_room(struct once *o)
{
	for (size_t i = 0; i < ONCE_MOST; i++) {
		struct entry *e = &o->entries[o->next];

		o->next = (o->next + 1) % ONCE_MOST;
		if (e->id != 0)
			continue;
		forget(o, e);
		return e;
	}
	return NULL;
}

enum once_verdict
once_begin(struct once *o, size_t token, struct bytes field,
    struct bytes request, exchange_id id, int64_t now_us, int *status,
    struct bytes *body)
{
	unsigned char key[SECRET_SHA256], what[SECRET_SHA256];
	struct bytes text;
	struct entry *e;

	if (!read_key(field, &text))
		return ONCE_BAD;
	if (!digest(token, text, key) || !digest(token, request, what))
		return ONCE_FULL;
	e = find(o, key, now_us);
	if (e != NULL && memcmp(e->request, what, sizeof(what)) != 0)
		return ONCE_REUSED;
	if (e != NULL && e->id != 0)
		return ONCE_RUNNING;
	if (e != NULL) {
		*status = e->status;
		*body = bytes_make(e->body, e->len);
		return ONCE_REPLAY;
	}
	e = make_room(o);
	if (e == NULL)
		return ONCE_FULL;
	memcpy(e->key, key, sizeof(key));
	memcpy(e->request, what, sizeof(what));
	e->id = id;
	e->until_us = now_us + ONCE_DAY_S * INT64_C(1000000);
	o->running++;
	return ONCE_NEW;
}

static struct entry *
find_running(struct once *o, exchange_id id)
{
	for (size_t i = 0; i < ONCE_MOST && o->running > 0; i++) {
		if (o->entries[i].id == id)
			return &o->entries[i];
	}
	return NULL;
}

void
once_answered(struct once *o, exchange_id id, int status, struct bytes body)
{
	struct entry *e = id == 0 ? NULL : find_running(o, id);

	if (e == NULL)
		return;
	if (status >= 500 || status == 429 || body.len > BODY_MOST) {
		forget(o, e);
		return;
	}
	e->body = malloc(body.len + 1);
	if (e->body == NULL) {
		forget(o, e);
		return;
	}
	if (body.len > 0)
		memcpy(e->body, body.ptr, body.len);
	e->len = body.len;
	e->status = status;
	e->id = 0;
	o->running--;
}
