-- What became of deliveries, what pollers leave with us, which tokens ended.

-- An endpoint that answered 410 gets nothing until somebody resumes it.
ALTER TABLE endpoint ADD COLUMN
	disabled_at_us INTEGER CHECK (disabled_at_us >= 0);

-- The schedule starts at first_us (0: when the receipt was received) and
-- starts again when somebody asks for it; `before` attempts came before that.
ALTER TABLE delivery ADD COLUMN
	first_us INTEGER NOT NULL DEFAULT 0 CHECK (first_us >= 0);
ALTER TABLE delivery ADD COLUMN
	before INTEGER NOT NULL DEFAULT 0 CHECK (before >= 0);

-- The good attempt, which the log does not repeat.
ALTER TABLE delivered ADD COLUMN
	took_ms INTEGER NOT NULL DEFAULT 0 CHECK (took_ms >= 0);
ALTER TABLE delivered ADD COLUMN
	bytes INTEGER NOT NULL DEFAULT 0 CHECK (bytes >= 0);

-- What is tried no more: the schedule ended (state 2), or somebody said so
-- (state 3).  Kept until somebody retries it.
CREATE TABLE stopped (
	seq         INTEGER NOT NULL REFERENCES receipt (seq),
	endpoint_id INTEGER NOT NULL REFERENCES endpoint (id),
	state       INTEGER NOT NULL CHECK (state IN (2, 3)),
	attempts    INTEGER NOT NULL CHECK (attempts >= 0),
	at_us       INTEGER NOT NULL CHECK (at_us >= 0),
	outcome     INTEGER CHECK (outcome BETWEEN 0 AND 63), -- of the last one
	http_status INTEGER CHECK (http_status BETWEEN 0 AND 599),
	PRIMARY KEY (seq, endpoint_id)
) STRICT, WITHOUT ROWID;

-- The exhausted ones, however many are dropped.
CREATE INDEX stopped_exhausted ON stopped (seq) WHERE state = 2;

-- The attempt log: what failed, and what succeeded before it was asked for
-- again.  n grows with time, so that the oldest go first.  Nothing that a
-- receiver said is here but its status.
CREATE TABLE attempt (
	n           INTEGER PRIMARY KEY AUTOINCREMENT,
	seq         INTEGER NOT NULL,
	endpoint_id INTEGER NOT NULL,
	number      INTEGER NOT NULL CHECK (number > 0),
	at_us       INTEGER NOT NULL CHECK (at_us >= 0),
	outcome     INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 63),
	http_status INTEGER NOT NULL CHECK (http_status BETWEEN 0 AND 599),
	took_ms     INTEGER NOT NULL CHECK (took_ms >= 0),
	bytes       INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

CREATE INDEX attempt_of ON attempt (seq, endpoint_id);

-- Where a poller stands, by a name of its own.
CREATE TABLE mark (
	merchant TEXT NOT NULL
	         CHECK (length(CAST(merchant AS BLOB)) BETWEEN 1 AND 32
	            AND length(merchant) = length(CAST(merchant AS BLOB))
	            AND merchant NOT GLOB '*[^A-Za-z0-9_-]*'),
	name     TEXT NOT NULL
	         CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 32
	            AND length(name) = length(CAST(name AS BLOB))
	            AND name NOT GLOB '*[^A-Za-z0-9_-]*'),
	seq      INTEGER NOT NULL CHECK (seq >= 0),
	at_us    INTEGER NOT NULL CHECK (at_us >= 0),
	PRIMARY KEY (merchant, name)
) STRICT, WITHOUT ROWID;

-- API tokens by their digest: the day (UTC, since 1970-01-01) of their last
-- use, and since when they are revoked.
CREATE TABLE token (
	sha256        BLOB PRIMARY KEY CHECK (length(sha256) = 32),
	day           INTEGER NOT NULL DEFAULT 0 CHECK (day >= 0),
	revoked_at_us INTEGER CHECK (revoked_at_us >= 0)
) STRICT, WITHOUT ROWID;

ALTER TABLE store ADD COLUMN
	exhausted INTEGER NOT NULL DEFAULT 0 CHECK (exhausted >= 0);

PRAGMA user_version = 3;
