/*
 * One request of the client, from its options to its result.  Inside client/
 * only; the loop thread.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include <curl/curl.h>

#include "client/answer.h"
#include "client/client.h"

struct client_target {
	char *url;
	char *ca_pem; /* NULL: the system's store; and so on */
	char *certificate_pem, *key_pem, *proxy;
	bool plain;   /* http, so loopback only */
	bool guarded; /* a public name: see client/address.h */
	int64_t timeout_ms;
	size_t n_networks;
	struct network *networks;
};

struct request {
	struct request *next, **prev; /* in one of the client's lists */
	CURL *easy;
	const struct client_target *target;
	struct curl_slist *headers;
	struct buf body;
	struct answer answer;
	client_done_fn *on_done;
	void *arg;
	int64_t started_us;
	bool misled; /* the address rule let nothing through */
};

/* NULL without memory. */
struct request *request_new(void);

/* NULL is fine. */
void request_free(struct request *r);

/* Wipe what was sent and answered; r, its handle and the TLS sessions in it
 * can be used for another POST. */
void request_clear(struct request *r);

/* Free the handle with all that it remembers of URL and answer; its connection
 * is the multi handle's, and stays.  r's answer is still there. */
void request_forget(struct request *r);

/* Fill in a new or cleared request.  False without memory. */
MUST_USE bool request_post(struct request *r, const struct client_target *t,
    const char *const *headers, size_t n, struct bytes body);
MUST_USE bool request_get(struct request *r, const struct client_target *t,
    struct bytes target, size_t most);

/* After its transfer ended with code.  Its body is borrowed from r. */
struct client_result request_result(const struct request *r, CURLcode code);

#endif
