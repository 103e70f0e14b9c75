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

#define PAGE(index)	 "SELECT " ROW " FROM receipt " index "WHERE seq > ?1 "
#define PAGE_DESC(index) "SELECT " ROW " FROM receipt " index "WHERE seq < ?1 "
#define UNDELIVERED(beyond, direction)                                 \
	"SELECT seq FROM delivery WHERE seq " beyond " ?1 "            \
	"UNION SELECT seq FROM stopped INDEXED BY stopped_exhausted "  \
	"WHERE state = 2 AND seq " beyond " ?1 ORDER BY seq" direction \
	" LIMIT ?2"

#define DUE                                                             \
	"SELECT " ROW ", delivery.attempts, next_us, first_us, before " \
	"FROM delivery CROSS JOIN receipt USING (seq) "                 \
	"WHERE endpoint_id = ?1 "

/* Of merchant ?1, received before ?2, its invoice not held by a person. */
#define NOT_HELD(table)                                  \
	"AND NOT EXISTS (SELECT 1 FROM legal_hold AS l " \
	"WHERE l.merchant = " table ".merchant "         \
	"AND l.invoice_id = " table ".invoice_id) "
#define EXPIRED(table, index)               \
	" FROM " table " INDEXED BY " index \
	" WHERE merchant = ?1 AND received_at_us < ?2 " NOT_HELD(table)
#define EXPIRED_OPEN                         \
	" FROM waiting WHERE merchant = ?1 " \
	"AND received_at_us < ?2 " NOT_HELD("waiting")

/* What is tried no more since before ?1; what was refused before that. */
#define STOPPED                                 \
	" FROM stopped INDEXED BY stopped_age " \
	"CROSS JOIN receipt USING (seq) WHERE at_us < ?1 " NOT_HELD("receipt")
#define REFUSED                                         \
	" FROM tombstone INDEXED BY tombstone_refused " \
	"WHERE why = 0 AND at_us < ?1 "

/* One delivery of receipt ?1, to an endpoint behind ?2. */
#define LINE(state, outcome, at, table)                           \
	"SELECT endpoint_id, name, " state ", attempts, " outcome \
	", http_status, " at " FROM " table                       \
	" CROSS JOIN endpoint ON endpoint.id = endpoint_id "      \
	"WHERE seq = ?1 AND endpoint_id > ?2 "

#define OPENING                                          \
	"SELECT " ROW ", leaf, salt, hash FROM receipt " \
	"LEFT JOIN leaf ON leaf.n = receipt.leaf "

