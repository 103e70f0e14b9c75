-- The narrow world, and nothing wider: the checks repeat the grammar of
-- gateway/receipt, so that the file itself refuses anything else.
-- Octets are compared with characters because GLOB stops at a NUL.

PRAGMA application_id = 1885434739; -- "pays"

CREATE TABLE receipt (
	seq            INTEGER PRIMARY KEY AUTOINCREMENT,
	id             BLOB NOT NULL UNIQUE
	               CHECK (length(id) = 16),
	merchant       TEXT NOT NULL
	               CHECK (length(CAST(merchant AS BLOB)) BETWEEN 1 AND 32
	                  AND length(merchant) = length(CAST(merchant AS BLOB))
	                  AND merchant NOT GLOB '*[^A-Za-z0-9_-]*'),
	invoice_id     TEXT NOT NULL
	               CHECK (length(CAST(invoice_id AS BLOB)) BETWEEN 1 AND 64
	                  AND length(invoice_id) = length(CAST(invoice_id AS BLOB))
	                  AND invoice_id NOT GLOB '*[^A-Za-z0-9 ._:/#@+-]*'
	                  AND trim(invoice_id) = invoice_id),
	currency       TEXT NOT NULL
	               CHECK (length(CAST(currency AS BLOB)) = 3
	                  AND currency GLOB '[A-Z][A-Z][A-Z]'),
	amount_minor   INTEGER NOT NULL
	               CHECK (amount_minor BETWEEN 1 AND 99999999999999),
	paid_at_us     INTEGER NOT NULL -- from 2000 to 2100, as below
	               CHECK (paid_at_us >= 946684800000000
	                  AND paid_at_us < 4102444800000000),
	received_at_us INTEGER NOT NULL
	               CHECK (received_at_us >= 946684800000000
	                  AND received_at_us < 4102444800000000)
) STRICT;

-- A poller's page: one merchant in order of seq, which every entry ends with.
CREATE INDEX receipt_merchant ON receipt (merchant);

-- An invoice ID is nearly unique by itself; merchants are told apart by row.
CREATE INDEX receipt_invoice ON receipt (invoice_id);

CREATE TABLE endpoint (
	id   INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
	name TEXT NOT NULL UNIQUE
	     CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 32
	        AND length(name) = length(CAST(name AS BLOB))
	        AND name NOT GLOB '*[^A-Za-z0-9_-]*')
) STRICT;

-- What is still owed.  It stays small, so that settling touches few pages;
-- the first row by key is the oldest.
CREATE TABLE delivery (
	seq         INTEGER NOT NULL REFERENCES receipt (seq),
	endpoint_id INTEGER NOT NULL REFERENCES endpoint (id),
	attempts    INTEGER NOT NULL CHECK (attempts >= 0), -- failed ones
	next_us     INTEGER NOT NULL CHECK (next_us >= 0),
	outcome     INTEGER CHECK (outcome BETWEEN 0 AND 63), -- of the last one
	http_status INTEGER CHECK (http_status BETWEEN 0 AND 599),
	PRIMARY KEY (seq, endpoint_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_due ON delivery (endpoint_id, next_us, seq);

-- What billing has.
CREATE TABLE delivered (
	seq         INTEGER NOT NULL REFERENCES receipt (seq),
	endpoint_id INTEGER NOT NULL REFERENCES endpoint (id),
	attempts    INTEGER NOT NULL CHECK (attempts > 0), -- with the good one
	at_us       INTEGER NOT NULL CHECK (at_us >= 0),
	http_status INTEGER NOT NULL CHECK (http_status BETWEEN 0 AND 599),
	PRIMARY KEY (seq, endpoint_id)
) STRICT, WITHOUT ROWID;

-- One row.  The counts change in the transaction that makes them true;
-- counting ten million rows at start would take seconds.
CREATE TABLE store (
	one      INTEGER PRIMARY KEY CHECK (one = 1),
	epoch    INTEGER NOT NULL CHECK (epoch > 0),
	receipts INTEGER NOT NULL CHECK (receipts >= 0),
	pending  INTEGER NOT NULL CHECK (pending >= 0)
) STRICT;

INSERT INTO store (one, epoch, receipts, pending)
VALUES (1, random() & 9223372036854775807, 0, 0);

PRAGMA user_version = 1;
