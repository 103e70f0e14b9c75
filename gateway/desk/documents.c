#include "desk/documents.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/secret.h"
#include "desk/etag.h"

#define JWKS_MOST (64 * 1024)
#define KEY_TEXT  44 /* base64url of 32 bytes, and a NUL */

struct documents {
	struct buf jwks;
};

static const char openapi[] =
#include "openapi_json.inc"
    ;

/* 32 bytes as base64url without padding (RFC 7515, 2). */
static void
base64url(const unsigned char in[32], char out[KEY_TEXT])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-_";
	size_t n = 0;

	for (size_t i = 0; i < 32; i += 3) {
		unsigned long bits = (unsigned long)in[i] << 16;

		if (i + 1 < 32)
			bits |= (unsigned long)in[i + 1] << 8;
		if (i + 2 < 32)
			bits |= in[i + 2];
		for (int shift = 18; shift >= 0 && n < KEY_TEXT - 1; shift -= 6)
			out[n++] = letters[bits >> shift & 63];
	}
	out[n] = '\0';
}

/* RFC 7638: the digest of the members that are needed, in their order. */
static enum status
thumbprint(const char x[KEY_TEXT], char out[KEY_TEXT])
{
	unsigned char digest[SECRET_SHA256];
	char text[128];
	int n = snprintf(text, sizeof(text),
	    "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
	enum status st = secret_sha256(text, (size_t)n, digest);

	base64url(digest, out);
	return st;
}

static enum status
write_jwks(const struct desk_config *cfg, struct buf *out)
{
	char x[KEY_TEXT], kid[KEY_TEXT];

	buf_append_text(out, "{\"keys\":[");
	for (size_t i = 0; i < cfg->n_public_keys; i++) {
		base64url(cfg->public_keys[i], x);
		if (thumbprint(x, kid) != ST_OK)
			return ST_INTERNAL;
		buf_printf(out,
		    "%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
		    "\"alg\":\"EdDSA\",\"kid\":\"%s\",\"x\":\"%s\"}",
		    i > 0 ? "," : "", kid, x);
	}
	buf_append_text(out, "]}");
	return buf_status(out);
}

enum status
documents_new(
    struct documents **out, const struct desk_config *cfg, struct err *e)
{
	struct documents *d = calloc(1, sizeof(*d));

	*out = d;
	if (d == NULL) {
		err_set(e, "no memory");
		return ST_NO_MEMORY;
	}
	buf_init(&d->jwks, JWKS_MOST);
	if (write_jwks(cfg, &d->jwks) == ST_OK)
		return ST_OK;
	err_set(e, "the public keys cannot be written down");
	documents_free(d);
	*out = NULL;
	return ST_INTERNAL;
}

void
documents_free(struct documents *d)
{
	if (d == NULL)
		return;
	buf_fini(&d->jwks);
	free(d);
}

static void
reply_document(const struct route_request *r, struct bytes body)
{
	struct bytes field = http_field(r->head, "if-none-match");
	char etag[ETAG_TEXT], fields[ETAG_TEXT + 16];
	struct server_reply reply = { .status = 200,
		.content_type = "application/json",
		.fields = fields,
		.body = body,
		.head_only = r->head_only };

	if (etag_of(body, etag) != ST_OK) {
		server_problem(r->server, r->id, PROBLEM_INTERNAL, NULL);
		return;
	}
	(void)snprintf(fields, sizeof(fields), "ETag: %s\r\n", etag);
	if (field.ptr != NULL && etag_listed(field, etag)) {
		reply.status = 304;
		reply.content_type = NULL;
	}
	server_reply(r->server, r->id, &reply);
}

void
documents_openapi(void *unit, const struct route_request *r)
{
	(void)unit;
	reply_document(r, bytes_make(openapi, sizeof(openapi) - 1));
}

void
documents_jwks(void *unit, const struct route_request *r)
{
	const struct documents *d = unit;

	reply_document(r, buf_bytes(&d->jwks));
}
