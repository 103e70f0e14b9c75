#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/secret.h"
#include "receipt/ledger.h"

#define MOST 80

static struct ledger_hash leaves[MOST];

static int
fill_leaves(void **state)
{
	(void)state;
	for (unsigned i = 0; i < MOST; i++)
		assert_int_equal(
		    ledger_leaf(bytes_make(&i, sizeof(i)), &leaves[i]), ST_OK);
	return 0;
}

static struct ledger_hash
unhex(const char *text)
{
	struct ledger_hash h;

	assert_true(secret_unhex(text, h.b, sizeof(h.b)));
	return h;
}

static void
assert_hash(const struct ledger_hash *h, const char *text)
{
	char is[2 * LEDGER_HASH + 1];

	secret_hex(h->b, sizeof(h->b), is);
	assert_string_equal(is, text);
}

static void
assert_same(const struct ledger_hash *a, const struct ledger_hash *b)
{
	assert_memory_equal(a->b, b->b, LEDGER_HASH);
}

static struct ledger_hash
root_of(const struct ledger_hash *l, uint64_t n)
{
	struct ledger_tree t = { 0 };
	struct ledger_hash root;

	for (uint64_t i = 0; i < n; i++)
		ledger_append(&t, &l[i]);
	assert_int_equal(ledger_root(&t, &root), ST_OK);
	return root;
}

static void
make_proof(struct ledger_proof *p, const struct ledger_hash *l, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(ledger_prove(p, i, &l[i]), ST_OK);
}

/* ---- the definitions of RFC 6962, section 2.1, word by word */

static uint64_t
power_below(uint64_t n)
{
	uint64_t k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

static struct ledger_hash
mth(const struct ledger_hash *d, uint64_t n)
{
	unsigned char data[1 + 2 * LEDGER_HASH] = { 1 };
	struct ledger_hash left, right, out;
	uint64_t k;

	if (n == 1)
		return d[0];
	if (n == 0) {
		assert_int_equal(secret_sha256("", 0, out.b), ST_OK);
		return out;
	}
	k = power_below(n);
	left = mth(d, k);
	right = mth(d + k, n - k);
	memcpy(data + 1, left.b, LEDGER_HASH);
	memcpy(data + 1 + LEDGER_HASH, right.b, LEDGER_HASH);
	assert_int_equal(secret_sha256(data, sizeof(data), out.b), ST_OK);
	return out;
}

static size_t
path(uint64_t m, const struct ledger_hash *d, uint64_t n,
    struct ledger_hash *out)
{
	uint64_t k;
	size_t len;

	if (n == 1)
		return 0;
	k = power_below(n);
	if (m < k) {
		len = path(m, d, k, out);
		out[len] = mth(d + k, n - k);
	} else {
		len = path(m - k, d + k, n - k, out);
		out[len] = mth(d, k);
	}
	return len + 1;
}

static size_t
subproof(uint64_t m, const struct ledger_hash *d, uint64_t n, bool b,
    struct ledger_hash *out)
{
	uint64_t k;
	size_t len;

	if (m == n && b)
		return 0;
	if (m == n) {
		out[0] = mth(d, n);
		return 1;
	}
	k = power_below(n);
	if (m <= k) {
		len = subproof(m, d, k, b, out);
		out[len] = mth(d + k, n - k);
	} else {
		len = subproof(m - k, d + k, n - k, false, out);
		out[len] = mth(d, k);
	}
	return len + 1;
}

static void
assert_path(
    const struct ledger_proof *p, const struct ledger_hash *want, size_t n)
{
	assert_int_equal(p->n, n);
	for (size_t i = 0; i < n; i++)
		assert_same(&p->parts[i].hash, &want[i]);
}

static void
the_tree_is_the_one_that_the_rfc_defines(void **state)
{
	(void)state;
	for (uint64_t n = 0; n <= MOST; n++) {
		struct ledger_hash is = root_of(leaves, n);
		struct ledger_hash should = mth(leaves, n);

		assert_same(&is, &should);
	}
}

static void
every_leaf_of_every_size_is_proved_as_the_rfc_says(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= MOST; n++) {
		struct ledger_hash root = root_of(leaves, n);

		for (uint64_t m = 0; m < n; m++) {
			struct ledger_hash want[LEDGER_PATH];
			struct ledger_proof p;

			ledger_prove_leaf(&p, m, n);
			make_proof(&p, leaves, n);
			assert_path(&p, want, path(m, leaves, n, want));
			assert_true(
			    ledger_proves_leaf(&p, m, n, &leaves[m], &root));
		}
	}
}

