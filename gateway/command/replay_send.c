#include "command/replay_send.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"

#define TIMEOUT_MS 30000

struct sender {
	const struct replay_send_config *cfg;
	struct replay_cases *all;
	struct loop *loop;
	struct client *client;
	struct client_target **targets; /* one a case, shared by merchant */
	size_t next, under_way, done;
};

/* One request: which case it is. */
struct request {
	struct sender *s;
	struct replay_case *c;
};

static void send_more(struct sender *s);

static void
show(const struct sender *s)
{
	if (!s->cfg->progress)
		return;
	(void)fprintf(stderr, "\r%zu of %zu%s", s->done, s->all->n,
	    s->done == s->all->n ? "\r\033[K" : "");
	(void)fflush(stderr);
}

static void
on_done(void *arg, const struct client_result *r)
{
	struct request *q = arg;
	struct sender *s = q->s;

	q->c->got = (int)r->http_status;
	free(q);
	s->under_way--;
	s->done++;
	show(s);
	send_more(s);
	if (s->under_way == 0)
		loop_stop(s->loop);
}

static bool
send_one(struct sender *s, size_t i)
{
	static const char *const headers[] = {
		"Content-Type: application/x-www-form-urlencoded"
	};
	struct request *q = malloc(sizeof(*q));

	if (q == NULL)
		return false;
	q->s = s;
	q->c = &s->all->cases[i];
	q->c->sent =
	    client_post(s->client, s->targets[i], headers, ARRAY_LEN(headers),
		buf_bytes(&q->c->body), on_done, q) == ST_OK;
	if (!q->c->sent)
		free(q);
	return s->all->cases[i].sent;
}

static void
send_more(struct sender *s)
{
	while (s->next < s->all->n && s->under_way < s->cfg->jobs) {
		if (send_one(s, s->next++))
			s->under_way++;
		else
			s->done++;
	}
}

/* The target of an earlier case for the same merchant, or a new one. */
static enum status
set_target(struct sender *s, size_t i, struct err *e)
{
	struct client_target_config target = { .ca_pem = s->cfg->ca_pem,
		.timeout_ms = TIMEOUT_MS,
		.any_address = true };
	const struct replay_case *c = &s->all->cases[i];
	char url[CONFIG_URL + CONFIG_NAME + 8];

	for (size_t j = 0; j < i; j++) {
		if (strcmp(s->all->cases[j].merchant, c->merchant) == 0) {
			s->targets[i] = s->targets[j];
			return ST_OK;
		}
	}
	(void)snprintf(url, sizeof(url), "%s/ipn/%s", s->cfg->url, c->merchant);
	target.url = url;
	return client_target_new(&s->targets[i], &target, e);
}

static void
free_targets(struct sender *s)
{
	for (size_t i = 0; s->targets != NULL && i < s->all->n; i++) {
		struct client_target *t = s->targets[i];

		for (size_t j = i; j < s->all->n; j++) {
			if (s->targets[j] == t)
				s->targets[j] = NULL;
		}
		client_target_free(t);
	}
	free(s->targets);
}

enum status
replay_send(struct replay_cases *all, const struct replay_send_config *cfg,
    struct err *e)
{
	struct sender s = { .cfg = cfg, .all = all };
	enum status st;

	(void)signal(SIGPIPE, SIG_IGN); /* the client asks for it */
	s.targets = calloc(all->n, sizeof(*s.targets));
	st = s.targets == NULL ? ST_NO_MEMORY : loop_new(&s.loop, e);
	if (st == ST_OK)
		st = client_new(&s.client, s.loop, e);
	for (size_t i = 0; st == ST_OK && i < all->n; i++)
		st = set_target(&s, i, e);
	if (st == ST_OK) {
		send_more(&s);
		show(&s);
		if (s.under_way > 0)
			loop_run(s.loop);
	}
	client_free(s.client);
	free_targets(&s);
	loop_free(s.loop);
	return st;
}
