/*
 * Receipts and folders for tests of the store.  All data is made up.
 */
#ifndef DRIVER_CASES_H
#define DRIVER_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "receipt/receipt.h"

/* Receipt number n of a merchant: an id, an invoice ID and times of its own,
 * in order. */
struct receipt driver_cases_receipt(uint32_t n, const char *merchant);

/* When receipt n was received. */
int64_t driver_cases_received_us(uint32_t n);

/* A new folder, 0700; the path of a store in it in path. */
void driver_cases_folder(char *path, size_t cap);

/* Remove the store at path with its companions and the folder. */
void driver_cases_remove(const char *path);

#endif
