-- What is forgotten, and what stays of it.

-- Why there is a tombstone: 0 refused, 1 erased by request, 2 for its age.
ALTER TABLE tombstone ADD COLUMN
	why INTEGER NOT NULL DEFAULT 0 CHECK (why BETWEEN 0 AND 2);
CREATE INDEX tombstone_age ON tombstone (at_us);

-- What has been kept longest, of each merchant.
CREATE INDEX receipt_age ON receipt (merchant, received_at_us);

-- Invoices that must not be erased, whoever asks.
CREATE TABLE legal_hold (
	merchant   TEXT NOT NULL
	           CHECK (length(CAST(merchant AS BLOB)) BETWEEN 1 AND 32
	              AND length(merchant) = length(CAST(merchant AS BLOB))
	              AND merchant NOT GLOB '*[^A-Za-z0-9_-]*'),
	invoice_id TEXT NOT NULL
	           CHECK (length(CAST(invoice_id AS BLOB)) BETWEEN 1 AND 64
	              AND length(invoice_id) = length(CAST(invoice_id AS BLOB))
	              AND invoice_id NOT GLOB '*[^A-Za-z0-9 ._:/#@+-]*'
	              AND trim(invoice_id) = invoice_id),
	at_us      INTEGER NOT NULL CHECK (at_us >= 0),
	PRIMARY KEY (merchant, invoice_id)
) STRICT, WITHOUT ROWID;

-- Who is still to be told that a receipt is erased.
CREATE TABLE notice (
	n           INTEGER PRIMARY KEY AUTOINCREMENT,
	id          BLOB NOT NULL CHECK (length(id) = 16),
	merchant    TEXT NOT NULL
	            CHECK (length(CAST(merchant AS BLOB)) BETWEEN 1 AND 32
	               AND length(merchant) = length(CAST(merchant AS BLOB))
	               AND merchant NOT GLOB '*[^A-Za-z0-9_-]*'),
	endpoint_id INTEGER NOT NULL REFERENCES endpoint (id),
	erased_us   INTEGER NOT NULL CHECK (erased_us >= 0),
	attempts    INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0), -- failed
	first_us    INTEGER NOT NULL CHECK (first_us >= 0),
	next_us     INTEGER NOT NULL CHECK (next_us >= 0)
) STRICT;

CREATE INDEX notice_due ON notice (endpoint_id, next_us, n);

ALTER TABLE store ADD COLUMN
	notices INTEGER NOT NULL DEFAULT 0 CHECK (notices >= 0);

PRAGMA user_version = 4;
