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
