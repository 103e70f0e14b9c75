/* The configuration from any bytes: no crash, and faults exactly when refused.
 * What it names is not looked at. */
#include <stdint.h>
#include <stdlib.h>

#include "config/ini.h"
#include "config/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_source src = {
		.file = "f", .folder = "/x", .text = bytes_make(data, size)
	};
	struct config *c;
	struct buf faults;
	enum status st;

	if (size > INI_FILE)
		return 0;
	buf_init(&faults, 1024 * 1024);
	st = config_parse(&c, &src, &faults);
	if ((st == ST_OK) != (c != NULL) || (st == ST_OK) != (faults.len == 0))
		abort();
	config_free(c);
	buf_fini(&faults);
	return 0;
}
