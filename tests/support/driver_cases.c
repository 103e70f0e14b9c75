#include "driver_cases.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"

int64_t
driver_cases_received_us(uint32_t n)
{
	return INT64_C(1764657047000000) + (int64_t)n * 1000000;
}

struct receipt
driver_cases_receipt(uint32_t n, const char *merchant)
{
	struct receipt r = { .amount_minor = 115000,
		.received_at_us = driver_cases_received_us(n),
		.paid_at_us = driver_cases_received_us(n) - 2000000,
		.currency = "BDT" };
	size_t len = strlen(merchant);

	assert(len < sizeof(r.merchant));
	memcpy(r.merchant, merchant, len);
	memcpy(r.id.b, &n, sizeof(n));
	r.id.b[ID_BYTES - 1] = (unsigned char)merchant[0];
	(void)snprintf(r.invoice_id, sizeof(r.invoice_id), "INV-2025-%06u", n);
	assert(receipt_valid(&r));
	return r;
}

void
driver_cases_folder(char *path, size_t cap)
{
	const char *base = getenv("TMPDIR");
	char dir[256];
	int n = snprintf(dir, sizeof(dir), "%s/paysieve-test-XXXXXX",
	    base != NULL ? base : "/tmp");

	assert(n > 0 && (size_t)n < sizeof(dir));
	(void)umask(077); /* a file that others may read is refused */
	assert(mkdtemp(dir) == dir);
	n = snprintf(path, cap, "%s/receipts.db", dir);
	assert(n > 0 && (size_t)n < cap);
}

void
driver_cases_remove(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-lock",
		"-erased", "-journal" };
	char name[512];
	char *slash;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	(void)snprintf(name, sizeof(name), "%s", path);
	slash = strrchr(name, '/');
	*slash = '\0';
	(void)rmdir(name);
}
