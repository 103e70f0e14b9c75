#include "net/tls.h"

#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>
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

/* proves: R24 */
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

/* proves: R22 */
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

/* proves: R22 */
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

/* Behind the answer, for in TLS 1.3 a ticket comes with it. */
static void
a_brief_server_makes_no_tickets(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		world_init(&w);
		w.brief = true;
		world_start(&w, true);
		(void)SSL_CTX_set_max_proto_version(w.client_tls, versions[i]);
		connect_with(true);
		client_text(&c, GET("/ok"));
		client_expect(&c, 200, "OK");
		assert_false(SSL_SESSION_has_ticket(SSL_get_session(c.ssl)));
		end();
	}
}

/* proves: R22 */
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

/* proves: R22 */
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

/* ---- certificates of clients */

static struct identity authority, stranger, member;

static void
begin_asking(int version)
{
	if (authority.key[0] == '\0')
		identity_authority(&authority, "authority.example");
	world_init(&w);
	w.client_ca = authority.certificate;
	world_start(&w, true);
	(void)SSL_CTX_set_max_proto_version(w.client_tls, version);
}

static void
show(const struct identity *who)
{
	BIO *bio = BIO_new_mem_buf(who->certificate, -1);
	X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	EVP_PKEY *key;

	BIO_free(bio);
	bio = BIO_new_mem_buf(who->key, -1);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_int_equal(SSL_CTX_use_certificate(w.client_tls, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(w.client_tls, key), 1);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* In TLS 1.3 a client has sent its certificate and is done before it hears
 * what the server thinks of it. */
static void
expect_turned_away(SSL_SESSION *session)
{
	int64_t before = world_count(&w, MET_CONN_CLOSED_HANDSHAKE);

	client_connect(&c, &w, -1);
	if (client_handshake(&c, w.client_tls, session)) {
		(void)client_offer(&c, GET("/ok"), sizeof(GET("/ok")) - 1);
		while (!c.eof) {
			if (!client_poll(&c) && !c.eof)
				world_turn(&w);
		}
		assert_int_equal(c.in.len, 0);
	}
	world_until(&w, MET_CONN_CLOSED_HANDSHAKE, before + 1);
	assert_int_equal(w.requests, 0);
}

static void
only_certificates_of_the_authority_get_in(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	identity_authority(&stranger, "stranger.example");
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		begin_asking(versions[i]);
		expect_turned_away(NULL); /* has none */
		client_close(&c);
		identity_make(&member, &stranger, -60, 3600);
		show(&member);
		expect_turned_away(NULL); /* of another */
		client_close(&c);
		identity_make(&member, NULL, -60, 3600);
		show(&member);
		expect_turned_away(NULL); /* of nobody */
		client_close(&c);
		identity_make(&member, &authority, -3600, -1);
		show(&member);
		expect_turned_away(NULL); /* is too old */
		client_close(&c);
		identity_make(&member, &authority, -60, 3600);
		show(&member);
		connect_with(true);
		end();
	}
}

static void
an_authority_of_the_same_name_is_another(void **state)
{
	(void)state;
	begin_asking(TLS1_3_VERSION);
	identity_authority(&stranger, "authority.example");
	identity_make(&member, &stranger, -60, 3600);
	show(&member);
	expect_turned_away(NULL);
	end();
}

/* Tickets of all listeners are sealed with the same keys. */
static void
a_ticket_stands_for_no_certificate(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	SSL_SESSION *session;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		begin(); /* asks nobody */
		(void)SSL_CTX_set_max_proto_version(w.client_tls, versions[i]);
		connect_with(true);
		session = SSL_get1_session(c.ssl);
		assert_true(SSL_SESSION_has_ticket(session));
		(void)SSL_shutdown(c.ssl);
		end();
		begin_asking(versions[i]);
		expect_turned_away(session);
		SSL_SESSION_free(session);
		end();
	}
}

static void
a_member_resumes_its_own_session(void **state)
{
	SSL_SESSION *session;

	(void)state;
	begin_asking(TLS1_3_VERSION);
	identity_make(&member, &authority, -60, 3600);
	show(&member);
	connect_with(true);
	session = SSL_get1_session(c.ssl);
	(void)SSL_shutdown(c.ssl);
	client_close(&c);
	client_connect(&c, &w, -1);
	assert_true(client_handshake(&c, w.client_tls, session));
	client_text(&c, GET("/ok"));
	client_expect(&c, 200, "OK");
	assert_int_equal(world_count(&w, MET_TLS_RESUMED), 1);
	SSL_SESSION_free(session);
	end();
}

static void
authorities_that_cannot_be_read_are_refused(void **state)
{
	static char text[2][8192];
	struct err e;
	SSL_CTX *ctx;

	(void)state;
	identity_authority(&authority, "authority.example");
	identity_make(&id, NULL, -60, 3600);
	configure(&id, &id);
	assert_int_equal(tls_server_new(&ctx, &cfg, NULL, NULL), ST_OK);
	(void)snprintf(text[0], sizeof(text[0]), "%s", id.key);
	(void)snprintf(text[1], sizeof(text[1]),
	    "%s-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n",
	    authority.certificate);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    tls_server_client_ca(ctx, i < 2 ? text[i] : "", &e),
		    ST_CONFIG);
		assert_string_equal(
		    e.text, "the authorities of API clients cannot be read");
	}
	SSL_CTX_free(ctx);
}

static void
every_authority_of_the_file_counts(void **state)
{
	static char both[8192];

	(void)state;
	identity_authority(&authority, "authority.example");
	identity_authority(&stranger, "stranger.example");
	(void)snprintf(both, sizeof(both), "%s%s", authority.certificate,
	    stranger.certificate);
	world_init(&w);
	w.client_ca = both;
	world_start(&w, true);
	identity_make(&member, &stranger, -60, 3600);
	show(&member);
	connect_with(true);
	client_close(&c);
	identity_make(&member, &authority, -60, 3600);
	show(&member);
	connect_with(true);
	end();
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
		cmocka_unit_test(a_brief_server_makes_no_tickets),
		cmocka_unit_test(renegotiation_is_refused),
		cmocka_unit_test(http_without_tls_is_no_handshake),
		cmocka_unit_test(a_peer_may_close_without_a_word),
		cmocka_unit_test(only_certificates_of_the_authority_get_in),
		cmocka_unit_test(an_authority_of_the_same_name_is_another),
		cmocka_unit_test(a_ticket_stands_for_no_certificate),
		cmocka_unit_test(a_member_resumes_its_own_session),
		cmocka_unit_test(authorities_that_cannot_be_read_are_refused),
		cmocka_unit_test(every_authority_of_the_file_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
