/*
 * Configuration: one INI file, PAYSIEVE_<SECTION>_<KEY> over it, checked whole.
 *
 * struct config is what the file says.  Each room gets a struct of its own
 * (config/rooms.h) made from it, with only what that room may know; those
 * hold no pointers, so that they can be handed over as bytes.  All are const
 * once made.
 *
 * Start-up and reload only; one thread.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/network.h"
#include "base/status.h"
#include "receipt/receipt.h"

#define CONFIG_MERCHANTS 256
#define CONFIG_BILLINGS	 32
#define CONFIG_TOKENS	 256
#define CONFIG_NAME	 33 /* a section's name: up to 32 of [A-Za-z0-9_-] */
#define CONFIG_PATH	 512
#define CONFIG_URL	 512
#define CONFIG_GAPS	 24 /* of a schedule */
#define CONFIG_NETWORKS	 16

struct config_address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
	socklen_t len;
	char text[64];	/* as written */
	char bound[64]; /* once it is listened on: with the port given */
};

enum confirm { CONFIRM_REQUIRED, CONFIRM_OFF };
enum invoice_field {
	INVOICE_TRAN_ID,
	INVOICE_VALUE_A,
	INVOICE_VALUE_B,
	INVOICE_VALUE_C,
	INVOICE_VALUE_D
};
enum event_format {
	FORMAT_WEBHOOK,
	FORMAT_CLOUDEVENTS, /* 1.0, structured mode */
	FORMAT_CLOUDEVENTS_BINARY
};
enum delivery_order { ORDER_NONE, ORDER_INVOICE };

struct config_networks {
	size_t n;
	struct network list[CONFIG_NETWORKS];
};

/* From one attempt to the next, in milliseconds. */
struct config_schedule {
	size_t n; /* at least 1 */
	int64_t gap_ms[CONFIG_GAPS];
};

enum amount_field { AMOUNT_REQUESTED, AMOUNT_SETTLED };
enum keep_then { THEN_DELETE, THEN_DEIDENTIFY };
enum invoice_guard { INVOICE_GUARD_ON, INVOICE_GUARD_OFF };

enum scope {
	SCOPE_READ = 1,
	SCOPE_ERASE = 2,
	SCOPE_CHECK = 4,
	SCOPE_DELIVER = 8,
	SCOPE_CONFIRM = 16
};

struct config_merchant {
	char store_id[CONFIG_NAME];
	char password_file[CONFIG_PATH];
	char provider_url[CONFIG_URL];
	char provider_ca_file[CONFIG_PATH]; /* empty: the system's store */
	enum confirm confirm;
	int64_t confirm_for_s;	 /* unanswered for so long: held */
	int64_t refuse_after_s;	 /* denied for so long: refused */
	int64_t keep_s;		 /* kept for so long; 0: as of the store */
	int64_t keep_at_least_s; /* not erased before */
	enum keep_then then;
	enum invoice_field invoice_field;
	enum amount_field amount_field;
	enum invoice_guard invoice_guard;
	bool md5_only;
	struct config_networks addresses; /* empty: of no interest */
	uint32_t billings; /* bit i: billing i gets this merchant's receipts */
};

struct config_billing {
	char name[CONFIG_NAME];
	char url[CONFIG_URL];
	char secret_file[CONFIG_PATH];
	char ca_file[CONFIG_PATH]; /* empty: the system's store */
	int64_t timeout_ms;	   /* of one attempt, whole */
	int64_t in_flight;	   /* attempts at once */
	int64_t rate;		   /* attempts a second */
	struct config_schedule schedule;
	enum delivery_order order;
	enum event_format format;
	char signing_key_file[CONFIG_PATH]; /* empty: no v1a signatures */
	char certificate[CONFIG_PATH], key[CONFIG_PATH]; /* both or none */
	char headers_file[CONFIG_PATH];			 /* empty: none */
	char proxy[CONFIG_URL];				 /* empty: none */
	struct config_networks networks; /* not public, but allowed */
};

struct config_token {
	char name[CONFIG_NAME];
	unsigned char sha256[32];
	char merchant[CONFIG_NAME];
	unsigned scopes;    /* enum scope, or-ed */
	int64_t expires_us; /* INT64_MAX: never */
};

struct config_limits {
	int64_t edges;	     /* edge processes; default: one a core */
	int64_t connections; /* per listener and process */
	int64_t connections_per_address;
	int64_t handshakes; /* under way at once, per process */
	int64_t handshake_ms, head_ms, body_ms, idle_ms; /* absolute */
	int64_t drain_ms;	/* from SIGTERM until what is left is cut */
	int64_t ask_rate;	/* questions a second to one provider */
	int64_t asks_in_flight; /* at once, to one provider */
	int64_t ask_ms;		/* of one question, whole */
	int64_t api_rate;	/* API requests of one token a minute */
	int64_t waiters;	/* long polls and streams at once */
	int64_t redeliver_rate; /* deliveries asked for again, a second */
};

struct config {
	char file[CONFIG_PATH];
	struct config_address callbacks, api, admin;
	struct config_networks proxies; /* in front of callbacks */
	char certificate[CONFIG_PATH], key[CONFIG_PATH];
	char api_client_ca_file[CONFIG_PATH]; /* empty: none is asked for */
	char store_path[CONFIG_PATH]; /* from sqlite:PATH, made absolute */
	char identity_key_file[CONFIG_PATH];
	char ledger_key_file[CONFIG_PATH];
	int64_t keep_s;		 /* seconds a receipt is kept */
	int64_t keep_attempts_s; /* the same of the attempt log, */
	int64_t keep_stopped_s;	 /* of deliveries that were given up, */
	int64_t keep_refused_s;	 /* and of tombstones of refused payments */
	struct config_limits limits;
	size_t n_merchants, n_billings, n_tokens;
	struct config_merchant merchants[CONFIG_MERCHANTS];
	struct config_billing billings[CONFIG_BILLINGS];
	struct config_token tokens[CONFIG_TOKENS];
};

/*
 * Read path and the environment into a new *out, config_free() by the caller.
 * On ST_CONFIG *out is NULL and every fault found stands in faults, one line
 * each: "FILE:LINE: words".  Values of secrets never appear there.
 *
 * Checked: grammar, unknown and doubled keys and sections, ranges, names that
 * refer to each other, https for provider_url and url (http to loopback
 * only), and that the files named exist; their content is checked by
 * rooms_check().
 */
MUST_USE enum status
config_load(struct config **out, const char *path, struct buf *faults);

void config_free(struct config *c);

/* NULL: there is no such merchant. */
const struct config_merchant *
config_merchant(const struct config *c, const char *store_id);

/* The control socket's path, derived from the store's. */
MUST_USE enum status
config_control_path(const struct config *c, char *out, size_t cap);

/* How long receipts of m are kept: by its own term or the store's, and never
 * shorter than keep_at_least. */
int64_t config_keep_s(const struct config *c, const struct config_merchant *m);

#endif
