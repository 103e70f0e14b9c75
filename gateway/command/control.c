#include "command/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "message/message.h"

#define PATIENCE_S 10

struct control {
	int fd;
	uint64_t tag;
	_Alignas(uint64_t) unsigned char packet[MESSAGE_MAX];
};

/* What the answer to one request needs while it comes in. */
struct answer {
	uint64_t tag;
	uint64_t after_seq;
	store_row_fn *fn;
	void *arg;
	bool more;
	enum status status;
};

enum status
control_open(struct control **out, const char *path, struct err *e)
{
	const struct timeval tv = { .tv_sec = PATIENCE_S };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct control *c = NULL;
	enum status st = ST_IO;

	*out = NULL;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(e, "the control socket's path is too long");
		return ST_CONFIG;
	}
	memcpy(sun.sun_path, path, strlen(path));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ST_NO_MEMORY;
	c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (c->fd >= 0 &&
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0 &&
	    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0 &&
	    connect(c->fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0) {
		*out = c;
		return ST_OK;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		st = ST_NOT_FOUND;
	err_set(e, "the gateway's control socket: %s", strerror(errno));
	control_close(c);
	return st;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c);
}

static enum status
ask(struct control *c, enum message type, const void *record)
{
	const struct msg_header h = { .type = type, .count = 1 };
	size_t len = sizeof(h) + message_size(type);

	if (!message_record_valid(PARTY_COMMAND, type, record))
		return ST_BAD_INPUT;
	memcpy(c->packet, &h, sizeof(h));
	memcpy(c->packet + sizeof(h), record, message_size(type));
	if (send(c->fd, c->packet, len, MSG_NOSIGNAL) != (ssize_t)len)
		return ST_UNAVAILABLE;
	return ST_OK;
}

static enum status
take_rows(struct answer *a, const struct msg_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct store_row row = { .seq = rows[i].seq,
			.receipt = rows[i].receipt };

		if (rows[i].tag != a->tag || row.seq <= a->after_seq)
			return ST_CORRUPT;
		a->after_seq = row.seq;
		a->fn(a->arg, &row);
	}
	return ST_OK;
}

/* One packet of the answer; *done with the last one. */
static enum status
take_packet(struct control *c, struct answer *a, bool *done)
{
	const void *records = c->packet + sizeof(struct msg_header);
	const struct msg_page_end *end = records;
	struct msg_header h;
	ssize_t n;

	do
		n = recv(c->fd, c->packet, sizeof(c->packet), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return ST_UNAVAILABLE;
	if ((size_t)n > sizeof(c->packet) ||
	    !message_check(PARTY_KEEPER, PARTY_COMMAND, c->packet, (size_t)n))
		return ST_CORRUPT;
	memcpy(&h, c->packet, sizeof(h));
	if (h.type == MSG_ROW)
		return take_rows(a, records, h.count);
	if (h.type != MSG_PAGE_END || h.count != 1 || end->tag != a->tag)
		return ST_CORRUPT;
	a->more = end->more != 0;
	a->status = (enum status)end->status;
	*done = true;
	return ST_OK;
}

static enum status
hear(struct control *c, struct answer *a)
{
	enum status st = ST_OK;
	bool done = false;

	while (st == ST_OK && !done)
		st = take_packet(c, a, &done);
	return st == ST_OK ? a->status : st;
}

/* An empty field means all, as NULL does here. */
static bool
fill(char *field, size_t cap, const char *text)
{
	return text == NULL || receipt_text(field, cap, bytes_of(text));
}

enum status
control_page(struct control *c, const struct store_query *q, store_row_fn *fn,
    void *arg, bool *more)
{
	struct msg_page m = { .tag = ++c->tag,
		.after_seq = q->after_seq,
		.limit = (uint32_t)q->limit };
	struct answer a = {
		.tag = m.tag, .after_seq = q->after_seq, .fn = fn, .arg = arg
	};
	enum status st;

	*more = false;
	if (!fill(m.merchant, sizeof(m.merchant), q->merchant) ||
	    !fill(m.invoice_id, sizeof(m.invoice_id), q->invoice_id))
		return ST_BAD_INPUT;
	st = ask(c, MSG_PAGE, &m);
	if (st == ST_OK)
		st = hear(c, &a);
	*more = a.more;
	return st;
}

static void
on_row(void *arg, const struct store_row *row)
{
	struct store_row *out = arg;

	*out = *row;
}

enum status
control_get(struct control *c, const struct receipt_id *id,
    const char *merchant, struct store_row *out)
{
	struct msg_get m = { .tag = ++c->tag, .id = *id };
	struct answer a = { .tag = m.tag, .fn = on_row, .arg = out };
	enum status st;

	memset(out, 0, sizeof(*out));
	if (!fill(m.merchant, sizeof(m.merchant), merchant))
		return ST_BAD_INPUT;
	st = ask(c, MSG_GET, &m);
	if (st == ST_OK)
		st = hear(c, &a);
	if (st == ST_OK && out->seq == 0)
		st = ST_CORRUPT;
	return st;
}
