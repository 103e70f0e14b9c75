#include "net/tls.h"

#include <string.h>

#include <openssl/x509.h>

#include "base/clock.h"
#include "config/rooms.h"
#include "net_world.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static struct room_tls cfg;
static struct identity id, other;
static struct world w;
static struct client c;

/* ---- certificates */

static void
configure(const struct identity *certificate, const struct identity *key)
{
	memset(&cfg, 0, sizeof(cfg));
	memcpy(cfg.certificate, certificate->certificate,
	    sizeof(certificate->certificate));
	memcpy(cfg.key, key->key, sizeof(key->key));
}

static void
assert_refused(const char *words)
{
	SSL_CTX *ctx;
	struct err e = { "" };

	assert_int_equal(tls_server_new(&ctx, &cfg, NULL, &e), ST_CONFIG);
	assert_null(ctx);
	assert_string_equal(e.text, words);
}

static void
the_expiry_of_the_certificate_is_told(void **state)
{
	SSL_CTX *ctx;
	int64_t not_after_us, expected = clock_wall_us() + 3600000000;

	(void)state;
	identity_make(&id, NULL, -60, 3600);
	configure(&id, &id);
	assert_int_equal(
	    tls_server_new(&ctx, &cfg, &not_after_us, NULL), ST_OK);
	assert_true(not_after_us > expected - 5000000);
	assert_true(not_after_us < expected + 5000000);
	SSL_CTX_free(ctx);
}

static void
an_expired_certificate_is_refused(void **state)
{
	(void)state;
	identity_make(&id, NULL, -3600, -1);
	configure(&id, &id);
	assert_refused("the certificate has expired");
}

static void
a_certificate_of_the_future_is_refused(void **state)
{
	(void)state;
	identity_make(&id, NULL, 3600, 7200);
	configure(&id, &id);
	assert_refused("the certificate is not valid yet");
}

static void
a_key_of_another_certificate_is_refused(void **state)
{
	(void)state;
	identity_make(&id, NULL, -60, 3600);
	identity_make(&other, NULL, -60, 3600);
	configure(&id, &other);
	assert_refused("certificate and private key do not fit");
}

static void
what_is_no_pem_is_refused(void **state)
{
	(void)state;
	identity_make(&id, NULL, -60, 3600);
	configure(&id, &id);
	cfg.certificate[0] = '\0';
	assert_refused("the certificate cannot be read as PEM");
	configure(&id, &id);
	memset(cfg.certificate, 'x', sizeof(cfg.certificate)); /* no NUL */
	assert_refused("the certificate cannot be read as PEM");
	configure(&id, &id);
	cfg.key[0] = '\0';
	assert_refused("the private key cannot be read as PEM");
	configure(&id, &id);
	memcpy(cfg.key, cfg.certificate, sizeof(cfg.key));
	assert_refused("the private key cannot be read as PEM");
	configure(&id, &id);
	(void)strncat(cfg.certificate,
	    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	    100);
	assert_refused("the certificate chain cannot be read");
}

static void
the_chain_of_the_file_is_kept(void **state)
{
	STACK_OF(X509) *chain = NULL;
	SSL_CTX *ctx;

	(void)state;
	identity_make(&other, NULL, -60, 3600);
	identity_make(&id, &other, -60, 3600);
	configure(&id, &id);
	(void)strncat(cfg.certificate, other.certificate, 4096);
	assert_int_equal(tls_server_new(&ctx, &cfg, NULL, NULL), ST_OK);
	(void)SSL_CTX_get0_chain_certs(ctx, &chain);
	assert_int_equal(sk_X509_num(chain), 1);
	SSL_CTX_free(ctx);
}

/* ---- handshakes */

static void
begin(void)
{
	world_init(&w);
	world_start(&w, true);
}

static void
end(void)
{
	client_close(&c);
	world_stop(&w);
}

/* With a client as set up in w.client_tls. */
static void
connect_with(bool works)
{
	client_connect(&c, &w, -1);
	assert_int_equal(client_handshake(&c, w.client_tls, NULL), works);
	if (!works) {
		world_until(&w, MET_CONN_CLOSED_HANDSHAKE, 1);
		return;
	}
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
}

static void
tls_1_2_with_forward_secrecy_works(void **state)
{
	(void)state;
	begin();
	(void)SSL_CTX_set_max_proto_version(w.client_tls, TLS1_2_VERSION);
	connect_with(true);
	assert_string_equal(
	    SSL_get_cipher(c.ssl), "ECDHE-ECDSA-AES128-GCM-SHA256");
	end();
}

