/*
 * The ledger: an append-only Merkle tree that outlives what it is about.
 *
 * Tree and proofs are those of RFC 6962, section 2.1, with SHA-256: a leaf is
 * H(0x00 data), a node H(0x01 left right), the empty tree H().  Leaves count
 * from 0.  The data of a leaf, numbers with their first byte first:
 *
 *   a receipt   'R' salt[32] seq[8] merchant 0x00 JSON
 *   an erasure  'E' of[8] hash[32] why[1] at_us[8]
 *
 * JSON: as receipt_json() writes it and the API serves it.  The salt is
 * random and goes when the receipt goes; without it the leaf tells nothing,
 * however few the receipts that it could be of.  An erasure names the leaf
 * that lost its receipt, and repeats its hash.
 *
 * A head is what is published of a tree.  What is signed of it, with Ed25519,
 * is the TreeHeadSignature of RFC 6962, section 3.5:
 *
 *   0x00 0x01 timestamp_ms[8] size[8] root[32]
 *
 * Any thread.
 */
#ifndef RECEIPT_LEDGER_H
#define RECEIPT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/status.h"
#include "receipt/receipt.h"

#define LEDGER_HASH   32
#define LEDGER_SALT   32
#define LEDGER_PEAKS  64 /* of as many leaves as can be counted */
#define LEDGER_PATH   65 /* hashes of a proof, at most */
#define LEDGER_SIGNED 50

struct ledger_hash {
	unsigned char b[LEDGER_HASH];
};

struct ledger_salt {
	unsigned char b[LEDGER_SALT];
};

struct ledger_erasure {
	uint64_t of;		 /* the leaf that lost its receipt */
	struct ledger_hash hash; /* its hash */
	uint8_t why;
	int64_t at_us;
};

/* The perfect subtrees of a tree, from the left, which are the largest
 * first: as many as size has bits set.  Zero: the empty tree. */
struct ledger_tree {
	uint64_t size;
	struct ledger_hash peaks[LEDGER_PEAKS];
	enum status failed; /* the first failure, see ledger_root() */
};

/* Hashes of a leaf.  ST_INTERNAL: the library failed; so below. */
MUST_USE enum status ledger_receipt(const struct ledger_salt *salt,
    uint64_t seq, const struct receipt *r, struct ledger_hash *out);
MUST_USE enum status
ledger_erased(const struct ledger_erasure *x, struct ledger_hash *out);
/* Of any data. */
MUST_USE enum status ledger_leaf(struct bytes data, struct ledger_hash *out);

/* How many peaks a tree of this size has. */
size_t ledger_peaks(uint64_t size);

/* A failure is remembered and the tree of no use from then on. */
void ledger_append(struct ledger_tree *t, const struct ledger_hash *leaf);

/* Also says whether an append failed. */
MUST_USE enum status
ledger_root(const struct ledger_tree *t, struct ledger_hash *out);

/* What a tree that is kept, and when it was, is checked by: the SHA-256 of
 * size[8] at_us[8] and the peaks. */
MUST_USE enum status
ledger_sum(const struct ledger_tree *t, int64_t at_us, struct ledger_hash *out);

/*
 * A proof is made while the leaves pass by: ledger_prove_leaf() or
 * ledger_prove_growth() say of which leaves each of its hashes is, then comes
 * every leaf of the tree, in order, through ledger_prove().
 */
struct ledger_proof {
	size_t n;
	struct ledger_part {
		uint64_t from, to; /* half-open */
		struct ledger_hash hash;
	} parts[LEDGER_PATH];
	struct ledger_tree part; /* of the one that is passing by */
};

/* That leaf `index` is in the tree of this size, which is above it. */
void ledger_prove_leaf(struct ledger_proof *p, uint64_t index, uint64_t size);

/* That the tree of this size begins with the one of size `from`, which is
 * neither 0 nor above it. */
void ledger_prove_growth(struct ledger_proof *p, uint64_t from, uint64_t size);

MUST_USE enum status ledger_prove(
    struct ledger_proof *p, uint64_t index, const struct ledger_hash *leaf);

/* Do the hashes of p prove it?  Indices and sizes that make no sense prove
 * nothing. */
MUST_USE bool
ledger_proves_leaf(const struct ledger_proof *p, uint64_t index, uint64_t size,
    const struct ledger_hash *leaf, const struct ledger_hash *root);
MUST_USE bool
ledger_proves_growth(const struct ledger_proof *p, uint64_t from, uint64_t size,
    const struct ledger_hash *old, const struct ledger_hash *root);

/* What is signed of a head. */
void ledger_signed(uint64_t size, const struct ledger_hash *root,
    uint64_t timestamp_ms, unsigned char out[LEDGER_SIGNED]);

#endif
