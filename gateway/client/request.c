#include "client/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "base/secret.h"
#include "client/address.h"

#define CONNECT_MS   5000 /* resolving, connecting and the handshake */
#define KEEP_IDLE_S  60L
#define ANSWER_BYTES (64 * 1024) /* nobody reads it; a bound on patience */
#define BODY_CEILING (1024 * 1024)
#define URL_CEILING  (16 * 1024) /* ours, and short */

/* Taken for each request and wiped behind it: no more than most of them need,
 * and libcurl's least. */
#define RECORD_BYTES 4096
#define READ_BYTES   4096L
#define SEND_BYTES   (16 * 1024L)

/* ---- callbacks of one transfer */

/* The last word on where a request goes: here the name is an address. */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct request *r = arg;
	const struct client_target *t = r->target;

	(void)purpose;
	if (t->plain && !address_loopback(&to->addr))
		return CURL_SOCKET_BAD;
	if (t->guarded &&
	    !address_allowed(&to->addr, t->networks, t->n_networks)) {
		r->misled = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	return answer_head(&r->answer, bytes_make(data, size * n)) ? size * n
								   : 0;
}

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct request *r = arg;

	return answer_body(&r->answer, bytes_make(data, size * n)) ? size * n
								   : 0;
}

/* OpenSSL would keep the last record of an open connection, decrypted.  What
 * is sent fits into a small record, and its memory is wiped for each one. */
static CURLcode
on_tls(CURL *h, void *ctx, void *arg)
{
	(void)h;
	(void)arg;
	(void)SSL_CTX_set_max_send_fragment(ctx, RECORD_BYTES);
	if (SECRET_WIPES)
		(void)SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* ---- life */

struct request *
request_new(void)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	buf_init(&r->body, BODY_CEILING);
	answer_init(&r->answer, false, 0);
	r->easy = curl_easy_init();
	if (r->easy == NULL) {
		request_free(r);
		return NULL;
	}
	return r;
}

void
request_forget(struct request *r)
{
	curl_easy_cleanup(r->easy);
	r->easy = NULL;
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	buf_fini(&r->body);
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	request_forget(r);
	answer_fini(&r->answer);
	free(r);
}

void
request_clear(struct request *r)
{
	curl_easy_reset(r->easy);
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	buf_reset(&r->body);
	answer_fini(&r->answer);
}

/* ---- options */

static bool
set_long(CURL *h, CURLoption o, long v)
{
	return curl_easy_setopt(h, o, v) == CURLE_OK;
}

static bool
set_text(CURL *h, CURLoption o, const char *v)
{
	return curl_easy_setopt(h, o, v) == CURLE_OK;
}

/* With the system's bundle alone, and not its directory besides, libcurl reads
 * it once for all connections of a day. */
static bool
has_bundle(void)
{
	return curl_version_info(CURLVERSION_NOW)->cainfo != NULL;
}

static bool
set_trust(CURL *h, const struct client_target *t)
{
	struct curl_blob pem = { .flags = CURL_BLOB_NOCOPY };

	if (!set_long(h, CURLOPT_SSL_VERIFYPEER, 1) ||
	    !set_long(h, CURLOPT_SSL_VERIFYHOST, 2) ||
	    !set_long(h, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) ||
	    curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, on_tls) != CURLE_OK)
		return false;
	if (t->ca_pem == NULL)
		return !has_bundle() || set_text(h, CURLOPT_CAPATH, NULL);
	pem.data = t->ca_pem;
	pem.len = strlen(t->ca_pem);
	/* The system's directory would be trusted besides. */
	return curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &pem) == CURLE_OK &&
	       set_text(h, CURLOPT_CAPATH, NULL);
}

static bool
set_blob(CURL *h, CURLoption o, char *pem)
{
	struct curl_blob blob = {
		.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY
	};

	return curl_easy_setopt(h, o, &blob) == CURLE_OK;
}