static void
tls_1_3_is_what_both_choose(void **state)
{
	(void)state;
	begin();
	connect_with(true);
	assert_int_equal(SSL_version(c.ssl), TLS1_3_VERSION);
	end();
}

static void
tls_1_1_is_refused(void **state)
{
	(void)state;
	begin();
	SSL_CTX_set_security_level(w.client_tls, 0);
	(void)SSL_CTX_set_min_proto_version(w.client_tls, TLS1_VERSION);
	(void)SSL_CTX_set_max_proto_version(w.client_tls, TLS1_1_VERSION);
	connect_with(false);
	end();
}

static void
old_cipher_suites_are_refused(void **state)
{
	(void)state;
	begin();
	(void)SSL_CTX_set_max_proto_version(w.client_tls, TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_set_cipher_list(w.client_tls,
			     "ECDHE-ECDSA-AES128-SHA256:"
			     "ECDHE-ECDSA-AES256-SHA:AES128-GCM-SHA256"),
	    1);
	connect_with(false);
	end();
}

static void
only_http_1_1_is_negotiated(void **state)
{
	const unsigned char *chosen;
	unsigned len;

	(void)state;
	begin();
	(void)SSL_CTX_set_alpn_protos(
	    w.client_tls, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	connect_with(true);
	SSL_get0_alpn_selected(c.ssl, &chosen, &len);
	assert_int_equal(len, 8);
	assert_memory_equal(chosen, "http/1.1", 8);
	client_close(&c);
	(void)SSL_CTX_set_alpn_protos(
	    w.client_tls, (const unsigned char *)"\x02h2", 3);
	connect_with(false);
	end();
}

static void
a_session_is_resumed_by_its_ticket(void **state)
{
	SSL_SESSION *session;

	(void)state;
	begin();
	connect_with(true);
	assert_int_equal(world_count(&w, MET_TLS_FULL), 1);
	session = SSL_get1_session(c.ssl);
	(void)SSL_shutdown(c.ssl);
	client_close(&c);
	client_connect(&c, &w, -1);
	assert_true(client_handshake(&c, w.client_tls, session));
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&w, MET_TLS_FULL), 1);
	assert_int_equal(world_count(&w, MET_TLS_RESUMED), 1);
	SSL_SESSION_free(session);
	end();
}

static void
renegotiation_is_refused(void **state)
{
	(void)state;
	begin();
	(void)SSL_CTX_set_max_proto_version(w.client_tls, TLS1_2_VERSION);
	connect_with(true);
	(void)SSL_renegotiate(c.ssl);
	(void)SSL_do_handshake(c.ssl);
	while (!c.eof) {
		if (!client_poll(&c) && !c.eof)
			world_turn(&w);
	}
	end();
}

static void
http_without_tls_is_no_handshake(void **state)
{
	(void)state;
	begin();
	client_connect(&c, &w, -1);
	client_text(&c, GET("/ok"));
	world_until(&w, MET_CONN_CLOSED_HANDSHAKE, 1);
	assert_int_equal(w.requests, 0);
	end();
}

static void
a_peer_may_close_without_a_word(void **state)
{
	(void)state;
	begin();
	connect_with(true);
	client_close(&c);
	world_until(&w, MET_CONN_CLOSED_PEER, 1);
	world_stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_expiry_of_the_certificate_is_told),
		cmocka_unit_test(an_expired_certificate_is_refused),
		cmocka_unit_test(a_certificate_of_the_future_is_refused),
		cmocka_unit_test(a_key_of_another_certificate_is_refused),
		cmocka_unit_test(what_is_no_pem_is_refused),
		cmocka_unit_test(the_chain_of_the_file_is_kept),
		cmocka_unit_test(tls_1_2_with_forward_secrecy_works),
		cmocka_unit_test(tls_1_3_is_what_both_choose),
		cmocka_unit_test(tls_1_1_is_refused),
		cmocka_unit_test(old_cipher_suites_are_refused),
		cmocka_unit_test(only_http_1_1_is_negotiated),
		cmocka_unit_test(a_session_is_resumed_by_its_ticket),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(http_without_tls_is_no_handshake),
		cmocka_unit_test(a_peer_may_close_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
