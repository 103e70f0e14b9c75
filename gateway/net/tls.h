/*
 * TLS contexts for the server side: 1.2 and 1.3, forward secrecy only.
 *
 * OpenSSL reads and writes the socket itself, so plaintext lives in the
 * connection's buffer alone: SSL_OP_CLEANSE_PLAINTEXT, released idle buffers,
 * no renegotiation, no compression, no early data.  Tickets are sealed with
 * the keys given, which all processes of one start share.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <openssl/types.h>

#include "base/status.h"
#include "config/rooms.h"

/*
 * A context for cfg, tls_server_free() by the caller; *not_after_us (may be
 * NULL) is when the leaf certificate expires.  ST_CONFIG with words in e when
 * certificate and key do not fit each other, cannot be read, or the
 * certificate has expired or is not valid yet.
 */
MUST_USE enum status tls_server_new(SSL_CTX **out, const struct room_tls *cfg,
    int64_t *not_after_us, struct err *e);

/* Ask clients for a certificate of one of these authorities (PEM), and take
 * none without; a session that began elsewhere is not resumed.  ST_CONFIG:
 * they cannot be read. */
MUST_USE enum status
tls_server_client_ca(SSL_CTX *ctx, const char *ca_pem, struct err *e);

/* For peers that send one request, get a short answer and never come back with
 * a ticket: none is made for them. */
void tls_server_brief(SSL_CTX *ctx);

/* NULL is fine. */
void tls_server_free(SSL_CTX *ctx);

#endif
