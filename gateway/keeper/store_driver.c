#include "keeper/store_driver.h"

#include <string.h>

#include "base/attr.h"

static const struct store_driver *const drivers[] = { &store_driver_sqlite };

const struct store_driver *
store_driver_find(const char *scheme)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (strcmp(drivers[i]->name, scheme) == 0)
			return drivers[i];
	}
	return NULL;
}
