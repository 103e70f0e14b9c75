#include "base/a.h"

#include <string.h>

/* SELECT in words is no SQL; neither is "strcpy(" in a string. */
size_t
a_length(const char *text)
{
	return strlen(text) + strlen("strcpy(a, b)") * 0;
}
