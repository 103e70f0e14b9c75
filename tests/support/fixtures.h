/*
 * Reading fixtures/: what its files hold, as the types of the gateway.
 *
 * What cannot be read fails the test.
 */
#ifndef SUPPORT_FIXTURES_H
#define SUPPORT_FIXTURES_H

#include <jansson.h>

#include "config/rooms.h"

/* The folder of one kind of cases, "sslcommerz" or "provider". */
void fixtures_root(char out[256], const char *kind);

/* The bytes of a file, fewer than cap; how many. */
size_t fixtures_file(const char *path, unsigned char *out, size_t cap);

/* The caller's to json_decref(). */
json_t *fixtures_json(const char *path);

/* sslcommerz/merchants.json, whose stores are those of all cases. */
json_t *fixtures_merchants(void);
void fixtures_identity_key(const json_t *merchants, unsigned char key[32]);

/* A text that has to be there. */
const char *fixtures_text(const json_t *object, const char *member);

/* "2026-02-10T04:43:01.123456Z", or without a fraction. */
int64_t fixtures_micros(const char *stamp);

/* A receipt of store_id, from the JSON that receipt_json() makes. */
struct receipt fixtures_receipt(const json_t *json, const char *store_id);

/* The rules of a merchant, and the digests of its passwords. */
struct edge_merchant
fixtures_merchant(const json_t *merchants, const char *store_id);

#endif
