-- Candidates beside the builds that serve, and what matchers cost.

-- Messages that are to be published in a topic of dead letters, whole but for what may not be kept: until Kafka has them.
-- A message has a row here and is not published as long as it has none in dead_letters: its partition stands still at it.
CREATE TABLE dead_letters_to_publish (
    id          INTEGER PRIMARY KEY,
    cluster     TEXT NOT NULL,
    topic       TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    matcher     TEXT NOT NULL,
    to_topic    TEXT NOT NULL,
    key         BLOB,
    value       BLOB,
    headers     TEXT NOT NULL,  -- JSON: [{"name": …, "value": its bytes in base64}]
    UNIQUE (topic, "partition", "offset", cluster, epoch, matcher)
) STRICT;
ALTER TABLE dead_letters ADD COLUMN published_at TEXT;  -- in the topic of dead letters; none: it was not
