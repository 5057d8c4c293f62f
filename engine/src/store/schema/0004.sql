-- Delivery under every fault: epochs without an offset, topics that were created anew, partitions that stand still, and
-- what goes along with a mark.

-- What of a message goes along with the marks that rest on it.
ALTER TABLE matches ADD COLUMN message_key BLOB;
ALTER TABLE matches ADD COLUMN traceparent TEXT;  -- its header, where it is well-formed
ALTER TABLE matches ADD COLUMN tracestate TEXT;

-- Whether something of a topic is due to be caught up is asked at every deadline.
CREATE INDEX to_catch_up_due ON to_catch_up (topic, due_at);
