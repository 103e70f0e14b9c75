#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway.h"
#include "message/channel.h"
#include "sim.h"

#define AGAIN_US 5000 /* where a room does not read */

struct packet {
	struct packet *next;
	int64_t due_us;
	size_t len;
	unsigned char bytes[];
};

struct way {
	struct wire *wire;
	int from, to;
	bool over; /* nothing more comes */
	struct packet *first, **end;
	int64_t last_us; /* when the last one is due */
	struct event *readable, *timer;
};

struct wire {
	struct wire *next, **prev;
	struct way ways[2];
	int fds[2];
};

static struct wire *wires;

static void
wire_free(struct wire *w)
{
	for (int i = 0; i < 2; i++) {
		struct way *y = &w->ways[i];

		while (y->first != NULL) {
			struct packet *p = y->first;

			y->first = p->next;
			free(p);
		}
		event_free(y->readable);
		event_free(y->timer);
		(void)close(w->fds[i]);
	}
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	free(w);
}

static void
set_timer(struct way *y, int64_t us)
{
	const struct timeval tv = { us / SECOND, us % SECOND };

	if (event_add(y->timer, &tv) != 0)
		abort();
}

/* Hand over what is due.  w may be gone afterwards. */
static void
hand_over(struct way *y)
{
	struct packet *p;

	while ((p = y->first) != NULL && p->due_us <= sim_now()) {
		ssize_t n =
		    send(y->to, p->bytes, p->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			set_timer(y, AGAIN_US);
			return;
		}
		y->first = p->next;
		if (y->first == NULL)
			y->end = &y->first;
		free(p);
	}
	if (p != NULL)
		set_timer(y, p->due_us - sim_now());
	else if (y->over)
		wire_free(y->wire);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hand_over(arg);
}

static int64_t
delay_us(void)
{
	if (sim_fault(FAULT_DELAY, 500))
		return sim_between(
		    10000, sim_once_in(20) ? 20 * SECOND : SECOND);
	return sim_once_in(4) ? sim_between(1000, 5000) : 0;
}

static void
take(struct way *y, const void *bytes, size_t len)
{
	struct packet *p = malloc(sizeof(*p) + len);
	struct msg_header h;

	if (p == NULL)
		abort();
	memcpy(&h, bytes, sizeof(h));
	memcpy(p->bytes, bytes, len);
	p->len = len;
	p->next = NULL;
	p->due_us = sim_now() + delay_us();
	if (p->due_us < y->last_us)
		p->due_us = y->last_us;
	y->last_us = p->due_us;
	*y->end = p;
	y->end = &p->next;
	sim_event("message", h.type, h.count);
	gateway_message();
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	static unsigned char bytes[MESSAGE_MAX];
	struct way *y = arg;
	ssize_t n;

	(void)what;
	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		take(y, bytes, (size_t)n);
	if (n == 0 || (errno != EAGAIN && errno != ECONNRESET)) {
		y->over = true;
		(void)event_del(y->readable);
	}
	hand_over(y);
}

static void
way_init(struct way *y, struct wire *w, int from, int to)
{
	struct event_base *base = loop_base(sim.loop);

	*y = (struct way){ .wire = w, .from = from, .to = to };
	y->end = &y->first;
	y->readable =
	    event_new(base, from, EV_READ | EV_PERSIST, on_readable, y);
	y->timer = event_new(base, -1, 0, on_timer, y);
	if (event_add(y->readable, NULL) != 0)
		abort();
}

void
wire_new(int ends[2])
{
	struct wire *w = calloc(1, sizeof(*w));
	int pair[2];

	if (w == NULL)
		abort();
	for (int i = 0; i < 2; i++) {
		if (channel_pair(pair) != ST_OK)
			abort();
		ends[i] = pair[0];
		w->fds[i] = pair[1];
	}
	way_init(&w->ways[0], w, w->fds[0], w->fds[1]);
	way_init(&w->ways[1], w, w->fds[1], w->fds[0]);
	w->next = wires;
	w->prev = &wires;
	if (w->next != NULL)
		w->next->prev = &w->next;
	wires = w;
}

void
wire_cut_all(void)
{
	while (wires != NULL)
		wire_free(wires);
}
