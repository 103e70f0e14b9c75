-- What is forgotten, and what stays of it.

-- Why there is a tombstone: 0 refused, 1 erased by request, 2 for its age.
ALTER TABLE tombstone ADD COLUMN
	why INTEGER NOT NULL DEFAULT 0 CHECK (why BETWEEN 0 AND 2);
-- Those of refused payments go after a term; the others never.
CREATE INDEX tombstone_refused ON tombstone (at_us) WHERE why = 0;

-- What has been tried no more for the longest time.
CREATE INDEX stopped_age ON stopped (at_us);

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

-- What stays of receipts that were deidentified.  The one that is still open
-- gathers until it has ten and another day begins; written ones never change.
CREATE TABLE total (
	n            INTEGER PRIMARY KEY AUTOINCREMENT,
	merchant     TEXT NOT NULL
	             CHECK (length(CAST(merchant AS BLOB)) BETWEEN 1 AND 32
	                AND length(merchant) = length(CAST(merchant AS BLOB))
	                AND merchant NOT GLOB '*[^A-Za-z0-9_-]*'),
	currency     TEXT NOT NULL
	             CHECK (length(CAST(currency AS BLOB)) = 3
	                AND currency GLOB '[A-Z][A-Z][A-Z]'),
	first_day    INTEGER NOT NULL CHECK (first_day >= 0),
	last_day     INTEGER NOT NULL CHECK (last_day >= first_day),
	receipts     INTEGER NOT NULL CHECK (receipts > 0),
	amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
	is_open      INTEGER NOT NULL CHECK (is_open IN (0, 1)),
	CHECK (is_open OR receipts >= 10)
) STRICT;

CREATE UNIQUE INDEX total_open ON total (merchant, currency) WHERE is_open;

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

-- The ledger (gateway/receipt/ledger.h): the number of a receipt's leaf, and
-- what makes it impossible to guess the receipt from it.  Null only until the
-- first start with this schema is over.
ALTER TABLE receipt ADD COLUMN
	leaf INTEGER CHECK (leaf >= 0);
ALTER TABLE receipt ADD COLUMN
	salt BLOB CHECK (length(salt) = 32);

-- Never changed, never deleted.  An erasure: of which leaf, why, when.
CREATE TABLE leaf (
	n     INTEGER PRIMARY KEY CHECK (n >= 0),
	hash  BLOB NOT NULL CHECK (length(hash) = 32),
	of    INTEGER CHECK (of >= 0 AND of < n),
	why   INTEGER CHECK (why BETWEEN 0 AND 255),
	at_us INTEGER CHECK (at_us >= 0),
	CHECK ((of IS NULL) = (why IS NULL)),
	CHECK ((of IS NULL) = (at_us IS NULL))
) STRICT;

-- What the tree was: its peaks, from which it can be gone on with; sum is the
-- SHA-256 of the others, numbers as eight bytes.
CREATE TABLE head (
	size  INTEGER PRIMARY KEY CHECK (size > 0),
	at_us INTEGER NOT NULL CHECK (at_us >= 0),
	peaks BLOB NOT NULL CHECK (length(peaks) BETWEEN 32 AND 2048
	                       AND length(peaks) % 32 = 0),
	sum   BLOB NOT NULL CHECK (length(sum) = 32)
) STRICT;

PRAGMA user_version = 4;