static void
growth_from_every_size_is_proved_as_the_rfc_says(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= MOST; n++) {
		struct ledger_hash root = root_of(leaves, n);

		for (uint64_t m = 1; m <= n; m++) {
			struct ledger_hash want[LEDGER_PATH];
			struct ledger_hash old = root_of(leaves, m);
			struct ledger_proof p;

			ledger_prove_growth(&p, m, n);
			make_proof(&p, leaves, n);
			assert_path(
			    &p, want, subproof(m, leaves, n, true, want));
			assert_true(
			    ledger_proves_growth(&p, m, n, &old, &root));
		}
	}
}

/* ---- what a proof does not prove */

static bool
any_change_still_proves_the_leaf(struct ledger_proof *p, uint64_t m, uint64_t n,
    const struct ledger_hash *root)
{
	bool any = false;

	for (size_t i = 0; i < p->n; i++) {
		p->parts[i].hash.b[i % LEDGER_HASH] ^= 1;
		any |= ledger_proves_leaf(p, m, n, &leaves[m], root);
		p->parts[i].hash.b[i % LEDGER_HASH] ^= 1;
	}
	for (uint64_t other = 0; other < n; other++) {
		if (other == m)
			continue;
		any |= ledger_proves_leaf(p, other, n, &leaves[m], root);
		any |= ledger_proves_leaf(p, m, n, &leaves[other], root);
	}
	any |= ledger_proves_leaf(p, m, n, &leaves[m], &leaves[MOST - 1]);
	any |= ledger_proves_leaf(p, n, n, &leaves[m], root);
	any |= ledger_proves_leaf(p, 0, 0, &leaves[m], root);
	p->n++;
	any |= ledger_proves_leaf(p, m, n, &leaves[m], root);
	p->n -= 2;
	any |= ledger_proves_leaf(p, m, n, &leaves[m], root);
	p->n++;
	return any;
}

static void
a_changed_proof_proves_no_leaf(void **state)
{
	(void)state;
	for (uint64_t n = 2; n <= 20; n++) {
		struct ledger_hash root = root_of(leaves, n);

		for (uint64_t m = 0; m < n; m++) {
			struct ledger_proof p;

			ledger_prove_leaf(&p, m, n);
			make_proof(&p, leaves, n);
			assert_false(
			    any_change_still_proves_the_leaf(&p, m, n, &root));
		}
	}
}

static void
a_changed_proof_proves_no_growth(void **state)
{
	(void)state;
	for (uint64_t n = 2; n <= 20; n++) {
		struct ledger_hash root = root_of(leaves, n);

		for (uint64_t m = 1; m < n; m++) {
			struct ledger_hash old = root_of(leaves, m);
			struct ledger_proof p;

			ledger_prove_growth(&p, m, n);
			make_proof(&p, leaves, n);
			for (size_t i = 0; i < p.n; i++) {
				p.parts[i].hash.b[5] ^= 4;
				assert_false(ledger_proves_growth(
				    &p, m, n, &old, &root));
				p.parts[i].hash.b[5] ^= 4;
			}
			assert_false(
			    ledger_proves_growth(&p, m, n, &root, &root));
			assert_false(
			    ledger_proves_growth(&p, m, n, &old, &old));
			assert_false(
			    ledger_proves_growth(&p, n, m, &old, &root));
			assert_false(
			    ledger_proves_growth(&p, 0, n, &old, &root));
			p.n--;
			assert_false(
			    ledger_proves_growth(&p, m, n, &old, &root));
		}
	}
}