const char *const driver_sqlite_sql_text[SQL_STATEMENTS] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SNAPSHOT] = "BEGIN",
	[SQL_EPOCH] = "SELECT epoch FROM store",
	[SQL_ENDPOINT_NEW] = "INSERT INTO endpoint (name) VALUES (?1) "
			     "ON CONFLICT (name) DO NOTHING",
	[SQL_ENDPOINT] = "SELECT id, ifnull(disabled_at_us, 0) FROM endpoint "
			 "WHERE name = ?1",
	[SQL_ENDPOINTS] = "SELECT max(id) FROM endpoint",
	[SQL_DISABLE] = "UPDATE endpoint SET disabled_at_us = nullif(?2, 0) "
			"WHERE id = ?1",
	/* VALUES, here and wherever it is often: INSERT SELECT may be many
	 * rows, for which SQLite copies each page that it changes. */
	[SQL_PUT] = "INSERT INTO receipt (" RECEIPT ", leaf, salt) "
		    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
		    "ON CONFLICT (id) DO NOTHING",
	[SQL_PUT_TAKEN] = "SELECT EXISTS (SELECT 1 FROM waiting WHERE id = ?1)"
			  " OR EXISTS (SELECT 1 FROM tombstone WHERE id = ?1)",
	[SQL_OWE] = "INSERT INTO delivery "
		    "(seq, endpoint_id, attempts, next_us, first_us) "
		    "VALUES (?1, ?2, 0, ?3, ?3)",
	[SQL_DELIVERED] = "INSERT INTO delivered "
			  "(seq, endpoint_id, attempts, at_us, http_status, "
			  "took_ms, bytes) "
			  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[SQL_OWED_IT] = "DELETE FROM delivery WHERE seq = ?1 "
			"AND endpoint_id = ?2 AND attempts + 1 = ?3",
	[SQL_OWE_NO_MORE] = "DELETE FROM delivery "
			    "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_FAILED] = "UPDATE delivery SET attempts = attempts + 1, "
		       "next_us = ?4, outcome = ?5, http_status = ?6 "
		       "WHERE seq = ?1 AND endpoint_id = ?2 "
		       "AND attempts + 1 = ?3",
	[SQL_EXHAUSTED] = "INSERT INTO stopped "
			  "(seq, endpoint_id, state, attempts, at_us, outcome, "
			  "http_status) "
			  "SELECT seq, endpoint_id, 2, attempts + 1, ?4, ?5, "
			  "?6 FROM delivery WHERE seq = ?1 "
			  "AND endpoint_id = ?2 AND attempts + 1 = ?3",
	[SQL_ATTEMPT] = "INSERT INTO attempt (seq, endpoint_id, number, "
			"at_us, outcome, http_status, took_ms, bytes) "
			"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	[SQL_ATTEMPT_GOOD] = "INSERT INTO attempt (seq, endpoint_id, number, "
			     "at_us, outcome, http_status, took_ms, bytes) "
			     "SELECT seq, endpoint_id, attempts, at_us, 0, "
			     "http_status, took_ms, bytes FROM delivered "
			     "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_OWE_AGAIN] = "UPDATE delivery SET next_us = ?3, first_us = ?3, "
			  "before = attempts "
			  "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_REVIVE_DELIVERED] =
	    "INSERT INTO delivery (seq, endpoint_id, attempts, next_us, "
	    "first_us, before, outcome, http_status) "
	    "SELECT seq, endpoint_id, attempts, ?3, ?3, attempts, 0, "
	    "http_status FROM delivered WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_FORGET_DELIVERED] = "DELETE FROM delivered "
				 "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_REVIVE_STOPPED] =
	    "INSERT INTO delivery (seq, endpoint_id, attempts, next_us, "
	    "first_us, before, outcome, http_status) "
	    "SELECT seq, endpoint_id, attempts, ?3, ?3, attempts, outcome, "
	    "http_status FROM stopped WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_FORGET_STOPPED] = "DELETE FROM stopped "
			       "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_DROP] = "INSERT INTO stopped (seq, endpoint_id, state, attempts, "
		     "at_us, outcome, http_status) "
		     "SELECT seq, endpoint_id, 3, attempts, ?3, outcome, "
		     "http_status FROM delivery "
		     "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_DROP_STOPPED] = "UPDATE stopped SET state = 3, at_us = ?3 "
			     "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_STANDS] = "SELECT 0 FROM delivery "
		       "WHERE seq = ?1 AND endpoint_id = ?2 "
		       "UNION ALL SELECT 1 FROM delivered "
		       "WHERE seq = ?1 AND endpoint_id = ?2 "
		       "UNION ALL SELECT state FROM stopped "
		       "WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_MARK] = "SELECT seq, at_us FROM mark "
		     "WHERE merchant = ?1 AND name = ?2",
	[SQL_MARKS] = "SELECT count(*) FROM mark WHERE merchant = ?1",
	[SQL_MARK_SET] = "INSERT INTO mark (merchant, name, seq, at_us) "
			 "VALUES (?1, ?2, ?3, ?4) "
			 "ON CONFLICT (merchant, name) "
			 "DO UPDATE SET seq = ?3, at_us = ?4",
	[SQL_UNMARK] = "DELETE FROM mark WHERE merchant = ?1 AND name = ?2",
	[SQL_TOKEN] = "INSERT INTO token (sha256, day, revoked_at_us) "
		      "VALUES (?1, ?2, nullif(?3, 0)) "
		      "ON CONFLICT (sha256) DO UPDATE SET "
		      "day = max(day, ?2), "
		      "revoked_at_us = ifnull(revoked_at_us, nullif(?3, 0))",
	[SQL_TOKENS] = "SELECT sha256, day, ifnull(revoked_at_us, 0) "
		       "FROM token",
	[SQL_SWEEP] = "DELETE FROM attempt WHERE n IN "
		      "(SELECT n FROM attempt ORDER BY n LIMIT ?2) "
		      "AND at_us < ?1",
	[SQL_SWEEPING] = "SELECT count(*) FROM attempt WHERE at_us < ?1",
	[SQL_STOPPED] =
	    "SELECT seq, endpoint_id, state" STOPPED "ORDER BY at_us LIMIT ?2",
	[SQL_STOPPED_COUNT] = "SELECT count(*)" STOPPED,
	[SQL_FORGET_ATTEMPTS] = "DELETE FROM attempt "
				"WHERE seq = ?1 AND endpoint_id = ?2",
	[SQL_SWEEP_REFUSED] = "DELETE FROM tombstone WHERE id IN "
			      "(SELECT id" REFUSED "ORDER BY at_us LIMIT ?2)",
	[SQL_REFUSED_COUNT] = "SELECT count(*)" REFUSED,
	[SQL_COUNTS] = "UPDATE store SET receipts = receipts + ?1, "
		       "pending = pending + ?2, waiting = waiting + ?3, "
		       "held = held + ?4, exhausted = exhausted + ?5, "
		       "notices = notices + ?6 WHERE one = 1",
	[SQL_WAIT] = "INSERT INTO waiting (" RECEIPT ", tran_id, attempts, "
		     "denied, next_us, reason, held_at_us, "
		     "answered_invoice_id, answered_currency, "
		     "answered_amount_minor) "
		     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0, ?9, ?10, "
		     "?11, ?12, ?13, ?14) "
		     "ON CONFLICT (id) DO NOTHING",
	[SQL_WAIT_TAKEN] = "SELECT EXISTS (SELECT 1 FROM receipt WHERE id = ?1)"
			   " OR EXISTS (SELECT 1 FROM tombstone WHERE id = ?1)",
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
	[SQL_BURY] = "INSERT INTO tombstone (id, at_us, why) "
		     "VALUES (?1, ?2, ?3)",
	[SQL_EXHUME] = "DELETE FROM tombstone WHERE id = ?1 AND why = 0",
	[SQL_BURY_AGAIN] = "INSERT INTO tombstone (id, at_us, why) "
			   "VALUES (?1, ?2, 1) ON CONFLICT (id) DO UPDATE "
			   "SET at_us = excluded.at_us, why = 1 WHERE why = 0",
	[SQL_ERASED] = "SELECT id, at_us FROM tombstone WHERE why = 1",
	[SQL_TELL] = "INSERT INTO notice (id, merchant, endpoint_id, "
		     "erased_us, first_us, next_us) "
		     "SELECT id, merchant, endpoint_id, ?2, ?3, ?3 "
		     "FROM receipt CROSS JOIN ("
		     "SELECT endpoint_id FROM delivery WHERE seq = ?1 "
		     "UNION ALL "
		     "SELECT endpoint_id FROM delivered WHERE seq = ?1 "
		     "UNION ALL "
		     "SELECT endpoint_id FROM stopped WHERE seq = ?1) "
		     "WHERE seq = ?1",
	[SQL_ERASE_ATTEMPTS] = "DELETE FROM attempt WHERE seq = ?1",
	[SQL_ERASE_OWED] = "DELETE FROM delivery WHERE seq = ?1",
	[SQL_ERASE_DELIVERED] = "DELETE FROM delivered WHERE seq = ?1",
	[SQL_ERASE_EXHAUSTED] = "DELETE FROM stopped "
				"WHERE seq = ?1 AND state = 2",
	[SQL_ERASE_DROPPED] = "DELETE FROM stopped WHERE seq = ?1",
	[SQL_ERASE] = "DELETE FROM receipt WHERE seq = ?1 AND id = ?2",
	[SQL_PAYMENTS] = "SELECT " ROW " FROM receipt "
			 "INDEXED BY receipt_invoice WHERE invoice_id = ?2 "
			 "AND merchant = ?1 ORDER BY seq LIMIT ?3",
	/* Few wait, and this is asked rarely: an index would cost more. */
	[SQL_PAYMENTS_OPEN] = "SELECT " LIFE " FROM waiting "
			      "WHERE merchant = ?1 AND invoice_id = ?2 "
			      "ORDER BY n LIMIT ?3",
	[SQL_LEGAL_HOLD] = "SELECT 1 FROM legal_hold "
			   "WHERE merchant = ?1 AND invoice_id = ?2",
	[SQL_LEGAL_SET] = "INSERT INTO legal_hold "
			  "(merchant, invoice_id, at_us) VALUES (?1, ?2, ?3)",
	[SQL_LEGAL_FREE] = "DELETE FROM legal_hold "
			   "WHERE merchant = ?1 AND invoice_id = ?2",
	[SQL_LEGALS] = "SELECT merchant, invoice_id, at_us FROM legal_hold "
		       "ORDER BY merchant, invoice_id",
	[SQL_EXPIRED] = "SELECT " ROW EXPIRED(
	    "receipt", "receipt_age") "ORDER BY received_at_us LIMIT ?3",
	[SQL_EXPIRED_OPEN] = "SELECT " LIFE EXPIRED_OPEN "LIMIT ?3",
	[SQL_EXPIRING] =
	    "SELECT count(*), ifnull(min(received_at_us), 0)" EXPIRED(
		"receipt", "receipt_age"),
	[SQL_EXPIRING_WAITING] =
	    "SELECT count(*), ifnull(min(received_at_us), 0)" EXPIRED_OPEN
	    "AND reason IS NULL",
	[SQL_EXPIRING_HELD] =
	    "SELECT count(*), ifnull(min(received_at_us), 0)" EXPIRED_OPEN
	    "AND reason IS NOT NULL",
	[SQL_BUCKET_OPEN] = "SELECT n, last_day, receipts FROM total "
			    "INDEXED BY total_open WHERE merchant = ?1 "
			    "AND currency = ?2 AND is_open",
	[SQL_BUCKET_ADD] = "UPDATE total SET first_day = min(first_day, ?2), "
			   "last_day = max(last_day, ?2), "
			   "receipts = receipts + 1, "
			   "amount_minor = amount_minor + ?3 WHERE n = ?1",
	[SQL_BUCKET_NEW] = "INSERT INTO total (merchant, currency, first_day, "
			   "last_day, receipts, amount_minor, is_open) "
			   "VALUES (?1, ?2, ?3, ?3, 1, ?4, 1)",
	[SQL_BUCKET_CLOSE] = "UPDATE total SET is_open = 0 WHERE n = ?1",
	[SQL_BUCKETS] = "SELECT merchant, currency, first_day, last_day, "
			"receipts, amount_minor FROM total "
			"WHERE NOT is_open ORDER BY n",
	[SQL_NOTICES] = "SELECT n, id, merchant, erased_us, attempts, "
			"first_us, next_us "
			"FROM notice INDEXED BY notice_due "
			"WHERE endpoint_id = ?1 ORDER BY next_us, n LIMIT ?2",
	[SQL_NOTICE_TAKEN] = "DELETE FROM notice WHERE n = ?1 "
			     "AND endpoint_id = ?2 AND attempts + 1 = ?3",
	[SQL_NOTICE_FAILED] = "UPDATE notice SET attempts = attempts + 1, "
			      "next_us = ?4 WHERE n = ?1 "
			      "AND endpoint_id = ?2 AND attempts + 1 = ?3",
	[SQL_LEAF] = "INSERT INTO leaf (n, hash, of, why, at_us) "
		     "VALUES (?1, ?2, ?3, ?4, ?5)",
	[SQL_LEAF_NEXT] = "SELECT ifnull(max(n) + 1, 0) FROM leaf",
	[SQL_LEAF_OF] = "SELECT leaf.n, hash FROM receipt "
			"CROSS JOIN leaf ON leaf.n = receipt.leaf "
			"WHERE seq = ?1 AND id = ?2",
	[SQL_LEAF_LAST] = "SELECT leaf IS NOT NULL FROM receipt "
			  "ORDER BY seq DESC LIMIT 1",
	[SQL_LEAFLESS] = "SELECT " ROW " FROM receipt "
			 "WHERE seq > ?1 AND leaf IS NULL "
			 "ORDER BY seq LIMIT ?2",
	[SQL_LEAF_GIVE] = "UPDATE receipt SET leaf = ?2, salt = ?3 "
			  "WHERE seq = ?1",
	[SQL_LEAVES] = "SELECT n, hash, of, why, at_us, "
		       "(SELECT hash FROM leaf AS other "
		       "WHERE other.n = leaf.of) "
		       "FROM leaf WHERE n >= ?1 ORDER BY n LIMIT ?2",
	[SQL_HEAD] = "INSERT INTO head (size, at_us, peaks, sum) "
		     "VALUES (?1, ?2, ?3, ?4)",
	[SQL_HEAD_LAST] = "SELECT size, at_us, peaks, sum FROM head "
			  "ORDER BY size DESC LIMIT 1",
	[SQL_HEADS] = "SELECT size, at_us, peaks, sum FROM head ORDER BY size",
	[SQL_OPENING] = OPENING "WHERE receipt.id = ?1",
	[SQL_OPENINGS] = OPENING "ORDER BY seq",
	[SQL_CHECK_FILE] = "PRAGMA integrity_check(100)",
	[SQL_LIFE] = "SELECT " LIFE " FROM waiting WHERE id = ?1",
	[SQL_ENDED] = "SELECT (SELECT seq FROM receipt WHERE id = ?1), "
		      "(SELECT why FROM tombstone WHERE id = ?1)",
	[SQL_PAGE] = PAGE("") "ORDER BY seq LIMIT ?2",
	[SQL_PAGE_MERCHANT] =
	    PAGE("INDEXED BY receipt_merchant ") "AND merchant = ?3 ORDER BY "
						 "seq LIMIT ?2",
	[SQL_PAGE_INVOICE] =
	    PAGE("INDEXED BY receipt_invoice ") "AND invoice_id = ?4 AND (?3 "
						"IS NULL OR merchant = ?3) "
						"ORDER BY seq LIMIT ?2",
	[SQL_UNDELIVERED] = UNDELIVERED(">", ""),
	[SQL_PAGE_DESC] = PAGE_DESC("") "ORDER BY seq DESC LIMIT ?2",
	[SQL_PAGE_MERCHANT_DESC] =
	    PAGE_DESC("INDEXED BY receipt_merchant ") "AND merchant = ?3 ORDER "
						      "BY seq DESC LIMIT ?2",
	[SQL_PAGE_INVOICE_DESC] = PAGE_DESC(
	    "INDEXED BY receipt_invoice ") "AND invoice_id = ?4 AND (?3 IS "
					   "NULL OR merchant = ?3) "
					   "ORDER BY seq DESC LIMIT ?2",
	[SQL_UNDELIVERED_DESC] = UNDELIVERED("<", " DESC"),
	[SQL_GET] = "SELECT " ROW " FROM receipt WHERE id = ?1 "
		    "AND (?2 IS NULL OR merchant = ?2)",
	[SQL_DUE] = DUE "ORDER BY next_us, seq LIMIT ?2",
	[SQL_DUE_ORDERED] = DUE
	"AND NOT EXISTS (SELECT 1 FROM receipt AS r "
	"INDEXED BY receipt_invoice CROSS JOIN delivery AS d USING (seq) "
	"WHERE r.invoice_id = receipt.invoice_id "
	"AND r.merchant = receipt.merchant AND r.seq < receipt.seq "
	/* An invoice ID may be that of very many receipts. */
	"AND r.seq >= (SELECT min(seq) FROM delivery) "
	"AND d.endpoint_id = ?1) "
	"ORDER BY next_us, seq LIMIT ?2",
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
		       "held, exhausted, notices FROM store",
	/* Receipts whose deliveries may be meant, in order of seq. */
	[SQL_SEQS] = "SELECT seq FROM receipt WHERE seq >= ?1 "
		     "ORDER BY seq LIMIT ?2",
	[SQL_SEQS_MERCHANT] = "SELECT seq FROM receipt "
			      "INDEXED BY receipt_merchant "
			      "WHERE merchant = ?3 AND seq >= ?1 "
			      "ORDER BY seq LIMIT ?2",
	[SQL_SEQS_INVOICE] = "SELECT seq FROM receipt "
			     "INDEXED BY receipt_invoice "
			     "WHERE invoice_id = ?3 AND seq >= ?1 "
			     "ORDER BY seq LIMIT ?2",
	[SQL_SEQS_ID] = "SELECT seq FROM receipt WHERE id = ?3 AND seq >= ?1 "
			"LIMIT ?2",
	[SQL_SEQS_PENDING] = "SELECT DISTINCT seq FROM delivery "
			     "WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
	[SQL_SEQS_STOPPED] = "SELECT DISTINCT seq FROM stopped "
			     "WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
	[SQL_SEQS_EXHAUSTED] = "SELECT DISTINCT seq FROM stopped "
			       "INDEXED BY stopped_exhausted "
			       "WHERE state = 2 AND seq >= ?1 "
			       "ORDER BY seq LIMIT ?2",
	[SQL_RECEIPT] = "SELECT " ROW " FROM receipt WHERE seq = ?1",
	[SQL_LINES] =
	    LINE("0", "outcome", "next_us", "delivery") "UNION ALL " LINE(
		"1", "0", "at_us", "delivered") "UNION ALL " LINE("state",
		"outcome", "at_us", "stopped") "ORDER BY 1",
	[SQL_ATTEMPTS] = "SELECT number, at_us, outcome, http_status, took_ms, "
			 "bytes FROM (SELECT number, at_us, outcome, "
			 "http_status, took_ms, bytes FROM attempt "
			 "INDEXED BY attempt_of "
			 "WHERE seq = ?1 AND endpoint_id = ?2 "
			 "UNION ALL SELECT attempts, at_us, 0, http_status, "
			 "took_ms, bytes FROM delivered "
			 "WHERE seq = ?1 AND endpoint_id = ?2 "
			 "ORDER BY number DESC LIMIT ?3) ORDER BY number",
};
