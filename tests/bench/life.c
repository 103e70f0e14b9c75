/*
 * Whole lives: a callback, SSLCommerz's confirmation, the delivery to
 * billing.  A window bounds the lives that are not over, so that callbacks
 * cannot run ahead of the rest: the rate is that of the slowest part.  Without
 * endpoints that it is delivered to, a life is over when it is acknowledged.
 *
 * Says the stand-ins' ports on a line, and begins when it reads a line with
 * the gateway's port.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callback.h"
#include "load.h"
#include "standin.h"

#define DRAIN_S 60

struct payer {
	struct wire wire;
	struct payer *next; /* of those that have nothing to do */
	uint32_t n;
};

static struct event_base *loop;
static SSL_CTX *tls;
static struct callbacks todo;
static struct payer *payers, *idle;
static uint32_t sent, acked, shaken;
static int64_t began_us, for_us, until_us;
static int64_t *sent_us; /* by number */

static void
pump(void)
{
	int64_t now = now_us();

	while (idle != NULL && sent < options.count && now < until_us &&
	       sent - result.done < options.window) {
		struct payer *p = idle;
		uint32_t n = sent++;

		idle = p->next;
		sent_us[n] = now;
		p->n = n;
		wire_send(&p->wire, todo.requests[n], todo.lens[n]);
	}
	if (acked == sent && result.done == sent && began_us > 0 &&
	    (sent == options.count || now >= until_us))
		load_stop(loop);
}

static void
end_life(uint32_t n)
{
	result.done++;
	histogram_add(&result.us, (uint64_t)(now_us() - sent_us[n]));
	pump();
}

static void
on_ready(struct wire *w)
{
	struct payer *p = w->owner;

	load_shaken(w);
	p->next = idle;
	idle = p;
	if (++shaken < options.connections)
		return;
	began_us = load_begin();
	until_us = began_us + for_us;
	pump();
}

static void
on_message(struct wire *w, const struct wire_message *m)
{
	struct payer *p = w->owner;

	if (wire_is_200(m))
		acked++;
	else
		wrong(m->head, m->head_len);
	p->next = idle;
	idle = p;
	if (options.endpoints == 0)
		end_life(p->n);
	else
		pump();
}

static void
on_end(struct wire *w, const char *why)
{
	wrong(why, strlen(why));
	wire_close(w);
	load_stop(loop);
}

void
life_run(struct event_base *base)
{
	static const struct wire_events events = { on_ready, on_message,
		on_end };
	const struct standin_config cfg = { .certificate = options.certificate,
		.key = options.key,
		.secret = options.secret,
		.payments = options.count,
		.endpoints = options.endpoints,
		.on_delivered = end_life };
	struct sockaddr_in server;
	int provider_port, billing_port;

	loop = base;
	for_us = (int64_t)options.seconds * 1000000;
	options.seconds += DRAIN_S; /* what is begun has to end */
	tls = wire_client_context();
	callbacks_make(&todo, 0, options.count, 1);
	payers = calloc(options.connections, sizeof(*payers));
	sent_us = calloc(options.count, sizeof(*sent_us));
	if (payers == NULL || sent_us == NULL)
		abort();
	standin_start(base, &cfg, &provider_port, &billing_port);
	(void)printf("%d %d\n", provider_port, billing_port);
	(void)fflush(stdout);
	if (scanf("%d", &options.port) != 1)
		exit(2);
	server = load_address(options.port);
	for (uint32_t i = 0; i < options.connections; i++)
		wire_connect(
		    &payers[i].wire, base, tls, &server, &events, &payers[i]);
	load_run(base);
	result.seconds = (double)(now_us() - began_us) / 1e6;
	for (uint32_t i = 0; i < options.connections; i++)
		wire_close(&payers[i].wire);
	callbacks_free(&todo);
	free(sent_us);
	free(payers);
	SSL_CTX_free(tls);
}