/* ---- the vectors of the RFC's reference implementation */

static const struct {
	const char *data;
	size_t len;
	const char *root; /* of the tree that ends with it */
} vectors[] = {
	{ "", 0,
	    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01"
	    "d" },
	{ "\x00", 1,
	    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c12"
	    "5" },
	{ "\x10", 1,
	    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e7"
	    "7" },
	{ "\x20\x21", 2,
	    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b"
	    "7" },
	{ "\x30\x31", 2,
	    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d"
	    "4" },
	{ "\x40\x41\x42\x43", 4,
	    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087e"
	    "f" },
	{ "\x50\x51\x52\x53\x54\x55\x56\x57", 8,
	    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8"
	    "c" },
	{ "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
	    16,
	    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff460432"
	    "8" },
};

#define VECTORS 8

/* Leaf and size from 0 and 1; growth: two sizes. */
static const struct {
	uint64_t m, n;
	size_t len;
	const char *path[3];
} leaf_paths[] = {
	{ 0, 1, 0, { NULL } },
	{ 0, 8, 3,
	    { "96a296d224f285c67bee93c30f8a3091"
	      "57f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3"
		"e0ef4584bdff1f54c8a360f50de3031e",
		"6b47aaf29ee3c2af9af889bc1fb9254d"
		"abd31177f16232dd6aab035ca39bf6e4" } },
	{ 5, 8, 3,
	    { "bc1a0643b12e4d2d7c77918f44e0f4f7"
	      "9a838b6cf9ec5b5c283e1f4d88599e6b",
		"ca854ea128ed050b41b35ffc1b87b8eb"
		"2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398f"
		"a2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ 2, 3, 1,
	    { "fac54203e7cc696cf0dfcb42c92a1d9d"
	      "baf70ad9e621f4bd8d98662f00e3c125" } },
	{ 1, 5, 3,
	    { "6e340b9cffb37a989ca544e6bb780a2c"
	      "78901d3fb33738768511a30617afa01d",
		"5f083f0a1a33ca076a95279832580db3"
		"e0ef4584bdff1f54c8a360f50de3031e",
		"bc1a0643b12e4d2d7c77918f44e0f4f7"
		"9a838b6cf9ec5b5c283e1f4d88599e6b" } },
}, growth_paths[] = {
	{ 1, 1, 0, { NULL } },
	{ 1, 8, 3,
	    { "96a296d224f285c67bee93c30f8a3091"
	      "57f0daa35dc5b87e410b78630a09cfc7",
		"5f083f0a1a33ca076a95279832580db3"
		"e0ef4584bdff1f54c8a360f50de3031e",
		"6b47aaf29ee3c2af9af889bc1fb9254d"
		"abd31177f16232dd6aab035ca39bf6e4" } },
	{ 6, 8, 3,
	    { "0ebc5d3437fbe2db158b9f126a1d118e"
	      "308181031d0a949f8dededebc558ef6a",
		"ca854ea128ed050b41b35ffc1b87b8eb"
		"2bde461e9e3b5596ece6b9d5975a0ae0",
		"d37ee418976dd95753c1c73862b9398f"
		"a2a2cf9b4ff0fdfe8b30cd95209614b7" } },
	{ 2, 5, 2,
	    { "5f083f0a1a33ca076a95279832580db3"
	      "e0ef4584bdff1f54c8a360f50de3031e",
		"bc1a0643b12e4d2d7c77918f44e0f4f7"
		"9a838b6cf9ec5b5c283e1f4d88599e6b" } },
};

static void
vector_leaves(struct ledger_hash out[VECTORS])
{
	for (size_t i = 0; i < VECTORS; i++)
		assert_int_equal(
		    ledger_leaf(
			bytes_make(vectors[i].data, vectors[i].len), &out[i]),
		    ST_OK);
}

static void
an_empty_tree_has_the_hash_of_nothing(void **state)
{
	struct ledger_hash root = root_of(NULL, 0);

	(void)state;
	assert_hash(&root, "e3b0c44298fc1c149afbf4c8996fb924"
			   "27ae41e4649b934ca495991b7852b855");
}

static void
the_vectors_have_their_roots(void **state)
{
	struct ledger_hash l[VECTORS];

	(void)state;
	vector_leaves(l);
	for (size_t i = 0; i < VECTORS; i++) {
		struct ledger_hash root = root_of(l, i + 1);

		assert_hash(&root, vectors[i].root);
	}
}

static void
the_vectors_have_their_paths(void **state)
{
	struct ledger_hash l[VECTORS];
	struct ledger_proof p;

	(void)state;
	vector_leaves(l);
	for (size_t i = 0; i < ARRAY_LEN(leaf_paths); i++) {
		ledger_prove_leaf(&p, leaf_paths[i].m, leaf_paths[i].n);
		make_proof(&p, l, leaf_paths[i].n);
		assert_int_equal(p.n, leaf_paths[i].len);
		for (size_t j = 0; j < p.n; j++)
			assert_hash(&p.parts[j].hash, leaf_paths[i].path[j]);
	}
	for (size_t i = 0; i < ARRAY_LEN(growth_paths); i++) {
		ledger_prove_growth(&p, growth_paths[i].m, growth_paths[i].n);
		make_proof(&p, l, growth_paths[i].n);
		assert_int_equal(p.n, growth_paths[i].len);
		for (size_t j = 0; j < p.n; j++)
			assert_hash(&p.parts[j].hash, growth_paths[i].path[j]);
	}
}

/* ---- leaves */

static struct receipt
sample(unsigned invoice, int64_t amount_minor)
{
	struct receipt r = { .amount_minor = amount_minor,
		.paid_at_us = INT64_C(1764657045000000),
		.received_at_us = INT64_C(1764657047123456),
		.currency = "BDT",
		.merchant = "testbox" };

	r.id.b[0] = 7;
	(void)snprintf(r.invoice_id, sizeof(r.invoice_id), "INV-%02u", invoice);
	return r;
}

static void
the_data_of_a_receipts_leaf_is_as_written_down(void **state)
{
	struct receipt r = sample(1, 115000);
	struct ledger_hash is, should;
	struct ledger_salt salt;
	struct buf data;

	(void)state;
	for (size_t i = 0; i < LEDGER_SALT; i++)
		salt.b[i] = (unsigned char)(i + 1);
	buf_init(&data, 1024);
	buf_append(&data, "R", 1);
	buf_append(&data, salt.b, LEDGER_SALT);
	buf_append(&data, "\0\0\0\0\0\1\2\3", 8);
	buf_append(&data, "testbox", sizeof("testbox"));
	receipt_json(&r, &data);
	assert_int_equal(ledger_leaf(buf_bytes(&data), &should), ST_OK);
	assert_int_equal(ledger_receipt(&salt, 0x10203, &r, &is), ST_OK);
	assert_same(&is, &should);
	buf_fini(&data);
}

static void
the_data_of_an_erasures_leaf_is_as_written_down(void **state)
{
	struct ledger_erasure x = {
		.of = 0x1020, .why = 9, .at_us = INT64_C(0x0102030405060708)
	};
	unsigned char data[50] = { 'E' };
	struct ledger_hash is, should;

	(void)state;
	memset(x.hash.b, 0xab, LEDGER_HASH);
	data[7] = 0x10;
	data[8] = 0x20;
	memset(data + 9, 0xab, LEDGER_HASH);
	data[41] = 9;
	memcpy(data + 42, "\1\2\3\4\5\6\7\10", 8);
	assert_int_equal(
	    ledger_leaf(bytes_make(data, sizeof(data)), &should), ST_OK);
	assert_int_equal(ledger_erased(&x, &is), ST_OK);
	assert_same(&is, &should);
}

static void
what_is_signed_of_a_head_is_as_the_rfc_says(void **state)
{
	static const unsigned char should[18] = { 0, 1, 0, 0, 1, 2, 3, 4, 5, 6,
		0, 0, 0, 0, 0, 0, 3, 232 };
	struct ledger_hash root = unhex(vectors[0].root);
	unsigned char is[LEDGER_SIGNED];

	(void)state;
	ledger_signed(1000, &root, 0x010203040506, is);
	assert_memory_equal(is, should, sizeof(should));
	assert_memory_equal(is + 18, root.b, LEDGER_HASH);
}

static void
no_member_of_a_receipt_can_change_without_its_leaf(void **state)
{
	struct receipt r = sample(1, 115000), other;
	struct ledger_salt salt = { { 1 } };
	struct ledger_hash first, h;

	(void)state;
	assert_int_equal(ledger_receipt(&salt, 5, &r, &first), ST_OK);
	for (int member = 0; member < 9; member++) {
		uint64_t seq = member == 0 ? 6 : 5;

		other = r;
		other.id.b[3] ^= member == 1;
		other.merchant[0] ^= member == 2;
		other.invoice_id[4] ^= member == 3;
		memcpy(other.currency, member == 4 ? "USD" : "BDT", 3);
		other.amount_minor += member == 5;
		other.paid_at_us += member == 6 ? 1000000 : 0;
		other.received_at_us += member == 7;
		salt.b[31] = member == 8;
		assert_int_equal(ledger_receipt(&salt, seq, &other, &h), ST_OK);
		assert_memory_not_equal(h.b, first.b, LEDGER_HASH);
	}
}

/* Everything about it is known but invoice ID, amount and salt. */
static size_t
guess(const struct ledger_salt *salt, const struct ledger_hash *leaf)
{
	struct ledger_hash h;
	size_t found = 0;

	for (unsigned invoice = 0; invoice < 20; invoice++) {
		for (int64_t amount = 1; amount <= 200; amount++) {
			struct receipt r = sample(invoice, amount);

			assert_int_equal(
			    ledger_receipt(salt, 5, &r, &h), ST_OK);
			found += memcmp(h.b, leaf->b, sizeof(h.b)) == 0 ? 1 : 0;
		}
	}
	return found;
}

static void
a_leaf_whose_salt_is_gone_cannot_be_guessed(void **state)
{
	struct receipt r = sample(13, 77);
	struct ledger_salt salt, none = { { 0 } };
	struct ledger_hash leaf;

	(void)state;
	secret_random(&salt, sizeof(salt));
	assert_int_equal(ledger_receipt(&salt, 5, &r, &leaf), ST_OK);
	assert_int_equal(guess(&none, &leaf), 0);
	/* The same search finds it as long as the salt is there. */
	assert_int_equal(guess(&salt, &leaf), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_is_the_one_that_the_rfc_defines),
		cmocka_unit_test(
		    every_leaf_of_every_size_is_proved_as_the_rfc_says),
		cmocka_unit_test(
		    growth_from_every_size_is_proved_as_the_rfc_says),
		cmocka_unit_test(a_changed_proof_proves_no_leaf),
		cmocka_unit_test(a_changed_proof_proves_no_growth),
		cmocka_unit_test(an_empty_tree_has_the_hash_of_nothing),
		cmocka_unit_test(the_vectors_have_their_roots),
		cmocka_unit_test(the_vectors_have_their_paths),
		cmocka_unit_test(
		    the_data_of_a_receipts_leaf_is_as_written_down),
		cmocka_unit_test(
		    the_data_of_an_erasures_leaf_is_as_written_down),
		cmocka_unit_test(what_is_signed_of_a_head_is_as_the_rfc_says),
		cmocka_unit_test(
		    no_member_of_a_receipt_can_change_without_its_leaf),
		cmocka_unit_test(a_leaf_whose_salt_is_gone_cannot_be_guessed),
	};

	return cmocka_run_group_tests(tests, fill_leaves, NULL);
}
