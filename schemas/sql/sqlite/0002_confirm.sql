-- A payment before it is a receipt, and what stays of one that never was.
-- The checks of the first columns are those of table receipt.

-- It waits for SSLCommerz to confirm it (next_us is not null), or is held for
-- a person to decide (reason is not null).  tran_id: what to ask by, where it
-- is not the invoice ID.
CREATE TABLE waiting (
	n              INTEGER PRIMARY KEY AUTOINCREMENT,
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
	paid_at_us     INTEGER NOT NULL
	               CHECK (paid_at_us >= 946684800000000
	                  AND paid_at_us < 4102444800000000),
	received_at_us INTEGER NOT NULL
	               CHECK (received_at_us >= 946684800000000
	                  AND received_at_us < 4102444800000000),
	tran_id        TEXT
	               CHECK (length(CAST(tran_id AS BLOB)) BETWEEN 1 AND 64
	                  AND length(tran_id) = length(CAST(tran_id AS BLOB))
	                  AND tran_id NOT GLOB '*[^A-Za-z0-9 ._:/#@+-]*'
	                  AND trim(tran_id) = tran_id),
	attempts       INTEGER NOT NULL -- made
	               CHECK (attempts BETWEEN 0 AND 4294967294),
	denied         INTEGER NOT NULL
	               CHECK (denied BETWEEN 0 AND 4294967295),
	next_us        INTEGER CHECK (next_us >= 0),
	reason         INTEGER CHECK (reason BETWEEN 1 AND 63),
	held_at_us     INTEGER CHECK (held_at_us >= 0),
	-- What SSLCommerz says of a held one, if it says anything.
	answered_invoice_id TEXT
	               CHECK (length(CAST(answered_invoice_id AS BLOB))
	                      BETWEEN 1 AND 64
	                  AND length(answered_invoice_id)
	                      = length(CAST(answered_invoice_id AS BLOB))
	                  AND answered_invoice_id
	                      NOT GLOB '*[^A-Za-z0-9 ._:/#@+-]*'
	                  AND trim(answered_invoice_id) = answered_invoice_id),
	answered_currency TEXT
	               CHECK (length(CAST(answered_currency AS BLOB)) = 3
	                  AND answered_currency GLOB '[A-Z][A-Z][A-Z]'),
	answered_amount_minor INTEGER
	               CHECK (answered_amount_minor BETWEEN 1 AND 99999999999999),
	CHECK ((next_us IS NULL) = (reason IS NOT NULL)),
	CHECK ((held_at_us IS NULL) = (reason IS NULL)),
	CHECK (answered_invoice_id IS NULL OR reason IS NOT NULL),
	CHECK ((answered_currency IS NULL) = (answered_invoice_id IS NULL)),
	CHECK ((answered_amount_minor IS NULL) = (answered_invoice_id IS NULL))
) STRICT;

-- Questions that are due, in the order in which they are; each entry ends
-- with n.
CREATE INDEX waiting_due ON waiting (merchant, next_us)
	WHERE next_us IS NOT NULL;

-- The age of the oldest, however many are held.
CREATE INDEX waiting_oldest ON waiting (received_at_us)
	WHERE next_us IS NOT NULL;

-- Pages of held ones, of all merchants and of one.
CREATE INDEX waiting_held ON waiting (n) WHERE reason IS NOT NULL;
CREATE INDEX waiting_held_merchant ON waiting (merchant)
	WHERE reason IS NOT NULL;

-- A refused payment: a repeated callback does not bring it back.
CREATE TABLE tombstone (
	id    BLOB PRIMARY KEY CHECK (length(id) = 16),
	at_us INTEGER NOT NULL CHECK (at_us >= 0)
) STRICT, WITHOUT ROWID;

ALTER TABLE store ADD COLUMN
	waiting INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0);
ALTER TABLE store ADD COLUMN
	held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0);

PRAGMA user_version = 2;
