#include "asker/url.h"

#define API "/validator/api/"

/* Not isalnum(): the locale has no say here. */
static bool
unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

static void
add(struct buf *out, const char *name, const char *value)
{
	static const char hex[] = "0123456789ABCDEF";

	buf_append_text(out, name);
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		char coded[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (unreserved(*value))
			buf_append(out, value, 1);
		else
			buf_append(out, coded, sizeof(coded));
	}
}

static void
add_store(struct buf *out, const char *store_id, const char *password)
{
	add(out, "&store_id=", store_id);
	add(out, "&store_passwd=", password);
}

void
url_by_val_id(struct buf *out, const char *store_id, const char *password,
    const char *val_id)
{
	add(out, API "validationserverAPI.php?val_id=", val_id);
	add_store(out, store_id, password);
	buf_append_text(out, "&v=1&format=json");
}

void
url_by_tran_id(struct buf *out, const char *store_id, const char *password,
    const char *tran_id)
{
	add(out, API "merchantTransIDvalidationAPI.php?tran_id=", tran_id);
	add_store(out, store_id, password);
	buf_append_text(out, "&format=json");
}
