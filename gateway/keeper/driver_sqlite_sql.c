#include "keeper/driver_sqlite.h"

/* What table receipt and table waiting have in common, in this order. */
#define RECEIPT                                                          \
	"id, merchant, invoice_id, currency, amount_minor, paid_at_us, " \
	"received_at_us"

#define ROW "seq, " RECEIPT

/* A waiting or held payment. */
#define LIFE                                   \
	"n, " RECEIPT ", reason, held_at_us, " \
	"answered_invoice_id, answered_currency, answered_amount_minor"

const char *const driver_sqlite_sql_text[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_EPOCH] = "SELECT epoch FROM store",
	[SQL_ENDPOINT_NEW] = "INSERT INTO endpoint (name) VALUES (?1) "
			     "ON CONFLICT (name) DO NOTHING",
	[SQL_ENDPOINT] = "SELECT id FROM endpoint WHERE name = ?1",
	[SQL_PUT] = "INSERT INTO receipt (" RECEIPT ") "
		    "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 "
		    "WHERE NOT EXISTS (SELECT 1 FROM waiting WHERE id = ?1) "
		    "AND NOT EXISTS (SELECT 1 FROM tombstone WHERE id = ?1) "
		    "ON CONFLICT (id) DO NOTHING",
	[SQL_OWE] = "INSERT INTO delivery "
		    "(seq, endpoint_id, attempts, next_us) "
		    "VALUES (?1, ?2, 0, ?3)",
	[SQL_DELIVERED] = "INSERT INTO delivered "
			  "(seq, endpoint_id, attempts, at_us, http_status) "
			  "SELECT seq, endpoint_id, attempts + 1, ?4, ?5 "
			  "FROM delivery WHERE seq = ?1 AND endpoint_id = ?2 "
			  "AND attempts + 1 = ?3",
	[SQL_OWE_NO_MORE] = "DELETE FROM delivery "
			    "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_FAILED] = "UPDATE delivery SET attempts = attempts + 1, "
		       "next_us = ?4, outcome = ?5, http_status = ?6 "
		       "WHERE seq = ?1 AND endpoint_id = ?2 "
		       "AND attempts + 1 = ?3",
	[SQL_COUNTS] = "UPDATE store SET receipts = receipts + ?1, "
		       "pending = pending + ?2, waiting = waiting + ?3, "
		       "held = held + ?4",
	[SQL_WAIT] = "INSERT INTO waiting (" RECEIPT ", tran_id, attempts, "
		     "denied, next_us, reason, held_at_us, "
		     "answered_invoice_id, answered_currency, "
		     "answered_amount_minor) "
		     "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, ?10, "
		     "?11, ?12, ?13, ?14 "
		     "WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE id = ?1) "
		     "AND NOT EXISTS (SELECT 1 FROM tombstone WHERE id = ?1) "
		     "ON CONFLICT (id) DO NOTHING",
	[SQL_AGAIN] = "UPDATE waiting SET attempts = attempts + 1, "
		      "denied = ?3, next_us = ?4 WHERE n = ?1 "
		      "AND attempts + 1 = ?2 AND next_us IS NOT NULL",
	[SQL_HOLD_IT] = "UPDATE waiting SET next_us = NULL, reason = ?3, "
			"held_at_us = ?4, answered_invoice_id = ?5, "
			"answered_currency = ?6, answered_amount_minor = ?7 "
			"WHERE n = ?1 AND id = ?2 AND next_us IS NOT NULL",
	[SQL_WAIT_NO_MORE] = "DELETE FROM waiting WHERE n = ?1 AND id = ?2 "
			     "AND next_us IS NOT NULL",
	[SQL_HOLD_NO_MORE] = "DELETE FROM waiting WHERE n = ?1 AND id = ?2 "
			     "AND reason IS NOT NULL",
	[SQL_BURY] = "INSERT INTO tombstone (id, at_us) VALUES (?1, ?2)",
	[SQL_EXHUME] = "DELETE FROM tombstone WHERE id = ?1",
	[SQL_LIFE] = "SELECT " LIFE " FROM waiting WHERE id = ?1",
	[SQL_ENDED] = "SELECT EXISTS (SELECT 1 FROM receipt WHERE id = ?1), "
		      "EXISTS (SELECT 1 FROM tombstone WHERE id = ?1)",
	[SQL_PAGE] = "SELECT " ROW " FROM receipt WHERE seq > ?1 "
		     "ORDER BY seq LIMIT ?2",
	[SQL_PAGE_MERCHANT] = "SELECT " ROW " FROM receipt "
			      "INDEXED BY receipt_merchant "
			      "WHERE merchant = ?3 AND seq > ?1 "
			      "ORDER BY seq LIMIT ?2",
	[SQL_PAGE_INVOICE] = "SELECT " ROW " FROM receipt "
			     "INDEXED BY receipt_invoice "
			     "WHERE invoice_id = ?4 AND seq > ?1 "
			     "AND (?3 IS NULL OR merchant = ?3) "
			     "ORDER BY seq LIMIT ?2",
	[SQL_GET] = "SELECT " ROW " FROM receipt WHERE id = ?1 "
		    "AND (?2 IS NULL OR merchant = ?2)",
	[SQL_DUE] = "SELECT " ROW ", attempts, next_us "
		    "FROM delivery CROSS JOIN receipt USING (seq) "
		    "WHERE endpoint_id = ?1 ORDER BY next_us, seq LIMIT ?2",
	[SQL_QUESTIONS] = "SELECT n, " RECEIPT ", attempts, next_us, denied, "
			  "tran_id FROM waiting INDEXED BY waiting_due "
			  "WHERE merchant = ?1 AND next_us IS NOT NULL "
			  "ORDER BY next_us, n LIMIT ?2",
	[SQL_HOLDS] = "SELECT " LIFE " FROM waiting INDEXED BY waiting_held "
		      "WHERE reason IS NOT NULL AND n > ?1 "
		      "ORDER BY n LIMIT ?2",
	[SQL_HOLDS_MERCHANT] = "SELECT " LIFE " FROM waiting "
			       "INDEXED BY waiting_held_merchant "
			       "WHERE reason IS NOT NULL AND merchant = ?3 "
			       "AND n > ?1 ORDER BY n LIMIT ?2",
	[SQL_HOLD] = "SELECT " LIFE " FROM waiting WHERE id = ?1 "
		     "AND reason IS NOT NULL "
		     "AND (?2 IS NULL OR merchant = ?2)",
	[SQL_TOTALS] = "SELECT receipts, pending, (SELECT received_at_us "
		       "FROM receipt WHERE seq = "
		       "(SELECT min(seq) FROM delivery)), waiting, "
		       "(SELECT min(received_at_us) FROM waiting "
		       "INDEXED BY waiting_oldest WHERE next_us IS NOT NULL), "
		       "held FROM store",
};
