/*
 * load MODE NAME=VALUE...: load on a gateway of this machine, or on another
 * server in its place.  Every answer is judged; tells as JSON what came, and
 * ends with 1 where anything was wrong.
 */
#include "load.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/attr.h"

struct options options = {
	.connections = 64, .seconds = 120, .merchants = 1, .endpoints = 1
};
struct result result;
static double began_s; /* on the processor, by then */

static const struct {
	const char *name;
	uint32_t *number;
	int *port;
	const char **text;
} words[] = {
	{ .name = "port", .port = &options.port },
	{ .name = "api_port", .port = &options.api_port },
	{ .name = "count", .number = &options.count },
	{ .name = "connections", .number = &options.connections },
	{ .name = "first", .number = &options.first },
	{ .name = "rate", .number = &options.rate },
	{ .name = "fresh", .number = &options.fresh },
	{ .name = "window", .number = &options.window },
	{ .name = "seconds", .number = &options.seconds },
	{ .name = "merchants", .number = &options.merchants },
	{ .name = "endpoints", .number = &options.endpoints },
	{ .name = "token", .text = &options.token },
	{ .name = "certificate", .text = &options.certificate },
	{ .name = "key", .text = &options.key },
	{ .name = "secret", .text = &options.secret },
};

static const struct {
	const char *name;
	void (*run)(struct event_base *base);
} modes[] = {
	{ "post", post_run },
	{ "poll", poll_run },
	{ "idle", idle_run },
	{ "life", life_run },
	{ "storm", storm_run },
};

int64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void
wrong(const char *text, size_t len)
{
	if (result.wrong++ > 0)
		return;
	for (size_t i = 0; i < len && i < sizeof(result.fault) - 1; i++) {
		char c = text[i];

		if (c == '\r' || c == '\n')
			break;
		result.fault[i] =
		    c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c;
	}
}

struct sockaddr_in
load_address(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port) };
}

void
load_shaken(struct wire *w)
{
	static const char resumed[] = "a session was resumed";
	static const char other[] = "no TLS 1.3 with an ECDSA certificate";
	int signature = 0;

	if (SSL_session_reused(w->ssl)) {
		wrong(resumed, strlen(resumed));
	} else if (SSL_version(w->ssl) != TLS1_3_VERSION ||
		   SSL_get_peer_signature_type_nid(w->ssl, &signature) != 1 ||
		   signature != EVP_PKEY_EC) {
		wrong(other, strlen(other));
	} else {
		result.fulls++;
	}
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	static const char late[] = "the time is over";

	(void)fd;
	(void)what;
	wrong(late, strlen(late));
	load_stop(arg);
}

void
load_run(struct event_base *base)
{
	const struct timeval most = { .tv_sec = options.seconds };
	struct event *late = evtimer_new(base, on_late, base);

	if (late == NULL || event_add(late, &most) != 0)
		abort();
	(void)event_base_dispatch(base);
	event_free(late);
}

void
load_stop(struct event_base *base)
{
	(void)event_base_loopbreak(base);
}

static void
set_option(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i].name);

		if (strncmp(word, words[i].name, len) != 0 || word[len] != '=')
			continue;
		word += len + 1;
		if (words[i].text != NULL)
			*words[i].text = word;
		else if (words[i].port != NULL)
			*words[i].port = (int)strtol(word, NULL, 10);
		else
			*words[i].number = (uint32_t)strtoul(word, NULL, 10);
		return;
	}
	(void)fprintf(stderr, "load: not known: %s\n", word);
	exit(2);
}

static double
processor_s(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

int64_t
load_begin(void)
{
	began_s = processor_s();
	return now_us();
}

static void
tell(void)
{
	(void)printf("{\"done\":%llu,\"wrong\":%llu,\"fault\":\"%s\","
		     "\"full_handshakes\":%llu,\"seconds\":%.6f,"
		     "\"client_cpu\":%.6f,\"p50_us\":%llu,\"p99_us\":%llu,"
		     "\"p999_us\":%llu,\"most_us\":%llu}\n",
	    (unsigned long long)result.done, (unsigned long long)result.wrong,
	    result.fault, (unsigned long long)result.fulls, result.seconds,
	    processor_s() - began_s,
	    (unsigned long long)histogram_rank(&result.us, 500000),
	    (unsigned long long)histogram_rank(&result.us, 990000),
	    (unsigned long long)histogram_rank(&result.us, 999000),
	    (unsigned long long)result.us.most);
}

int
main(int argc, char **argv)
{
	struct event_base *base;
	size_t mode = 0;

	(void)signal(SIGPIPE, SIG_IGN);
	while (argc > 1 && mode < ARRAY_LEN(modes) &&
	       strcmp(argv[1], modes[mode].name) != 0)
		mode++;
	if (argc < 2 || mode == ARRAY_LEN(modes)) {
		(void)fprintf(
		    stderr, "load post|poll|idle|life NAME=VALUE...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		set_option(argv[i]);
	base = event_base_new();
	if (base == NULL)
		abort();
	modes[mode].run(base);
	event_base_free(base);
	tell();
	return result.wrong > 0 ? 1 : 0;
}
