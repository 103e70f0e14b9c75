/*
 * What each room may know: flat structs, made from struct config and the
 * secret files it names, handed to the room as bytes and wiped afterwards.
 *
 * Supervisor's side fills them; a room only reads its own.  No pointers.
 */
#ifndef CONFIG_ROOMS_H
#define CONFIG_ROOMS_H

#include "base/ed25519.h"
#include "base/secret.h"
#include "config/config.h"

#define ROOMS_PEM	   (64 * 1024)
#define ROOMS_TICKET	   80  /* OpenSSL's size of the session ticket keys */
#define ROOMS_SECRETS	   4   /* webhook secrets of one endpoint */
#define ROOMS_SECRET	   64  /* raw bytes of one webhook secret at most */
#define ROOMS_PASSWORDS	   2   /* valid at once while one is changed */
#define ROOMS_PASSWORD	   257 /* one with its NUL */
#define ROOMS_PROVIDERS	   16
#define ROOMS_HEADERS	   4096 /* a billing's further header lines */
#define ROOMS_HEADER_LINES 64

struct room_tls {
	char certificate[ROOMS_PEM]; /* PEM chain, NUL-terminated */
	char key[ROOMS_PEM];	     /* PEM */
	unsigned char ticket[ROOMS_TICKET];
};

/* How the payments of one merchant are read. */
struct merchant_rules {
	char store_id[RECEIPT_MERCHANT];
	enum confirm confirm;
	enum invoice_field invoice_field;
	enum amount_field amount_field;
	enum invoice_guard invoice_guard;
	bool md5_only;
};

/* A merchant as the edge knows it: digests of passwords, never a password. */
struct edge_merchant {
	struct merchant_rules rules;
	struct config_networks addresses; /* empty: of no interest */
	size_t n_passwords;
	char md5[ROOMS_PASSWORDS][SECRET_MD5_HEX];
	char sha256[ROOMS_PASSWORDS][SECRET_SHA256_HEX];
};

struct edge_config {
	struct room_tls tls;
	unsigned char identity_key[32];
	struct config_limits limits;
	struct config_networks proxies;
	size_t n_merchants;
	struct edge_merchant merchants[CONFIG_MERCHANTS];
};

/* The keeper knows names and who gets what; no secret at all. */
struct keeper_config {
	char store_path[CONFIG_PATH];
	int64_t keep_attempts_s, keep_stopped_s, keep_refused_s;
	int64_t redeliver_rate;
	size_t n_merchants, n_billings;
	struct {
		char store_id[RECEIPT_MERCHANT];
		uint32_t billings; /* bits, as in config_merchant */
		enum confirm confirm;
		bool by_tran_id; /* the invoice ID is tran_id */
		enum invoice_guard invoice_guard;
		int64_t confirm_for_s, refuse_after_s;
		int64_t keep_s, keep_at_least_s;
		enum keep_then then;
	} merchants[CONFIG_MERCHANTS];
	struct {
		char name[CONFIG_NAME];
		int64_t rate;
		struct config_schedule schedule;
		enum delivery_order order;
	} billings[CONFIG_BILLINGS];
};

/* Whom to ask, once for all merchants of the same URL and trust. */
struct asker_provider {
	char url[CONFIG_URL]; /* without a '/' at its end */
	char ca[ROOMS_PEM];   /* PEM; empty: the system's store */
};

/* The one room that knows passwords: they are part of every question. */
struct asker_merchant {
	struct merchant_rules rules;
	uint32_t provider; /* index */
	size_t n_passwords;
	char password[ROOMS_PASSWORDS][ROOMS_PASSWORD]; /* the newest first */
};

struct asker_config {
	unsigned char identity_key[32];
	int64_t ask_rate;	/* questions a second to one provider */
	int64_t asks_in_flight; /* at once, to one provider */
	int64_t ask_timeout_ms;
	size_t n_providers, n_merchants;
	struct asker_provider providers[ROOMS_PROVIDERS];
	struct asker_merchant merchants[CONFIG_MERCHANTS];
};

