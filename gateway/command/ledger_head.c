#include "command/ledger_head.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/secret.h"
#include "config/key_file.h"

static struct bytes
signed_bytes(const struct ledger_head *h, unsigned char out[LEDGER_SIGNED])
{
	ledger_signed(h->size, &h->root, h->timestamp_ms, out);
	return bytes_make(out, LEDGER_SIGNED);
}

enum status
ledger_head_sign(struct ledger_head *h, const struct config *c, struct err *e)
{
	unsigned char seed[KEY_FILE_BYTES], text[LEDGER_SIGNED];
	enum status st = key_file_load(c->ledger_key_file, true, seed, e);

	if (st != ST_OK)
		return st;
	h->timestamp_ms = (uint64_t)clock_wall_us() / 1000;
	st = ed25519_public(seed, h->key);
	if (st == ST_OK)
		st = ed25519_sign(seed, signed_bytes(h, text), h->signature);
	secret_wipe(seed, sizeof(seed));
	return st;
}

static bool
take_hex(const json_t *object, const char *name, unsigned char *out, size_t n)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && secret_unhex(text, out, n);
}

static bool
take_number(const json_t *object, const char *name, uint64_t *out)
{
	const json_t *number = json_object_get(object, name);

	*out = (uint64_t)json_integer_value(number);
	return json_is_integer(number) && json_integer_value(number) >= 0;
}

enum status
ledger_head_read(struct ledger_head *out, const char *path, struct err *e)
{
	json_t *object = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	bool good;

	memset(out, 0, sizeof(*out));
	good = take_number(object, "size", &out->size) &&
	       take_hex(object, "root", out->root.b, sizeof(out->root.b)) &&
	       take_number(object, "timestamp_ms", &out->timestamp_ms) &&
	       take_hex(object, "key", out->key, sizeof(out->key)) &&
	       take_hex(
		   object, "signature", out->signature, sizeof(out->signature));
	json_decref(object);
	if (good)
		return ST_OK;
	err_set(e, "%s: not a head, as `paysieve ledger head` prints it", path);
	return ST_BAD_INPUT;
}

enum status
ledger_head_check(
    const struct ledger_head *h, const struct config *c, struct err *e)
{
	unsigned char seed[KEY_FILE_BYTES], key[ED25519_PUBLIC];
	unsigned char text[LEDGER_SIGNED];
	enum status st = key_file_load(c->ledger_key_file, false, seed, e);

	if (st == ST_OK)
		st = ed25519_public(seed, key);
	secret_wipe(seed, sizeof(seed));
	if (st != ST_OK)
		return st;
	if (memcmp(key, h->key, sizeof(key)) != 0)
		err_set(e, "the head is signed with another key than that of "
			   "ledger_key_file");
	else if (!ed25519_good(key, signed_bytes(h, text), h->signature))
		err_set(e, "the head's signature is not good");
	else
		return ST_OK;
	return ST_BAD_INPUT;
}

void
ledger_head_print(const struct ledger_head *h)
{
	char root[2 * LEDGER_HASH + 1], key[2 * ED25519_PUBLIC + 1];
	char signature[2 * ED25519_SIGNATURE + 1];

	secret_hex(h->root.b, sizeof(h->root.b), root);
	secret_hex(h->key, sizeof(h->key), key);
	secret_hex(h->signature, sizeof(h->signature), signature);
	(void)printf("{\"size\":%llu,\"root\":\"%s\",\"timestamp_ms\":%llu,"
		     "\"key\":\"%s\",\"signature\":\"%s\"}",
	    (unsigned long long)h->size, root,
	    (unsigned long long)h->timestamp_ms, key, signature);
}