/* Who we are, where the peer asks. */
static bool
set_certificate(CURL *h, const struct client_target *t)
{
	return t->certificate_pem == NULL ||
	       (set_text(h, CURLOPT_SSLCERTTYPE, "PEM") &&
		   set_text(h, CURLOPT_SSLKEYTYPE, "PEM") &&
		   set_blob(h, CURLOPT_SSLCERT_BLOB, t->certificate_pem) &&
		   set_blob(h, CURLOPT_SSLKEY_BLOB, t->key_pem));
}

static bool
set_proxy(CURL *h, const struct client_target *t)
{
	if (t->proxy == NULL)
		return set_text(h, CURLOPT_PROXY, "") &&
		       set_text(h, CURLOPT_NOPROXY, "*");
	return set_text(h, CURLOPT_PROXY, t->proxy) &&
	       set_text(h, CURLOPT_NOPROXY, "") &&
	       set_long(h, CURLOPT_HTTPPROXYTUNNEL, 1) &&
	       set_long(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1);
}

static bool
set_transport(CURL *h, const struct client_target *t)
{
	int64_t connect_ms =
	    t->timeout_ms < CONNECT_MS ? t->timeout_ms : CONNECT_MS;

	return set_text(
		   h, CURLOPT_PROTOCOLS_STR, t->plain ? "http" : "https") &&
	       set_long(h, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
	       set_long(h, CURLOPT_FOLLOWLOCATION, 0) && set_proxy(h, t) &&
	       set_long(h, CURLOPT_NOSIGNAL, 1) &&
	       set_long(h, CURLOPT_QUICK_EXIT, 1) &&
	       set_long(h, CURLOPT_TCP_NODELAY, 1) &&
	       set_long(h, CURLOPT_BUFFERSIZE, READ_BYTES) &&
	       set_long(h, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BYTES) &&
	       set_long(h, CURLOPT_MAXAGE_CONN, KEEP_IDLE_S) &&
	       set_long(h, CURLOPT_TIMEOUT_MS, (long)t->timeout_ms) &&
	       set_long(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
}

static bool
set_callbacks(CURL *h, struct request *r)
{
	return curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_open) ==
		   CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, r) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header) ==
		   CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERDATA, r) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) ==
		   CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEDATA, r) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PRIVATE, r) == CURLE_OK;
}

/* What both kinds of request share. */
static bool
set_up(struct request *r, const struct client_target *t)
{
	CURL *h = r->easy;

	r->target = t;
	r->misled = false;
	r->started_us = clock_mono_us();
	return set_transport(h, t) && set_trust(h, t) &&
	       set_certificate(h, t) && set_callbacks(h, r) &&
	       set_text(h, CURLOPT_USERAGENT, "paysieve/" PAYSIEVE_VERSION) &&
	       curl_easy_setopt(h, CURLOPT_HTTPHEADER, r->headers) == CURLE_OK;
}

static bool
add_header(struct request *r, const char *line)
{
	struct curl_slist *list = curl_slist_append(r->headers, line);

	if (list == NULL)
		return false;
	r->headers = list;
	return true;
}

/* A name without a value keeps libcurl from sending its own. */
static bool
fill_headers(struct request *r, const char *const *headers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert(strpbrk(headers[i], "\r\n") == NULL);
		if (!add_header(r, headers[i]))
			return false;
	}
	return add_header(r, "Expect:") && add_header(r, "Accept:");
}

bool
request_post(struct request *r, const struct client_target *t,
    const char *const *headers, size_t n, struct bytes body)
{
	CURL *h = r->easy;

	answer_init(&r->answer, false, ANSWER_BYTES);
	buf_append(&r->body, body.ptr, body.len);
	return buf_status(&r->body) == ST_OK && fill_headers(r, headers, n) &&
	       set_up(r, t) && set_text(h, CURLOPT_URL, t->url) &&
	       set_long(h, CURLOPT_POST, 1) &&
	       curl_easy_setopt(h, CURLOPT_POSTFIELDS,
		   (const char *)r->body.data) == CURLE_OK &&
	       set_long(h, CURLOPT_POSTFIELDSIZE, (long)r->body.len);
}

