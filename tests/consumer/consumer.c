/*
 * A billing system's side of paysieve, as an example to start from.
 *
 *   consumer poll URL TOKEN-FILE CA-FILE LEDGER
 *       fetch all receipts behind the place where the ledger stands
 *   consumer hook SECRET-FILE LEDGER
 *       take one event, as a CGI program: headers in HTTP_WEBHOOK_ID,
 *       HTTP_WEBHOOK_TIMESTAMP and HTTP_WEBHOOK_SIGNATURE, the body on
 *       standard input
 *
 * What it shows: the cursor is stored in the transaction that stores the
 * receipts; a receipt's id is the ledger's key, so that whatever comes twice,
 * by either way, is booked once; an event is verified over the bytes as they
 * came, in constant time, before anything in it is believed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sqlite3.h>

#define TEXT_MAX      512
#define BODY_MAX      (1024 * 1024)
#define TOLERANCE_S   300
#define SIGNATURE_MAX 45 /* base64 of 32 bytes, and a NUL */

/* ---- the ledger */

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS ledger (id TEXT PRIMARY KEY, "
    "invoice_id TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL, "
    "paid_at TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY "
    "CHECK (one = 1), cursor TEXT NOT NULL);";

static sqlite3 *
ledger_open(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
	    sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "consumer: the ledger cannot be opened\n");
		sqlite3_close(db);
		return NULL;
	}
	return db;
}

/* Run sql with n texts bound. */
static int
ledger_run(sqlite3 *db, const char *sql, const char *const *texts, int n)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	for (int i = 0; i < n && rc == SQLITE_OK; i++)
		rc = sqlite3_bind_text(q, i + 1, texts[i], -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	(void)sqlite3_finalize(q);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* Book one receipt, or see that it is booked. */
static int
ledger_book(sqlite3 *db, const json_t *receipt)
{
	static const char *const members[] = { "id", "invoice_id", "amount",
		"currency", "paid_at" };
	const char *texts[5];

	for (int i = 0; i < 5; i++) {
		texts[i] =
		    json_string_value(json_object_get(receipt, members[i]));
		if (texts[i] == NULL)
			return -1;
	}
	return ledger_run(db,
	    "INSERT INTO ledger (id, invoice_id, amount, currency, paid_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING",
	    texts, 5);
}

/* Forget a receipt that was erased: its id is all that the event says. */
static int
ledger_forget(sqlite3 *db, const json_t *data)
{
	const char *id = json_string_value(json_object_get(data, "id"));

	return id == NULL
		   ? -1
		   : ledger_run(db, "DELETE FROM ledger WHERE id = ?1", &id, 1);
}

/* Where the ledger stands; empty: at the start. */
static void
ledger_place(sqlite3 *db, char out[TEXT_MAX])
{
	sqlite3_stmt *q;

	out[0] = '\0';
	if (sqlite3_prepare_v2(db, "SELECT cursor FROM place", -1, &q, NULL) !=
	    SQLITE_OK)
		return;
	if (sqlite3_step(q) == SQLITE_ROW)
		(void)snprintf(out, TEXT_MAX, "%s",
		    (const char *)sqlite3_column_text(q, 0));
	(void)sqlite3_finalize(q);
}

/* ---- files */

/* The whole file, NUL-terminated, without the newline at its end. */
static int
read_file(FILE *f, char *out, size_t cap, size_t *len)
{
	if (f == NULL)
		return -1;
	*len = fread(out, 1, cap - 1, f);
	if (*len == cap - 1 || ferror(f))
		return -1;
	out[*len] = '\0';
	return 0;
}

static int
read_line_of(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "r");
	size_t len = 0;
	int rc = read_file(f, out, cap, &len);

	if (f != NULL)
		(void)fclose(f);
	out[strcspn(out, "\r\n")] = '\0';
	return rc;
}

/* ---- polling */

struct answer {
	size_t len;
	char text[BODY_MAX];
};

