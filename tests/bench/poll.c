/*
 * Pollers: each reads a filled store (tests/ledger/fill.c) from its start to
 * its end, and wants every receipt of it once, in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define INVOICE "\"invoice_id\":\"INV-2025-"
#define NEXT	"\"next\":\""
#define MORE	"\"more\":"
#define CURSOR	128

struct poller {
	struct wire wire;
	uint32_t seen;
	int64_t asked_us;
	char after[CURSOR];
	char request[512];
};

static struct event_base *loop;
static struct poller *pollers;
static uint32_t shaken, ended;
static int64_t began_us;

static void
ask(struct poller *p)
{
	int len = snprintf(p->request, sizeof(p->request),
	    "GET /v1/receipts?limit=1000%s%s HTTP/1.1\r\n"
	    "Host: localhost\r\nAuthorization: Bearer %s\r\n\r\n",
	    p->after[0] != '\0' ? "&after=" : "", p->after, options.token);

	if (len < 0 || (size_t)len >= sizeof(p->request))
		abort();
	p->asked_us = now_us();
	wire_send(&p->wire, p->request, (size_t)len);
}

static void
on_ready(struct wire *w)
{
	(void)w;
	load_shaken(w);
	if (++shaken < options.connections)
		return;
	began_us = load_begin();
	for (uint32_t i = 0; i < options.connections; i++)
		ask(&pollers[i]);
}

/* false: one is missing, or comes again. */
static bool
count(struct poller *p, const char *at, const char *end)
{
	const size_t len = sizeof(INVOICE) - 1;

	while ((at = memmem(at, (size_t)(end - at), INVOICE, len)) != NULL) {
		at += len;
		if (strtoul(at, NULL, 10) != ++p->seen)
			return false;
	}
	return true;
}

/* What follows the receipts; false: it is not there. */
static bool
read_end(struct poller *p, const char *end, bool *more)
{
	const char *from = end - CURSOR - 32;
	const char *at = memmem(from, CURSOR + 32, NEXT, sizeof(NEXT) - 1);
	const char *stop;

	if (at == NULL)
		return false;
	at += sizeof(NEXT) - 1;
	stop = memchr(at, '"', (size_t)(end - at));
	if (stop == NULL || stop - at >= CURSOR)
		return false;
	memcpy(p->after, at, (size_t)(stop - at));
	p->after[stop - at] = '\0';
	at = memmem(stop, (size_t)(end - stop), MORE, sizeof(MORE) - 1);
	*more = at != NULL && at[sizeof(MORE) - 1] == 't';
	return at != NULL;
}

static void
on_message(struct wire *w, const struct wire_message *m)
{
	static const char gap[] = "a receipt is missing or doubled";
	struct poller *p = w->owner;
	uint32_t before = p->seen;
	bool more = false;

	histogram_add(&result.us, (uint64_t)(now_us() - p->asked_us));
	if (!wire_is_200(m) || m->body_len < 2 * CURSOR) {
		wrong(m->head, m->head_len);
	} else if (!count(p, m->body, m->body + m->body_len) ||
		   !read_end(p, m->body + m->body_len, &more) ||
		   (!more && p->seen != options.count)) {
		wrong(gap, strlen(gap));
		more = false;
	}
	result.done += p->seen - before;
	if (more)
		ask(p);
	else if (++ended == options.connections)
		load_stop(loop);
}

static void
on_end(struct wire *w, const char *why)
{
	wrong(why, strlen(why));
	wire_close(w);
	load_stop(loop);
}

void
poll_run(struct event_base *base)
{
	static const struct wire_events events = { on_ready, on_message,
		on_end };
	struct sockaddr_in server = load_address(options.port);
	SSL_CTX *tls = wire_client_context();

	loop = base;
	pollers = calloc(options.connections, sizeof(*pollers));
	if (pollers == NULL)
		abort();
	for (uint32_t i = 0; i < options.connections; i++)
		wire_connect(
		    &pollers[i].wire, base, tls, &server, &events, &pollers[i]);
	load_run(base);
	result.seconds = (double)(now_us() - began_us) / 1e6;
	for (uint32_t i = 0; i < options.connections; i++)
		wire_close(&pollers[i].wire);
	free(pollers);
	SSL_CTX_free(tls);
}
