#include "courier/target.h"

#include <string.h>

enum status
target_new(
    struct client_target **out, const struct courier_billing *b, struct err *e)
{
	const struct client_target_config cfg = { .url = b->url,
		.ca_pem = b->ca,
		.timeout_ms = b->timeout_ms,
		.certificate_pem = b->certificate,
		.key_pem = b->key,
		.proxy = b->proxy,
		.networks = b->networks.list,
		.n_networks = b->networks.n };

	return client_target_new(out, &cfg, e);
}

enum outcome
target_outcome(const struct client_result *r)
{
	switch (r->end) {
	case CLIENT_ANSWER:
		return r->http_status >= 200 && r->http_status <= 299
			   ? OUTCOME_DELIVERED
			   : OUTCOME_STATUS;
	case CLIENT_DNS:
		return OUTCOME_DNS;
	case CLIENT_CONNECT:
		return OUTCOME_CONNECT;
	case CLIENT_TLS:
		return OUTCOME_TLS;
	case CLIENT_TIMEOUT:
		return OUTCOME_TIMEOUT;
	case CLIENT_CERTIFICATE:
		return OUTCOME_CERTIFICATE;
	case CLIENT_ADDRESS:
		return OUTCOME_ADDRESS;
	case CLIENT_PROXY:
		return OUTCOME_PROXY;
	case CLIENT_IO:
		break;
	}
	return OUTCOME_IO;
}