static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;

	if (n * size > sizeof(a->text) - 1 - a->len)
		return 0;
	memcpy(a->text + a->len, data, n * size);
	a->len += n * size;
	a->text[a->len] = '\0';
	return n * size;
}

/* One page into the ledger, and the cursor behind it, or neither. */
static int
take_page(sqlite3 *db, const json_t *page)
{
	const char *next = json_string_value(json_object_get(page, "next"));
	const json_t *receipts = json_object_get(page, "receipts");
	const json_t *receipt;
	size_t i;

	if (next == NULL || !json_is_array(receipts) ||
	    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return -1;
	json_array_foreach(receipts, i, receipt)
	{
		if (ledger_book(db, receipt) != 0)
			goto fail;
	}
	if (ledger_run(db,
		"INSERT INTO place (one, cursor) VALUES (1, ?1) "
		"ON CONFLICT (one) DO UPDATE SET cursor = ?1",
		&next, 1) != 0 ||
	    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		goto fail;
	return 0;
fail:
	(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

/* Fetch the page behind the ledger's place.  0: done; 1: there is more. */
static int
poll_once(sqlite3 *db, CURL *h, const char *base, struct answer *a)
{
	char place[TEXT_MAX], url[2 * TEXT_MAX];
	long status = 0;
	json_t *page;
	int rc = -1;

	ledger_place(db, place);
	(void)snprintf(url, sizeof(url), "%s/v1/receipts?limit=1000%s%s", base,
	    place[0] != '\0' ? "&after=" : "", place);
	a->len = 0;
	if (curl_easy_setopt(h, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_perform(h) != CURLE_OK)
		return -1;
	(void)curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	if (status == 410) {
		/* The store was replaced: start again.  What is booked already
		 * is known by its id. */
		return ledger_run(db, "DELETE FROM place", NULL, 0) == 0 ? 1
									 : -1;
	}
	if (status != 200)
		return -1;
	page = json_loadb(a->text, a->len, JSON_REJECT_DUPLICATES, NULL);
	if (page != NULL && take_page(db, page) == 0)
		rc = json_is_true(json_object_get(page, "more")) ? 1 : 0;
	json_decref(page);
	return rc;
}

static int
poll_all(
    sqlite3 *db, const char *base, const char *token_file, const char *ca_file)
{
	char token[TEXT_MAX], field[TEXT_MAX + 32];
	struct answer *a = malloc(sizeof(*a));
	struct curl_slist *fields = NULL;
	CURL *h = curl_easy_init();
	int rc = -1;

	if (a == NULL || h == NULL ||
	    read_line_of(token_file, token, sizeof(token)) != 0)
		goto out;
	(void)snprintf(field, sizeof(field), "Authorization: Bearer %s", token);
	fields = curl_slist_append(NULL, field);
	if (fields == NULL ||
	    curl_easy_setopt(h, CURLOPT_HTTPHEADER, fields) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_CAINFO, ca_file) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_TIMEOUT, 30L) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
	    curl_easy_setopt(h, CURLOPT_WRITEDATA, a) != CURLE_OK)
		goto out;
	do
		rc = poll_once(db, h, base, a);
	while (rc == 1);
out:
	if (rc != 0)
		fprintf(stderr, "consumer: polling failed; try again later\n");
	curl_slist_free_all(fields);
	curl_easy_cleanup(h);
	free(a);
	return rc;
}

/* ---- events */

/* The bytes of a whsec_ secret; 0: it is none. */
static size_t
secret_bytes(const char *text, unsigned char out[128])
{
	size_t n, pad = 0;
	int len;

	if (strncmp(text, "whsec_", 6) != 0)
		return 0;
	text += 6;
	n = strlen(text);
	if (n == 0 || n % 4 != 0 || n > 128)
		return 0;
	while (pad < 2 && text[n - 1 - pad] == '=')
		pad++;
	len = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
	return len > 0 ? (size_t)len - pad : 0;
}

/* Is one of the space-separated items "v1," and this signature? */
static int
one_matches(const char *items, const char *signature)
{
	size_t want = strlen(signature);
	int found = 0;

	while (*items != '\0') {
		size_t len = strcspn(items, " ");

		if (len == 3 + want && strncmp(items, "v1,", 3) == 0 &&
		    CRYPTO_memcmp(items + 3, signature, want) == 0)
			found = 1;
		items += len;
		items += strspn(items, " ");
	}
	return found;
}

/* Standard Webhooks 1.0: was this signed with secret, lately? */
static int
event_verified(const char *secret, const char *id, const char *timestamp,
    const char *items, const char *body, size_t len)
{
	unsigned char key[128], mac[EVP_MAX_MD_SIZE];
	char signature[SIGNATURE_MAX];
	size_t key_len = secret_bytes(secret, key), head;
	unsigned mac_len = 0;
	long long at, now = (long long)time(NULL);
	char *end, *text;

	if (key_len == 0 || id == NULL || timestamp == NULL || items == NULL)
		return 0;
	errno = 0;
	at = strtoll(timestamp, &end, 10);
	if (errno != 0 || end == timestamp || *end != '\0' ||
	    at < now - TOLERANCE_S || at > now + TOLERANCE_S)
		return 0;
	head = strlen(id) + 1 + strlen(timestamp) + 1;
	text = malloc(head + len + 1);
	if (text == NULL)
		return 0;
	(void)snprintf(text, head + 1, "%s.%s.", id, timestamp);
	memcpy(text + head, body, len);
	(void)HMAC(EVP_sha256(), key, (int)key_len, (unsigned char *)text,
	    head + len, mac, &mac_len);
	free(text);
	(void)EVP_EncodeBlock((unsigned char *)signature, mac, (int)mac_len);
	return one_matches(items, signature);
}

static int
take_event(sqlite3 *db, const char *body, size_t len)
{
	json_t *event = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(event, "type"));
	int rc = -1;

	if (type != NULL && strcmp(type, "payment.received") == 0)
		rc = ledger_book(db, json_object_get(event, "data"));
	else if (type != NULL && strcmp(type, "receipt.erased") == 0)
		rc = ledger_forget(db, json_object_get(event, "data"));
	else if (type != NULL)
		rc = 0; /* an event of a kind that we do not need: take it */
	json_decref(event);
	return rc;
}

static int
hook(sqlite3 *db, const char *secret_file)
{
	static char body[BODY_MAX];
	char secret[TEXT_MAX];
	const char *status = "500 Internal Server Error";
	size_t len = 0;

	if (read_line_of(secret_file, secret, sizeof(secret)) == 0 &&
	    read_file(stdin, body, sizeof(body), &len) == 0) {
		if (!event_verified(secret, getenv("HTTP_WEBHOOK_ID"),
			getenv("HTTP_WEBHOOK_TIMESTAMP"),
			getenv("HTTP_WEBHOOK_SIGNATURE"), body, len))
			status = "401 Unauthorized";
		else if (take_event(db, body, len) == 0)
			status = "204 No Content"; /* it is in the ledger */
	}
	printf("Status: %s\r\n\r\n", status);
	return fflush(stdout);
}

int
main(int argc, char **argv)
{
	sqlite3 *db;
	int rc;

	if (!(argc == 6 && strcmp(argv[1], "poll") == 0) &&
	    !(argc == 4 && strcmp(argv[1], "hook") == 0)) {
		fprintf(stderr,
		    "usage: consumer poll URL TOKEN-FILE CA-FILE LEDGER\n"
		    "       consumer hook SECRET-FILE LEDGER\n");
		return 2;
	}
	db = ledger_open(argv[argc - 1]);
	if (db == NULL)
		return 1;
	rc = argc == 6 ? poll_all(db, argv[2], argv[3], argv[4])
		       : hook(db, argv[2]);
	sqlite3_close(db);
	return rc == 0 ? 0 : 1;
}
