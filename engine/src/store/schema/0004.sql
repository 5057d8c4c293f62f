-- Delivery under every fault: epochs without an offset, topics that were created anew, partitions that stand still, and
-- what goes along with a mark.

-- What of a message goes along with the marks that rest on it.
ALTER TABLE matches ADD COLUMN message_key BLOB;
ALTER TABLE matches ADD COLUMN traceparent TEXT;  -- its header, where it is well-formed
ALTER TABLE matches ADD COLUMN tracestate TEXT;

-- Which life of a topic the offsets belong to: Kafka's own id of it, which another topic of the same name does not have.
CREATE TABLE topic_ids (
    cluster TEXT NOT NULL,
    topic   TEXT NOT NULL,
    id      TEXT NOT NULL,
    seen_at TEXT NOT NULL,
    PRIMARY KEY (cluster, topic)
) STRICT, WITHOUT ROWID;

-- Marks that go out in an order, each with a number that is never given twice: it is the idempotency key outside.
CREATE TABLE new_marks (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    wait_id         INTEGER NOT NULL REFERENCES waits,
    task_id         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('success', 'failed', 'skipped')),
    match_id        INTEGER REFERENCES matches,  -- the evidence; none: a deadline, a condition or a person
    status          TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'rejected', 'superseded')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT,                        -- none: at once
    last_error      TEXT,
    ordering_key    INTEGER,                     -- marks with the same go out one after the other; none: in no order
    behind          INTEGER NOT NULL DEFAULT 0 CHECK (behind IN (0, 1)),  -- 1: an earlier one with its ordering key is pending
    created_at      TEXT NOT NULL,
    resolved_at     TEXT,
    UNIQUE (wait_id, task_id, state)
) STRICT;
INSERT INTO new_marks (id, wait_id, task_id, state, match_id, status, attempts, next_attempt_at, last_error, created_at,
                       resolved_at)
SELECT id, wait_id, task_id, state, match_id, status, attempts, next_attempt_at, last_error, created_at, resolved_at
  FROM marks;
DROP TABLE marks;
ALTER TABLE new_marks RENAME TO marks;
CREATE INDEX marks_due ON marks (ifnull(next_attempt_at, ''), id) WHERE status = 'pending' AND behind = 0;
CREATE INDEX marks_in_order ON marks (ordering_key, id) WHERE status = 'pending' AND ordering_key IS NOT NULL;
CREATE INDEX marks_of_match ON marks (match_id) WHERE match_id IS NOT NULL;
CREATE INDEX marks_open ON marks (status, id) WHERE status IN ('pending', 'rejected');

-- Whatever becomes of a mark, the next one with its ordering key is the first.
CREATE TRIGGER marks_resolved AFTER UPDATE OF status ON marks
WHEN old.status = 'pending' AND new.status <> 'pending' AND old.ordering_key IS NOT NULL
BEGIN
    UPDATE marks SET behind = 0
     WHERE id = (SELECT min(id) FROM marks WHERE status = 'pending' AND ordering_key = old.ordering_key);
END;
CREATE TRIGGER marks_forgotten AFTER DELETE ON marks
WHEN old.status = 'pending' AND old.ordering_key IS NOT NULL
BEGIN
    UPDATE marks SET behind = 0
     WHERE id = (SELECT min(id) FROM marks WHERE status = 'pending' AND ordering_key = old.ordering_key);
END;

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