/* What the events of one billing look like, and what signs them. */
struct event_rules {
	enum event_format format;
	size_t n_secrets;
	size_t secret_len[ROOMS_SECRETS];
	unsigned char secret[ROOMS_SECRETS][ROOMS_SECRET]; /* newest first */
	size_t n_signing_keys;
	unsigned char signing_key[ROOMS_SECRETS][ED25519_SEED];
	/* "Name: value" lines, each with a newline; NUL-terminated. */
	char headers[ROOMS_HEADERS];
};

struct courier_billing {
	char name[CONFIG_NAME];
	char url[CONFIG_URL];
	char ca[ROOMS_PEM]; /* PEM; empty: the system's store */
	int64_t timeout_ms, in_flight;
	char certificate[ROOMS_PEM], key[ROOMS_PEM]; /* PEM; empty: none */
	char proxy[CONFIG_URL];			     /* empty: none */
	struct config_networks networks;
	struct event_rules event;
};

struct courier_config {
	size_t n_billings;
	struct courier_billing billings[CONFIG_BILLINGS];
};

struct desk_config {
	struct room_tls tls;
	char api_client_ca[ROOMS_PEM]; /* PEM; empty: none is asked for */
	struct config_limits limits;
	int64_t keep_s;
	size_t n_tokens;
	struct config_token tokens[CONFIG_TOKENS];
	/* What v1a signatures are verified with, of all billings. */
	size_t n_public_keys;
	unsigned char public_keys[CONFIG_BILLINGS * ROOMS_SECRETS]
				 [ED25519_PUBLIC];
};

/*
 * Fill a room's struct, reading the files that c names.  ST_CONFIG with words
 * for the operator in e (a file's name, never its content); out is wiped
 * then.  out is the caller's to wipe in any case.
 *
 * identity.key is made (0600, synced) when it is missing and `create` is
 * true; otherwise a missing one is a fault.  A password file holds one
 * password a line, ROOMS_PASSWORDS at most; a secret file holds one
 * whsec_<base64> a line (24 to 64 bytes decoded), ROOMS_SECRETS at most; a
 * signing key file one whsk_<base64> a line, of a seed of 32 bytes, or of the
 * seed and its public key, ROOMS_SECRETS at most.  A headers file has
 * ROOMS_HEADER_LINES lines at most, and may name anything but what we send
 * ourselves (Content-*, Host, webhook-*, ce-*, User-Agent, Connection,
 * Transfer-Encoding, Expect, ...).
 */
MUST_USE enum status rooms_edge(const struct config *c, bool create,
    const unsigned char ticket[ROOMS_TICKET], struct edge_config *out,
    struct err *e);
MUST_USE enum status
rooms_keeper(const struct config *c, struct keeper_config *out, struct err *e);
/* The identity key is read, never made: rooms_edge() comes first.  ST_CONFIG
 * also for more than ROOMS_PROVIDERS different providers. */
MUST_USE enum status
rooms_asker(const struct config *c, struct asker_config *out, struct err *e);
MUST_USE enum status rooms_courier(
    const struct config *c, struct courier_config *out, struct err *e);
MUST_USE enum status
rooms_desk(const struct config *c, const unsigned char ticket[ROOMS_TICKET],
    struct desk_config *out, struct err *e);

/* Every fault of the files that c names, a line each as config_load() writes
 * them.  Makes nothing: an identity key that is not there yet is none.  false:
 * there are faults. */
MUST_USE bool rooms_check(const struct config *c, struct buf *faults);

/* Add the digests of a password to those of m; for replaying.  ST_BAD_INPUT
 * when it cannot be one, or m has ROOMS_PASSWORDS already. */
MUST_USE enum status
rooms_add_password(struct edge_merchant *m, struct bytes password);

/* The passwords in the file at path, as digests, in place of those of m.
 * ST_CONFIG with words in e. */
MUST_USE enum status
rooms_passwords(const char *path, struct edge_merchant *m, struct err *e);

#endif