bool
request_get(struct request *r, const struct client_target *t,
    struct bytes target, size_t most)
{
	CURL *h = r->easy;
	struct buf url;
	bool ok;

	assert(target.len > 0 && target.ptr[0] == '/');
	answer_init(&r->answer, true, most);
	buf_init(&url, URL_CEILING);
	buf_append_text(&url, t->url);
	buf_append(&url, target.ptr, target.len);
	ok = buf_status(&url) == ST_OK &&
	     add_header(r, "Accept: application/json") && set_up(r, t) &&
	     set_text(h, CURLOPT_URL, (const char *)url.data) &&
	     set_text(h, CURLOPT_ACCEPT_ENCODING, "identity") &&
	     set_long(h, CURLOPT_HTTPGET, 1);
	buf_fini(&url);
	return ok;
}

/* ---- the end */

/* A resolver that does not answer ends as a timeout before any address. */
static enum client_end
timeout_end(const struct request *r)
{
	curl_off_t looked_up = 0;

	(void)curl_easy_getinfo(
	    r->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
	return looked_up == 0 ? CLIENT_DNS : CLIENT_TIMEOUT;
}

/* A proxy that answers, but not with a tunnel. */
static bool
proxy_refused(const struct request *r)
{
	long status = 0;

	(void)curl_easy_getinfo(r->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return r->target->proxy != NULL && status != 0 && status / 100 != 2;
}

static enum client_flaw
flaw_of(const struct request *r)
{
	long verdict = X509_V_OK;

	(void)curl_easy_getinfo(r->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
	switch (verdict) {
	case X509_V_OK:
	case X509_V_ERR_UNSPECIFIED:
		/* libcurl looks at the name first, and then at the chain. */
		return CLIENT_FLAW_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CLIENT_FLAW_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CLIENT_FLAW_NOT_YET;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return CLIENT_FLAW_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		return CLIENT_FLAW_ISSUER;
	default:
		return CLIENT_FLAW_OTHER;
	}
}

static enum client_end
end_of(const struct request *r, CURLcode code)
{
	if (proxy_refused(r))
		return CLIENT_PROXY;
	switch (code) {
	case CURLE_OK:
		return CLIENT_ANSWER;
	case CURLE_WRITE_ERROR: /* a ceiling of ours */
		return r->answer.cut ? CLIENT_ANSWER : CLIENT_IO;
	case CURLE_COULDNT_RESOLVE_HOST:
		return CLIENT_DNS;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PROXY:
		return CLIENT_PROXY;
	case CURLE_COULDNT_CONNECT:
		if (r->misled)
			return CLIENT_ADDRESS;
		return r->target->proxy != NULL ? CLIENT_PROXY : CLIENT_CONNECT;
	case CURLE_PEER_FAILED_VERIFICATION:
		return CLIENT_CERTIFICATE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
		return CLIENT_TLS;
	case CURLE_OPERATION_TIMEDOUT:
		return timeout_end(r);
	default:
		return CLIENT_IO;
	}
}

struct client_result
request_result(const struct request *r, CURLcode code)
{
	const struct answer *a = &r->answer;
	struct client_result res = { .end = end_of(r, code),
		.took_us = clock_mono_us() - r->started_us,
		.bytes = (uint32_t)a->body_bytes,
		.retry_after_s = -1 };

	if (res.end == CLIENT_CERTIFICATE)
		res.flaw = flaw_of(r);
	if (res.end != CLIENT_ANSWER)
		return res;
	(void)curl_easy_getinfo(
	    r->easy, CURLINFO_RESPONSE_CODE, &res.http_status);
	/* libcurl is content with a status line and half a header. */
	if (!a->head_whole || res.http_status < 200 || res.http_status > 599) {
		res.end = CLIENT_IO;
		res.http_status = 0;
		return res;
	}
	res.retry_after_s = a->retry_after_s;
	res.body = buf_bytes(&a->body);
	res.cut = a->kept && a->cut;
	return res;
}
