/*
 * A delivery: one receipt owed to one endpoint.  Its id, its states, how an
 * attempt ended, and its JSON.  Pure.  Any thread.
 */
#ifndef RECEIPT_DELIVERY_H
#define RECEIPT_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "receipt/receipt.h"

#define DELIVERY_ENDPOINT 33 /* a billing name: up to 32 and a NUL */
#define DELIVERY_ID	  64 /* "dlv_", 26 letters, "_", a name, a NUL */

/* The seq of a notice, which tells an endpoint that a receipt is erased, has
 * this bit; that of a receipt never gets so far. */
#define DELIVERY_NOTICE (UINT64_C(1) << 46)

enum delivery_state {	    /* stored by number */
	DELIVERY_PENDING,   /* owed; tried by the schedule */
	DELIVERY_DELIVERED, /* billing has it */
	DELIVERY_EXHAUSTED, /* the schedule ended; kept until a person acts */
	DELIVERY_DROPPED,   /* a person does not want it delivered */
	DELIVERY_STATES
};

enum outcome {
#define OUTCOME(NAME, word) OUTCOME_##NAME,
#include "base/outcome.def"
#undef OUTCOME
	OUTCOMES /* also: none, no attempt was made */
};

struct delivery {
	struct receipt receipt;
	char endpoint[DELIVERY_ENDPOINT];
	enum delivery_state state;
	uint32_t attempts;    /* made so far, all of them */
	enum outcome outcome; /* of the last one; OUTCOMES: none */
	uint32_t http_status; /* of the last one; 0: no answer */
	int64_t at_us;	      /* pending: when it is due; else since when */
};

struct delivery_attempt {
	uint32_t number; /* from 1 */
	int64_t at_us;	 /* when it ended */
	enum outcome outcome;
	uint32_t http_status; /* 0: no answer */
	uint32_t took_ms;
	uint32_t bytes; /* of the answer's body, counted and thrown away */
};

/* "pending", ... */
const char *delivery_word(enum delivery_state s);
MUST_USE bool delivery_parse(struct bytes word, enum delivery_state *out);

/* "delivered", "status", ...; of OUTCOMES "none". */
const char *outcome_word(enum outcome o);

/* May a person move a delivery so?  To PENDING is "retry", to DROPPED
 * "drop". */
MUST_USE bool delivery_move(enum delivery_state from, enum delivery_state to);

/* The id that people and programs name it by: of the receipt and endpoint. */
void delivery_id(
    const struct receipt_id *id, const char *endpoint, char out[DELIVERY_ID]);
/* The inverse; endpoint is padded with zeros.  false for anything that
 * delivery_id() would not have written. */
MUST_USE bool delivery_id_parse(
    struct bytes text, struct receipt_id *id, char endpoint[DELIVERY_ENDPOINT]);

/* Append it as JSON, members as in schemas/delivery.schema.json, without
 * its log. */
void delivery_json(const struct delivery *d, struct buf *out);
/* Append one entry of "log". */
void delivery_attempt_json(const struct delivery_attempt *a, struct buf *out);

#endif
