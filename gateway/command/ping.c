#include "command/ping.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "courier/parcel.h"
#include "courier/target.h"

struct ping {
	struct loop *loop;
	struct client_result result;
};

static void
on_done(void *arg, const struct client_result *r)
{
	struct ping *p = arg;

	p->result = *r;
	p->result.body = bytes_make(NULL, 0); /* it is gone after this */
	loop_stop(p->loop);
}

/* ---- words */

static const char *
flaw_words(enum client_flaw flaw)
{
	switch (flaw) {
	case CLIENT_FLAW_EXPIRED:
		return "its certificate has expired: renew it";
	case CLIENT_FLAW_NOT_YET:
		return "its certificate is not valid yet: check both clocks";
	case CLIENT_FLAW_SELF_SIGNED:
		return "its certificate is self-signed: put it into ca_file";
	case CLIENT_FLAW_ISSUER:
		return "its certificate is of an authority that is not "
		       "trusted: put the authority's into ca_file, and see "
		       "that billing sends its whole chain";
	case CLIENT_FLAW_NAME:
		return "its certificate is for another name than that in url";
	case CLIENT_FLAW_NONE:
	case CLIENT_FLAW_OTHER:
		break;
	}
	return "its certificate cannot be verified";
}

static const char *
status_words(long status)
{
	if (status >= 300 && status <= 399)
		return "a redirect, which is never followed: put the address "
		       "that it leads to into url";
	switch (status) {
	case 401:
	case 403:
		return "it does not accept the request: compare the secret, "
		       "and what headers_file and certificate have to say";
	case 404:
	case 405:
		return "nothing takes events there: check the path in url";
	case 410:
		return "it says that it is gone for good; a delivery answered "
		       "so stops all others";
	case 413:
	case 415:
		return "it does not take such a body: check its limits, and "
		       "format";
	case 429:
		return "it asks to be spared for a while";
	default:
		break;
	}
	if (status >= 500)
		return "it failed by itself: its own log knows why";
	return "it refused a ping; events may fare otherwise";
}

static const char *
end_words(const struct client_result *r)
{
	switch (r->end) {
	case CLIENT_DNS:
		return "its name cannot be resolved: check url and the name "
		       "servers";
	case CLIENT_CONNECT:
		return "nobody answers at its address and port: check url, "
		       "firewalls, and whether it runs";
	case CLIENT_TLS:
		return "no TLS connection: it may speak plain HTTP, only old "
		       "versions, or want a certificate of ours";
	case CLIENT_CERTIFICATE:
		return flaw_words(r->flaw);
	case CLIENT_ADDRESS:
		return "its public name leads to an address that is not "
		       "public: if that is meant, allow it in networks";
	case CLIENT_PROXY:
		return "the proxy cannot be reached or refuses: check proxy";
	case CLIENT_TIMEOUT:
		return "it does not answer in time: it has to answer first "
		       "and work later, or timeout has to be longer";
	case CLIENT_IO:
		return "the connection broke: what answers speaks no HTTP, or "
		       "it wants a certificate of ours (certificate and key)";
	case CLIENT_ANSWER:
		break;
	}
	return status_words(r->http_status);
}

/* Is it good? */
static bool
say(const char *name, const struct client_result *r)
{
	bool good = target_outcome(r) == OUTCOME_DELIVERED;
	long long ms = (long long)(r->took_us / 1000);

	if (good)
		(void)printf("%s: ok: it answered %ld in %lld ms\n", name,
		    r->http_status, ms);
	else if (r->end == CLIENT_ANSWER)
		(void)printf("%s: it answered %ld in %lld ms: %s\n", name,
		    r->http_status, ms, end_words(r));
	else
		(void)printf("%s: %s (%s, after %lld ms)\n", name, end_words(r),
		    outcome_word(target_outcome(r)), ms);
	return good;
}

/* ---- the ping itself */

static enum status
send_ping(struct client *c, struct client_target *t,
    const struct courier_billing *b, struct ping *p)
{
	struct parcel parcel;
	enum status st;

	parcel_init(&parcel);
	st = parcel_ping(&parcel, &b->event, clock_wall_us() / 1000000);
	if (st == ST_OK)
		st = client_post(c, t, parcel.headers, parcel.n,
		    buf_bytes(&parcel.body), on_done, p);
	parcel_fini(&parcel);
	if (st == ST_OK)
		loop_run(p->loop);
	return st;
}

static enum status
ping(const struct courier_billing *b, struct ping *p, struct err *e)
{
	struct client_target *target = NULL;
	struct client *client = NULL;
	enum status st;

	(void)signal(SIGPIPE, SIG_IGN); /* the client asks for it */
	st = loop_new(&p->loop, e);
	if (st == ST_OK)
		st = client_new(&client, p->loop, e);
	if (st == ST_OK)
		st = target_new(&target, b, e);
	if (st == ST_OK)
		st = send_ping(client, target, b, p);
	client_free(client);
	client_target_free(target);
	loop_free(p->loop);
	return st;
}

static const struct courier_billing *
find(const struct courier_config *cfg, const char *name)
{
	for (size_t i = 0; i < cfg->n_billings; i++) {
		if (strcmp(cfg->billings[i].name, name) == 0)
			return &cfg->billings[i];
	}
	return NULL;
}

enum status
ping_billing(const struct config *c, const char *name, struct err *e)
{
	struct courier_config *cfg = calloc(1, sizeof(*cfg));
	const struct courier_billing *b;
	struct ping p = { .loop = NULL };
	enum status st;

	if (cfg == NULL)
		return ST_NO_MEMORY;
	st = rooms_courier(c, cfg, e);
	b = st == ST_OK ? find(cfg, name) : NULL;
	if (st == ST_OK)
		st = b == NULL ? ST_NOT_FOUND : ping(b, &p, e);
	if (st == ST_OK && !say(name, &p.result))
		st = ST_UNAVAILABLE;
	secret_wipe(cfg, sizeof(*cfg));
	free(cfg);
	return st;
}
