#include "net/tls.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/secret.h"

#define CIPHERS_TLS12                                                \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_TLS13                                    \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

#define BRIEF_RECORD 4096

static const unsigned char session_context[] = "paysieve";

/* An encrypted key has no one to ask for its passphrase. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static BIO *
open_pem(const char *pem, size_t cap)
{
	return BIO_new_mem_buf(pem, (int)strnlen(pem, cap));
}

static enum status
check_dates(X509 *leaf, int64_t *not_after_us, struct err *e)
{
	const ASN1_TIME *not_after = X509_get0_notAfter(leaf);
	time_t now = (time_t)(clock_wall_us() / 1000000);
	int to_start = ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), now);
	int to_end = ASN1_TIME_cmp_time_t(not_after, now);
	int days, seconds;
	ASN1_TIME *epoch;
	bool ok;

	if (to_start == -2 || to_end == -2) {
		err_set(e, "the certificate's dates cannot be read");
		return ST_CONFIG;
	}
	if (to_start > 0 || to_end < 0) {
		err_set(e, to_end < 0 ? "the certificate has expired"
				      : "the certificate is not valid yet");
		return ST_CONFIG;
	}
	if (not_after_us == NULL)
		return ST_OK;
	epoch = ASN1_TIME_set(NULL, 0);
	ok = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, not_after);
	ASN1_TIME_free(epoch);
	if (!ok)
		return ST_NO_MEMORY;
	*not_after_us = ((int64_t)days * 86400 + seconds) * 1000000;
	return ST_OK;
}

/* Did reading end because there was no further one? */
static bool
pem_ended(void)
{
	unsigned long last = ERR_peek_last_error();

	return ERR_GET_LIB(last) == ERR_LIB_PEM &&
	       ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/* What follows the leaf in the file: the chain, as far as it goes. */
static enum status
use_chain(SSL_CTX *ctx, BIO *bio, struct err *e)
{
	X509 *ca;

	while (
	    (ca = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
		if (SSL_CTX_add0_chain_cert(ctx, ca) != 1) {
			X509_free(ca);
			err_set(e, "the certificate chain cannot be used");
			return ST_CONFIG;
		}
	}
	if (!pem_ended()) {
		err_set(e, "the certificate chain cannot be read");
		return ST_CONFIG;
	}
	return ST_OK;
}

static enum status
use_certificate(SSL_CTX *ctx, const struct room_tls *cfg, int64_t *not_after_us,
    struct err *e)
{
	BIO *bio = open_pem(cfg->certificate, sizeof(cfg->certificate));
	X509 *leaf = NULL;
	enum status st = ST_CONFIG;

	if (bio != NULL)
		leaf = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
	if (leaf == NULL) {
		err_set(e, "the certificate cannot be read as PEM");
		goto out;
	}
	st = check_dates(leaf, not_after_us, e);
	if (st != ST_OK)
		goto out;
	if (SSL_CTX_use_certificate(ctx, leaf) != 1) {
		err_set(e, "the certificate cannot be used");
		st = ST_CONFIG;
		goto out;
	}
	st = use_chain(ctx, bio, e);
out:
	X509_free(leaf);
	BIO_free(bio);
	return st;
}

static enum status
use_key(SSL_CTX *ctx, const struct room_tls *cfg, struct err *e)
{
	BIO *bio = open_pem(cfg->key, sizeof(cfg->key));
	EVP_PKEY *key = NULL;
	enum status st = ST_CONFIG;

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (key == NULL)
		err_set(e, "the private key cannot be read as PEM");
	else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		err_set(e, "certificate and private key do not fit");
	else
		st = ST_OK;
	EVP_PKEY_free(key);
	BIO_free(bio);
	return st;
}

/* HTTP/1.1 or nothing; a client that offers only others is turned away. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static bool
set_policy(SSL_CTX *ctx, const struct room_tls *cfg)
{
	unsigned char ticket[ROOMS_TICKET];
	bool ok;

	/* A peer that just hangs up: message ends are told by lengths, so
	 * nothing can be cut off unnoticed. */
	(void)SSL_CTX_set_options(
	    ctx, (SECRET_WIPES ? SSL_OP_CLEANSE_PLAINTEXT : 0) |
		     SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		     SSL_OP_CIPHER_SERVER_PREFERENCE |
		     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
					SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					/* It stands in the file. */
					SSL_MODE_NO_AUTO_CHAIN);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* One read() for a record instead of two. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	memcpy(ticket, cfg->ticket, sizeof(ticket));
	ok = SSL_CTX_set_tlsext_ticket_keys(ctx, ticket, sizeof(ticket)) == 1;
	secret_wipe(ticket, sizeof(ticket));
	return ok && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, CIPHERS_TLS13) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
	       SSL_CTX_set_session_id_context(
		   ctx, session_context, sizeof(session_context) - 1) == 1;
}

enum status
tls_server_new(SSL_CTX **out, const struct room_tls *cfg, int64_t *not_after_us,
    struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum status st;

	*out = NULL;
	if (ctx == NULL || !set_policy(ctx, cfg)) {
		err_set(e, "a TLS context cannot be made");
		st = ST_INTERNAL;
		goto out;
	}
	st = use_certificate(ctx, cfg, not_after_us, e);
	if (st == ST_OK)
		st = use_key(ctx, cfg, e);
	if (st != ST_OK)
		goto out;
	*out = ctx;
	ctx = NULL;
out:
	/* The queue may name what stands in the files. */
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return st;
}

void
tls_server_brief(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	/* The memory of a record is taken, and wiped, for each one. */
	(void)SSL_CTX_set_max_send_fragment(ctx, BRIEF_RECORD);
}

/* Every certificate of bio; false when there is none or one is broken. */
static bool
add_authorities(SSL_CTX *ctx, BIO *bio)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	bool ok = true;
	size_t n = 0;
	X509 *ca;

	ERR_clear_error();
	while (ok && (ca = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) !=
			 NULL) {
		ok = X509_STORE_add_cert(store, ca) == 1 &&
		     SSL_CTX_add_client_CA(ctx, ca) == 1;
		X509_free(ca);
		n++;
	}
	return ok && n > 0 && pem_ended();
}

/* A ticket of a listener that asks nobody, or asks for others, is sealed with
 * the same keys: it must not stand for a certificate here. */
static bool
set_own_sessions(SSL_CTX *ctx, const char *ca_pem)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	return EVP_Digest(ca_pem, strlen(ca_pem), digest, NULL, EVP_sha256(),
		   NULL) == 1 &&
	       SSL_CTX_set_session_id_context(ctx, digest, sizeof(digest)) == 1;
}

enum status
tls_server_client_ca(SSL_CTX *ctx, const char *ca_pem, struct err *e)
{
	BIO *bio = open_pem(ca_pem, strlen(ca_pem));
	enum status st = ST_CONFIG;

	if (bio != NULL && add_authorities(ctx, bio) &&
	    set_own_sessions(ctx, ca_pem)) {
		SSL_CTX_set_verify(ctx,
		    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		st = ST_OK;
	} else {
		err_set(e, "the authorities of API clients cannot be read");
	}
	ERR_clear_error();
	BIO_free(bio);
	return st;
}

void
tls_server_free(SSL_CTX *ctx)
{
	SSL_CTX_free(ctx);
}
