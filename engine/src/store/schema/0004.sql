-- Delivery under every fault: epochs without an offset, topics that were created anew, partitions that stand still, and
-- what goes along with a mark.

-- What of a message goes along with the marks that rest on it.
ALTER TABLE matches ADD COLUMN message_key BLOB;
ALTER TABLE matches ADD COLUMN traceparent TEXT;  -- its header, where it is well-formed
ALTER TABLE matches ADD COLUMN tracestate TEXT;

-- Whether something of a topic is due to be caught up is asked at every deadline.
CREATE INDEX to_catch_up_due ON to_catch_up (topic, due_at);

-- Partitions that stand still until somebody releases them, with what would be set aside of the message that they stopped
-- at. (Nothing has written to the table before.)
DROP TABLE frozen_partitions;
CREATE TABLE frozen_partitions (
    cluster      TEXT NOT NULL,
    topic        TEXT NOT NULL,
    "partition"  INTEGER NOT NULL,
    epoch        INTEGER NOT NULL,
    "offset"     INTEGER NOT NULL,  -- of the message
    arrival      TEXT NOT NULL,
    key          BLOB,
    payload      BLOB,
    payload_size INTEGER,
    kind         TEXT NOT NULL CHECK (kind IN ('reject', 'fault')),
    fault        TEXT,
    reason       TEXT NOT NULL,
    backtrace    TEXT,
    matcher      TEXT NOT NULL,
    sha256       TEXT NOT NULL,
    frozen_at    TEXT NOT NULL,
    PRIMARY KEY (cluster, topic, "partition")
) STRICT, WITHOUT ROWID;
